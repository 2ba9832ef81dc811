"""Records as a store may contain them although this program never wrote them, and requests that come across them."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from mockserver import Config, Emulator
from tests.arrival import CATALOG, CONVERSION, REGISTRY, arrival, arriving
from tests.calls import HEADERS, send
from tests.dataflows import HOUR, flow, flowing, once
from tests.destinations import S3_DATASET_FLOW, audience, data_sets, exporting, s3_target, transform
from tests.resources import test_inlet as inlets
from tests.resources.test_connectors_service import CUSTOMER_KEYS, ENDPOINT, ENDPOINTS, KEYS, PAIR
from tests.security.estate import Estate

NEIGHBOURS = "/data/foundation"
ACTIVATION = "/data/core/activation/disflowprovider/adhocrun"

Row = dict[str, Any]
"""A record in an export."""

_GROUP = {"type": "object", "title": "G", "definitions": {"c": {"properties": {"x": {"type": "string"}}}}}
CREATED: tuple[tuple[str, Any], ...] = (
    (KEYS, PAIR),
    (CUSTOMER_KEYS, {"name": "c", "encryptionAlgorithm": "PGP", "publicKey": "YQ=="}),
    (ENDPOINTS, ENDPOINT),
    (f"{ENDPOINTS}/interactiveAuthoring?op=enable", {"autoTerminationMinutes": 10}),
    (f"{NEIGHBOURS}/connectors/landingzone/credentials?type=user_drop_zone&action=refresh", None),
    (f"{REGISTRY}/tenant/fieldgroups", {**_GROUP, "allOf": [{"$ref": "#/definitions/c"}]}),
)
"""Path and body of requests that create records of neighbouring services."""


def emulator(**settings: Any) -> Emulator:
    """An emulator that treats the caller as a service."""
    return Emulator(Config(seed=1, service_clients=(HEADERS["x-api-key"],), journal_entries=0, **settings))


def rows() -> list[Row]:
    """Records of every kind, of one tenant, as exported."""
    filled = Estate()
    server = filled.emulator
    to = arrival(server)
    for body in (flow(server), arriving(server, to), once(server, start=10**10)):
        flowing(server, body)
    flowing(server, flow(server), query="?mode=draft")
    exporting(server, transformations=transform(audience("a", frequency="DAILY", startDate="2026-01-01")))
    ends = {"sourceConnectionIds": [data_sets(server, "5" * 24)], "targetConnectionIds": [s3_target(server)]}
    exporting(server, S3_DATASET_FLOW, **ends, scheduleParams={"startTime": 1, "timeUnit": "day", "interval": 1})
    base = inlets.connection(server, dataType="xdm")
    stream = inlets.flow(server, base, schema=to.schema, data_set=to.data_set)
    inlets.post(server, inlets.inlet(server, base), inlets.message(), x_adobe_flow_id=stream)
    for path, sent in CREATED:
        assert send(server, "POST", path, sent).status < 300, path
    server.runtime.clock.advance(2 * HOUR)
    for kind in ("runs", "flows"):
        assert send(server, "GET", f"/{kind}").status == 200
    return [{**row, "id": row["doc"]["id"]} for row in server.export(credentials=True)["records"]]


def export(found: list[Row]) -> dict[str, Any]:
    """An export of records."""
    records = [{name: value for name, value in row.items() if name != "id"} for row in found]
    return {"version": 1, "revision": 1_000_000, "records": records}


def of_each_form(found: list[Row]) -> list[Row]:
    """One record of each kind and set of members."""
    chosen: dict[Any, Row] = {}
    for row in found:
        chosen.setdefault((row["kind"], *_shape(row["doc"])), row)
    return list(chosen.values())


def _shape(doc: Mapping[str, Any]) -> Iterator[str]:
    for name, value in sorted(doc.items()):
        yield name
        if isinstance(value, dict) and name in ("body", "provider", "reported", "spec", "auth"):
            yield from value


DEEP: Any = []
for _ in range(60):
    DEEP = [DEEP]

ODD: tuple[Any, ...] = (
    None, True, 0, -1, 10**15, -(10**300), 2**63, 1.5, "", "x", "é\n\r\t", "a/b", "../..", "9" * 400, "1e400",
    [], {}, [None], [[]], [{}], {"": None}, {"id": None}, {"params": []}, DEEP, "x" * 70_000,
)  # fmt: skip
"""Values to put into a place that expects something else."""


def mutants(doc: Mapping[str, Any], odd: tuple[Any, ...] = ODD) -> Iterator[tuple[str, dict[str, Any]]]:
    """The record without each of its values, and with odd ones in its place. What was changed, and the record."""
    for path in _paths(doc, ()):
        lacking = copy.deepcopy(dict(doc))
        holder: Any = lacking
        for step in path[:-1]:
            holder = holder[step]
        before = holder.pop(path[-1])
        yield f"/{'/'.join(map(str, path))} is missing", lacking
        for value in odd:
            if value != before or type(value) is not type(before):
                changed = copy.deepcopy(dict(doc))
                holder = changed
                for step in path[:-1]:
                    holder = holder[step]
                holder[path[-1]] = value
                yield f"/{'/'.join(map(str, path))} is {repr(value)[:30]}", changed


def _paths(value: Any, at: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, one in inner:
        yield (*at, step)
        yield from _paths(one, (*at, step))


def moved(row: Row, sandbox: str) -> Row:
    """The same record in another sandbox."""
    doc = {**row["doc"], "sandboxName": sandbox} if "sandboxName" in row["doc"] else row["doc"]
    return {**row, "sandbox": sandbox, "doc": doc}


Asked = tuple[str, str, Any]
"""Method, path and body."""

LISTS = (
    *(
        f"/{kind}{query}"
        for kind in ("connections", "sourceConnections", "targetConnections", "flows", "runs")
        for query in ("", "?limit=1", "?count=true", "?orderby=-createdAt,id", "?property=name~^a")
    ),
    "/connections?property=auth.params.port>=1", "/sourceConnections?property=params.tableName==x",
    "/runs?property=metrics.statusSummary.status==success", "/flows?property=lastRunDetails.state==success",
    "/connectionSpecs", "/flowSpecs", "/connectionSpecs?property=attributes.category==crm",
    f"{REGISTRY}/stats", f"{CATALOG}/dataSets", f"{CATALOG}/dataSets?orderBy=asc:name&properties=name,schemaRef",
    f"{CATALOG}/dataSets?property=name==a&name=a", f"{CATALOG}/batches", f"{CATALOG}/lastBatches",
    f"{CATALOG}/batches?status=success&orderBy=desc:created", f"{CONVERSION}/mappingSets", KEYS, CUSTOMER_KEYS,
    ENDPOINTS, f"{ENDPOINTS}/interactiveAuthoring", f"{ENDPOINTS}?property=connectionSpec.id==x",
    f"{NEIGHBOURS}/connectors/landingzone/credentials?type=user_drop_zone", f"{NEIGHBOURS}/export/files/x",
)  # fmt: skip

POSTS: tuple[tuple[str, Any], ...] = (
    ("/connections/search", {}), ("/flows/search", {"property": ["name==x"]}), ("/flowSpecs/search", {}),
    (f"{ENDPOINTS}/interactiveAuthoring?op=enable", {"autoTerminationMinutes": 10}),
    (f"{NEIGHBOURS}/connectors/landingzone/credentials?type=user_drop_zone&action=refresh", None),
)  # fmt: skip

NAME = [{"op": "replace", "path": "/name", "value": "y"}]


def lists() -> Iterator[Asked]:
    """Requests that list, filter and sort everything."""
    yield from (("GET", path, None) for path in LISTS)
    yield from (("POST", path, body) for path, body in POSTS)


def visits(row: Row) -> Iterator[Asked]:
    """Requests that read, use, change and delete one record."""
    kind, key = row["kind"], quote(row["id"], safe="")
    place = _PLACES.get(kind, f"/{kind}" if kind in _OF_FLOW_SERVICE else f"{NEIGHBOURS}/{kind}")
    queries = _QUERIES.get(kind, ())
    yield from (("GET", f"{place}/{key}{query}", None) for query in ("", *queries))
    yield from ((method, f"{place}{path.format(key)}", body) for method, path, body in _CHANGES.get(kind, ()))
    if kind in ("connections", "sourceConnections", "targetConnections", "flows"):
        yield "PATCH", f"{place}/{key}", NAME
        yield "POST", f"{place}/{key}/action?op=publish", None
    yield "DELETE", f"{place}/{key}", None


_OF_FLOW_SERVICE = {
    "connections", "sourceConnections", "targetConnections", "flows", "runs", "connectionSpecs", "flowSpecs",
}  # fmt: skip
_PLACES = {
    "xdmResources": f"{REGISTRY}/tenant/schemas", "dataSets": f"{CATALOG}/dataSets", "encryptionKeys": KEYS,
    "mappingSets": f"{CONVERSION}/mappingSets", "privateEndpoints": ENDPOINTS, "flowProgress": "/flows",
}  # fmt: skip
_TABLE = "/explore?objectType=table&object=public.customers"
_QUERIES = {
    "connections": ("/test", "/configs", "/explore?objectType=root", _TABLE, f"{_TABLE}&preview=true"),
    "connectionSpecs": ("/configs", "/explore?objectType=root"),
    "mappingSets": ("/mappings",),
}
_CHANGES: dict[str, tuple[Asked, ...]] = {
    "runs": (
        ("POST", "/{}/action?op=re-trigger", None),
        ("PUT", "/{}", {"metrics": {"statusSummary": {"status": "success"}}}),
    ),
    "flows": tuple(("POST", f"/{{}}/action?op={op}", None) for op in ("enable", "disable", "enable")),
    "xdmResources": (("PATCH", "/{}", [{"op": "replace", "path": "/title", "value": "y"}]),),
    "dataSets": (("PATCH", "/{}", {"name": "y"}),),
    "encryptionKeys": (("GET", "/validate/{}", None),),
    "mappingSets": (("PUT", "/{}", {"outputSchema": {}, "mappings": []}),),
}
