"""Observers: functions that derive the value of a quirk from a recorded exchange. A test requires one per quirk.

An observer returns the value of its quirk, or None if the exchange does not show it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from mockserver.contract import Contract
from mockserver.json_input import Json
from mockserver.recordings.lives import ENTITIES, SPECS
from mockserver.recordings.recording import RecordedExchange

Observer: TypeAlias = Callable[[RecordedExchange], str | None]

OBSERVERS: dict[str, Observer] = {}
"""Quirk -> its observer."""

NOT_OBSERVABLE: dict[str, str] = {}
"""Quirk -> reason why exchanges cannot show its value."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_DOCUMENTED_SSL_MODES = frozenset({"Disable", "Allow", "Prefer", "Verify Ca", "Verify Full"})
_OTHER_SSL_MODES = {*(mode.replace(" ", "").lower() for mode in _DOCUMENTED_SSL_MODES), "require"}
_MASK = re.compile(r"\*{3,}|[x•]{3,}", re.IGNORECASE)
_SECRET = re.compile(r"password|secret|connectionString|accountKey|accessKey|token|sasUri|credentials", re.IGNORECASE)
_SFTP_DESTINATION = "36965a81-b1c6-401b-99f8-22508f1e6a26"
_SFTP_OF_THE_DOCUMENT = ("Basic Authentication for sftp", "SSH PublicKey Authentication for sftp")
_NEW_SPECS = ("createConnectionSpec", "createFlowSpec")
_CREATIONS = ("createConnection", "createSourceConnection", "createTargetConnection")


def observes(quirk: str) -> Callable[[Observer], Observer]:
    """Register a function as the observer of a quirk."""

    def register(observer: Observer) -> Observer:
        OBSERVERS[quirk] = observer
        return observer

    return register


def _answer(exchange: RecordedExchange) -> Mapping[str, Any]:
    return exchange.result.body if isinstance(exchange.result.body, dict) else {}


def _sent(exchange: RecordedExchange) -> Mapping[str, Any]:
    body: Json = exchange.body
    return body if isinstance(body, dict) else {}


def _by_status(exchange: RecordedExchange, refused: str, taken: str, code: str = "", word: str = "") -> str | None:
    """`taken` for a success, `refused` for an error with the code, or for any error if none is given.

    An error in the form without codes must have the code's status, and the word in its texts.
    """
    status = exchange.result.status
    if 200 <= status < 300:
        return taken
    if not 400 <= status < 500:
        return None
    is_meant = not code or exchange.result.error == code or (_has_no_code(exchange, code) and word in _texts(exchange))
    return refused if is_meant else None


def _has_no_code(exchange: RecordedExchange, code: str) -> bool:
    """Whether an error of the service has texts only, and the status of a code."""
    return error_body(exchange) == "legacy" and code.endswith(f"-{exchange.result.status}")


def _texts(exchange: RecordedExchange) -> str:
    return " ".join(str(value) for value in _answer(exchange).values()).lower()


@observes("error-body")
def error_body(exchange: RecordedExchange) -> str | None:
    """Whether an error of the service has the new members or only the two texts."""
    answer = _answer(exchange)
    if "FLOW-" in str(answer.get("type", "")):
        return "problem"
    texts = {"errorMessage", "errorDetails"}
    return "legacy" if exchange.result.status >= 400 and answer and answer.keys() <= texts else None


@observes("not-found-status")
def not_found_status(exchange: RecordedExchange) -> str | None:
    """The status that comes with code 1439, or with texts that name the id of a lookup."""
    status = str(exchange.result.status)
    is_named = any(_UUID.fullmatch(one) and one in _texts(exchange) for one in exchange.ids.values())
    is_lookup = exchange.call.method == "GET" and error_body(exchange) == "legacy"
    found = exchange.operation and (str(exchange.result.error).startswith("1439-") or (is_lookup and is_named))
    return status if found and status in ("404", "400") else None


@observes("spec-writers")
def spec_writers(exchange: RecordedExchange) -> str | None:
    """Whether a spec was accepted. Specs sent with a service token are accepted with either value."""
    if exchange.operation not in (*_NEW_SPECS, "updateConnectionSpec", "updateFlowSpec"):
        return None
    return _by_status(exchange, "service", "any", "1426-400", "token")


