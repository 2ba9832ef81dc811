"""Checks of connection specs and flow specs: read-only, unpaged, filterable."""

from __future__ import annotations

from typing import Any

from contracts.findings.verdicts import among, expect, same, untestable
from contracts.registry import check
from contracts.stage import Stage, filters
from contracts.stage.expectations import NOWHERE, ids, projected, refused, succeeded
from contracts.stage.kinds import POSTGRESQL

MAX_LOOKUPS = 200
"""Maximum specs to look up one by one; of a longer list every tenth is looked up."""
SPECS = ("listConnectionSpecs", "retrieveConnectionSpec")


@check("spec.list", writes=False, operations=SPECS)
def specs_are_listed(stage: Stage) -> None:
    """Specs are listed without pages, each id once, including PostgreSQL; a look-up shows the same."""
    for path in _collections(stage):
        items = succeeded(stage.call("GET", path))["items"]
        expect(items, f"{path} is empty")
        expect(len(set(ids(items))) == len(items), f"{path} shows an id twice")
        every = 1 if len(items) <= MAX_LOOKUPS else 10
        for item in [*items[::every], *(item for item in items if item.get("id") == POSTGRESQL)]:
            looked_up = succeeded(stage.call("GET", f"{path}/{item['id']}"))["items"]
            same([item], looked_up, f"spec {item['id']} in the list")
    same(succeeded(stage.call("GET", f"/connectionSpecs/{POSTGRESQL}"))["items"][0]["name"], "postgre-sql", "name")


@check("spec.unknown", writes=False, operations=SPECS)
def unknown_specs(stage: Stage) -> None:
    """An unknown spec id gets 1439."""
    for path in _collections(stage):
        body = refused(stage.call("GET", f"{path}/{NOWHERE}"), 404, "1439-404")
        same(body["report"].get("type"), path.strip("/"), "report.type", "report.type")


@check("spec.filter", writes=False, operations=SPECS)
def specs_are_filtered(stage: Stage) -> None:
    """Specs are filtered by id and name, quoted or not; an unknown value finds nothing."""
    for path in _collections(stage):
        first = succeeded(stage.call("GET", path))["items"][0]
        for text in (f"id=={first['id']}", f'id=="{first["id"]}"', f'name=="{first["name"]}"'):
            found = succeeded(stage.call("GET", f"{path}?{filters(text)}"))["items"]
            expect(first["id"] in ids(found), f"{path}?property={text} does not find {first['id']}")
            expect(all(i["id"] == first["id"] or i["name"] == first["name"] for i in found), f"{text} finds others")
        same(succeeded(stage.call("GET", f"{path}?{filters('name==nobody')}"))["items"], [], "specs named nobody")


@check("spec.filter-members", writes=False, operations=SPECS)
def specs_are_filtered_by_their_provider_and_attributes(stage: Stage) -> None:
    """Filters of Adobe's guide and several ids find specs as the whole list shows them."""
    for path in _collections(stage):
        items = succeeded(stage.call("GET", path))["items"]
        chosen = [items[0], items[len(items) // 2], items[-1]]
        several = filters("id==" + ",".join(dict.fromkeys(ids(chosen))))
        found = succeeded(stage.call("GET", f"{path}?{several}"))["items"]
        same(sorted(ids(found)), sorted(set(ids(chosen))), f"{path} with several ids")
        expect(all(item in items for item in found), f"{path}?{several} shows something else than the whole list")
        members = ["providerId", *(["attributes.category"] if path == "/connectionSpecs" else [])]
        for member in members:
            value = next((shown for item in items if isinstance(shown := _at(item, member), str)), None)
            expected = [item["id"] for item in items if _at(item, member) == value]
            if value is not None:
                text = filters(f'{member}=="{value}"')
                found = succeeded(stage.call("GET", f"{path}?{text}"))["items"]
                same(sorted(ids(found)), sorted(expected), f"{path} with {member}=={value}")
            found = succeeded(stage.call("GET", f"{path}?{filters(member + '==nobody')}"))["items"]
            same(found, [], f"{path} with {member}==nobody")


@check("spec.projection", writes=False, operations=SPECS)
def only_the_members_of_specs_that_were_asked_for(stage: Stage) -> None:
    """`property=id,name` returns only these members."""
    for path in _collections(stage):
        items = succeeded(stage.call("GET", path))["items"]
        short = succeeded(stage.call("GET", f"{path}?property=id,name"))["items"]
        expected = [{"id": item["id"], "name": item["name"]} for item in items]
        whole = dict.fromkeys(set(items[0]).intersection(*items[1:])) if items else {}
        projected(short, expected, whole, f"{path} with property=id,name")


@check("spec.search", writes=False, operations=("searchFlowSpecs",))
def a_search_of_flow_specs_is_their_list(stage: Stage) -> None:
    """A search without query returns all flow specs, with a query those that match."""
    items = succeeded(stage.call("GET", "/flowSpecs"))["items"]
    target = "/flowSpecs/search"
    found = succeeded(stage.call("POST", target, {}))["items"]
    same({item["id"]: item for item in found}, {item["id"]: item for item in items}, "flow specs of a search")
    for text, expected in ((f"id=={items[0]['id']}", items[:1]), ("name==nobody", [])):
        found = succeeded(stage.call("POST", target, {"queryString": f"property={text}"}))["items"]
        same(found, expected, f"flow specs found by {text}")


@check("spec.filter-wrong", writes=False, operations=("listConnectionSpecs",))
def other_members_cannot_be_filtered(stage: Stage) -> None:
    """Filtering connection specs by an unknown member gets 1423."""
    refused(stage.call("GET", "/connectionSpecs?" + filters("colour==blue")), 400, "1423-400", rule="filter.wrong")


@check("spec.auth-specs", writes=False, operations=SPECS)
def auth_specs_say_what_is_secret(stage: Stage) -> None:
    """Each auth spec has a name and a schema that marks secrets by the format `password`."""
    described = succeeded(stage.call("GET", f"/connectionSpecs/{POSTGRESQL}"))["items"][0]
    by_name = {spec["name"]: spec["spec"] for spec in described["authSpec"]}
    among("Basic Authentication", by_name, "names in authSpec of PostgreSQL")
    members = by_name["Basic Authentication"]["properties"]
    same(members["password"].get("format"), "password", "format of password")
    secret = [name for name, schema in members.items() if schema.get("format") == "password"]
    same(secret, ["password"], "secret params of Basic Authentication")
    required = sorted(by_name["Basic Authentication"]["required"])
    same(required, ["database", "password", "port", "server", "username"], "required params")


def _at(item: dict[str, Any], member: str) -> Any:
    """The value at a path of members."""
    found: Any = item
    for step in member.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return found


def _collections(stage: Stage) -> list[str]:
    found = [path for path in ("/connectionSpecs", "/flowSpecs") if stage.document.operation("GET", path)]
    return found or untestable("the contract has no specs")
