"""Observers of every response of a run: form, documented status and schema, error body, request id, etags, secrets."""

from __future__ import annotations

import functools
import json
import re
from codecs import BOM_UTF8

from contracts.findings.causes import (
    BODY,
    ENVELOPE,
    ERROR_BODY,
    ETAG,
    ETAG_CHANGES,
    ETAG_REPEATED,
    HALF_DONE,
    HEADER,
    ID_REPEATED,
    IF_MATCH,
    ITEMS,
    LIFE,
    MISSING,
    NOT_JSON,
    PRETENDED,
    REFUSAL,
    SERVER_ERROR,
    SHOWN,
    SILENT,
    STATUS,
    WRITE,
    Fault,
    in_schema,
    of_kind,
)
from contracts.findings.error_codes import CODE_PREFIX, code_of, is_pretended
from contracts.registry import ANSWERED, Watch, observe
from contracts.schema.departures import Departure, another_text
from contracts.schema.differences import WRAPPED, added, of_type
from contracts.schema.document import Document, DocumentedOperation
from contracts.wire import PLATFORM, Answer, parsed

_SERVICE = ["type", "title", "status", "report", "errorMessage", "errorDetails"]
_GATEWAY = {"error_code", "message"}
_ETAG = '"[0-9a-f]{8}-0000-[0-9a-f]{4}-0000-[0-9a-f]{8}0000"'
_SHAPE = re.compile(_ETAG)
_IDS = ("id", "$id", "publicKeyId")
"""Names of the member with a new entity's id: at Flow Service, the registry and the connectors service."""

_MEDIA_TYPE = {"type", "status", "title", "detail"}
_AS_FLOW_SERVICE = ("/data/foundation/connectors/", "/data/foundation/sandbox-management/")
"""Neighbouring services whose errors have the form of Flow Service."""


@observe(ANSWERED)
def every_request_is_answered(watch: Watch, answer: Answer) -> Fault:
    """Every request gets a readable response in time."""
    return Fault(str(answer), SILENT)


@observe("answer.collection-there")
def collections_are_there(watch: Watch, answer: Answer) -> Fault | None:
    """Every collection of the contract can be listed, unless the sandbox is unknown.

    If one cannot, other operations that never succeeded are missing too, unless the refusal has a code.
    """
    operation = watch.document.match(answer.sent.method, answer.sent.target)
    if operation is None:
        return None
    served, lacks = watch.memory.setdefault("served", {}), watch.memory.setdefault("missing", {})
    if answer.succeeded:
        served[operation.id] = str(answer)
    is_list = operation.method == "GET" and operation.path.count("/") == 1
    is_list = is_list or (answer.sent.target.startswith(PLATFORM) and "{" not in operation.path)
    refused = answer.status in (404, 405, 501) and operation.id not in served and code_of(answer) is None
    if not refused or not (is_list or lacks):
        return None
    lacks[operation.id] = str(answer)
    return Fault(f"{answer}: serve {operation.path}, or leave its operations out with --operations", MISSING)


@observe("answer.no-server-error")
def no_server_error(watch: Watch, answer: Answer) -> Fault | None:
    """No request of this suite causes a server error."""
    return Fault(f"{answer}: a request must not cause a server error", SERVER_ERROR) if answer.status >= 500 else None


@observe("answer.json")
def body_is_json(watch: Watch, answer: Answer) -> Fault | None:
    """Every body is JSON and has this content type."""
    if not answer.body:
        return None
    kind = (answer.header("content-type") or "").partition(";")[0].strip()
    if not answer.is_json:
        return Fault(f"{answer} with a body that is not JSON (content type {kind or 'missing'})", NOT_JSON)
    if answer.body.startswith(BOM_UTF8):
        return Fault(f"{answer} with a byte order mark before its JSON, which many clients refuse", "byte order mark")
    return None if kind == "application/json" else Fault(f"{answer} with JSON of content type {kind!r}", "content type")


@observe("answer.documented-status")
def status_is_documented(watch: Watch, answer: Answer) -> Fault | None:
    """The status is one that the contract lists for the operation."""
    method = "GET" if answer.sent.method == "HEAD" else answer.sent.method
    operation = watch.document.match(method, answer.sent.target)
    if is_pretended(answer):
        return Fault(f"{answer} with an error in its body", PRETENDED)
    if 300 <= answer.status < 400:
        return Fault(f"{answer} and leads to {answer.header('location') or 'nowhere'}; no operation redirects", STATUS)
    if operation is None or answer.status >= 500:
        return None
    known = watch.document.detail(operation)["responses"]
    if str(answer.status) in known:
        return None
    return Fault(f"{answer}, documented are {', '.join(sorted(known))}", STATUS)


