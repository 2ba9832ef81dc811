"""Fixtures of commands: an authority in the tests' folder, and no object kept from the garbage collector."""

import gc
from collections.abc import Iterator

import pytest

from tests.conformance.conftest import ca_folder, no_authority_at_home

__all__ = ["ca_folder", "no_authority_at_home"]


@pytest.fixture
def nothing_is_frozen_before() -> Iterator[None]:
    """Otherwise the collected tests are: see `pytest_collection` in `tests/conftest.py`."""
    thresholds = gc.get_threshold()
    gc.unfreeze()
    yield
    gc.freeze()
    gc.set_threshold(*thresholds)
