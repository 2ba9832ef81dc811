"""Tests that the password of a live connection appears in no output of the server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from mockserver.specs.connection_string import format as written
from tests import live
from tests.bad_network import between
from tests.calls import by_string, connection
from tests.postgres import shared_server
from tests.security.canary import CANARY
from tests.security.test_secrets import Watched, logged

__all__ = ["logged"]


@pytest.fixture(scope="module")
def port() -> int:
    """The database's port, with a user who has the known password."""
    found = live.port()
    with psycopg.connect(shared_server().url().replace("/postgres", "/crm"), autocommit=True) as db:
        db.execute(sql.SQL("CREATE ROLE canary LOGIN PASSWORD {}").format(CANARY))
        db.execute("GRANT SELECT ON customers, failing TO canary")
    return found


def bodies(port: int) -> Iterator[dict[str, Any]]:
    """Connections that succeed, and that fail in every way."""
    params = live.basic(port)["auth"]["params"]
    right = {"username": "canary", "password": CANARY}
    for change in (right, {"password": CANARY}, {**right, "database": "nothing"}, {**right, "sslMode": "Verify Full"}):
        yield connection(auth={"specName": "Basic Authentication", "params": {**params, **change}})
    keys = {"Server": live.HOST, "Port": str(port), "Database": "crm", "UID": "canary", "Password": CANARY}
    yield by_string(written(keys.items()))
    yield by_string(written({**keys, "Database": "nothing"}.items()))


def test_no_password_of_a_live_connection_comes_out_again(port: int, logged: list[str]) -> None:
    with between(port) as network:
        watched = Watched()
        watched.emulator.world = live.emulator(network.port).world
        good = 0
        for body in bodies(network.port):
            for mode in ("", "?mode=draft"):
                answer = watched.call("POST", f"/connections{mode}", body)
                good += answer.status_code == 201 and not mode
                if answer.status_code == 201:
                    look_in(watched, answer.json["id"])
        for trouble in (
            network.refuse,
            lambda: network.cut_after(150),
            lambda: network.cut_after(150, "request"),
            network.hang,
        ):
            trouble()
            for body in bodies(network.port):
                watched.call("POST", "/connections", body)
        watched.pages()
    assert good == 2 and any("live source" in line for line in logged)
    watched.out += logged
    assert watched.leaks() == []


def look_in(watched: Watched, connection_id: str) -> None:
    """Send every request that connects to the database."""
    path = f"/connections/{connection_id}"
    for after in (
        "/test",
        "/configs",
        "/explore?objectType=root",
        "/explore?objectType=table&object=public.failing&preview=true",
    ):
        watched.call("GET", path + after)
    etag = watched.call("GET", path).json["items"][0]["etag"]
    change = [{"op": "replace", "path": "/auth/params/database", "value": "other"}]
    watched.call("PATCH", path, change, if_match=etag)
