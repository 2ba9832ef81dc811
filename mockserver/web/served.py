"""The emulator as the HTTP server calls it: API requests go straight to it, all others through Flask.

Flask's routing, contexts and response objects take 100 µs per request, as long as the emulator itself, and the API
does not need them, because the contract routes it. Importing Flask takes a quarter of the start. So it is imported for
the first page, or once the server has been running for a moment.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterable
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, TextIO

from mockserver.emulator import Emulator
from mockserver.errors import Refusal
from mockserver.exchange import Result
from mockserver.server import Limits, Server
from mockserver.web import adapter
from mockserver.web.api import LARGER_BODIES, Api, health_of
from mockserver.web.bridge import HttpAnswer, Turn, call, wsgi_server
from mockserver.web.received import Received, environ_of
from mockserver.web.turns import Turns

if TYPE_CHECKING:
    from mockserver.web.application import Application


class Served:
    """An emulator as an application of `bridge.wsgi_server`."""

    def __init__(self, emulator: Emulator, log_to: TextIO | None = None) -> None:
        """Requests to the API are logged to `log_to`, or through `logging` if it is None."""
        self._api = Api(emulator, log_to)
        self._emulator, self._turns = emulator, Turns(emulator)
        self._building = threading.Lock()
        self._app: Application | None = None
        self.refuse_unread = self._api.malformed

    def listen(self, *, host: str = "127.0.0.1", port: int = 0, limits: Limits | None = None, **options: Any) -> Server:
        """Create a listening server; `options` are those of `wsgi_server`. Raises OSError with a message for users."""
        limits = limits or Limits(max_body=self._emulator.config.max_body, larger_bodies=LARGER_BODIES)
        return wsgi_server(self, host=host, port=port, limits=limits, **options)

    def settle(self) -> None:
        """Import what would make the first refusal and the first page slow."""
        self._emulator.contract.prepare_refusals()
        self._pages()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a WSGI request (PEP 3333): requests to the API without Flask, pages by Flask."""
        adapter.keep_encoded_slashes(environ)
        path = adapter.path_of(environ)
        if not self._is_api(path):
            return self._pages()(environ, start_response)
        method = str(environ["REQUEST_METHOD"])
        result, request_id = self._logged(partial(self._perform_wsgi, environ), method, path)
        if result.delivery is not None:
            parts: Iterable[bytes] = self._written(result, request_id)(environ, start_response)
            return parts
        phrase = http.client.responses.get(result.status, "")
        start_response(f"{result.status} {phrase}", adapter.head(result, request_id))
        return [result.encoded] if method != "HEAD" else []

    def _pages(self) -> Application:
        """The Flask application, built when it is first needed."""
        with self._building:
            if self._app is None:
                from mockserver.web.application import build_app  # imported here: see the docstring of this module

                self._app = build_app(self._emulator)
            return self._app

    def plan(self, received: Received) -> tuple[Turn, Callable[[], HttpAnswer]]:
        """Where and how to answer a request."""
        path = adapter.decoded(received.path)
        if path == "/_mock/health" and received.method == "GET" and self._api.allows(received):
            return Turn.NOW, partial(self._answer, self._health, received, path)
        if not self._is_api(path):
            return self._turns.of_page(path), partial(call, self, environ_of(received))
        return self._turns.of(received, path), partial(self._answer, self._perform, received, path)

    def _is_api(self, path: str) -> bool:
        return path[1:].partition("/")[0] in self._api.first_segments

    def _answer(
        self, perform: Callable[[Received, str], tuple[Result, str]], received: Received, path: str
    ) -> HttpAnswer:
        result, request_id = self._logged(partial(perform, received, path), received.method, path)
        self._turns.note(result)
        if result.delivery is not None:
            return call(self._written(result, request_id), environ_of(received))
        return HttpAnswer(result.status, adapter.head(result, request_id), result.encoded)

    def _logged(self, perform: Callable[[], tuple[Result, str]], method: str, path: str) -> tuple[Result, str]:
        """Perform a request and log it."""
        began = perf_counter()
        try:
            result, request_id = perform()
        except Exception as error:
            result, request_id = self._api.failed(error, method, path)
        self._api.log.write(method, path, result.status, request_id, began, result)
        return result, request_id

    def _written(self, result: Result, request_id: str) -> Any:
        """The response that a fault damages or delays, as a WSGI application."""
        from mockserver.web import responses  # imported here: only some faults need Flask

        return responses.write(result, request_id)

    def _perform_wsgi(self, environ: dict[str, Any]) -> tuple[Result, str]:
        """Answer a request of WSGI to the API; returns the result and the request id."""
        runtime = self._emulator.runtime
        try:
            version = str(environ.get("SERVER_PROTOCOL", "")).removeprefix("HTTP/")
            self._api.check_host(str(environ.get("HTTP_HOST", "")), version)
            asked = adapter.read_call(environ, runtime, self._emulator.config.max_body)
        except Refusal as refusal:
            unread = adapter.call_of(environ, runtime)
            return self._api.unread(refusal, unread), unread.request_id
        return self._emulator.handle(asked), asked.request_id

    def _perform(self, received: Received, path: str) -> tuple[Result, str]:
        """Answer a request to the API; returns the result and the request id."""
        runtime, oversized = self._emulator.runtime, False
        try:
            self._api.check_host(received.headers.get("host", ""), received.version)
            oversized = received.error == "too_large" or len(received.body) > self._emulator.config.max_body
            if received.error and not oversized:
                raise adapter.body_refusal(received.error)
        except Refusal as refusal:
            unread = adapter.received_call(received, path, runtime, b"")
            return self._api.unread(refusal, unread), unread.request_id
        body = b"" if oversized else received.body
        made = adapter.received_call(received, path, runtime, body, oversized=oversized)
        return self._emulator.handle(made), made.request_id

    def _health(self, received: Received, path: str) -> tuple[Result, str]:
        del received, path
        return health_of(), self._emulator.runtime.request_id("page")
