"""`/_mock/docs`: the contract in Swagger UI. Its files come from the package flask-swagger-ui (Apache-2.0)."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

from flask import Blueprint, Response

from mockserver.emulator import Emulator
from mockserver.errors import ApiError
from mockserver.web import guard

_ASSETS = {
    "swagger-ui.css": "text/css; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "favicon-32x32.png": "image/png",
    "LICENSE": "text/plain; charset=utf-8",
}
"""The files of the package that are served. Only these names are accepted, never a path."""

# Swagger UI draws its icons from data: URLs and sets style attributes
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)

_PAGE = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Mock Flow Service: contract</title>
  <link rel="stylesheet" href="/_mock/docs/swagger-ui.css">
  <link rel="icon" href="/_mock/docs/favicon-32x32.png">
</head>
<body>
  <div id="contract"></div>
  <script src="/_mock/docs/swagger-ui-bundle.js"></script>
  <script src="/_mock/docs/start.js"></script>
</body>
</html>
"""

# queryConfigEnabled is off: configuration from the URL allowed CVE-2018-25031 and CVE-2025-8191
_START = """const ui = SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#contract", queryConfigEnabled: false, validatorUrl: null,
  docExpansion: "list", defaultModelsExpandDepth: 0, filter: true, tryItOutEnabled: true, persistAuthorization: true,
  onComplete: () => Object.entries(%s).forEach(([scheme, value]) => ui.preauthorizeApiKey(scheme, value))
});
const dark = matchMedia("(prefers-color-scheme: dark)");
const paint = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", paint);
paint();
"""


def blueprint(emulator: Emulator) -> Blueprint:
    """The page, its start script and the assets."""
    pages = Blueprint("docs", __name__, url_prefix="/_mock/docs")
    pages.before_request(guard.admin_check(emulator.config))

    @pages.get("/")
    def page() -> Response:
        return _answer(_PAGE, "text/html; charset=utf-8")

    @pages.get("/start.js")
    def start() -> Response:
        return _answer(_START % json.dumps(_credentials(emulator)), "text/javascript; charset=utf-8")

    @pages.get("/<name>")
    def asset(name: str) -> Response:
        folder = _folder()
        if name not in _ASSETS or folder is None:
            raise ApiError("unknown_path", detail="There is no such page under /_mock. The console is at /_mock/.")
        return _answer((folder / name).read_bytes(), _ASSETS[name])

    return pages


def _credentials(emulator: Emulator) -> dict[str, str]:
    """Valid credentials for requests from the page, by security scheme: a new token and accepted headers."""
    config = emulator.config
    return {
        "accessToken": emulator.tokens.issue()[0],
        "apiKey": next(iter(config.api_keys), "swagger-ui"),
        "imsOrg": next(iter(config.orgs), "5C1328435BF324E90A49402A@AdobeOrg"),
        "sandbox": next(iter(config.sandboxes), "prod"),
    }


def _folder() -> Path | None:
    """The folder of Swagger UI in the package, which is located without importing it."""
    spec = importlib.util.find_spec("flask_swagger_ui")
    return Path(spec.origin).parent / "dist" if spec and spec.origin else None


def _answer(content: str | bytes, media_type: str) -> Response:
    headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"}
    return Response(content, headers=headers, content_type=media_type)
