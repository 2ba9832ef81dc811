"""A client without error handling: httpx, one attempt per request, no checks of failures."""

import os

import httpx

headers = {
    "Authorization": f"Bearer {os.environ['FLOW_SERVICE_TOKEN']}",
    "x-api-key": os.environ["FLOW_SERVICE_API_KEY"],
    "x-gw-ims-org-id": os.environ["FLOW_SERVICE_ORG"],
    "x-sandbox-name": os.environ["FLOW_SERVICE_SANDBOX"],
}
params = {"server": "db.example.com", "port": "5432", "database": "shop", "username": "reader", "password": "s3cret"}
body = {
    "name": "orders",
    "connectionSpec": {"id": "74a1c565-4e59-48d7-9d67-7c03b8a13137", "version": "1.0"},
    "auth": {"specName": "Basic Authentication", "params": params},
}

with httpx.Client(base_url=os.environ["FLOW_SERVICE_URL"], headers=headers, timeout=30) as service:
    if not service.get("/connections", params={"limit": 20}).is_success:
        print("could not list the connections")
    made = service.post("/connections", json=body).json().get("id", "none")
    etag = service.get(f"/connections/{made}").json().get("items", [{}])[0].get("etag", "")
    change = [{"op": "replace", "path": "/name", "value": "orders of the shop"}]
    service.patch(f"/connections/{made}", json=change, headers={"If-Match": etag})
    service.delete(f"/connections/{made}")
