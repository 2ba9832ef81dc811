"""The console and the reports in Chromium: looks, accessibility, keyboard, and what every click does."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from mockserver import Config, Emulator
from tests import tour
from tests.browsers import NARROW, WIDE, chromium, looking, served
from tests.calls import HEADERS, connection
from tests.programs import needs
from tests.tour import Seeded

pytestmark = [pytest.mark.slow, needs("chromium")]

AXE = Axe().axe_script
ONE_OF_EACH = """
(() => {
  const kinds = new Map(), kindOf = new WeakMap(), found = new Map();
  const kind = one => {
    if (!one) return 0;
    if (!kindOf.has(one)) {
      const style = getComputedStyle(one);
      const {color, backgroundColor, backgroundImage, opacity, fontSize, fontWeight} = style;
      const parts = [color, backgroundColor, backgroundImage, opacity, fontSize, fontWeight];
      const all = [kind(one.parentElement), ...parts].join("|");
      if (!kinds.has(all)) kinds.set(all, kinds.size + 1);
      kindOf.set(one, kinds.get(all));
    }
    return kindOf.get(one);
  };
  for (const one of document.body.querySelectorAll("*"))
    if (one.matches("input, select, textarea") || [...one.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
      if (!found.has(kind(one))) found.set(kind(one), one);
  return [...found.values()];
})()
"""
"""One of the elements with text that have the same colours and size, on the same backgrounds."""
TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


class Place:
    """One browser and two servers for all tests of this module: one with something to see, and a new one."""

    def __init__(self, browser: Browser, seeded: Seeded, full: str, emulator: Emulator, empty: str) -> None:
        self.browser, self.seeded, self.full = browser, seeded, full
        self.emulator, self.empty = emulator, empty


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Name -> address of each report in the file system."""
    folder = tmp_path_factory.mktemp("reports")
    texts = tour.reports(tour.seeded().emulator)
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: (folder / f"{name}.html").as_uri() for name in texts}


@pytest.fixture(scope="module")
def place(reports: dict[str, str]) -> Iterator[Place]:
    del reports  # made before Playwright's loop runs in this thread
    seeded, emulator = tour.seeded(), Emulator(tour.settings())
    with chromium() as browser, served(seeded.emulator) as full, served(emulator) as empty:
        yield Place(browser, seeded, full, emulator, empty)


@pytest.fixture(scope="module")
def window(place: Place) -> Iterator[tuple[Page, list[str]]]:
    """A page for all tests, because each new one takes a second of CPU time, and what the browser complains of."""
    complaints: list[str] = []
    with looking(place.browser, "light", complaints) as page:
        yield page, complaints


@pytest.fixture
def complaints(window: tuple[Page, list[str]]) -> list[str]:
    window[1].clear()
    return window[1]


@pytest.fixture
def page(window: tuple[Page, list[str]], place: Place, complaints: list[str]) -> Iterator[Page]:
    """A page like new in a browser that runs scripts, beside a new server. What the browser complains of fails."""
    page = window[0]
    page.goto("about:blank")
    page.context.clear_cookies()
    page.context.clear_permissions()
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    place.emulator.reset()
    yield page
    assert complaints == []


def faults(page: Page, state: str, rules: list[str] | None = None, of: str = "document") -> Iterator[str]:
    """What axe has against a page or some elements as they stand, one line an element."""
    # no rule that is run asks for style sheets and videos, which axe would fetch once more
    options: dict[str, Any] = {"resultTypes": ["violations"], "preload": False, **({"runOnly": rules} if rules else {})}
    for found in page.evaluate(f"axe.run({of}, {json.dumps(options)})")["violations"]:
        for node in found["nodes"]:
            yield f"{state}: {found['id']} at {node['target']}: {node['failureSummary']}"


def seen(page: Page, address: str) -> list[str]:
    """What is wrong with a page, light and dark, wide and narrow."""
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    page.goto(address)
    page.evaluate(AXE)
    wrong = [*faults(page, "light"), *(["wide: scrolls sideways"] if page.evaluate(TOO_WIDE) else [])]
    page.emulate_media(color_scheme="dark")
    wrong += faults(page, "dark", ["color-contrast"], ONE_OF_EACH)  # what else is behind a text is the same
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    wrong += faults(page, "narrow", ["scrollable-region-focusable"])
    return [*wrong, *(["narrow: scrolls sideways"] if page.evaluate(TOO_WIDE) else [])]


def said(page: Page) -> str:
    """What a page says in a wide window, without what only scripts can do."""
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    return re.sub(r"\b(Copy( the [\w ]*)?|Live|Pause|Reload)\b|\s", "", page.inner_text("main"))


@pytest.fixture(scope="module")
def visited(window: tuple[Page, list[str]], place: Place) -> dict[str, tuple[list[str], str]]:
    """Path -> what is wrong with each page of the console, and what it says. Each visit takes seconds of CPU time."""
    page, complaints = window
    found = {path: (seen(page, place.full + path), said(page)) for path in place.seeded.pages.values()}
    assert complaints == []
    return found


def test_every_page_can_be_seen_by_everybody(visited: dict[str, tuple[list[str], str]]) -> None:
    assert {path: wrong for path, (wrong, _) in visited.items() if wrong} == {}


def test_every_report_can_be_seen_by_everybody(page: Page, reports: dict[str, str]) -> None:
    assert {name: found for name, address in reports.items() if (found := seen(page, address))} == {}


def elements(address: str) -> list[str]:
    """The tags of a page, without its texts."""
    asked = urllib.request.Request(address, headers={"Accept": "text/html"})
    with urllib.request.urlopen(asked) as answer:
        return re.findall(r"<[^>]*>", answer.read().decode())


@pytest.mark.usefixtures("visited")
def test_every_page_of_a_new_server_can_be_seen_and_teaches(page: Page, place: Place) -> None:
    wrong = {}
    for name, path in tour.empty_pages().items():
        if elements(place.empty + path) == elements(place.full + path):
            continue  # seen there
        found = seen(page, place.empty + path)
        if name in ("now", "calls", "resources", "flows", "sources") and not page.locator(".empty").count():
            found.append("says nothing of what to do")
        if found:
            wrong[name] = found
    assert wrong == {}


def test_without_scripts_every_page_says_the_same(
    place: Place, visited: dict[str, tuple[list[str], str]], complaints: list[str]
) -> None:
    with looking(place.browser, "light", complaints, java_script_enabled=False) as plain:
        for path, (_, text) in visited.items():
            plain.goto(place.full + path)
            assert said(plain) == text, path
    assert complaints == []


def test_without_scripts_every_form_works(place: Place, complaints: list[str]) -> None:
    place.emulator.reset()
    with looking(place.browser, "narrow", complaints, java_script_enabled=False) as page:
        page.goto(f"{place.empty}/_mock/console/control")
        page.get_by_label("Operation").select_option("listConnections")
        page.get_by_role("button", name="Add fault").click()
        expect(page.get_by_role("status")).to_have_text("The fault is active.")
        assert called(place, "/connections") == 429
        page.get_by_role("button", name="Remove all").click()
        assert called(place, "/connections") == 200
    assert complaints == []


def called(place: Place, path: str, body: Any = None) -> int:
    """The status of a call to the API of the new server."""
    data = None if body is None else json.dumps(body).encode()
    headers = {**HEADERS, "content-type": "application/json"} if data else HEADERS
    asked = urllib.request.Request(f"{place.empty}/data/foundation/flowservice{path}", data, headers)
    try:
        with urllib.request.urlopen(asked) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def test_calls_appear_while_one_looks(page: Page, place: Place) -> None:
    page.goto(f"{place.empty}/_mock/")
    expect(page.get_by_role("status")).to_have_text("Waiting for the first call")
    expect(page.get_by_role("heading", name="Make a first call")).to_be_visible()
    assert called(place, "/connections") == 200
    expect(page.get_by_role("status")).to_have_text("Keeps the contract")
    expect(page.get_by_role("heading", name="Make a first call")).to_have_count(0)
    assert called(place, "/connections?limit=1000") == 200
    expect(page.get_by_text("paging.limit-above-maximum").first).to_be_visible()
    page.get_by_role("link", name="Pause").click()
    expect(page.get_by_text("Paused")).to_be_visible()


def test_the_first_call_is_copied(page: Page, place: Place) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{place.empty}/_mock/")
    page.get_by_role("button", name="Copy the first call").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f"curl -X POST {place.empty}/") and '"connectionSpec"' in copied


