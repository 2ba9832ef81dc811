"""Groups failures by cause: the first is a finding, the others are not comparable because of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from contracts.findings.verdicts import FAILED, NOT_COMPARABLE, PASSED, Outcome
from contracts.requirements import LEVELS
from contracts.schema.departures import Departure
from contracts.schema.differences import ADDED
from contracts.wire import PLATFORM, Sent

SILENT = "no response"
SERVER_ERROR = "server error"
NOT_JSON = "not JSON"
STATUS = "status"
ERROR_BODY = "error body"
NO_CODE = "no error code"
SLASH = "trailing slash"
"""404 for a path with a trailing slash."""
PRETENDED = "error with success status"
"""An error whose status says that the request succeeded."""
ABSENT = "absent entity"
"""An entity that was deleted or never created, and is shown nevertheless."""
ANOTHER = "another entity"
"""A look-up that shows another entity than the one asked for."""
LOST = "lookup 404"
"""An entity of this run that the server does not find any more."""
WITHOUT_EFFECT = "write without effect"
HALF_DONE = "refused write with effect"
"""A patch that was refused and changed its entity nevertheless."""
MERGED = "replacement merged"
"""An object that keeps members which its replacement lacks."""
SCHEMA = "schema "
KIND = SCHEMA + "kind "
"""Prefix of the cause of values that differ from right ones in one way, whatever their members."""
MORE = KIND + ADDED
"""Prefix of the cause of members that must not be there."""
ENVELOPE = SCHEMA + "$ form"
ITEMS_FORM = SCHEMA + "$.items form"
ID = SCHEMA + "id"
ID_REPEATED = "id repeated"
"""An id that another entity has, so that the two cannot be distinguished."""
ETAG = "etag shape"
ETAG_REPEATED = "etag.never-repeated"
"""An etag that was given before, so that versions cannot be distinguished."""
ETAG_REFUSED = "current etag refused"
"""412 for the etag that the server gave last: no update can be tested."""
EMPTY_LIST = "empty list"
"""A list without any of the existing entities. Every check that searches for one fails."""
TURNED_AWAY = {401: "token refused", 403: "credentials refused", 429: "rate limit"}
"""Status -> cause, if the server gives it to requests with the run's own token."""
ETAG_CHANGES = "etag changes"
"""Another etag of an entity that nobody has written to, so that versions cannot be compared."""
HEADER = "header "
IGNORED = "ignored "
"""Prefix of the cause of failures due to a header that the server ignores."""
MISSING = "missing operations"
"""Collections that the server does not have, and operations that never succeeded."""

BODY = "body"
"""Reach of a fault of a whole body: it is not an object, or without a required member."""
ITEMS = "items"
"""Reach of a fault of the list of entities."""
ENTITY = "entity"
"""Reach of an id that is missing or not a text: every check that looks for the entity fails."""

IF_MATCH = "if-match ignored"
LISTED = "list "
"""Prefix of the cause of a list that does not match its request."""

PROJECTION = LISTED + "projection"
"""All members of entities, though the request asks for some only."""

_DECISIVE = (MISSING, SERVER_ERROR, PRETENDED, ABSENT, ANOTHER, WITHOUT_EFFECT)
"""Causes of all faults of a response that has one of them, the most basic first."""
_BASIC = (SILENT, MISSING, SERVER_ERROR, NOT_JSON, PRETENDED, STATUS)
"""Causes that prevent any comparison, the most basic first."""
LIST = "list"
"""Reach of a list that does not match its request: every check that looks for entities by it fails."""
STRANGERS = LISTED + "strangers"
"""Entities that nobody has created: a creation makes more than it reports."""
DRAFTS = "drafts"
"""Drafts that are created as something else."""
WRITE = "write"
"""Reach of a write with useless etags: every check that compares versions fails."""
REFUSAL = "refusal"
"""Reach of an error body: the contents of a refusal cannot be read."""
LIFE = "life"
"""Reach of a wrong entity, or one that should not exist: nothing that this check does with it can be compared."""
SHOWN = "shown"
"""Reach of a secret that is shown: every check that looks for it fails."""
_ANYWHERE = (ENTITY, ITEMS, BODY, LIST, WRITE, LIFE, SHOWN)
"""Reaches that prevent a comparison even if the fault is in an earlier response of the check."""

_SAME_TEXT = ("number, string", "boolean, string")
"""Kinds of wrong values that are right in a request's text."""

