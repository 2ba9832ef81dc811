"""A client that takes every scenario well: requests, which repeats lookups, and a look before a second POST."""

import os
import sys
import time

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

SPEC = {"id": "74a1c565-4e59-48d7-9d67-7c03b8a13137", "version": "1.0"}
PARAMS = {"server": "db.example.com", "port": "5432", "database": "shop", "username": "reader", "password": "s3cret"}


class Service:
    """Flow Service as this client uses it."""

    def __init__(self) -> None:
        self.url = os.environ["FLOW_SERVICE_URL"]
        self.session = requests.Session()
        # urllib3 looks at Retry-After by itself; it may repeat lookups, never a POST
        again = Retry(total=5, backoff_factor=0.1, status_forcelist=(502, 503, 504), allowed_methods=("GET",),
                      raise_on_status=False, respect_retry_after_header=False)  # fmt: skip
        self.session.mount(self.url, HTTPAdapter(max_retries=again))
        self.session.headers.update(
            {
                "x-api-key": os.environ["FLOW_SERVICE_API_KEY"],
                "x-gw-ims-org-id": os.environ["FLOW_SERVICE_ORG"],
                "x-sandbox-name": os.environ["FLOW_SERVICE_SANDBOX"],
            }
        )
        self.renew()

    def renew(self) -> None:
        """A new token."""
        form = {
            "grant_type": "client_credentials",
            "client_id": os.environ["FLOW_SERVICE_CLIENT_ID"],
            "client_secret": os.environ["FLOW_SERVICE_CLIENT_SECRET"],
            "scope": "openid,AdobeID",
        }
        answer = requests.post(os.environ["FLOW_SERVICE_TOKEN_URL"], data=form, timeout=30)
        answer.raise_for_status()
        self.session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def call(self, method: str, path: str, body=None, **headers: str) -> requests.Response:
        """One call: waits at 429, renews its token at 401, repeats a lookup whose answer cannot be read."""
        renewed = False
        for attempt in range(4):
            try:
                answer = self.session.request(method, self.url + path, json=body, headers=headers, timeout=30)
                if method == "GET" and answer.ok:
                    answer.json()
            except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError, ValueError):
                if method != "GET":
                    raise
                continue
            if answer.status_code == 429:
                time.sleep(float(answer.headers.get("Retry-After", 0.2 * 2**attempt)))
            elif answer.status_code == 401 and not renewed:
                renewed = True
                self.renew()
            else:
                return answer
        sys.exit(f"{method} {path} did not succeed in four tries")

    def connections(self) -> list[dict]:
        """All of them; a list that breaks off is begun again."""
        found, path = [], "/connections"
        while path:
            answer = self.call("GET", path)
            if answer.status_code == 400 and path != "/connections":
                found, path = [], "/connections"
                continue
            answer.raise_for_status()
            found += answer.json()["items"]
            path = answer.json()["_links"].get("next", {}).get("href")
        return found

    def create(self, name: str) -> str:
        """The id of the connection of that name, new or left behind by a creation whose outcome was unknown."""
        auth = {"specName": "Basic Authentication", "params": PARAMS}
        body = {"name": name, "connectionSpec": SPEC, "auth": auth}
        try:
            answer = self.call("POST", "/connections", body)
            lost = answer.status_code >= 500
        except requests.ConnectionError:
            lost = True
        if lost:
            there = [item["id"] for item in self.connections() if item["name"] == name]
            if there:
                return there[0]
            answer = self.call("POST", "/connections", body)
        answer.raise_for_status()
        return answer.json()["id"]

    def rename(self, entity: str, name: str) -> None:
        """Read, change, and read again when somebody else was faster."""
        for _ in range(3):
            read = self.call("GET", f"/connections/{entity}")
            if read.status_code == 404:
                return
            read.raise_for_status()
            etag = read.json()["items"][0]["etag"]
            change = [{"op": "replace", "path": "/name", "value": name}]
            answer = self.call("PATCH", f"/connections/{entity}", change, **{"If-Match": etag})
            if answer.status_code != 412:
                answer.raise_for_status()
                return
        sys.exit("somebody else was faster three times")


service = Service()
made = service.create("orders")
service.connections()
service.rename(made, "orders of the shop")
deleted = service.call("DELETE", f"/connections/{made}")
if deleted.status_code != 404:
    deleted.raise_for_status()
