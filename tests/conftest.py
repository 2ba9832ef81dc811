"""What every test gets: no proxy between it and loopback, and Hypothesis without a clock in its verdicts."""

import os

import pytest
from hypothesis import settings

from mockserver import Config, Emulator

os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost,::1"

settings.register_profile("project", deadline=None)
settings.load_profile("project")


@pytest.fixture
def emulator() -> Emulator:
    """A seeded emulator in memory, new for each test."""
    return Emulator(Config(seed=1))