def test_the_keyboard_reaches_everything(page: Page, place: Place) -> None:
    page.goto(f"{place.empty}/_mock/console/control")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    reached = [_next(page) for _ in range(10)]
    assert reached[1:] == [
        *("Now", "Calls", "Resources", "Flows", "Sources", "Specs", "Faults and clock", "Settings", "Fidelity")
    ]
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.get_by_role("link", name="Skip to the content").focus()
    page.keyboard.press("Enter")
    assert _next(page) == "Freeze"
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("The clock is set.")
    assert place.emulator.runtime.clock.frozen


def _next(page: Page) -> str:
    page.keyboard.press("Tab")
    return str(page.evaluate("document.activeElement.textContent")).strip()


def test_the_keyboard_works_in_the_report(page: Page, reports: dict[str, str]) -> None:
    page.goto(reports["report"])
    page.get_by_label("all", exact=True).focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_label(re.compile("FAIL"))).to_be_checked()
    expect(page.get_by_text("A limit above the maximum")).to_be_hidden()
    expect(page.get_by_text("An update without If-Match")).to_be_visible()
    link = page.locator("article").filter(has_text="An update without If-Match").get_by_role("link")
    link.focus()
    page.keyboard.press("Enter")
    expect(page.locator("details.call[open]")).to_have_count(1)
    assert "PATCH" in page.evaluate("document.activeElement.textContent")


