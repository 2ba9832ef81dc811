"""Checks of inlets of HTTP API connections and flows: accepted and refused messages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from contracts.checks.next_door import PERSON, schema
from contracts.findings.verdicts import expect, same, untestable
from contracts.registry import check
from contracts.stage import Stage
from contracts.stage.expectations import succeeded
from contracts.stage.various import open_inlet, streaming
from contracts.wire import Answer

COLLECTION = "/collection/"
BATCH = COLLECTION + "batch/"
_ONE, _SEVERAL = "sendMessage", "postBatchOfStreamingMessages"
_SENDER = dict.fromkeys(("Authorization", "x-api-key", "x-gw-ims-org-id", "x-sandbox-name"))
"""Headers that senders of messages do not have."""
_NO_SCHEMA = "https://ns.adobe.com/acme/schemas/52b59140"
_REFUSED = "http://ns.adobe.com/adobecloud/problem/data-collection-service/inlet"


@check("inlet.shown", operations=("createConnection", "retrieveConnection"))
def an_http_api_connection_shows_its_inlet(stage: Stage) -> None:
    """`inletUrl` ends with `inletId`; `sourceId` and `name` are the connection's name."""
    with _connection(stage) as shown:
        params = shown["auth"]["params"]
        expect(params["inletUrl"].endswith(COLLECTION + params["inletId"]), "inletUrl does not end with the inletId")
        same((params["sourceId"], params["name"]), (shown["name"], shown["name"]), "sourceId and name")
        same(params["authenticationRequired"], False, "authenticationRequired")


@check("inlet.takes", operations=(_ONE,))
def an_inlet_takes_a_message_from_anybody(stage: Stage) -> None:
    """A message needs no gateway headers; the receipt names the inlet."""
    with _connection(stage) as shown:
        inlet = shown["auth"]["params"]["inletId"]
        receipt = succeeded(_sent(stage, COLLECTION + inlet, _message()))
        same(receipt["inletId"], inlet, "inletId of the receipt")
        expect(bool(receipt["xactionId"]) and receipt["receivedTimeMs"] > 0, "a receipt without xactionId or time")
        expect(bool(receipt.get("syncValidation")), "a receipt that does not say that validation was skipped")
        validated = _sent(stage, f"{COLLECTION}{inlet}?syncValidation=true", _message())
        refused = (validated.status, validated.json.get("type")) == (400, _REFUSED)  # where the schema does not exist
        if not refused:
            same(succeeded(validated).get("syncValidation"), {"status": "pass"}, "outcome of synchronous validation")


@check("inlet.validates", operations=(_ONE, "createXdmResource"))
def an_event_is_held_against_its_schema(stage: Stage) -> None:
    """With `syncValidation`, an event of a schema that exists passes; one with a wrong type is refused."""
    with schema(stage, PERSON) as made, _connection(stage) as shown:
        at = f"{COLLECTION}{shown['auth']['params']['inletId']}?syncValidation=true"
        event = _message(schema_id=made["$id"])
        same(succeeded(_sent(stage, at, event)).get("syncValidation"), {"status": "pass"}, "outcome of a valid event")
        event["body"]["xdmEntity"] = {"_id": 1}
        answer = _sent(stage, at, event)
        same((answer.status, answer.json.get("type")), (400, _REFUSED), "status and type for an invalid event")


@check("inlet.refuses", operations=(_ONE,))
def an_inlet_refuses_what_is_no_message(stage: Stage) -> None:
    """A message without body, or of another organisation, gets 400 in the form of data collection."""
    with _connection(stage) as shown:
        at = COLLECTION + shown["auth"]["params"]["inletId"]
        _sent(stage, at, _message())
        for event in ({"header": _message()["header"]}, _message(imsOrgId="another@AdobeOrg")):
            answer = _sent(stage, at, event)
            same((answer.status, answer.json.get("type")), (400, _REFUSED), "status and type of the refusal")


@check("inlet.each-of-several", operations=(_SEVERAL,))
def each_of_several_messages_has_its_own_outcome(stage: Stage) -> None:
    """Several messages get 207 with an xactionId or a refusal for each, in order."""
    with _connection(stage) as shown:
        inlet = shown["auth"]["params"]["inletId"]
        messages = [_message(), {"header": _message()["header"]}, _message(), _message()]
        answer = _sent(stage, BATCH + inlet, {"messages": messages})
        same(answer.status, 207, "status of several messages")
        same(answer.json["inletId"], inlet, "inletId of several messages")
        outcomes = answer.json["responses"]
        found = [(bool(one.get("xactionId")), one.get("statusCode"), bool(one.get("message"))) for one in outcomes]
        taken, refused = (True, None, False), (False, 400, True)
        same(found, [taken, refused, taken, taken], "xactionId, statusCode and message of each message")


@check("inlet.token", operations=(_ONE,))
def an_authenticated_inlet_wants_a_token(stage: Stage) -> None:
    """An event without a token gets 401 with the status as text, as printed on its page."""
    with _connection(stage, authenticationRequired=True) as shown:
        answer = _sent(stage, COLLECTION + shown["auth"]["params"]["inletId"], _message())
        same((answer.status, answer.json.get("status")), (401, "401"), "status of an event without a token")


@check("inlet.of-a-webhook", operations=("createFlow", "retrieveFlow", _ONE))
def a_flow_of_a_webhook_has_an_inlet(stage: Stage) -> None:
    """Its options have the inletUrl, which takes any object, and the receipt names the inlet."""
    flow = streaming(stage)
    url = stage.read(flow).get("options", {}).get("inletUrl")
    expect(isinstance(url, str) and url.startswith("https://"), "a flow of a webhook has no options.inletUrl")
    receipt = succeeded(_sent(stage, urlsplit(url).path, {"name": "Ada"}))
    same(receipt["inletId"], url.rpartition("/")[2], "inletId of the receipt", rule="inlet.takes")


def _message(schema_id: str = _NO_SCHEMA, **header: Any) -> dict[str, Any]:
    reference = {"id": schema_id, "contentType": "application/vnd.adobe.xed+json;version=1"}
    return {
        "header": {"schemaRef": reference, **header},
        "body": {"xdmMeta": {"schemaRef": reference}, "xdmEntity": {"_id": "1"}},
    }


def _sent(stage: Stage, target: str, body: Any) -> Answer:
    answer = stage.call("POST", target, body, headers=_SENDER)
    if answer.status == 404:
        untestable("the inlet was not found: it may be on another host")
    return answer


@contextmanager
def _connection(stage: Stage, **params: Any) -> Iterator[dict[str, Any]]:
    """A streaming connection as shown by a look-up; deleted afterwards."""
    yield stage.read(open_inlet(stage, **params))
