"""Sessions that show what existed before: whole, in part, in use, page by page."""

from __future__ import annotations

from collections.abc import Iterator

from mockserver import Emulator
from tests.calls import by_string, connection, made, source
from tests.comparison.sessions import act, delete, get, item, patch, session
from tests.dataflows import HOUR, flow, pass_time
from tests.dataflows import source as source_id
from tests.dataflows import target as target_id
from tests.resources.test_specs import AUTH, CONNECTION_SPEC


@session
def a_connection_used_as_it_was(emulator: Emulator) -> Iterator[None]:
    at = f"/connections/{made(emulator)['id']}"
    draft = f"/connections/{made(emulator, connection('draft'), '/connections?mode=draft')['id']}"
    text = by_string("Server=db.example.com;Port=5432;Database=shop;UID=reader;Password=c4n4ry")
    string = f"/connections/{made(emulator, text)['id']}"
    yield
    for path in (at, string):
        get(emulator, path)
        get(emulator, f"{path}/test")
        get(emulator, f"{path}/explore?objectType=root")
        get(emulator, f"{path}/explore?objectType=table&object=sales.store_visits")
    get(emulator, draft)
    act(emulator, draft, "publish")
    get(emulator, draft)
    made(emulator, source(at.rpartition("/")[2]), "/sourceConnections")


@session
def a_first_page_of_many(emulator: Emulator) -> Iterator[None]:
    for number in range(5):
        made(emulator, connection(f"c{number}"))
        made(emulator, flow(emulator), "/flows")
    pass_time(emulator, HOUR)
    yield
    for kind in ("connections", "sourceConnections", "flows", "runs"):
        get(emulator, f"/{kind}?limit=2")
        get(emulator, f"/{kind}?limit=2&orderby=createdAt")
    new = made(emulator)["id"]
    get(emulator, "/connections?limit=2")
    get(emulator, f"/connections?limit=1&property=id=={new}")


@session
def a_source_whose_base_is_never_shown(emulator: Emulator) -> Iterator[None]:
    read = f"/sourceConnections/{source_id(emulator)}"
    yield
    get(emulator, read)
    get(emulator, "/sourceConnections")
    patch(emulator, read, item(emulator, read)["etag"])
    get(emulator, read)
    delete(emulator, read)


@session
def a_source_of_an_own_connector_that_is_never_shown(emulator: Emulator) -> Iterator[None]:
    emulator.quirks.update({"spec-writers": "any"})
    spec = {"id": made(emulator, CONNECTION_SPEC, "/connectionSpecs")["id"], "version": "1.0"}
    auth = {"specName": AUTH["name"], "params": {"host": "h", "password": "c4n4ry"}}
    base = made(emulator, connection(connectionSpec=spec, auth=auth))["id"]
    made(emulator, source(base, connectionSpec=spec), "/sourceConnections")
    yield
    get(emulator, "/sourceConnections")


@session
def a_flow_whose_ends_are_never_shown(emulator: Emulator) -> Iterator[None]:
    at = f"/flows/{made(emulator, flow(emulator), '/flows')['id']}"
    pass_time(emulator, 3 * HOUR)
    yield
    etag = item(emulator, at)["etag"]
    patch(emulator, at, etag, "description", "x")
    act(emulator, at, "disable")
    act(emulator, at, "enable")
    get(emulator, at)
    pass_time(emulator, 3 * HOUR)
    get(emulator, f"/runs?property=flowId=={at.rpartition('/')[2]}")
    delete(emulator, at)
    get(emulator, at)


@session
def entities_in_use_by_others_never_shown(emulator: Emulator) -> Iterator[None]:
    base = made(emulator)["id"]
    read = source_id(emulator, baseConnectionId=base)
    write = target_id(emulator)
    made(emulator, flow(emulator, sourceConnectionIds=[read], targetConnectionIds=[write]), "/flows")
    yield
    for at in (f"/connections/{base}", f"/sourceConnections/{read}", f"/targetConnections/{write}"):
        get(emulator, at)
        delete(emulator, at)
        get(emulator, at)


@session
def lists_before_anything(emulator: Emulator) -> Iterator[None]:
    for name in "edcba":
        pass_time(emulator, 1_001)
        made(emulator, connection(name))
    made(emulator, flow(emulator), "/flows")
    yield
    page = get(emulator, "/connections?limit=2")
    while "next" in page["_links"]:
        page = get(emulator, page["_links"]["next"]["href"])
    new = made(emulator, connection("new"))["id"]
    for query in ("orderby=name", "orderby=-createdAt&limit=3", "count=true", "property=name==a", "property=id,name"):
        get(emulator, f"/connections?{query}")
    for kind in ("flows", "sourceConnections", "targetConnections", "runs"):
        get(emulator, f"/{kind}?limit=1")
    delete(emulator, f"/connections/{new}")
    get(emulator, "/connections?limit=2")


@session
def a_page_whose_cursor_is_from_before(emulator: Emulator) -> Iterator[None]:
    for name in "edcba":
        pass_time(emulator, 1_001)
        made(emulator, connection(name))
    page = get(emulator, "/connections?limit=2")
    yield
    while "next" in page["_links"]:
        page = get(emulator, page["_links"]["next"]["href"])
    get(emulator, "/connections?limit=2")


@session
def only_a_part_of_the_entities_is_shown(emulator: Emulator) -> Iterator[None]:
    for name in "edcba":
        pass_time(emulator, 1_001)
        made(emulator, connection(name))
    yield
    found = item(emulator, "/connections?property=name==c")
    get(emulator, "/connections?property=name==b&property=id,name")
    get(emulator, "/connections?count=true")
    get(emulator, "/connections?property=name==d&count=true")
    made(emulator, connection("new"))
    page = get(emulator, "/connections?limit=2")
    get(emulator, page["_links"]["next"]["href"])
    get(emulator, f"/connections/{found['id']}")
