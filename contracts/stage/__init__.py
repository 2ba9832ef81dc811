"""The stage of a check: a server, valid headers, the entities it creates and deletes, and a record of exchanges."""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from contracts.findings.causes import (
    DRAFTS,
    ENTITY,
    ITEMS,
    LIST,
    LOST,
    MISSING,
    SILENT,
    SLASH,
    STRANGERS,
    TURNED_AWAY,
    Fault,
    act,
    anywhere,
    basic,
    misleading,
    of_kind,
    place,
)
from contracts.findings.error_codes import IN_USE, code_of
from contracts.findings.suppositions import GATEWAY, UNREFUSED
from contracts.findings.verdicts import Broken, Untestable, expect, untestable
from contracts.schema.differences import LACKING, NAMES, names_in, spelled
from contracts.schema.document import Document
from contracts.settings import Settings
from contracts.stage.excerpts import excerpt
from contracts.stage.flight import Flight
from contracts.stage.kinds import Kind, kinds_of
from contracts.stage.ledger import MARK, TENANT, Ledger, Made
from contracts.stage.naming import new_id
from contracts.stage.offers import lacks
from contracts.stage.questions import asked_of, parameters_of
from contracts.stage.sweeper import Sweeper
from contracts.stage.throttle import MAX_TRIES, Throttle
from contracts.wire import Answer, Sent, Transport, Unreachable, json_body, with_headers

FOREIGN = "0123456789ABCDEF01234567@AdobeOrg"
"""An organisation in which nothing is created."""
SPENT = "the budget was spent"
"""Why a check does not run once the budget is spent."""
MAX_SILENT = 2
"""Requests of one kind without a response, after which no more are sent."""
MAX_SILENT_IN_TURN = 4
"""Consecutive requests without a response, after which the run ends."""


_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_VARYING = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4})+-[0-9a-f]{12}|\b[0-9a-f]{8}\b|[0-9]{5,}")
"""What differs from one entity to the next: ids, etags, times."""
MAX_TURNED_AWAY = 12
"""Consecutive requests that got 401 or 429, after which the run ends."""


