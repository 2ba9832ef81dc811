"""The Flask application, and the fast path of API requests through it.

Flask's routing, contexts and response objects take 100 µs per request, as long as the emulator itself, and the API
does not need them, because the contract routes it. So API requests go from WSGI directly to the emulator. Flask
handles all other pages, and API requests too if the application has hooks that must see them.
"""

from __future__ import annotations

import functools
import logging
import re
import traceback
from collections.abc import Callable, Iterable
from time import perf_counter
from typing import Any

from flask import Flask, Response, g, got_request_exception, request, request_finished, request_started
from werkzeug.routing import Map, Rule

from mockserver.emulator import Emulator
from mockserver.errors import ApiError, Refusal
from mockserver.exchange import BASE_PATH, Call, Result
from mockserver.web import adapter, guard
from mockserver.web.bridge import Turn
from mockserver.web.request_log import RequestLog, printable

Environ = dict[str, Any]
Sent = Iterable[bytes]

log = logging.getLogger("mockserver")

_LIGHT_PATH = re.compile(
    rf"(?:{BASE_PATH})?/(?:(?:sourceC|targetC|c)onnections|connectionSpecs|flowSpecs)(?:/(?!search)[^/]*)?/?"
)
_LIGHT_QUERY = re.compile(r"(?:(?:limit=[0-9]{1,3}|continuationToken=[^&]*)(?:&|$))*")
"""Queries that neither filter nor sort all records."""
_LIGHT_BODY = 65_536


class Api:
    """Answers requests to Flow Service, both on the fast path and through Flask."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.log = RequestLog(emulator.config.log, {one.segments[0] for one in emulator.contract.operations.values()})
        self.check_host = guard.host_check(emulator.config)

    def answer(self, environ: Environ) -> tuple[Result, str]:
        """Answer a request; returns the result and the request id."""
        runtime = self.emulator.runtime
        try:
            call = adapter.read_call(environ, runtime, self.emulator.config.max_body)
        except ApiError as refusal:
            return self.unread(refusal, environ)
        return self.emulator.handle(call), call.request_id

    def unread(self, refusal: Refusal, environ: Environ) -> tuple[Result, str]:
        """Refuse a request before it reaches the emulator, and record it in the journal."""
        return self._on_record(refusal, adapter.call_of(environ, self.emulator.runtime))

    def malformed(self, method: str, refusal: ApiError) -> Result:
        """Refuse a request that the HTTP server could not read, and record and log it. `method` may be empty."""
        runtime = self.emulator.runtime
        call = Call(method or "-", "-", "", {}, b"", runtime.request_id(), runtime.clock.now_ms())
        result, request_id = self._on_record(refusal, call)
        self.log.write(call.method, call.path, result.status, request_id, perf_counter(), result)
        return result

    def _on_record(self, refusal: Refusal, call: Call) -> tuple[Result, str]:
        result = refusal.result(call.request_id, self.emulator.quirks)
        self.emulator.journal.record_unread(call, result)
        return result, call.request_id

    def refused(self, refusal: Refusal) -> tuple[Result, str]:
        """Refuse a request that is not one to the service."""
        request_id = self.emulator.runtime.request_id("page")
        return refusal.result(request_id, self.emulator.quirks), request_id

    def failed(self, error: Exception, environ: Environ) -> tuple[Result, str]:
        """Answer 1400-500 after an unexpected exception, and log its traceback.

        The message of the exception is not logged: it may quote a password that the client sent.
        """
        where = "".join(traceback.format_tb(error.__traceback__))
        target = f"{printable(str(environ['REQUEST_METHOD']))} {self.log.path(adapter.path_of(environ))}"
        log.error("unexpected failure in %s\n%s%s", target, where, type(error).__name__)
        return self.refused(ApiError("internal"))

    def __call__(self, environ: Environ, start_response: Any) -> Sent:
        """Answer a WSGI request on the fast path."""
        began = perf_counter()
        try:
            self.check_host(environ)
            result, request_id = self.answer(environ)
        except Refusal as refusal:
            result, request_id = self.unread(refusal, environ)
        except Exception as error:
            result, request_id = self.failed(error, environ)
        self.log.write(environ["REQUEST_METHOD"], adapter.path_of(environ), result.status, request_id, began, result)
        return adapter.send(result, request_id, environ, start_response)


class PageRule(Rule):
    """A routing rule that compiles its URL builders on first use.

    Werkzeug compiles two per rule at once, which took a sixth of the start.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compiled = functools.cache(functools.partial(super()._compile_builder, append_unknown))

        def build(rule: Rule, *args: Any, **values: Any) -> tuple[str, str]:
            return compiled()(rule, *args, **values)

        return build


