"""An empty store of each kind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mockserver.runtime import Runtime
from mockserver.state.places import open_store
from mockserver.state.store import Store


@pytest.fixture
def store(state: str | None) -> Iterator[Store]:
    opened = open_store(state, Runtime(1))
    yield opened
    opened.close()