@observes("spec-answer")
def spec_answer(exchange: RecordedExchange) -> str | None:
    """Whether a new connection spec is returned in `items`."""
    if exchange.operation != "createConnectionSpec" or exchange.result.status != 201:
        return None
    return "items" if "items" in _answer(exchange) else "bare"


@observes("gateway-body")
def gateway_body(exchange: RecordedExchange) -> str | None:
    """Whether the gateway's code is a string or a number."""
    code = _answer(exchange).get("error_code")
    if exchange.result.status < 400 or code is None or isinstance(code, bool):
        return None
    return "2026" if isinstance(code, int) else "classic"


@observes("missing-token")
def missing_token(exchange: RecordedExchange) -> str | None:
    """The status of a request that lacks a token, but no header that is checked earlier."""
    absent = "authorization" not in exchange.call.headers and "x-api-key" in exchange.call.headers
    status = str(exchange.result.status)
    return status if absent and status in ("401", "403") else None


@observes("missing-sandbox")
def missing_sandbox(exchange: RecordedExchange) -> str | None:
    """Whether a request without x-sandbox-name was accepted."""
    if exchange.operation is None or "x-sandbox-name" in exchange.call.headers or "/ims/" in exchange.target:
        return None
    return _by_status(exchange, "refuse", "default", "2105-400", "sandbox")


@observes("missing-org")
def missing_org(exchange: RecordedExchange) -> str | None:
    """Whether the gateway or the service refuses a request without x-gw-ims-org-id."""
    if "x-gw-ims-org-id" in exchange.call.headers or exchange.result.status < 400:
        return None
    if _has_no_code(exchange, "2002-401"):
        return "service"
    return {"400003": "gateway", "2001-401": "service", "2002-401": "service"}.get(str(exchange.result.error))


@observes("delete-status")
def delete_status(exchange: RecordedExchange) -> str | None:
    """The status of a successful deletion."""
    status = str(exchange.result.status)
    return status if exchange.call.method == "DELETE" and status in ("202", "204") else None


@observes("activation-status")
def activation_status(exchange: RecordedExchange) -> str | None:
    """The status of a patch of a flow's selectors."""
    body = exchange.body
    paths = [str(one.get("path", "")) for one in body if isinstance(one, dict)] if isinstance(body, list) else []
    status = str(exchange.result.status)
    selects = any("Selectors" in path for path in paths) and "/flows/" in exchange.target
    return status if exchange.call.method == "PATCH" and selects and status in ("200", "202") else None


@observes("unquoted-etag")
def unquoted_etag(exchange: RecordedExchange) -> str | None:
    """Whether an If-Match without the etag's quotes was accepted."""
    if not _UUID.fullmatch(exchange.call.headers.get("if-match", "")):
        return None
    return _by_status(exchange, "refuse", "accept", "1404-412")


@observes("missing-version")
def missing_version(exchange: RecordedExchange) -> str | None:
    """Whether a connection spec without a version was accepted."""
    spec = _sent(exchange).get("connectionSpec")
    if exchange.operation not in _CREATIONS or not isinstance(spec, dict) or "version" in spec or "id" not in spec:
        return None
    return "newest" if exchange.result.status == 201 else "refuse" if exchange.result.status == 422 else None


@observes("ssl-mode")
def ssl_mode(exchange: RecordedExchange) -> str | None:
    """Whether a spelling of sslMode that is not on the API page was accepted."""
    auth = _sent(exchange).get("auth")
    params = auth.get("params") if isinstance(auth, dict) else None
    mode = params.get("sslMode") if isinstance(params, dict) else None
    known = isinstance(mode, str) and mode not in _DOCUMENTED_SSL_MODES and _spelt(mode) in _OTHER_SSL_MODES
    if exchange.operation != "createConnection" or not known:
        return None
    if 400 <= exchange.result.status < 500 and "sslMode" not in str(exchange.result.body):
        return None
    return _by_status(exchange, "documented", "lenient")


