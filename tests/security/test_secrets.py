"""Tests S2: a known secret in every place for credentials is in no output of the server."""

from __future__ import annotations

import json
import logging
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from mockserver import Config, Emulator, create_app
from mockserver.conformance import FORMATS
from mockserver.faults import FAULTS
from mockserver.specs.connectors import Connectors
from mockserver.web import request_log
from tests.calls import BASIC_PARAMS, HEADERS, connection
from tests.dataflows import flow
from tests.security.canary import CANARY, leaks

BROWSER = {"Accept": "text/html"}
JSON = {"Content-Type": "application/json"}


class Watched:
    """A server and all its outputs."""

    def __init__(self, log: str = "text", state: Path | None = None, **settings: Any) -> None:
        self.emulator = Emulator(Config(seed=1, log=log, state=str(state) if state else None, **settings))
        self.client: FlaskClient = create_app(self.emulator).test_client()
        self.out: list[str] = []

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Send one request; the response with its headers is an output."""
        sent = {**HEADERS, **{name.replace("_", "-"): value for name, value in headers.items()}}
        options: dict[str, Any] = {"data": body} if isinstance(body, bytes) else {"json": body} if body else {}
        if isinstance(body, bytes):
            sent = {**JSON, **sent}
        answer = self.client.open(path, method=method, headers=sent, **options)
        self.out.append(f"{method} {path.partition('?')[0]} -> {answer.status_code} {answer.headers}\n{answer.text}")
        return answer

    def pages(self) -> None:
        """Everything that shows past requests."""
        for path in ("journal", "state", "report", "faults", "scenarios", "clock", "quirks", "connectors"):
            self.out.append(self.client.get(f"/_mock/{path}").text)
        for path in ("/_mock/", "/_mock/report", "/_mock/?live=1"):
            self.out.append(self.client.get(path, headers=BROWSER).text)
        for form in FORMATS:
            self.out.append(self.client.get(f"/_mock/report?format={form}").text)

    def leaks(self) -> list[str]:
        """The secrets found in outputs."""
        return [f"{leak}  [{text[:60]}]" for text in self.out for leak in leaks(text)]


@pytest.fixture
def logged(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """The server's log, in the format given on the command line."""
    style, lines = getattr(request, "param", "text"), []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    handler = Keep()
    handler.setFormatter(request_log.PlainFormatter(style))
    logger = logging.getLogger("mockserver")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield lines
    logger.removeHandler(handler)
    logger.setLevel(before)


def filled(spec: dict[str, Any]) -> dict[str, Any]:
    """Params of an auth spec: the known secret where its schema says password, harmless values elsewhere."""
    made: dict[str, Any] = {}
    for name, member in spec["spec"]["properties"].items():
        if member.get("format") == "password" or name == "connectionString":
            made[name] = f"Server=h;Database=d;UID=u;Password={CANARY}" if name == "connectionString" else CANARY
        elif "enum" in member:
            made[name] = member["enum"][0]
        else:
            made[name] = {"integer": 1, "boolean": True, "object": {}, "array": []}.get(member.get("type"), "shown")
    return made


AUTH_SPECS = [
    (connector.id, connector.version, spec, platform)
    for platform in ("azure", "aws")
    for connector in Connectors.load(platform).all()
    for spec in connector.describe()["authSpec"]
]


def test_nearly_every_auth_spec_has_a_place_for_a_secret() -> None:
    with_secret = [1 for *_, spec, _ in AUTH_SPECS if any(CANARY in str(value) for value in filled(spec).values())]
    assert len(AUTH_SPECS) > 100 and len(with_secret) > 0.7 * len(AUTH_SPECS)


@pytest.mark.slow
@pytest.mark.parametrize("platform", ["azure", "aws"])
@pytest.mark.parametrize("draft", ["", "?mode=draft"], ids=["enabled", "draft"])
def test_no_credential_of_any_auth_spec_comes_out_again(platform: str, draft: str, logged: list[str]) -> None:
    watched = Watched(platform=platform)
    made = 0
    for spec_id, version, spec, here in AUTH_SPECS:
        if here != platform:
            continue
        auth = {"specName": spec["name"], "params": filled(spec)}
        body = {"name": "x", "connectionSpec": {"id": spec_id, "version": version}, "auth": auth}
        answer = watched.call("POST", f"/connections{draft}", body)
        if answer.status_code == 201:
            made += 1
            path = f"/connections/{answer.json['id']}"
            for after in ("", "/test", "/explore?objectType=root", "/configs"):
                watched.call("GET", path + after)
            etag = watched.client.get(path, headers=HEADERS).json["items"][0]["etag"]
            patch = [{"op": "replace", "path": "/auth/params", "value": filled(spec)}]
            watched.call("PATCH", path, patch, if_match=etag)
        wrong = {name: [CANARY] for name in filled(spec)} | {name + "x": {"y": CANARY} for name in filled(spec)}
        watched.call("POST", f"/connections{draft}", {**body, "auth": {**auth, "params": wrong}})
    watched.call("GET", "/connections?limit=100")
    watched.pages()
    watched.out += logged
    assert made > 15 and watched.leaks() == []


