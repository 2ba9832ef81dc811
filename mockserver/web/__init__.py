"""The only folder that imports Flask: the emulator over HTTP."""

from __future__ import annotations

import logging
from typing import Any, TypeAlias

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from mockserver.emulator import Emulator
from mockserver.errors import ApiError, Refusal
from mockserver.web import adapter, admin, console, contract_pages, fault_pages, guard, ims, scenario_pages
from mockserver.web.request_log import RequestLog

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"]
log = logging.getLogger("mockserver")

Application: TypeAlias = Flask
"""What `create_app` returns: a WSGI application with Flask's own test client."""


def build_app(emulator: Emulator) -> Flask:
    """The Flask application around an emulator: API, token endpoint, contract and `/_mock`."""
    app = Flask("mockserver", static_folder=None)
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.extensions["emulator"] = emulator
    request_log = RequestLog(emulator.config.log)

    def answer_api(path: str = "") -> Response:
        if path.startswith("_mock"):
            return _no_such_admin_page(emulator, app)
        # else the core reads the path from the environ, undecoded by routing
        runtime = emulator.runtime
        try:
            call = adapter.read_call(request.environ, runtime, emulator.config.max_body)
        except ApiError as refusal:
            request_id = runtime.request_id()
            return adapter.write(refusal.result(request_id, emulator.quirks), request_id)
        return adapter.write(emulator.handle(call), call.request_id)

    app.before_request(guard.host_check(emulator.config))
    for rule in ("/", "/<path:path>"):
        app.add_url_rule(rule, "api", answer_api, methods=_METHODS, provide_automatic_options=False)
    app.register_blueprint(admin.blueprint(emulator))
    app.register_blueprint(console.blueprint(emulator))
    app.register_blueprint(fault_pages.blueprint(emulator))
    app.register_blueprint(scenario_pages.blueprint(emulator))
    app.register_blueprint(ims.blueprint(emulator))
    app.register_blueprint(contract_pages.blueprint(emulator))
    app.register_error_handler(Refusal, lambda refusal: _refused(emulator, refusal))
    app.register_error_handler(HTTPException, lambda error: _http_error(emulator, error, answer_api))
    app.register_error_handler(Exception, lambda error: _failed(emulator, error))
    request_log.watch(app)
    return app


def _refused(emulator: Emulator, refusal: Refusal) -> Response:
    request_id = emulator.runtime.request_id()
    return adapter.write(refusal.result(request_id, emulator.quirks), request_id)


def _http_error(emulator: Emulator, error: HTTPException, answer_api: Any) -> Response:
    """Flask's own refusals (a method nobody knows, a bad path) are the API's to answer."""
    del error
    return answer_api(request.path.removeprefix("/"))  # type: ignore[no-any-return]


def _no_such_admin_page(emulator: Emulator, app: Flask) -> Response:
    """The catch-all takes what no admin route does: an unknown path, or a known one with another method."""
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule == request.path.rstrip("/")]
    allowed = sorted({method for rule in rules for method in rule.methods or ()} - {"HEAD", "OPTIONS"})
    if not allowed:
        return _refused(emulator, ApiError("unknown_path", detail="There is no such page below /_mock."))
    takes = ", ".join(allowed)
    detail = f"This path takes {takes}."
    return _refused(emulator, ApiError("method_not_allowed", detail=detail, headers=(("Allow", takes),)))


def _failed(emulator: Emulator, error: Exception) -> Response:
    """A bug of ours: the traceback goes to the log, the client gets the service's own 1400-500."""
    log.exception("unexpected failure in %s %s", request.method, request.path[:200], exc_info=error)
    return _refused(emulator, ApiError("internal"))
