"""Tests that secrets of every form in every place are in no output, while similar harmless texts are readable."""

from __future__ import annotations

import base64
import itertools
import json
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.schema.document import Document
from contracts.secrecy import Mask
from mockserver import Config, Emulator, create_app
from mockserver.conformance import FORMATS, evaluate, render, summary
from mockserver.exchange import BASE_PATH, Call, Result
from mockserver.har import journaling
from mockserver.journal.entries import Entry
from tests.calls import BASIC_PARAMS, HEADERS, POSTGRESQL, by_string, connection
from tests.rows import each

CORE = "c4n4ry"
DATA_LAKE = "c604ff05-7f1a-43c0-8e18-33bf874cb11c"
GENERIC_REST = "4e98f16f-87d6-4ef0-bdc6-7a2b0fe76e62"

SHAPES: dict[str, str] = {
    "plain": CORE,
    "braces": f"{{{CORE}}}",
    "placeholder": f"{{{CORE.upper()}}}",
    "variable": f"${{{CORE}}}",
    "mustache": f"{{{{{CORE}}}}}",
    "word before": f"Bearer {CORE}",
    "pair": f"password={CORE}",
    "pairs": f"host=h password={CORE}",
    "semicolons": f"a;{CORE};b",
    "key": f"Server=h;Pwd={CORE}",
    "unclosed": f"Password='{CORE}",
    "url": f"https://u:{CORE}@h/x",
    "url without user": f"postgresql://:{CORE}@h:5432/d?x=1",
    "url with slash": f"mysql://u:{CORE}/x@h/d",
    "url user": f"https://{CORE}@h",
    "sas": f"https://h/c?sv=1&sig={CORE}",
    "jdbc": f"jdbc:sqlserver://h:1;user=u;password={CORE}",
    "json": json.dumps({"password": CORE}),
    "json text": json.dumps(json.dumps({"a": CORE})),
    "quotes": f'"{CORE}"',
    "xml": f"<a>{CORE}</a>",
    "comma": f"a,{CORE},b",
    "lines": f"-----BEGIN KEY-----\n{CORE}\n-----END KEY-----",
    "letters": f"é{CORE}ß",
    "percent": f"%{CORE}%25",
    "plus": f"a+{CORE}+b",
    "ampersand": f"a&{CORE}&b",
    "mask-like": f"********{CORE}",
    "our own mark": f"‹string, 9 characters, #{CORE}›",
    "pointer": f"/auth/{CORE}",
    "long": CORE * 200,
    "dashes": f"-{CORE}-",
    "backslash": f"a\\{CORE}",
    "filter": f"name=={CORE}",
    "mail": f"{CORE}@example.com",
    "url in brackets": f"http://[u:{CORE}@h]/",
    "url with an @ in the name": f"https://a@b:{CORE}@h/x",
    "url with a tab": f"https://u:\t{CORE}@h",
    "url with a hash": f"https://u:a#{CORE}@h",
    "url in a text": f"see https://u:{CORE}@h and more",
    "fragment": f"https://h/x#access_token={CORE}",
    "no scheme": f"u:{CORE}@h:22/x",
    "oracle": f"u/{CORE}@h",
    "basic pair": f"dTpw:{CORE}",
    "yaml": f"password: {CORE}",
    "driver": f"Driver={{X}};Pwd={CORE}",
    "turned": f"\u202e{CORE}",
    "null": f"\0{CORE}",
    "redacted in part": f"[{CORE} redacted]",
}

FEWER = 5
"""One in this many requests is judged from a HAR file, with each place and each form."""

Maker = Callable[[str], tuple[str, str, Any, dict[str, str]]]


def _body(operation: str, make: Callable[[str], Any]) -> Maker:
    method, _, path = operation.partition(" ")
    return lambda secret: (method, path, make(secret), {})


def _header(name: str) -> Maker:
    return lambda secret: ("GET", "/connections", None, {name: secret})


def _query(name: str, path: str = "/connections") -> Maker:
    return lambda secret: ("GET", f"{path}?{name}={quote(secret, safe='')}", None, {})


def _filter(condition: str) -> Maker:
    return lambda secret: ("GET", f"/connections?property={condition}{quote(secret, safe='')}", None, {})


def _string(start: str) -> Callable[[str], Any]:
    return lambda secret: by_string(start + "{" + secret.replace("}", "}}") + "}")


def _spec(**auth: Any) -> dict[str, Any]:
    return connection(auth={"specName": "x", **auth})