def _basic(**changes: Any) -> dict[str, Any]:
    params = {**BASIC_PARAMS, "password": CANARY}
    return {**connection(auth={"specName": "Basic Authentication", "params": params}), **changes}


def _patches() -> list[Any]:
    ops = ("add", "REPLACE", "test")
    paths = (
        "/auth/params/password",
        "/auth/params",
        "/auth",
        "/auth/params/other",
        "/auth/params/a~1b",
        "auth/params/x",
        "/auth/params/password/0",
        "/AUTH/params/password",
        "/id/auth",
        "/auth/",
        "//auth/params",
    )
    values = (CANARY, {"password": CANARY}, [CANARY], {"params": {"deep": [{"er": CANARY}]}})
    return [[{"op": op, "path": path, "value": value}] for op in ops for path in paths for value in values]


def _strings() -> list[str]:
    forms = (
        "Server=h;Password={}",
        "Password={}",
        "Pwd={}",
        "PASSWORD = {} ;",
        "Password='{}",
        'Password="{}',
        "{}",
        "Server=h;Password={{{}",
        "AccountKey={};",
        "=;{}",
        "Server=h;Password={}\n",
        "Password={};Password={}",
        "postgresql://u:{}@h/d",
        "SharedAccessKey={}",
        ";;;{}=;",
        "Server={};Password=x",
    )[:-1]
    return [form.format(CANARY, CANARY) for form in forms]


def test_no_credential_in_any_patch_comes_out_again(logged: list[str]) -> None:
    watched = Watched()
    for mode in ("", "?mode=draft"):
        path = f"/connections/{watched.call('POST', '/connections' + mode, _basic()).json['id']}"
        for number, patch in enumerate(_patches()):
            etag = watched.client.get(path, headers=HEADERS).json["items"][0]["etag"]
            watched.call("PATCH", path, patch, if_match='"stale"' if number % 5 == 0 else etag)
        watched.call("GET", path)
    watched.pages()
    watched.out += logged
    assert watched.leaks() == []


def test_no_connection_string_comes_out_again(logged: list[str]) -> None:
    watched = Watched()
    for text in _strings():
        for mode in ("", "?mode=draft"):
            auth = {"specName": "Connection String Based Authentication", "params": {"connectionString": text}}
            answer = watched.call("POST", f"/connections{mode}", connection(auth=auth))
            if answer.status_code == 201:
                for after in ("", "/test", "/explore?objectType=root"):
                    watched.call("GET", f"/connections/{answer.json['id']}{after}")
    watched.pages()
    watched.out += logged
    assert watched.leaks() == []


QUOTED = json.dumps(CANARY)
BODIES: list[bytes] = [
    f'{{"auth": {{"params": {{"password": {QUOTED}'.encode(),
    f'{{"password": {QUOTED}}} {QUOTED}'.encode(),
    f'{{"password": {QUOTED}, "password": {QUOTED}}}'.encode(),
    b'{"password": "c4n4ry\\ud800"}',
    b'{"password": "c4n4ry\xff"}',
    f"[{QUOTED}".encode(),
    QUOTED.encode(),
    f'{{"auth": {QUOTED}, "connectionSpec": {{"id": "x"}}}}'.encode(),
    f'{{"auth": {{"specName": 5, "params": {QUOTED}}}, "name": 5}}'.encode(),
    b"[" * 70 + QUOTED.encode(),
    b'{"password": ' + b"9" * 400 + b"c4n4ry}",
]


def _in_bodies(watched: Watched) -> None:
    for body in BODIES:
        for method, path in (
            ("POST", "/connections"),
            ("POST", "/connections/search"),
            ("PATCH", "/connections/x"),
            ("POST", "/sourceConnections"),
            ("POST", "/flows"),
            ("POST", "/runs"),
            ("PUT", "/connections"),
            ("POST", "/nowhere"),
            ("POST", "/_mock/clock"),
            ("POST", "/_mock/faults"),
            ("PUT", "/_mock/state"),
            ("PUT", "/_mock/quirks"),
            ("POST", "/_mock/scenarios"),
        ):
            watched.call(method, path, body)
        watched.call("POST", "/connections", body, content_type="text/plain")


def _in_credentials(watched: Watched) -> None:
    latin = CANARY.encode().decode("latin-1")
    for name in ("authorization", "cookie", "proxy_authorization", "x_mock_admin_token", "x_auth_token"):
        for value in (f"Bearer {latin}", latin, f"Basic {latin}", f"bearer  {latin}", f"Digest a={latin}"):
            watched.call("GET", "/connections", **{name: value})
            watched.call("GET", "/nowhere", **{name: value})


