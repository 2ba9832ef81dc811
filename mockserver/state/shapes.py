"""The form of the records that this program writes, by kind.

Handlers rely on it. A record of another form, from an import or found in a database, would turn later requests into
server errors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache, cached_property
from typing import Any, NamedTuple, TypeAlias

from mockserver.contract import Contract
from mockserver.contract.schema import SchemaCheck
from mockserver.contract.written import unusable_schema
from mockserver.exchange import Violation, departure
from mockserver.runtime import MAX_MS
from mockserver.state.records import Change

_MAX_BODIES = 16
"""Maximum size of a record, in bodies: it has parts of two, and escapes make each six times as long."""

_NO_ENDS: dict[str, Any] = {"sourceConnections": [], "targetConnections": []}

_COMPUTED: dict[str, Any] = {
    "sourceConnections": {"inheritedAttributes": {}},
    "targetConnections": {"inheritedAttributes": {}},
    "flows": {"runs": "/runs?property=flowId==", "inheritedAttributes": {**_NO_ENDS, "properties": {}}},
    "runs": {"metrics": {"statusSummary": {"status": "success"}}, "activities": []},
}
"""Required members that are computed for responses, so that stored records need not have them."""


class _Part(NamedTuple):
    """A part of a record that a client sent, and the operation that it was sent to."""

    operation: str
    place: tuple[str, ...]


_SENT = {
    "runs": _Part("updateRun", ("reported",)),
    "connectionSpecs": _Part("createConnectionSpec", ("spec",)),
    "flowSpecs": _Part("createFlowSpec", ("spec",)),
    "xdmResources": _Part("createXdmResource", ("body",)),
    "dataSets": _Part("createDataset", ("body",)),
    "mappingSets": _Part("createMappingSet", ("body", "sent")),
    "privateEndpoints": _Part("createPrivateEndpoint", ("body",)),
}


def _object(*required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": properties}


def _array(*items: Any) -> dict[str, Any]:
    """An array of exactly these items."""
    return {"type": "array", "minItems": len(items), "maxItems": len(items), "prefixItems": list(items)}


def _every(item: Any, **limits: int) -> dict[str, Any]:
    return {"type": "array", "items": item, **limits}


def _or_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {**schema, "type": [schema["type"], "null"]}


_TEXT: dict[str, Any] = {"type": "string"}
_NAME = {"type": "string", "pattern": "^[^\\x00-\\x1f\\x7f]{1,1000}$"}
"""A text that can be sent in a header."""

_TIME = {"type": "integer", "minimum": 0, "maximum": 4 * MAX_MS}
"""Milliseconds since 1970. The maximum is beyond the clock's, because a large run ends long after it was due."""

_NUMBER = {"type": "integer", "minimum": 0, "maximum": 1 << 53}
_FILES = {"type": "integer", "minimum": 0, "maximum": 1_000_000}
_ROWS, _FAILING = 3, 6
"""Positions of these values in the course of a run."""

_STATE = {
    "enum": [
        *("scheduled", "queued", "inProgress", "success", "failed"),
        *("partialSuccess", "completed", "partialFailure"),
    ]
}
_ENDS = _every(_TEXT, minItems=1)

_STAMPS = {
    **{name: _TIME for name in ("createdAt", "updatedAt")},
    **{name: _TEXT for name in ("createdBy", "updatedBy", "createdClient", "updatedClient")},
    **{name: _TEXT for name in ("sandboxId", "sandboxName", "imsOrgId")},
}
_EVERY_RECORD = _object(
    *("id", "updatedAt", "version", "etag"), **{**_STAMPS, "id": _NAME, "version": _NAME, "etag": _NAME}
)


def _neighbour(*required: str, **properties: Any) -> dict[str, Any]:
    """A record of a neighbouring service."""
    return _object("body", *_STAMPS, body=_object(*required, **properties))


_SPEC = _object("version", version=_TEXT)

