"""Tests that a password sent in any place appears nowhere in the output of judge and server."""

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from mockserver.conformance import FORMATS, render, summary
from tests.calls import BASIC_PARAMS, by_string, connection
from tests.conformance.client import Client

CANARY = "c4n4ry~p&ss w/rd+é"
SAFE = quote(CANARY, safe="")
ROW_FILTER = base64.urlsafe_b64encode(json.dumps({"value": CANARY}).encode()).decode()

PLACES: dict[str, Callable[[Client], Any]] = {
    "a parameter's value": lambda client: client.send("GET", f"/connections?x={SAFE}"),
    "a parameter's name": lambda client: client.send("GET", f"/connections?{SAFE}=x"),
    "an order": lambda client: client.send("GET", f"/connections?orderby={SAFE}"),
    "a limit": lambda client: client.send("GET", f"/connections?limit={SAFE}"),
    "a row filter": lambda client: client.send("GET", f"/connections/x/explore?filters={ROW_FILTER}"),
    "an id": lambda client: client.send("GET", f"/connections/{CANARY}"),
    "a path": lambda client: client.send("GET", f"/x/{CANARY}/y"),
    "a method": lambda client: client.send(CANARY, "/connections"),
    "a header": lambda client: client.send("GET", "/connections", x_anything=CANARY),
    "a header's name": lambda client: client.send("GET", "/connections", **{CANARY: "x"}),
    "a cookie": lambda client: client.send("GET", "/connections", cookie=f"a={CANARY}"),
    "the token": lambda client: client.send("GET", "/connections", authorization=f"Bearer {CANARY}"),
    "the key": lambda client: client.send("GET", "/connections", x_api_key=CANARY),
    "the organisation": lambda client: client.send("GET", "/connections", x_gw_ims_org_id=f"{CANARY}@AdobeOrg"),
    "the sandbox": lambda client: client.send("GET", "/connections", x_sandbox_name=CANARY),
    "the etag": lambda client: client.send("PATCH", "/connections/x", [], if_match=CANARY),
    "an unknown member": lambda client: client.send("POST", "/connections", connection(x={"y": [CANARY]})),
    "a member's name": lambda client: client.send("POST", "/connections", connection(**{CANARY: 1})),
    "a param's name": lambda client: client.send(
        "POST", "/connections", connection(auth={"specName": "Basic Authentication", "params": {CANARY: CANARY}})
    ),
    "a connection string": lambda client: client.send(
        "POST", "/connections", by_string(f"Server=h;Database=d;UID=u;Password={CANARY}")
    ),
    "a patch": lambda client: client.patch(
        client.create()["id"], '"x"', {"op": "add", "path": "/auth/params/password", "value": CANARY}
    ),
    "a patch's path": lambda client: client.patch(
        client.create()["id"], '"x"', {"op": "add", "path": f"/{CANARY}", "value": CANARY}
    ),
    "no JSON": lambda client: client.send("POST", "/connections", raw=f"password={CANARY}".encode()),
    "the client secret": lambda client: client.token(client_secret=CANARY),
    "the client secret, in the query": lambda client: client.token(client_secret=CANARY, in_query=True),
    "another field of the token call": lambda client: client.token(password=CANARY, **{CANARY: "x"}),
    "an authorization code": lambda client: client.token(grant_type="authorization_code", code=CANARY),
}


def _knows_the_password(client: Client) -> None:
    params = {**BASIC_PARAMS, "password": CANARY}
    client.send("POST", "/connections", connection("own", auth={"specName": "Basic Authentication", "params": params}))


@pytest.mark.parametrize("place", PLACES)
def test_no_output_holds_the_password(place: str) -> None:
    client = Client()
    _knows_the_password(client)
    PLACES[place](client)
    report = client.judged()
    outputs = [render(report, form) for form in FORMATS] + [summary(report)]
    outputs.append(client.web.get("/_mock/journal").text)
    outputs.append(client.web.get("/_mock/", headers={"Accept": "text/html"}).text)
    outputs += [client.web.get(f"/_mock/report?format={form}").text for form in FORMATS]
    written = {CANARY, SAFE, quote(CANARY), "c4n4ry", json.dumps(CANARY)[1:-1], ROW_FILTER}
    leaks = [
        (text, output[: output.find(text) + 80][-200:]) for output in outputs for text in written if text in output
    ]
    assert not leaks
