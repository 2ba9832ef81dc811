"""Tests that no file has a byte of a secret that nobody can know to be one: of any shape, at any place.

Each exchange has a secret of its own, which occurs in no other exchange. So nothing but the place tells what it is.
"""

from __future__ import annotations

import base64
import itertools
import json
import random
import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from mockserver.contract import Contract
from mockserver.exchange import Result as Answer
from mockserver.recordings.recording import Recording
from tests.calls import HEADERS, connection
from tests.recordings.test_record_command import recorder
from tests.recordings.test_recording_secrecy import ITEM, a_call, views

Exchange = tuple[dict[str, Any], Answer]
Made = Callable[[str], Exchange]


def _letters(chance: random.Random, size: int) -> str:
    return "".join(chance.choice("bcdfghjklmnpqrtvwxz") + chance.choice("aeiou") for _ in range(size // 2))


SHAPES: dict[str, Callable[[random.Random], str]] = {
    "word": lambda chance: _letters(chance, 10),
    "short word": lambda chance: _letters(chance, 6),
    "name": lambda chance: _letters(chance, 10).capitalize(),
    "capitals": lambda chance: _letters(chance, 10).upper(),
    "camel case": lambda chance: "data" + _letters(chance, 8).capitalize() + "Key",
    "words": lambda chance: f"data {_letters(chance, 8)} {_letters(chance, 6)} token",
    "hyphens": lambda chance: f"x-{_letters(chance, 8)}-{_letters(chance, 8)}",
    "path": lambda chance: f"/auth/{_letters(chance, 8)}/{_letters(chance, 8)}",
    "UUID": lambda chance: str(uuid.UUID(int=chance.getrandbits(128), version=4)),
    "4 digits": lambda chance: str(chance.choice([number for number in range(3000, 9999) if number % 100])),
    "6 digits": lambda chance: str(chance.randrange(600_000, 999_999)),
    "hexadecimal": lambda chance: f"{chance.getrandbits(96):024x}",
    "Base64": lambda chance: base64.b64encode(chance.randbytes(15)).decode(),
    "no ASCII": lambda chance: _letters(chance, 8) + "üß",
    "version": lambda chance: f"{chance.randrange(3000, 9999)}.{chance.randrange(3000, 9999)}",
}
"""Shape -> a secret of it. Those of words have known ones beside an unknown one."""


def token(secret: str) -> str:
    """What of a secret can be the name of a header or a method."""
    return re.sub(r"[^\w-]", "", secret, flags=re.ASCII) or "x"


def error(make: Callable[[str], Any], status: int = 400) -> Made:
    return lambda secret: ({}, Answer(status, make(secret)))


def answer(make: Callable[[str], Any], path: str = "/connections") -> Made:
    return lambda secret: ({"path": path}, Answer(200, make(secret)))


def reply(header: str, form: str) -> Made:
    return lambda secret: ({}, Answer(200, {"items": []}, ((header, form.replace("{}", secret)),)))


def header(name: str, form: str = "{}") -> Made:
    return lambda secret: ({"headers": {**HEADERS, name: form.replace("{}", secret)}}, Answer(400, {"title": "no"}))


def query(form: str, path: str = "/connections") -> Made:
    return lambda secret: ({"path": path, "query": form.replace("{}", quote(secret, safe=""))}, Answer(400, {}))


def path(form: str, **members: Any) -> Made:
    return lambda secret: ({"path": form.replace("{}", secret), **members}, Answer(404, {"title": "no"}))


def body(make: Callable[[str], Any], **members: Any) -> Made:
    def made(secret: str) -> Exchange:
        value = make(secret)
        raw = value if isinstance(value, bytes) else json.dumps(value).encode()
        return {"method": "POST", "body": raw, **members}, Answer(400, {"title": "no"})

    return made


def form(make: Callable[[str], dict[str, str]]) -> Made:
    return lambda secret: (
        {"method": "POST", "path": "/ims/token/v3", "body": urlencode(make(secret)).encode()},
        Answer(400, {"error": secret, "error_description": f"wrong {secret}"}),
    )


PLACES: dict[str, Made] = {
    "title": error(lambda secret: {"title": secret, "status": 400}),
    "in a title": error(lambda secret: {"title": f"Login with {secret} failed", "status": 400}),
    "in quotes": error(lambda secret: {"errorMessage": f"The value '{secret}' is not valid for limit"}),
    "after a colon": error(lambda secret: {"errorDetails": f"password:{secret}"}),
    "after an equals sign": error(lambda secret: {"detail": f"pwd={secret};x=1"}),
    "traceback": error(lambda secret: {"message": f"Traceback:\n  line 1, {secret}"}, 500),
    "type": error(lambda secret: {"type": secret, "title": "x"}),
    "code in a type": error(lambda secret: {"type": f"https://ns.adobe.com/aep/errors/FLOW-{secret}"}),
    "end of a type": error(lambda secret: {"type": f"https://ns.adobe.com/aep/errors/{secret}"}),
    "code": error(lambda secret: {"error_code": secret, "message": "no"}),
    "number": error(lambda secret: {"pin": int(secret) if secret.isdigit() else secret, "report": {"a": [secret]}}),
    "variable of an error": error(lambda secret: {"report": {"id": secret, "request-id": secret, "name": secret}}),
    "name in an error": error(lambda secret: {secret: 1, "report": {secret: 1, "deep": [{"x": {secret: secret}}]}}),
    "list as an error": error(lambda secret: [secret, {secret: [secret]}]),
    "text as an error": error(lambda secret: secret, 503),
    "JSON in JSON": error(lambda secret: {"message": json.dumps({"inner": json.dumps({secret: secret})})}),
    "HTML in an error": error(lambda secret: {"message": f"<html><h1 id='{secret}'>{secret}</h1></html>"}, 502),
    "name in an answer": answer(lambda secret: {secret: 1, "items": [{"id": "1", secret: [{secret: {secret: 1}}]}]}),
    "name in an unknown answer": answer(lambda secret: {secret: [{secret: 1}]}, "/unknown"),
    "unknown member": answer(lambda secret: {"x": [secret], "items": [{"zz": secret}]}),
    "state": answer(lambda secret: {"items": [{"state": secret, "status": {"value": secret}}]}),
    "odd etag": answer(lambda secret: {"items": [{"etag": f'"{secret} "', "version": f"v {secret}"}]}),
    "author": answer(lambda secret: {"items": [{"createdBy": secret, "updatedBy": f"{secret}@AdobeID"}]}),
    "client": answer(lambda secret: {"items": [{"createdClient": secret}]}),
    "odd id": answer(lambda secret: {"items": [{"id": f"a {secret}", "baseConnectionId": f"b {secret}"}]}),
    "link": answer(
        lambda secret: {
            "items": [],
            "_links": {"next": {"href": "https://{0}.example.com/x{0}?continuationToken={0}&{0}=1&y={0}#{0}".format(
                quote(secret, safe="")
            )}},
        }
    ),
    "text as an answer": answer(lambda secret: secret),
    "list as an answer": answer(lambda secret: [secret, [secret]]),
    "patch in an answer": answer(
        lambda secret: {"items": [{"lastOperation": {"ops": [{"op": secret, "path": f"/a/{secret}", "x": secret}]}}]},
        "/flows",
    ),
    "token's type": lambda secret: (
        {"method": "POST", "path": "/ims/token/v3", "body": b"grant_type=client_credentials"},
        Answer(200, {"access_token": "t" * 40, "token_type": secret, "expires_in": secret, "error": secret, secret: 1}),
    ),
    "method": lambda secret: ({"method": token(secret)}, Answer(405, {})),
    "path": path("/{}"),
    "path next door": path("/data/foundation/{}/x", mounted=False),
    "below an id": path("/connections/11111111-2222-4333-8444-555555555555/{}"),
    "odd id in a path": path("/connections/a {}"),
    "encoded slash": path("/connections/a%2F{}"),
    "name of a parameter": query("{}=1"),
    "parameter without a value": query("{}"),
    "unknown parameter": query("x={}"),
    "cursor": query("continuationToken={}"),
    "order": query("orderby=-x{}"),
    "count": query("count={}"),
    "projection": query("property={}"),
    "name in a filter": query("property=auth.{}==1"),
    "first name in a filter": query("property={}==1"),
    "state in a filter": query("property=state==x{}"),
    "id in a filter": query('property=id=="x{}"'),
    "listed parameter": query("op={}", f"{ITEM}/action"),
    "name in a body": body(lambda secret: {**connection(), secret: 1, "auth": {secret: 1, "params": {secret: 1}}}),
    "member of a body": body(lambda secret: connection(zz=secret, auth={"zz": secret})),
    "version": body(lambda secret: connection(connectionSpec={"id": f"x {secret}", "version": f"v {secret}"})),
    "patch": body(
        lambda secret: [{"op": secret, "path": f"/auth/params/{secret}", "value": secret}, {"op": "x", "path": secret}],
        method="PATCH", path=ITEM,
    ),
    "search": body(
        lambda secret: {"queryString": "S=1&property=S==1&property=auth.x==S&S&orderby=xS&x=S".replace("S", secret)},
        path="/connections/search",
    ),
    "XML": body(lambda secret: f"<a b='{secret}'>{secret}</a>".encode()),
    "lines of JSON": body(lambda secret: f'{{"a":"{secret}"}}\n{{"{secret}":1}}'.encode()),
    "several parts": body(
        lambda secret: (
            f'--x\r\nContent-Disposition: form-data; name="{secret}"; filename="{secret}"\r\n\r\n{secret}'.encode()
        ),
        headers={**HEADERS, "content-type": "multipart/form-data; boundary=x"},
    ),
    "grant": form(lambda secret: {"grant_type": secret, "scope": secret}),
    "name in a form": form(lambda secret: {secret: "1", "grant_type": "client_credentials"}),
    "name of a header": lambda secret: ({"headers": {**HEADERS, token(secret).lower(): "1"}}, Answer(400)),
    "name of a response header": lambda secret: ({}, Answer(200, {}, ((token(secret), "1"),))),
    **{
        f"{name}: {value}": header(name, value)
        for name, value in (
            ("authorization", "{} x"), ("authorization", "{}"), ("authorization", "Bearer {}"),
            ("cookie", "{}=1; a={}"),
            ("x-gw-ims-org-id", "{}"), ("x-gw-ims-org-id", "5C1328435BF324E90A49402A@AdobeOrg {}"), ("x-api-key", "{}"),
            ("user-agent", "{}/1.0"), ("user-agent", "curl/{}"), ("if-match", "x {}"), ("if-match", '"x {}"'),
            ("x-request-id", "{}"), ("x-sandbox-id", "x{}"), ("x-sandbox-name", "x {}"), ("accept", "application/{}"),
            ("content-type", "application/{}"), ("content-type", "application/json; charset={}"), ("host", "{}.io"),
            ("referer", "https://{}/"), ("prefer", "{}"), ("expect", "{}"), ("accept-language", "{}"), ("origin", "{}"),
        )
    },
    **{
        f"response {name}: {value}": reply(name, value)
        for name, value in (
            ("etag", '"x {}"'), ("etag", 'W/"{}."'), ("etag", "{}."), ("location", "https://{}.example.com/x/{}."),
            ("location", "/connections/{}.?x={}#{}"), ("location", "{}://h/x"), ("location", "//{}@h:1/x"),
            ("www-authenticate", "Basic realm={}"), ("set-cookie", "{}={}; Path=/{}"), ("server", "{}/1.0"),
            ("allow", "GET, {}"), ("cache-control", "max-age={}"), ("cache-control", "no-cache, {}"), ("date", "{}"),
            ("content-type", "application/{}"), ("content-type", "application/vnd.adobe.{}+json"), ("vary", "{}"),
            ("content-language", "{}"), ("content-encoding", "{}"), ("warning", "199 {}"), ("link", "<{}>; rel={}"),
            ("x-request-id", "{}"), ("x-sandbox-name", "{}"), ("retry-after", "x{}"), ("x-{}", "1"), ("age", "{}"),
        )
    },
}  # fmt: skip


def needles(secret: str) -> set[str]:
    """A secret and its parts that are no known words."""
    parts = re.split(r"[^\w]|_|(?<=[a-z])(?=[A-Z])", secret)
    rare = {part for part in parts if len(part) > 3 and part.lower() not in ("data", "token", "auth")}
    return {
        one.lower() for one in ({secret} if re.fullmatch(r"[0-9a-f-]{36}", secret) else {secret, token(secret), *rare})
    }


def found_in(text: str, secret: str) -> list[str]:
    """The surroundings of a secret, or of its parts, in a text in lower case."""
    forms = (form for form in needles(secret) if form in text)  # quicker than a pattern
    found = filter(None, (_pattern(form).search(text) for form in forms))
    return [text[max(0, one.start() - 100) : one.end() + 100] for one in found]


def _pattern(form: str) -> re.Pattern[str]:
    """A pattern for a form; digits are not looked for in hashes and longer numbers."""
    alone = re.fullmatch(r"[\d.]+", form)
    return re.compile(rf"(?<![0-9a-f]){re.escape(form)}(?![0-9a-f])" if alone else re.escape(form))


def as_text(raw: bytes) -> str:
    """Every view of a file, in lower case."""
    return "\0".join(views(raw)).lower()


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_a_secret_that_only_one_exchange_has_is_in_no_file(tmp_path: Path, shape: str) -> None:
    chance = random.Random(shape)
    kept = recorder(tmp_path / "session.har")
    secrets = {}
    for number, (place, make) in enumerate(PLACES.items()):
        secrets[place] = SHAPES[shape](chance)
        members, result = make(secrets[place])
        kept.add(a_call(number, **members), result, 1_700_000_000_100)
    kept.close(complete=True)  # nothing had to be omitted
    seen = as_text(kept.path.read_bytes())
    lost = {place: found for place, secret in secrets.items() if (found := found_in(seen, secret))}
    assert lost == {}
    assert len(Recording.load(kept.path, Contract.load()).exchanges) == len(PLACES)


@pytest.mark.parametrize("shape", SHAPES)
def test_it_is_found_where_it_is_written(tmp_path: Path, shape: str) -> None:
    """The search above is not blind: the name of a connection is written as it is."""
    secret = SHAPES[shape](random.Random(shape))
    kept = recorder(tmp_path / "session.har")
    kept.add(a_call(method="POST", body=json.dumps(connection(f"of {secret}")).encode()), Answer(201, {"id": "1"}), 0)
    kept.close(complete=True)
    assert found_in(as_text(kept.path.read_bytes()), secret)


def test_places_and_shapes_are_all_tried() -> None:
    assert len(list(itertools.product(SHAPES, PLACES))) > 1500
