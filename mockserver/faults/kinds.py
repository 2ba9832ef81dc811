"""The FAULTS table: every fault that can be injected, one row each.

A fault acts at one of three moments: `refuse` answers instead of the service, `act` changes the state or
request the service is about to process, `spoil` changes the response. Error bodies are those of service and gateway.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from mockserver import json_input
from mockserver.errors import ApiError, GatewayError, Refusal
from mockserver.exchange import DRAFT, Call, Delivery, Request, Result
from mockserver.faults import arguments, meddling
from mockserver.faults.arguments import Argument
from mockserver.quirks import Quirks
from mockserver.runtime import Runtime
from mockserver.tokens import Tokens
from mockserver.world import World

_PROXY_PAGE = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n"
    b"<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n"
)
_LATER_MEMBER = {"_addedLater": {"by": "a release of the service that is newer than the client"}}


@dataclass(frozen=True, slots=True)
class Strike:
    """One fault applied to one call."""

    call: Call
    argument: arguments.Value
    runtime: Runtime
    tokens: Tokens
    quirks: Quirks
    by_header: bool = False
    """Whether the call's own header asked for it; then it has no effect beyond this call."""


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One row: a fault and the function that causes it."""

    name: str
    effect: str
    argument: Argument = arguments.NONE
    refuse: Callable[[Strike], Refusal | None] | None = None
    act: Callable[[Strike, World, Request], Request] | None = None
    spoil: Callable[[Strike, Result], Result] | None = None
    fits: Callable[[Call], bool] = lambda call: True
    """Whether a fault applies to a call; other calls are neither affected nor counted."""

    def as_json(self) -> dict[str, str]:
        """The entry in listings."""
        shown = {"fault": self.name, "effect": self.effect, "argument": self.argument.label}
        return {**shown, "default": self.argument.default}


class Undelivered(Refusal):
    """No response, or one that is not from the service. Nothing was executed."""

    def __init__(self, status: int, delivery: Delivery) -> None:
        super().__init__(str(status))
        self.status = status
        self.delivery = delivery

    def result(self, request_id: str, quirks: object) -> Result:
        """See `Refusal`."""
        return Result(self.status, delivery=self.delivery)


def _delivered(result: Result, **changes: Any) -> Result:
    return replace(result, delivery=replace(result.delivery or Delivery(), **changes))


def _late(strike: Strike, result: Result) -> Result:
    low, high = strike.argument
    return _delivered(result, delay_ms=low + int(strike.runtime.chance() * (high - low + 1)))


def _lost(strike: Strike, result: Result) -> Result:
    return Result(0, delivery=replace(result.delivery or Delivery(), reset=True))


def _failed_afterwards(strike: Strike, result: Result) -> Result:
    return ApiError("internal").result(strike.call.request_id, strike.quirks)


def _truncated(strike: Strike, result: Result) -> Result:
    whole = json_input.dumps(result.body) if result.body is not None else b""
    wanted = len(whole) // 2 if strike.argument is None else strike.argument
    return _delivered(result, raw=whole, cut_at=min(wanted, max(0, len(whole) - 1)))


def _malformed(strike: Strike, result: Result) -> Result:
    if result.body is None:
        return result
    return _delivered(result, raw=json_input.dumps(result.body)[:-1] + b',"')


def _with_more_members(strike: Strike, result: Result) -> Result:
    return _rewritten(result, lambda members: {**members, **_LATER_MEMBER})


def _reordered(strike: Strike, result: Result) -> Result:
    return _rewritten(result, lambda members: dict(reversed(members.items())))


def _as_drafts(strike: Strike, result: Result) -> Result:
    return _rewritten(result, lambda members: {**members, "state": DRAFT} if "state" in members else members)


def _rewritten(result: Result, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Result:
    """A successful response with changed body and items."""
    if result.status >= 300 or not isinstance(result.body, dict):
        return result
    body = change(result.body)
    items = body.get("items")
    if isinstance(items, list):
        body["items"] = [change(item) if isinstance(item, dict) else item for item in items]
    return replace(result, body=body)


def _emptied(strike: Strike, result: Result) -> Result:
    return replace(result, body={"items": [], "_links": {}}) if result.status == 200 else result


def _revoked(strike: Strike) -> Refusal | None:
    """Revoke the token for its organisation: the gateway refuses it from now on; a new token works."""
    if strike.by_header:
        return GatewayError("token_invalid")
    scheme, _, token = strike.call.headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() == "bearer":
        strike.tokens.revoke(token.strip(), strike.call.headers.get("x-gw-ims-org-id", ""))
    return None


def _page_token_gone(strike: Strike) -> Refusal:
    hint = "start the list again from its first page"
    return ApiError(
        "parameter_value", value="‹expired›", field="continuationToken", pointer="continuationToken", hint=hint
    )


def _retry_after(strike: Strike) -> tuple[tuple[str, str], ...]:
    return () if strike.argument is None else (("Retry-After", str(strike.argument)),)


_ROWS = (
    # answer instead of the service: the request is not executed
    FaultKind(
        "rate-limit",
        "429 from the gateway, with or without Retry-After",
        arguments.RETRY_AFTER,
        refuse=lambda strike: GatewayError("rate_exceeded", retry_after=strike.argument),
    ),
    FaultKind(
        "internal-error",
        "500 (1400-500) from the service; the request is not executed",
        refuse=lambda _: ApiError("internal"),
    ),
    FaultKind(
        "unavailable",
        "503 (1103-503) from the service",
        arguments.NO_RETRY_AFTER,
        refuse=lambda strike: ApiError("unavailable", headers=_retry_after(strike)),
    ),
    FaultKind("gateway-timeout", "504 (1104-504) from the service", refuse=lambda _: ApiError("provider_timeout")),
    FaultKind("forbidden", "403 (2120-403) from the service", refuse=lambda _: ApiError("forbidden")),
    FaultKind(
        "token-expired", "401 (401013) from the gateway, for this call", refuse=lambda _: GatewayError("token_invalid")
    ),
    FaultKind("token-revoked", "401 (401013) as long as the client sends this token", refuse=_revoked),
    FaultKind(
        "sandbox-gone",
        "404 (2100-404): the sandbox no longer exists",
        refuse=lambda strike: ApiError("sandbox_unknown", name=strike.call.headers.get("x-sandbox-name", "")[:80]),
    ),
    FaultKind(
        "page-token-expired",
        "400 (1452-400) for a valid continuationToken",
        refuse=_page_token_gone,
        fits=lambda call: "continuationToken=" in call.query,
    ),
    FaultKind(
        "bad-gateway",
        "502 with an HTML page, from a proxy",
        refuse=lambda _: Undelivered(502, Delivery(raw=_PROXY_PAGE, content_type="text/html")),
    ),
    FaultKind(
        "reset",
        "the connection is reset before the response; the request is not executed",
        refuse=lambda _: Undelivered(0, Delivery(reset=True)),
    ),
    # change the state or the request
    FaultKind(
        "stale-etag",
        "another client updates the entity just before: 412 (1404-412)",
        act=meddling.overtake,
        fits=lambda call: bool(call.headers.get("if-match")) and call.method != "DELETE",  # which needs none
    ),
    FaultKind(
        "deleted", "another client deletes the entity just before", act=meddling.delete, fits=meddling.names_an_entity
    ),
    FaultKind(
        "short-pages",
        "a list has many short pages; records are added if there are too few",
        arguments.PAGES,
        act=meddling.shorten_pages,
        fits=meddling.begins_a_list,
    ),
    # change the response
    FaultKind("answer-lost", "the request is executed, then the connection is reset", spoil=_lost),
    FaultKind("applied-500", "the request is executed, but the response is 500 (1400-500)", spoil=_failed_afterwards),
    FaultKind("latency", "the response is delayed", arguments.MILLISECONDS, spoil=_late),
    FaultKind(
        "slow-body",
        "the body arrives slowly",
        arguments.SPEED,
        spoil=lambda strike, result: _delivered(result, bytes_per_second=strike.argument),
    ),
    FaultKind("truncate", "the connection ends in the middle of the body", arguments.BYTES, spoil=_truncated),
    FaultKind("malformed-json", "the body is not JSON, although its Content-Type is", spoil=_malformed),
    FaultKind("empty-answer", "the body is missing", spoil=lambda strike, result: replace(result, body=None)),
    FaultKind("unknown-members", "additional members that the client does not know", spoil=_with_more_members),
    FaultKind("reordered-members", "members in another order", spoil=_reordered),
    FaultKind("draft-state", "entities have the state draft", spoil=_as_drafts, fits=lambda call: call.method == "GET"),
    FaultKind("empty-list", "a list without items", spoil=_emptied, fits=meddling.begins_a_list),
)

FAULTS: dict[str, FaultKind] = {row.name: row for row in _ROWS}
"""Name -> row."""
