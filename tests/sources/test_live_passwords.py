"""Tests that a stored password goes only to the server, port, database and user it was sent for (assumed: 1100-400)."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver import Config, Emulator
from mockserver.exchange import Result
from mockserver.sources import Sources
from mockserver.sources.listed import pinned
from mockserver.sources.live import Live
from mockserver.specs.connectors import MASK, PASSWORD_FOR
from tests import live
from tests.calls import made, refused, send
from tests.dataflows import looked_up
from tests.postgres import PASSWORD


@pytest.fixture
def emulator() -> Emulator:
    return live.emulator()


def patch(emulator: Emulator, connection_id: str, *changes: tuple[str, Any]) -> Result:
    """Set values at places of a connection by one patch."""
    path = f"/connections/{connection_id}"
    etag = {"if-match": looked_up(emulator, path)["etag"]}
    body = [{"op": "add", "path": place, "value": value} for place, value in changes]
    return send(emulator, "PATCH", path, body, headers=etag)


def is_withheld(result: Result) -> bool:
    """Whether a response says that the password must be sent again."""
    return refused(result)[:2] == (400, "1100-400") and "send the password again" in str(result.body)


PARAMS = "/auth/params"


@pytest.mark.parametrize("member", ["server", "port", "database", "username"])
@pytest.mark.parametrize("by", ["a member", "all params with the mask", "auth with the mask"])
def test_a_patch_that_leads_elsewhere_without_the_password_is_refused(emulator: Emulator, member: str, by: str) -> None:
    params = live.basic()["auth"]["params"]
    there = params[member]
    elsewhere = live.basic(**{member: {"server": "db.example.com", "port": "1"}.get(member, "other")})
    unlisted = member in ("server", "port")  # where credentials are not verified
    base = made(emulator, elsewhere)["id"] if unlisted else live.draft(emulator, elsewhere)
    moved = {**params, "password": MASK}
    change = {
        "a member": (f"{PARAMS}/{member}", there),
        "all params with the mask": (PARAMS, moved),
        "auth with the mask": ("/auth", {"specName": "Basic Authentication", "params": moved}),
    }[by]
    result = patch(emulator, base, change)
    if unlisted:
        assert is_withheld(result)
        assert live.explore(emulator, base).status == 200  # unchanged: the shop
    else:  # a draft accepts it without a test
        assert result.status == 200
        assert is_withheld(live.explore(emulator, base))
    assert patch(emulator, base, change, (f"{PARAMS}/password", PASSWORD)).status == 200
    assert "public.orders" in str(live.explore(emulator, base).body)


def test_a_patch_of_something_else_keeps_the_password(emulator: Emulator) -> None:
    base = made(emulator, live.basic(sslMode="Disable"))["id"]
    assert patch(emulator, base, (f"{PARAMS}/sslMode", "Allow")).status == 200
    assert patch(emulator, base, ("/name", "other")).status == 200
    assert patch(emulator, base, (PARAMS, {**live.basic()["auth"]["params"], "password": MASK})).status == 200
    assert send(emulator, "GET", f"/connections/{base}/test").body == {"result": True}


@pytest.mark.parametrize("lower", ["Disable", "Allow"])
def test_a_password_that_would_be_protected_less_is_needed_again(emulator: Emulator, lower: str) -> None:
    base = live.draft(emulator, live.basic(sslMode="Prefer"))
    assert patch(emulator, base, (f"{PARAMS}/sslMode", lower)).status == 200
    assert is_withheld(live.explore(emulator, base))
    assert patch(emulator, base, (f"{PARAMS}/sslMode", "Prefer")).status == 200
    assert live.explore(emulator, base).status == 200  # as it was
    assert patch(emulator, base, (f"{PARAMS}/sslMode", lower), (f"{PARAMS}/password", PASSWORD)).status == 200
    assert live.explore(emulator, base).status == 200


@pytest.mark.parametrize(
    "value",
    ["Prefer", "prefer", "PREFER", "Allow", "Disable", "disable", " Disable", "false", "False", "no mode", "", None, 0,
     False, True, [], ["Require"], {"mode": "Require"}],
)  # fmt: skip
def test_every_spelling_of_less_protection_needs_the_password_again(emulator: Emulator, value: Any) -> None:
    base = live.draft(emulator, live.basic(sslMode="Require"))
    assert patch(emulator, base, (f"{PARAMS}/sslMode", value)).status == 200
    assert is_withheld(live.explore(emulator, base))


@pytest.mark.parametrize("op", ["remove", "Remove"])
def test_without_its_ssl_mode_the_password_is_needed_again(emulator: Emulator, op: str) -> None:
    base = live.draft(emulator, live.basic(sslMode="Require"))
    path = f"/connections/{base}"
    etag = {"if-match": looked_up(emulator, path)["etag"]}
    removal = [{"op": op, "path": f"{PARAMS}/sslMode"}]
    assert send(emulator, "PATCH", path, removal, headers=etag).status == 200
    assert is_withheld(live.explore(emulator, base))


@pytest.mark.parametrize(
    "keys", [{"SslMode": "Prefer"}, {"sslmode": "prefer"}, {"SSL Mode": "Prefer"}, {"Encryption": "1"}]
)
def test_a_connection_string_is_masked_as_a_whole_so_no_part_of_it_can_be_changed(
    emulator: Emulator, keys: dict[str, str]
) -> None:
    base = live.draft(emulator, live.string(**keys))
    shown = looked_up(emulator, f"/connections/{base}")["auth"]["params"]["connectionString"]
    assert shown == MASK and "Sales.EU" in str(live.explore(emulator, base).body)
    for text in (f"{MASK};SslMode=Disable", f"Server={live.HOST};Port={live.port()};Password={MASK};SslMode=Disable"):
        patch(emulator, base, (f"{PARAMS}/connectionString", text))
        assert "Sales.EU" not in str(live.explore(emulator, base).body)


def test_a_draft_that_was_led_elsewhere_is_neither_tested_nor_published_before_its_password_came(
    emulator: Emulator,
) -> None:
    base = live.draft(emulator, live.basic(server="db.example.com"))
    assert patch(emulator, base, (f"{PARAMS}/server", live.HOST)).status == 200
    assert send(emulator, "GET", f"/connections/{base}/test").body == {"result": False}
    assert is_withheld(send(emulator, "POST", f"/connections/{base}/action?op=publish"))
    assert patch(emulator, base, (f"{PARAMS}/password", PASSWORD)).status == 200
    assert send(emulator, "POST", f"/connections/{base}/action?op=publish").status == 200


def test_the_way_back_needs_no_password(emulator: Emulator) -> None:
    base = live.draft(emulator, live.basic())
    assert patch(emulator, base, (f"{PARAMS}/server", "db.example.com")).status == 200
    assert patch(emulator, base, (f"{PARAMS}/database", "other")).status == 200
    assert patch(emulator, base, (f"{PARAMS}/server", live.HOST), (f"{PARAMS}/database", "crm")).status == 200
    assert send(emulator, "GET", f"/connections/{base}/test").body == {"result": True}


def test_a_connection_that_was_led_elsewhere_before_that_place_was_listed_is_not_dialled(tmp_path: Any) -> None:
    state = str(tmp_path / "state.db")
    emulator = Emulator(Config(seed=1, state=state))
    base = made(emulator, live.basic(server="db.example.com"))["id"]
    assert patch(emulator, base, (f"{PARAMS}/server", live.HOST)).status == 200
    assert live.explore(emulator, base).status == 200  # synthetic: the password goes nowhere
    emulator.close()
    emulator = live.emulator(state=state)
    assert is_withheld(live.explore(emulator, base))
    emulator.close()


def test_a_connection_string_brings_its_password_along(emulator: Emulator) -> None:
    base = live.draft(emulator, live.string(Server="db.example.com"))
    text = live.string()["auth"]["params"]["connectionString"]
    assert patch(emulator, base, (f"{PARAMS}/connectionString", text)).status == 200
    assert send(emulator, "GET", f"/connections/{base}/test").body == {"result": True}
    assert patch(emulator, base, (f"{PARAMS}/connectionString", MASK)).status == 200
    assert send(emulator, "GET", f"/connections/{base}/test").body == {"result": True}


@pytest.mark.parametrize("secrets", ["mask", "show"])
def test_what_is_remembered_for_this_is_not_shown(secrets: str) -> None:
    emulator = live.emulator(quirk={"secrets": secrets})
    base = live.draft(emulator, live.basic(server="db.example.com"))
    assert patch(emulator, base, (f"{PARAMS}/server", live.HOST)).status == 200
    for path in (f"/connections/{base}", "/connections", "/connections?property=name!=x"):
        assert PASSWORD_FOR not in str(send(emulator, "GET", path).body)
    assert PASSWORD_FOR in str(emulator.export())


def test_an_export_taken_elsewhere_is_no_way_round(emulator: Emulator) -> None:
    base = live.draft(emulator, live.basic(server="db.example.com"))
    assert patch(emulator, base, (f"{PARAMS}/server", live.HOST)).status == 200
    other = live.emulator()
    other.restore(emulator.export(credentials=True))
    assert is_withheld(live.explore(other, base))


def test_two_listed_databases_do_not_share_a_password() -> None:
    with live.speaking(lambda connection: None) as second:
        emulator = live.emulator()
        listed = [pinned(f"localhost:{port}", lambda host, port: ["127.0.0.1"]) for port in (live.port(), second)]
        emulator.world = emulator.world._replace(sources=Sources(live=Live(listed, patience=live.BRIEF)))
        base = made(emulator, live.basic())["id"]
        assert is_withheld(patch(emulator, base, (f"{PARAMS}/port", str(second))))
