"""Parses forms of the console. They are limited in size and accepted from its own pages only."""

from __future__ import annotations

from io import BytesIO
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

from flask import Response, redirect, request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from mockserver.errors import ApiError
from mockserver.state.pieces import Read
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


def uploaded(max_bytes: int) -> Read:
    """Reads the uploaded file of a form, if there is one. Raises ApiError unless a page of this server sent it."""
    _demand_own_page()
    if request.mimetype != "multipart/form-data":
        raise ApiError("unsupported_media_type", detail="Send a form with a file, or call the JSON API below /_mock.")
    read, size = adapter.body_reader(request.environ, max_bytes)
    parser = FormDataParser(max_content_length=max_bytes + 1, max_form_memory_size=MAX_FORM_BYTES, max_form_parts=4)
    sent: Any = SimpleNamespace(read=read)
    try:
        _, _, files = parser.parse(sent, request.mimetype, size, dict(request.mimetype_params))
    except (ValueError, RequestEntityTooLarge):
        raise admin.wrong("The form cannot be read: expected a file and at most three small fields.") from None
    file = files.get("file")
    return BytesIO().read if file is None else file.stream.read


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
