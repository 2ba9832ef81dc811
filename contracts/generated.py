"""Generated requests: placeholder until the phases are wired."""

from __future__ import annotations

from typing import Any


def run(run: Any) -> None:
    """Nothing yet."""
