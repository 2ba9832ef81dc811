"""Lists connections with httpx and a given token."""

import httpx

form = {"grant_type": "client_credentials", "client_id": "client", "client_secret": "a-secret", "scope": "openid"}
token = httpx.post("https://ims-na1.adobelogin.com/ims/token/v3", data=form).json()["access_token"]
headers = {
    "Authorization": f"Bearer {token}",
    "x-api-key": "client",
    "x-gw-ims-org-id": "5C1328435BF324E90A49402A@AdobeOrg",
    "x-sandbox-name": "prod",
}
with httpx.Client(headers=headers) as client:
    print(client.get("https://platform.adobe.io/data/foundation/flowservice/connections").json())
