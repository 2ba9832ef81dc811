"""Observers of entities: each response is compared with what the run has written, read and deleted before.

Most checks write an entity and read it again. Where the server loses a write or confuses entities, each of them would
fail in its own way; here the cause is seen in the answer itself, so that it is one finding.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import parse_qsl

from contracts.findings.causes import (
    ABSENT,
    ANOTHER,
    DRAFTS,
    ETAG_REPEATED,
    HALF_DONE,
    LIFE,
    MERGED,
    SCHEMA,
    WITHOUT_EFFECT,
    WRITE,
    Fault,
    of_kind,
)
from contracts.findings.error_codes import is_pretended
from contracts.registry import Watch, observe
from contracts.schema.differences import ADDED, kinds
from contracts.stage.expectations import NOWHERE
from contracts.stage.ledger import ORDER
from contracts.wire import Answer, Sent

_CONSTANT = ("createdAt", "createdBy", "createdClient")
_TEXTS = (("name",), ("description",))
_SENT = (
    "connectionSpec",
    "flowSpec",
    "baseConnectionId",
    "sourceConnectionIds",
    "targetConnectionIds",
    "transformations",
)
"""Further members that an entity shows as they were sent with its creation."""
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NONE = object()
"""In place of a member that is not there."""
_CHANGED = object()
"""In place of a list that differs from what it was before a patch."""
_UNKNOWN = object()
"""In place of a member of which nothing is known."""

Pointer = tuple[str, ...]


@observe("entity.asked-for", by_id=True)
def a_lookup_shows_the_entity_asked_for(watch: Watch, answer: Answer) -> Fault | None:
    """A look-up shows the entity whose id it names."""
    kind, entity_id, *below = [*answer.sent.steps, "", ""]
    lookup = answer.sent.method == "GET" and not any(below[:-2]) and entity_id.lower() in watch.entities.ever
    if kind not in ORDER or not lookup:
        return None
    shown = [item["id"] for item in answer.entities if isinstance(item.get("id"), str)]
    if not shown or entity_id.lower() in [one.lower() for one in shown]:
        return None
    other = [one for one in shown if one.lower() in watch.entities.ever]
    return Fault(f"{answer} with the entity {other[0]}", ANOTHER, reach=LIFE) if other else None


@observe("entity.gone", by_id=True)
def what_is_not_there_is_not_shown(watch: Watch, answer: Answer) -> Fault | None:
    """Nothing is shown of an entity that was deleted or never created, and nothing is done with it."""
    kind, entity_id, *_ = [*answer.sent.steps, ""]
    gone: Collection[str] = watch.entities.gone(answer.sent, kind)
    if answer.sent.method == "DELETE":  # the first deletion has just made it so
        seen = watch.memory.setdefault("deleted", {})
        gone = {one for one in gone if one in seen}
        seen |= {entity_id.lower(): True, answer.sent.path: True} if answer.succeeded and entity_id else {}
    made_up = entity_id not in ("", "search") and not _UUID.fullmatch(entity_id.lower())
    never = entity_id == NOWHERE or (kind in ORDER and made_up and entity_id.lower() not in watch.entities.ever)
    body = answer.json if answer.sent.method != "POST" and isinstance(answer.json, dict) else {}
    nothing = body.get("items") == [] or answer.json == []
    never = never or (nothing and bool(watch.entities.borders(answer.sent, entity_id)))
    method, target = answer.sent.method, answer.sent.target
    never = never or (method in ("GET", "DELETE") and not watch.document.match(method, target))
    next_door = answer.sent.method == "GET" and answer.sent.path in watch.memory.setdefault("deleted", {})
    if not answer.succeeded or not (never or next_door or (kind in ORDER and entity_id.lower() in gone)):
        return None
    return Fault(f"{answer} although the entity {'does not exist' if never else 'was deleted'}", ABSENT, reach=LIFE)


@observe("entity.creation-stays", by_id=True)
def the_creation_stays_what_it_was(watch: Watch, answer: Answer) -> Fault | None:
    """Time, author and client of an entity's creation are the same in every response."""
    seen = watch.memory.setdefault("creation", {})
    for item in (one for one in answer.entities if isinstance(one.get("id"), str)):
        for member in _CONSTANT:
            before = seen.setdefault(f"{item.get('id')} {member}", item[member]) if member in item else None
            if before is not None and before != item[member]:
                message = f"{answer} with another {member} than earlier answers for the same entity"
                return Fault(message, f"{SCHEMA}{member} changes", frozenset({member}))
    return None


_LEADS_TO = {"publish": None, "enable": "enabled", "disable": "disabled"}
"""Action -> the state that it leads to; any but `draft` for None."""