_INTERNAL: dict[str, dict[str, Any]] = {
    "connections": {},
    "sourceConnections": {},
    "targetConnections": {},
    "flows": {
        **_object(
            "inheritedAttributes",
            inheritedAttributes=_object("properties", properties={"type": "object"}),
            provider=_object(
                *("activeMs", "scheduled", "baseConnectionId", "connectionSpec", "object"),
                activeMs=_TIME,
                scheduled={"type": "boolean"},
                baseConnectionId=_or_null(_TEXT),
                connectionSpec=_object("id", id=_TEXT),
                object=_or_null(_TEXT),
            ),
        ),
        "if": _object("state", state={"const": "draft"}),  # a draft may lack its ends, and what is derived from them
        "else": _object(
            *("provider", "sourceConnectionIds", "targetConnectionIds"),
            sourceConnectionIds=_ENDS,
            targetConnectionIds=_ENDS,
        ),
    },
    "runs": _object(
        *("span", "course", "state", "flowId", "sourceConnectionIds", "targetConnectionIds"),
        state=_STATE,
        sourceConnectionIds=_ENDS,
        targetConnectionIds=_ENDS,
        span=_array(_or_null(_TIME), _TIME, _or_null(_TEXT), {"type": "boolean"}),
        course=_array(_TIME, _TIME, _TIME, _NUMBER, _NUMBER, _FILES, _NUMBER, _or_null(_TEXT), _TEXT),
        reported={"type": "object"},
        entities=_every(_TEXT),
        landed=_NUMBER,
    ),
    "flowProgress": _object(
        *("runs", "lastMs", "latest", "ahead"),
        runs=_NUMBER,
        lastMs=_or_null(_TIME),
        latest=_or_null(_TEXT),
        deltaColumn=_or_null(_TEXT),
        exported={"type": "object", "additionalProperties": _TIME},
        ahead=_every(_array(_TEXT, _every(_array(_TIME, _STATE)))),
    ),
    "xdmResources": _neighbour(
        *("$id", "meta:resourceType", "meta:extends", "title", "version"),
        **{
            "$id": _TEXT,
            "meta:resourceType": {"enum": ["schemas", "mixins", "classes"]},
            "meta:extends": _every(_TEXT),
            "meta:class": _TEXT,
            "title": _TEXT,
            "version": {"type": "string", "pattern": r"^[0-9]{1,9}\.[0-9]{1,9}$"},
            "allOf": _every({"type": "object"}, maxItems=200),
            "definitions": {"type": "object"},
            "properties": {"type": "object"},
        },
    ),
    "dataSets": _neighbour(
        "name", "version", name=_TEXT, version={"type": "string", "pattern": r"^[0-9]{1,9}\.[0-9]{1,9}\.[0-9]{1,9}$"}
    ),
    "mappingSets": _neighbour(
        "version", "sent", version=_NUMBER, sent=_object("mappings", mappings=_every({"type": "object"}))
    ),
    "encryptionKeys": _neighbour(
        *("encryptionAlgorithm", "publicKey", "expiryTime"),
        name=_TEXT,
        encryptionAlgorithm=_TEXT,
        publicKey=_TEXT,
        expiryTime={"type": "string", "pattern": "^[0-9]{1,12}$"},
    ),
    "customerKeys": _neighbour(
        "encryptionAlgorithm", "publicKey", name=_TEXT, encryptionAlgorithm=_TEXT, publicKey=_TEXT, expiryTime=False
    ),
    "landingZones": _neighbour("count", "atMs", count=_NUMBER, atMs=_TIME),
    "privateEndpoints": _neighbour(
        *("name", "fqdns", "connectionSpec"),
        name=_TEXT,
        fqdns={"type": "array"},
        connectionSpec=_object("id", id=_TEXT),
    ),
    "interactiveAuthoring": _neighbour("untilMs", untilMs={"type": "integer"}),
    "connectionSpecs": _object("spec", *_STAMPS, spec=_SPEC, secrets=_every(_every(_TEXT, minItems=1))),
    "flowSpecs": _object("spec", *_STAMPS, spec=_SPEC),
}
"""Kind -> schema of the members that clients do not see."""


