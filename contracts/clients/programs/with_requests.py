"""Gets a token, creates, reads and deletes a base connection with requests, as in the tutorials."""

import requests

FLOW_SERVICE = "https://platform.adobe.io/data/foundation/flowservice"

form = {"grant_type": "client_credentials", "client_id": "client", "client_secret": "a-secret", "scope": "openid"}
token = requests.post("https://ims-na1.adobelogin.com/ims/token/v3", data=form, timeout=10).json()["access_token"]

session = requests.Session()
session.headers.update(
    {
        "Authorization": f"Bearer {token}",
        "x-api-key": "client",
        "x-gw-ims-org-id": "5C1328435BF324E90A49402A@AdobeOrg",
        "x-sandbox-name": "prod",
    }
)
body = {
    "name": "PostgreSQL of the shop",
    "auth": {
        "specName": "Connection String Based Authentication",
        "params": {
            "connectionString": "Server=db.example.com;Database=sales;Port=5432;UID=reader;Password=a-password;"
            "EncryptionMethod=1;ValidateServerCertificate=1"
        },
    },
    "connectionSpec": {"id": "74a1c565-4e59-48d7-9d67-7c03b8a13137", "version": "1.0"},
}
created = session.post(f"{FLOW_SERVICE}/connections", json=body, timeout=10)
created.raise_for_status()
assert created.headers["Location"].startswith(FLOW_SERVICE), created.headers["Location"]
address = f"{FLOW_SERVICE}/connections/{created.json()['id']}"
print(session.get(address, timeout=10).json()["items"][0]["name"])
session.delete(address, timeout=10).raise_for_status()