def _source(**params: Any) -> dict[str, Any]:
    return {"name": "s", "connectionSpec": {"id": POSTGRESQL}, "baseConnectionId": "x", "params": params}


def _auth(**params: Any) -> dict[str, Any]:
    return connection(auth={"specName": "Basic Authentication", "params": {**BASIC_PARAMS, **params}})


def _with(name: str, value: Any) -> dict[str, Any]:
    return connection(**{name: value})


def _member(name: str) -> Maker:
    return _body("POST /connections", lambda text: _with(name, text))


def _param(name: str) -> Maker:
    return _body("POST /connections", lambda text: _auth(**{name: text}))


def _put(path: str, value: Any) -> Any:
    return [{"op": "replace", "path": path, "value": value}]


PLACES: dict[str, Maker] = {
    "password": _body("POST /connections", lambda s: _auth(password=s)),
    "password, in a list": _body("POST /connections", lambda s: _auth(password=[s])),
    "password, deeper": _body("POST /connections", lambda s: _auth(password={"a": [{"b": s}]})),
    "unknown param": _body("POST /connections", lambda s: _auth(passwort=s)),
    "unknown auth spec": _body("POST /connections", lambda s: _spec(params={"server": s})),
    "auth as text": _body("POST /connections", lambda s: connection(auth=s)),
    "params as text": _body("POST /connections", lambda s: _spec(params=s)),
    "beside params": _body("POST /connections", lambda s: _spec(password=s)),
    "draft": _body("POST /connections?mode=draft", lambda s: _auth(other={"deep": s})),
    "a connection string": _body("POST /connections", lambda s: by_string(s)),
    "its password": _body("POST /connections", _string("Server=h;Database=d;UID=u;Password=")),
    "after it": _body("POST /connections", lambda s: by_string(f"Server=h;Database=d;UID=u;Password=x;{s}")),
    "a key of it again": _body("POST /connections", _string("Server=h;Database=d;UID=u;Password=x;Server=")),
    "another key of it": _body("POST /connections", _string("Server=h;AccountKey=")),
    **{f"member {name}": _member(name) for name in (
        "authParams", "accountKey", "password", "token", "secret", "Auth", "AUTH", "credentials", "x", "params")},
    "member, deeper": _body("POST /connections", lambda s: connection(extra={"name": [s], "id": s})),
    "spec's other member": _body("POST /connections", lambda s: _with("connectionSpec", {"id": "x", "key": s})),
    "source param": _body("POST /sourceConnections", lambda s: _source(password=s)),
    "source param, deeper": _body("POST /sourceConnections", lambda s: _source(other={"columns": [s]})),
    "target param": _body("POST /targetConnections", lambda s: {"connectionSpec": {"id": "x"}, "params": {"key": s}}),
    "transformation param": _body("POST /flows", lambda s: {"name": "f", "flowSpec": {"id": "x"}, "transformations": [
        {"name": "Mapping", "params": {"password": s}}]}),
    "flow's member": _body("POST /flows", lambda s: {"name": "f", "flowSpec": {"id": "x"}, "secret": s}),
    "params that are none": _body("POST /runs", lambda s: {"flowId": "x", "params": s}),
    "source params that are none": _body("POST /sourceConnections", lambda s: {"name": "s", "params": s}),
    "transformations that are none": _body("POST /flows", lambda s: {"name": "f", "transformations": s}),
    "stored source param": _body("POST /sourceConnections?mode=draft", lambda s: {
        **_source(apiSecret=s, headers={"Authorization": s}), "connectionSpec": {"id": GENERIC_REST}}),
    "stored target param": _body("POST /targetConnections", lambda s: {
        "name": "t", "connectionSpec": {"id": DATA_LAKE}, "params": {"dataSetId": "x", "secretAccessKey": s}}),
    "a key next door": _body("POST /data/foundation/connectors/encryption/keys", lambda s: {
        "name": "k", "params": {"passPhrase": s}}),
    "run's member": _body("POST /runs", lambda s: {"flowId": "x", "token": s}),
    "patched password": _body("PATCH /connections/x", lambda s: _put("/auth/params/password", s)),
    "patched params": _body("PATCH /connections/x", lambda s: _put("/auth/params", {"password": s})),
    "patched auth": _body("PATCH /connections/x", lambda s: _put("/auth", {"password": s})),
    "patched elsewhere": _body("PATCH /connections/x", lambda s: _put("/other", s)),
    "patched without slash": _body("PATCH /connections/x", lambda s: _put("auth/params/password", s)),
    "Path and Value": _body("PATCH /connections/x", lambda s: [{"Op": "add", "Path": "/name", "Value": s}]),
    "patch's other member": _body("PATCH /connections/x", lambda s: [{"op": "remove", "path": "/name", "from": s}]),
    "one patch": _body("PATCH /connections/x", lambda s: {"op": "add", "path": "/auth/params/password", "value": s}),
    "search": _body("POST /connections/search", lambda s: {"queryString": f"property=auth.x=={quote(s, safe='')}"}),
    "search, misspelt": _body("POST /connections/search", lambda s: {"query": s}),
    "body that is a text": _body("POST /connections", lambda s: s),
    "body that is a list": _body("POST /connections", lambda s: [s]),
    "body encoded twice": _body("POST /connections", lambda s: json.dumps(_auth(password=s))),
    "body in base64": _body("POST /connections", lambda s: base64.b64encode(s.encode()).decode() + s),
    "no JSON": _body("POST /connections", lambda s: b"password=" + s.encode()),
    "half of JSON": _body("POST /connections", lambda s: json.dumps(_auth(password=s)).encode()[:-2]),
    "unknown path's body": _body("POST /nowhere", lambda s: {"name": s}),
    "body of a GET": _body("GET /connections", lambda s: {"name": s}),
    **{f"header {name}": _header(name) for name in (
        "authorization", "proxy-authorization", "cookie", "x-functions-key", "apikey", "api-key", "referer", "x-vault",
        "x-auth-token", "x-amz-security-token", "x-mock-admin-token", "x-custom", "authentication", "location",
        "x-forwarded-authorization", "private-token", "signature", "x-original-url", "prefer", "set-cookie")},
    "bearer": lambda s: ("GET", "/connections", None, {"authorization": f"Bearer {s}"}),
    "basic": lambda s: ("GET", "/connections", None, {"authorization": f"basic  {s} "}),
    "other scheme": lambda s: ("GET", "/connections", None, {"authorization": f"Mine {s}"}),
    **{f"query {name}": _query(name) for name in (
        "sig", "api_key", "code", "access_token", "token", "password", "client_secret", "x", "key")},
    "parameter without a value": lambda s: ("GET", f"/connections?{quote(s, safe='')}&a", None, {}),
    "parameter with an empty value": lambda s: ("GET", f"/flows?limit=5&{quote(s, safe='')}=", None, {}),
    "login before the host": lambda s: ("GET", "/connections", None, {"host": f"u:{s}@127.0.0.1"}),
    "filter on auth": _filter("auth.params.password=="),
    "filter on what is unknown": _filter("authParams.x=="),
    "second filter": _filter("name==a%26property=auth.x!="),
    "row filter": lambda s: ("GET", "/connections/x/explore?filters=" + quote(s, safe=""), None, {}),
    "source params": lambda s: ("GET", "/connections/x/explore?sourceParams=" + quote(s, safe=""), None, {}),
}  # fmt: skip
"""Place -> the request that puts a text there."""


