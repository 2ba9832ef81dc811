"""Tests of the console in Chromium: what works with JavaScript."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from mockserver import Config, Emulator
from tests.browsers import chromium, looking, served
from tests.calls import HEADERS
from tests.programs import needs

pytestmark = [pytest.mark.slow, needs("chromium"), pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


def called(url: str, path: str) -> int:
    """The status of a request to the API."""
    asked = urllib.request.Request(f"{url}/data/foundation/flowservice{path}", headers=HEADERS)
    with urllib.request.urlopen(asked) as answer:
        return int(answer.status)


def test_calls_appear_while_one_looks(browser: Browser) -> None:
    complaints: list[str] = []
    with served(Emulator(Config(seed=1, log="none"))) as url, looking(browser, "light", complaints) as page:
        page.goto(f"{url}/_mock/")
        expect(page.get_by_role("status")).to_have_text("Waiting for the first call")
        assert called(url, "/connections") == 200
        expect(page.get_by_role("status")).to_have_text("Keeps the contract")
        assert called(url, "/connections?limit=1000") == 200
        expect(page.get_by_text("paging.limit-above-maximum").first).to_be_visible()
        page.get_by_role("link", name="Pause").click()
        expect(page.get_by_text("Paused")).to_be_visible()
        assert complaints == []
