"""The parts of a list request by which its response can be judged: filters, order, limit, count, page."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from contracts.schema.differences import kinds
from contracts.stage.entities import Texts
from contracts.wire import Sent

_LIST = re.compile(r"/([A-Za-z]+)(/search)?/?")
_CONDITION = re.compile(r"([\w.]+)(==|!=|=)(.+)", re.DOTALL)
_VALUE = re.compile(r'\s*("[^"]*"|[^",]+)\s*(?:,|$)')
_SORT = re.compile(r"([+ -]?)([A-Za-z]+)")
_KNOWN = ("name", "description")
MAX_LIMIT = 100
"""Maximum items of a page."""


class TextCondition(NamedTuple):
    """A filter that compares a text with one or several others."""

    member: str
    is_equal: bool
    values: tuple[str, ...]

    def meets(self, item: Mapping[str, Any]) -> bool | None:
        """Whether an entity meets it; None if the entity does not show a text there."""
        found = self._of(item)
        if not isinstance(found, str):
            return None
        if self.member.rpartition(".")[2] in ("id", "state", "status"):  # of which the case says nothing
            return (found.lower() in [value.lower() for value in self.values]) is self.is_equal
        return (found in self.values) is self.is_equal

    def _of(self, item: Mapping[str, Any]) -> Any:
        found: Any = item
        for step in self.member.split(".") if "." in self.member else (self.member,):
            found = found.get(step) if isinstance(found, dict) else None
        return found

    def kind(self, item: Mapping[str, Any]) -> str:
        """The kind of difference of an entity that does not meet it; empty if there is none."""
        known = (kinds({"": self._of(item)}, {"": value}) for value in self.values if self.is_equal)
        return next((min(one) for one in known if one), "")


class Question(NamedTuple):
    """A request for a list or a count."""

    kind: str
    conditions: tuple[TextCondition, ...] | None
    """None if a filter is not understood here."""
    order: tuple[tuple[str, bool], ...] = ()
    """Member, and whether it is descending."""
    limit: int = MAX_LIMIT
    counts: bool = False
    token: str = ""

    def selected(self, known: Mapping[str, Texts | None]) -> frozenset[str] | None:
        """The ids of the certain entities that meet the filters; None if the filters are about other members."""
        conditions = self.conditions
        if conditions is None or any(one.member not in ("id", *_KNOWN) for one in conditions):
            return None
        return frozenset(
            entity_id
            for entity_id, texts in known.items()
            if texts is not None and all(one.meets(texts) for one in conditions)
        )


@functools.lru_cache(maxsize=16)
def question_of(sent: Sent) -> Question | None:
    """The question of a request; None if it is not a valid request for a list of Flow Service.

    Read once for all observers.
    """
    asked = _pairs(sent)
    try:
        return _read(*asked) if asked else None
    except ValueError:
        return None


def parameters_of(sent: Sent) -> frozenset[str]:
    """The names of the parameters of a list, in its query or in the body of a search; `If-Match` of a write."""
    if sent.header("if-match") is not None:
        return frozenset({"If-Match"})
    if sent.method == "POST" and sent.target.endswith("?mode=draft"):
        return frozenset({"mode"})
    asked = _pairs(sent)
    return frozenset(name for name, _ in asked[1]) if asked else frozenset()


def asked_of(sent: Sent) -> str:
    """What a request for a list asks for, as text; empty for other requests."""
    return " ".join(value for name, value in (_pairs(sent) or ("", ()))[1] if name in ("property", "orderby"))


@functools.lru_cache(maxsize=16)
def _pairs(sent: Sent) -> tuple[str, tuple[tuple[str, str], ...]] | None:
    """Collection and parameters of a request for a list; None for other requests. Read once for all who ask."""
    path, _, query = sent.target.partition("?")
    listed = _LIST.fullmatch(path)
    if listed is None or (sent.method, bool(listed[2])) not in (("GET", False), ("POST", True)):
        return None
    body = sent.json if listed[2] else None
    searched = _searched(body) if isinstance(body, dict) else []
    return listed[1], (*parse_qsl(query, keep_blank_values=True), *searched)


def _searched(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The parameters of a search, as a list would have them."""
    text = str(body.get("queryString") or "")
    filters = parse_qsl(text) if text.startswith("property=") else [("property", text)] if text else []
    others = [(name, str(body[name])) for name in ("limit", "orderby", "count") if body.get(name) is not None]
    return [*filters, *others]


def _read(kind: str, pairs: Iterable[tuple[str, str]]) -> Question:
    """Raises ValueError for parameters that are not valid."""
    named: dict[str, list[str]] = {}
    for name, value in pairs:
        named.setdefault(name, []).append(value)
    order = [_SORT.fullmatch(text) for text in ",".join(named.get("orderby", ())).split(",") if text]
    if None in order:
        raise ValueError
    return Question(
        kind,
        _conditions(named.get("property", ())),
        tuple((sort[2], sort[1] == "-") for sort in order if sort),
        int(named["limit"][0]) if "limit" in named else MAX_LIMIT,
        named.get("count", [""])[0].lower() == "true",
        named.get("continuationToken", [""])[0],
    )


def _conditions(texts: Iterable[str]) -> tuple[TextCondition, ...] | None:
    found = []
    for text in texts:
        if re.fullmatch(r"[\w.,]+", text):
            continue  # names the members to show
        condition = _CONDITION.fullmatch(text)
        values = _values(condition[3]) if condition else None
        if condition is None or values is None:
            return None
        found.append(TextCondition(condition[1], condition[2] != "!=", values))
    return tuple(found)


def _values(text: str) -> tuple[str, ...] | None:
    values, at = [], 0
    while at < len(text):
        value = _VALUE.match(text, at)
        if value is None:
            return None
        values.append(value[1].strip('"'))
        at = value.end()
    return tuple(values)
