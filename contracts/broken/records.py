"""Servers that lose, keep or change what they should not."""

from __future__ import annotations

from contracts.broken import Asked, Given, Memory, Serve, broken


@broken("lost-post", caught_by=["create.listed", "create.kept"])
def lost_post(asked: Asked, serve: Serve, memory: Memory) -> Given:
    """Acknowledges a creation that is gone at once."""
    given = serve(asked)
    if asked.method == "POST" and given.status == 201 and asked.on("connections", below=0):
        headers = asked.without("content-type").headers
        serve(Asked("DELETE", f"{asked.path}/{given.json['id']}", "", headers, b""))
    return given


@broken("phantom-after-delete", caught_by=["delete.gone"])
def phantom_after_delete(asked: Asked, serve: Serve, memory: Memory) -> Given:
    """Says that it deleted, and did not."""
    if asked.method == "DELETE":
        looked = serve(Asked("GET", asked.path, "", asked.headers, b""))
        if looked.status == 200:
            return Given(204, (("x-request-id", f"phantom{len(memory)}"),), b"")
    return serve(asked)


@broken("drops-description", caught_by=["create.kept"])
def drops_description(asked: Asked, serve: Serve, memory: Memory) -> Given:
    """Does not show what was described."""
    given = serve(asked)
    body = given.json
    if asked.method == "GET" and given.status == 200 and isinstance(body, dict) and body.get("items"):
        items = [{name: value for name, value in i.items() if name != "description"} for i in body["items"]]
        return given.saying({**body, "items": items})
    return given


@broken("count-off-by-one", caught_by=["list.count", "filter.counted"])
def count_off_by_one(asked: Asked, serve: Serve, memory: Memory) -> Given:
    """Counts one too many."""
    given = serve(asked)
    body = given.json
    return given.saying({"count": body["count"] + 1}) if isinstance(body, dict) and set(body) == {"count"} else given


@broken("leaks-password", caught_by=["secret.masked", "secret.canary", "secret.patched"])
def leaks_password(asked: Asked, serve: Serve, memory: Memory) -> Given:
    """Shows the last password it was sent."""
    sent = asked.json
    if isinstance(sent, dict) and isinstance(sent.get("auth"), dict) and isinstance(sent["auth"].get("params"), dict):
        memory["password"] = sent["auth"]["params"].get("password")
    given = serve(asked)
    body = given.json
    if asked.method == "GET" and given.status == 200 and isinstance(body, dict) and memory.get("password"):
        for item in body.get("items", []):
            item.get("auth", {}).get("params", {})["password"] = memory["password"]
        return given.saying(body)
    return given
