"""Tests that no file has a byte of a secret: known secrets in each place and form, and kills at any time."""

from __future__ import annotations

import base64
import gzip
import json
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_plus, urlencode

import pytest

from mockserver import Config, Emulator
from mockserver.comparison import masked
from mockserver.contract import Contract
from mockserver.exchange import Call
from mockserver.exchange import Result as Answer
from mockserver.recordings import learning
from mockserver.recordings.recorder import Recorder
from mockserver.recordings.recording import RecordedExchange, Recording
from mockserver.specs.connectors import Connectors
from tests.calls import HEADERS, by_string, connection
from tests.recordings.test_record_command import recorder, run
from tests.rows import each

CANARIES = [
    "c4n4ry-plain-secret",
    "c4n4ry+Secr3t/=&ü \"quoted\" \\ 'x'",
    base64.b64encode(b"c4n4ry: user and password").decode(),
    "eyJhbGciOiJSUzI1NiJ9.eyJjNG40cnkiOiJjNG40cnkifQ.YzRuNHJ5LXNpZ25hdHVyZQ",
    "c4n4ry" * 200,
]
LAST = '"startedMs": 1700000000099'
"""In the entry whose exchange makes `LATE` a secret."""
LATE = "l4te-secret-in-a-name"
"""A secret that is first sent as a name. Until it is sent as a secret, the file may contain it."""
AUTH = "Basic Authentication"
ITEM = "/connections/11111111-2222-4333-8444-555555555555"
FORM = "application/x-www-form-urlencoded"

Exchange = tuple[dict[str, Any], Answer]


def as_name(secret: str) -> str:
    return "x-" + re.sub(r"[^\w-]", "", secret, flags=re.ASCII)[:60]


def sent(header: str, form: str = "{}") -> Callable[[str], Exchange]:
    def made(secret: str) -> Exchange:
        return {"headers": {**HEADERS, header: form.format(secret)}}, Answer(200, {"items": []})

    return made


def asked(query: str) -> Callable[[str], Exchange]:
    return lambda secret: ({"query": query.format(quote(secret, safe=""))}, Answer(200, {"items": []}))


def body(make: Callable[[str], Any], **members: Any) -> Callable[[str], Exchange]:
    def made(secret: str) -> Exchange:
        value = make(secret)
        raw = value if isinstance(value, bytes) else json.dumps(value).encode()
        return {"method": "POST", "body": raw, **members}, Answer(400, {"title": "no"})

    return made


def token_form(**fields: str) -> Callable[[str], Exchange]:
    def made(secret: str) -> Exchange:
        form = urlencode({name: value.format(secret) for name, value in fields.items()}).encode()
        return {"method": "POST", "path": "/ims/token/v3", "body": form}, Answer(200, {"access_token": "t" * 40})

    return made


def answered(make: Callable[[str], Any], status: int = 200, **members: Any) -> Callable[[str], Exchange]:
    return lambda secret: (members, Answer(status, make(secret)))


def replied(header: str, form: str) -> Callable[[str], Exchange]:
    return lambda secret: ({}, Answer(200, {"items": []}, ((header, form.format(secret)),)))