class Application(Flask):
    """The Flask application that `create_app` returns. Hooks and the test client work as usual."""

    url_rule_class = PageRule

    def __init__(self, api: Api) -> None:
        self._api = api
        self._pages: set[str] = set()
        """First path segments of the routes other than the API's."""
        super().__init__("mockserver", static_folder=None)
        self.before_request(lambda: api.check_host(request.environ))
        self.after_request(guard.page_headers)
        api.log.watch(self)
        self._our_hooks = self._hooks()

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: Callable[..., Any] | None = None,
        provide_automatic_options: bool | None = None,
        **options: Any,
    ) -> None:
        """See Flask. Users of the package may add pages at any path."""
        super().add_url_rule(rule, endpoint, view_func, provide_automatic_options, **options)
        if endpoint != "api":
            self._pages.add(_first_segment(rule))

    def wsgi_app(self, environ: Environ, start_response: Any) -> Sent:
        """See Flask."""
        adapter.keep_encoded_slashes(environ)
        if self._takes_fast_path(environ) or self._is_hidden_page(environ):
            return self._api(environ, start_response)
        return super().wsgi_app(environ, start_response)

    def _is_hidden_page(self, environ: Environ) -> bool:
        """Whether a page of ours is requested from one of Adobe's hosts, which do not have it: the API refuses it."""
        first = _first_segment(environ.get("PATH_INFO", ""))
        match adapter.site_of(environ):
            case "platform":
                return first in self._pages - {"_mock"}
            case "token":
                return first not in ("ims", "_mock")
            case _:
                return False

    def turn(self, environ: Environ) -> Turn:
        """Decide where a request is answered, by whether it can block or take long."""
        path = environ.get("PATH_INFO", "")
        if path == "/_mock/health" and self._hooks() == self._our_hooks:
            return Turn.NOW
        if self._api.emulator.may_wait or not self._takes_fast_path(environ):
            return Turn.THREAD
        query, length = environ.get("QUERY_STRING"), environ.get("CONTENT_LENGTH")
        light = (
            _LIGHT_PATH.fullmatch(path)
            and (not query or _LIGHT_QUERY.fullmatch(query))
            and (int(length) <= _LIGHT_BODY if length else "wsgi.input_terminated" not in environ)
            and not self._api.emulator.may_be_long
        )
        return Turn.SOON if light else Turn.BUSY

    def refuse_unread(self, method: str, refusal: ApiError) -> Result:
        """The response to a request that the HTTP server could not read. See `bridge.wsgi_server`."""
        return self._api.malformed(method, refusal)

    def make_default_options_response(self) -> Response:
        """See Flask. Leaves out the methods of the catch-all route, which Flask would include."""
        response = self.response_class()
        response.allow.update(self.methods_of_page())
        return response

    def methods_of_page(self) -> set[str]:
        """The methods of the requested page; empty if there is no such page."""
        rules = [rule.empty() for rule in self.url_map.iter_rules() if rule.endpoint != "api"]
        pages = Map(rules, strict_slashes=False, merge_slashes=False).bind("")
        path = request.path.rstrip("/")
        return {*pages.allowed_methods(path), *pages.allowed_methods(path + "/")}

    def _takes_fast_path(self, environ: Environ) -> bool:
        path = environ.get("PATH_INFO", "")
        return not (
            _first_segment(path) in self._pages
            or path.startswith("/_mock")
            or "werkzeug.debug.preserve_context" in environ  # `with app.test_client()` reads the context afterwards
            or self._hooks() != self._our_hooks
        )

    def _hooks(self) -> int:
        """Number of functions that Flask calls for every request."""
        return (
            len(self.before_request_funcs.get(None, ()))
            + len(self.after_request_funcs.get(None, ()))
            + len(self.teardown_request_funcs.get(None, ()))
            + len(self.teardown_appcontext_funcs)
            + len(request_started.receivers)
            + len(request_finished.receivers)
            + len(got_request_exception.receivers)
        )


def respond(answer: tuple[Result, str]) -> Response:
    """Convert an answer of `Api` to a Flask response."""
    g.answered = answer[0]
    return adapter.write(*answer)


def _first_segment(path: str) -> str:
    return path[1:].partition("/")[0]
