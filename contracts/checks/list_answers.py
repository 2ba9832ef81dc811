"""Observers of lists and counts: each response is compared with its own request, and with what the run has created.

A server that ignores filters fails nearly every check, because checks look for their own entities by filters. Here the
cause is seen in the answer itself, so that it is one finding.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any, TypeAlias

from contracts.findings.causes import ABSENT, EMPTY_LIST, IGNORED, LIFE, LIST, LISTED, Fault, of_kind
from contracts.registry import Watch, observe
from contracts.stage.entities import Entities, Texts
from contracts.stage.ledger import MARK
from contracts.stage.questions import MAX_LIMIT, Question, parameters_of, question_of
from contracts.wire import Answer

Asked: TypeAlias = tuple[Question, list[dict[str, Any]], Mapping[str, Texts | None]]


def _items(answer: Answer) -> list[dict[str, Any]] | None:
    items = answer.json.get("items") if answer.status == 200 and isinstance(answer.json, dict) else None
    fine = isinstance(items, list) and all(isinstance(item, dict) and isinstance(item.get("id"), str) for item in items)
    return items if fine else None


def _asked(watch: Watch, answer: Answer) -> Asked | None:
    """The question of a list, its items with the texts that the run gave them, and what the run has made.

    Read once for all observers.
    """
    last = watch.memory.setdefault("asked", {})
    if last.get("answer") is not answer:
        last.update(answer=answer, asked=_read(watch, answer))
    asked: Asked | None = last["asked"]
    return asked


def _read(watch: Watch, answer: Answer) -> Asked | None:
    question, items = question_of(answer.sent), _items(answer)
    if question is None or items is None or question.counts:
        return None
    known = watch.entities.of(answer.sent, question.kind)
    return question, [_as_given(item, known) for item in items], known


def _as_given(item: dict[str, Any], known: Mapping[str, Texts | None]) -> dict[str, Any]:
    """An item with the texts that the run gave it; without texts if they are not certain."""
    texts = known.get(item["id"].lower(), {})
    return {**item, **texts} if texts is not None else {**item, "name": None, "description": None}


def _fault(message: str, cause: str) -> Fault:
    return Fault(message, LISTED + cause, reach=LIST)


@observe("list.meets-filters", by_id=True)
def every_entity_meets_the_filters(watch: Watch, answer: Answer) -> Fault | None:
    """Every entity in a list meets the filters of its request."""
    asked = _asked(watch, answer)
    if asked is None:
        return None
    for item in asked[1]:
        for condition in asked[0].conditions or ():
            if condition.meets(item) is False:
                filtered = f"{condition.member} {'==' if condition.is_equal else '!='} {', '.join(condition.values)}"
                fault = _fault(f"{answer} with an entity that does not meet the filter {filtered}", "filter")
                cause = of_kind(condition.kind(item)) or fault.cause
                return fault._replace(cause=cause, members=frozenset({condition.member.partition(".")[0]}))
    return None


@observe("list.keeps-order", by_id=True)
def entities_are_in_the_order_asked_for(watch: Watch, answer: Answer) -> Fault | None:
    """Entities of this run are in the order that `orderby` names; without one, the last written comes first."""
    asked = _asked(watch, answer)
    if asked is None or (not asked[0].order and asked[0].token):  # a token remembers an order that is not known here
        return None
    question, items, known = asked
    order = question.order or (("updatedAt", True),)
    mine = [item for item in items if known.get(item["id"].lower()) is not None]
    for one, other in itertools.pairwise(mine):
        for member, descending in order:
            values: list[Any] = [one.get(member), other.get(member)]
            if [type(value) for value in values] not in ([str, str], [int, int]):
                break
            if values[0] != values[1] or isinstance(values[0], int):  # equal times may be rounded ones
                if values[0] != values[1] and (values[0] > values[1]) is not descending:
                    asked_for = "asked for" if question.order else "of all lists"
                    fault = _fault(f"{answer} is not in the order {asked_for}, by {member}", "order")
                    return fault._replace(members=frozenset({member}))
                break
    return None


@observe("list.keeps-limit")
def a_page_has_no_more_than_asked_for(watch: Watch, answer: Answer) -> Fault | None:
    """A page has at most the entities that `limit` names, and in a list never more than a hundred."""
    asked = _asked(watch, answer)
    free = answer.sent.method == "POST" and "limit" not in parameters_of(answer.sent)  # a search has another default
    if asked is None or asked[0].kind.endswith("Specs") or asked[0].token or free:
        return None
    most = min(asked[0].limit, MAX_LIMIT) if answer.sent.method == "GET" else asked[0].limit
    number = len(asked[1])
    return _fault(f"{answer} with {number} entities, expected at most {most}", "limit") if number > most else None


@observe("list.pages-apart", by_id=True)
def no_page_repeats_an_earlier_one(watch: Watch, answer: Answer) -> Fault | None:
    """No page repeats an entity of the pages before it."""
    question, items = question_of(answer.sent), _items(answer)
    if question is None or items is None:
        return None
    before = watch.memory.setdefault("pages", {}).get(question.token, frozenset()) if question.token else frozenset()
    found = [item["id"] for item in items]
    following = _following(answer)
    if following:
        watch.memory["pages"][following] = before | set(found)
    repeated = before & set(found) or len(set(found)) < len(found)
    return _fault(f"{answer} with an entity that was listed before", "pages") if repeated else None


def _following(answer: Answer) -> str:
    """The token of the next page; empty if there is none."""
    link = answer.json.get("_links") or {}
    href = str((link.get("next") or {}).get("href") or "")
    _, found, token = href.partition("continuationToken=")
    return token.partition("&")[0] if found else ""


@observe("list.whole", by_id=True)
def what_the_run_made_is_listed_and_counted(watch: Watch, answer: Answer) -> Fault | None:
    """A list or count of entities named by this run has all of them, and no others."""
    question = question_of(answer.sent)
    if question is None or answer.status != 200 or not isinstance(answer.json, dict):
        return None
    if question.counts and not {"count", "items"}.isdisjoint(answer.json) and set(answer.json) != {"count"}:
        return _fault(f"{answer} with {', '.join(answer.json)}, expected a count alone", "count")
    return _departing(watch, answer, question)


def _departing(watch: Watch, answer: Answer, question: Question) -> Fault | None:
    known = watch.entities.of(answer.sent, question.kind)
    chains = watch.memory.setdefault("chains", {})
    if question.token:
        expected, alone, seen = chains.get(question.token, (None, False, []))
    else:
        expected, alone, seen = question.selected(known), _names_ours_alone(question, watch.entities), []
    if expected is None:
        return None
    unsure = {entity_id for entity_id, texts in known.items() if texts is None}
    if question.counts:
        number = answer.json.get("count")
        wrong = isinstance(number, int) and (number < len(expected) or (alone and number > len(expected | unsure)))
        fault = _fault(f"{answer} counts {number}, expected {len(expected)}", "count")
        deleted = question.selected(watch.entities.gone(answer.sent, question.kind)) or frozenset()
        fault = _of_absent(fault) if deleted and number == len(expected | deleted) else fault
        return fault if wrong else None
    items = _items(answer)
    if items is None:
        return None
    found = [*seen, *(item["id"].lower() for item in items)]
    apart = {name for item in items for name in watch.entities.borders(answer.sent, item["id"])}
    if apart:
        message = f"{answer} lists an entity of another tenant, which was made with another {min(apart)}"
        return Fault(message, IGNORED + min(apart), reach=LIFE)
    if answer.json.get("_links", True):  # not the last page; a link that cannot be read is the fault of others
        chains[_following(answer)] = expected, alone, found
        return None
    if alone and (strangers := set(found) - expected - unsure):
        if strangers <= watch.entities.gone(answer.sent, question.kind).keys():
            return _of_absent(_fault(f"{answer} lists an entity that was deleted", ""))
        return _fault(f"{answer} lists an entity that nobody has created here", "strangers")
    lost = (expected & known.keys()) - set(found)
    if not lost:
        return None
    fault = _fault(f"{answer} lacks {len(lost)} of {len(expected)} entities that this run has made", "lost")
    return fault if found else fault._replace(cause=EMPTY_LIST)


def _of_absent(fault: Fault) -> Fault:
    """The fault of a list with an entity that was deleted."""
    return fault._replace(cause=ABSENT, reach=LIFE)


def _names_ours_alone(question: Question, entities: Entities) -> bool:
    """Whether a filter names ids or texts that only this run uses, so that no entity of others meets it."""
    return any(
        one.is_equal and all(value.lower() in entities.ever or value.startswith(MARK) for value in one.values)
        for one in question.conditions or ()
        if one.member in ("id", "name")
    )
