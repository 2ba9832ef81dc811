"""The emulator over HTTP. The only folder that imports Flask."""

from __future__ import annotations

from flask import Response, request
from werkzeug.exceptions import HTTPException

from mockserver.emulator import Emulator, storage_refusal
from mockserver.errors import ApiError, Refusal
from mockserver.journal import NothingRecorded
from mockserver.state.store import StorageUnavailable
from mockserver.web import admin, console, contract_pages, docs_pages, fault_pages, front_page, ims, scenario_pages
from mockserver.web.application import Api, Application, respond

__all__ = ["Application", "build_app"]

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"]


def build_app(emulator: Emulator) -> Application:
    """Build the Flask application of an emulator: API, token endpoint, contract and `/_mock`."""
    api = Api(emulator)
    app = Application(api)
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.extensions["emulator"] = emulator

    def answer_api(path: str = "") -> Response:
        """Answer every path without a route. The core reads the raw path from the environ."""
        if not path or path.startswith(("_mock", "openapi.")):
            return respond(api.refused(_no_such_page(app)))
        return respond(api.answer(request.environ))

    def refused(refusal: Refusal) -> Response:
        of_service = request.endpoint == "api" or request.blueprint == ims.NAME
        return respond(api.unread(refusal, request.environ) if of_service else api.refused(refusal))

    def unavailable(trouble: StorageUnavailable) -> Response:
        return respond(api.refused(storage_refusal(trouble)))

    def not_recorded(nothing: NothingRecorded) -> Response:
        return respond(api.refused(ApiError("journal_off", detail=str(nothing))))

    def http_error(error: HTTPException) -> Response:
        """Let the API answer what Flask refuses, such as unknown methods and invalid paths."""
        del error
        return answer_api(request.path.removeprefix("/"))

    def failed(error: Exception) -> Response:
        return respond(api.failed(error, request.environ))

    app.add_url_rule("/<path:path>", "api", answer_api, methods=_METHODS, provide_automatic_options=False)
    for pages in (front_page, admin, docs_pages, fault_pages, ims, contract_pages):
        app.register_blueprint(pages.blueprint(emulator))
    stage = scenario_pages.stage_of(emulator)
    for staged in (console, scenario_pages):
        app.register_blueprint(staged.blueprint(emulator, stage))
    app.register_error_handler(Refusal, refused)
    app.register_error_handler(StorageUnavailable, unavailable)
    app.register_error_handler(NothingRecorded, not_recorded)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(Exception, failed)
    return app


def _no_such_page(app: Application) -> ApiError:
    """The error for an unknown path below `/_mock`, or a known path with another method."""
    allowed = sorted(app.methods_of_page() - {"HEAD", "OPTIONS"})
    if not allowed:
        return ApiError("unknown_path", detail="There is no such page.")
    methods = ", ".join(allowed)
    detail = f"This path supports {methods}."
    return ApiError("method_not_allowed", detail=detail, headers=(("Allow", methods),))
