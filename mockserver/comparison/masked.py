"""Finds values of a request that the recorder or another tool replaced, so that a server may respond differently."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mockserver.har.gaps import STAND_IN, has_passed, is_hidden
from mockserver.json_input import Json
from mockserver.recordings.recording import RecordedExchange

_DECIDING = ("content-type", "accept", "x-sandbox-name", "x-gw-ims-org-id", "if-match")
"""Headers whose value decides the response. Tokens and API keys are replaced consistently."""
_OF_THE_TENANT = ("x-sandbox-name", "x-gw-ims-org-id")
_KNOWN, _KNOWN_IN_ERRORS = ("state",), ("title", "error")
"""Members of which the recorder keeps every value that this server has."""
_ANY = "*/*"
"""An Accept that looks like a mask."""
_SIGNS = (STAND_IN, "‹", "›")
"""In a filter, before a replaced value or around its description."""


def in_target(exchange: RecordedExchange) -> str:
    """The first replaced value in path, query or a header that decides the response; empty if there is none."""
    if any(part.startswith(STAND_IN) for part in exchange.call.path.split("/")):
        return "a part of the path"
    for name, value in exchange.call.parameters():
        if name != "continuationToken" and _is_replaced(value):  # a cursor is bound to ours
            return f"the parameter {name}"
    replaced = (name for name in _DECIDING if _is_masked_header(exchange, name))
    return next((f"the header {name}" for name in replaced), "")


def _is_masked_header(exchange: RecordedExchange, name: str) -> bool:
    value = exchange.call.headers.get(name)
    if name in exchange.gaps.headers and name in _OF_THE_TENANT and has_passed(exchange.result):
        return False  # any tenant would do
    return value != _ANY and is_hidden(value)


def in_body(exchange: RecordedExchange) -> str:
    """The place of the first replaced value in the body; empty if there is none.

    Credentials do not count: they are always replaced, and another server takes any.
    """
    return next(_places(exchange.body, ""), "")


def _places(value: Json, pointer: str) -> Iterator[str]:
    if isinstance(value, dict):
        of_credentials = str(value.get("path", "")).startswith("/auth")  # a patch instruction
        for name, inner in value.items():
            if name != "auth" and not of_credentials:
                yield from _places(inner, f"{pointer}/{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from _places(inner, f"{pointer}/*")
    elif _is_replaced(value):
        yield pointer


def _is_replaced(value: Any) -> bool:
    return is_hidden(value) or (isinstance(value, str) and any(sign in value for sign in _SIGNS))


def is_another(name: str, theirs: Any, ours: Any, *, refused: bool) -> bool:
    """Whether a replaced value differs from all that this server has, because the recorder would have kept those."""
    known = name in (_KNOWN_IN_ERRORS if refused else _KNOWN)
    return known and STAND_IN in str(theirs) and STAND_IN not in str(ours)


def pair_names(missing: dict[str, str], added: dict[str, str]) -> None:
    """Remove members whose name the recorder replaced, each with one that only this server has and may be the same."""
    unknown = [key for key in missing if STAND_IN in key]
    for key in unknown[: len(added)]:
        del missing[key]
    if len(unknown) >= len(added):
        added.clear()
