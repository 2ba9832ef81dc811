"""What every single answer keeps to, whoever asked: form, documented status and schema, error body, request id."""

from __future__ import annotations

import re

from contracts.expectations import CODE_PREFIX
from contracts.registry import Watch, observe
from contracts.wire import Answer

_SERVICE = ["type", "title", "status", "report", "errorMessage", "errorDetails"]
_GATEWAY = {"error_code", "message"}
_MEDIA_TYPE = {"type", "status", "title", "detail"}


@observe("answer.json")
def body_is_json(watch: Watch, answer: Answer) -> str | None:
    """JSON whatever the cause, and called so."""
    if not answer.body:
        return None
    kind = (answer.header("content-type") or "").partition(";")[0].strip()
    if kind != "application/json":
        return f"{answer} with content type {kind!r}, expected application/json"
    return None if answer.json is not None else f"{answer} with a body that is not JSON"


@observe("answer.no-server-error")
def no_server_error(watch: Watch, answer: Answer) -> str | None:
    """No request of this suite is the server's fault."""
    return f"{answer}: no request may make the server fail" if answer.status >= 500 else None


@observe("answer.documented-status")
def status_is_documented(watch: Watch, answer: Answer) -> str | None:
    """Only statuses that the contract lists for the operation."""
    operation = watch.document.match(answer.sent.method, answer.sent.target)
    if operation is None or answer.status >= 500:
        return None
    known = watch.document.detail(operation)["responses"]
    return None if str(answer.status) in known else f"{answer}, documented are {', '.join(sorted(known))}"


@observe("answer.schema")
def body_fits_schema(watch: Watch, answer: Answer) -> str | None:
    """The body is what the contract says of the operation and status."""
    operation = watch.document.match(answer.sent.method, answer.sent.target)
    if operation is None or watch.document.response(operation, answer.status) is None or not answer.body:
        return None
    departure = watch.document.departure(operation, answer.status, answer.json)
    return f"{answer} outside its schema at {departure}" if departure else None


@observe("answer.documented-headers")
def headers_are_there(watch: Watch, answer: Answer) -> str | None:
    """The headers that the contract promises with the status."""
    operation = watch.document.match(answer.sent.method, answer.sent.target)
    response = watch.document.response(operation, answer.status) if operation else None
    for name, raw in (response or {}).get("headers", {}).items():
        if watch.document.resolve(raw).get("required") and not answer.header(name):
            return f"{answer} without the header {name}"
    return None


@observe("answer.empty-body")
def no_content_is_empty(watch: Watch, answer: Answer) -> str | None:
    """204 has no body, and the answer to HEAD none either."""
    if answer.body and (answer.status == 204 or answer.sent.method == "HEAD"):
        return f"{answer} with a body of {len(answer.body)} bytes, expected none"
    return None


@observe("answer.request-id-unique")
def request_id_is_unique(watch: Watch, answer: Answer) -> str | None:
    """Each answer's `x-request-id` is its own."""
    came = answer.header("x-request-id")
    if not came:
        return f"{answer} without x-request-id"
    seen = watch.memory.setdefault("request-id", {})
    if came in seen:
        return f"{answer} with the x-request-id of an earlier answer ({seen[came]})"
    seen[came] = str(answer)
    return None


@observe("error.envelope")
def error_has_one_of_the_bodies(watch: Watch, answer: Answer) -> str | None:
    """Errors have the service's body, the gateway's, or the platform's for a content type."""
    if answer.status < 400 or answer.sent.method == "HEAD":
        return None
    body = answer.json
    if not isinstance(body, dict):
        return f"{answer} without an error body"
    if list(body) == _SERVICE or set(body) == _MEDIA_TYPE or _GATEWAY <= set(body) <= {*_GATEWAY, "title", "status"}:
        return None
    return f"{answer} with members {', '.join(body)}; the service's are {', '.join(_SERVICE)}, in this order"