class Shapes:
    """The form of the records of each kind."""

    def __init__(self, contract: Contract, max_body: int = 1_048_576) -> None:
        self.max_bytes = _MAX_BODIES * max_body
        """Maximum bytes of a record as text."""
        self._contract = contract

    def demand(self, changes: Iterable[Change]) -> None:
        """Check the records of an export. Raises ValueError that names the first invalid member."""
        for number, change in enumerate(changes):
            if fault := self.fault(change, f"/records/{number}/doc"):
                raise ValueError(fault)

    def fault(self, change: Change, at: str = "") -> str | None:
        """Why a record is not as this program writes it; None if it is. `at`: pointer of the record.

        The sentence names the member, but repeats no value, because records contain credentials.
        """
        kind, doc = change.kind, change.doc
        if kind not in _INTERNAL:
            return f"{at.removesuffix('/doc')}/kind: expected one of {', '.join(sorted(_INTERNAL))}"
        assert doc is not None
        found = next(self._violations(kind, doc), None)
        if found is not None:
            return departure("Member", f"{at}{found.pointer}", found.expected, found.came)
        if doc["id"] != change.entity_id:
            return f"{at}/id: expected the ID of the record"
        for name, value in (("imsOrgId", change.tenant.org), ("sandboxName", change.tenant.sandbox)):
            if doc.get(name, value) != value:
                return f"{at}/{name}: expected the org and sandbox of the record"
        return None

    def shown_fault(self, kind: str, doc: Mapping[str, Any]) -> str | None:
        """What is wrong with the members of an entity that a client sees; None if nothing is."""
        for found in self.shown_violations(kind, doc):
            return departure("Member", found.pointer, found.expected, found.came)
        return None

    def _violations(self, kind: str, doc: Mapping[str, Any]) -> Iterator[Violation]:
        for integers, check in (_compiled_for_every_record(), _compiled(kind)):
            yield from check.violations(dict(doc), "body")
            yield from _fractions(integers, doc, "")
        if kind in _SENT:
            yield from self._sent_violations(*_SENT[kind], doc)
        if kind == "flowSpecs" and (unusable := unusable_schema(doc["spec"])):
            yield Violation("body", f"/spec{unusable.pointer}", "schema", "a JSON Schema", unusable.fault)
        if kind == "runs" and doc["course"][_FAILING] > doc["course"][_ROWS]:
            yield Violation("body", f"/course/{_FAILING}", "maximum", "at most all rows", "a larger number")
        yield from self.shown_violations(kind, doc)

    def _sent_violations(self, operation: str, place: tuple[str, ...], doc: Mapping[str, Any]) -> Iterator[Violation]:
        sent: Any = doc
        for name in place:
            sent = sent.get(name, {})
        body = self._contract.operations[operation].body
        assert body is not None
        yield from body.violations(sent, "body", at="".join(f"/{name}" for name in place))

    def shown_violations(self, kind: str, doc: Mapping[str, Any]) -> Iterator[Violation]:
        """What is wrong with the members of an entity that a client sees."""
        if kind not in self._lookups:
            return
        inside = {**_COMPUTED.get(kind, {}), **doc, **(doc["spec"] if kind in ("connectionSpecs", "flowSpecs") else {})}
        for found in self._lookups[kind].violations({"items": [inside]}, "body"):
            yield found._replace(pointer=found.pointer.removeprefix("/items/0"))

    @cached_property
    def _lookups(self) -> dict[str, SchemaCheck]:
        """Kind -> check of the lookup response, which has one entity in `items`."""
        found = {}
        for operation in self._contract.operations.values():
            match operation.segments:
                case (kind, key) if operation.method == "GET" and key.startswith("{"):
                    if check := operation.responses.get("200"):
                        found[kind] = check
        return found


@cache
def _compiled(kind: str) -> _Check:
    """The check of the members that clients do not see, compiled once per process."""
    return _check(_INTERNAL[kind])


@cache
def _compiled_for_every_record() -> _Check:
    return _check(_EVERY_RECORD)


def _check(schema: dict[str, Any]) -> _Check:
    return _integers(schema), SchemaCheck.of(schema)


_Integers = tuple[bool, dict[Any, Any], Any]
"""Whether the schema says that a value is an integer; the same for its named members or first items; for all others."""
_Check: TypeAlias = "tuple[_Integers | None, SchemaCheck]"


def _integers(schema: Any) -> _Integers | None:
    """Find the integers of a schema; None if it has none."""
    if not isinstance(schema, dict):
        return None
    named = schema.get("properties", {}) or dict(enumerate(schema.get("prefixItems", ())))
    inner = {name: found for name, one in named.items() if (found := _integers(one))}
    others = _integers(schema.get("additionalProperties", schema.get("items")))
    is_one = "integer" in schema.get("type", ())
    return (is_one, inner, others) if is_one or inner or others else None


def _fractions(where: _Integers | None, value: Any, at: str) -> Iterator[Violation]:
    """The places of integers with a value such as `1.0`, which JSON Schema calls an integer and Python does not."""
    if where is None:
        return
    is_one, inner, others = where
    if is_one and type(value) is float:
        yield Violation("body", at, "type", "an integer without a fraction", "another number")
    held: Any = value if isinstance(value, dict) else dict(enumerate(value)) if isinstance(value, list) else {}
    for name in held if others else inner.keys() & held.keys():
        if isinstance(one := held[name], float | dict | list):
            yield from _fractions(inner.get(name, others), one, f"{at}/{name}")
