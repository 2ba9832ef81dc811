"""Tests that random sequences of correct client behaviour get no finding."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.conformance import FORMATS, Level, render, summary
from tests.calls import BASIC_PARAMS, POSTGRESQL, by_string, connection
from tests.conformance.client import Client

STRING = "Server=db;Database=shop;UID=reader;Password={p;w}"


class Session:
    """A client that remembers its entities."""

    def __init__(self) -> None:
        self.client = Client()
        self.made: list[dict[str, Any]] = []
        self.count = 0

    def create(self, pick: int) -> None:
        """Create a connection with a new name."""
        self.count += 1
        body = by_string(STRING) if pick % 2 else connection()
        path = "/connections?mode=draft" if pick % 5 == 0 else "/connections"
        result = self.client.send("POST", path, {**body, "name": f"connection {self.count}"})
        assert isinstance(result.body, dict)
        self.made.append(result.body)

    def read(self, pick: int) -> None:
        """Look up a connection, with a pause."""
        if self.made:
            self.client.wait(2)
            self.client.send("GET", f"/connections/{self.made[pick % len(self.made)]['id']}")

    def rename(self, pick: int) -> None:
        """Patch with the etag of the last response."""
        if self.made:
            entity = self.made[pick % len(self.made)]
            change = {"op": ("replace", "REPLACE", "add")[pick % 3], "path": "/description", "value": f"text {pick}"}
            self._update(entity, change)

    def credentials(self, pick: int) -> None:
        """Replace all params by all params."""
        if self.made:
            entity = self.made[pick % len(self.made)]
            auth = {"specName": "Basic Authentication", "params": {**BASIC_PARAMS, "server": f"db{pick}"}}
            self._update(entity, {"op": "replace", "path": "/auth", "value": auth})

    def _update(self, entity: dict[str, Any], change: dict[str, Any]) -> None:
        self.client.wait(1)
        result = self.client.patch(entity["id"], entity["etag"], change)
        assert isinstance(result.body, dict) and result.status == 200, result.body
        entity["etag"] = result.body["etag"]

    def pages(self, pick: int) -> None:
        """Read every page of a list."""
        self.client.wait(2)
        path: str | None = f"/connections?limit={1 + pick % 3}&orderby=-name"
        while path:
            body: Any = self.client.send("GET", path).body
            path = body["_links"].get("next", {}).get("href")
            self.client.wait(2)

    def filtered(self, pick: int) -> None:
        """Send a filter, a count and a search."""
        self.client.send("GET", f"/connections?property=name==connection {pick}")
        self.client.send("GET", "/connections?count=true")
        self.client.send("POST", "/connections/search", {"queryString": "property=state==enabled", "limit": 5})

    def look(self, pick: int) -> None:
        """Explore a connection."""
        if self.made:
            at = f"/connections/{self.made[pick % len(self.made)]['id']}"
            self.client.send("GET", f"{at}/test")
            self.client.wait(2)

    def delete(self, pick: int) -> None:
        """Delete a connection and verify it."""
        if self.made:
            entity = self.made.pop(pick % len(self.made))
            self.client.delete(entity["id"])
            self.client.send("GET", f"/connections/{entity['id']}")


STEPS: list[Callable[[Session, int], None]] = [
    Session.create, Session.read, Session.rename, Session.credentials, Session.pages, Session.filtered,
    Session.look, Session.delete,
]  # fmt: skip


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 1000)), max_size=30))
def test_correct_traffic_is_never_blamed(steps: list[tuple[Callable[[Session, int], None], int]]) -> None:
    session = Session()
    for step, pick in [(Session.create, 1), *steps]:
        step(session, pick)
    report = session.client.judged()
    assert not [finding for finding in report.findings if finding.level is not Level.INFO], summary(report)


WORDS = st.sampled_from([
    "connections", "flows", "runs", "search", "action", "x", "{ID}", "{{id}}", "é", "\x00", "..", "%", "*", "",
    "continuationToken", "limit", "property", "orderby", "count", "true", "mode", "draft", "if-match", "op", "publish",
    "1", "99999999999999999999", "٣", "==", "auth.params.password==x", '"', "W/\"x\"", "Bearer", "Bearer {TOKEN}",
    "id", "etag", "auth", "params", "connectionSpec", "version", "path", "value", "replace", "/auth/params", "name",
    "specName", "Basic Authentication", "Connection String Based Authentication", "connectionString", "server", "port",
    "sslMode", "Server=a;Server=b", "Server={", "{SERVER}", "a=b;EncryptionMethod=1", "********", POSTGRESQL,
])  # fmt: skip
BODIES = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=12,
)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["authorization", "x-api-key", "x-gw-ims-org-id", "x-sandbox-name", "if-match", "accept", "content-type"]
    ),
    WORDS,
    max_size=4,
)
CALLS = st.tuples(
    st.sampled_from(["GET", "POST", "PATCH", "PUT", "DELETE", "BREW"]),
    st.lists(WORDS, max_size=3).map("/".join),
    st.lists(st.tuples(WORDS, WORDS), max_size=3).map(urlencode),
    BODIES | st.binary(max_size=12),
    HEADERS,
)


@settings(max_examples=150)
@given(st.lists(CALLS, max_size=6))
def test_the_judge_survives_whatever_a_client_does(calls: list[Any]) -> None:
    client = Client()
    for method, path, query, body, headers in calls:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        client.send(method, f"/{path}?{query}", raw=raw, **headers)
        client.answered(0 if raw else 503, method, f"/{path}?{query}", code="x", retry_after=query[:3])
    report = client.judged()
    for form in FORMATS:
        assert render(report, form)
    assert summary(report, colour=True)
