"""Tests of complete responses as bytes."""

from __future__ import annotations

import pytest

from mockserver.server.response import complete


def test_a_response_has_status_common_headers_its_own_and_body() -> None:
    made = complete(404, [("X-A", "é"), ("x-b", "")], b"body", [(b"date", b"now")])
    assert made == b"HTTP/1.1 404 Not Found\r\ndate: now\r\nx-a: \xe9\r\nx-b: \r\n\r\nbody"


def test_a_response_without_headers_and_body_ends_after_its_status_line() -> None:
    assert complete(204, [], b"") == b"HTTP/1.1 204 No Content\r\n\r\n"


@pytest.mark.parametrize("text", ["a\r\nx-b: c", "a\nb", "a\rb", "a\0b"])
def test_a_line_break_in_a_header_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        complete(200, [("x-a", text)], b"")
    with pytest.raises(ValueError, match="line break"):
        complete(200, [(text, "a")], b"")
