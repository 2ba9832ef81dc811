"""Redocly's linter finds nothing in `openapi.yaml`, and each example passes Prism and our server, one before the other.

`make clients` runs this, and sets GENERATORS=all; these tools take too long to install and to start for every test run.
"""

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from mockserver.clients.service import FlowService, flow_service
from tests.calls import HEADERS
from tests.clients.test_generated_clients import DOCUMENT, ORVAL
from tests.contract.test_examples import prepared, requests
from tests.intercept.test_clients_of_others import installed

SECONDS = 120


def test_redocly_finds_nothing_by_its_strict_rules(tmp_path: Path) -> None:
    program = installed(ORVAL / ".bin" / "redocly")
    command = [program, "lint", "--extends", "recommended-strict", str(DOCUMENT)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def service() -> Iterator[FlowService]:
    with flow_service(service_clients=(HEADERS["x-api-key"],)) as running:
        yield running


@pytest.fixture(scope="module")
def prism(service: FlowService) -> Iterator[str]:
    """Prism in front of the server, told to turn every violation into an error; its URL."""
    program = installed(ORVAL / ".bin" / "prism")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = [program, "proxy", "--host", "127.0.0.1", "--port", str(port), "--errors", str(DOCUMENT), service.url]
    with tempfile.TemporaryFile("w+") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        log.seek(0)
        assert process.poll() is None, log.read()
        yield f"http://127.0.0.1:{port}"
        process.terminate()


@pytest.mark.parametrize(("method", "path", "operation", "body"), list(requests()))
def test_prism_and_the_server_accept_an_example(
    service: FlowService, prism: str, method: str, path: str, operation: Any, body: Any
) -> None:
    """Those of neighbouring services too: the server behind Prism has them."""
    example = prepared(service.emulator, path, operation, body)
    headers = {**HEADERS, **example.headers}
    answer = httpx.request(
        method, prism + example.path, params=example.query, json=example.body, headers=headers, timeout=SECONDS
    )
    assert answer.status_code < 300, answer.text
    assert "sl-violations" not in answer.headers


@pytest.mark.parametrize("path", ["/connections", "/data/foundation/catalog/dataSets"])
def test_prism_reads_the_contract_of_neighbouring_services_too(prism: str, path: str) -> None:
    """It refuses with 422, which our server never does."""
    answer = httpx.post(prism + path, json=7, headers=HEADERS, timeout=SECONDS)
    assert answer.status_code == 422 and "request" in answer.text, answer.text
