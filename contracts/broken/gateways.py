"""Servers that let in whom they should not, or refuse in other words."""

from __future__ import annotations

from contracts.broken import Asked, Given, Memory, Serve, broken


@broken("needs-no-api-key", caught_by=["gateway.key-missing", "gateway.order"])
def needs_no_api_key(asked: Asked, serve: Serve, memory: Memory) -> Given:
    """Serves callers without a key."""
    return serve(asked if "x-api-key" in asked.headers else asked.having(x_api_key="anyone"))


@broken("needs-no-sandbox-to-delete", caught_by=["sandbox.missing"])
def needs_no_sandbox_to_delete(asked: Asked, serve: Serve, memory: Memory) -> Given:
    """One operation of many forgets a header."""
    if asked.method == "DELETE" and "x-sandbox-name" not in asked.headers:
        return serve(asked.having(x_sandbox_name="prod"))
    return serve(asked)


@broken("html-error", caught_by=["answer.json", "error.envelope"], by_way_of=["path.unknown"])
def html_error(asked: Asked, serve: Serve, memory: Memory) -> Given:
    """Lets the framework's own error page out."""
    given = serve(asked)
    if given.status == 404:
        page = Given(404, given.headers, b"<!doctype html><title>404 Not Found</title>")
        return page.having("content-type", "text/html; charset=utf-8")
    return given


@broken("leaks-another-sandbox", caught_by=["tenant.lookup"])
def leaks_another_sandbox(asked: Asked, serve: Serve, memory: Memory) -> Given:
    """Looks an id up in whatever sandbox has it."""
    given = serve(asked)
    if asked.method == "GET" and given.status == 404 and "x-sandbox-name" in asked.headers:
        elsewhere = serve(asked.having(x_sandbox_name="prod"))
        return elsewhere if elsewhere.status == 200 else given
    return given
