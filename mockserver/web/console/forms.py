"""Forms of the console: read within bounds, and taken from its own pages alone."""

from __future__ import annotations

from io import BytesIO
from urllib.parse import parse_qsl

from flask import Response, redirect, request
from werkzeug.formparser import FormDataParser

from mockserver.errors import ApiError
from mockserver.web import adapter, admin

MAX_FORM_BYTES = 65_536


def sent() -> dict[str, str]:
    """The fields of a form. Raises ApiError unless a page of ours sent it."""
    _demand_a_page_of_ours()
    if request.mimetype != "application/x-www-form-urlencoded":
        raise ApiError("unsupported_media_type", detail="Send a form, or call the JSON API below /_mock.")
    body = adapter.read_body(request.environ, MAX_FORM_BYTES)
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=200))
    except ValueError:
        raise admin.wrong("The form cannot be read: expected UTF-8 and at most 200 fields.") from None


def uploaded(most: int) -> bytes:
    """The one file of a form, empty for none. Raises ApiError unless a page of ours sent it."""
    _demand_a_page_of_ours()
    if request.mimetype != "multipart/form-data":
        raise ApiError("unsupported_media_type", detail="Send a form with a file, or call the JSON API below /_mock.")
    body = adapter.read_body(request.environ, most)
    parser = FormDataParser(max_content_length=most, max_form_memory_size=MAX_FORM_BYTES, max_form_parts=4)
    try:
        _, _, files = parser.parse(BytesIO(body), request.mimetype, len(body), dict(request.mimetype_params))
    except ValueError:
        raise admin.wrong("The form cannot be read.") from None
    file = files.get("file")
    return b"" if file is None else file.read()


def _demand_a_page_of_ours() -> None:
    """Every browser says with a form which page sent it; `guard` has refused all pages but those of this server."""
    if "Origin" not in request.headers:
        raise ApiError("forbidden_origin", detail="Only pages of this server send forms. Programs call the JSON API.")


def done(page: str, what: str) -> Response:
    """Back to the page, which says what was done: reloading it sends nothing again."""
    answer = redirect(f"/_mock/console/{page}?done={what}", code=303)
    assert isinstance(answer, Response)
    return answer
