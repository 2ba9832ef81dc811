"""The errors of Flow Service and its gateway: one row each, one exception and one body per kind.

Codes, titles and statuses are Adobe's published catalogue (facts §2 to §4); the message texts are
our own words with the same variables. The status is the suffix of the code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mockserver.exchange import NO_MEMBER, UNKNOWN, Result, Violation, departure
from mockserver.json_input import Json
from mockserver.secrecy import repeatable

_OURS = frozenset({"action", "allowed", "header", "parameter", "subOperation", "type"})
"""Variables of messages that never contain a client's text."""

_MAX_SHOWN = 40
"""Maximum characters of a client's value in a message."""

TYPE_PREFIX = "https://ns.adobe.com/aep/errors/FLOW-"


@dataclass(frozen=True, slots=True)
class Row:
    """One error: its catalogue code, its title, and a message with `{variables}`."""

    code: str
    title: str
    message: str

    @property
    def status(self) -> int:
        """The HTTP status: the suffix of the code."""
        return int(self.code.rpartition("-")[2])


_INVALID = "Invalid request"
_NO_HEADER = "Header is missing"

ERRORS: dict[str, Row] = {
    # the connector behind the request
    "rejected": Row("1100-400", _INVALID, "The request could not be processed. Error from flow provider: {message}"),
    "source_object_missing": Row(
        "1101-404",
        "Resource not found",
        "The source does not have what was asked for. Error from flow provider: {message}",
    ),
    "unavailable": Row(
        "1103-503", "Service Unavailable", "The service is not available at the moment. Try again later."
    ),
    "provider_timeout": Row("1104-504", "Gateway Timeout", "The connector did not answer in time."),
    # the request as a whole
    "internal": Row("1400-500", "Internal Error", "The service failed. Try again later."),
    "limit_with_count": Row("1401-400", _INVALID, "limit and count=true cannot be combined. Send only one of them."),
    "provider_action": Row("1402-400", _INVALID, "Only a flow provider can call the action '{action}'."),
    "if_match_missing": Row("1403-400", _NO_HEADER, "The header '{header}' is missing."),
    "version_mismatch": Row(
        "1404-412",
        "Version not matching",
        "The version {version} is not the current one of the entity, {entity}.",
    ),
    "body_missing": Row("1405-400", _INVALID, "The request body is missing, null or empty. Send a JSON body."),
    # specs and states
    "flow_state_sent": Row("1410-400", _INVALID, "A new flow cannot have a state. Remove state from the request."),
    "mapping_version": Row("1412-400", _INVALID, "The mappingVersion is not that of a mapping set."),
    "unknown_spec": Row("1413-400", _INVALID, "The spec ID is unknown. GET /connectionSpecs or /flowSpecs lists them."),
    "connection_spec_fixed": Row("1414-400", _INVALID, "The connection spec of a connection cannot be changed."),
    "unknown_auth_spec": Row("1415-400", _INVALID, "Connection spec {id} has no auth spec named '{spec}'."),
    "connection_state": Row(
        "1416-400",
        _INVALID,
        "A connection can be updated or deleted only while it is enabled, disabled or initializing.",
    ),
    "initializing": Row(
        "1417-400", _INVALID, "A connection that is initializing cannot be updated or deleted with a user token."
    ),
    "connection_in_use": Row(
        "1418-400", _INVALID, "Base connection {id} is used by one or more flows. Delete those flows first."
    ),
    "mapping_refused": Row("1419-400", _INVALID, "Mapping set {id} in version {version} could not be validated."),
    "update_forbidden": Row("1420-400", _INVALID, "The entity cannot be updated in its current state {state}."),
    "transition_forbidden": Row("1421-400", _INVALID, "The entity takes no action in its current state {state}."),
    "action_not_applicable": Row(
        "1422-400", _INVALID, "The action {action} is not possible in the current state {state}."
    ),
    "spec_filter_field": Row("1423-400", _INVALID, "Connection specs cannot be filtered by {field}."),
    "spec_by_user_token": Row("1426-400", _INVALID, "A user token cannot create or update a spec."),
    "run_by_user_token": Row("1427-400", _INVALID, "A user token cannot update a flow run: service tokens can."),
    "unknown_run": Row("1428-400", _INVALID, "There is no predecessor flow run with the ID {id}."),
    "unknown_earlier_flow": Row("1429-400", _INVALID, "There is no predecessor flow with the ID {id}."),
    "unknown_flow": Row("1430-400", _INVALID, "There is no flow with the ID {id}."),
    "sort_direction": Row("1432-400", _INVALID, "The sort direction is not valid."),
    "sort_field": Row("1433-400", _INVALID, "The list cannot be sorted by '{field}'."),
    "patch_operation": Row("1434-400", _INVALID, "The patch operation '{operation}' is not supported."),
    "sub_action": Row("1435-400", _INVALID, "The sub action '{subAction}' is unknown."),
    "sub_action_unfit": Row(
        "1436-400", _INVALID, "The sub operation {subOperation} cannot be combined with the operation {operation}."
    ),
    "not_found": Row("1439-404", "Resource not found", "There is no {type} resource with the ID '{id}'."),
    "flow_state": Row("1444-400", _INVALID, "Flow {id} must be enabled, but is {state}. Enable it first."),
    "flow_id_missing": Row("1446-400", _INVALID, "flowId is missing, null or empty. Send the ID of a flow."),
    "end_in_use": Row("1447-400", _INVALID, "{id} is used by active flows. Delete those flows first."),
    # property filters
    "filter_operator_unimplemented": Row("1440-400", _INVALID, "The filter operator '{operator}' is not implemented."),
    "filter_many_values": Row("1443-400", _INVALID, "The filter operator '{operator}' takes one value, not a list."),
    "filter_operator_for_field": Row(
        "1448-400", _INVALID, "The filter operator {operator} is not supported for the field {field}."
    ),
    "filter_field": Row("1449-400", _INVALID, "The filter names the field {field}, which does not exist."),
    "filter_operator": Row("1450-400", _INVALID, "The filter operator {operator} is malformed."),
    "unknown_parameter": Row("1451-400", _INVALID, "Unknown query parameters: {params}. Remove them."),
    "parameter_value": Row("1452-400", _INVALID, "The value '{value}' is not valid for {field}."),
    "filter_incomplete": Row("1453-400", _INVALID, "The filter '{value}' is incomplete."),
    "filter_value_type": Row("1454-400", _INVALID, "The filter value has a type that is not supported."),
    # patches and states
    "patch_failed": Row("1455-400", _INVALID, "The patch cannot be applied: {message}"),
    "state_value": Row("1456-400", _INVALID, "The state '{state}' cannot be set. Allowed states: {allowed}."),
    "update_state": Row("1457-400", _INVALID, "The entity cannot be updated while it is {state}."),
    "delete_state": Row("1458-400", _INVALID, "The entity cannot be deleted while it is {state}."),
    # org, token and sandbox as the service sees them
    "org_header_missing": Row("2002-401", _NO_HEADER, "The header {header} is missing from the request."),
    "sandbox_unknown": Row("2100-404", "Sandbox not found", "There is no sandbox named '{name}'."),
    "sandbox_mismatch": Row(
        "2103-404", "Sandbox not found", "The sandbox ID {id} does not belong to the sandbox {name}."
    ),
    "sandbox_header_missing": Row("2105-400", _NO_HEADER, "The header {header} is missing from the request."),
    "sandbox_id_with_user_token": Row(
        "2110-400", "Headers not allowed", "The header {header} is not allowed with a user token."
    ),
    "sandbox_wildcard": Row(
        "2111-403",
        "Headers with value restricted",
        "The header {header} cannot have the value {value} with a user token.",
    ),
    "parameter_missing": Row(
        "2119-400", "Query parameter missing", "The query parameter {parameter} is required, but missing."
    ),
    "forbidden": Row("2120-403", "Forbidden", "You do not have permission to perform this operation."),
}
"""Key -> row. Keys and wording are ours, everything else is Adobe's."""