SYMPTOMS = {
    ID_REPEATED: (LOST, EMPTY_LIST, f"{LISTED}lost", f"{LISTED}count", STRANGERS),
    WITHOUT_EFFECT: (ETAG_REPEATED, IF_MATCH),
    LOST: (EMPTY_LIST, f"{LISTED}lost", f"{LISTED}count"),
    ETAG_CHANGES: (ETAG_REFUSED, HALF_DONE),
    ETAG_REPEATED: ("time.etag-second",),
    f"{SCHEMA}createdAt changes": (f"{LISTED}order",),
    "time.update-moves": ("time.etag-second", f"{LISTED}order"),
    f"{LISTED}filter": (STRANGERS,),
    STRANGERS: (LOST, ETAG_REFUSED, "POST /*/{}/action?op 400 code 1422-400"),
    DRAFTS: ("POST /*?mode 400 code 1100-400",),
}
"""Cause -> the causes that are only its symptoms, and may be seen first."""

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LINKS = {"_links", "next", "href"}
_WORD = re.compile(r"\w+")
_COMPOSED = ("journey.", "example.")
"""Checks that repeat what others check, step by step: findings only if no other check failed at such a step."""
MAX_SHOWN = 6
"""Maximum operations, and checks, named by a finding."""


class Fault(NamedTuple):
    """A fault of a response, independent of the check. Faults with the same cause have an equal `cause`."""

    message: str
    cause: str
    members: frozenset[str] = frozenset()
    """Names of the members of a body that are wrong, if that is the fault."""
    reach: str = ""
    """How much of a response cannot be read because of it: `BODY`, `ITEMS`, `ENTITY`, or empty for its members only."""
    wrong_values: frozenset[str] = frozenset()
    """The wrong values, as texts: a request that repeats one fails because of the fault."""

    def explains(self, failure: str) -> bool:
        """Whether a failed check names a member that is wrong, or could not follow links."""
        if self.members & _LINKS:
            return True
        words = set(_WORD.findall(failure))
        return any(name in words or f"{name}s" in words for name in self.members)


def basic(faults: Iterable[Fault], *, misread: bool = False, refusal: bool = False) -> str:
    """The cause of those faults of a response that affect a check; empty if there are none.

    `misread`: the check failed at the form of the body, so its schema counts; `refusal`: at the contents of a refusal.
    """
    found = list(faults)
    causes = [fault.cause for fault in found]
    for wanted in _BASIC:
        if wanted in causes:
            return wanted
    for fault in found:
        if fault.reach in (BODY, ITEMS) or (misread and fault.cause.startswith((SCHEMA, ETAG))):
            return fault.cause
    refusals = [fault.cause for fault in found if fault.reach == REFUSAL]
    return refusals[0] if refusals and (misread or refusal) else ""


def anywhere(record: Iterable[Iterable[Fault]]) -> str:
    """The first cause in the responses of a check that prevents its comparisons; empty if there is none."""
    return next((fault.cause for faults in record for fault in faults if fault.reach in _ANYWHERE), "")


def of_one_response(found: Mapping[str, Fault], *, is_limited: bool, is_of_absent: bool = False) -> dict[str, Fault]:
    """The faults of one response by observer, with equal causes for those that have one.

    `is_of_absent`: the body is the server's response for an absent entity.
    """
    if not found:
        return {}
    if is_of_absent:
        return {name: fault._replace(cause=ABSENT, reach=LIFE) for name, fault in found.items()}
    faults = list(found.values())
    causes = [fault.cause for fault in faults]
    decisive = TURNED_AWAY[429] if is_limited else next((cause for cause in _DECISIVE if cause in causes), "")
    lists = [fault.cause for fault in faults if fault.reach == BODY]
    lists += [fault.cause for fault in faults if fault.reach == LIST]
    refusals = [fault.cause for fault in faults if fault.reach == REFUSAL and fault.cause.startswith(KIND)]
    wrong = [fault for fault in faults if fault.members and fault.reach != LIST]
    etags = [
        one.cause for one in wrong if "etag" in one.members and (one.cause.startswith(KIND) or ETAG_CHANGES in causes)
    ]
    etags.sort(key=ETAG_CHANGES.__eq__, reverse=True)
    etags.sort(key=lambda cause: not cause.startswith(KIND))
    placed = {}
    for name, fault in found.items():
        cause = lists[0] if fault.reach == LIST else fault.cause
        cause = refusals[0] if refusals and fault.reach == REFUSAL else cause
        cause = STATUS if STATUS in causes and cause.startswith(SCHEMA) else cause
        cause = etags[0] if etags and fault.members == {"etag"} else cause
        if cause == name:  # an observer that stumbles over a member which departs from its schema
            cause = next((one.cause for one in wrong if one is not fault and one.explains(fault.message)), cause)
        placed[name] = fault._replace(cause=decisive or cause)
    return placed


