"""Journeys of the connection tutorials: connect a database, explore it, change credentials, delete, draft."""

from __future__ import annotations

from contracts.findings.verdicts import among, expect, same
from contracts.registry import check
from contracts.stage import Stage, filters
from contracts.stage.expectations import deletion, ids, located, receipt, refused, succeeded
from contracts.stage.kinds import POSTGRESQL, basic_params


@check("journey.connect-postgresql", operations=("createConnection",))
def connect_postgresql(stage: Stage) -> None:
    """Follow the PostgreSQL page and the explore tutorial, from the connection spec to the first rows."""
    # Find the connector by its name, and see what credentials it takes.
    found = succeeded(stage.call("GET", "/connectionSpecs?" + filters('name=="postgre-sql"')))["items"]
    same(ids(found), [POSTGRESQL], "connection specs named postgre-sql")
    among("Basic Authentication", [auth["name"] for auth in found[0]["authSpec"]], "names in authSpec")

    # Create the base connection.
    made = stage.make("connections", connectionSpec={"id": found[0]["id"], "version": found[0]["version"]})
    place, expected = located(made.answer), f"{stage.transport.base_url}{made.path}"
    expect(place == expected, f"Location: expected {expected}, got {place}", "place of Location")

    # Read it back, try it, look at its tables, then at one of them.
    same(stage.read(made)["state"], "enabled", "state")
    same(succeeded(stage.call("GET", f"{made.path}/test")), {"result": True}, "test")
    tables = succeeded(stage.call("GET", f"{made.path}/explore?objectType=root"))
    expect(tables, "nothing to explore")
    target = f"{made.path}/explore?objectType=table&object={tables[0]['path']}"
    columns = succeeded(stage.call("GET", target))["schema"]["columns"]
    rows = succeeded(stage.call("GET", f"{target}&preview=true"))["data"]
    expect(rows and set(rows[0]) <= {column["name"] for column in columns}, "the preview does not fit the columns")


@check("journey.change-credentials", operations=("patchConnection",))
def change_credentials(stage: Stage) -> None:
    """Follow the update tutorial: read, patch with the etag, read. A second client with the old etag gets 412."""
    made = stage.make("connections")
    mine, theirs = stage.read(made), stage.read(made)

    # Adobe's own client sends the etag of the lookup verbatim, and spells the operation `Replace`.
    params = {**basic_params(stage.canary), "username": "writer"}
    change = [{"op": "Replace", "path": "/auth/params", "value": params}]
    done = receipt(stage.call("PATCH", made.path, change, headers={"If-Match": mine["etag"]}))

    after = stage.read(made)
    shown = {"username": after["auth"]["params"]["username"], "etag": after["etag"]}
    same(shown, {"username": "writer", "etag": done["etag"]}, "username and etag")
    expect(after["updatedAt"] >= mine["updatedAt"], "updatedAt went backwards")

    # The other client has to read again before it can write.
    rename = [{"op": "replace", "path": "/name", "value": stage.name("renamed")}]
    refused(stage.call("PATCH", made.path, rename, headers={"If-Match": theirs["etag"]}), 412, "1404-412")
    fresh = stage.read(made)
    receipt(stage.call("PATCH", made.path, rename, headers={"If-Match": fresh["etag"]}))
    same(stage.read(made)["auth"]["params"]["username"], "writer", "username after the other client's write")


@check("journey.delete", operations=("deleteConnection",))
def delete_a_connection(stage: Stage) -> None:
    """Follow the delete tutorial: delete, and look up that it is gone."""
    made = stage.make("connections")
    answer = stage.call("DELETE", made.path, headers={"Content-Type": "application/json"})
    deletion(answer)
    same(answer.body, b"", "body of a deletion")
    refused(stage.call("GET", made.path), 404, "1439-404")


@check("journey.draft", operations=("performAction",))
def finish_a_draft(stage: Stage) -> None:
    """Follow the draft tutorial: store without credentials, add them, publish, use."""
    made = receipt(stage.call("POST", "/connections?mode=draft", stage.body("connections", auth=None)), 201)
    path = f"/connections/{made['id']}"
    same(succeeded(stage.call("GET", path))["items"][0]["state"], "draft", "state")
    auth = {"specName": "Basic Authentication", "params": basic_params(stage.canary)}
    change = [{"op": "add", "path": "/auth", "value": auth}]
    receipt(stage.call("PATCH", path, change, headers={"If-Match": made["etag"]}))
    receipt(stage.call("POST", f"{path}/action?op=publish"))
    same(succeeded(stage.call("GET", path))["items"][0]["state"], "enabled", "state")
    same(succeeded(stage.call("GET", f"{path}/test")), {"result": True}, "test")


@check("journey.page-like-aepp", operations=("listConnections",))
def page_like_the_public_client(stage: Stage) -> None:
    """Page like Adobe's Python client: `count=False`, own parameters beside the link, the token cut out by `=`."""
    made = [stage.make("connections") for _ in range(5)]
    first = succeeded(stage.call("GET", "/connections?limit=2&count=False"))
    found = ids(first["items"])
    href = first["_links"].get("next", {}).get("href", "")

    # getConnections appends the link to the base URL and adds its parameters again.
    second = succeeded(stage.call("GET", f"{href}&limit=2&count=False"))
    found += ids(second["items"])

    # Every other method takes what follows the first `=`.
    token = second["_links"].get("next", {}).get("href", "").split("=")[1]
    third = succeeded(stage.call("GET", f"/connections?limit=2&count=False&continuationToken={token}"))
    found += ids(third["items"])
    same(found[:5], [entity.id for entity in reversed(made)], "the five newest connections")