PLACES: dict[str, Callable[[str], Exchange]] = {
    "bearer token": sent("authorization", "Bearer {}"),
    "token without a scheme": sent("authorization"),
    "another scheme": sent("authorization", "Digest username=x, response={}"),
    "api key": sent("x-api-key"),
    "organisation": sent("x-gw-ims-org-id"),
    "cookie": sent("cookie", "theme=dark; session={}"),
    "header of its own": sent("x-functions-key"),
    "proxy": sent("proxy-authorization", "Basic {}"),
    "user agent": sent("user-agent", "client/{}"),
    "if-match": sent("if-match", '"{}"'),
    "request id": sent("x-request-id"),
    "accept": sent("accept", "application/{}"),
    "mock fault": sent("x-mock-fault"),
    "referer": sent("referer", "https://example.com/?token={}"),
    "unknown parameter": asked("sig={}"),
    "parameter of the service": asked("property=auth.params.password=={}"),
    "projection": asked("property={}"),
    "page": asked("limit={}"),
    "id in the path": lambda secret: ({"path": f"/connections/{quote(secret, safe='')}"}, Answer(404)),
    "unknown path": lambda secret: ({"path": f"/tokens/{secret}/x"}, Answer(404)),
    "password": body(lambda secret: connection(auth={"specName": AUTH, "params": {"password": secret}})),
    "unknown member": body(lambda secret: connection(authParams={"accountKey": secret})),
    "deep inside": body(lambda secret: connection(auth={"params": {"a": [{"b": {"c": [secret]}}]}})),
    "connection string": body(
        lambda secret: connection(auth={"params": {"connectionString": f"Server=x;Password={secret}"}})
    ),
    "patch": body(
        lambda secret: [{"op": "replace", "path": "/auth/params/password", "value": secret}], method="PATCH", path=ITEM
    ),
    "text instead of an object": body(lambda secret: secret),
    "broken JSON": body(lambda secret: b'{"auth": ' + secret.encode()),
    "XML": body(lambda secret: f"<password>{secret}</password>".encode()),
    "compressed": body(lambda secret: gzip.compress(secret.encode())),
    "UTF-16": body(lambda secret: json.dumps({"password": secret}).encode("utf-16")),
    "URL with a password": body(lambda secret: connection(description=f"https://me:{quote(secret, safe='')}@host/")),
    "client secret": token_form(grant_type="client_credentials", client_secret="{}"),
    "authorization code": token_form(grant_type="authorization_code", code="{}"),
    "JWT": token_form(jwt_token="{}"),
    "access token": lambda secret: (
        {"method": "POST", "path": "/ims/token/v3", "body": b"grant_type=client_credentials"},
        Answer(200, {"access_token": secret, "refresh_token": secret, "token_type": "bearer", "unknown": secret}),
    ),
    "error of the token endpoint": lambda secret: (
        {"method": "POST", "path": "/ims/token/v3", "body": urlencode({"client_secret": secret}).encode()},
        Answer(400, {"error": "invalid_client", "error_description": f"wrong secret {secret}"}),
    ),
    "error that repeats a token": lambda secret: (
        {"headers": {**HEADERS, "authorization": f"Bearer {secret}"}},
        Answer(401, {"title": "x", "detail": f"the token {secret} is not valid", "status": 401}),
    ),
    "etag that an error repeats": lambda secret: (
        {"headers": {**HEADERS, "if-match": secret}},
        Answer(412, {"report": {"version": secret, "detailed-message": f"The version sent, {secret}, is outdated"}}),
    ),
    "id that an error repeats": lambda secret: (
        {"path": f"/connections/{quote(secret, safe='')}"},
        Answer(404, {"errorMessage": f"There is no connection {secret}", "report": {"id": quote(secret, safe="")}}),
    ),
    "parameter that an error repeats": lambda secret: (
        {"query": f"limit={quote(secret, safe='')}"},
        Answer(400, {"errorMessage": f"The value {secret} is not valid for limit", "report": {"value": secret}}),
    ),
    "value that an error repeats": lambda secret: (
        {"method": "POST", "body": json.dumps(connection(odd={"member": secret})).encode()},
        Answer(400, {"errorMessage": f"/odd/member: '{secret}' is none of A, B", "report": {"value": secret}}),
    ),
    "broken body that an error quotes": lambda secret: (
        {"method": "POST", "body": f'{{"name": "{secret}'.encode()},
        Answer(400, {"errorMessage": f"Unexpected end after {secret[:9]}"}),
    ),
    "form that an error quotes": lambda secret: (
        {"method": "POST", "body": urlencode({"p": secret}).encode(), "headers": {**HEADERS, "content-type": "x/y"}},
        Answer(415, {"message": f"p={quote(secret, safe='')}"}),
    ),
    "large body that an error quotes": lambda secret: (
        {"method": "POST", "body": b"x" * 70_000 + secret.encode()},
        Answer(413, {"message": secret}),
    ),
    "secret of the service in an error": lambda secret: (
        {},
        Answer(500, {"title": f"Login with {secret}", "report": {"dump": [f"pwd={secret};x"]}}),
    ),
    "name of a header": lambda secret: ({"headers": {**HEADERS, as_name(secret): "1"}}, Answer(200)),
    "name of a response header": lambda secret: ({}, Answer(200, {}, ((as_name(secret), "1"),))),
    "media type of a body": lambda secret: (
        {"method": "POST", "body": b"{}", "headers": {**HEADERS, "content-type": f"application/json; x={secret}"}},
        Answer(400, {"detail": f"{secret} is not a valid content-type"}),
    ),
    "set-cookie": replied("set-cookie", "session={}; HttpOnly"),
    "location": replied("location", "https://host/data/foundation/flowservice/connections?token={}"),
    "challenge": replied("www-authenticate", "Bearer realm={}"),
    "password that is shown": answered(
        lambda secret: {"items": [connection(auth={"specName": AUTH, "params": {"password": secret}})]}, path=ITEM
    ),
    "landing zone": answered(
        lambda secret: {"SASToken": secret, "SASUri": f"https://x.blob.core.windows.net/c?sig={quote(secret)}"},
        path="/data/foundation/connectors/landingzone/credentials",
    ),
    "unknown answer": answered(lambda secret: {"anything": [secret, {"more": secret}]}, path="/unknown"),
    "answer that is a text": answered(lambda secret: secret),
}


