"""Faulty servers that admit callers they should refuse, or refuse in another order."""

from __future__ import annotations

from contracts.broken import Asked, GivenAnswer, Right, broken

_GATEWAY = {"403000", "403010", "400003"}


@broken("gateway.key-missing gateway.order gateway.before-service")
def needs_no_api_key(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts callers without a key."""
    return right(asked if "x-api-key" in asked.headers else asked.having(x_api_key="anyone"))


@broken("gateway.token-missing gateway.order example.gateway")
def needs_no_token(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts callers without a token."""
    needless = "authorization" in asked.headers or asked.kind == "collection"  # an inlet has its own rule
    return right(asked if needless else asked.having(authorization="Bearer any.token"))


@broken("gateway.token-malformed")
def takes_any_authorization(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts any content of Authorization."""
    return right(asked.having(authorization="Bearer any.token") if "authorization" in asked.headers else asked)


@broken("gateway.token-unknown", by_way_of="gateway.scheme-in-any-case", strict=True)
def takes_any_token(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts any well-formed token."""
    given = right(asked)
    if given.status != 401:
        right.memory.setdefault("good", asked.headers.get("authorization"))
    elif asked.headers.get("authorization", "").startswith("Bearer ") and "good" in right.memory:
        return right(asked.having(authorization=right.memory["good"]))
    return given


@broken("gateway.scheme-in-any-case")
def knows_only_bearer_with_a_capital(asked: Asked, right: Right) -> GivenAnswer:
    """Compares the scheme Bearer case-sensitively."""
    return right(asked.having(authorization=asked.headers.get("authorization", "").replace("bearer", "token", 1)))


@broken("gateway.org-missing gateway.order")
def needs_no_organisation(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts callers without an organisation."""
    return right(asked if "x-gw-ims-org-id" in asked.headers else asked.having(x_gw_ims_org_id="any@AdobeOrg"))


@broken("gateway.org-malformed")
def takes_any_organisation(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts an organisation without its realm."""
    org = asked.headers.get("x-gw-ims-org-id")
    return right(asked.having(x_gw_ims_org_id=f"{org}@AdobeOrg") if org and "@" not in org else asked)


@broken("sandbox.missing")
def needs_no_sandbox(asked: Asked, right: Right) -> GivenAnswer:
    """Uses the default sandbox if none is named."""
    return right(asked if "x-sandbox-name" in asked.headers else asked.having(x_sandbox_name="prod"))


@broken("sandbox.missing")
def needs_no_sandbox_to_delete(asked: Asked, right: Right) -> GivenAnswer:
    """One operation does not require the sandbox header."""
    if asked.method == "DELETE" and "x-sandbox-name" not in asked.headers:
        return right(asked.having(x_sandbox_name="prod"))
    return right(asked)


@broken("sandbox.malformed")
def lower_cases_the_sandbox(asked: Asked, right: Right) -> GivenAnswer:
    """Treats `PROD` as `prod`."""
    sandbox = asked.headers.get("x-sandbox-name")
    return right(asked.having(x_sandbox_name=sandbox.lower()) if sandbox else asked)


@broken("sandbox.wildcard")
def takes_all_sandboxes(asked: Asked, right: Right) -> GivenAnswer:
    """Lets a user address all sandboxes at once."""
    return right(asked.having(x_sandbox_name="prod") if asked.headers.get("x-sandbox-name") == "*" else asked)


@broken("sandbox.id")
def takes_a_sandbox_id(asked: Asked, right: Right) -> GivenAnswer:
    """Lets a user name the sandbox by its id."""
    return right(asked.without("x-sandbox-id"))


@broken("gateway.order")
def asks_for_the_organisation_first(asked: Asked, right: Right) -> GivenAnswer:
    """Checks the headers in another order."""
    if "x-gw-ims-org-id" not in asked.headers and asked.kind != "collection":  # an inlet asks for none
        return right(asked.having(x_api_key="any", authorization="Bearer any.token"))
    return right(asked)


@broken("gateway.before-service")
def reads_the_body_before_the_key(asked: Asked, right: Right) -> GivenAnswer:
    """Parses the body before it checks the API key."""
    if asked.body and asked.json is None:
        return right(asked.having(x_api_key="any"))
    return right(asked)


@broken("gateway.token-missing gateway.order")
def answers_401_to_everyone_unknown(asked: Asked, right: Right) -> GivenAnswer:
    """All wrong credentials get the same status and code."""
    given = right(asked)
    body = given.json
    if given.status == 403 and isinstance(body, dict) and body.get("error_code") in _GATEWAY:
        return given.saying({**body, "error_code": "401010"}, 401)
    return given


@broken("gateway.header-names-in-any-case if-match.any-case")
def knows_headers_in_one_spelling(asked: Asked, right: Right) -> GivenAnswer:
    """Compares header names case-sensitively."""
    tutorials = {"Authorization", "x-api-key", "x-gw-ims-org-id", "x-sandbox-name", "Content-Type", "If-Match"}
    compared = {name.lower() for name in tutorials}
    unknown = {name for name in asked.spelled - tutorials if name.lower() in compared}
    return right(asked.without(*(name.lower() for name in unknown)))