PLAIN: dict[str, tuple[int, str]] = {
    "unknown_path": (404, "Resource not found"),
    "method_not_allowed": (405, "Method not allowed"),
    "bad_request": (400, "Bad request"),
    "framing": (400, "Bad request"),
    "admin_token": (401, "Unauthorized"),
    "forbidden_origin": (403, "Forbidden"),
    "body_timeout": (408, "Request timeout"),
    "journal_off": (409, "Conflict"),
    "too_large": (413, "Request entity too large"),
    "uri_too_long": (414, "URI too long"),
    "unsupported_media_type": (415, "Unsupported media type"),
    "wrong_host": (421, "Misdirected request"),
    "version_required": (422, "Unprocessable entity"),
    "headers_too_large": (431, "Request header fields too large"),
    "not_emulated": (501, "Not implemented"),
    "storage_full": (507, "Insufficient storage"),
}
"""Errors without a catalogue code: the service's body with the type `about:blank`.

No sample of these exists (facts §13), so statuses are HTTP's own and the shape is assumed.
"""


def _sentence(hint: str) -> str:
    """A hint as a sentence. If it begins with a name such as `objectType=root`, the name keeps its case."""
    first = hint.partition(" ")[0].rstrip(",:;")
    return hint[0].upper() + hint[1:] if first.isalpha() and first.islower() else hint


