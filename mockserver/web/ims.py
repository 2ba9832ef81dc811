"""The token endpoint of Adobe's identity service, as far as clients of Flow Service need it (facts §2.1)."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from io import BytesIO

from flask import Blueprint, Response, request
from werkzeug.formparser import FormDataParser

from mockserver.contract import IN_CLEAR
from mockserver.emulator import Emulator
from mockserver.errors import Refusal
from mockserver.exchange import Call, Result
from mockserver.faults import Injection
from mockserver.journal.entries import TOKEN_OPERATION
from mockserver.web import adapter, guard, responses

NAME = "ims"
_GRANTS = ("client_credentials", "authorization_code")
_MAX_BODY = 65_536


def blueprint(emulator: Emulator) -> Blueprint:
    """`POST /ims/token/v1` to `v4` and the retired `POST /ims/exchange/jwt`."""
    pages = Blueprint(NAME, __name__)
    pages.before_request(guard.demand_own_origin)

    @pages.post("/ims/token/<any(v1, v2, v3, v4):version>")
    def token(version: str) -> Response:
        call = adapter.read_call(request.environ, emulator.runtime, _MAX_BODY)
        form = _form(call)
        refusal = _refused_grant(form) or _refused_client(form, emulator.config.client_secrets)
        return _answer(emulator, call, form, refusal or _issue(emulator, form, life_factor=1))

    @pages.post("/ims/exchange/jwt")
    def exchange_jwt() -> Response:
        call = adapter.read_call(request.environ, emulator.runtime, _MAX_BODY)
        form = _form(call)
        refusal = None if form.get("jwt_token") else _oauth_error("invalid_request", "jwt_token is missing")
        refusal = refusal or _refused_client(form, emulator.config.client_secrets)
        # the retired exchange returned expires_in in milliseconds
        return _answer(emulator, call, form, refusal or _issue(emulator, form, life_factor=1000))

    return pages


def _answer(emulator: Emulator, call: Call, form: Mapping[str, str], result: Result) -> Response:
    """Apply faults to the result, record the request and send the response."""
    fault = emulator.faults.take(call, TOKEN_OPERATION)
    if fault:
        result = _with_fault(emulator, call, result, fault)
    violations = (IN_CLEAR,) if call.exposes_credentials else ()
    emulator.journal.record_token_call(call, result, form.items(), fault.name if fault else None, violations)
    return responses.write(result, call.request_id)


def _with_fault(emulator: Emulator, call: Call, result: Result, fault: Injection) -> Result:
    """Apply a fault. Its error bodies are the gateway's, which is in front of IMS too (assumed)."""
    try:
        fault.refuse()
    except Refusal as refusal:
        result = refusal.result(call.request_id, emulator.quirks)
    return fault.spoil(result)


def _form(call: Call) -> Mapping[str, str]:
    """Parse the parameters in query and body (urlencoded or multipart). Clients use both."""
    multipart = request.mimetype == "multipart/form-data"
    media_type = request.mimetype if multipart else "application/x-www-form-urlencoded"
    parser = FormDataParser(max_form_memory_size=_MAX_BODY)  # an invalid form is treated as empty
    _, form, _ = parser.parse(BytesIO(call.body), media_type, len(call.body), request.mimetype_params)
    return {**dict(call.parameters()), **form.to_dict()}


def _refused_grant(form: Mapping[str, str]) -> Result | None:
    if not form.get("grant_type"):
        return _oauth_error("invalid_request", "grant_type is missing")
    if form["grant_type"] not in _GRANTS:
        return _oauth_error("unsupported_grant_type", "grant_type must be client_credentials or authorization_code")
    return None


def _refused_client(form: Mapping[str, str], known: Mapping[str, str]) -> Result | None:
    client, secret = form.get("client_id", ""), form.get("client_secret", "")
    if not client or (known and client not in known):
        return _oauth_error("invalid_client", "invalid client_id parameter")
    if not secret or (known and not hmac.compare_digest(secret.encode(), known[client].encode())):
        return _oauth_error("invalid_client", "invalid client_secret parameter")
    return None


def _issue(emulator: Emulator, form: Mapping[str, str], *, life_factor: int) -> Result:
    token, seconds = emulator.tokens.issue(form["client_id"])
    body = {"access_token": token, "token_type": "bearer", "expires_in": seconds * life_factor}
    return Result(200, body, (("Cache-Control", "no-store"),))


def _oauth_error(error: str, description: str) -> Result:
    return Result(400, {"error": error, "error_description": description}, error=error)
