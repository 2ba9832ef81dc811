"""A small client of Flow Service: connects a PostgreSQL database, lists its tables, and cleans up.

Calls Adobe, unless FLOW_SERVICE_URL and FLOW_SERVICE_TOKEN_URL name another server. Credentials come from the
environment: FLOW_SERVICE_CLIENT_ID, FLOW_SERVICE_CLIENT_SECRET, FLOW_SERVICE_ORG, FLOW_SERVICE_SANDBOX.
`mockserver exec` sets all of them, `mockserver env` prints them.
"""

from __future__ import annotations

import json
import os
import urllib.parse
import urllib.request
from typing import Any

SERVICE = os.environ.get("FLOW_SERVICE_URL", "https://platform.adobe.io/data/foundation/flowservice")
TOKENS = os.environ.get("FLOW_SERVICE_TOKEN_URL", "https://ims-na1.adobelogin.com/ims/token/v3")
POSTGRESQL = {"id": "74a1c565-4e59-48d7-9d67-7c03b8a13137", "version": "1.0"}
SCOPES = "openid,AdobeID,read_organizations,additional_info.projectedProductContext"


def setting(name: str) -> str:
    """A credential from the environment."""
    try:
        return os.environ[f"FLOW_SERVICE_{name}"]
    except KeyError as missing:
        raise SystemExit(f"{missing.args[0]} is not set") from None


def send(method: str, url: str, headers: dict[str, str], body: bytes | None = None) -> Any:
    """Send a request; the JSON of the response, None if it is empty."""
    request = urllib.request.Request(url, body, headers, method=method)  # noqa: S310  (our own settings)
    with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
        text = response.read()
    return json.loads(text) if text else None


def log_in() -> dict[str, str]:
    """The headers of every request, with a new access token."""
    form = {
        "grant_type": "client_credentials",
        "client_id": setting("CLIENT_ID"),
        "client_secret": setting("CLIENT_SECRET"),
        "scope": SCOPES,
    }
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    token = send("POST", TOKENS, kind, urllib.parse.urlencode(form).encode())
    return {
        "Authorization": f"Bearer {token['access_token']}",
        "x-api-key": setting("CLIENT_ID"),
        "x-gw-ims-org-id": setting("ORG"),
        "x-sandbox-name": setting("SANDBOX"),
    }


def connect(headers: dict[str, str]) -> dict[str, str]:
    """Create the base connection; its id and etag."""
    server = "Server=crm.example.com;Database=crm;Port=5432"
    user = "UID=reader;Password=" + os.environ.get("CRM_PASSWORD", "example-password")
    body = {
        "name": "Accounts of the CRM",
        "auth": {
            "specName": "Connection String Based Authentication",
            "params": {"connectionString": f"{server};{user}"},
        },
        "connectionSpec": POSTGRESQL,
    }
    made: dict[str, str] = send(
        "POST", f"{SERVICE}/connections", {**headers, "Content-Type": "application/json"}, json.dumps(body).encode()
    )
    return made


def main() -> None:
    """Connect, explore, clean up."""
    headers = log_in()
    made = connect(headers)
    one = f"{SERVICE}/connections/{made['id']}"
    try:
        for table in send("GET", f"{one}/explore?objectType=root", headers):
            print(table["name"])
    finally:
        send("DELETE", one, {**headers, "If-Match": made["etag"]})


if __name__ == "__main__":
    main()
