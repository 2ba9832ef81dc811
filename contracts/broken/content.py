"""Faulty servers with wrong content of runs, tables and specs."""

from __future__ import annotations

from contracts.broken import Asked, GivenAnswer, Item, Right, broken
from contracts.broken.across_calls import without_filters


def _of_runs(asked: Asked, given: GivenAnswer) -> bool:
    return asked.kind == "runs" and asked.method == "GET" and bool(given.items)


@broken("run.as-asked")
def loses_the_params_of_runs(asked: Asked, right: Right) -> GivenAnswer:
    """A run shows no params."""
    given = right(asked)
    return given.showing(lambda run: {**run, "params": {}}) if _of_runs(asked, given) else given


@broken("run.as-asked")
def names_another_spec_in_runs(asked: Asked, right: Right) -> GivenAnswer:
    """A run has another flow spec than its flow."""
    given = right(asked)
    spec = {"id": "9753525b-82c7-4dce-8a9b-5ccfce2b9876", "version": "1.0"}
    return given.showing(lambda run: {**run, "flowSpec": spec}) if _of_runs(asked, given) else given


@broken("run.told-by-its-flow")
def tells_one_last_run_for_all(asked: Asked, right: Right) -> GivenAnswer:
    """Every flow shows the last run of the first flow."""
    given = right(asked)

    def shown(flow: Item) -> Item:
        if "lastRunDetails" not in flow:
            return flow
        return {**flow, "lastRunDetails": right.memory.setdefault("first", flow["lastRunDetails"])}

    return given.showing(shown) if asked.kind == "flows" else given


@broken("run.told-by-its-flow")
def leads_to_all_runs(asked: Asked, right: Right) -> GivenAnswer:
    """A flow's member runs leads to the runs of all flows."""
    given = right(asked)
    return given.showing(lambda flow: {**flow, "runs": "/runs"} if "runs" in flow else flow)


@broken("run.filtered")
def ignores_filters_by_status(asked: Asked, right: Right) -> GivenAnswer:
    """Ignores a filter on the status of runs."""
    return right(without_filters(asked, r"metrics\.statusSummary"))


@broken("run.of-its-sandbox")
def lists_runs_of_all_sandboxes(asked: Asked, right: Right) -> GivenAnswer:
    """Lists the runs of all sandboxes."""
    if asked.kind == "runs" and asked.creates:
        right.memory["own"] = asked.headers.get("x-sandbox-name", "")
    own = right.memory.get("own") if "x-sandbox-name" in asked.headers else None
    return right(asked.having(x_sandbox_name=own) if own and asked.kind == "runs" and asked.lists else asked)


@broken("run.outlives-its-flow")
def runs_go_with_their_flow(asked: Asked, right: Right) -> GivenAnswer:
    """Runs disappear when their flow is deleted."""
    if asked.method == "DELETE" and asked.kind == "flows" and len(asked.parts) == 2:
        right.memory[asked.parts[1]] = True
    given = right(asked)
    if asked.kind != "runs" or not asked.lists or not given.items:
        return given
    return given.telling(items=[run for run in given.items if run.get("flowId") not in right.memory])


@broken("flow.kept")
def keeps_one_transformation(asked: Asked, right: Right) -> GivenAnswer:
    """Keeps only the first of several transformations."""
    given = right(asked)
    if asked.kind != "flows":
        return given
    return given.showing(lambda flow: {**flow, "transformations": flow.get("transformations", [])[:1]})


@broken("explore.each-table")
def shows_one_table_for_all(asked: Asked, right: Right) -> GivenAnswer:
    """Shows the first table for every table."""
    if asked.parts[-1:] == ["explore"] and asked.parameter("object") and right(asked).done:
        pairs = [(n, "public.customers" if n == "object" else v) for n, v in asked.parameters]
        return right(asked.asking(pairs))
    return right(asked)


@broken("explore.rows")
def repeats_the_first_row(asked: Asked, right: Right) -> GivenAnswer:
    """All rows of a preview are the first one."""
    given = right(asked)
    rows = given.json.get("data") if isinstance(given.json, dict) else None
    return given.telling(data=rows[:1] * len(rows)) if rows and asked.parts[-1:] == ["explore"] else given


@broken("explore.table")
def shows_rows_with_preview_false(asked: Asked, right: Right) -> GivenAnswer:
    """Treats preview=false as preview=true."""
    return right(asked.asking([(n, "true" if n == "preview" else v) for n, v in asked.parameters]))


@broken("explore.configs-of-a-table")
def invents_columns_in_configs(asked: Asked, right: Right) -> GivenAnswer:
    """Configs has columns that no table has."""
    given = right(asked)
    if asked.parts[-1:] != ["configs"] or asked.kind != "connections":
        return given
    return given.showing(lambda item: {**item, "columnName": f"x_{item['columnName']}"})


@broken("spec.filter-members")
def ignores_filters_by_provider(asked: Asked, right: Right) -> GivenAnswer:
    """Ignores a filter of specs on providerId."""
    return right(without_filters(asked, r"providerId|attributes"))


@broken("spec.projection")
def shows_specs_whole(asked: Asked, right: Right) -> GivenAnswer:
    """Shows all members of specs, whichever were requested."""
    if not asked.kind.endswith("Specs") or not asked.lists:
        return right(asked)
    return right(asked.asking([(n, v) for n, v in asked.parameters if n != "property" or v in asked.filters]))


@broken("spec.search")
def finds_all_flow_specs(asked: Asked, right: Right) -> GivenAnswer:
    """A search of flow specs ignores its query."""
    return right(asked.sending({}) if asked.path == "/flowSpecs/search" else asked)