def _call(made: tuple[str, str, Any, dict[str, str]], number: int) -> Call:
    method, target, body, headers = made
    path, _, query = target.partition("?")
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    sent = {**HEADERS, **({"content-type": "application/json"} if raw else {}), **headers}
    return Call(method, path, query, sent, raw, f"{number:032}", number)


def _outputs(emulator: Emulator, made: Sequence[tuple[Call, Result]], folder: Path) -> Iterator[tuple[str, str]]:
    """All outputs that show recorded requests."""
    made = made[::FEWER]
    (folder / "har").write_text(json.dumps({"log": {"entries": [_har_entry(*one) for one in made]}}), encoding="utf-8")
    judged = evaluate(journaling.read(folder / "har", emulator.contract, emulator.world.connectors), emulator.contract)
    for form in ("json", "sarif"):
        yield f"HAR check as {form}", render(judged, form)
    web = create_app(emulator).test_client()
    yield "journal", web.get("/_mock/journal").get_data(as_text=True)
    last = emulator.journal.latest
    for page in ("", "console/calls", f"console/calls/{last}", "console/resources", "console/flows", "console/specs"):
        yield f"console {page}", web.get(f"/_mock/{page}", headers={"Accept": "text/html"}).get_data(as_text=True)
    report = evaluate(emulator.journal.entries(), emulator.contract)
    yield "terminal", summary(report)
    for form in FORMATS:
        yield form, render(report, form)
    yield "export", web.get("/_mock/state").get_data(as_text=True)


