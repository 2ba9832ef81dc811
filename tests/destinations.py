"""Creates flows to destinations as in the tutorials."""

from __future__ import annotations

from typing import Any

from mockserver import Emulator
from tests.calls import made

PROFILE_STORE = "8a9c3494-9708-43d7-ae3f-cda01e5030e1"
ACTIVATION_LAKE = "23598e46-f560-407b-88d5-ea6207e49db0"
S3 = "4fce964d-3f37-408f-9778-e597338a21ee"
S3_DATASET_FLOW = "269ba276-16fc-47db-92b0-c1049a3c131f"
S3_SEGMENT_FLOW = "1a0514a6-33d4-4c7f-aff8-594799c47549"
UPS_FLOW = "71471eba-b620-49e4-90fd-23f1fa0174d8"


def spec(spec_id: str) -> dict[str, str]:
    """A reference to a connection spec or a flow spec."""
    return {"id": spec_id, "version": "1.0"}


def audience(segment_id: str, **schedule: str) -> dict[str, Any]:
    """A selector that exports one audience in full."""
    value: dict[str, Any] = {"id": segment_id, "name": f"Audience {segment_id}", "exportMode": "DAILY_FULL_EXPORT"}
    return {"type": "PLATFORM_SEGMENT", "value": {**value, **({"schedule": schedule} if schedule else {})}}


def transform(*selectors: Any, **params: Any) -> list[dict[str, Any]]:
    """The transformation of an export."""
    chosen = {"segmentSelectors": {"selectors": list(selectors)}, "profileSelectors": {"selectors": []}}
    return [{"name": "GeneralTransform", "params": {**chosen, **params}}]


def s3_target(emulator: Emulator, **params: Any) -> str:
    """A target connection of Amazon S3 with its base connection."""
    auth = {"specName": "Access Key", "params": {"s3AccessKey": "reader", "s3SecretKey": "c4n4ry-s3cret"}}
    base = made(emulator, {"name": "Amazon S3 base connection", "auth": auth, "connectionSpec": spec(S3)})["id"]
    place = {"mode": "Server-to-server", "bucketName": "exports", "path": "audiences", "compression": "NONE"}
    body = {"name": "Amazon S3", "baseConnectionId": base, "params": {**place, **params}, "connectionSpec": spec(S3)}
    return made(emulator, body, "/targetConnections")["id"]


def profiles(emulator: Emulator) -> str:
    """A source connection of the profile store."""
    body = {"name": "Connect to Profile Store", "connectionSpec": spec(PROFILE_STORE)}
    return made(emulator, body, "/sourceConnections")["id"]


def data_sets(emulator: Emulator, *ids: str) -> str:
    """A source connection of data sets of the data lake."""
    chosen = [{"dataSetId": data_set, "name": f"Data set {data_set}"} for data_set in ids]
    body = {"name": "Data lake", "params": {"datasets": chosen}, "connectionSpec": spec(ACTIVATION_LAKE)}
    return made(emulator, body, "/sourceConnections")["id"]


def exporting(emulator: Emulator, flow_spec: str = S3_SEGMENT_FLOW, **changes: Any) -> dict[str, str]:
    """Create a flow from the profile store to Amazon S3; returns the receipt."""
    flow = {
        "name": "Audiences to Amazon S3",
        "flowSpec": spec(flow_spec),
        "sourceConnectionIds": [profiles(emulator)],
        "targetConnectionIds": [s3_target(emulator, fileType="CSV")],
        "transformations": transform(),
    }
    return made(emulator, {**flow, **changes}, "/flows")