@observe("error.status-and-code-agree")
def error_status_agrees(watch: Watch, answer: Answer) -> str | None:
    """HTTP status, `status` and the code's suffix say the same."""
    body = answer.json
    if answer.status < 400 or not isinstance(body, dict):
        return None
    if body.get("status", answer.status) != answer.status:
        return f"{answer} but its body says {body.get('status')}"
    kind, gateway = str(body.get("type", "")), str(body.get("error_code", answer.status))
    suffix = kind.rpartition("-")[2] if kind.startswith(CODE_PREFIX) else gateway[:3]
    return None if suffix == str(answer.status) else f"{answer} with a code that means {suffix}"


@observe("error.texts-equal")
def error_texts_are_equal(watch: Watch, answer: Answer) -> str | None:
    """`report.detailed-message`, `errorMessage` and `errorDetails` are one text."""
    body = answer.json
    if answer.status < 400 or not isinstance(body, dict) or not isinstance(body.get("report"), dict):
        return None
    texts = {body["report"].get("detailed-message"), body.get("errorMessage"), body.get("errorDetails")}
    return None if len(texts) == 1 and texts != {None} else f"{answer} with texts that differ"


@observe("error.request-id")
def error_repeats_the_request_id(watch: Watch, answer: Answer) -> str | None:
    """`report.request-id` is the answer's `x-request-id`."""
    body = answer.json
    if answer.status < 400 or not isinstance(body, dict) or not isinstance(body.get("report"), dict):
        return None
    came, header = body["report"].get("request-id"), answer.header("x-request-id")
    return None if came == header else f"{answer} with report.request-id {came!r}, x-request-id is {header!r}"


@observe("secret.canary")
def canary_is_never_seen(watch: Watch, answer: Answer) -> str | None:
    """The password of this run's connections is in no answer."""
    text = answer.text + "".join(f"{name}{value}" for name, value in answer.headers)
    return f"{answer} with a stored password in it" if watch.canary in text else None


@observe("etag.never-repeated")
def etag_is_never_repeated(watch: Watch, answer: Answer) -> str | None:
    """No two writes get the same etag, on whatever entity."""
    body = answer.json
    if answer.sent.method == "GET" or answer.status not in (200, 201) or not isinstance(body, dict):
        return None
    if set(body) != {"id", "etag"}:
        return None
    seen, etag = watch.memory.setdefault("etag", {}), str(body["etag"])
    if etag in seen:
        return f"{answer} with an etag that was given before ({seen[etag]})"
    seen[etag] = str(answer)
    return None


@observe("etag.shape")
def etag_has_the_services_shape(watch: Watch, answer: Answer) -> str | None:
    """Double quotes included, five groups, the last one the second of writing and four zeros."""
    body = answer.json
    if answer.status not in (200, 201) or not isinstance(body, dict):
        return None
    items = body.get("items")
    for holder in (body, *(items if isinstance(items, list) else ())):
        etag = holder.get("etag") if isinstance(holder, dict) else None
        if etag is not None and not re.fullmatch(r'"[0-9a-f]{8}-0000-[0-9a-f]{4}-0000-[0-9a-f]{8}0000"', str(etag)):
            return f'{answer} with the etag {etag!r}, expected "xxxxxxxx-0000-0200-0000-xxxxxxxx0000" with its quotes'
    return None


@observe("create.id-unique")
def new_ids_are_unique(watch: Watch, answer: Answer) -> str | None:
    """No two entities get the same id, in whatever sandbox."""
    body = answer.json
    if answer.status != 201 or not isinstance(body, dict):
        return None
    holder = body["items"][0] if isinstance(body.get("items"), list) and body["items"] else body  # a run's receipt
    seen, entity_id = watch.memory.setdefault("id", {}), str(holder.get("id"))
    if entity_id in seen:
        return f"{answer} with an id that was given before ({seen[entity_id]})"
    seen[entity_id] = str(answer)
    return None
