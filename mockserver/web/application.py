"""The Flask application, and the short way that the API's calls take through it.

Flask's routing, contexts and response objects cost 100 µs a call, as much as the emulator itself, and the API
needs none of them: the contract routes it. So its calls go straight from WSGI to the emulator, unless somebody
has hooked into Flask to see them; then, and for all other pages, Flask does what it always does.
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
"""Not what filters or orders all records."""
_LIGHT_BODY = 65_536


class Api:
    """Answers calls of Flow Service. Both ways end here."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.log = RequestLog(emulator.config.log, {one.segments[0] for one in emulator.contract.operations.values()})
        self.check_host = guard.host_check(emulator.config)

    def answer(self, environ: Environ) -> tuple[Result, str]:
        """The emulator's answer to a request, and its request id."""
        runtime = self.emulator.runtime
        try:
            call = adapter.read_call(environ, runtime, self.emulator.config.max_body)
        except ApiError as refusal:
            return self.unread(refusal, environ)
        return self.emulator.handle(call), call.request_id

    def unread(self, refusal: Refusal, environ: Environ) -> tuple[Result, str]:
        """The answer to a call that is refused before the emulator, on record."""
        return self._on_record(refusal, adapter.call_of(environ, self.emulator.runtime))

    def malformed(self, method: str, refusal: ApiError) -> Result:
        """The answer to what the HTTP server refuses, on record and in the log; at most its method is known."""
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
        """The answer to what is no call of the service."""
        request_id = self.emulator.runtime.request_id("page")
        return refusal.result(request_id, self.emulator.quirks), request_id

    def failed(self, error: Exception, environ: Environ) -> tuple[Result, str]:
        """A bug of ours: where it happened goes to the log, the client gets the service's own 1400-500.

        The exception's own text stays out: it may quote what the client sent, a password among it.
        """
        where = "".join(traceback.format_tb(error.__traceback__))
        asked = f"{printable(str(environ['REQUEST_METHOD']))} {self.log.path(adapter.path_of(environ))}"
        log.error("unexpected failure in %s\n%s%s", asked, where, type(error).__name__)
        return self.refused(ApiError("internal"))

    def __call__(self, environ: Environ, start_response: Any) -> Sent:
        """The short way, as a WSGI application."""
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
    """A routing rule that compiles the functions that build its URLs only when a URL is built.

    Werkzeug compiles two for every rule, which took a sixth of a start.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compiled = functools.cache(functools.partial(super()._compile_builder, append_unknown))

        def build(rule: Rule, *args: Any, **values: Any) -> tuple[str, str]:
            return compiled()(rule, *args, **values)

        return build


class Application(Flask):
    """What `create_app` returns: a Flask application like any other, hooks, test client and all."""

    url_rule_class = PageRule

    def __init__(self, api: Api) -> None:
        self._api = api
        self._pages: set[str] = set()
        """First segments of the paths that have a rule of their own."""
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
        """See Flask; a page of one's own may stand below any path."""
        super().add_url_rule(rule, endpoint, view_func, provide_automatic_options, **options)
        if endpoint != "api":
            self._pages.add(_first_segment(rule))

    def wsgi_app(self, environ: Environ, start_response: Any) -> Sent:
        """See Flask."""
        adapter.keep_encoded_slashes(environ)
        if self._may_go_short(environ) or self._is_no_page_there(environ):
            return self._api(environ, start_response)
        return super().wsgi_app(environ, start_response)

    def _is_no_page_there(self, environ: Environ) -> bool:
        """Whether a page of ours is asked for by a name of Adobe's, which has none: the API refuses it, on record."""
        first = _first_segment(environ.get("PATH_INFO", ""))
        match adapter.site_of(environ):
            case "platform":
                return first in self._pages - {"_mock"}
            case "token":
                return first not in ("ims", "_mock")
            case _:
                return False

    def turn(self, environ: Environ) -> Turn:
        """Where a request is answered: whether it can wait for anything or take long is told by its form."""
        path = environ.get("PATH_INFO", "")
        if path == "/_mock/health" and self._hooks() == self._our_hooks:
            return Turn.NOW
        if self._api.emulator.may_wait or not self._may_go_short(environ):
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
        """The answer to what the HTTP server refuses before it is a request, for `bridge.wsgi_server`."""
        return self._api.malformed(method, refusal)

    def make_default_options_response(self) -> Response:
        """See Flask, which would add what the catch-all takes in order to refuse it."""
        response = self.response_class()
        response.allow.update(self.methods_of_page())
        return response

    def methods_of_page(self) -> set[str]:
        """The methods that the page asked for has, nothing for what is no page."""
        rules = [rule.empty() for rule in self.url_map.iter_rules() if rule.endpoint != "api"]
        pages = Map(rules, strict_slashes=False, merge_slashes=False).bind("")
        path = request.path.rstrip("/")
        return {*pages.allowed_methods(path), *pages.allowed_methods(path + "/")}

    def _may_go_short(self, environ: Environ) -> bool:
        path = environ.get("PATH_INFO", "")
        return not (
            _first_segment(path) in self._pages
            or path.startswith("/_mock")
            or "werkzeug.debug.preserve_context" in environ  # `with app.test_client()` looks into the context later
            or self._hooks() != self._our_hooks
        )

    def _hooks(self) -> int:
        """How many functions want to see every request."""
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
    """An answer on Flask's way."""
    g.answered = answer[0]
    return adapter.write(*answer)


def _first_segment(path: str) -> str:
    return path[1:].partition("/")[0]
