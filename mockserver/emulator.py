"""READ FIRST: the emulator. `handle` processes a request from start to end.

`__init__` creates and connects all parts; nothing is wired elsewhere.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import unquote_plus

from mockserver import resources, secrecy
from mockserver.config import Config
from mockserver.contract import Contract, Seen
from mockserver.contract.neighbours import service_of
from mockserver.errors import ApiError, MediaTypeError, Refusal, outside_contract, wrong_value
from mockserver.exchange import Call, Request, Result, Tenant, Violation
from mockserver.faults import Faults, Injection
from mockserver.gateway import Gateway
from mockserver.journal import Journal
from mockserver.journal.redaction import Redaction
from mockserver.quirks import Quirks
from mockserver.resources import _forms, inlet
from mockserver.runtime import Runtime
from mockserver.secrecy.places import Place
from mockserver.sources import Sources
from mockserver.specs.auth_specs import UNKNOWN_AUTH
from mockserver.specs.connectors import Connectors
from mockserver.specs.flow_specs import FlowSpecs
from mockserver.specs.written import OWN_SPECS
from mockserver.state import exports
from mockserver.state.places import open_store
from mockserver.state.records import Doc
from mockserver.state.shapes import Shapes
from mockserver.state.store import StorageUnavailable
from mockserver.tokens import Tokens
from mockserver.world import World

log = logging.getLogger("mockserver")


_WITHOUT_EFFECT = frozenset({"mode"})
"""Query parameters whose invalid values are ignored, unless the server is strict."""

_WRITING_SPECS = frozenset({"createConnectionSpec", "updateConnectionSpec", "createFlowSpec", "updateFlowSpec"})


class Emulator:
    """Flow Service without HTTP: calls in, results out."""

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or Config()
        self.runtime = Runtime(self.config.seed)
        self.quirks = Quirks(self.config.quirk)
        self.tokens = Tokens(self.runtime, self.config.token_seconds)
        self.contract = Contract.load()
        self.faults = Faults(
            self.runtime,
            self.tokens,
            self.quirks,
            self.contract.operations,
            file=self.config.faults,
            by_header=self.config.fault_header,
        )
        self.gateway = Gateway(self.config, self.quirks, self.tokens)
        self.shapes = Shapes(self.contract, self.config.max_body)
        self.world = World(
            config=self.config,
            quirks=self.quirks,
            runtime=self.runtime,
            contract=self.contract,
            connectors=Connectors.load(self.config.platform),
            flow_specs=FlowSpecs.load(),
            sources=Sources.load(self.config.sources, self.config.live, self.config.live_ca, md5=self.config.live_md5),
            store=open_store(self.config.state, self.runtime, self.shapes),
            shown={},
        )
        self._redaction = Redaction.shared(self.contract, self.world.connectors.auth_place)
        self.journal = Journal(self.config.journal_entries, self.config.journal_bytes, self._redaction)
        self.handlers = resources.load()
        self.specs_written = self.config.state is not None
        """Whether clients may have written specs, here or on a server that shares the records."""
        self._first: Mapping[str, Any] | None = None
        """The initial records, if there are any."""

    def handle(self, call: Call) -> Result:
        """Answer one call like Flow Service and record it in the journal."""
        seen = self.contract.check_request(call, max_body=self.config.max_body)
        operation = seen.operation.id if seen.operation else None
        tenant = fault = None
        try:
            fault = self.faults.take(call, operation)
            if fault:
                fault.refuse()
            tenant = inlet.tenant_of(self.world, seen.path) if seen.is_open else self.gateway.admit(call)
            self._refuse(call, seen)
            result = self._perform(call, seen, tenant, fault)
        except Refusal as refusal:
            result = self._refused(refusal, call)
            seen.note(refusal.violation())
        except StorageUnavailable as trouble:
            result = self._refused(storage_refusal(trouble), call)
        if seen.sources:
            result = replace(result, source="; ".join(dict.fromkeys(seen.sources)))
        violations = list(seen.violations)
        if fault:
            result = self._watched(fault.spoil(result), call)
        else:
            violations += self._drift(seen, result)
        self.journal.record(
            call,
            result,
            operation=operation,
            tenant=tenant,
            body=seen.body,
            violations=violations,
            fault=fault.name if fault else None,
            now=self._own_redaction(call, seen, tenant, result),
        )
        return result

    def reset(self) -> None:
        """Reset everything but the quirks to the initial state."""
        self.world.store.clear()
        self.world.shown.clear()
        self.journal.clear(renumber=True)
        self.tokens.clear()
        self.runtime.reset()
        self.faults.reset()
        self.specs_written = self.config.state is not None
        if self._first is not None:
            self.restore(self._first)

    def begin_with(self, data: Mapping[str, Any]) -> None:
        """Set the initial state to an export, now and for each reset. Raises ValueError naming the place."""
        self.restore(data)
        self._first = data

    def export(self, *, credentials: bool = False) -> dict[str, Any]:
        """All records in the form that `store.restore` reads. Credentials are masked unless requested."""
        with self.exporting(credentials=credentials) as (state, records):
            return {**state, "records": sorted(records, key=lambda row: row["revision"])}

    @contextmanager
    def exporting(self, *, credentials: bool = False) -> Iterator[tuple[dict[str, Any], Iterator[dict[str, Any]]]]:
        """An export without its records, and an iterator that reads the records one by one."""
        with self.world.store.snapshot() as (revision, changes):
            rows = map(exports.row, changes)
            if not credentials:
                world = self.world.for_request()
                rows = map(lambda row: {**row, "doc": self._masked(world, row)}, rows)
            yield exports.write((), revision), rows

    def restore(self, data: Any) -> int:
        """Replace all records by an export; returns how many of them have masked credentials.

        Raises ValueError naming the place; nothing is changed then.
        """
        _, records = exports.parse(data)
        self.shapes.demand(records)
        self.world.store.restore(data)
        self.runtime.background.drop()
        self.specs_written = True
        return sum(change.doc is not None and secrecy.is_masked(change.doc) for change in records)

    def _masked(self, world: World, row: Mapping[str, Any]) -> Mapping[str, Any]:
        connectors = world.connectors_of(Tenant(row["org"], row["sandbox"]))
        return self._redaction.record(connectors.mask(row["doc"], secrecy.masked), row["kind"])

    def _own_redaction(self, call: Call, seen: Seen, tenant: Tenant | None, result: Result) -> Redaction | None:
        """The redaction for a call about connections whose specs the tenant wrote; None if the catalogue has them."""
        if not self.specs_written or tenant is None:
            return None
        if seen.operation is None or seen.operation.segments[0] != "connections":
            return None
        stored: Doc | None = None
        try:
            if seen.operation.method == "PATCH":
                if not _patches_auth(seen.body):
                    return None
                stored = self.world.store.get(tenant, "connections", next(iter(seen.path.values())))
            named = all(map(self.world.connectors.get, _spec_ids(seen.body, result.body, stored)))
            if named and not (_filters_auth(call, seen.body) and self.world.store.count(tenant, OWN_SPECS)):
                return None
        except StorageUnavailable:
            pass  # then no param is known to be harmless
        own = self.world.connectors_of(tenant)

        def auth_place(body: Mapping[str, Any]) -> Place:
            try:
                return own.auth_place(body if "connectionSpec" in body else stored or {})
            except StorageUnavailable:
                return UNKNOWN_AUTH

        return Redaction(self.contract, auth_place)

    def close(self) -> None:
        """Abandon the jobs in the background, and close the store."""
        self.runtime.background.drop()
        self.world.store.close()

    def _watched(self, result: Result, call: Call) -> Result:
        """A delayed response; the journal records whether the client hangs up before it ends."""
        if result.delivery is None or not (result.delivery.delay_ms or result.delivery.bytes_per_second):
            return result
        hung_up = functools.partial(self.journal.hung_up, call.request_id)
        return replace(result, delivery=replace(result.delivery, hung_up=hung_up))

    def _refused(self, refusal: Refusal, call: Call) -> Result:
        """A refusal in the form of the called service."""
        service = service_of(call.path)
        result = _forms.refusal_of(refusal, call, service) if service else None
        return result or refusal.result(call.request_id, self.quirks)

    def _refuse(self, call: Call, seen: Seen) -> None:
        """Raise for the first violation that the service refuses."""
        if (seen.operation is None and service_of(call.path)) or _forms.is_absent(seen.path):
            raise ApiError("not_emulated", detail="This server does not emulate this operation of a service next door.")
        if not seen.violations:
            return
        blocking = seen.blocking()
        if blocking is not None:
            raise _refusal(blocking, seen)
        unknown = [violation for violation in seen.violations if violation.keyword == "unknown"]
        strict = self.config.strict
        names = sorted(violation.pointer for violation in unknown if violation.where == "query")
        if names and (strict or self.quirks["unknown-parameters"] == "refuse"):
            raise ApiError("unknown_parameter", params=", ".join(names))
        for violation in unknown:
            if strict and violation.where == "body":
                raise _refusal(violation, seen)
        for violation in seen.violations:
            if strict and violation.where == "query" and violation.pointer in _WITHOUT_EFFECT:
                raise _refusal(violation, seen)

    def _perform(self, call: Call, seen: Seen, tenant: Tenant, fault: Injection | None) -> Result:
        assert seen.operation is not None
        request = Request(call, seen.operation.id, tenant, seen.path, seen.arguments, seen.body, seen.sources)
        if fault:
            request = fault.act(self.world, request)
        handler = self.handlers.get(seen.operation.id)
        if handler is None:
            raise ApiError("not_emulated", detail=f"The operation {seen.operation.id} is not emulated.")
        self.specs_written = self.specs_written or request.operation in _WRITING_SPECS
        return handler(self.world.for_request(), request)

    def _drift(self, seen: Seen, result: Result) -> list[Violation]:
        """Violations of the contract by our own response: a bug of ours, logged and recorded."""
        if seen.operation is None or seen.operation.id not in self.handlers:
            return []
        drift = self.contract.check_response(seen.operation, result)
        for violation in drift:
            log.error("%s answered outside the contract: %s", seen.operation.id, violation)
        return drift


def _patches_auth(body: Any) -> bool:
    paths = [item.get("path") for item in (body if isinstance(body, list) else [body]) if isinstance(item, dict)]
    return any(isinstance(path, str) and path.lstrip("/")[:4].lower() == "auth" for path in paths)


def _filters_auth(call: Call, body: Any) -> bool:
    """Whether a list is filtered by a member of `auth`. It does not name the spec that decides what is secret."""
    searched = body.get("queryString") if isinstance(body, dict) else ""
    return "auth" in unquote_plus(f"{call.query}&{searched}")


def _spec_ids(*bodies: Any) -> Iterator[Any]:
    """The connection spec ids in a request body."""
    for body in bodies:
        for one in (body, *(body.get("items") or ())) if isinstance(body, dict) else ():
            spec = one.get("connectionSpec") if isinstance(one, dict) else None
            if isinstance(spec, dict):
                yield spec.get("id")


def _refusal(violation: Violation, seen: Seen) -> Refusal:
    """The service's response to a blocking violation.

    The catalogue has no code for invalid JSON and schema violations; its general code 1100-400 is assumed.
    """
    match violation.where, violation.keyword:
        case "route", "path" | "base":
            return ApiError("unknown_path", detail="Flow Service has no such path. /openapi.yaml lists its paths.")
        case "route", _:
            detail = f"This path supports {', '.join(seen.allowed)}."
            return ApiError("method_not_allowed", detail=detail, headers=(("Allow", ", ".join(seen.allowed)),))
        case "media", "encoding":
            return ApiError(
                "unsupported_media_type",
                detail=f"The Content-Encoding {violation.came} is not supported. "
                "Send the body as it is, without Content-Encoding.",
            )
        case "media", _:
            return MediaTypeError()
        case "query", "required":
            return ApiError(
                "parameter_missing",
                parameter=violation.pointer,
                pointer=violation.pointer,
                expected=violation.expected,
                came=violation.came,
            )
        case "query", _:
            return wrong_value(violation.pointer, str(seen.arguments.get(violation.pointer)), violation.expected)
        case "body", "empty":
            return ApiError("body_missing")
        case "body", "size":
            why = "" if violation.came == "more" else f": it has {violation.came}"
            return ApiError("too_large", detail=f"The request body is larger than this server accepts{why}.")
        case _:
            return outside_contract(violation)


def storage_refusal(trouble: StorageUnavailable) -> ApiError:
    """The response to a call that the store could not execute."""
    retry = (("Retry-After", "5"),)
    if trouble.full:
        return ApiError("storage_full", detail="The disk is full. Nothing was changed.", headers=retry)
    if trouble.unknown:
        hint = "the change may have been made: read the entity before trying again"
        return ApiError("unavailable", headers=retry, hint=hint)
    return ApiError("unavailable", headers=retry, hint=str(trouble))