def _har_entry(call: Call, result: Result) -> dict[str, Any]:
    body, base = call.body.decode("latin-1"), "" if call.path.startswith("/data") else BASE_PATH
    return {
        "startedDateTime": "2026-01-01T00:00:00Z",
        "request": {
            "method": call.method,
            "url": f"http://127.0.0.1{base}{quote(call.path)}?{call.query}",
            "headers": [{"name": name, "value": value} for name, value in call.headers.items()],
            **({"postData": {"mimeType": "application/json", "text": body}} if body else {}),
        },
        "response": {"status": result.status, "headers": [], "content": {"text": result.encoded.decode()}},
    }


def _leaks(text: str) -> list[str]:
    found = []
    for form in {CORE, CORE.upper(), base64.b64encode(CORE.encode()).decode()[:8], CORE.encode().hex()}:
        at = text.find(form)
        if at >= 0:
            found.append(text[max(0, at - 200) : at + 60])
    return found


STORED = ("connections", "targetConnections")
"""Collections that have entities with secrets after the requests of `PLACES`."""


@pytest.mark.slow
def test_no_secret_of_any_shape_in_any_place_is_in_any_output(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    emulator = Emulator(Config(seed=1, journal_entries=10_000, journal_bytes=1 << 30))
    calls = [_call(place(secret), 0) for place in PLACES.values() for secret in SHAPES.values()]
    calls.sort(key=lambda call: call.method)  # GET first: later, each would show the same page of stored connections
    calls += [_call(("GET", f"/{kind}?limit=100", None, {}), 0) for kind in STORED]
    made = [(call, emulator.handle(call)) for call in calls]
    assert [call.path for call, result in made[-len(STORED) :] if b'"items":[{' not in result.encoded] == []
    outputs = {**dict(_outputs(emulator, made, tmp_path)), "log": caplog.text}
    recorded = sum(name.startswith("HAR") for name in outputs)
    assert math.gcd(FEWER, len(SHAPES)) == 1, "the same shapes would be left out everywhere"
    assert len(made) * (len(outputs) - recorded) + len(made) // FEWER * recorded >= 40_000
    assert {name: leaks for name, text in outputs.items() if (leaks := _leaks(text))} == {}


BY_NAME = {"unknown path's body", "body of a GET", "header location"}
"""Places in which a contract run, which knows members by name, shows a text. No request of a run has these."""


def test_no_secret_of_any_shape_in_any_place_is_in_what_a_contract_run_writes() -> None:
    mask = Mask((), Document.load().harmless_names)
    for place in PLACES.keys() - BY_NAME:
        for secret in SHAPES.values():
            sent = _call(PLACES[place](secret), 0)
            url = mask.url(f"http://h{quote(sent.path)}?{sent.query}")
            assert not _leaks(f"{url} {mask.headers(sent.headers.items())} {mask.body(sent.body)}"), (place, secret)


WORDS = [
    "sales.store_visits",
    "secretary",
    "disaster_sas",
    "token_counts",
    "public.Passwords",
    "Bearer",
    "team-7",
    "params",
]
"""Ordinary texts, some with words that name credentials elsewhere."""

TWINS: dict[str, Maker] = {
    "name": _body("POST /connections", lambda w: connection(w)),
    "description": _body("POST /connections", lambda w: _with("description", f"reads {w}, see https://wiki/x?id={w}")),
    **{f"param {name}": _param(name) for name in (
        "server", "database", "username")},
    "url": _body("POST /connections", lambda w: _spec_of(GENERIC_REST, "Basic Authentication", host=f"https://h:443/{w}")),
    "connection string": _body("POST /connections", lambda w: by_string(f"Server={w};Database=d;UID=u;Password=x")),
    "table": _body("POST /sourceConnections", lambda w: _source(tableName=w)),
    "path": _body("POST /sourceConnections", lambda w: _source(path=f"/a/{w}.csv", recursive=True)),
    "column": _body("POST /sourceConnections", lambda w: _source(columns=[{"name": w, "type": w}])),
    **{f"target param {name}": _body("POST /targetConnections", lambda w, name=name: {  # type: ignore[misc]
        "connectionSpec": {"id": "x"}, "params": {name: w}}) for name in (
        "mode", "container", "remotePath", "compression", "datasetFileType", "format", "stream", "eventHubName")},
    "selectors": _body("POST /flows", lambda w: {"name": "f", "flowSpec": {"id": "x"}, "transformations": [
        {"name": "GeneralTransform", "params": {"segmentSelectors": {"selectors": [{"value": {"id": w}}]}}}]}),
    "data set": _body("POST /targetConnections", lambda w: {"connectionSpec": {"id": "x"}, "params": {"dataSetId": w}}),
    "mapping": _body("POST /flows", lambda w: {"name": "f", "flowSpec": {"id": "x"}, "transformations": [
        {"name": "Mapping", "params": {"mappingId": w, "mappingVersion": w}}]}),
    "flow's ends": _body("POST /flows", lambda w: {"name": "f", "flowSpec": {"id": w}, "sourceConnectionIds": [w]}),
    "patched name": _body("PATCH /connections/x", lambda w: _put("/name", w)),
    "patched server": _body("PATCH /connections/x", lambda w: _put("/auth/params/server", w)),
    "patched table": _body("PATCH /sourceConnections/x", lambda w: _put("/params/tableName", w)),
    "search": _body("POST /connections/search", lambda w: {"queryString": f"property=name=={w}"}),
    "filter": _filter("name=="),
    "filter on a table": lambda w: ("GET", f"/sourceConnections?property=params.tableName=={w}", None, {}),
    "object": lambda w: ("GET", f"/connections/x/explore?objectType=table&object={w}", None, {}),
    "page token": _query("continuationToken"),
    "id": lambda w: ("GET", f"/connections/{w}", None, {}),
    **{f"header {name}": _header(name) for name in ("user-agent", "x-api-key", "x-sandbox-name", "accept")},
}  # fmt: skip
"""Place -> the request that puts an ordinary text there."""


@each("place", TWINS)
def test_ordinary_values_stay_readable(place: str) -> None:
    emulator = Emulator(Config(seed=1))
    for word in WORDS:
        emulator.handle(_call(TWINS[place](word), 0))
    for word, entry in zip(WORDS, emulator.journal.entries(), strict=True):
        shown = f"{entry.path}?{entry.query} {entry.headers} {entry.body}"
        assert word in shown, shown


def _spec_of(spec_id: str, auth_spec: str, **params: Any) -> dict[str, Any]:
    return connection(connectionSpec={"id": spec_id}, auth={"specName": auth_spec, "params": params})


B_HEADERS = {**HEADERS, "x-gw-ims-org-id": "B@AdobeOrg", "x-api-key": "b-client"}
HOSTILE = ["x-api-key", '{"name":"', "connections", "acme-client", "‹string", "prod", "POST", "db.example.com", "1"]
"""Values of client A's record, sent by client B as secrets."""

BY_A = [
    PLACES["unknown auth spec"]("s3cret-of-a"),
    PLACES["query sig"]("s3cret-of-a"),
    TWINS["table"]("sales.store_visits"),
    TWINS["filter"]("shop"),
    PLACES["bearer"]("token-of-a"),
]


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(PLACES)), st.sampled_from(HOSTILE) | st.text(max_size=20), st.booleans()),
        min_size=1,
        max_size=12,
    )
)
def test_no_call_of_another_client_changes_a_byte_of_what_is_told_of_one(by_b: list[tuple[str, str, bool]]) -> None:
    """B's requests before, between or after A's change neither A's entries nor A's findings."""
    alone, among = (Emulator(Config(seed=1, journal_entries=100)) for _ in range(2))
    by_a = [_call(made, number) for number, made in enumerate(BY_A)]
    for call in by_a:
        alone.handle(call)
    waiting = iter(by_a)
    for place, text, turn_of_a in by_b:
        if turn_of_a:
            for call in itertools.islice(waiting, 1):
                among.handle(call)
        method, target, body, sent = PLACES[place](text)
        among.handle(_call((method, target, body, {**B_HEADERS, **sent}), 99))
    for call in waiting:
        among.handle(call)
    expected, found = _told_of_a(alone), _told_of_a(among)
    assert [entry.as_json() for entry in found] == [entry.as_json() for entry in expected]
    assert evaluate(found, alone.contract).findings == evaluate(expected, alone.contract).findings


def _told_of_a(emulator: Emulator) -> list[Entry]:
    """A's entries, numbered as if there were no others."""
    entries = [entry for entry in emulator.journal.entries() if entry.request_id != f"{99:032}"]
    return [entry._replace(number=number) for number, entry in enumerate(entries, 1)]
