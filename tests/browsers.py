"""Chromium, driven by Playwright: looks at pages of a served emulator."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

from mockserver import Emulator, create_app
from mockserver.web.bridge import wsgi_server

_PATIENCE_MS = 120_000
"""A page has this long: beside a whole suite on two cores nothing is quick. `expect` has it too."""

expect.set_options(timeout=_PATIENCE_MS)

NARROW, WIDE = {"width": 390, "height": 844}, {"width": 1320, "height": 860}
STATES: dict[str, dict[str, Any]] = {
    "light": {"viewport": WIDE},
    "dark": {"viewport": WIDE, "color_scheme": "dark"},
    "narrow": {"viewport": NARROW},
}
"""How pages are looked at."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium. Close it before this thread uses asyncio otherwise: Playwright's loop runs meanwhile."""
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
    """The address of a server around an emulator."""
    server = wsgi_server(create_app(emulator), host="127.0.0.1", port=0)
    server.start()
    try:
        yield server.url
    finally:
        server.stop()


@contextmanager
def looking(browser: Browser, state: str, complaints: list[str], **more: Any) -> Iterator[Page]:
    """A page in one of STATES; what the browser complains of, a policy that is broken too, is gathered."""
    context = browser.new_context(**STATES[state], **more)
    context.set_default_timeout(_PATIENCE_MS)
    page = context.new_page()
    page.on("console", lambda told: complaints.append(told.text) if told.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(f"{request.url}: {request.failure}"))
    try:
        yield page
    finally:
        context.close()
