"""Checks of the gateway: API key, token, organisation, then the sandbox, in this order."""

from __future__ import annotations

import re
from collections.abc import Iterator

from contracts.findings.verdicts import Broken, expect, same, untestable
from contracts.registry import check
from contracts.schema.document import DocumentedOperation
from contracts.stage import Stage
from contracts.stage.excerpts import excerpt
from contracts.stage.expectations import NOWHERE, refused, refused_by_gateway, succeeded
from contracts.wire import Answer

LIST = ("listConnections",)


@check("gateway.key-missing", writes=False, operations=LIST)
def key_missing(stage: Stage) -> None:
    """A missing API key is refused on every operation."""
    for answer in _everywhere(stage, {"x-api-key": None}):
        refused_by_gateway(answer, 403, "403000")


@check("gateway.token-missing", writes=False, operations=LIST)
def token_missing(stage: Stage) -> None:
    """A missing token is refused on every operation."""
    for answer in _everywhere(stage, {"Authorization": None}):
        refused_by_gateway(answer, 403, "403010")


@check("gateway.token-malformed", writes=False, operations=LIST)
def token_malformed(stage: Stage) -> None:
    """A malformed Bearer token is refused."""
    for value in ("Basic YWNtZTphY21l", "Bearer two words", "token"):
        refused_by_gateway(stage.call("GET", "/connections", headers={"Authorization": value}), 401, "401013")


@check("gateway.token-unknown", writes=False, operations=LIST)
def token_unknown(stage: Stage) -> None:
    """A well-formed token that was never issued is refused."""
    if not stage.settings.token_given:
        untestable("this server takes the suite's made-up token: give a real one in FLOW_SERVICE_TOKEN")
    for answer in _everywhere(stage, {"Authorization": "Bearer contract-suite.unknown.token"}):
        refused_by_gateway(answer, 401, "401013")


@check("gateway.org-missing", writes=False, operations=LIST)
def org_missing(stage: Stage) -> None:
    """A missing organisation is refused on every operation."""
    for answer in _everywhere(stage, {"x-gw-ims-org-id": None}):
        refused_by_gateway(answer, 400, "400003")


@check("gateway.org-malformed", writes=False, operations=LIST)
def org_malformed(stage: Stage) -> None:
    """An organisation without its realm is refused."""
    answer = stage.call("GET", "/connections", headers={"x-gw-ims-org-id": "5C1328435BF324E90A49402A"})
    refused_by_gateway(answer, 403, "403027")


@check("gateway.order", writes=False, operations=LIST)
def order_of_refusals(stage: Stage) -> None:
    """If several headers are missing, the first in the gateway's order is named."""
    rows: list[tuple[tuple[str, ...], int, str, str]] = [
        (("x-api-key", "Authorization", "x-gw-ims-org-id", "x-sandbox-name"), 403, "403000", "gateway.key-missing"),
        (("Authorization", "x-gw-ims-org-id", "x-sandbox-name"), 403, "403010", "gateway.token-missing"),
        (("x-gw-ims-org-id", "x-sandbox-name"), 400, "400003", "gateway.org-missing"),
    ]
    for missing, status, code, rule in rows:
        answer = stage.call("GET", "/connections", headers=dict.fromkeys(missing))
        refused_by_gateway(answer, status, code, rule=rule)


@check("gateway.before-service", operations=("createConnection", "retrieveConnection"))
def gateway_before_service(stage: Stage) -> None:
    """The gateway refuses before the body or the entity is checked."""
    answer = stage.call("POST", "/connections", raw=b"{not json", headers={"x-api-key": None})
    refused_by_gateway(answer, 403, "403000")
    refused_by_gateway(stage.call("GET", f"/connections/{NOWHERE}", headers={"x-api-key": None}), 403, "403000")


@check("gateway.header-names-in-any-case", writes=False, operations=LIST)
def header_names_in_any_case(stage: Stage) -> None:
    """Header names are case-insensitive."""
    succeeded(stage.call("GET", "/connections?limit=1"))
    for change in (str.upper, str.lower, str.title):
        headers: dict[str, str | None] = {change(name): value for name, value in stage.headers.items()}
        answer = stage.call("GET", "/connections?limit=1", headers=headers)
        if answer.status != 200:  # though the same headers were accepted in their usual spelling
            raise Broken(f"{answer}, expected 200: {excerpt(answer)}", settled=True, rule="if-match.any-case")


