"""Faulty servers with wrong connection specs or wrong sources behind a connection."""

from __future__ import annotations

from typing import Any

from contracts.broken import Asked, GivenAnswer, Right, broken


def _below(asked: Asked, name: str) -> bool:
    return asked.method == "GET" and asked.parts[-1:] == [name] and len(asked.parts) == 3


def _specs(asked: Asked) -> bool:
    return asked.kind in ("connectionSpecs", "flowSpecs")


@broken("spec.list")
def lists_a_spec_twice(asked: Asked, right: Right) -> GivenAnswer:
    """Lists a spec once per version."""
    given = right(asked)
    if asked.lists and _specs(asked) and given.items:
        return given.telling(items=[*given.items, given.items[0]])
    return given


@broken("spec.list")
def specs_are_listed_in_short(asked: Asked, right: Right) -> GivenAnswer:
    """A list of specs omits members of a look-up."""
    given = right(asked)
    if asked.lists and asked.kind == "connectionSpecs":
        return given.showing(lambda spec: {name: spec[name] for name in spec if name != "authSpec"})
    return given


@broken("spec.list example.postgresql")
def names_specs_otherwise(asked: Asked, right: Right) -> GivenAnswer:
    """PostgreSQL has its title as name."""
    given = right(asked)
    shown = given.showing(lambda s: {**s, "name": "PostgreSQL"} if s.get("name") == "postgre-sql" else s)
    return shown if asked.kind == "connectionSpecs" and not asked.filters else given


@broken("spec.unknown")
def unknown_specs_are_empty(asked: Asked, right: Right) -> GivenAnswer:
    """An unknown spec is an empty list."""
    given = right(asked)
    return given.saying({"items": []}, 200) if _specs(asked) and given.code == "1439-404" else given


@broken("spec.filter spec.filter-wrong journey.connect-postgresql")
def specs_are_not_filtered(asked: Asked, right: Right) -> GivenAnswer:
    """Lists all specs with any filter."""
    return right(asked.filtering() if _specs(asked) else asked)


@broken("spec.filter", kinds=["connections"])
def specs_are_found_by_id_only(asked: Asked, right: Right) -> GivenAnswer:
    """Filters specs by id and ignores names."""
    return right(asked.filtering(*(t for t in asked.filters if not t.startswith("name"))) if _specs(asked) else asked)


@broken("spec.filter-wrong")
def wrong_spec_filters_have_the_common_code(asked: Asked, right: Right) -> GivenAnswer:
    """Refuses an unknown member in a filter of specs with 1449."""
    given = right(asked)
    return given.refusing("1449-400") if given.code == "1423-400" else given


@broken("spec.auth-specs")
def auth_specs_hide_nothing(asked: Asked, right: Right) -> GivenAnswer:
    """No param has the format `password`."""

    def change(spec: dict[str, Any]) -> dict[str, Any]:
        for auth in spec.get("authSpec", []):
            for schema in auth["spec"].get("properties", {}).values():
                schema.pop("format", None)
        return spec

    given = right(asked)
    return given.showing(change) if asked.kind == "connectionSpecs" else given


@broken("spec.auth-specs")
def auth_specs_demand_nothing(asked: Asked, right: Right) -> GivenAnswer:
    """No param is required."""

    def change(spec: dict[str, Any]) -> dict[str, Any]:
        for auth in spec.get("authSpec", []):
            auth["spec"]["required"] = []
        return spec

    given = right(asked)
    return given.showing(change) if asked.kind == "connectionSpecs" else given


@broken("explore.test journey.connect-postgresql secret.mask-comes-back")
def test_is_never_true(asked: Asked, right: Right) -> GivenAnswer:
    """Valid credentials fail the test."""
    given = right(asked)
    return given.saying({"result": False}) if _below(asked, "test") and given.done else given


@broken("explore.test-fails")
def test_is_always_true(asked: Asked, right: Right) -> GivenAnswer:
    """Every connection passes the test."""
    given = right(asked)
    return given.saying({"result": True}) if _below(asked, "test") and given.done else given


@broken("explore.test")
def test_is_text(asked: Asked, right: Right) -> GivenAnswer:
    """The result of a test is a text."""
    given = right(asked)
    return (
        given.saying({"result": str(given.json["result"]).lower()}) if _below(asked, "test") and given.done else given
    )