@observe("answer.schema")
def body_fits_schema(watch: Watch, answer: Answer) -> Fault | None:
    """The body matches the schema of its operation and status."""
    operation = watch.document.match(answer.sent.method, answer.sent.target)
    response = watch.document.response(operation, answer.status) if operation else None
    if operation is None or response is None or (answer.body and not answer.is_json):  # reported by answer.json
        return None
    if not answer.body:
        empty = response.get("content") and answer.succeeded
        return Fault(f"{answer} without a body", ENVELOPE, reach=BODY) if empty else None
    departure = _departure(watch.document, operation, answer.status, answer.body)
    wrapped = _wrapped(watch, answer, operation, departure)
    if wrapped or not departure:
        return wrapped
    if answer.status >= 400:
        cause = of_kind(departure.kind) or _error_cause(answer)
        return Fault(f"{answer} outside its schema at {departure}", cause, reach=REFUSAL)
    return in_schema(f"{answer} outside its schema at {departure}", departure)


@functools.lru_cache(maxsize=64)  # lists of specs are long, and the same in many responses
def _departure(document: Document, operation: DocumentedOperation, status: int, body: bytes) -> Departure | None:
    return document.departure(operation, status, parsed(body))


def _wrapped(watch: Watch, answer: Answer, operation: DocumentedOperation, departure: Departure | None) -> Fault | None:
    """The fault of a body that is inside another one: instead of its schema's, or with the members of earlier ones."""
    body, known = answer.json, watch.memory.setdefault("wrapped", {})
    form = ", ".join(sorted(body)) if isinstance(body, dict) else ""
    if not (form in known or (departure and departure.path == "$")):
        return None
    name = watch.document.wrapper(operation, answer.status, body, empty=form in known)
    if not name:
        return None
    known[form] = str(answer)
    members = departure.members if departure else frozenset(body[name])
    reach = BODY if answer.succeeded else REFUSAL
    return Fault(f"{answer} with its body inside the member {name!r}", of_kind(WRAPPED), members, reach)


def _error_cause(answer: Answer) -> str:
    """The cause of an error with a wrong body. A server error is a cause of its own."""
    return SERVER_ERROR if answer.status >= 500 else ERROR_BODY


@observe("answer.documented-headers")
def headers_are_there(watch: Watch, answer: Answer) -> Fault | None:
    """The headers that the contract lists for the status are present."""
    operation = watch.document.match(answer.sent.method, answer.sent.target)
    for name in watch.document.required_headers(operation, answer.status) if operation else ():
        if not answer.header(name):
            return Fault(f"{answer} without the header {name}", HEADER + name.lower())
    return None


@observe("answer.empty-body")
def no_content_is_empty(watch: Watch, answer: Answer) -> Fault | None:
    """204 and responses to HEAD have no body."""
    if answer.body and (answer.status == 204 or answer.sent.method == "HEAD"):
        cause = "unexpected body" if answer.is_json else NOT_JSON
        return Fault(f"{answer} with a body of {len(answer.body)} bytes, expected none", cause, reach=BODY)
    return None


@observe("answer.request-id-unique")
def request_id_is_unique(watch: Watch, answer: Answer) -> Fault | str | None:
    """Each response has its own `x-request-id`."""
    came = answer.header("x-request-id")
    if not came:
        return Fault(f"{answer} without the header x-request-id", HEADER + "x-request-id")
    if "," in came:
        return f"{answer} with the x-request-id {came!r}, expected one value"
    seen = watch.memory.setdefault("request-id", {})
    if came in seen:
        return f"{answer} with the x-request-id of an earlier response ({seen[came]})"
    seen[came] = str(answer)
    return None


@observe("error.envelope")
def error_has_one_of_the_bodies(watch: Watch, answer: Answer) -> Fault | None:
    """An error has the service's body, the gateway's, or the platform's for a wrong content type."""
    if answer.status < 400 or answer.sent.method == "HEAD":
        return None
    body = answer.json
    if not isinstance(body, dict):
        cause = NOT_JSON if answer.body and not answer.is_json else _error_cause(answer)
        return Fault(f"{answer} without an error body", cause, reach=REFUSAL)
    if _own_form(answer):
        return None
    if list(body) == _SERVICE or set(body) == _MEDIA_TYPE or _GATEWAY <= set(body) <= {*_GATEWAY, "title", "status"}:
        return None
    more = of_kind(added(body.keys() - set(_SERVICE))) if body.keys() > set(_SERVICE) else ""
    shown = ", ".join(body) or "no members"
    message = f"{answer} with {shown}; an error has {', '.join(_SERVICE)}, in order"
    return Fault(message, more or _error_cause(answer), reach=REFUSAL)