@check("gateway.scheme-in-any-case", writes=False, operations=LIST)
def scheme_in_any_case(stage: Stage) -> None:
    """`bearer` is accepted like `Bearer`."""
    token = stage.headers["Authorization"].partition(" ")[2]
    succeeded(stage.call("GET", "/connections?limit=1", headers={"Authorization": f"bearer {token}"}))


@check("sandbox.missing", writes=False, operations=LIST)
def sandbox_missing(stage: Stage) -> None:
    """A missing sandbox is refused on every operation."""
    for answer in _everywhere(stage, {"x-sandbox-name": None}):
        body = refused(answer, 400, "2105-400")
        same(body["title"], "Header is missing", "title")


@check("sandbox.malformed", writes=False, operations=LIST)
def sandbox_malformed(stage: Stage) -> None:
    """A sandbox name that is not lower case is refused."""
    for name in ("PROD", "no such sandbox", "pröd"):
        refused(stage.call("GET", "/connections", headers={"x-sandbox-name": name}), 404, "2100-404")


@check("sandbox.wildcard", writes=False, operations=LIST)
def sandbox_wildcard(stage: Stage) -> None:
    """Users cannot address all sandboxes at once."""
    refused(stage.call("GET", "/connections", headers={"x-sandbox-name": "*"}), 403, "2111-403")


@check("sandbox.id", writes=False, operations=LIST)
def sandbox_id(stage: Stage) -> None:
    """Users cannot send `x-sandbox-id`."""
    refused(stage.call("GET", "/connections", headers={"x-sandbox-id": NOWHERE}), 400, "2110-400")


@check("path.unknown", writes=False, operations=LIST)
def unknown_path(stage: Stage) -> None:
    """A path outside the contract gets 404 in JSON."""
    for path in ("/nowhere", "/connections/x/y/z", "/connection"):
        refused(stage.call("GET", path), 404)


@check("path.trailing-slash", writes=False, operations=LIST)
def trailing_slash(stage: Stage) -> None:
    """Every list returns the same with a trailing slash, without a redirect."""
    for operation in _lists(stage):
        plain = succeeded(stage.call("GET", operation.path))
        slashed = succeeded(stage.call("GET", operation.path + "/"))
        same(slashed, plain, f"{operation.path}/ against {operation.path}")


@check("method.not-allowed", operations=LIST)
def method_not_allowed(stage: Stage) -> None:
    """An unsupported method gets 405, and `Allow` lists the supported ones."""
    paths = {operation.path for operation in stage.document.operations}
    for path in sorted(paths):
        has = {o.method for o in stage.document.operations if o.path == path}
        for method in sorted({"GET", "POST", "PUT", "PATCH", "DELETE"} - has):
            answer = stage.call(method, _filled(path), {} if method != "GET" else None)
            refused(answer, 405)
            allowed = {name.strip() for name in (answer.header("allow") or "").split(",")}
            same(allowed - {"HEAD", "OPTIONS"}, has, f"Allow of {path}")


@check("method.head-and-options", writes=False, operations=LIST)
def head_and_options(stage: Stage) -> None:
    """HEAD and OPTIONS are supported, or refused with `Allow`; HEAD has no body, and no server error occurs."""
    for method in ("HEAD", "OPTIONS"):
        answer = stage.call(method, "/connections")
        expect(answer.status in (200, 204, 405), f"{answer}, expected 200, 204 or 405", "method.not-allowed")
        expect(answer.status == 200 or answer.header("allow"), f"{answer} without Allow", "method.not-allowed")
        expect(method != "HEAD" or not answer.body, f"{answer} with a body")


def _everywhere(stage: Stage, headers: dict[str, str | None]) -> Iterator[Answer]:
    """Send one request per operation with changed headers."""
    chosen = stage.settings.operations
    for operation in stage.document.operations:
        if (chosen and operation.id not in chosen) or (stage.settings.read_only and not operation.reads):
            continue
        body = {"name": "never made"} if operation.method in ("POST", "PUT", "PATCH") else None
        yield stage.call(operation.method, _filled(operation.path), body, headers=headers)


def _lists(stage: Stage) -> list[DocumentedOperation]:
    return [o for o in stage.document.operations if o.method == "GET" and o.path.count("/") == 1]


def _filled(path: str) -> str:
    return re.sub(r"\{\w+\}", NOWHERE, path)