class Refusal(Exception):
    """An error response, raised where the reason is found and converted to a `Result` in one place."""

    def result(self, request_id: str, quirks: Mapping[str, str]) -> Result:
        """The answer on the wire."""
        raise NotImplementedError

    def violation(self) -> Violation | None:
        """The refused member or parameter, for the journal; None if there is none."""
        return None


class ApiError(Refusal):
    """An error of the service: a row of `ERRORS` or `PLAIN`, its variables, and a hint.

    `pointer`, `expected` and `hint` are additions of ours inside `report`; none may contain a value
    from the request body, which could be a secret. `came` is the kind of the received value.
    """

    def __init__(
        self,
        key: str,
        *,
        detail: str = "",
        pointer: str | None = None,
        expected: str | None = None,
        came: str = "another value",
        hint: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        **variables: str,
    ) -> None:
        super().__init__(key)
        self.key = key
        self.detail = detail
        self.came = came
        self.extras = {"pointer": pointer, "expected": expected, "hint": hint}
        self.headers = headers
        self.variables = variables

    @property
    def code(self) -> str | None:
        """The catalogue code, or None."""
        return ERRORS[self.key].code if self.key in ERRORS else None

    def violation(self) -> Violation | None:
        """The member or query parameter named by `pointer`. The keyword is this error's key."""
        pointer = self.extras["pointer"]
        if pointer is None:
            return None
        where = "body" if pointer[:1] in ("", "/") else "query"
        return Violation(where, pointer, self.key, self.extras["expected"] or "", self.came, blocks=True)

    def reason(self, template: str) -> str:
        """The message without any text of the client, for the request log."""
        pointer, expected = self.extras["pointer"], self.extras["expected"]
        if "message" in self.variables and pointer is not None and expected is not None:
            place = pointer.rpartition("/")[0] + "/…" if self.came == UNKNOWN else pointer
            return departure("Member", place, expected, self.came)
        return template.format(**{name: value if name in _OURS else "…" for name, value in self.variables.items()})

    def _message(self, template: str) -> str:
        """The message for the client. A described value, such as `‹9 characters›`, gets no quotes."""
        text = template.format(**self.variables).replace("'‹", "‹").replace("›'", "›")
        return self._with_advice(text)

    def _with_advice(self, text: str) -> str:
        """A text with what was expected and what to do, unless it says so. Most clients print only the message."""
        expected, hint = self.extras["expected"], self.extras["hint"]
        if expected and expected != NO_MEMBER and expected not in text:
            text = f"{text.removesuffix('.')}. Expected {expected}."
        return f"{text.removesuffix('.')}. {_sentence(hint)}." if hint else text

    def result(self, request_id: str, quirks: Mapping[str, str]) -> Result:
        """The response, with members in the order of Adobe's samples (facts §4)."""
        code = self.code
        if self.key in ERRORS:
            row = ERRORS[self.key]
            status, title = row.status, row.title
            message, reason = self._message(row.message), self.reason(row.message)
        else:
            status, title = PLAIN[self.key]
            reason = self.detail or title
            message = self._with_advice(reason)
        if self.key == "not_found" and quirks["not-found-status"] == "400":
            status, code = 400, "1439-400"
        kind, error = (TYPE_PREFIX + code, code) if code else ("about:blank", str(status))
        texts = {"errorMessage": message, "errorDetails": message}
        if quirks["error-body"] == "legacy":
            return Result(status, texts, self.headers, error, reason)
        extras = {name: value for name, value in self.extras.items() if value is not None}
        report = {**self.variables, **extras, "detailed-message": message, "request-id": request_id}
        body = {"type": kind, "title": title, "status": status, "report": dict(sorted(report.items())), **texts}
        return Result(status, body, self.headers, error, reason)


