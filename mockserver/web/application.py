"""The Flask application: the token endpoint, the contract, `/_mock`, and the API at all other paths.

The server answers requests to the API without it; see `served.py`. Both ways give the same responses.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from time import perf_counter
from typing import Any

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, MapAdapter, Rule

from mockserver.emulator import Emulator, storage_refusal
from mockserver.errors import ApiError, Refusal
from mockserver.exchange import Result
from mockserver.journal import NothingRecorded
from mockserver.state.store import StorageUnavailable
from mockserver.web import (
    adapter,
    admin,
    console,
    contract_pages,
    docs_pages,
    fault_pages,
    front_page,
    guard,
    ims,
    responses,
    scenario_pages,
)
from mockserver.web.api import Api
from mockserver.web.request_log import QUIET

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"]


def build_app(emulator: Emulator) -> Application:
    """Build the Flask application of an emulator."""
    app = Application(Api(emulator))
    app.extensions["emulator"] = emulator
    for pages in (front_page, admin, docs_pages, fault_pages, ims, contract_pages):
        app.register_blueprint(pages.blueprint(emulator))
    stage = scenario_pages.stage_of(emulator)
    for staged in (console, scenario_pages):
        app.register_blueprint(staged.blueprint(emulator, stage))
    return app


class PageRule(Rule):
    """A routing rule that compiles its URL builders on first use.

    Werkzeug compiles two per rule at once, which takes half the time of building the application.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compiled = functools.cache(functools.partial(super()._compile_builder, append_unknown))

        def build(rule: Rule, *args: Any, **values: Any) -> tuple[str, str]:
            return compiled()(rule, *args, **values)

        return build


class Application(Flask):
    """The Flask application that `create_app` returns. Hooks, further pages and the test client work as usual."""

    url_rule_class = PageRule

    def __init__(self, api: Api) -> None:
        self._api = api
        super().__init__("mockserver", static_folder=None)
        self.url_map.strict_slashes = False
        self.url_map.merge_slashes = False
        self.config["PROPAGATE_EXCEPTIONS"] = False
        self.before_request(self._begin)
        self.after_request(guard.page_headers)
        self.after_request(self._end)
        self.add_url_rule("/<path:path>", "api", self._answer_any, methods=_METHODS, provide_automatic_options=False)
        self.register_error_handler(Refusal, self._refused)
        self.register_error_handler(StorageUnavailable, lambda trouble: self._page_refused(storage_refusal(trouble)))
        self.register_error_handler(
            NothingRecorded, lambda nothing: self._page_refused(ApiError("journal_off", detail=str(nothing)))
        )
        # the API answers what Flask refuses, such as unknown methods and invalid paths
        self.register_error_handler(HTTPException, lambda error: self._answer_any(request.path.removeprefix("/")))
        self.register_error_handler(Exception, self._failed)

    def wsgi_app(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """See Flask."""
        adapter.keep_encoded_slashes(environ)
        return super().wsgi_app(environ, start_response)

    def make_default_options_response(self) -> Response:
        """See Flask. Leaves out the methods of the catch-all route, which Flask would include."""
        response = self.response_class()
        response.allow.update(self._methods_of_page())
        return response

    def _begin(self) -> Response | None:
        g.begun = perf_counter()
        environ = request.environ
        self._api.check_host(environ.get("HTTP_HOST", ""), environ.get("SERVER_PROTOCOL", "").removeprefix("HTTP/"))
        return self._answer_api() if self._is_hidden_page() else None

    def _end(self, response: Response) -> Response:
        if response.status_code >= 400 or not request.path.startswith(QUIET):
            request_id = response.headers.get("x-request-id")
            begun = g.get("begun", perf_counter())
            path = adapter.path_of(request.environ)
            self._api.log.write(request.method, path, response.status_code, request_id, begun, g.get("answered"))
        return response

    def _is_hidden_page(self) -> bool:
        """Whether a page of ours is requested from one of Adobe's hosts, which do not have it: the API refuses it."""
        return request.endpoint != "api" and not self._shows_page()

    def _shows_page(self) -> bool:
        """Whether the requested host has pages of ours below the first segment of the path."""
        first = request.path[1:].partition("/")[0]
        site = adapter.site_of(request.environ)
        return not site or first == "_mock" or (site == "token" and first == "ims")

    def _answer_any(self, path: str) -> Response:
        """Answer every path without a route. The core reads the raw path from the environ."""
        if not path or path.startswith(("_mock", "openapi.")):
            return self._page_refused(self._no_such_page())
        if path.startswith(ims.NAME) and self._shows_page() and self._methods_of_page():
            return self._unread(self._no_such_page())  # in the journal, since clients call these pages
        return self._answer_api()

    def _answer_api(self) -> Response:
        emulator = self._api.emulator
        try:
            call = adapter.read_call(request.environ, emulator.runtime, emulator.config.max_body)
        except ApiError as refusal:
            return self._unread(refusal)
        return self._respond(emulator.handle(call), call.request_id)

    def _refused(self, refusal: Refusal) -> Response:
        no_page = request.endpoint in ("api", None) and not request.path.startswith("/_mock")
        return self._unread(refusal) if no_page or request.blueprint == ims.NAME else self._page_refused(refusal)

    def _unread(self, refusal: Refusal) -> Response:
        call = adapter.call_of(request.environ, self._api.emulator.runtime)
        return self._respond(self._api.unread(refusal, call), call.request_id)

    def _page_refused(self, refusal: Refusal) -> Response:
        return self._respond(*self._api.refused(refusal))

    def _failed(self, error: Exception) -> Response:
        return self._respond(*self._api.failed(error, request.method, adapter.path_of(request.environ)))

    def _respond(self, result: Result, request_id: str) -> Response:
        g.answered = result
        return responses.write(result, request_id)

    def _no_such_page(self) -> ApiError:
        """The error for an unknown path below `/_mock`, or a known path with another method."""
        allowed = sorted(self._methods_of_page())
        if not allowed:
            return ApiError("unknown_path", detail="There is no such page under /_mock. The console is at /_mock/.")
        methods = ", ".join(allowed)
        detail = f"This path supports {methods}."
        return ApiError("method_not_allowed", detail=detail, headers=(("Allow", methods),))

    def _methods_of_page(self) -> set[str]:
        """The methods of the requested page; empty if there is no such page."""
        path = request.path.rstrip("/")
        return {*self._pages.allowed_methods(path), *self._pages.allowed_methods(path + "/")}

    @functools.cached_property
    def _pages(self) -> MapAdapter:
        """All pages but those of the API. Flask takes no further ones after the first request."""
        rules = [rule.empty() for rule in self.url_map.iter_rules() if rule.endpoint != "api"]
        return Map(rules, strict_slashes=False, merge_slashes=False).bind("")
