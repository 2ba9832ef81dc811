"""Tests that requests to other services of Adobe's host are judged by what those services say, and told once."""

from typing import Any

import pytest

from mockserver.conformance import Level
from tests.conformance.client import Client

ELSEWHERE = {
    "merge policies": ("GET", "/data/core/ups/config/mergePolicies"),
    "segments": ("POST", "/data/core/ups/segment/definitions"),
    "queries": ("GET", "/data/foundation/query/queries"),
    "privacy jobs": ("GET", "/data/core/privacy/jobs"),
    "identities": ("GET", "/data/core/identity/cluster/members"),
    "metrics": ("POST", "/data/infrastructure/observability/insights/metrics"),
    "data hygiene": ("POST", "/data/core/hygiene/workorder"),
    "sandbox packages": ("GET", "/data/foundation/exim/packages"),
    "batch ingestion": ("POST", "/data/foundation/import/batches"),
    "a list that is not emulated": ("GET", "/data/foundation/catalog/dataSetViews"),
    "a method that is not emulated": ("PUT", "/data/foundation/schemaregistry/tenant/schemas/x"),
    "a container that is not emulated": ("GET", "/data/foundation/schemaregistry/global/unions"),
}


@pytest.mark.parametrize("case", ELSEWHERE)
def test_what_is_not_emulated_is_no_mistake_of_the_client(case: str) -> None:
    method, path = ELSEWHERE[case]
    client = Client()
    answer = client.send(method, path, {} if method in ("POST", "PUT") else None)
    assert answer.status == 501, answer
    [found] = client.judged().findings
    assert (found.rule, found.level) == ("call.not-emulated", Level.INFO), found
    assert not client.emulator.journal.entries()[0].violations


def test_a_client_of_other_services_alone_has_not_been_judged() -> None:
    client = Client()
    client.token()
    client.send("GET", "/data/core/ups/config/mergePolicies")
    assert not client.judged().judged
    client.send("GET", "/flows")
    assert client.judged().judged


@pytest.mark.parametrize(
    "path",
    [
        "/data/foundation/flow-service/connections",
        "/data/foundation/flowservices/flows",
        "/data/foundation",
        "/data/x/y",
    ],
)
def test_a_misspelt_path_of_flow_service_is_still_told(path: str) -> None:
    client = Client()
    assert client.send("GET", path).status == 404
    assert [one.rule for one in client.judged().findings] == ["path.unknown"]


REGISTRY, CATALOG = "/data/foundation/schemaregistry", "/data/foundation/catalog"
SCHEMA = {"type": "object", "title": "Visits", "allOf": []}
REFUSED: dict[str, tuple[str, str, Any, str]] = {
    "a list without its media type": ("GET", f"{REGISTRY}/tenant/schemas", None, "The supplied Accept header"),
    "a schema without its version": ("GET", f"{REGISTRY}/tenant/schemas/x", None, "Version should be specified"),
    "a schema without a class": ("POST", f"{REGISTRY}/tenant/schemas", SCHEMA, "/allOf: expected a reference to a cl"),
    "a global schema": ("POST", f"{REGISTRY}/global/schemas", SCHEMA, "global/schemas cannot be written to"),
    "an unknown data set": ("GET", f"{CATALOG}/dataSets/x", None, "There is no dataSet x"),
    "a preview without rows": (
        "POST",
        "/data/foundation/conversion/mappingSets/preview",
        {"data": [1], "mappingSet": {"mappings": []}},
        "data: expected objects",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_of_another_service_is_told_once_in_its_words(case: str) -> None:
    method, path, body, says = REFUSED[case]
    client = Client()
    answer = client.send(method, path, body)
    assert 400 <= answer.status < 500, answer
    [found] = client.judged().findings
    assert found.rule == "call.refused" and says in found.detail, found