def in_schema(message: str, departure: Departure) -> Fault:
    """The fault of a body that departs from its schema. An entity is the same in a list, a look-up and a receipt."""
    path = re.sub(r"[0-9]+", "", departure.path)
    member = path.removeprefix("$.items[]").removeprefix("$")
    is_etag = member == ".etag" or (member == ".version" and departure.rule == "pattern")
    lacks_etag = departure.rule == "required" and departure.members - {"items"} == {"etag"}
    cause, reach = ETAG if is_etag else f"{SCHEMA}{path} {departure.rule}", ""
    if path == "$":
        cause, reach = ENVELOPE, "" if departure.members == {"_links"} else BODY
    elif member == ".id" or (path == "$.items[]" and departure.rule == "required" and "id" in departure.members):
        cause, reach = ID, ENTITY
    elif path in ("$.items", "$.items[]"):
        cause, reach = ITEMS_FORM, ITEMS
    if lacks_etag:  # in receipts, look-ups and headers alike
        cause = ETAG
    if departure.rule == "minItems" and path == "$.items":
        cause = EMPTY_LIST
    wrong_values = frozenset[str]() if departure.kind in _SAME_TEXT else departure.wrong_values
    return Fault(message, of_kind(departure.kind) or cause, departure.members, reach, wrong_values)


def of_kind(kind: str) -> str:
    """The cause of differences of one kind; empty for none."""
    return KIND + kind if kind else ""


def act(sent: Sent) -> str:
    """The kind of a request, equal for all collections: `GET /*/{}`, `GET /*?property`."""
    path, _, query = sent.target.partition("?")
    names = sorted({pair.partition("=")[0] for pair in query.split("&") if pair})
    asked = f"?{'&'.join(names)}" if names else ""
    if path.startswith(PLATFORM):
        return f"{sent.method} {path}{asked}"
    first, *below = path.strip("/").split("/")
    collection = first if first.endswith("Specs") or first == "runs" else "*"
    steps = [collection, *("{}" if at == 0 and step != "search" else step for at, step in enumerate(below))]
    return f"{sent.method} /{'/'.join(steps)}{asked}"


_PARAMETERS = {
    "order": "orderby",
    "limit": "limit",
    "pages": "continuationToken",
    "count": "count",
    IF_MATCH: "If-Match",
}


def misleading(fault: Fault, parameters: Collection[str]) -> dict[str, str]:
    """The parameter of a list that is read wrongly, and the cause; empty for other faults."""
    if fault.reach not in (LIST, WRITE):
        return {}
    name = _PARAMETERS.get(fault.cause.removeprefix(LISTED), "property")
    return {name: fault.cause} if name in parameters else {}


def place(sent: Sent) -> str:
    """A request for display: method and path without ids."""
    return f"{sent.method} {_ID.sub('{id}', sent.target.partition('?')[0])}"


@dataclass(slots=True)
class SuiteFinding:
    """One cause: the outcome that revealed it, its places, and the outcomes it prevented."""

    cause: str
    first: Outcome
    places: Counter[str] = field(default_factory=Counter)
    same: list[Outcome] = field(default_factory=list)
    """Outcomes of the same check on other collections or operations."""
    symptoms: set[str] = field(default_factory=set)
    """Symptoms of its own check."""
    supposed: list[tuple[Outcome, Outcome]] = field(default_factory=list)
    """Hidden outcomes as they are shown, and as they were."""
    acts: frozenset[str] = frozenset()
    """The kinds of the requests at which its outcomes failed."""
    hidden: list[Outcome] = field(default_factory=list)
    """Outcomes of other checks: not comparable."""

    def level(self, levels: Mapping[str, str]) -> str:
        """The highest level of the promises that it breaks or hides."""
        found = {levels.get(outcome.check, "must") for outcome in (self.first, *self.same, *self.hidden)}
        return min(found, key=LEVELS.index)

    @property
    def label(self) -> str:
        """`filter.wrong[connections, flows]`."""
        subjects = [outcome.subject for outcome in (self.first, *self.same) if outcome.subject]
        return f"{self.first.check}[{shortened(subjects)}]" if subjects else self.first.check

    @property
    def elsewhere(self) -> list[str]:
        """Further places after the first."""
        first = place(self.first.evidence[-1].sent) if self.first.evidence else ""
        return [name for name in self.places if name != first]


