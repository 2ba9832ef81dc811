"""Common parts of all console pages: navigation, tenant, headers, and the verdict on the client."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from flask import Response, request

from mockserver import __version__, pages
from mockserver.emulator import Emulator
from mockserver.exchange import BASE_PATH, Tenant
from mockserver.web.console import assets
from mockserver.web.console.curl import CurlMaker

if TYPE_CHECKING:
    from mockserver.conformance import Report

MAX_JUDGED = 2_000
"""Maximum number of latest calls that the console judges. `/_mock/report` judges all calls."""

_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
    "form-action {forms}; base-uri 'none'; frame-ancestors 'none'"
)


class NavigationItem(NamedTuple):
    """One entry of the navigation."""

    key: str
    path: str
    title: str


_NAVIGATION = (
    NavigationItem("now", "/_mock/", "Now"),
    NavigationItem("calls", "/_mock/console/calls", "Calls"),
    NavigationItem("resources", "/_mock/console/resources", "Resources"),
    NavigationItem("flows", "/_mock/console/flows", "Flows"),
    NavigationItem("sources", "/_mock/console/sources", "Sources"),
    NavigationItem("specs", "/_mock/console/specs", "Specs"),
    NavigationItem("control", "/_mock/console/control", "Faults and clock"),
    NavigationItem("settings", "/_mock/console/settings", "Settings"),
    NavigationItem("fidelity", "/_mock/console/fidelity", "Fidelity"),
)

FIRST_TENANT = Tenant("5C1328435BF324E90A49402A@AdobeOrg", "prod")
"""Tenant of the `curl` commands while no tenant has records."""


class Frame:
    """Renders the console pages of one emulator."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self._curl = CurlMaker(emulator)
        self._lock = threading.Lock()
        self._judged: tuple[int, int, Report] | None = None

    def page(self, template: str, here: str, *, status: int = 200, forms: bool = True, **values: Any) -> Response:
        """Render a page. `here` is its key in the navigation; `forms` allows it to send forms."""
        clock = self.emulator.runtime.clock
        shared = {
            "here": here,
            "navigation": _NAVIGATION,
            "version": __version__,
            "frozen": clock.frozen,
            "now_ms": clock.now_ms(),
            "assets": assets.addresses(),
            "link": link,
        }
        text = pages.render(f"console/{template}", **{**shared, **values})
        return self.answer(text, status=status, forms=forms)

    def missing(self, here: str, detail: str) -> Response:
        """A 404 page."""
        return self.page("missing.html", here, status=404, forms=False, detail=detail)

    def answer(self, text: str, *, status: int = 200, forms: bool = False) -> Response:
        """Create an HTML response with the headers of the console."""
        response = Response(text, status, content_type="text/html; charset=utf-8")
        response.headers["Content-Security-Policy"] = _POLICY.format(forms="'self'" if forms else "'none'")
        if forms:  # with no-referrer, browsers would send `Origin: null` with forms
            response.headers["Referrer-Policy"] = "same-origin"
        response.headers["x-request-id"] = self.emulator.runtime.request_id("page")
        return response

    def sources(self) -> dict[str, Any]:
        """The store and the sources behind connections."""
        sources = self.emulator.world.sources
        return {
            "records": self.emulator.world.store.place,
            "live": [str(listed) for listed in sources.listed],
            "declared": [str(source) for source in sources.declared],
            "file": self.emulator.config.sources,
        }

    def judged(self, since: int | None = None) -> Report:
        """The verdict on the calls after number `since`, by default on the latest ones. Raises NothingRecorded.

        It is cached until the journal changes, so that polling and reports in several formats cost one evaluation.
        """
        from mockserver import conformance

        journal = self.emulator.journal
        with self._lock:
            mark = journal.version, max(0, journal.latest - MAX_JUDGED if since is None else since)
            if self._judged is None or self._judged[:2] != mark:
                self._judged = (*mark, conformance.evaluate(journal.entries(mark[1]), self.emulator.contract))
            return self._judged[2]

    def tenants(self) -> list[Tenant]:
        """Tenants with records."""
        return self.emulator.world.store.tenants()

    def tenant(self, known: list[Tenant]) -> Tenant:
        """The tenant named by the query, or the first one with records."""
        if "tenant" in request.args:  # as the form sends it
            org, _, sandbox = request.args["tenant"].rpartition("|")
            return Tenant(org[:256], sandbox[:256])
        if "org" in request.args:
            return Tenant(request.args["org"][:256], request.args.get("sandbox", "")[:256])
        config = self.emulator.config
        first = Tenant(next(iter(config.orgs), FIRST_TENANT.org), next(iter(config.sandboxes), FIRST_TENANT.sandbox))
        return known[0] if known else first

    def curl(self, tenant: Tenant, method: str, path: str, body: Any = None) -> str:
        """A `curl` command for a request of a tenant to this server."""
        return self._curl.command(f"{request.host_url.rstrip('/')}{BASE_PATH}{path}", method, tenant, body)


def link(path: str, tenant: Tenant | None = None, **more: Any) -> str:
    """The URL of a console page. Parameters without a value are left out."""
    parameters: Mapping[str, Any] = {**(tenant._asdict() if tenant else {}), **more}
    query = urlencode({name: value for name, value in parameters.items() if value not in (None, "")})
    return f"/_mock/console/{path}" + (f"?{query}" if query else "")
