"""Faulty servers that accept invalid bodies or refuse valid ones."""

from __future__ import annotations

from typing import Any

from contracts.broken import Asked, GivenAnswer, Right, broken

POSTGRESQL = {"id": "74a1c565-4e59-48d7-9d67-7c03b8a13137", "version": "1.0"}
PARAMS = {"server": "db", "port": "5432", "database": "shop", "username": "reader", "password": "any"}


def _with_params(asked: Asked, **changes: Any) -> Asked:
    """A creation with changed params."""
    auth = asked.object.get("auth") or {}
    return asked.sending({**asked.object, "auth": {**auth, "params": {**_params(asked), **changes}}})


def _params(asked: Asked) -> dict[str, Any]:
    auth = asked.object.get("auth")
    params = auth.get("params") if isinstance(auth, dict) else None
    return params if isinstance(params, dict) else {}


def _is_strange(state: Any) -> bool:
    return str(state).lower() not in ("enabled", "disabled", "draft")


@broken("create.state patch.outcome-checked")
def takes_any_state(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts an unknown state as `enabled`."""
    if asked.creates and _is_strange(asked.object.get("state", "draft")):
        return right(asked.sending({**asked.object, "state": "enabled"}))
    if asked.patches and any(s.get("path") == "/state" and _is_strange(s.get("value")) for s in asked.instructions):
        steps = [{**s, "value": "enabled"} if s.get("path") == "/state" else s for s in asked.instructions]
        return right(asked.sending(steps))
    return right(asked)


@broken("create.unknown-spec", kinds=["connections", "targetConnections", "flows"])
def takes_an_unknown_spec(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts an unknown spec id."""
    given = right(asked)
    if asked.creates and given.code == "1413-400":
        member = "flowSpec" if asked.kind == "flows" else "connectionSpec"
        return right(asked.sending({**asked.object, member: right.memory.get(asked.kind, POSTGRESQL)}))
    if asked.creates and given.done:
        right.memory[asked.kind] = asked.object.get("connectionSpec") or asked.object.get("flowSpec")
    return given


@broken("create.unknown-auth-spec patch.outcome-checked")
def takes_an_unknown_auth_spec(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts an unknown auth spec."""
    given = right(asked)
    if asked.creates and given.code == "1415-400":
        auth = {"specName": "Basic Authentication", "params": PARAMS}
        return right(asked.sending({**asked.object, "auth": auth}))
    if asked.patches and given.code == "1415-400":
        name = asked.instead("GET", asked.path)
        step = {"op": "replace", "path": "/name", "value": right.entity(name).get("name")}
        return right(asked.sending([step]))
    return given


@broken("create.unlisted-auth-spec", platform="aws")
def takes_the_other_clouds_auth_spec(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts a connection string that the connection spec does not list."""
    spec = (asked.object.get("connectionSpec") or {}).get("id")
    name = (asked.object.get("auth") or {}).get("specName", "")
    if asked.creates and spec == POSTGRESQL["id"] and name.startswith("Connection String"):
        return right(asked.sending({**asked.object, "auth": {"specName": "Basic Authentication", "params": PARAMS}}))
    return right(asked)


@broken("create.unlisted-auth-spec secret.connection-string-masked")
def refuses_connection_strings(asked: Asked, right: Right) -> GivenAnswer:
    """Refuses an auth spec that its connection spec lists."""
    if asked.creates and (asked.object.get("auth") or {}).get("specName", "").startswith("Connection String"):
        return right(asked.sending({**asked.object, "auth": {"specName": "Unknown", "params": PARAMS}}))
    return right(asked)


@broken("create.param-missing create.refused-leaves-nothing")
def demands_no_params(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts credentials without required params."""
    basic = (asked.object.get("auth") or {}).get("specName") == "Basic Authentication"
    postgresql = (asked.object.get("connectionSpec") or {}).get("id") == POSTGRESQL["id"]
    if asked.creates and basic and postgresql and _params(asked):
        return right(_with_params(asked, **{**PARAMS, **_params(asked)}))
    return right(asked)


@broken("create.param-missing")
def names_no_param(asked: Asked, right: Right) -> GivenAnswer:
    """Does not name the missing param."""
    given = right(asked)
    if given.code == "1100-400":
        text = "The request could not be processed."
        report = {**given.json["report"], "detailed-message": text}
        return given.telling(report=report, errorMessage=text, errorDetails=text)
    return given


@broken("create.param-type")
def takes_any_type(asked: Asked, right: Right) -> GivenAnswer:
    """Converts every value to text."""
    postgresql = (asked.object.get("connectionSpec") or {}).get("id") == POSTGRESQL["id"]
    if asked.creates and postgresql and _params(asked):
        return right(_with_params(asked, **{name: str(value) for name, value in _params(asked).items()}))
    return right(asked)


@broken("create.ssl-mode")
def takes_any_ssl_mode(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts values outside an enumeration."""
    return right(_with_params(asked, sslMode="Require") if asked.creates and "sslMode" in _params(asked) else asked)


@broken("create.name-missing patch.outcome-checked")
def needs_no_name(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts connections without a name."""
    if asked.creates and isinstance(asked.json, dict) and not asked.object.get("name"):
        return right(asked.sending({**asked.object, "name": "unnamed"}))
    if asked.patches:
        named = [s for s in asked.instructions if s.get("path") != "/name" or s.get("value")]
        if named != asked.instructions:
            return right(asked.sending([*named, {"op": "replace", "path": "/name", "value": "unnamed"}]))
    return right(asked)


@broken("create.spec-missing")
def needs_no_spec(asked: Asked, right: Right) -> GivenAnswer:
    """Chooses a connection spec if none is sent."""
    if asked.creates and asked.object and "connectionSpec" not in asked.object:
        return right(asked.sending({**asked.object, "connectionSpec": POSTGRESQL}))
    return right(asked)


@broken("create.version-absent", quirk={"missing-version": "refuse"})
def needs_a_version(asked: Asked, right: Right) -> GivenAnswer:
    """Refuses a spec without its version."""
    return right(asked)


@broken("create.body-empty patch.empty")
def takes_nothing_for_an_object(asked: Asked, right: Right) -> GivenAnswer:
    """Treats a missing body as an empty object."""
    writes = asked.method in ("POST", "PATCH") and not asked.acts
    return right(asked.sending({}) if writes and not asked.body else asked)


@broken("create.body-not-json create.content-type")
def reads_forms_too(asked: Asked, right: Right) -> GivenAnswer:
    """Parses a body that is not JSON as a form."""
    if asked.creates and asked.json is None and asked.body:
        body = {"name": "form", "connectionSpec": POSTGRESQL}
        auth = {"specName": "Basic Authentication", "params": PARAMS}
        return right(asked.having(content_type="application/json").sending({**body, "auth": auth}))
    return right(asked.having(content_type="application/json") if asked.body else asked)


@broken("create.content-type")
def needs_no_content_type(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts JSON with any content type."""
    return right(asked.having(content_type="application/json") if asked.body else asked)


@broken("create.content-type")
def wrong_content_type_is_415(asked: Asked, right: Right) -> GivenAnswer:
    """Refuses a wrong content type with 415."""
    given = right(asked)
    body = given.json
    if isinstance(body, dict) and body.get("title") == "BadRequestError":
        return given.saying({**body, "status": 415}, 415)
    return given


@broken("create.charset")
def knows_no_charset(asked: Asked, right: Right) -> GivenAnswer:
    """Compares the content type exactly."""
    exact = asked.headers.get("content-type") in (None, "application/json")
    return right(asked if exact else asked.having(content_type="text/plain"))


@broken("create.unknown-members list.unknown-parameters", strict=True)
def refuses_what_it_does_not_know(asked: Asked, right: Right) -> GivenAnswer:
    """Refuses unknown members and parameters that public clients send."""
    return right(asked)


@broken("create.refused-leaves-nothing")
def stores_before_it_checks(asked: Asked, right: Right) -> GivenAnswer:
    """Stores a refused body."""
    given = right(asked)
    if asked.creates and given.code == "1100-400" and _params(asked):
        right(_with_params(asked, **PARAMS))
    return given
