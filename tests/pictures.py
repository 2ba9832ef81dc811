"""Takes the pictures of the documentation from a seeded server: `make pictures` writes `docs/pictures/`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import Browser

from mockserver import Emulator
from tests import tour
from tests.browsers import chromium, looking, served

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "pictures"
MAX_BYTES, MAX_ALL_BYTES = 150_000, 1_500_000

_SIZE = {"width": 1040, "height": 620}
_CONSOLE = ("now", "calls", "call", "resource", "flow", "source", "specs", "control", "settings", "fidelity")
"""Pages of the console that have a picture by their own name."""


def _take(browser: Browser, url: str, state: str, file: Path) -> None:
    complaints: list[str] = []
    with looking(browser, state, complaints) as page:
        if state != "narrow":
            page.set_viewport_size(_SIZE)  # type: ignore[arg-type]
        page.goto(url)
        page.screenshot(path=file, animations="disabled")
    assert not complaints, complaints


def take(folder: Path) -> dict[str, int]:
    """Write every picture into a folder; name -> bytes."""
    seeded = tour.seeded()
    for name, text in tour.reports(seeded.emulator).items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    new = Emulator(tour.settings())
    with chromium() as browser, served(seeded.emulator) as url, served(new) as empty:
        wanted = {name: (url + seeded.pages[name], "light") for name in _CONSOLE}
        wanted |= {file.stem: (file.as_uri(), "light") for file in sorted(folder.glob("*.html"))}
        wanted["resources"] = (url + seeded.pages["runs"], "light")
        wanted["first-call"] = (empty + seeded.pages["now"], "light")
        wanted |= {f"now-{state}": (url + seeded.pages["now"], state) for state in ("dark", "narrow")}
        for name, (address, state) in wanted.items():
            _take(browser, address, state, folder / f"{name}.png")
    return {name: (folder / f"{name}.png").stat().st_size for name in wanted}


def main() -> None:
    """Take them, and refuse what is too large for a repository."""
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
