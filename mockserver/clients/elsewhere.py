"""Fetches the report of a server in another process."""

from __future__ import annotations

import http.client
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import replace
from typing import Any

from mockserver.conformance import Report, recorded
from mockserver.conformance.coverage import measure
from mockserver.conformance.traffic import Traffic
from mockserver.contract import Contract
from mockserver.exchange import BASE_PATH

_SECONDS = 60
_PAGES = re.compile(rf"(?:{BASE_PATH}|/_mock|/ims|/openapi\.yaml)(?:[/?#].*)?$")
"""The paths of a server, which users copy with its address."""
_REFUSED = {
    401: "the server wants its admin token: set MOCKSERVER_ADMIN_TOKEN",
    403: "/_mock is closed there: start that server with MOCKSERVER_ADMIN_TOKEN, and set it here too",
    409: "that server keeps no journal: start it without --journal 0",
}


def judgement(url: str, admin_token: str | None) -> Report:
    """The report of the server at `url`. Raises ValueError, and OSError where it cannot be reached."""
    if "@" in url:
        raise ValueError("give only scheme, host and port, without a user: a mockserver wants MOCKSERVER_ADMIN_TOKEN")
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"expected a HAR file or a URL such as http://127.0.0.1:8080, got {url!r}")
    headers = {"Accept": "application/json"} | ({"x-mock-admin-token": admin_token} if admin_token else {})
    address = _PAGES.sub("", url.rstrip("/"))
    try:
        asked = urllib.request.Request(f"{address}/_mock/report?format=json", headers=headers)  # noqa: S310
        found = recorded.from_json(_fetched(asked))
        return replace(found, coverage=measure(Traffic(found.calls, Contract.load())))
    except urllib.error.HTTPError as error:
        if urllib.parse.urlsplit(address).path:
            raise ValueError(f"{url}: no report below this path. Give only scheme, host and port.") from None
        raise ValueError(f"{url}: {_REFUSED.get(error.code, f'answered {error.code} and no report')}") from None
    except urllib.error.URLError as error:
        raise ConnectionError(f"{url} cannot be reached: {getattr(error.reason, 'strerror', error.reason)}") from None
    except http.client.InvalidURL:
        raise ValueError(f"expected a HAR file or a URL such as http://127.0.0.1:8080, got {url!r}") from None
    except (AttributeError, KeyError, TypeError, ValueError, http.client.HTTPException):
        raise ValueError(f"{url} answered no report: is it a mockserver of this version?") from None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Refuses redirects: the admin token must not reach another server."""

    def redirect_request(self, *_: Any) -> None:
        """See urllib: a redirect is an error."""


def _fetched(asked: urllib.request.Request) -> Any:
    """The JSON of a response. Uses no proxy: one in the environment may be for the client under test."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect())
    with direct.open(asked, timeout=_SECONDS) as answer:
        return json.load(answer)
