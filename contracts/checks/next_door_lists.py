"""Checks of the lists of neighbouring services: pages, order and links, and the registry's statistics."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from contracts.checks.next_door import CATALOG, EVER, LIST, PERSON, PROFILE, RAW, REGISTRY, schema
from contracts.findings.verdicts import expect, same
from contracts.registry import Watch, check, observe
from contracts.stage import Stage, filters
from contracts.stage.expectations import succeeded
from contracts.wire import Answer

_STATS = ("createXdmResource", "retrieveRegistryStats")
_RECENT = ("recentlyCreatedResources", "recentlyUpdatedResources")


@observe("next-door.page")
def a_page_counts_its_items(watch: Watch, answer: Answer) -> str | None:
    """`_page` has the limit that was asked for, and counts the items unless others are on other pages."""
    if answer.status != 200 or not answer.sent.target.startswith("/data/"):
        return None
    body = answer.json
    page = body.get("_page") if isinstance(body, dict) else None
    if not isinstance(page, dict):
        return None
    (length,) = [len(value) for value in body.values() if isinstance(value, list)]
    asked = parse_qs(urlsplit(answer.sent.target).query)
    limit = page.get("limit", length)
    if limit != int(asked["limit"][0]) if "limit" in asked and "limit" in page else limit < length:
        return f"{answer}, _page.limit is {limit}"
    whole = asked.keys().isdisjoint(("start", "offset")) and (length < limit or "limit" not in page)
    if page["count"] != length if whole else page["count"] < length:
        return f"{answer}, _page.count is {page['count']}, {length} items are shown"
    return None


@check("next-door.schemas-listed", operations=("createXdmResource", "listXdmResources", "retrieveXdmResource"))
def schemas_are_listed_in_the_order_asked_for(stage: Stage) -> None:
    """Two schemas are listed by title, up and down; links lead to the other container."""
    with schema(stage) as one, schema(stage) as other:
        made = {entity["title"]: entity["$id"] for entity in (one, other)}
        for sign in ("", "-"):
            body = _listed(stage, f"tenant/schemas?orderby={sign}title", "global")
            found = [shown["$id"] for shown in body["results"] if shown["$id"] in made.values()]
            same(found, [made[title] for title in sorted(made, reverse=bool(sign))], f"schemas by {sign}title")
            same(body["_page"]["orderby"], "title", "_page.orderby")
    for shown in _listed(stage, "global/classes", "tenant")["results"]:
        path = f"{REGISTRY}/global/classes/{shown['meta:altId']}"
        same(succeeded(stage.call("GET", path, headers=RAW)), shown, "a class looked up and listed")


@check("next-door.stats", operations=_STATS)
def the_statistics_name_a_new_schema(stage: Stage) -> None:
    """A new schema is counted, among the recent resources, and in the usage of its class."""
    before = succeeded(stage.call("GET", f"{REGISTRY}/stats"))
    for name in (*_RECENT, "classUsage"):
        expect(isinstance(before[name], list), f"{name} is no list")
    with schema(stage, PERSON) as made:
        stats = succeeded(stage.call("GET", f"{REGISTRY}/stats"))
        expect(stats["counts"]["schemas"] > before["counts"]["schemas"], "a new schema is not counted")
        expect(made["$id"].startswith(f"https://ns.adobe.com/{stats['tenantId']}/"), "an $id without the tenantId")
        expected = {name: made[name] for name in ("$id", "meta:altId", "version", "title")}
        for name in _RECENT:
            found = [{key: one.get(key) for key in expected} for one in stats[name] if one["$id"] == made["$id"]]
            same(found, [expected], f"the new schema in {name}")
        (usage,) = [one for one in stats["classUsage"] if one["$id"] == PROFILE]
        same(usage["numberOfSchemas"], len(usage["schemas"]), "numberOfSchemas")
        titles = {one["$id"]: one["title"] for one in usage["schemas"]}
        same(titles.get(made["$id"]), made["title"], "title of the new schema in the usage of its class")


@check("next-door.batches-limited", lasting=True, operations=("listBatches", "createFlowRun"))
def a_list_of_batches_is_as_long_as_asked_for(stage: Stage) -> None:
    """Of the batches of completed runs, as many are listed as `limit` says."""
    flow = stage.make("flows")
    for _ in range(3):
        succeeded(stage.call("POST", "/runs", {"flowId": flow.id, "params": EVER}), 201)
    runs = stage.listed("/runs?" + filters(f"flowId=={flow.id}"))
    completed = sum(run["metrics"]["statusSummary"]["status"] == "success" for run in runs)
    for limit in (1, 2, 3):
        found = len(succeeded(stage.call("GET", f"{CATALOG}/batches?limit={limit}")))
        expect(
            min(completed, limit) <= found <= limit, f"{found} batches with limit={limit}, {completed} runs succeeded"
        )


def _listed(stage: Stage, target: str, other: str) -> dict[str, Any]:
    """A list of the registry; expects its link to the same kind of resource in the other container."""
    body = dict(succeeded(stage.call("GET", f"{REGISTRY}/{target}", headers=LIST)))
    kind = target.partition("?")[0].rpartition("/")[2]
    href = body["_links"][f"{other}_{kind}"]["href"]
    expect(href.endswith(f"{REGISTRY}/{other}/{kind}"), f"the link {other}_{kind} leads to {href}")
    same(body["_links"]["next"], body["_page"]["next"], "_links.next against _page.next")
    return body