@observe("error.status-and-code-agree")
def error_status_agrees(watch: Watch, answer: Answer) -> Fault | None:
    """HTTP status, `status` and the suffix of the code are equal."""
    body = answer.json
    if answer.status < 400 or not isinstance(body, dict):
        return None
    said = body.get("status", answer.status)
    if str(said) != str(answer.status):  # its type is a matter of the schema
        return Fault(f"{answer} but its body says {body.get('status')}", STATUS)
    kind, gateway = str(body.get("type", "")), str(body.get("error_code", answer.status))
    suffix = kind.rpartition("-")[2] if kind.startswith(CODE_PREFIX) else gateway[:3]
    return None if suffix == str(answer.status) else Fault(f"{answer} with a code that means {suffix}", STATUS)


@observe("error.texts-equal")
def error_texts_are_equal(watch: Watch, answer: Answer) -> str | None:
    """`report.detailed-message`, `errorMessage` and `errorDetails` are equal."""
    body = answer.json
    if answer.status < 400 or not isinstance(body, dict) or not isinstance(body.get("report"), dict):
        return None
    if _own_form(answer):
        return None
    texts = {body["report"].get("detailed-message"), body.get("errorMessage"), body.get("errorDetails")}
    return None if len(texts) == 1 and texts != {None} else f"{answer} with texts that differ"


@observe("error.request-id")
def error_repeats_the_request_id(watch: Watch, answer: Answer) -> Fault | str | None:
    """`report.request-id` equals the response's `x-request-id`."""
    body = answer.json
    if answer.status < 400 or not isinstance(body, dict) or not isinstance(body.get("report"), dict):
        return None
    if _own_form(answer):
        return None
    came, header = body["report"].get("request-id"), answer.header("x-request-id")
    if not header:
        return Fault(f"{answer} without the header x-request-id", HEADER + "x-request-id")
    if "request-id" not in body["report"]:
        return Fault(f"{answer} without report.request-id", ERROR_BODY, reach=REFUSAL)
    return None if came == header else f"{answer} with report.request-id {came!r}, x-request-id is {header!r}"


def _own_form(answer: Answer) -> bool:
    """Whether the response is from a neighbouring service with its own form of errors, according to the contract."""
    return answer.sent.target.startswith(PLATFORM) and not answer.sent.target.startswith(_AS_FLOW_SERVICE)


@observe("secret.canary")
def canary_is_never_seen(watch: Watch, answer: Answer) -> Fault | None:
    """The password of this run's connections is in no response."""
    seen = watch.canary.encode() in answer.body or any(watch.canary in text for pair in answer.headers for text in pair)
    return Fault(f"{answer} with a stored password in it", "secret.canary", reach=SHOWN) if seen else None


@observe("etag.never-repeated")
def etag_is_never_repeated(watch: Watch, answer: Answer) -> Fault | None:
    """No two writes get the same etag, whichever entities they change."""
    body = answer.json
    if answer.sent.method == "GET" or answer.status not in (200, 201) or not isinstance(body, dict):
        return None
    if set(body) != {"id", "etag"}:
        return None
    seen, etag = watch.memory.setdefault("etag", {}), str(body["etag"])
    if etag in seen:
        watch.memory.setdefault("etags given twice", {})[etag] = True
        message = f"{answer} with an etag that was given before ({seen[etag]})"
        return Fault(message, ETAG_REPEATED, frozenset({"etag"}), WRITE)
    seen[etag] = str(answer)
    return None


@observe("etag.unchanged", by_id=True)
def an_etag_stays_until_the_next_write(watch: Watch, answer: Answer) -> Fault | None:
    """An entity has the etag of its last write in every response."""
    body = answer.json if answer.sent.method == "GET" and isinstance(answer.json, dict) else {}
    items = body.get("items")
    known = {str(item.get("id")) for item in (items if isinstance(items, list) else ()) if isinstance(item, dict)}
    unstable = known & watch.entities.unstable
    if not unstable:
        return None
    message = f"{answer} with another etag than that of the last write"
    cause = ETAG_REPEATED if unstable <= watch.entities.repeated else ETAG_CHANGES
    cause = HALF_DONE if unstable <= watch.entities.half_done else cause
    return Fault(message, cause, frozenset({"etag"}), WRITE)