def _in_queries(watched: Watched) -> None:
    from urllib.parse import quote

    safe = quote(CANARY, safe="")
    for query in (
        f"property=auth.params.password=={safe}",
        f"property=auth.params.password!={safe}&limit=1",
        f"property=auth.params.x~{safe}",
        f"password={safe}",
        f"access_token={safe}",
        f"api_token={safe}&limit=0",
        f"client_secret={safe}&property=x==y",
    ):
        for path in ("/connections", "/flows", "/sourceConnections", "/connectionSpecs", "/runs", "/nowhere"):
            watched.call("GET", f"{path}?{query}")
    watched.call("POST", "/connections/search", {"queryString": f"property=auth.params.password=={CANARY}"})


def _at_the_token_endpoint(watched: Watched) -> None:
    for form in (
        {"client_secret": CANARY},
        {"client_id": "x", "client_secret": CANARY, "grant_type": "client_credentials"},
        {"jwt_token": CANARY},
        {"grant_type": "authorization_code", "code": CANARY, "client_id": "x"},
        {"grant_type": CANARY, "refresh_token": CANARY},
        {"password": CANARY, CANARY: "x"},
    ):
        for path in ("/ims/token/v3", "/ims/token/v2", "/ims/exchange/jwt", "/ims/token/v9"):
            for options in (
                {"data": form},
                {"query_string": form},
                {"json": form},
                {"data": form, "content_type": "multipart/form-data"},
            ):
                answer = watched.client.post(path, **options)  # type: ignore[arg-type]
                watched.out.append(f"{path} {answer.status_code} {answer.text}")


def _under_faults(watched: Watched) -> None:
    for fault in FAULTS:
        if fault in ("latency", "slow-body", "reset", "answer-lost", "truncate"):
            continue
        made = watched.client.post(
            "/connections", json=_basic(), headers={**HEADERS, "authorization": f"Bearer {fault}"}
        )
        path = f"/connections/{made.json['id']}"
        watched.emulator.tokens.clear()
        watched.call("POST", "/connections", _basic(), x_mock_fault=fault)
        watched.call("GET", "/connections", x_mock_fault=fault)
        patch = [{"op": "add", "path": "/auth/params/password", "value": CANARY}]
        watched.call("PATCH", path, patch, x_mock_fault=fault, if_match='"x"')


def _in_failures(watched: Watched) -> None:
    """Failures whose exceptions quote the body: in our code, in the adapter and in the server."""

    def fail(world: Any, request: Any) -> Any:
        raise RuntimeError(f"cannot digest {request.body} of {request.call}")

    def fail_deeply(world: Any, request: Any) -> Any:
        try:
            fail(world, request)
        except RuntimeError as error:
            raise KeyError(str(request.body)) from error

    for failing in (fail, fail_deeply):
        watched.emulator.handlers["createConnection"] = failing
        assert watched.call("POST", "/connections", _basic()).status_code == 500


PLACES: list[Callable[[Watched], None]] = [
    _in_bodies,
    _in_credentials,
    _in_queries,
    _at_the_token_endpoint,
    _under_faults,
    _in_failures,
]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__.strip("_"))
@pytest.mark.parametrize("logged", ["text", "json"], indirect=True)
def test_nothing_tells_a_credential_that_it_was_sent(
    place: Callable[[Watched], None], logged: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    watched = Watched()
    watched.call("POST", "/connections", _basic())
    place(watched)
    watched.pages()
    watched.out += [*logged, *capfd.readouterr()]
    assert len(watched.out) > 20 and logged and watched.leaks() == []


def test_the_canary_is_found_where_it_is_asked_for() -> None:
    """Otherwise the tests could not fail: the export with credentials and the quirk show it."""
    watched = Watched(quirk={"secrets": "show"})
    watched.call("POST", "/connections", _basic())
    assert leaks(watched.client.get("/_mock/state?credentials=include").text)
    assert leaks(watched.client.get("/connections", headers=HEADERS).text)
    watched.pages()
    assert watched.leaks() == []


def test_what_holds_credentials_on_disk_is_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "flow.db"
    watched = Watched(state=file)
    watched.call("POST", "/connections", _basic())
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert "flow.db" in kept
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
    watched.emulator.close()
    assert leaks(file.read_bytes().decode("latin-1"))


def test_no_setting_that_is_a_secret_is_printed() -> None:
    config = Config(admin_token=CANARY, client_secrets={"acme": CANARY}, state=f"postgresql://u:{CANARY}@h/d")
    assert leaks(repr(config)) == [] and leaks(str(config)) == []


def test_what_transformations_of_a_stored_flow_hold_is_in_no_export() -> None:
    watched = Watched()
    stored = flow(watched.emulator)
    for params in ({"mappingId": "x", "password": CANARY}, {"deep": {"a": [CANARY]}}, CANARY):
        stored["transformations"] = [{"name": "Mapping", "params": params}]
        watched.call("POST", "/data/foundation/flowservice/flows?mode=draft", stored)
    export = watched.client.get("/_mock/state").get_data(as_text=True)
    assert not leaks(export) and '"mappingId":"x"' in export.replace('": "', '":"')
    assert leaks(watched.client.get("/_mock/state?credentials=include").get_data(as_text=True)), "it is stored as sent"
