"""Takes the pictures of the documentation from a seeded server: `make pictures` writes `docs/pictures/`.

Beside one picture of each page, there is a sheet of it in all states: of a new server, light, dark and narrow.
"""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path

from playwright.sync_api import Browser

from mockserver import Emulator
from tests import tour
from tests.browsers import STATES, chromium, looking, served

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "pictures"
SHEETS = FOLDER / "states"
MAX_BYTES, MAX_ALL_BYTES = 150_000, 3_000_000

_SIZE = {"width": 1040, "height": 620}
_CONSOLE = ("now", "calls", "call", "resource", "flow", "source", "specs", "control", "settings", "fidelity")
"""Pages of the console that have a picture by their own name."""


_SHEET = """<style>body {{ margin: 0; padding: 8px; background: #fff; font: 15px sans-serif }}
main {{ display: inline-flex; gap: 8px }} figure {{ margin: 0 }}
img {{ display: block; height: 290px; border: 1px solid #999 }}
</style><main>{}</main>"""
_TILE = '<figure><figcaption>{}</figcaption><img src="data:image/png;base64,{}"></figure>'


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


def sheets(folder: Path) -> dict[str, int]:
    """Write a sheet for each page of the console into a folder; name -> bytes."""
    seeded, sizes = tour.seeded(), {}
    tile = folder / "tile.png"
    with chromium() as browser, served(seeded.emulator) as url, served(Emulator(tour.settings())) as new:
        for name, path in seeded.pages.items():
            shots = [(state, url + path, state) for state in STATES]
            if name in tour.empty_pages():
                shots += [("new server", new + path, "light"), ("new server, narrow", new + path, "narrow")]
            tiles = []
            for caption, address, state in shots:
                _take(browser, address, state, tile)
                tiles.append(_TILE.format(caption, base64.b64encode(tile.read_bytes()).decode()))
            page = browser.new_page(viewport={"width": 2000, "height": 400})
            page.set_content(_SHEET.format("".join(tiles)))
            page.locator("main").screenshot(path=folder / f"{name}.jpg", type="jpeg", quality=60)
            page.close()
            sizes[name] = (folder / f"{name}.jpg").stat().st_size
    return sizes


def main() -> None:
    """Take them, and refuse what is too large for a repository."""
    with tempfile.TemporaryDirectory() as made_here:
        here = Path(made_here)
        sizes = take(here)
        of_sheets = sheets(here)
        too_large = [name for name, size in {**sizes, **of_sheets}.items() if size > MAX_BYTES]
        bytes_ = sum(sizes.values()) + sum(of_sheets.values())
        if too_large or bytes_ > MAX_ALL_BYTES:
            raise SystemExit(f"too large: {', '.join(too_large) or 'all together'}")
        SHEETS.mkdir(parents=True, exist_ok=True)
        for name in sizes:
            (FOLDER / f"{name}.png").write_bytes((here / f"{name}.png").read_bytes())
        for name in of_sheets:
            (SHEETS / f"{name}.jpg").write_bytes((here / f"{name}.jpg").read_bytes())
    print(f"{len(sizes) + len(of_sheets)} pictures, {bytes_ // 1000} kB, in {FOLDER.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
