"""Causes that a failed check may assume until a response disproves them.

A server that checks no body fails each check of a refusal. That is one cause, unless the server refuses another body.
"""

from __future__ import annotations

from collections.abc import Iterable

from contracts.findings.causes import act
from contracts.findings.error_codes import code_of
from contracts.wire import Answer, Sent

UNREFUSED = "never refuses "
"""Prefix of the cause of requests that should have been refused, while the server has refused none of their kind."""
GATEWAY = "what the gateway refuses"
"""The kind of all requests that lack a header, or have one that is not valid."""
_NOT_OF_CONTENT = ("1403-400", "1405-400", "1451-400", "2105-400", "2110-400")
"""Codes of refusals that are not about what a request asks for: missing or unknown headers, a missing body."""


def refused_kinds(answer: Answer) -> Iterable[str]:
    """The kinds of requests that the server is known to refuse, by one refusal."""
    code, body = code_of(answer), answer.json
    if isinstance(body, dict) and "error_code" in body and answer.status < 500:
        yield GATEWAY
    if answer.status in (400, 409, 422) and code not in _NOT_OF_CONTENT and _asks(answer.sent):
        yield act(answer.sent)


def unrefused(answer: Answer) -> str:
    """The kind of a request that succeeded and should not have; empty if it did not succeed."""
    return act(answer.sent) if answer.succeeded and _asks(answer.sent) else ""


def _asks(sent: Sent) -> bool:
    """Whether a request has something that can be wrong: parameters, or JSON."""
    if sent.method == "GET":
        return "?" in sent.target
    kind = (sent.header("content-type") or "").lower()
    return kind.startswith("application/json") and isinstance(sent.json, dict | list)