class Causes:
    """Collects failures by cause while they happen."""

    def __init__(self) -> None:
        self._by_cause: dict[str, SuiteFinding] = {}
        self._cause_of: dict[str, str] = {}
        """Check -> the cause of its first failure, which failures of the same rule elsewhere have, too."""
        self.harmless: set[str] = set()
        """Causes of faults with which a check has passed: another check does not fail because of them."""

    @property
    def findings(self) -> list[SuiteFinding]:
        """In the order in which they were found."""
        return list(self._by_cause.values())

    def add(self, outcome: Outcome) -> Outcome:
        """Add an outcome. The first failure of a cause or check stays a failure; later ones are not comparable."""
        if outcome.verdict == PASSED:
            self.harmless.update(outcome.met)
        if outcome.verdict != FAILED:
            return outcome
        cause = outcome.cause or outcome.check
        supposed = outcome
        if cause == outcome.check:
            alike = [one.cause for one in self.findings if outcome.symptom in one.symptoms]
            if cause.startswith(_COMPOSED):
                alike += [one.cause for one in self.findings if one.acts & _acts(outcome)]
            cause = alike[0] if alike else cause
            outcome = replace(outcome, cause=cause)
        if cause not in self._by_cause:
            cause = self._cause_of.get(outcome.rule, cause)
            cause = next((one for one in outcome.met if one in self._by_cause and one not in self.harmless), cause)
            outcome = replace(outcome, cause=cause)
        self._cause_of.setdefault(outcome.check, cause)
        finding = self._by_cause.get(cause)
        if finding is None:
            finding = self._by_cause[cause] = SuiteFinding(cause, outcome)
            placed = outcome
        elif finding.first.check == outcome.check:
            placed = outcome
            finding.same.append(placed)
        else:
            reason = f"not comparable, because {finding.first.message}"
            placed = replace(outcome, verdict=NOT_COMPARABLE, message=reason)
            finding.hidden.append(placed)
            finding.supposed.append((placed, supposed))
        if finding.first.check == outcome.check and outcome.symptom:
            finding.symptoms.add(outcome.symptom)
        finding.acts |= _acts(outcome)
        if outcome.evidence:
            finding.places[place(outcome.evidence[-1].sent)] += 1
        return placed

    def refute(self, cause: str, *, always: bool = True) -> list[tuple[Outcome, Outcome]]:
        """Drop a supposed cause; returns the outcomes that it hid, as they are shown and as they are now.

        Unless `always`, only what was hidden because its exchanges had this fault.
        """
        finding = self._by_cause.get(cause)
        if finding is None:
            return []
        freed: list[tuple[Outcome, Outcome]] = []
        kept: list[tuple[Outcome, Outcome]] = []
        for placed, claim in finding.supposed:
            (freed if claim.cause != cause or always else kept).append((placed, claim))
        finding.supposed = kept
        finding.hidden = [placed for placed, _ in finding.supposed]
        again = [replace(claim, cause=claim.check if always else claim.cause) for _, claim in freed]
        return [(placed, self.add(claim)) for (placed, _), claim in zip(freed, again, strict=True)]

    def absorb(self, cause: str, root: str) -> list[tuple[Outcome, Outcome]]:
        """Let a finding depend on another one; returns its outcomes as they were shown, and as they are now."""
        if not {cause, root} <= self._by_cause.keys():
            return []
        finding, kept = self._by_cause.pop(cause), self._by_cause[root]
        reason = f"not comparable, because {kept.first.message}"
        shown = [finding.first, *finding.same, *finding.hidden]
        pairs = [(one, replace(one, verdict=NOT_COMPARABLE, message=reason, cause=root)) for one in shown]
        kept.hidden += [placed for _, placed in pairs]
        kept.places += finding.places
        return pairs

    def of(self, outcome: Outcome) -> SuiteFinding:
        """The finding of a failure."""
        return self._by_cause[outcome.cause or outcome.check]

    def met(self, cause: str, sent: Sent) -> None:
        """Add a place to a known cause."""
        if cause in self._by_cause:
            self._by_cause[cause].places[place(sent)] += 1


def _acts(outcome: Outcome) -> frozenset[str]:
    """The kind of the request at which an outcome failed; empty if it is not known."""
    return frozenset({act(outcome.evidence[-1].sent)} if outcome.evidence else ())


def shortened(names: list[str]) -> str:
    """A list of names, cut after the first few."""
    rest = f" and {len(names) - MAX_SHOWN} more" if len(names) > MAX_SHOWN else ""
    return ", ".join(names[:MAX_SHOWN]) + rest