def _spelt(mode: str) -> str:
    return re.sub(r"[ _-]", "", mode).lower()


@observes("secrets")
def secrets(exchange: RecordedExchange) -> str | None:
    """Whether a connection contains its secret members."""
    items = _answer(exchange).get("items")
    if exchange.operation != "retrieveConnection" or not isinstance(items, list) or not items:
        return None
    auth = items[0].get("auth") if isinstance(items[0], dict) else None
    params = auth.get("params") if isinstance(auth, dict) else None
    kept = [str(value) for name, value in (params or {}).items() if _SECRET.search(name) and value]
    return None if not kept else "mask" if all(_MASK.search(value) for value in kept) else "show"


@observes("content-type")
def content_type(exchange: RecordedExchange) -> str | None:
    """The status of a body whose Content-Type is not JSON."""
    kind = exchange.call.headers.get("content-type", "")
    if not exchange.call.body or "json" in kind or exchange.operation is None or "/ims/" in exchange.target:
        return None
    if exchange.result.status == 415:
        return "415"
    return "400" if exchange.result.status == 400 and _answer(exchange).get("title") == "BadRequestError" else None


@observes("sub-op")
def sub_op(exchange: RecordedExchange) -> str | None:
    """Whether an action without subOp was accepted."""
    names = {name for name, _ in exchange.call.parameters()}
    if not exchange.target.endswith("/action") or "subOp" in names or "op" not in names:
        return None
    if 400 <= exchange.result.status < 500 and "subOp" not in str(exchange.result.body):
        return None
    return _by_status(exchange, "required", "optional")


@observes("run-answer")
def run_answer(exchange: RecordedExchange) -> str | None:
    """The form of the response to a new run."""
    if exchange.operation != "createFlowRun" or exchange.result.status != 201:
        return None
    return "items" if "items" in _answer(exchange) else "bare"


@observes("partial-run-status")
def partial_run_status(exchange: RecordedExchange) -> str | None:
    """The status of a run with failed rows."""
    for run in _answer(exchange).get("items") or ():
        metrics = run.get("metrics") if isinstance(run, dict) else None
        if not isinstance(metrics, dict):
            continue
        counts, status = metrics.get("recordSummary") or {}, (metrics.get("statusSummary") or {}).get("status")
        partial = counts.get("failedRecordCount") and counts.get("outputRecordCount")
        if partial and status in ("partialSuccess", "success"):
            return str(status)
    return None


@observes("unknown-parameters")
def unknown_parameters(exchange: RecordedExchange) -> str | None:
    """Whether a query parameter that is not in the contract was ignored."""
    operation = Contract.load().operations.get(exchange.operation or "")
    if operation is None or all(name in operation.query for name, _ in exchange.call.parameters()):
        return None
    return _by_status(exchange, "refuse", "ignore", "1451-400", "parameter")


@observes("limit-above-maximum")
def limit_above_maximum(exchange: RecordedExchange) -> str | None:
    """Whether a list accepted a limit above 100. Any server may refuse a much larger one."""
    limits = [value for name, value in exchange.call.parameters() if name == "limit" and value.isdecimal()]
    limit = int(limits[0][:9]) if limits else 0
    if limit <= 100 or exchange.operation is None or exchange.call.path.strip("/") not in (*ENTITIES, *SPECS):
        return None
    if exchange.result.status >= 400 and (limit > 1000 or "limit" not in str(exchange.result.body)):
        return None
    return _by_status(exchange, "refuse", "clamp")


@observes("sftp-destination-auth")
def sftp_destination_auth(exchange: RecordedExchange) -> str | None:
    """Whether the SFTP destination accepts an auth spec that is only in the document."""
    spec, auth = _sent(exchange).get("connectionSpec"), _sent(exchange).get("auth")
    named = auth.get("specName") if isinstance(auth, dict) else None
    here = isinstance(spec, dict) and spec.get("id") == _SFTP_DESTINATION and named in _SFTP_OF_THE_DOCUMENT
    return _by_status(exchange, "page", "both", "1415-400", "auth") if here else None
