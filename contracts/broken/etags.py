"""Servers whose etags do not lock."""

from __future__ import annotations

from contracts.broken import Asked, Given, Memory, Serve, broken


@broken("ignores-if-match", caught_by=["if-match.stale", "etag.a-b-a", "if-match.foreign", "if-match.concurrent"])
def ignores_if_match(asked: Asked, serve: Serve, memory: Memory) -> Given:
    """Takes whatever etag is sent for the current one."""
    if asked.method == "PATCH" and asked.headers.get("if-match"):
        current = serve(Asked("GET", asked.path, "", asked.without("if-match", "content-type").headers, b"")).json
        if "items" in current:
            return serve(asked.having(if_match=current["items"][0]["etag"]))
    return serve(asked)


@broken("needs-no-if-match", caught_by=["if-match.missing", "if-match.in-query"])
def needs_no_if_match(asked: Asked, serve: Serve, memory: Memory) -> Given:
    """Patches without If-Match."""
    if asked.method == "PATCH" and "if-match" not in asked.headers:
        current = serve(Asked("GET", asked.path, "", asked.without("content-type").headers, b"")).json
        if "items" in current:
            return serve(asked.having(if_match=current["items"][0]["etag"]))
    return serve(asked)


@broken("unquoted-etag", caught_by=["etag.quoted", "etag.shape"])
def unquoted_etag(asked: Asked, serve: Serve, memory: Memory) -> Given:
    """Shows etags without their quotes."""
    given = serve(asked)
    body = given.json
    if given.status in (200, 201) and isinstance(body, dict) and "etag" in body:
        return given.saying({**body, "etag": body["etag"].strip('"')})
    return given


@broken("keeps-etag-on-write", caught_by=["etag.changes-on-write", "etag.never-repeated"])
def keeps_etag_on_write(asked: Asked, serve: Serve, memory: Memory) -> Given:
    """Answers a patch with the etag it was sent."""
    given = serve(asked)
    if asked.method == "PATCH" and given.status == 200:
        return given.saying({**given.json, "etag": asked.headers["if-match"]})
    return given
