"""Parses forms of the console. They are limited in size and accepted from its own pages only."""

from __future__ import annotations

from io import BytesIO
from urllib.parse import parse_qsl

from flask import Response, redirect, request
from werkzeug.formparser import FormDataParser

from mockserver.errors import ApiError
from mockserver.web import adapter, admin

MAX_FORM_BYTES = 65_536


def sent() -> dict[str, str]:
    """Parse the fields of a form. Raises ApiError unless a page of this server sent it."""
    _demand_own_page()
    if request.mimetype != "application/x-www-form-urlencoded":
        raise ApiError("unsupported_media_type", detail="Send a form, or call the JSON API below /_mock.")
    body = adapter.read_body(request.environ, MAX_FORM_BYTES)
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=200))
    except ValueError:
        raise admin.wrong("The form cannot be read: expected UTF-8 and at most 200 fields.") from None


def uploaded(max_bytes: int) -> bytes:
    """The uploaded file of a form; empty if there is none. Raises ApiError unless a page of this server sent it."""
    _demand_own_page()
    if request.mimetype != "multipart/form-data":
        raise ApiError("unsupported_media_type", detail="Send a form with a file, or call the JSON API below /_mock.")
    body = adapter.read_body(request.environ, max_bytes)
    parser = FormDataParser(max_content_length=max_bytes, max_form_memory_size=MAX_FORM_BYTES, max_form_parts=4)
    try:
        _, _, files = parser.parse(BytesIO(body), request.mimetype, len(body), dict(request.mimetype_params))
    except ValueError:
        raise admin.wrong("The form cannot be read.") from None
    file = files.get("file")
    return b"" if file is None else file.read()


def _demand_own_page() -> None:
    """Require an Origin header, which browsers send with every form. `guard` has refused other origins already."""
    if "Origin" not in request.headers:
        detail = "Forms are accepted from pages of this server only. Programs use the JSON API."
        raise ApiError("forbidden_origin", detail=detail)


def done(page: str, what: str) -> Response:
    """Redirect to a page that shows what was done, so that reloading it does not send the form again."""
    answer = redirect(f"/_mock/console/{page}?done={what}", code=303)
    assert isinstance(answer, Response)
    return answer
