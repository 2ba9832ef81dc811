"""A server for HTTP clients, shared by all tests and reset for each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import mockserver
from contracts.clients import Service
from mockserver.clients.service import FlowService


@pytest.fixture(scope="session")
def running() -> Iterator[FlowService]:
    with mockserver.flow_service() as server:
        yield server


@pytest.fixture
def server(running: FlowService) -> FlowService:
    running.reset()
    return running


@pytest.fixture
def service(server: FlowService) -> Service:
    """The server as used by clients of `contracts/clients/`."""
    return Service.at(server.url, {})


@pytest.fixture(scope="session")
def ca_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ca")


@pytest.fixture(autouse=True)
def no_authority_at_home(ca_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the certificate authority of commands in the tests' folder."""
    monkeypatch.setenv("MOCKSERVER_CA_FOLDER", str(ca_folder))