@observe("if-match.compared", by_id=True)
def another_version_is_not_written(watch: Watch, answer: Answer) -> Fault | None:
    """A write under an etag that the server gave for another version, or another entity, is refused."""
    given = watch.memory.setdefault("given", {})
    entity_id = answer.sent.target.partition("?")[0].strip("/").partition("/")[2].lower()
    sent, current = answer.sent.header("if-match"), given.get(f"of {entity_id}", ())
    wrong = answer.succeeded and answer.sent.method == "PATCH" and current and sent not in current
    fault = wrong and sent in given
    body = answer.json
    items = body.get("items") if isinstance(body, dict) else None
    for holder in (body, *(items if isinstance(items, list) else ())):
        if isinstance(holder, dict) and isinstance(holder.get("etag"), str) and "id" in holder:
            known = str(holder["id"]).lower()
            former = watch.entities.is_former(str(holder["id"]), holder["etag"])
            before = () if holder is body else given.get(f"of {known}", ())
            given[f"of {known}"] = before if former else {*before, holder["etag"]}
            given[holder["etag"]] = ""
    message = f"{answer} under another etag than the current one of the entity"
    return Fault(message, IF_MATCH, reach=WRITE) if fault else None


@observe("etag.shape")
def etag_has_the_services_shape(watch: Watch, answer: Answer) -> Fault | None:
    """An etag has five groups in double quotes; the last one is the second of the write and four zeros."""
    body = answer.json
    if answer.status not in (200, 201) or not isinstance(body, dict):
        return None
    items = body.get("items")
    header = {"etag": answer.header("etag")}
    for holder in (body, header, *(items if isinstance(items, list) else ())):
        etag = holder.get("etag") if isinstance(holder, dict) else None
        if etag is not None and not _SHAPE.fullmatch(str(etag)):
            expected = '"xxxxxxxx-0000-0200-0000-xxxxxxxx0000" with its quotes'
            text = another_text("pattern", f"^{_ETAG}$", etag) if isinstance(etag, str) else of_type({"string"}, etag)
            cause = of_kind(text) or ETAG
            return Fault(f"{answer} with the etag {etag!r}, expected {expected}", cause, frozenset({"etag"}))
    return None


@observe("create.id-unique")
def new_ids_are_unique(watch: Watch, answer: Answer) -> Fault | None:
    """No two entities get the same id, in any sandbox."""
    body = answer.json
    if answer.sent.target.startswith("/data/") or (
        answer.sent.method != "POST"
        or "/search" in answer.sent.target
        or "/action" in answer.sent.target
        or answer.status != 201
        or not isinstance(body, dict)
    ):
        return None
    holder = body["items"][0] if isinstance(body.get("items"), list) and body["items"] else body  # a run's receipt
    seen = watch.memory.setdefault("id", {})
    entity_id = next((holder[name] for name in _IDS if isinstance(holder.get(name), str)), "")
    if entity_id and entity_id in seen:
        message = f"{answer} with an id that was given before ({seen[entity_id]})"
        return Fault(message, ID_REPEATED, reach=LIFE, wrong_values=frozenset({entity_id}))
    seen[entity_id] = str(answer)
    return None


_VOLATILE = ("lastRunDetails", "lastOperation", "runs", "metrics", "activities", "updatedAt")
"""Members that may change without a write to their entity: results of its runs."""
_SORTED = json.JSONEncoder(sort_keys=True)


@observe("entity.one-state", by_id=True)
def one_etag_is_one_entity(watch: Watch, answer: Answer) -> Fault | None:
    """An entity with the same etag is the same in every response."""
    body = answer.json
    items = body.get("items") if isinstance(body, dict) else None
    if not answer.succeeded or not isinstance(items, list) or (watch.canary and watch.canary.encode() in answer.body):
        return None  # what shows a secret differs in this
    seen = watch.memory.setdefault("entity", {})
    for item in items:
        if not isinstance(item, dict) or not {"id", "createdAt", "name"} <= item.keys():
            continue
        if "etag" not in item and str(item["id"]) in seen:
            message = f"{answer} without the etag that an earlier answer shows"
            return Fault(message, "entity.one-state", frozenset({"etag"}), ITEMS)
        if "etag" not in item or watch.entities.is_gone(str(item["id"])):  # its members depend on what else is left
            continue
        seen[str(item["id"])] = ""
        if not isinstance(item["etag"], str):  # reported by answer.schema
            continue
        key = f"{item['id']} {item['etag']}"
        shown = {name: value for name, value in item.items() if name not in _VOLATILE}
        now = _SORTED.encode(shown)
        before = seen.setdefault(key, now)
        if before != now:
            given = watch.memory.get("etags given twice", {})
            old = json.loads(before)
            absent = object()
            names = sorted(n for n in old.keys() | shown.keys() if old.get(n, absent) != shown.get(n, absent))
            message = f"{answer} with other {', '.join(names)} than an earlier answer, under the same etag"
            cause = ETAG_REPEATED if item["etag"] in given else "entity.one-state"
            return Fault(message, cause, frozenset(names))
    return None