def test_a_fault_is_ordered_and_lifted(page: Page, place: Place) -> None:
    page.goto(f"{place.empty}/_mock/console/control")
    page.locator("select[name=fault]").select_option("rate-limit")
    page.get_by_label("Argument").fill("2")
    page.get_by_label("Number of calls").fill("1")
    page.get_by_role("button", name="Add fault").click()
    expect(page.get_by_text("rate-limit=2")).to_be_visible()
    assert [called(place, "/connections") for _ in range(2)] == [429, 200]
    page.reload()
    expect(page.get_by_role("cell", name="1 of 2")).to_be_visible()
    page.get_by_role("button", name="Remove rate-limit").click()
    expect(page.get_by_role("status")).to_have_text("The fault was removed.")
    assert not place.emulator.faults.active()


def test_a_scenario_is_played(page: Page, place: Place) -> None:
    page.goto(f"{place.empty}/_mock/console/control")
    page.get_by_label("Situation that the client must handle").select_option("rate-limit.retry-after")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text("The scenario has started")).to_be_visible()
    assert called(place, "/connections") == 429
    page.get_by_role("button", name="End scenario").click()
    expect(page.locator("li", has_text="rate-limit.retry-after")).to_be_visible()


def test_the_clock_is_frozen_advanced_and_resumed(page: Page, place: Place) -> None:
    clock = place.emulator.runtime.clock
    page.goto(f"{place.empty}/_mock/console/control")
    page.get_by_role("button", name="Freeze").click()
    expect(page.get_by_text("frozen", exact=True)).to_be_visible()
    before = clock.now_ms()
    page.get_by_role("button", name="15 minutes").click()
    expect(page.get_by_role("status")).to_have_text("The clock is set.")
    page.get_by_label("Another duration").fill("1.5h")
    page.get_by_role("button", name="Advance", exact=True).click()
    expect(page.get_by_label("Another duration")).to_have_value("")
    assert clock.now_ms() - before == 900_000 + 5_400_000
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("running", exact=True)).to_be_visible()