def rejected(pointer: str, expected: str, came: str, *, hint: str | None = None, key: str = "rejected") -> ApiError:
    """The error for an invalid member without a catalogue code (assumed): what was expected, what was received.

    `key` may name another row with the variable `message`.
    """
    message = departure("Member", pointer, expected, came)
    return ApiError(key, message=message, pointer=pointer, expected=expected, came=came, hint=hint)


def wrong_value(parameter: str, value: str, expected: str, *, pointer: str | None = None) -> ApiError:
    """The error for an invalid query parameter (1452)."""
    shown = repeatable(value, _MAX_SHOWN)
    return ApiError("parameter_value", value=shown, field=parameter, pointer=pointer or parameter, expected=expected)


def outside_contract(violation: Violation, key: str = "rejected") -> ApiError:
    """The error for a violation of the contract, in the form of `rejected`."""
    return ApiError(
        key,
        message=str(violation),
        pointer=violation.pointer,
        expected=violation.expected,
        came=violation.came,
    )


GATEWAY: dict[str, tuple[str, str, str]] = {
    "key_missing": ("403000", "Api Key is required", "ErrMissingApiKey"),
    "key_invalid": ("403003", "Api Key is invalid", "ErrInvalidApiKey"),
    "token_missing": ("403010", "Oauth token is missing.", "ErrMissingOauthToken"),
    "token_invalid": ("401013", "Oauth token is not valid", "ErrInvalidOauthToken"),
    "org_missing": ("400003", "Missing header", "ErrMissingHeader"),
    "org_not_entitled": ("403025", "Profile is not valid", "ErrInvalidProfile"),
    "org_invalid": ("403027", "User region is missing", "ErrMissingUserRegion"),
    "rate_exceeded": ("429050", "Too many requests", "ErrTooManyRequests"),
}
"""Key -> code, message, and the title of the 2026 shape (facts §2; only the token titles are recorded)."""


class GatewayError(Refusal):
    """An error of Adobe's gateway, which acts before the service and has its own body."""

    def __init__(self, key: str, *, retry_after: int | None = None) -> None:
        super().__init__(key)
        self.key = key
        self.retry_after = retry_after

    def result(self, request_id: str, quirks: Mapping[str, str]) -> Result:
        """The response, in the `classic` or the `2026` shape (quirk `gateway-body`)."""
        code, message, title = GATEWAY[self.key]
        status = int(code[:3])
        body: Json = {"error_code": code, "message": message}
        if quirks["gateway-body"] == "2026":
            body = {"title": title, "status": status, "error_code": int(code), "message": message}
        headers = (("Retry-After", str(self.retry_after)),) if self.retry_after is not None else ()
        return Result(status, body, headers, error=code, reason=message)


class MediaTypeError(Refusal):
    """A missing or wrong Content-Type, answered with the platform's own body (facts §2)."""

    def result(self, request_id: str, quirks: Mapping[str, str]) -> Result:
        """The response. Its status is the quirk `content-type`."""
        if quirks["content-type"] == "415":
            detail = "A body needs Content-Type: application/json."
            return ApiError("unsupported_media_type", detail=detail).result(request_id, quirks)
        body = {
            "type": "/placeholder/type/uri",
            "status": 400,
            "title": "BadRequestError",
            "detail": "A valid content-type must be specified",
        }
        return Result(400, body, error="400", reason="the Content-Type of the body is not application/json")
