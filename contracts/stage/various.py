"""Entities of different connectors: a database, files, a stream, and profiles that are exported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from contracts.findings.verdicts import untestable
from contracts.stage import Made, Stage
from contracts.stage.kinds import GENERIC_STREAMING, HTTP_API, SHOPIFY_STREAMING

AMAZON_S3 = "ecadc60c-7455-4d87-84dc-2a0e293d997b"
S3_DESTINATION = "4fce964d-3f37-408f-9778-e597338a21ee"
PROFILES = "8a9c3494-9708-43d7-ae3f-cda01e5030e1"
XDM_STREAMING = "d8a6f005-7eaf-4153-983e-e8574508b877"
EXPORT = "269ba276-16fc-47db-92b0-c1049a3c131f"


def various(stage: Stage, kind: str) -> list[Made]:
    """Two ordinary entities of a collection, and two of each other connector."""
    if stage.connection is not None:
        untestable("the connection is the operator's own")
    return [entity for _ in range(2) for entity in (stage.make(kind), *(make(stage) for make in _OTHERS[kind]))]


def spec(spec_id: str) -> dict[str, str]:
    """The reference to a connection spec or flow spec."""
    return {"id": spec_id, "version": "1.0"}


def bucket(stage: Stage) -> Made:
    """A base connection to Amazon S3."""
    auth = {"specName": "Access Key", "params": {"s3AccessKey": "reader", "s3SecretKey": stage.canary}}
    return stage.make("connections", auth=auth, connectionSpec=spec(AMAZON_S3))


def open_inlet(stage: Stage, **params: Any) -> Made:
    """A base connection that receives messages."""
    auth = {"specName": "Streaming Connection", "params": {"dataType": "xdm", **params}}
    return stage.make("connections", auth=auth, connectionSpec=spec(HTTP_API))


def profiles(stage: Stage, **changes: Any) -> Made:
    """A source connection of the profile store, without a base connection unless given."""
    return stage.make(
        "sourceConnections",
        **{"connectionSpec": spec(PROFILES), "baseConnectionId": None, "data": None, "params": None, **changes},
    )


def webhook(stage: Stage) -> Made:
    """A source connection that receives objects of any form."""
    return stage.make(
        "sourceConnections",
        baseConnectionId=None,
        connectionSpec=spec(SHOPIFY_STREAMING),
        data={"format": "json"},
        params=None,
    )


def untransformed(stage: Stage) -> Made:
    """A flow of messages that are XDM already."""
    source = stage.make(
        "sourceConnections",
        baseConnectionId=open_inlet(stage).id,
        connectionSpec=spec(HTTP_API),
        params={},
    )
    return stage.make(
        "flows",
        flowSpec=spec(XDM_STREAMING),
        sourceConnectionIds=[source.id],
        transformations=[],
        scheduleParams=None,
    )


def streaming(stage: Stage) -> Made:
    """A flow of a webhook."""
    source = webhook(stage)
    return stage.make("flows", flowSpec=spec(GENERIC_STREAMING), sourceConnectionIds=[source.id], scheduleParams=None)


def export(stage: Stage) -> Made:
    """A flow of profiles to Amazon S3 without audiences."""
    chosen: dict[str, Any] = {"segmentSelectors": {"selectors": []}, "profileSelectors": {"selectors": []}}
    return stage.make(
        "flows",
        flowSpec=spec(EXPORT),
        sourceConnectionIds=[profiles(stage).id],
        targetConnectionIds=[_destination(stage).id],
        transformations=[{"name": "GeneralTransform", "params": chosen}],
        scheduleParams=None,
    )


def _files(stage: Stage) -> Made:
    return stage.make(
        "sourceConnections",
        baseConnectionId=bucket(stage).id,
        connectionSpec=spec(AMAZON_S3),
        data={"format": "delimited"},
        params={"path": "/orders.csv", "type": "file"},
    )


def _destination(stage: Stage) -> Made:
    params = {"bucketName": "exports", "path": "audiences"}
    return stage.make("targetConnections", connectionSpec=spec(S3_DESTINATION), params=params, data=None)


_OTHERS: Mapping[str, tuple[Callable[[Stage], Made], ...]] = {
    "connections": (bucket, open_inlet),
    "sourceConnections": (_files, webhook, profiles),
    "targetConnections": (_destination,),
    "flows": (streaming, untransformed, export),
}
