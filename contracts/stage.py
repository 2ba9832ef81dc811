"""What a check acts on: a server, good headers, things it makes and will delete, and a record of what was said."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from contracts.document import Document
from contracts.kinds import Kind, kinds_of
from contracts.settings import Settings
from contracts.verdicts import Broken, Untestable, untestable
from contracts.wire import FORGET, Answer, Sent, Transport, Unreachable, json_body, with_headers

MARK = "contract-suite"
"""Begins the name of everything the suite makes."""

_RECEIPT_PATH = re.compile(r"/([A-Za-z]+)/?(\?.*)?")
_ORDER = ("flows", "sourceConnections", "targetConnections", "connections")
"""Deleted in this order: what uses another goes first."""


@dataclass(frozen=True, slots=True)
class Made:
    """One entity that a check made."""

    kind: Kind
    id: str
    etag: str
    body: Mapping[str, Any]
    answer: Answer

    @property
    def path(self) -> str:
        """Its path."""
        return f"{self.kind.path}/{self.id}"


@dataclass(slots=True)
class Ledger:
    """Everything made and not yet deleted: (collection, id) -> the headers it was made with."""

    made: dict[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)
    ever: set[str] = field(default_factory=set)
    """Ids of everything ever made in this run: only these may be written to."""
    ran: dict[str, Mapping[str, str]] = field(default_factory=dict)
    """Ids of flows made and run -> the headers their runs were made with."""
    total: int = 0
    shared: dict[tuple[str, str], Made] = field(default_factory=dict)
    """(sandbox, collection) -> what others refer to; made once, deleted last."""

    def notice(self, answer: Answer) -> None:
        """Learn from any answer what was made and what is gone."""
        sent = answer.sent
        path = sent.target.partition("?")[0].rstrip("/")
        if sent.method == "POST" and answer.status == 201 and (match := _RECEIPT_PATH.fullmatch(sent.target)):
            self.total += 1
            entity = answer.json
            if isinstance(entity, dict) and isinstance(entity.get("id"), str) and match[1] in _ORDER:
                self.made[match[1], entity["id"]] = dict(sent.headers)
                self.ever.add(entity["id"])
            if path == "/runs" and (flow_id := _flow_id(sent)) in self.ever:
                self.ran[flow_id] = dict(sent.headers)
        elif sent.method == "DELETE" and answer.status in (202, 204):
            kind, _, entity_id = path.strip("/").partition("/")
            self.made.pop((kind, entity_id), None)


class Stage:
    """One check's view of the server. `fresh()` gives the next check its own record."""

    def __init__(
        self,
        transport: Transport,
        settings: Settings,
        document: Document,
        *,
        ledger: Ledger | None = None,
        hear: Any = None,
    ) -> None:
        self.transport = transport
        self.settings = settings
        self.document = document
        self.kinds = {kind.name: kind for kind in kinds_of(document)}
        self.headers: Mapping[str, str] = settings.headers
        self.ledger = ledger or Ledger()
        self.record: list[Answer] = []
        self.chance = random.Random(settings.seed)
        self.run_id = f"{self.chance.getrandbits(32):08x}"
        self.canary = f"c4n4ry-{self.chance.getrandbits(64):016x}"
        self._hear = hear or (lambda answer: None)

    def fresh(self) -> Stage:
        """The same stage with an empty record."""
        return self._like(self.headers, [])

    def elsewhere(self) -> Stage:
        """The same organisation's other sandbox. Raises Untestable when there is none."""
        name = self.settings.other_sandbox or f"{MARK}-other"
        other = self._like({**self.headers, "x-sandbox-name": name}, self.record)
        answer = other.call("GET", "/connections?limit=1")
        if answer.status != 200:
            untestable(f"there is no second sandbox {name!r}: name one with --other-sandbox")
        return other

    def kind(self, name: str) -> Kind:
        """A collection by name. Raises Untestable when the document has none such."""
        if name not in self.kinds:
            untestable(f"the contract has no {name}")
        return self.kinds[name]

    def call(
        self,
        method: str,
        target: str,
        body: Any = None,
        *,
        headers: Mapping[str, str | None] | None = None,
        raw: bytes | None = None,
    ) -> Answer:
        """Send a request as a good client would, but for `headers` (None leaves one out) or the `raw` body."""
        content = raw if raw is not None else (b"" if body is None else json_body(body))
        changes: dict[str, str | None] = {"Content-Type": "application/json"} if content else {}
        named = {name.lower() for name in headers or {}}
        changes = {name: value for name, value in changes.items() if name.lower() not in named}
        sent = Sent(method, target, with_headers(self.headers, {**changes, **(headers or {})}), content)
        answer = self.transport.send(sent)
        self.notice(answer)
        return answer

    def notice(self, answer: Answer) -> None:
        """Remember an exchange, whoever had it."""
        self.record.append(answer)
        self.ledger.notice(answer)
        self._hear(answer)

    def name(self, about: str = "entity") -> str:
        """A name nobody else uses, with the suite's mark."""
        return self.marked(f"{about} {self.chance.getrandbits(32):08x}")

    def body(self, kind: str | Kind, **changes: Any) -> dict[str, Any]:
        """The body of a good new entity; a change to None leaves a member out."""
        row = self.kind(str(kind))
        body = {**row.body(self, changes.pop("name", None) or self.name(row.name)), **changes}
        return {name: value for name, value in body.items() if value is not None}

    def make(self, kind: str | Kind, **changes: Any) -> Made:
        """Make an entity. Raises Untestable when the server refuses the suite's sample of it."""
        row = self.kind(str(kind))
        body = self.body(row, **changes)
        answer = self.call("POST", row.path, body)
        receipt = answer.json
        if answer.status != 201 or not isinstance(receipt, dict) or not isinstance(receipt.get("id"), str):
            if answer.status == 400 and not changes and self.settings.connection is None:
                untestable(f"{answer} to the suite's sample: give a body it takes with --connection")
            raise Broken(f"{answer} to a good body, expected 201 with a receipt: {answer.text[:300]}")
        return Made(row, receipt["id"], str(receipt.get("etag")), body, answer)

    def shared(self, kind: str) -> str:
        """The id of an entity for others to refer to: one for all checks."""
        key = (self.headers["x-sandbox-name"], kind)
        if key not in self.ledger.shared:
            self.ledger.shared[key] = self.make(kind, name=self.name("shared"))
        return self.ledger.shared[key].id

    def read(self, made: Made) -> dict[str, Any]:
        """What a lookup shows of an entity."""
        answer = self.call("GET", made.path)
        if answer.status != 200:
            raise Broken(f"{answer}, expected 200 for an entity just made")
        items = answer.json.get("items") if isinstance(answer.json, dict) else None
        if not isinstance(items, list) or len(items) != 1 or not isinstance(items[0], dict):
            raise Broken(f"{answer} without exactly one entity in items: {answer.text[:200]}")
        return dict(items[0])

    def patch(self, made: Made, *operations: Mapping[str, Any], etag: str | None = None, **headers: Any) -> Answer:
        """Patch with the etag of its making, or another."""
        return self.call(
            "PATCH", made.path, list(operations), headers={"If-Match": made.etag if etag is None else etag, **headers}
        )

    def pages(self, target: str, most: int = 200) -> Iterator[Answer]:
        """A list's pages, following `_links.next.href`."""
        for _ in range(most):
            answer = self.call("GET", target)
            if answer.status != 200 or not isinstance(answer.json, dict):
                raise Broken(f"{answer}, expected a page of a list: {answer.text[:200]}")
            yield answer
            target = (answer.json.get("_links") or {}).get("next", {}).get("href")
            if not target:
                return
        raise Broken(f"the list did not end within {most} pages")

    def listed(self, target: str) -> list[dict[str, Any]]:
        """All entities of a list, page after page."""
        return [item for page in self.pages(target) for item in page.json.get("items", [])]

    def sweep(self, *, shared: bool = True) -> list[str]:
        """Delete everything made, with or without what others refer to; what could not be deleted, in words."""
        kept = set() if shared else {made.id for made in self.ledger.shared.values()}
        if shared:
            self.ledger.shared.clear()
        left = []
        for kind in _ORDER:
            for (name, entity_id), headers in list(self.ledger.made.items()):
                if name == kind and entity_id not in kept:
                    found = self._delete(f"/{name}/{quote(entity_id, safe='')}", headers)
                    left += found
                    if not found:
                        self.ledger.made.pop((name, entity_id), None)
        return left + (self._forget_runs() if self.settings.forgets else [])

    def _forget_runs(self) -> list[str]:
        """Delete the runs of flows that are gone, where the server offers that; what could not be deleted, in words."""
        left = []
        for flow_id, headers in list(self.ledger.ran.items()):
            if ("flows", flow_id) not in self.ledger.made:
                left += self._delete(FORGET + quote(flow_id, safe=""), headers)
                del self.ledger.ran[flow_id]
        return left

    def sweep_strays(self) -> list[str]:
        """Delete what bears this run's mark although no answer told of it: the newest hundred are looked at."""
        for kind in self.kinds:
            answer = self.transport.send(Sent("GET", f"/{kind}?limit=100", tuple(self.headers.items())))
            items = answer.json.get("items", []) if isinstance(answer.json, dict) else []
            for item in items:
                if str(item.get("name", "")).startswith(f"{MARK} {self.run_id}"):
                    self.ledger.made[kind, str(item["id"])] = self.headers
        return self.sweep()

    def marked(self, name: str) -> str:
        """A name with the suite's mark before it."""
        return f"{MARK} {self.run_id} {name}"

    def _delete(self, target: str, headers: Mapping[str, str]) -> list[str]:
        kept = {name: value for name, value in headers.items() if name.lower() in self._own()}
        sent = Sent("DELETE", target, with_headers(self.headers, kept))
        try:
            answer = self.transport.send(sent)
        except Unreachable as error:
            return [f"{target}: {error}"]
        return [] if answer.status in (202, 204, 404) else [f"{target}: answered {answer.status}"]

    def _own(self) -> set[str]:
        return {name.lower() for name in self.headers}

    def _like(self, headers: Mapping[str, str], record: list[Answer]) -> Stage:
        other = object.__new__(Stage)
        other.__dict__.update(self.__dict__)
        other.headers, other.record = headers, record
        return other


def _flow_id(sent: Sent) -> str:
    """The flow that a new run is of."""
    try:
        body = json.loads(sent.body)
    except ValueError:
        return ""
    return str(body.get("flowId")) if isinstance(body, dict) else ""


def filters(*texts: str) -> str:
    """`property` parameters as a query string."""
    return "&".join("property=" + quote(text, safe='=<>!,"[]') for text in texts)


__all__ = ["MARK", "Ledger", "Made", "Stage", "Untestable", "filters"]
