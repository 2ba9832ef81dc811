"""Faulty servers whose filters find too much or too little."""

from __future__ import annotations

import re
from dataclasses import replace

from contracts.broken import Asked, GivenAnswer, Right, broken

_CONDITION = re.compile(r"([^=<>!~]+)(==|=|!=|<=|>=|<|>)(.*)")


def _split(text: str) -> tuple[str, str, str]:
    match = _CONDITION.fullmatch(text)
    return (match[1], match[2], match[3]) if match else (text, "", "")


@broken(
    "filter.equality filter.conjunction filter.wrong list.paging tenant.list list.meets-filters",
    kinds=["connections", "flows"],
)
def filters_ignored(asked: Asked, right: Right) -> GivenAnswer:
    """Ignores filters."""
    return right(asked.filtering() if asked.lists else asked)


@broken("filter.equality", kinds=["connections", "sourceConnections"])
def not_equal_is_equal(asked: Asked, right: Right) -> GivenAnswer:
    """`!=` finds what `==` finds."""
    return right(asked.filtering(*(text.replace("!=", "==") for text in asked.filters)) if asked.filters else asked)


@broken("filter.equality list.paging list.whole")
def first_value_only(asked: Asked, right: Right) -> GivenAnswer:
    """Applies only the first of several values."""
    return right(asked.filtering(*(text.partition(",")[0] for text in asked.filters)) if asked.filters else asked)


@broken("filter.equality filter.encoded")
def quotes_are_part_of_values(asked: Asked, right: Right) -> GivenAnswer:
    """Compares values including their quotes."""
    return right(asked.filtering(*(text.replace('"', "%22") for text in asked.filters)) if asked.filters else asked)


@broken("filter.equality")
def one_equals_sign_is_unknown(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts `==` and refuses `=`."""
    single = any(_split(text)[1] == "=" for text in asked.filters)
    return right(asked.filtering("name~x") if single else asked)


@broken("filter.equality")
def names_without_case(asked: Asked, right: Right) -> GivenAnswer:
    """Compares names case-insensitively."""
    return right(asked.filtering(*(text.lower() if _split(text)[0] == "name" else text for text in asked.filters)))


@broken("filter.whole-values", kinds=["connections", "flows"])
def equal_is_begins_with(asked: Asked, right: Right) -> GivenAnswer:
    """`==` finds values with this prefix."""
    names = [_split(text)[2].strip('"') for text in asked.filters if _split(text)[:2] == ("name", "==")]
    if asked.lists and names:
        found = [item for item in right.everything(asked) if str(item.get("name")).startswith(names[0])]
        return right(asked).telling(items=found, _links={})
    return right(asked)


@broken("filter.conjunction", kinds=["connections", "flows"])
def last_filter_only(asked: Asked, right: Right) -> GivenAnswer:
    """Applies only the last of repeated filters."""
    return right(asked.filtering(*asked.filters[-1:]) if len(asked.filters) > 1 else asked)


@broken("filter.conjunction")
def any_filter_is_enough(asked: Asked, right: Right) -> GivenAnswer:
    """One of repeated filters is enough."""
    if asked.lists and len(asked.filters) > 1:
        found = {i["id"]: i for text in asked.filters for i in right(asked.filtering(text)).items}
        return right(asked).telling(items=list(found.values()), _links={})
    return right(asked)


@broken("filter.times", kinds=["connections", "flows"])
def times_compare_as_text(asked: Asked, right: Right) -> GivenAnswer:
    """Compares times as text, so `99` is later than any time."""
    texts = [re.sub(r"^(createdAt[<>=]+)(\d{1,12})$", lambda m: m[1] + m[2].ljust(13, "0"), t) for t in asked.filters]
    return right(asked.filtering(*texts) if asked.filters else asked)


@broken("filter.times")
def up_to_is_below(asked: Asked, right: Right) -> GivenAnswer:
    """`<=` excludes the limit itself."""
    texts = [text.replace("<=", "<") if text.startswith("createdAt") else text for text in asked.filters]
    return right(asked.filtering(*texts) if asked.filters else asked)


@broken("filter.state", kinds=["connections", "flows"])
def states_have_case(asked: Asked, right: Right) -> GivenAnswer:
    """Finds `enabled` and not `ENABLED`."""
    odd = any(text.startswith("state") and text != text.lower() for text in asked.filters)
    return right(asked.filtering("name==nobody") if odd else asked)


@broken("filter.after-write", kinds=["connections", "sourceConnections"])
def filters_see_the_first_name(asked: Asked, right: Right) -> GivenAnswer:
    """Filters use an index that patches do not update."""
    if asked.creates:
        given = right(asked)
        right.memory[f"name=={asked.object.get('name')}"] = given.receipt.get("id", "")
        return given
    return right(asked.filtering(*(f"id=={right.memory[t]}" if t in right.memory else t for t in asked.filters)))


@broken("filter.encoded")
def filters_are_not_decoded(asked: Asked, right: Right) -> GivenAnswer:
    """Parses the operator before decoding."""
    encoded = "property=" in asked.query and "%3D" in asked.query
    return right(replace(asked, query="property=name==nobody") if encoded else asked)


@broken("filter.wrong spec.filter-wrong")
def wrong_filters_find_nothing(asked: Asked, right: Right) -> GivenAnswer:
    """An invalid filter finds nothing."""
    given = right(asked)
    wrong = asked.lists and asked.filters and given.status == 400 and given.code.startswith(("144", "145", "1423"))
    return given.saying({"items": [], "_links": {}}, 200) if wrong else given


@broken("list.count")
def counts_in_small_letters_only(asked: Asked, right: Right) -> GivenAnswer:
    """`count=True` gets an empty list."""
    given = right(asked)
    return given.saying({"items": [], "_links": {}}, 200) if asked.query.startswith("count=True") else given


@broken("filter.wrong")
def one_code_for_wrong_filters(asked: Asked, right: Right) -> GivenAnswer:
    """Every invalid filter is 1453."""
    given = right(asked)
    return given.refusing("1453-400") if given.code.startswith(("144", "145")) else given


@broken("filter.counted list.count list.search")
def counts_the_first_page(asked: Asked, right: Right) -> GivenAnswer:
    """A count with conditions is at most one."""
    given = right(asked)
    body = given.json
    if isinstance(body, dict) and set(body) == {"count"}:
        return given.telling(count=min(body["count"], 1))
    return given
