"""What a request for a list asks for, as far as its answer can be judged: filters, order, limit, count, page."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import parse_qsl

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
        found: Any = item
        for step in self.member.split("."):
            found = found.get(step) if isinstance(found, Mapping) else None
        if not isinstance(found, str):
            return None
        if self.member.rpartition(".")[2] in ("id", "state", "status"):  # of which the case says nothing
            return (found.lower() in [value.lower() for value in self.values]) is self.is_equal
        return (found in self.values) is self.is_equal


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
        """The ids of the known entities that meet the filters; None if that is not certain."""
        conditions = self.conditions
        if conditions is None or None in known.values() or any(one.member not in ("id", *_KNOWN) for one in conditions):
            return None
        return frozenset(
            entity_id
            for entity_id, texts in known.items()
            if texts is not None and all(one.meets(texts) for one in conditions)
        )


def question_of(sent: Sent) -> Question | None:
    """The question of a request; None if it is no request for a list of Flow Service, or not a valid one."""
    asked = _pairs(sent)
    try:
        return _read(*asked) if asked else None
    except ValueError:
        return None


def parameters_of(sent: Sent) -> frozenset[str]:
    """The names of the parameters of a list, in its query or in the body of a search; `If-Match` of a write."""
    if sent.header("if-match") is not None:
        return frozenset({"If-Match"})
    asked = _pairs(sent)
    return frozenset(name for name, _ in asked[1]) if asked else frozenset()


@functools.lru_cache(maxsize=16)
def _pairs(sent: Sent) -> tuple[str, tuple[tuple[str, str], ...]] | None:
    """Collection and parameters of a request for a list; None for other requests. Read once for all who ask."""
    path, _, query = sent.target.partition("?")
    listed = _LIST.fullmatch(path)
    if listed is None or (sent.method, bool(listed[2])) not in (("GET", False), ("POST", True)):
        return None
    body = _json(sent) if listed[2] else None
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


BORDERS = ("x-gw-ims-org-id", "x-sandbox-name")
"""Headers that separate tenants."""
Texts: TypeAlias = Mapping[str, str]
"""The members of an entity that are known: its id, name and description."""


class Entities:
    """The entities that this run has made, by tenant and collection, as far as they are certain."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], dict[str, Texts | None]] = {}
        """Tenant and collection -> id -> its texts; None if they are not certain."""
        self.ever: set[str] = set()
        """The ids of all entities, also of deleted ones."""

    def of(self, sent: Sent, kind: str) -> Mapping[str, Texts | None]:
        """Id in lower case -> texts of what the sender of a request has made and not deleted."""
        return self._known.get((_tenant(sent), kind), {})

    def borders(self, sent: Sent, entity_id: str) -> set[str]:
        """The headers by which an entity belongs to another tenant than the sender of a request; empty if to none."""
        here, holds = _tenant(sent), [tenant for (tenant, _), ids in self._known.items() if entity_id.lower() in ids]
        if here in holds:
            return set()
        apart = [
            [one != other for one, other in zip(here.split("/"), there.split("/"), strict=True)] for there in holds
        ]
        return {BORDERS[different.index(True)] for different in apart if different.count(True) == 1}

    def learn(self, sent: Sent, new_id: str | None, *, done: bool, unsure: bool) -> None:
        """Learn from a request: whether it was carried out, or may have been; and the id of what it made."""
        kind, _, entity_id = sent.target.partition("?")[0].strip("/").partition("/")
        new_id, entity_id = new_id and new_id.lower(), entity_id.lower()
        if sent.method == "POST" and not entity_id and done and new_id:
            body = _json(sent)
            given = [body.get(name, "") for name in _KNOWN] if isinstance(body, dict) else [None]
            certain = all(isinstance(text, str) for text in given)
            texts = {"id": new_id, **dict(zip(_KNOWN, map(str, given), strict=False))}
            self._known.setdefault((_tenant(sent), kind), {})[new_id] = texts if certain else None
            self.ever.add(new_id)
        known = self._known.get((_tenant(sent), kind), {})
        if entity_id not in known or not (done or unsure):
            return
        if sent.method == "DELETE" and done:
            del known[entity_id]
        elif sent.method in ("PATCH", "DELETE"):
            known[entity_id] = _patched(known[entity_id], sent) if done else None

    def forget(self, entity_id: str, *, deleted: bool) -> None:
        """Learn that an entity was deleted in another way, or may have been."""
        for known in self._known.values():
            if entity_id.lower() in known and deleted:
                del known[entity_id.lower()]
            elif entity_id.lower() in known:
                known[entity_id.lower()] = None


def _tenant(sent: Sent) -> str:
    return f"{sent.header('x-gw-ims-org-id')}/{sent.header('x-sandbox-name')}"


def _json(sent: Sent) -> Any:
    try:
        return json.loads(sent.body)
    except ValueError:
        return None


def _patched(texts: Texts | None, sent: Sent) -> Texts | None:
    """The texts after a patch; None if they are not certain any more."""
    body = _json(sent)
    for instruction in body if isinstance(body, list) else [body]:
        path = instruction.get("path") if isinstance(instruction, dict) else None
        if not isinstance(path, str) or texts is None:
            return None
        if path[1:] in _KNOWN:
            value = "" if str(instruction.get("op")).lower() == "remove" else instruction.get("value")
            texts = {**texts, path[1:]: value} if isinstance(value, str) else None
    return texts
