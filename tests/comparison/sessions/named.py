"""Sessions that name entities from before, and show them later or never."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mockserver import Emulator
from tests.calls import connection, made, send, source
from tests.comparison.sessions import act, delete, get, item, patch, session
from tests.dataflows import HOUR, flow, once, pass_time, seconds
from tests.dataflows import source as source_id
from tests.dataflows import target as target_id


@session
def a_new_source_on_a_base_never_shown(emulator: Emulator) -> Iterator[None]:
    base = made(emulator)["id"]
    yield
    new = f"/sourceConnections/{made(emulator, source(base), '/sourceConnections')['id']}"
    get(emulator, new)
    patch(emulator, new, item(emulator, new)["etag"])
    get(emulator, "/sourceConnections")
    delete(emulator, new)
    get(emulator, new)


@session
def a_new_source_on_a_base_shown_later(emulator: Emulator) -> Iterator[None]:
    base = made(emulator)["id"]
    yield
    new = made(emulator, source(base), "/sourceConnections")["id"]
    get(emulator, f"/sourceConnections/{new}")
    get(emulator, f"/connections/{base}")


@session
def a_draft_of_a_source_on_a_base_never_shown(emulator: Emulator) -> Iterator[None]:
    base = made(emulator)["id"]
    yield
    new = made(emulator, source(base), "/sourceConnections?mode=draft")["id"]
    get(emulator, f"/sourceConnections/{new}")
    act(emulator, f"/sourceConnections/{new}", "publish")
    get(emulator, f"/sourceConnections/{new}")


@session
def a_refused_source_on_a_base_never_shown(emulator: Emulator) -> Iterator[None]:
    base = made(emulator)["id"]
    yield
    send(emulator, "POST", "/sourceConnections", source(base, data={"format": "no such"}))
    send(emulator, "POST", "/sourceConnections", source(base, params={}))
    made(emulator, source(base), "/sourceConnections")


@session
def a_new_flow_on_ends_never_shown(emulator: Emulator) -> Iterator[None]:
    body = flow(emulator)
    yield
    new = f"/flows/{made(emulator, body, '/flows')['id']}"
    get(emulator, new)
    pass_time(emulator, HOUR)
    get(emulator, f"/runs?property=flowId=={new.rpartition('/')[2]}")
    act(emulator, new, "disable")
    get(emulator, new)
    get(emulator, "/flows")
    delete(emulator, new)


@session
def a_new_flow_on_ends_never_shown_and_never_looked_up(emulator: Emulator) -> Iterator[None]:
    body = flow(emulator)
    yield
    new = f"/flows/{made(emulator, body, '/flows')['id']}"
    act(emulator, new, "disable")
    delete(emulator, new)


@session
def a_flow_of_a_new_source_and_a_target_never_shown(emulator: Emulator) -> Iterator[None]:
    target = target_id(emulator)
    base = made(emulator)["id"]
    yield
    read = source_id(emulator, baseConnectionId=base)
    new = made(emulator, once(emulator, sourceConnectionIds=[read], targetConnectionIds=[target]), "/flows")["id"]
    get(emulator, f"/flows/{new}")
    pass_time(emulator, HOUR)
    get(emulator, f"/runs?property=flowId=={new}")


@session
def runs_of_a_flow_never_shown(emulator: Emulator) -> Iterator[None]:
    at = made(emulator, once(emulator), "/flows")["id"]
    pass_time(emulator, 5 * HOUR)
    yield
    now = seconds(emulator)
    window = {"startTime": now + 60, "windowStartTime": now - 3600, "windowEndTime": now}
    params = {**window, "deltaColumn": {"name": "entered_at"}}
    run: Any = send(emulator, "POST", "/runs", {"flowId": at, "params": params}).body
    new = run["items"][0]["id"]
    get(emulator, f"/runs/{new}")
    get(emulator, f"/runs?property=flowId=={at}")
    get(emulator, f"/runs?property=flowId=={at}&count=true")
    get(emulator, "/runs?limit=3")


@session
def a_run_never_shown(emulator: Emulator) -> Iterator[None]:
    at = made(emulator, flow(emulator), "/flows")["id"]
    pass_time(emulator, 5 * HOUR)
    run = item(emulator, f"/runs?property=flowId=={at}")["id"]
    yield
    get(emulator, f"/runs/{run}")
    get(emulator, f"/runs/{run}")


@session
def an_explored_connection_never_shown(emulator: Emulator) -> Iterator[None]:
    at = f"/connections/{made(emulator)['id']}"
    yield
    get(emulator, f"{at}/test")
    get(emulator, f"{at}/explore?objectType=root")
    get(emulator, f"{at}/explore?objectType=table&object=sales.store_visits")
    get(emulator, f"{at}/explore?objectType=table&object=no.such")
    get(emulator, f"{at}/configs")
    get(emulator, f"{at}/nothing")


@session
def filters_by_entities_never_shown(emulator: Emulator) -> Iterator[None]:
    base = made(emulator)["id"]
    read = made(emulator, source(base), "/sourceConnections")["id"]
    other = made(emulator)["id"]
    at = made(emulator, flow(emulator, sourceConnectionIds=[read]), "/flows")["id"]
    yield
    get(emulator, f"/sourceConnections?property=baseConnectionId=={base}")
    get(emulator, f"/sourceConnections?property=baseConnectionId=={other}")
    get(emulator, f"/flows?property=sourceConnectionIds[]=={read}&count=true")
    get(emulator, f"/flows?property=id=={at}&property=id,name")
    get(emulator, f"/connections?property=id=={other}&count=true")


@session
def changes_of_a_connection_never_shown(emulator: Emulator) -> Iterator[None]:
    new = made(emulator)
    at = f"/connections/{new['id']}"
    yield
    receipt = patch(emulator, at, new["etag"])
    patch(emulator, at, new["etag"], value="late")
    patch(emulator, at, receipt["etag"], value="again")
    delete(emulator, at)
    get(emulator, at)


@session
def changes_of_a_connection_shown_afterwards(emulator: Emulator) -> Iterator[None]:
    new = made(emulator)
    at = f"/connections/{new['id']}"
    yield
    receipt = patch(emulator, at, new["etag"])
    patch(emulator, at, new["etag"], value="late")
    get(emulator, at)
    patch(emulator, at, receipt["etag"], value="again")
    get(emulator, at)


@session
def a_flow_disabled_before_it_is_shown(emulator: Emulator) -> Iterator[None]:
    at = f"/flows/{made(emulator, flow(emulator), '/flows')['id']}"
    yield
    act(emulator, at, "disable")
    get(emulator, at)
    act(emulator, at, "disable")
    act(emulator, at, "enable")
    get(emulator, at)


@session
def drafts_published_before_they_are_shown(emulator: Emulator) -> Iterator[None]:
    at = f"/connections/{made(emulator, connection(), '/connections?mode=draft')['id']}"
    yield
    act(emulator, at, "publish")
    get(emulator, at)
    act(emulator, at, "publish")


@session
def a_flow_never_shown(emulator: Emulator) -> Iterator[None]:
    at = f"/flows/{made(emulator, flow(emulator), '/flows')['id']}"
    yield
    act(emulator, at, "disable")
    act(emulator, at, "disable")
    act(emulator, at, "enable")
    delete(emulator, at)
    get(emulator, at)
    get(emulator, "/flows")
