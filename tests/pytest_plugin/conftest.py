"""Loads modules that the runs of pytest in these tests share."""

import pytest
import requests  # noqa: F401  # half of it would be unloaded: what its parts know of each other is lost

from mockserver import Config, Emulator, scenarios
from mockserver.conformance import rules


@pytest.fixture(scope="session", autouse=True)
def modules_with_tables() -> None:
    """Load what registers itself in tables. Pytester unloads what a run in this process has loaded, and tables stay."""
    Emulator(Config())
    rules.load()
    scenarios.load()
