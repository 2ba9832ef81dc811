"""Opens pages of a served emulator in Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

from mockserver import Emulator
from mockserver.web.served import Served

_PATIENCE_MS = 120_000
"""Timeout of a page, long enough for a busy machine; also that of `expect`."""

expect.set_options(timeout=_PATIENCE_MS)

NARROW, WIDE = {"width": 390, "height": 844}, {"width": 1320, "height": 860}
STATES: dict[str, dict[str, Any]] = {
    "light": {"viewport": WIDE},
    "dark": {"viewport": WIDE, "color_scheme": "dark"},
    "narrow": {"viewport": NARROW},
}
"""The states in which pages are opened."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Debian's Chromium. Close it before this thread uses asyncio otherwise, since Playwright's loop runs."""
    path = shutil.which("chromium")
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--disable-gpu", *sandbox])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def served(emulator: Emulator) -> Iterator[str]:
    """Serve an emulator; yields its URL."""
    server = Served(emulator).listen(host="127.0.0.1", port=0)
    server.start()
    try:
        yield server.url
    finally:
        server.stop()


def _failed(request: Request) -> Iterator[str]:
    """Why a request failed, unless its page was left before the response came."""
    if request.failure != "net::ERR_ABORTED":
        yield f"{request.url}: {request.failure}"


@contextmanager
def looking(browser: Browser, state: str, complaints: list[str], **more: Any) -> Iterator[Page]:
    """Open a page in one of STATES and collect the browser's errors, including policy violations."""
    context = browser.new_context(**STATES[state], **more)
    context.set_default_timeout(_PATIENCE_MS)
    page = context.new_page()
    page.on("console", lambda told: complaints.append(told.text) if told.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.extend(_failed(request)))
    try:
        yield page
    finally:
        context.close()
