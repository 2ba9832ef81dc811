"""Tracks the entities that a run created, learned from every response, and deletes them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from contracts.findings.causes import (
    EMPTY_LIST,
    ETAG_CHANGES,
    ETAG_REFUSED,
    ETAG_REPEATED,
    HALF_DONE,
    ID_REPEATED,
    IGNORED,
    LISTED,
    LOST,
    MORE,
    WITHOUT_EFFECT,
    Fault,
    of_kind,
    place,
)
from contracts.findings.error_codes import code_of
from contracts.findings.suppositions import refused_kinds
from contracts.schema.differences import LACKING, NAMES, names_in, spelled
from contracts.stage.entities import Entities
from contracts.stage.kinds import Kind
from contracts.stage.naming import activated, body_of, collection, entity, flow_of, new_id
from contracts.stage.questions import parameters_of
from contracts.wire import ADHOC, PLATFORM, Answer, Sent

MARK = "contract-suite"
"""Prefix of the name of everything the suite creates."""

_COLLECTION = re.compile(r"/([A-Za-z]+)/?(\?.*)?")
ORDER = ("flows", "sourceConnections", "targetConnections", "connections")
"""Order of deletion: users before the entities they use."""
_IDS_NEXT_DOOR = ("publicKeyId", "meta:altId", "$id", "id")
"""Members with the id of a new entity at the neighbouring services."""
_SPECS = ("connectionSpecs", "flowSpecs")
"""Collections that are never empty."""
TENANT = ("authorization", "x-api-key", "x-gw-ims-org-id", "x-sandbox-name")
"""Headers that identify the sender of a request."""
_OWNER = TENANT[2:]
"""Those that identify the owner of an entity, whoever calls for it."""

_NOTHING: tuple[Any, ...] = (None, "", {}, [])
"""Empty values of members. If one is sent, the entity may show it or lack the member."""
_WORD = re.compile(r"[\w.-]{4,}")
_MIN_WORD = 4
_MAX_VALUES = 10_000
"""Maximum wrong values that are kept."""

Key = tuple[str, str]
"""Collection and id."""


@dataclass(frozen=True, slots=True)
class Made:
    """An entity created by a check."""

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
    """The entities created and not yet deleted: (collection, id) -> the headers of the creation."""

    made: dict[Key, Mapping[str, str]] = field(default_factory=dict)
    ever: set[str] = field(default_factory=set)
    """Ids of all entities created in this run. Only these may be written to."""
    ran: dict[str, Mapping[str, str]] = field(default_factory=dict)
    """Ids of flows with runs -> the headers with which the runs were created."""
    next_door: dict[str, Mapping[str, str]] = field(default_factory=dict)
    """Paths of entities of neighbouring services -> the headers of their creation."""
    kept_next_door: list[str] = field(default_factory=list)
    """Those that the service does not delete, as text."""
    total: int = 0
    tenants: dict[str, Mapping[str, str]] = field(default_factory=dict)
    """Sandbox -> headers, for all sandboxes with creations."""
    nameless: Counter[str] = field(default_factory=Counter)
    """Collection -> number of created entities whose id is unknown."""
    shared: dict[tuple[str, str], Made] = field(default_factory=dict)
    """(sandbox, collection) -> the entity others refer to; created once, deleted last."""
    not_made: dict[tuple[str, str], Exception] = field(default_factory=dict)
    """(sandbox, collection) -> why no such entity could be created."""
    refusals: dict[str, tuple[int, str | None]] = field(default_factory=dict)
    """Path of a collection -> status and code with which it refuses a valid new entity."""
    missing: set[str] = field(default_factory=set)
    """Collections of which the server lacks an operation."""
    lacking: dict[frozenset[str], Fault] = field(default_factory=dict)
    """Members that entities lack -> the fault of the first such response."""
    sent: dict[Key, frozenset[str]] = field(default_factory=dict)
    """Created entity -> the members that were sent with it, not empty, and that nothing has removed since."""
    wrong_values: dict[str, str] = field(default_factory=dict)
    """Values that the server gave wrongly, as texts -> the cause."""
    repeated: set[str] = field(default_factory=set)
    """Ids that several entities have."""
    more: set[str] = field(default_factory=set)
    """Causes for members that must not be there."""
    entities: Entities = field(default_factory=Entities)
    receipts: set[str] = field(default_factory=set)
    """Ids in the responses to creations."""
    crossed: set[str] = field(default_factory=set)
    """Headers of tenants across which entities were shown."""
    kept: set[str] = field(default_factory=set)
    """Headers of tenants across which an entity was refused."""
    refused_acts: set[str] = field(default_factory=set)
    """Causes for kinds of requests that the server refuses although they are valid."""
    refusing: set[str] = field(default_factory=set)
    """Kinds of requests of which the server has refused any."""
    strangers: bool = False
    """Whether lists show entities that nobody has created."""
    misled: dict[str, str] = field(default_factory=dict)
    """Parameter of lists that the server reads wrongly -> the cause."""
    empty: set[str] = field(default_factory=set)
    """Collections whose whole list was empty although they had entities."""
    filled: set[str] = field(default_factory=set)
    """Collections of which any list had an entity."""
    turned_away: int = 0
    """Consecutive requests with the run's own token that got 401 or 429."""
    etag_causes: dict[str, str] = field(default_factory=dict)
    """Id of an entity -> why its etag cannot be relied on."""
    swept: set[str] = field(default_factory=set)
    """Paths of entities that were found in a final list and deleted."""
    undeletable: set[str] = field(default_factory=set)
    """Paths of entities that could not be deleted after their check."""
    unsure: Counter[Key] = field(default_factory=Counter)
    """(sandbox, collection) -> number of requests that created something, or may have: the response does not tell."""
    silent_at: Counter[str] = field(default_factory=Counter)
    """Place -> number of requests without a response."""
    silent_in_turn: int = 0
    """Consecutive requests without a response."""

    def notice(self, answer: Answer, *, creates: bool = False) -> None:
        """Learn from a response which entities were created or deleted.

        `creates`: by the contract, a success of this request creates something. Its status may be wrong.
        """
        sent = answer.sent
        self._hear_silence(answer)
        self.refusing.update(refused_kinds(answer))
        if self.misses(answer):  # whatever names it fails
            self.wrong_values.setdefault(entity(sent)[1], LOST)
        self._hear_etags(answer)
        self._hear_list(answer)
        self._hear_members(answer)
        self._hear_tenants(answer)
        if collection(sent).strip("/").partition("/")[0] in ORDER:  # runs are also made and deleted in other ways
            made = new_id(answer) if sent.method == "POST" else None
            unsure = bool(answer.silence) or answer.status >= 500
            self.entities.learn(sent, made, done=answer.succeeded, unsure=unsure)
        path = sent.target.partition("?")[0].rstrip("/")
        created = _COLLECTION.fullmatch(sent.target) if sent.method == "POST" else None
        if created:
            self._creation(created[1], answer)
        elif sent.method == "POST" and path == ADHOC and answer.succeeded:
            self._running(sent, activated(sent))
        elif sent.method == "POST" and path.startswith(PLATFORM) and creates and answer.succeeded:
            self._next_door(path, answer)
        elif sent.method == "DELETE" and answer.succeeded:
            self.next_door.pop(path, None)
            kind, _, entity_id = path.strip("/").partition("/")
            self.made.pop((kind, unquote(entity_id)), None)

    def holds(self, sent: Sent) -> bool:
        """Whether a request is a valid look-up of an existing entity of this run."""
        kind, _, entity_id = sent.target.partition("?")[0].strip("/").partition("/")
        return sent.method == "GET" and self._is_made(kind, unquote(entity_id), sent)

    def _is_made(self, kind: str, entity_id: str, sent: Sent, compared: Collection[str] = TENANT) -> bool:
        """Whether the sender of a request, identified by these headers, has created an entity and not deleted it."""
        headers = self.made.get((kind, entity_id))
        return headers is not None and all(
            sent.header(name) == value for name, value in headers.items() if name.lower() in compared
        )

    def misses(self, answer: Answer) -> bool:
        """Whether a request about an entity of this run was refused because the server does not find it."""
        if answer.status != 404 or code_of(answer) != "1439-404":
            return False
        return self._is_made(*entity(answer.sent), answer.sent, _OWNER)

    def emptied(self, fault: Fault) -> str:
        """The cause of a list that lacks entities, if the server loses entities or does not separate tenants."""
        if fault.cause not in (EMPTY_LIST, f"{LISTED}lost", f"{LISTED}count"):
            return ""
        ignored = sorted(self.crossed - self.kept)
        return LOST if LOST in self.wrong_values.values() else IGNORED + ignored[0] if ignored else ""

    def refused_creation(self, answer: Answer) -> None:
        """Record how a valid new entity was refused."""
        self.refusals[collection(answer.sent)] = answer.status, code_of(answer)

    def always_refuses(self, answer: Answer) -> bool:
        """Whether a creation was refused like a valid one."""
        refusal = self.refusals.get(collection(answer.sent))
        return answer.sent.method == "POST" and refusal == (answer.status, code_of(answer))

    def _hear_members(self, answer: Answer) -> None:
        """Learn which members that were sent with an entity its look-up lacks, or shows empty."""
        kind, _, entity_id = collection(answer.sent).strip("/").partition("/")
        if answer.sent.method == "PATCH" and b"remove" in answer.sent.body.lower():
            self.sent.pop((kind, unquote(entity_id)), None)
        items = answer.json.get("items") if isinstance(answer.json, dict) else None
        if answer.sent.method != "GET" or not isinstance(items, list) or len(items) != 1:
            return
        sent = self.sent.get((kind, unquote(entity_id)), frozenset())
        shown = items[0] if isinstance(items[0], dict) else {}
        lacking = {name for name in sent if shown.get(name) in _NOTHING}
        others = set(map(spelled, shown)) if lacking else set()
        for name in lacking:
            renamed = name not in shown and spelled(name) in others
            cause = of_kind(NAMES) if renamed else LACKING + name
            self.lacking.setdefault(frozenset({name}), Fault(str(answer), cause, frozenset({name})))

    def _hear_tenants(self, answer: Answer) -> None:
        """Learn whether look-ups show entities of other tenants."""
        if answer.sent.method != "GET":
            return
        if apart := self.entities.borders(answer.sent, unquote(collection(answer.sent).rpartition("/")[2])):
            self.crossed |= apart if answer.succeeded else set()
            self.kept |= apart if answer.status == 404 else set()

    def crosses(self, record: Sequence[Answer], own: Mapping[str, str]) -> str:
        """The cause of a failed check about another tenant than the run's, if the server does not separate tenants."""
        ignored = sorted(self.crossed - self.kept)
        return next((IGNORED + n for n in ignored if {answer.sent.header(n) for answer in record} - {own[n]}), "")

    def hear_told(self, fault: Fault) -> None:
        """Learn which values the server gave wrongly."""
        self.repeated |= fault.wrong_values if fault.cause == ID_REPEATED else frozenset()
        self.more |= {fault.cause} if fault.cause.startswith(MORE) else set()
        for value in fault.wrong_values:
            words = _WORD.findall(value)  # an etag has quotes around its only word
            if len(words) == 1 and len(value) - len(words[0]) < _MIN_WORD and len(self.wrong_values) < _MAX_VALUES:
                self.wrong_values.setdefault(words[0], fault.cause)

    def added(self, record: Sequence[Answer]) -> str:
        """The cause of a member in these exchanges that must not be there in others; empty if there is none."""
        names = set[str]().union(*(names_in(answer.json) for answer in record)) if self.more else set[str]()
        return next((cause for cause in sorted(self.more) if cause.removeprefix(MORE) in names), "")

    def confuses(self, answer: Answer) -> bool:
        """Whether an exchange is about an id that several entities have."""
        return any(one in answer.sent.target or one in answer.text for one in self.repeated)

    def reads_wrongly(self, sent: Sent) -> str:
        """The cause of a wrong list with one of the parameters of a request; empty if there was none."""
        return next((self.misled[name] for name in sorted(parameters_of(sent)) if name in self.misled), "")

    def repeats(self, sent: Sent) -> str:
        """The cause of a wrong value that a request repeats; empty if it repeats none."""
        text = f"{unquote(sent.target)} {sent.header('if-match') or ''} {sent.body.decode('utf-8', 'replace')}"
        return next((self.wrong_values[word] for word in _WORD.findall(text) if word in self.wrong_values), "")

    def _creation(self, kind: str, answer: Answer) -> None:
        """Learn from a creation. Any 2xx created something; for other statuses the final list decides."""
        headers = dict(answer.sent.headers)
        sandbox = answer.sent.header("x-sandbox-name") or ""
        if answer.succeeded or sandbox not in self.tenants:  # refused headers cannot read the final list
            self.tenants[sandbox] = headers
        self.receipts |= {new_id(answer) or ""}
        if answer.succeeded or answer.status >= 500 or answer.silence:
            self.unsure[sandbox, kind] += 1
        if not answer.succeeded:
            return
        self.total += 1
        entity_id = new_id(answer)
        if kind == "runs":
            self._running(answer.sent, [flow_of(answer.sent)])
        elif kind in ORDER and entity_id is not None:
            self.made[kind, entity_id] = headers
            filled = (name for name, value in body_of(answer.sent).items() if value not in _NOTHING)
            self.sent[kind, entity_id] = frozenset(filled)
            self.ever.add(entity_id)
        elif kind in ORDER:
            self.nameless[kind] += 1

    def _running(self, sent: Sent, flow_ids: Iterable[str]) -> None:
        """Learn which flows of this run have runs now."""
        self.ran.update((flow_id, dict(sent.headers)) for flow_id in flow_ids if flow_id in self.ever)

    def _hear_etags(self, answer: Answer) -> None:
        """Learn etags, and which of them are refused or change without a write."""
        sent, body = answer.sent, answer.json
        if sent.method == "PATCH" and answer.status == 412:
            kind, entity_id = entity(sent)
            if self._is_made(kind, entity_id, sent) and sent.header("if-match") == self.entities.version(entity_id):
                self.etag_causes.setdefault(entity_id, ETAG_REFUSED)
        if not answer.succeeded or not isinstance(body, dict):
            return
        items = body.get("items")
        for holder in (body, *(items if isinstance(items, list) else ())):
            identity = (holder.get("id"), holder.get("etag")) if isinstance(holder, dict) else ()
            if len(identity) == 2 and all(isinstance(text, str) for text in identity):
                known, etag = map(str, identity)
                if self.entities.is_former(known, etag) and sent.method == "GET":
                    self.etag_causes[known] = WITHOUT_EFFECT
                elif sent.method == "GET" and known not in self.ran and self._is_another(known, etag):
                    repeated = known in self.entities.repeated
                    self.etag_causes[known] = ETAG_REPEATED if repeated else ETAG_CHANGES
                    if known.lower() in self.entities.refused:
                        self.etag_causes[known] = HALF_DONE
                        self.entities.half_done.add(known)
                    self.entities.unstable.add(known)
                self.entities.learn_version(known, etag, written=holder is body)

    def _is_another(self, entity_id: str, etag: str) -> bool:
        """Whether an entity that this run has made has another etag than the server gave last."""
        return entity_id in self.ever and self.entities.version(entity_id) not in (None, etag)

    def _hear_list(self, answer: Answer) -> None:
        """Learn from a list whether the collection has entities, or is empty although some exist."""
        kind = collection(answer.sent).strip("/")
        if answer.sent.method != "GET" or not answer.succeeded or not isinstance(answer.json, dict):
            return
        if answer.json.get("items"):
            self.filled.add(kind)
        elif _lists_none(answer) and self._should_list(answer) and "property=" not in answer.sent.target:
            self.empty.add(kind)

    def _should_list(self, answer: Answer) -> bool:
        """Whether the collection of a list has entities: specs of the service, or entities made with its headers."""
        kind, sent = collection(answer.sent).strip("/"), answer.sent
        there = [headers for (name, _), headers in self.made.items() if name == kind]
        tenants = [{name.lower(): value for name, value in headers.items()} for headers in there]
        own = (sent.header("x-sandbox-name"), sent.header("x-gw-ims-org-id"))
        runs = kind == "runs" and any(flow_id in sent.target for flow_id in self.ran)
        return (
            kind in _SPECS
            or runs
            or any((one.get("x-sandbox-name"), one.get("x-gw-ims-org-id")) == own for one in tenants)
        )

    def cause(self, record: Sequence[Answer]) -> str:
        """The known fault of the server that prevents comparisons in these exchanges; empty if there is none."""
        for answer in record:
            kind = collection(answer.sent).strip("/").partition("/")[0]
            filtered = answer.sent.target.count("property=") > 1  # one names the flow of runs
            never = (kind not in self.filled or (kind == "runs" and not filtered)) and self._should_list(answer)
            looked_up = collection(answer.sent) in self.next_door
            if _lists_none(answer) and (kind in self.empty or never or looked_up):
                return EMPTY_LIST
        for answer in record:
            for entity_id, cause in self.etag_causes.items():
                if entity_id in answer.sent.target or entity_id in answer.text:
                    return cause
        return ""

    def _next_door(self, path: str, answer: Answer) -> None:
        self.total += 1
        body = answer.json
        if isinstance(body, list) and body:  # Catalog returns ["@/dataSets/5c8c3c55…"]
            self.next_door[f"{path}/{str(body[0]).rpartition('/')[2]}"] = dict(answer.sent.headers)
        for name in _IDS_NEXT_DOOR:
            if isinstance(body, dict) and isinstance(body.get(name), str):
                self.next_door[f"{path}/{quote(body[name], safe='')}"] = dict(answer.sent.headers)
                return

    def _hear_silence(self, answer: Answer) -> None:
        if answer.silence:
            self.silent_at[place(answer.sent)] += 1
        self.silent_in_turn = self.silent_in_turn + 1 if answer.silence else 0


def _lists_none(answer: Answer) -> bool:
    """Whether a response is a list without entities."""
    return answer.succeeded and isinstance(answer.json, dict) and answer.json.get("items") == []
