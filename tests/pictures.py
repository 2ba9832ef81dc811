"""`make pictures`: takes the pictures of the documentation from a seeded server and writes `docs/pictures/`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from mockserver import Config, Emulator
from tests.browsers import chromium, looking, served
from tests.calls import connection, made, send, source, target
from tests.dataflows import COPY, MAPPING, flow, pass_time, runs_of

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "pictures"
MAX_BYTES, MAX_ALL_BYTES = 150_000, 1_500_000

_SIZE = {"width": 1200, "height": 760}
_PAGES: dict[str, tuple[str, str]] = {
    "now": ("/_mock/", "light"),
    "now-dark": ("/_mock/", "dark"),
    "now-narrow": ("/_mock/", "narrow"),
    "first-call": ("/_mock/", "empty"),
    "calls": ("/_mock/console/calls", "light"),
    "resources": ("/_mock/console/resources?kind=runs", "light"),
}
"""Name of a picture -> page and the state of the browser."""


def seed(emulator: Emulator) -> None:
    """Run a client with a few mistakes."""
    base = connection("Shop events, PostgreSQL")
    base["auth"]["params"]["server"] = "events.example.com"
    base_id = made(emulator, base)["id"]
    reads = source(base_id, name="Page views", params={"tableName": "public.events"})
    read = made(emulator, reads, "/sourceConnections")["id"]
    written = made(emulator, target(name="Web events data set"), "/targetConnections")["id"]
    copy = {**COPY, "params": {"deltaColumn": {"name": "updated_at"}}}
    start = str(emulator.runtime.clock.now_ms() // 1000)
    body = flow(
        emulator, name="Page views to the data lake", sourceConnectionIds=[read], targetConnectionIds=[written],
        transformations=[copy, MAPPING], scheduleParams={"startTime": start, "frequency": "minute", "interval": "15"},
    )  # fmt: skip
    flow_id = made(emulator, body, "/flows")["id"]
    pass_time(emulator, 7 * 3_600_000 + 600_000)
    runs_of(emulator, flow_id)
    send(emulator, "GET", "/connections?limit=1000")
    send(emulator, "GET", f"/connections/{base_id}", headers={"x-sandbox-name": None})
    send(emulator, "PATCH", f"/connections/{base_id}", [{"op": "replace", "path": "/name", "value": "Shop"}])
    send(emulator, "GET", f"/flows/{flow_id}")
    emulator.faults.strike("rate-limit", "2", operation="listFlows", times=3)
    send(emulator, "GET", "/flows")
    emulator.runtime.clock.freeze()


def _take(browser: Browser, url: str, name: str, state: str, folder: Path) -> None:
    complaints: list[str] = []
    shown = "light" if state == "empty" else state
    with looking(browser, shown, complaints) as page:
        if shown != "narrow":
            page.set_viewport_size(_SIZE)  # type: ignore[arg-type]
        page.goto(url)
        page.screenshot(path=folder / f"{name}.png", animations="disabled")
    assert not complaints, complaints


def take(folder: Path) -> dict[str, int]:
    """Write every picture into a folder; returns name -> bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    settings: dict[str, Any] = {"seed": 1, "log": "none"}
    full = Emulator(Config(sources="examples/sources.yaml", **settings))
    seed(full)
    with chromium() as browser, served(full) as url, served(Emulator(Config(**settings))) as empty:
        for name, (path, state) in _PAGES.items():
            _take(browser, (empty if state == "empty" else url) + path, name, state, folder)
    return {name: (folder / f"{name}.png").stat().st_size for name in _PAGES}


def main() -> None:
    """Take the pictures; fail if one is too large for the repository."""
    with tempfile.TemporaryDirectory() as made_here:
        sizes = take(Path(made_here))
        too_large = [name for name, size in sizes.items() if size > MAX_BYTES]
        if too_large or sum(sizes.values()) > MAX_ALL_BYTES:
            raise SystemExit(f"too large: {', '.join(too_large) or 'all together'}")
        FOLDER.mkdir(parents=True, exist_ok=True)
        for name in sizes:
            (FOLDER / f"{name}.png").write_bytes((Path(made_here) / f"{name}.png").read_bytes())
    print(f"{len(sizes)} pictures, {sum(sizes.values()) // 1000} kB, in {FOLDER.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