@observe("entity.state-as-written", by_id=True)
def the_state_is_that_of_the_last_write(watch: Watch, answer: Answer) -> Fault | None:
    """An entity has the state that its creation or its last action gave it."""
    states, sent, body = watch.memory.setdefault("state", {}), answer.sent, answer.json
    path, _, query = sent.target.partition("?")
    steps, asked = path.strip("/").split("/"), dict(parse_qsl(query))
    if sent.method == "POST" and len(steps) == 1 and answer.status == 201 and isinstance(body, dict):
        usual = "enabled" if steps == ["connections"] and b'"state"' not in sent.body else ""
        states[str(body.get("id"))] = "draft" if asked.get("mode") == "draft" else usual
    elif sent.method != "GET" and len(steps) > 1:
        action = asked.get("op", "").lower() if steps[2:] == ["action"] else ""
        if answer.succeeded or answer.status >= 500:
            states.pop(steps[1], None)
        if answer.status == 200 and action in _LEADS_TO:
            states[steps[1]] = _LEADS_TO[action] or "published"
        if answer.status == 200 and sent.method == "PATCH" and (patched := _patched_state(sent)):
            states[steps[1]] = patched
    for item in answer.entities if sent.method == "GET" else ():
        wanted, state = states.get(item["id"]) if isinstance(item.get("id"), str) else None, item.get("state")
        if not isinstance(state, str) or not wanted or state.casefold() == wanted:
            continue
        if wanted != "published" or state == "draft":
            message = f"{answer} with the state {state}, expected {wanted}"
            cause = DRAFTS if wanted == "draft" else "entity.state-as-written"
            cause = ETAG_REPEATED if item.get("etag") in watch.memory.get("etags given twice", {}) else cause
            return Fault(message, cause, frozenset({"state"}), WRITE)
    return None


def _patched_state(sent: Sent) -> str:
    """The state that a patch gives; empty if it gives none."""
    body = sent.json
    steps = [step for step in (body if isinstance(body, list) else [body]) if isinstance(step, dict)]
    given = [step.get("value") for step in steps if step.get("path") == "/state" and "value" in step]
    return given[-1].casefold() if given and isinstance(given[-1], str) else ""


@observe("entity.as-written", by_id=True)
def an_entity_is_what_was_written(watch: Watch, answer: Answer) -> Fault | None:
    """An entity shows the name and description of its last write, and no member as if a patch had not been sent."""
    written, shown = watch.memory.setdefault("written", {}), watch.memory.setdefault("shown", {})
    kind, entity_id, *below = [*answer.sent.steps, ""]
    if kind in ORDER and answer.sent.method == "POST" and not entity_id:
        _learn_creation(answer, written, shown)
    elif kind in ORDER and answer.sent.method != "GET":
        patch = answer.sent.method == "PATCH" and not any(below)
        before = written.pop(entity_id, {}) if not patch or not 400 <= answer.status < 500 else None
        if before is not None and patch and answer.succeeded and not is_pretended(answer):
            written[entity_id] = _patched(before, answer.sent.json, shown.get(entity_id))
    if answer.sent.method != "GET":
        return None
    for item in answer.entities:
        if "createdAt" not in item:  # the request asked for some members only
            continue
        known = str(item.get("id"))
        former = isinstance(item.get("etag"), str) and watch.entities.is_former(known, item["etag"])
        message = f"{answer} with the etag from before the last write"
        fault = Fault(message, WITHOUT_EFFECT, frozenset({"etag"}), LIFE) if former else None
        fault = fault or _departing(answer, item, written.get(known, {}))
        watch.entities.patched |= any(
            value == _at(item, pointer) and before not in (_UNKNOWN, value)
            for pointer, (value, before) in written.get(known, {}).items()
        )
        if "etag" in item:
            shown[known] = item
        if fault:
            watch.entities.forget(known, deleted=False)
            if known in watch.entities.half_done and fault.cause != WITHOUT_EFFECT:
                return fault._replace(cause=HALF_DONE, reach=LIFE)
            repeated = fault.cause == WITHOUT_EFFECT and watch.entities.patched and known in watch.entities.repeated
            return fault._replace(cause=ETAG_REPEATED) if repeated else fault
        written[known] = {at: one for at, one in written.get(known, {}).items() if one[0] is not _CHANGED}
    return None


def _departing(answer: Answer, item: Mapping[str, Any], written: Mapping[Pointer, tuple[Any, Any]]) -> Fault | None:
    """The fault of an entity that is not what was written: value and former value by the place of a member."""
    lookup = len(answer.sent.steps) > 1
    for pointer, (value, before) in written.items():
        member, came = ".".join(pointer), _at(item, pointer)
        unasked = came is _NONE and not lookup  # a list may show some members only
        if (value is _CHANGED and came != before) or came == value or came is _UNKNOWN or unasked or _is_hidden(came):
            continue
        as_before = before is not _UNKNOWN and _is_shown_as(before, came) and _departs(came, value)
        if as_before:
            message = f"{answer} without the {member} of the last patch"
            return Fault(message, WITHOUT_EFFECT, frozenset({pointer[0]}), LIFE)
        if kept := _merged(before, value, came):
            message = f"{answer} with the {member}.{kept} that the last patch replaced"
            return Fault(message, MERGED, frozenset({pointer[0]}), LIFE)
        if pointer[0] in _SENT and len(pointer) == 1 and before is _UNKNOWN and not _is_shown_as(value, came):
            message = f"{answer} with another {member} than the one sent"
            differs = sorted(one for one in kinds(came, value) if not one.startswith(ADDED))
            cause = of_kind(differs[0]) if differs else f"{SCHEMA}{member} as sent"
            return Fault(message, cause, frozenset({member}))
        if pointer in _TEXTS and not (value in ("", _NONE) and came in ("", None, _NONE)):
            plain = [{} if one is _NONE else {member: one} for one in (came, value)]
            cause = of_kind(min(kinds(*plain), default=""))
            message = f"{answer} with another {member} than the one written"
            return Fault(message, cause or f"{SCHEMA}{member} as written", frozenset({member}))
    return None


