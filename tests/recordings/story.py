"""A recording of our own server: a client's requests from the first connection to the last deletion."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from mockserver import Emulator
from mockserver.exchange import BASE_PATH, Call, Result
from mockserver.recordings.recording import RecordedExchange, Recording, exchange
from tests.calls import HEADERS, connection, made, send
from tests.dataflows import HOUR, flow, once, pass_time, runs_of


class Recorded:
    """An emulator that keeps every exchange."""

    def __init__(self, emulator: Emulator) -> None:
        self.exchanges: list[RecordedExchange] = []
        self.emulator = emulator
        handle = emulator.handle

        def keep(call: Call) -> Result:
            at_ms = emulator.runtime.clock.now_ms()
            result = handle(call)
            call = Call(call.method, call.path, call.query, call.headers, call.body, call.request_id, at_ms)
            number = len(self.exchanges) + 1
            self.exchanges.append(exchange(number, call, result, emulator.contract, host="platform.adobe.io"))
            return result

        emulator.handle = keep  # type: ignore[method-assign]

    @property
    def recording(self) -> Recording:
        return Recording(tuple(self.exchanges))


def tell(emulator: Emulator) -> Recording:
    """Run everything: connections, refusals, pages, a flow with its runs, deletion."""
    recorded = Recorded(emulator)
    connections(emulator)
    lists(emulator)
    flows(emulator)
    return recorded.recording


def connections(emulator: Emulator) -> None:
    """Create, read, change, refuse a stale etag, explore, delete."""
    first = made(emulator)
    path = f"/connections/{first['id']}"
    send(emulator, "GET", path)
    patch = [{"op": "replace", "path": "/name", "value": "renamed"}]
    send(emulator, "PATCH", path, patch, headers={"if-match": first["etag"]})
    send(emulator, "PATCH", path, patch, headers={"if-match": first["etag"]})
    send(emulator, "PATCH", path, patch)
    send(emulator, "GET", path)
    for inside in ("test", "explore?objectType=root", "explore?objectType=table&object=sales.store_visits", "configs"):
        send(emulator, "GET", f"{path}/{inside}")
    send(emulator, "POST", "/connections", connection(auth={"specName": "No Such Auth", "params": {}}))
    send(emulator, "POST", "/connections", raw=b"{")
    send(emulator, "GET", "/connections", headers={"authorization": None})
    send(emulator, "GET", "/connections/00000000-0000-4000-8000-000000000000")
    send(emulator, "DELETE", path)
    send(emulator, "GET", path)


def lists(emulator: Emulator) -> None:
    """Use several pages, an order, a filter, a count."""
    for name in ("c", "a", "b"):
        made(emulator, connection(name))
    page = send(emulator, "GET", "/connections?limit=2").body
    assert isinstance(page, dict)
    send(emulator, "GET", page["_links"]["next"]["href"])
    send(emulator, "GET", "/connections?orderby=name")
    send(emulator, "GET", f"/connections?property=id=={page['items'][0]['id']}")
    send(emulator, "GET", "/connections?count=true")
    send(emulator, "GET", "/connectionSpecs?property=name==%22postgre-sql%22")


def flows(emulator: Emulator) -> None:
    """Create a flow by schedule with its runs, one on demand, and a disabled one; delete both."""
    made_flow = made(emulator, flow(emulator), "/flows")
    path = f"/flows/{made_flow['id']}"
    pass_time(emulator, 3 * HOUR)
    runs_of(emulator, made_flow["id"], "&limit=5")
    send(emulator, "GET", path)
    send(emulator, "POST", f"{path}/action?op=disable")
    pass_time(emulator, HOUR)
    at_once = made(emulator, once(emulator), "/flows")
    pass_time(emulator, HOUR)
    runs_of(emulator, at_once["id"])
    send(emulator, "DELETE", path)
    send(emulator, "GET", path)


class Server:
    """An emulator as seen by a replay, with its clock driven by the recording."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.headers = HEADERS

    def send(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Result:
        path, _, query = target.removeprefix(BASE_PATH).partition("?")
        return self.emulator.handle(Call(method, path, query, dict(headers), body, "0" * 32, 0))

    def before(self, exchange: RecordedExchange) -> None:
        self.emulator.runtime.clock.freeze(exchange.call.received_ms)


def described(found: Any) -> list[str]:
    return [
        f"{one.exchange.number} {one.exchange.operation}: {one.verdict} {one.why} {[str(d) for d in one.differences]}"
        for one in found
        if one.verdict != "same"
    ]


def as_har(recording: Recording) -> dict[str, Any]:
    """The recording as a proxy would write it."""
    return {"log": {"version": "1.2", "entries": [_entry(one) for one in recording.exchanges]}}


def _entry(one: RecordedExchange) -> dict[str, Any]:
    query = f"?{one.call.query}" if one.call.query else ""
    body = one.call.body.decode()
    return {
        "startedDateTime": datetime.fromtimestamp(one.call.received_ms / 1000, UTC).isoformat(),
        "request": {
            "method": one.call.method,
            "url": f"https://platform.adobe.io{one.target}{query}",
            "headers": [{"name": name, "value": value} for name, value in one.call.headers.items()],
            "bodySize": len(body),
            **({"postData": {"mimeType": one.call.headers.get("content-type", ""), "text": body}} if body else {}),
        },
        "response": {
            "status": one.result.status,
            "headers": [
                {"name": name, "value": value}
                for name, value in (("content-type", "application/json"), *one.result.headers)
            ],
            "content": {"size": len(one.result.encoded), "text": one.result.encoded.decode()},
        },
    }
