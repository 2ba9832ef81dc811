"""A shared certificate authority, and an emulator that is reached by Adobe's host names."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mockserver.clients.program import PrivateServer, variables
from mockserver.config import Config
from mockserver.emulator import Emulator
from mockserver.intercept.interception import Interception, of_emulator


@dataclass(frozen=True)
class Intercepted:
    """What a test of a client needs."""

    emulator: Emulator
    interception: Interception
    url: str

    def environment(self, **given: str) -> dict[str, str]:
        """A client's environment, with nothing of the machine's except the path to programs."""
        return self.interception.environment(variables(self.url, {"PATH": os.environ["PATH"], **given}))


@pytest.fixture(scope="session")
def ca_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ca")


@pytest.fixture(scope="module")
def running(ca_folder: Path) -> Iterator[Intercepted]:
    config = Config(log="none", ca_folder=str(ca_folder))
    with PrivateServer(config) as server, of_emulator(server.emulator) as interception:
        yield Intercepted(server.emulator, interception, server.url)


@pytest.fixture
def intercepted(running: Intercepted) -> Intercepted:
    running.emulator.reset()
    return running
