"""Rules for refused requests that no other rule explains."""

from __future__ import annotations

from collections.abc import Iterator

from mockserver.conformance.findings import Level
from mockserver.conformance.refusals import because
from mockserver.conformance.rules import rule
from mockserver.conformance.traffic import Exchange, Sighting, Traffic

_FILTERS = ("1423-400", "1440-400", "1443-400", "1448-400", "1449-400", "1450-400", "1453-400", "1454-400")
_PAYLOAD = ("payload.not-json", "payload.member-missing", "payload.value", "payload.not-carried-out")
_ABSENT = ("lifecycle.unknown-id", "lifecycle.used-after-deletion", "path.placeholder", "path.unknown")
_TOKEN = ("header.token-missing", "header.token-scheme", "token.refused-reused", "token.not-issued")

EXPLAINED_BY: dict[str, tuple[str, ...]] = {
    # the gateway and the sandbox check
    "403000": ("header.api-key-missing",),
    "403010": ("header.token-missing",),
    "401013": _TOKEN,
    "400003": ("header.org-missing",),
    "2002-401": ("header.org-missing",),
    "403027": ("header.org-malformed",),
    "2100-404": ("header.sandbox-name",),
    "2105-400": ("header.sandbox-missing",),
    "2103-404": ("header.sandbox-id",),
    "2110-400": ("header.sandbox-id",),
    "2111-403": ("header.sandbox-name",),
    # the request as a whole
    "400": ("header.content-type",),
    "404": ("path.unknown", "path.base-missing", "path.placeholder"),
    "405": ("path.method",),
    "413": ("payload.too-large",),
    "415": ("header.content-type", "header.content-encoding"),
    "1403-400": ("etag.missing", "etag.in-query"),
    "1404-412": (
        *("etag.unquoted", "etag.malformed", "etag.invented", "etag.other-entity"),
        *("etag.outdated-by-itself", "etag.stale-repeated"),
    ),
    "1405-400": ("payload.empty",),
    # queries
    **dict.fromkeys(_FILTERS, ("filter.refused",)),
    "1401-400": ("paging.count-with-limit",),
    "1432-400": ("orderby.refused",),
    "1433-400": ("orderby.refused",),
    "1451-400": ("query.unknown-parameter",),
    "1452-400": (
        *("query.value", "filter.refused", "payload.value"),
        *("paging.limit-invalid", "paging.token-altered", "paging.token-invented"),
    ),
    "2119-400": ("query.value",),
    # bodies and states
    "1100-400": (
        *_PAYLOAD,
        *("auth.foreign-param", "auth.param-missing", "auth.param-value", "auth.port-as-number"),
        *("connection-string.key-missing", "connection-string.malformed", "connection-string.value"),
        *("connection-string.repeated-key", "hygiene.mask-sent-back", "paging.limit-invalid", "query.value"),
    ),
    "1101-404": ("payload.not-carried-out",),
    **dict.fromkeys(("1402-400", "1435-400", "1436-400"), ("query.value",)),
    "1413-400": ("payload.unknown-spec",),
    "1414-400": ("update.spec-changed",),
    "1415-400": ("auth.unknown-spec",),
    "1416-400": ("lifecycle.wrong-state",),
    "1417-400": ("lifecycle.wrong-state",),
    "1418-400": ("lifecycle.deleted-in-use",),
    "1422-400": ("lifecycle.wrong-state",),
    "1434-400": ("update.operation",),
    "1439-400": _ABSENT,
    "1439-404": _ABSENT,
    "1447-400": ("lifecycle.deleted-in-use",),
    "1455-400": ("update.not-applicable",),
}
"""Error code -> rules that explain it. No rule explains a code that is not listed."""

_ALWAYS = frozenset({"lifecycle.other-sandbox", "payload.event", "header.unfilled", "query.unfilled"})
"""Rules that explain a refusal with any code."""


@rule(
    "call.refused",
    Level.FAIL,
    "A refused request that no other rule explains",
    source="Flow Service error catalogue; gateway errors of the Platform troubleshooting guide",
    hint="Read errorMessage or message of the response, and correct the request.",
    comes_last=True,
)
def refused(traffic: Traffic) -> Iterator[Sighting]:
    """Every 4xx that no fault caused is reported, because the request was not executed.

    Exceptions are refusals that a correct client can meet: 429, an expired token that it replaces, and an entity that
    another client changed or deleted meanwhile.
    """
    shown: set[tuple[object, str]] = set()
    for call in traffic.calls:
        if call.refused and not _explained(traffic, call) and not _expected(traffic, call, shown):
            yield call.seen(_detail(call))
        shown.update((call.entry.tenant, entity) for entity in call.entry.traces.response.ids)
        if call.succeeded and call.entity:
            shown.add((call.entry.tenant, call.entity))


@rule(
    "call.unread",
    Level.FAIL,
    "A request that was refused before it was read",
    source="RFC 9110, 15.5 and RFC 9112, 6.3: 400, 408, 414, 421, 431",
    hint="Read the response: the URL or headers are too long, framing or Host are wrong, or the request is incomplete.",
)
def unread(traffic: Traffic) -> Iterator[Sighting]:
    """The HTTP server in front of the service refuses such a request before the service receives it.

    Usual causes are a client that implements HTTP itself, or a whole document in the URL.
    """
    for call in traffic.unread:
        yield call.seen(_detail(call))


@rule(
    "call.not-emulated",
    Level.INFO,
    "An operation of another service that is not emulated",
    source="Experience Platform's other APIs have the same host",
    hint="Nothing about this request was judged. Test it in a sandbox.",
)
def not_emulated(traffic: Traffic) -> Iterator[Sighting]:
    """Adobe's host has other services beside Flow Service. Most of their operations return 501 here."""
    for call in traffic.calls:
        if call.neighbouring and call.status == 501:
            yield call.seen(f"{call.method} {call.template} is an operation of another service")


def _explained(traffic: Traffic, call: Exchange) -> bool:
    found = traffic.named.get(call.entry.number, set())
    explaining = {*EXPLAINED_BY.get(call.entry.error or "", ()), *_ALWAYS}
    if any(violation.pointer == call.blamed for violation in call.violations("body", "unknown")):
        explaining.add("payload.unknown-member")  # on a strict server
    if call.blamed in call.unfilled_members:
        explaining.add("payload.unfilled")
    return not found.isdisjoint(explaining)


def _expected(traffic: Traffic, call: Exchange, shown: set[tuple[object, str]]) -> bool:
    """Whether a correct client can receive this error. `shown`: ids that existed before, by tenant."""
    match call.entry.error:
        case "401013":
            return any(_replaces(other, call) for other in traffic.calls if other.admitted)
        case "1404-412":
            sources = traffic.etags_shown.get(call.headers.get("if-match", "").strip(), ())
            return not traffic.whole or any(earlier.entry.number < call.entry.number for earlier in sources)
        case "1439-404" | "1439-400":
            return traffic.partial or (call.entry.tenant, call.entity) in shown
        case _:
            known = traffic.partial or (call.entry.tenant, call.entity) in shown
            return call.neighbouring and call.status == 404 and known


def _replaces(other: Exchange, refused: Exchange) -> bool:
    """Whether a token had expired: it was accepted before, or another one was accepted afterwards."""
    same = other.headers.get("authorization", "") == refused.headers.get("authorization", "")
    return same == (other.entry.number < refused.entry.number) or not refused.token


def _detail(call: Exchange) -> str:
    return f"{call.method} {call.template} was refused with {call.entry.error or call.status}{because(call)}"