def views(raw: bytes) -> Iterator[str]:
    """A file in every decoding: unchanged, and each text in it decoded repeatedly."""
    text = raw.decode("utf-8", "surrogateescape")
    yield text
    try:
        waiting: list[Any] = [json.loads(text)]
    except ValueError:
        waiting = []
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, str):
            yield value
            waiting += list(decoded(value))


def decoded(text: str) -> Iterator[Any]:
    if "%" in text or "+" in text:
        again = unquote_plus(text)
        if again != text:
            yield again
    if text[:1] in '{["':
        with suppress(ValueError):
            yield json.loads(text)
    for part in text.replace('"', " ").split():
        if len(part) > 8 and len(part) % 4 == 0:
            with suppress(ValueError):
                yield base64.b64decode(part, validate=True).decode()


def assert_clean(folder: Path, secret: str) -> None:
    for path in folder.iterdir():
        for view in views(path.read_bytes()):
            assert secret not in view and "c4n4ry" not in view.lower(), (path.name, view[:200])


def a_call(number: int = 0, **members: Any) -> Call:
    given = {"method": "GET", "path": "/connections", "query": "", "headers": dict(HEADERS), "body": b"", **members}
    given["headers"] = {**({"content-type": "application/json"} if given["body"] else {}), **given["headers"]}
    return Call(request_id="", received_ms=1_700_000_000_000 + number, **given)


@each("place", PLACES)
@each("number, secret", enumerate(CANARIES))
def test_a_canary_in_any_place_is_in_no_file(tmp_path: Path, place: str, number: int, secret: str) -> None:
    members, answer = PLACES[place](secret)
    folder = tmp_path / f"{place} {number}"
    folder.mkdir()
    kept = recorder(folder / "session.har")
    kept.add(a_call(**members), answer, 1_700_000_000_100)
    kept.close(complete=True)  # nothing had to be omitted
    assert_clean(folder, secret)
    assert [it["response"]["status"] for it in json.loads(kept.path.read_bytes())["log"]["entries"]] == [answer.status]


def test_credentials_in_the_address_of_the_service_are_not_written(tmp_path: Path) -> None:
    kept = Recorder(
        tmp_path / "session.har", "https://c4n4ry:c4n4ry-password@host:8443/below", Contract.load(),
        lambda connection: None, b"k" * 32, "1",  # type: ignore[arg-type,return-value]
    )  # fmt: skip
    kept.add(a_call(), Answer(200, {"items": []}), 0)
    kept.close(complete=True)
    assert_clean(tmp_path, "c4n4ry-password")
    assert "https://host:8443" in kept.path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("body", "query"),
    [
        (by_string("Server=h;Database=d;UID=u;Password=s3cret-word"), ""),
        (by_string("host=h password=s3cret-word"), ""),
        ({"queryString": "property=auth.params.password==s3cret-word&x=s3cret-word"}, ""),
        (None, "property=auth.params.password==s3cret-word"),
        (None, "property=name==https://u:s3cret-word@h/"),
    ],
    ids=["connection string", "another form of it", "search", "filter", "URL in a filter"],
)
def test_a_part_of_a_text_that_is_replaced_has_a_stand_in_of_its_recording(
    tmp_path: Path, body: Any, query: str
) -> None:
    """The marks of the journal depend on the process: two recordings of the same client could not be compared."""
    path = "/connections/search" if body and "queryString" in body else "/connections"
    for name in ("one", "two"):
        kept = recorder(tmp_path / f"{name}.har")
        raw = json.dumps(body).encode() if body else b""
        kept.add(a_call(method="POST" if body else "GET", path=path, query=query, body=raw), Answer(400), 0)
        kept.close(complete=True)
        assert kept.hidden == {}  # a stand-in is no secret
        text = kept.path.read_text(encoding="utf-8")
        assert "s3cret" not in text and "‹" not in text and quote("‹") not in text and "\\u2039" not in text
        assert masked.in_target(only(kept.path)) or masked.in_body(only(kept.path)) or "connectionString" in text


def only(path: Path) -> RecordedExchange:
    return Recording.load(path, Contract.load()).exchanges[0]


