"""Tests that a secret at a place that seems harmless is masked there, before or after it becomes known."""

from __future__ import annotations

import base64
import itertools
import json
import re
import tracemalloc
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from mockserver import Config, Emulator
from mockserver.contract import Contract
from mockserver.exchange import Result as Answer
from mockserver.recordings import leaks
from mockserver.recordings.recorder import Leak
from mockserver.recordings.recording import Recording
from tests.calls import HEADERS, connection
from tests.recordings.test_record_command import recorder
from tests.recordings.test_recording_secrecy import ITEM, LATE, a_call, assert_clean

SECRET = "c4n4ry-in-a-text"
AUTH = "Basic Authentication"


def answer_of(entry: dict[str, Any]) -> str:
    return str(entry["response"]["content"]["text"])


@pytest.mark.parametrize("order", ["before", "after"])
@pytest.mark.parametrize("form", ["plain", "url", "json", "base64", "hex"])
def test_a_secret_at_a_harmless_place_is_not_written(tmp_path: Path, form: str, order: str) -> None:
    """It is masked where it stands, also if it became known as a secret only later."""
    secret = 'c4n4ry+secret/"quoted"=value'
    shown = {
        "plain": secret, "url": quote(secret, safe=""), "json": json.dumps(secret)[1:-1],
        "base64": base64.b64encode(secret.encode()).decode(), "hex": secret.encode().hex(),
    }[form]  # fmt: skip
    named: tuple[Any, Any] = a_call(), Answer(200, {"items": [{"name": f"my {shown} x", "id": "1"}]})
    secretly: tuple[Any, Any] = a_call(headers={**HEADERS, "x-vault": secret}), Answer(200, {"items": []})
    kept = recorder(tmp_path / "session.har")
    exchanges = [secretly, named] if order == "before" else [named, secretly]
    for call, answer in [(a_call(), Answer(200, {"items": []})), *exchanges]:
        kept.add(call, answer, 0)
    assert_clean(tmp_path, secret)  # as a kill would leave it
    kept.close(complete=True)
    assert kept.hidden == ({} if order == "before" else {2: "the header x-vault"})
    document = json.loads(kept.path.read_text(encoding="utf-8"))
    assert document["log"]["_flow"]["complete"] is True
    assert len(document["log"]["entries"]) == 3
    (shown,) = (text for text in map(answer_of, document["log"]["entries"]) if "name" in text)
    assert json.loads(shown)["items"][0]["name"].startswith("pseudo-")
    assert secret.encode().hex() not in kept.path.read_text(encoding="utf-8")
    assert_clean(tmp_path, secret)


@pytest.mark.parametrize(
    ("members", "answer"),
    [
        ({"method": "POST", "body": json.dumps(connection(SECRET)).encode()}, Answer(201, {"id": "1"})),
        ({"query": f"property=name=={SECRET}"}, Answer(200, {"items": []})),
        ({"headers": {**HEADERS, "x-sandbox-name": SECRET}}, Answer(200, {"items": []})),
        ({}, Answer(200, {"items": [{"id": "1", "description": f"of {SECRET}"}]})),
    ],
    ids=["name", "filter", "sandbox", "description"],
)
def test_it_is_masked_in_every_part_of_an_exchange(tmp_path: Path, members: dict[str, Any], answer: Answer) -> None:
    kept = recorder(tmp_path / "x.har")
    kept.add(a_call(**members), answer, 1)
    assert SECRET in kept.path.read_text(encoding="utf-8")  # a harmless place, as long as nobody knows better
    kept.add(a_call(1, headers={**HEADERS, "x-vault": SECRET}), Answer(200, {"items": []}), 2)
    assert_clean(tmp_path, SECRET)
    kept.close(complete=True)
    assert_clean(tmp_path, SECRET)
    recording = Recording.load(kept.path, Contract.load())
    assert len(recording.exchanges) == 2 and recording.complete
    assert recording.exchanges[0].operation is not None


def test_a_name_that_is_masked_in_a_request_is_masked_alike_in_its_response(tmp_path: Path) -> None:
    kept = recorder(tmp_path / "x.har")
    body = connection(f"of {SECRET}", auth={"specName": AUTH, "params": {"password": SECRET}})
    kept.add(a_call(method="POST", body=json.dumps(body).encode()), Answer(201, {"id": "1"}), 1)
    kept.add(a_call(1), Answer(200, {"items": [{"id": "1", "name": f"of {SECRET}"}]}), 2)
    kept.close(complete=True)
    created, listed = Recording.load(kept.path, Contract.load()).exchanges
    assert created.body["name"] == listed.result.body["items"][0]["name"] != f"of {SECRET}"  # type: ignore[index,call-overload]