def test_calls_and_resources_are_filtered(page: Page, place: Place) -> None:
    page.goto(f"{place.full}/_mock/console/calls")
    page.get_by_label("Response").select_option("Refused, 4xx")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("ul.calls li")).to_have_count(3)
    page.get_by_label("Method or path contains").fill("patch /conn")
    page.keyboard.press("Enter")
    expect(page.locator("ul.calls li")).to_have_count(1)
    page.get_by_role("link", name="Clear").click()
    page.locator("ul.calls a").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("/flows")
    page.goto(f"{place.full}/_mock/console/resources?kind=runs")
    page.get_by_label("Text or filter").fill("state==failed")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.goto(f"{place.full}/_mock/console/specs")
    page.get_by_label("Name or id contains").fill("acme")
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("link", name="acme-crm").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("acme-crm")


def test_the_state_is_exported_reset_and_imported(page: Page, place: Place, tmp_path: Path) -> None:
    assert called(place, "/connections", connection("Kept")) == 201
    page.goto(f"{place.empty}/_mock/console/settings")
    with page.expect_download() as began:
        page.get_by_role("link", name="Export with credentials").click()
    began.value.save_as(tmp_path / "state.json")
    page.get_by_label("Remove records, journal and tokens").check()
    page.get_by_role("button", name="Reset everything").click()
    expect(page.get_by_role("status")).to_have_text("The server was reset to its initial state.")
    assert place.emulator.world.store.tenants() == []
    page.get_by_label("Export file").set_input_files(tmp_path / "state.json")
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_role("status")).to_have_text("The state is imported.")
    page.get_by_role("link", name="Resources").click()
    expect(page.get_by_role("link", name="Kept")).to_be_visible()


def test_quirks_are_set_and_the_journal_is_emptied(page: Page, place: Place) -> None:
    called(place, "/connections")
    page.goto(f"{place.empty}/_mock/console/settings")
    page.locator("input[name=delete-status][value='202']").check()
    page.get_by_role("button", name="Set quirks").click()
    expect(page.get_by_role("heading", name=re.compile("1 of [0-9]+ changed"))).to_be_visible()
    assert place.emulator.quirks["delete-status"] == "202"
    page.get_by_role("button", name="Empty the journal").click()
    expect(page.get_by_role("status")).to_have_text("The journal is empty.")
    assert place.emulator.journal.entries() == []


def test_a_person_signs_in_with_the_admin_token(place: Place, complaints: list[str]) -> None:
    guarded = Emulator(Config(seed=1, log="none", admin_token="open-sesame"))
    signed_in = {"http_credentials": {"username": "anybody", "password": "open-sesame"}}
    with served(guarded) as url, looking(place.browser, "light", complaints, **signed_in) as page:
        page.goto(url)
        expect(page.get_by_role("status")).to_have_text("Waiting for the first call")
        page.get_by_role("link", name="Faults and clock").click()
        page.get_by_role("button", name="Freeze").click()
        expect(page.get_by_role("status")).to_have_text("The clock is set.")
        page.goto("data:text/html,<form method=post action='" + f"{url}/_mock/console/control/clock'>"
                  "<input name=action value=resume><button>Win a prize</button></form>")  # fmt: skip
        page.get_by_role("button", name="Win a prize").click()
        expect(page.get_by_text("another origin cannot change this server")).to_be_visible()
        assert guarded.runtime.clock.frozen


def test_nobody_gets_in_with_another_password(place: Place) -> None:
    guarded = Emulator(Config(seed=1, log="none", admin_token="open-sesame"))
    guess = {"http_credentials": {"username": "open-sesame", "password": "wrong"}}
    with served(guarded) as url, looking(place.browser, "light", [], **guess) as page:
        answer = page.goto(f"{url}/_mock/")
        assert answer is not None and answer.status == 401