def test_a_connection_string_of_another_form_is_a_secret_of_the_whole_recording(tmp_path: Path) -> None:
    kept = recorder(tmp_path / "session.har")
    text = "host=h user=u password=s3cret-word"
    kept.add(a_call(method="POST", body=json.dumps(by_string(text)).encode()), Answer(400), 0)
    kept.add(a_call(), Answer(200, {"items": [{"id": "1", "name": f"from {text}"}]}), 0)
    kept.close(complete=True)
    assert "s3cret" not in kept.path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["pragma", "cache-control", "accept-language", "sec-fetch-mode", "x-requested-with"])
def test_ordinary_headers_are_no_secrets(tmp_path: Path, name: str) -> None:
    kept = recorder(tmp_path / "session.har")
    answer = Answer(200, {"items": [{"name": "no-cache"}]}, (("cache-control", "no-cache"),))
    kept.add(a_call(headers={**HEADERS, name: "no-cache"}), answer, 0)
    kept.close(complete=True)
    assert '\\"no-cache\\"' in kept.path.read_text(encoding="utf-8")


RECORDING = """
import sys
from pathlib import Path
from mockserver.exchange import Result
from tests.recordings.test_recording_secrecy import CANARIES, PLACES, a_call, recorder
kept = recorder(Path(sys.argv[1]))
print("begun", flush=True)
number = 0
while True:
    for place in PLACES.values():
        number += 1
        members, answer = place(CANARIES[number % len(CANARIES)])
        kept.add(a_call(number, **members), answer, number)
"""


@pytest.mark.parametrize("seed", range(2))
def test_a_kill_leaves_no_secret_and_a_file_that_can_be_read(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "session.har"
    process = subprocess.Popen([sys.executable, "-c", RECORDING, str(path)], stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline()
    wanted = random.Random(seed).randrange(2_000, 400_000)
    deadline = time.monotonic() + 60
    while path.stat().st_size < wanted and time.monotonic() < deadline:
        pass
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert_clean(tmp_path, CANARIES[0])
    recording = Recording.load(path, Contract.load())
    assert not recording.complete
    assert len(recording.exchanges) > wanted / 20_000


def test_a_kill_at_any_line_of_the_recorder_or_byte_of_its_file_leaves_no_secret(tmp_path: Path) -> None:
    ran = subprocess.run([sys.executable, "-m", "tests.recordings.kills", str(tmp_path)], check=True, timeout=120)
    assert ran.returncode == 0
    ended = {folder: int((folder / "ended").read_text()) for folder in tmp_path.iterdir()}
    assert {-signal.SIGKILL, -signal.SIGXFSZ, 0} == set(ended.values())
    for folder, status in ended.items():
        assert_clean(folder, CANARIES[0])
        for path in folder.glob("session.har*"):
            written = path.read_text(encoding="utf-8")
            assert LATE not in written or (status < 0 and LAST not in written and path.suffix != ".part")
            if path.suffix == ".har" and path.stat().st_size > 191:  # more than the head
                recording = Recording.load(path, Contract.load())
                assert recording.complete is (status == 0)
                assert not recording.complete or LAST in written


def test_reports_of_an_unmasked_file_hold_no_secret(tmp_path: Path) -> None:
    """A browser's HAR is unmasked; its reports have only names, types and places."""
    entries = []
    for number, place in enumerate(PLACES):
        members, answer = PLACES[place](CANARIES[number % 2])
        call = a_call(number, **members)
        entries.append(
            {
                "startedDateTime": "2026-11-29T10:00:00Z",
                "request": {
                    "method": call.method,
                    "url": f"https://platform.adobe.io/data/foundation/flowservice{quote(call.path)}?{call.query}",
                    "headers": [{"name": name, "value": value} for name, value in call.headers.items()],
                    "postData": {"mimeType": "application/json", "text": call.body.decode("utf-8", "replace")},
                },
                "response": {"status": answer.status, "headers": [], "content": {"text": answer.encoded.decode()}},
            }
        )
    har = tmp_path / "browser.har"
    har.write_text(json.dumps({"log": {"entries": entries}}), encoding="utf-8")
    out = tmp_path / "reports"
    done = run("compare", har, "--report", out)
    assert done.exit_code in (0, 1), done.output
    assert_clean(out, CANARIES[0])
    assert "c4n4ry" not in done.output
    emulator = Emulator(Config())
    learned = learning.alive_at_end(Recording.load(har, emulator.contract), emulator.contract, Connectors.load())
    said = [learned.summary, *learned.lines()]
    for arguments in (
        ("calibrate", har, "--write", out / "mockserver.toml"),
        ("compare", har, "--json"),
        ("assess", har, "--json"),
    ):
        said.append(run(*arguments).output)
    assert_clean(out, CANARIES[0])
    assert "c4n4ry" not in "".join(said)