def _is_shown_as(value: Any, came: Any) -> bool:
    """Whether a member shows a value, secrets hidden."""
    if isinstance(value, dict) and isinstance(came, dict) and value.keys() <= came.keys():
        return all(_is_shown_as(inner, came[name]) for name, inner in value.items())
    nothing = ("", None, _NONE)
    return bool(value == came) or _is_hidden(came) or (value in nothing and came in nothing)


def _departs(came: Any, value: Any) -> bool:
    """Whether a member lacks something that was written; what is hidden does not count."""
    if isinstance(value, dict) and isinstance(came, dict):
        return any(_departs(came.get(name, _NONE), inner) for name, inner in value.items())
    same_type = type(came) is type(value) or any(one is _NONE or one is _CHANGED for one in (came, value))
    return same_type and came != value and not _is_hidden(came)


def _merged(before: Any, value: Any, came: Any) -> str:
    """The first former member of an object that is shown beside those of its replacement; empty if there is none."""
    if not all(isinstance(one, dict) for one in (before, value, came)) or not _is_shown_as(value, came):
        return ""
    if _is_shown_as(value, before):  # the same as a patch without effect
        return ""
    return next((name for name in sorted(before.keys() - value.keys()) if came.get(name, _NONE) == before[name]), "")


def _is_hidden(value: Any) -> bool:
    """Whether a value is the mask of a secret."""
    return isinstance(value, str) and value != "" and not value.strip("*")


def _learn_creation(answer: Answer, written: dict[str, Any], shown: dict[str, Any]) -> None:
    body, receipt = answer.sent.json, answer.json
    if answer.succeeded and isinstance(body, dict) and isinstance(receipt, dict) and isinstance(receipt.get("id"), str):
        texts = {pointer: body.get(pointer[0], _NONE) for pointer in _TEXTS}
        written[receipt["id"]] = {
            pointer: (text, _UNKNOWN) for pointer, text in texts.items() if text is _NONE or isinstance(text, str)
        }
        sent = {name: _promised(name, body[name]) for name in _SENT if isinstance(body.get(name), str | dict | list)}
        written[receipt["id"]] |= {(name,): (value, _UNKNOWN) for name, value in sent.items()}
        shown[receipt["id"]] = body


def _promised(name: str, value: Any) -> Any:
    """What an entity shows of a member that was sent. A reference to a spec has two members; others may be dropped."""
    if name not in ("connectionSpec", "flowSpec") or not isinstance(value, dict):
        return value
    return {member: inner for member, inner in value.items() if member in ("id", "version")}


def _patched(
    written: Mapping[Pointer, tuple[Any, Any]], body: Any, shown: Mapping[str, Any] | None
) -> dict[Pointer, tuple[Any, Any]]:
    """What an entity shows after a patch, as far as that is certain."""
    found = dict(written)
    for step in body if isinstance(body, list) else [body]:
        operation, path = (str(step.get("op")).lower(), step.get("path")) if isinstance(step, dict) else ("", None)
        steps = path.removeprefix("/").split("/") if isinstance(path, str) else ()
        pointer = tuple(step.replace("~1", "/").replace("~0", "~") for step in steps)
        value = _NONE if operation == "remove" else step.get("value", _NONE) if pointer else _NONE
        if pointer and operation != "replace" and (pointer[-1].isdigit() or pointer[-1] == "-"):  # a list grows
            pointer, value = pointer[:-1], _CHANGED
        overlap = [one for one in found if one[: len(pointer)] == pointer[: len(one)]]
        twice = value is _CHANGED and any(found[one][0] is _CHANGED for one in overlap)
        found = {one: wanted for one, wanted in found.items() if one not in overlap}
        if not pointer or operation not in ("add", "replace", "remove") or twice:
            continue
        before = _UNKNOWN if shown is None else _at(shown, pointer)
        if value is not _CHANGED or isinstance(before, list):
            found[pointer] = value, before
    return found


def _at(item: Any, pointer: Pointer) -> Any:
    """The value at a place, which is not known where it would be inside neither an object nor a list."""
    found = item
    for name in pointer:
        if isinstance(found, list) and name.isdigit() and int(name) < len(found):
            found = found[int(name)]
        else:
            found = found.get(name, _NONE) if isinstance(found, dict) else _UNKNOWN
    return found