class Stage:
    """The server as seen by one check. `fresh()` gives the next check its own record."""

    def __init__(
        self,
        transport: Transport,
        settings: Settings,
        document: Document,
        *,
        hear: Callable[[Answer], list[Fault]] = lambda answer: [],
        flight: Flight | None = None,
        is_over: Callable[[], bool] = lambda: False,
    ) -> None:
        """`is_over` returns whether the budget of the run is spent; then checks send no more requests."""
        self.transport = transport
        self.settings = settings
        self.document = document
        self.kinds = {kind.name: kind for kind in kinds_of(document)}
        self.headers: Mapping[str, str] = settings.headers
        self.connection = settings.connection
        self.ledger = Ledger()
        self.flight = flight or Flight()
        self.throttle = Throttle(self.flight.pause)
        self.is_over = is_over
        self.record: list[Answer] = []
        self._faults: list[list[Fault]] = []
        self._noticing = threading.Lock()
        self.chance = random.Random(settings.seed)
        self.run_id = f"{self.chance.getrandbits(32):08x}"
        self.canary = f"c4n4ry-{self.chance.getrandbits(64):016x}"
        self._hear = hear

    def fresh(self) -> Stage:
        """The same stage with an empty record."""
        return self._like(self.headers, [], [])

    def elsewhere(self) -> Stage:
        """The same organisation's other sandbox. Raises Untestable when there is none."""
        name = self.settings.other_sandbox or f"{MARK}-other"
        other = self._like({**self.headers, "x-sandbox-name": name}, self.record, self._faults)
        answer = other.call("GET", "/connections?limit=1")
        if answer.status >= 500 or answer.silence or answer.status == 429:
            raise Broken(f"{answer}, expected the list of the second sandbox {name!r}", answer=answer)
        if not answer.succeeded and self.call("GET", "/connections?limit=1").succeeded:
            untestable(f"there is no second sandbox {name!r}: name one with --other-sandbox")
        return other

    def abroad(self) -> Stage:
        """Another organisation. Raises Untestable if the operator gave the organisation."""
        if "x-gw-ims-org-id" in self.settings.given:
            untestable("a token is for one organisation, and this one is the operator's")
        return self._like({**self.headers, "x-gw-ims-org-id": FOREIGN}, self.record, self._faults)

    def kind(self, name: str) -> Kind:
        """A collection by name. Raises Untestable if the document lacks it."""
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
        """Send a valid request, except for changes by `headers` (None omits one) or the `raw` body."""
        content = raw if raw is not None else (b"" if body is None else json_body(body))
        changes: dict[str, str | None] = {"Content-Type": "application/json"} if content else {}
        named = {name.lower() for name in headers or {}}
        changes = {name: value for name, value in changes.items() if name.lower() not in named}
        sent = Sent(method, target, with_headers(self.headers, {**changes, **(headers or {})}), content)
        if self.ledger.silent_at and self.ledger.silent_at[place(sent)] >= MAX_SILENT:
            answer = Answer(sent, target, 0, (), b"", silence="was not sent, because similar requests got no response")
            self.record.append(answer)
            self._faults.append([Fault(str(answer), SILENT)])
            return answer
        if self.is_over():
            untestable(SPENT)
        with self.flight.request():
            answer = self.send(sent)
            self.notice(answer)
        return answer

    def send(self, sent: Sent) -> Answer:
        """Send a request, and again if the server asks for it by 429 with `Retry-After`. Raises Unreachable."""
        answer = self.transport.send(sent)
        for _ in range(MAX_TRIES):
            if not self.throttle.obeys(answer):
                break
            self._hear(answer)
            answer = self.transport.send(sent)
        return answer

    def notice(self, answer: Answer) -> list[Fault]:
        """Record an exchange; returns the faults of its response. Raises Unreachable."""
        with self._noticing:  # the faults of a response stand where it stands in the record
            self.record.append(answer)
            self.ledger.notice(answer, creates=self.document.creates(answer.sent))
            faults = self._hear(answer)
            self._faults.append(faults)
        for fault in faults:
            if fault.reach in (ENTITY, ITEMS):
                self.ledger.lacking.setdefault(fault.members, fault)
            self.ledger.hear_told(fault)
            self.ledger.strangers |= fault.cause == STRANGERS
            if fault.cause == DRAFTS:
                self.ledger.misled.setdefault("mode", DRAFTS)
            self.ledger.misled = {**misleading(fault, parameters_of(answer.sent)), **self.ledger.misled}
        self.ledger.missing |= {_first_step(answer.sent) for fault in faults if fault.cause == MISSING}
        self.ledger.turned_away = self.ledger.turned_away + 1 if self._turned_away(answer) else 0
        if self.ledger.turned_away >= MAX_TURNED_AWAY:
            raise alike(self.transport.base_url, answer)
        if self.ledger.silent_in_turn >= MAX_SILENT_IN_TURN:
            raise Unreachable(f"{self.transport.base_url} does not respond any more")
        return faults

    @property
    def met(self) -> tuple[str, ...]:
        """The causes of all faults in the responses of this check, in order."""
        return tuple(dict.fromkeys(fault.cause for faults in self._faults for fault in faults))

    def root_cause(self, answer: Answer | None = None, *, misread: bool = False, refusal: bool = False) -> str:
        """The cause of a fault of a response (by default the last) that prevents comparison; else empty."""
        if not self._faults:
            return ""
        at = next((at for at in reversed(range(len(self.record))) if self.record[at] is answer), -1)
        last = self.record[at]
        if _first_step(last.sent) in self.ledger.missing and last.status in (404, 405, 501):
            return MISSING
        if repeated := self.ledger.repeats(last.sent):
            return repeated
        if self.ledger.misses(last):
            return LOST
        if any(answer.status == 429 and self._turned_away(answer) for answer in self.record):
            return TURNED_AWAY[429]
        if self.ledger.strangers and code_of(last) in IN_USE:
            return STRANGERS
        if last.status in (404, 405) and last.sent.target.partition("?")[0].endswith("/"):
            return SLASH
        if last.status >= 400 and self.ledger.holds(last.sent) and not self._turned_away(last) and last.status < 500:
            return f"lookup {last.status}"
        root = basic(self._faults[at], misread=misread, refusal=refusal)
        if not root and self._turned_away(last):
            root = TURNED_AWAY[last.status]
        if not root and self.ledger.always_refuses(last):
            root = f"creation {last.status}"
        if misread and not root:  # it may have stumbled over an earlier response
            root = next((found for faults in self._faults if (found := basic(faults, misread=True))), "")
            root = root or self.ledger.added(self.record)
        root = root or anywhere(self._faults) or self.ledger.cause(self.record)
        return root or self.ledger.crosses(self.record, self.settings.headers) or self._misled()

    def _misled(self) -> str:
        """The cause of the last response, if the server misreads one of the request's parameters; else empty."""
        wrongly = (self.ledger.reads_wrongly(answer.sent) for answer in reversed(self.record) if answer.succeeded)
        return next(filter(None, wrongly), "")

    def departing(self, failure: str) -> str:
        """The cause of a failed check that names a member which violates its schema; else empty.

        That is a member of the check's own responses, or one that the server's entities lack.
        """
        failure += f" {asked_of(self.record[-1].sent)}" if self.record else ""
        faults = [fault for found in self._faults for fault in found if fault.members and fault.reach != LIST]
        lacking = [fault for fault in self.ledger.lacking.values() if fault.reach == ENTITY or fault.explains(failure)]
        cause = next((fault.cause for fault in faults if fault.explains(failure)), lacking[0].cause if lacking else "")
        strange = set(_UUID.findall(failure)) - self.ledger.receipts if self.ledger.strangers else ()
        return cause or (STRANGERS if strange else "")

    def lacking(self, name: str) -> str:
        """The cause of a failed check that read a member which is not there: it may be there in another spelling."""
        names = {other for answer in self.record for other in names_in(answer.json)}
        return of_kind(NAMES) if name not in names and spelled(name) in map(spelled, names) else LACKING + name

    def supposed(self, broken: Broken) -> str:
        """The cause of a request that should have been refused, if the server has refused none of its kind."""
        known = not broken.unrefused or broken.unrefused in self.ledger.refusing
        return "" if known else UNREFUSED + broken.unrefused

    def symptom(self, broken: Broken) -> str:
        """The failure in words without ids: equal for all checks that fail because of the same fault."""
        last = broken.answer or (self.record[-1] if self.record else None)
        where = "" if last is None or broken.unrefused == GATEWAY else act(last.sent)
        return f"{where}: {_VARYING.sub('', broken.symptom.replace(str(last), ''))}"

    def _turned_away(self, answer: Answer) -> bool:
        """Whether the gateway turned away a request with the run's own token, or limited the rate of any."""
        if answer.status not in TURNED_AWAY:
            return False
        names = TENANT if answer.status == 403 else ("authorization", "x-api-key")
        given = {name.lower(): value for name, value in self.settings.headers.items()}
        own = all(answer.sent.header(name) == given.get(name) for name in names)
        by_service = isinstance(answer.json, dict) and "report" in answer.json
        return (own or answer.status == 429) and not by_service

    def name(self, about: str = "entity") -> str:
        """A unique name with the suite's mark."""
        return self.marked(f"{about} {self.chance.getrandbits(32):08x}")

    def body(self, kind: str | Kind, **changes: Any) -> dict[str, Any]:
        """The body of a valid new entity. A change to None omits the member."""
        row = self.kind(str(kind))
        body = {**row.body(self, changes.pop("name", None) or self.name(row.name)), **changes}
        return {name: value for name, value in body.items() if value is not None}

    def make(self, kind: str | Kind, **changes: Any) -> Made:
        """Create an entity; any 2xx with its id counts. Raises Untestable if the server refuses the suite's sample."""
        row = self.kind(str(kind))
        body = self.body(row, **changes)
        answer = self.call("POST", row.path, body)
        entity_id = new_id(answer)
        if not answer.succeeded or entity_id is None:
            if answer.status == 400 and not changes and self.connection is None:
                untestable(f"{answer} to the suite's sample: give a body that it accepts by --connection")
            if reason := lacks(answer, body, self.call):
                untestable(reason)
            if lost := self._lost_reference(body):
                cause = self.ledger.repeats(lost.sent) or LOST
                raise Broken(f"{answer}: {lost}, which it refers to", cause, settled=True)
            self.ledger.refused_creation(answer)
            expected = "expected 201 with a receipt"
            cause = f"creation {answer.status}"
            raise Broken(f"{answer} to a valid body, {expected}: {excerpt(answer, 300)}", cause, answer=answer)
        etag = answer.json.get("etag") if isinstance(answer.json, dict) else None
        return Made(row, entity_id, str(etag or answer.header("etag") or ""), body, answer)

    def _lost_reference(self, body: Mapping[str, Any]) -> Answer | None:
        """The look-up of an entity of this run that a refused body refers to and the server does not find."""
        named = [name for name in re.findall(_UUID, json_body(body).decode()) if name in self.ledger.ever]
        kinds = {entity_id: kind for kind, entity_id in self.ledger.made}
        answers = (self.call("GET", f"/{kinds[name]}/{name}") for name in named if name in kinds)
        return next(filter(self.ledger.misses, answers), None)

    def shared(self, kind: str) -> str:
        """The id of an entity for others to refer to, shared by all checks. A failed creation is not repeated."""
        key = (self.headers["x-sandbox-name"], kind)
        if key in self.ledger.not_made:
            raise self.ledger.not_made[key]
        if key not in self.ledger.shared:
            try:
                self.ledger.shared[key] = self.make(kind, name=self.name("shared"))
            except Broken as reason:
                broken = Broken(str(reason), self.root_cause(reason.answer) or reason.cause, settled=True)
                self.ledger.not_made[key] = broken
                raise broken from None
            except Untestable as reason:
                self.ledger.not_made[key] = reason
                raise
        return self.ledger.shared[key].id

    def read(self, made: Made) -> dict[str, Any]:
        """Look up an entity."""
        answer = self.call("GET", made.path)
        if answer.status != 200:
            raise Broken(f"{answer}, expected 200 for a new entity", f"lookup {answer.status}", answer=answer)
        items = answer.json.get("items") if isinstance(answer.json, dict) else None
        if not isinstance(items, list) or len(items) != 1 or not isinstance(items[0], dict):
            raise Broken(f"{answer} without exactly one entity in items: {excerpt(answer)}", "lookup items")
        return dict(items[0])

    def patch(self, made: Made, *operations: Mapping[str, Any], etag: str | None = None, **headers: Any) -> Answer:
        """Patch an entity with the etag of its creation, or another one."""
        return self.call(
            "PATCH", made.path, list(operations), headers={"If-Match": made.etag if etag is None else etag, **headers}
        )

    def pages(self, target: str, most: int = 200) -> Iterator[Answer]:
        """A list's pages, following `_links.next.href`."""
        for _ in range(most):
            answer = self.call("GET", target)
            if answer.status != 200 or not isinstance(answer.json, dict):
                cause = f"{act(answer.sent)} {answer.status} code {code_of(answer) or 'no code'}"
                raise Broken(f"{answer}, expected a page of a list: {excerpt(answer)}", cause)
            yield answer
            href = (answer.json.get("_links") or {}).get("next", {}).get("href")
            if not href:
                return
            target = str(href)
            expect(target.startswith("/"), f"{answer}, next.href is not a path: {target!r}", "next.href")
        raise Broken(f"GET {target} did not end within {most} pages", "endless list")

    def listed(self, target: str) -> list[dict[str, Any]]:
        """All entities of a list, page after page."""
        return [item for page in self.pages(target) for item in page.json.get("items", [])]

    def sweep(self, *, shared: bool = True) -> list[str]:
        """Delete all created entities, with or without shared ones; returns what could not be deleted, as text."""
        return self._sweeper().sweep(shared=shared, runs=self.settings.forgets)

    def sweep_strays(self) -> tuple[list[str], list[str]]:
        """Delete everything still listed with this run's mark; returns what remains, and what may, as text."""
        sweeper = self._sweeper()
        return sweeper.strays(self.kinds), sweeper.unverified()

    def _sweeper(self) -> Sweeper:
        return Sweeper(self, self.ledger, self.headers, self.marked(""))

    def marked(self, name: str) -> str:
        """A name with the suite's mark as its prefix."""
        return f"{MARK} {self.run_id} {name}"

    def _like(self, headers: Mapping[str, str], record: list[Answer], faults: list[list[Fault]]) -> Stage:
        other = object.__new__(Stage)
        other.__dict__.update(self.__dict__)
        other.headers, other.record, other._faults = headers, record, faults
        return other


def alike(base_url: str, answer: Answer) -> Unreachable:
    """The end of a run against a server that gives every request the same answer, with what to do."""
    advice = _ADVICE.get(answer.status, "the server must distinguish requests: see its log")
    return Unreachable(f"{base_url} answers {answer.status} to every request: {advice}")


_ADVICE = {
    401: "give a fresh token",
    403: "give valid credentials",
    429: "wait, and use --operations or fewer --examples",
}


def _first_step(sent: Sent) -> str:
    """The collection in a path."""
    return sent.target.partition("?")[0].strip("/").partition("/")[0]


def filters(*texts: str) -> str:
    """`property` parameters as a query string."""
    return "&".join("property=" + quote(text, safe='=<>!,"[]') for text in texts)


__all__ = ["MARK", "Made", "Stage", "Untestable", "filters"]