def test_a_secret_as_the_name_of_a_header_is_masked(tmp_path: Path) -> None:
    kept = recorder(tmp_path / "x.har")
    kept.add(a_call(headers={**HEADERS, SECRET: "1"}), Answer(200, {"items": []}, ((SECRET, "1"),)), 1)
    kept.add(a_call(1, headers={**HEADERS, "x-vault": SECRET}), Answer(200, {"items": []}), 2)
    kept.close(complete=True)  # nothing had to be omitted
    assert_clean(tmp_path, SECRET)
    assert len(Recording.load(kept.path, Contract.load()).exchanges) == 2


@pytest.mark.parametrize("order", ["before", "after"])
def test_a_secret_as_the_name_of_a_member_is_masked(tmp_path: Path, order: str) -> None:
    """Names of members that are data, such as the keys of a spec, are written, until one is sent as a secret."""
    spec = {"items": [{"id": "1", "specs": {}, "attributes": {"uiAttributes": {SECRET: {f"my {SECRET}": 1}}}}]}
    shown: tuple[Any, Any] = a_call(path="/connectionSpecs"), Answer(200, spec)
    secretly: tuple[Any, Any] = a_call(1, headers={**HEADERS, "x-vault": SECRET}), Answer(200, {"items": []})
    kept = recorder(tmp_path / "x.har")
    for call, answer in [shown, secretly] if order == "after" else [secretly, shown]:
        kept.add(call, answer, 1)
    kept.close(complete=True)  # nothing had to be omitted
    assert_clean(tmp_path, SECRET)
    recording = Recording.load(kept.path, Contract.load())
    assert len(recording.exchanges) == 2 and recording.complete


@pytest.mark.parametrize(
    "password", ["password", "server", "connection", "application", "platform", "status", "s3AccessKey", "123456"]
)
def test_a_password_that_is_an_ordinary_word_leaves_no_exchange_out(tmp_path: Path, password: str) -> None:
    emulator = Emulator(Config())
    kept = recorder(tmp_path / "x.har")
    body = connection(auth={"specName": AUTH, "params": {**connection()["auth"]["params"], "password": password}})
    for number, (method, path, sent) in enumerate(
        [("POST", "/connections", body), ("GET", "/connections", None), ("GET", "/connectionSpecs", None)]
    ):
        raw = json.dumps(sent).encode() if sent else b""
        call = a_call(number, method=method, path=path, body=raw)
        kept.add(call._replace(received_ms=1_123_456_789_000 + number), emulator.handle(call), 1_123_456_789_010)
    kept.close(complete=True)
    recording = Recording.load(kept.path, Contract.load())
    assert len(recording.exchanges) == 3 and recording.complete
    assert recording.exchanges[0].body["auth"]["params"]["password"] != password  # type: ignore[index,call-overload]


def test_a_recording_with_too_many_secrets_is_incomplete_and_has_none_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaks, "MAX_BYTES", 40_000)
    kept = recorder(tmp_path / "x.har")
    kept.add(a_call(), Answer(200, {"items": [{"id": "1", "name": f"of {SECRET}"}]}), 1)
    for number in range(20):
        kept.add(a_call(headers={**HEADERS, "x-vault": f"c4n4ry-number-{number}"}), Answer(200, {"items": []}), 2)
    kept.add(a_call(headers={**HEADERS, "x-vault": SECRET}), Answer(200, {"items": []}), 3)
    assert_clean(tmp_path, SECRET)  # although it was one too many
    kept.add(a_call(), Answer(200, {"items": [{"id": "1", "name": f"of {SECRET}"}]}), 4)
    with pytest.raises(Leak, match=r"lacks exchange 1 .*, all from exchange 1[0-9] \(there are more secrets"):
        kept.close(complete=True)
    assert_clean(tmp_path, SECRET)
    recording = Recording.load(kept.path, Contract.load())
    assert 5 < len(recording.exchanges) < 20 and not recording.complete