@broken("explore.root explore.table", by_way_of="explore.root")
def root_is_wrapped(asked: Asked, right: Right) -> GivenAnswer:
    """The root is wrapped in `items`."""
    given = right(asked)
    return given.saying({"items": given.json}) if _below(asked, "explore") and isinstance(given.json, list) else given


@broken("explore.root")
def object_types_have_case(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts `root` and refuses `ROOT`."""
    kind = asked.parameter("objectType") or ""
    return right(asked.asking([("objectType", "shelf")]) if kind != kind.lower() else asked)


@broken("explore.root")
def root_entries_are_bare(asked: Asked, right: Right) -> GivenAnswer:
    """Tables lack canPreview."""
    given = right(asked)
    if _below(asked, "explore") and isinstance(given.json, list):
        kept = ("type", "name", "path")
        return given.saying([{name: entry[name] for name in kept} for entry in given.json])
    return given


def _table(asked: Asked, given: GivenAnswer) -> dict[str, Any]:
    body = given.json
    return body if _below(asked, "explore") and given.done and isinstance(body, dict) else {}


@broken("explore.table")
def table_without_format(asked: Asked, right: Right) -> GivenAnswer:
    """A table lacks its format."""
    given = right(asked)
    table = _table(asked, given)
    return given.saying({name: table[name] for name in table if name != "format"}) if table else given


@broken("explore.table")
def table_with_rows_unasked(asked: Asked, right: Right) -> GivenAnswer:
    """A table always has rows."""
    explores = _below(asked, "explore") and asked.parameter("object")
    return right(asked.asking([*asked.not_asking("preview").parameters, ("preview", "true")]) if explores else asked)


@broken("explore.preview journey.connect-postgresql")
def preview_without_rows(asked: Asked, right: Right) -> GivenAnswer:
    """A preview has no rows."""
    return right(asked.not_asking("preview"))


@broken("explore.preview")
def preview_is_the_whole_table(asked: Asked, right: Right) -> GivenAnswer:
    """A preview has all rows."""
    given = right(asked)
    table = _table(asked, given)
    return given.saying({**table, "data": table["data"] * 3}) if "data" in table else given


@broken("explore.preview journey.connect-postgresql")
def preview_of_other_columns(asked: Asked, right: Right) -> GivenAnswer:
    """Rows have members that are not columns."""
    given = right(asked)
    table = _table(asked, given)
    return given.saying({**table, "data": [{**row, "_row": 1} for row in table["data"]]}) if "data" in table else given


@broken("explore.unknown-table")
def unknown_tables_are_empty(asked: Asked, right: Right) -> GivenAnswer:
    """An unknown table has no columns."""
    given = right(asked)
    if _below(asked, "explore") and asked.parameter("object") and given.status in (400, 404):
        return given.saying({"format": "flat", "schema": {"columns": []}}, 200)
    return given


@broken("explore.wrong")
def object_type_is_root_by_default(asked: Asked, right: Right) -> GivenAnswer:
    """A missing or unknown objectType returns the root."""
    known = (asked.parameter("objectType") or "").lower() in ("root", "table")
    return right(asked if known or not _below(asked, "explore") else asked.asking([("objectType", "root")]))


@broken("explore.unknown-connection tenant.below")
def nothing_to_explore_is_empty(asked: Asked, right: Right) -> GivenAnswer:
    """An unknown connection has an empty source."""
    given = right(asked)
    return given.saying([], 200) if _below(asked, "explore") and given.status == 404 else given


@broken("explore.configs")
def configs_without_types(asked: Asked, right: Right) -> GivenAnswer:
    """The columns of configs are only names."""
    given = right(asked)
    of_tables = _below(asked, "configs") and asked.kind == "connections"
    return given.showing(lambda c: {"columnName": c.get("columnName")}) if of_tables else given


@broken("example.connections lookup.unknown", by_way_of="lookup.unknown")
def report_without_the_kind(asked: Asked, right: Right) -> GivenAnswer:
    """A 404 does not name the kind of entity."""
    given = right(asked)
    if given.code == "1439-404":
        report = {name: value for name, value in given.json["report"].items() if name not in ("type", "id")}
        return given.telling(report=report)
    return given