@pytest.mark.parametrize("size", [10, 60, 500, 100_000])
@pytest.mark.parametrize("letter", ["x", "\u00fc", "/", "\U0001f511"])
def test_the_memory_for_secrets_is_bounded(monkeypatch: pytest.MonkeyPatch, size: int, letter: str) -> None:
    most = 1_000_000
    monkeypatch.setattr(leaks, "MAX_BYTES", most)
    search = leaks.LeakSearch()
    tracemalloc.start()
    try:
        numbers = itertools.count()
        while not search.is_full:
            search.add(f"{next(numbers):08}" + letter * size, "a place")
            search.fresh()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < most * 1.3
    assert search.found_in(f"00000000{letter * size}".encode()) == "a place"


def test_a_search_takes_memory_only_for_what_was_written() -> None:
    tracemalloc.start()
    try:
        search = leaks.LeakSearch()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 100_000 and search.found_in(SECRET.encode()) is None


def test_a_secret_is_found_wherever_it_begins_and_ends() -> None:
    search = leaks.LeakSearch()
    search.add("123abc", "a place")
    for before, after in itertools.product(range(13), range(13)):
        text = b"-" * before + b"123abc" + b"-" * after
        assert search.found_in(text) == "a place"
        search.remember(text)
    assert b"123abc" in search.fresh()
    for short in (b"", b"1", b"123ab", b"23abc-"):
        assert search.found_in(short) is None


@pytest.mark.parametrize("org", ["acme@AdobeOrg", "ACME-2.test@AdobeOrg", "5C1328435BF324E90A49402A@AdobeOrg"])
def test_an_organisation_stays_one_whatever_its_name(tmp_path: Path, org: str) -> None:
    """A server that takes any organisation answers a replay of its recording as before."""
    kept = recorder(tmp_path / "session.har")
    shown = {"items": [{"id": "1", "imsOrgId": org, "createdBy": org.replace("Org", "ID")}]}
    kept.add(a_call(headers={**HEADERS, "x-gw-ims-org-id": org}), Answer(200, shown), 0)
    kept.close(complete=True)
    (entry,) = json.loads(kept.path.read_text(encoding="utf-8"))["log"]["entries"]
    (sent,) = (one["value"] for one in entry["request"]["headers"] if one["name"] == "x-gw-ims-org-id")
    item = json.loads(answer_of(entry))["items"][0]
    assert re.fullmatch(r"[0-9A-F]{24}@AdobeOrg", sent) and sent == item["imsOrgId"]
    assert item["createdBy"] == sent.replace("Org", "ID")
    assert_clean(tmp_path, org.partition("@")[0])


OWN_SPEC = {"id": "0f0f0f0f-4e59-48d7-9d67-7c03b8a13137", "version": "1.0"}
UNKNOWN_PLACES: dict[str, dict[str, Any]] = {
    "param of another's connector": {
        "body": connection(connectionSpec=OWN_SPEC, auth={"specName": "Own", "params": {"pin": LATE}})
    },
    "param of an unknown auth spec": {"body": connection(auth={"specName": "Own", "params": {"a": [{"b": LATE}]}})},
    "unknown param": {"body": connection(auth={"specName": "Basic Authentication", "params": {"passwort": LATE}})},
    "unknown member": {"body": connection(authParams=[{"accountKey": LATE}])},
    "patch": {"method": "PATCH", "body": [{"op": "add", "path": "/auth/params/passwort", "value": LATE}]},
    "query": {"method": "GET", "query": f"api_key={LATE}", "body": {}},
}
"""Places of credentials that the contract does not have -> request."""


@pytest.mark.parametrize("members", UNKNOWN_PLACES.values(), ids=UNKNOWN_PLACES)
def test_a_credential_at_an_unknown_place_is_hidden_elsewhere(tmp_path: Path, members: dict[str, Any]) -> None:
    kept = recorder(tmp_path / "session.har")
    path = ITEM if members.get("method") == "PATCH" else "/connections"
    request = {"method": "POST", "path": path, **members, "body": json.dumps(members["body"]).encode()}
    kept.add(a_call(1, **request), Answer(400, {}), 1)
    kept.add(a_call(2), Answer(200, {"items": [{"id": "1", "name": f"of {LATE}", "description": "harmless"}]}), 2)
    kept.close(complete=True)
    assert_clean(tmp_path, LATE)
    assert '\\"description\\":\\"harmless\\"' in kept.path.read_text(encoding="utf-8")
