"""Converts results to Flask responses, including those that a fault delays, slows, cuts, damages or loses.

Our server waits without blocking a thread. Under Flask's test client or another server, the calling thread waits.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

from flask import Response

from mockserver.exchange import Delivery, Result
from mockserver.web import adapter
from mockserver.web.bridge import Pace
from mockserver.web.received import PACE


def write(result: Result, request_id: str) -> Response:
    """Convert a result to a Flask response."""
    head = adapter.head(result, request_id)
    if result.delivery is not None:
        return Delivered(result, head)
    response = Response(result.encoded, result.status, head)
    if result.body is None:
        del response.headers["Content-Type"]
    return response


class Delivered(Response):
    """The response of a result that has a `Delivery`."""

    def __init__(self, result: Result, headers: list[tuple[str, str]]) -> None:
        assert result.delivery is not None
        self.delivery = result.delivery
        body = _bytes_of(result, result.delivery)
        sent = body[: result.delivery.cut_at]
        super().__init__(sent, result.status, headers, content_type=result.delivery.content_type)
        if len(sent) < len(body):
            self.headers["Content-Length"] = str(len(body))
        if not body:
            del self.headers["Content-Type"]

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Send the response (WSGI). Raises ConnectionResetError to make the server reset the connection."""
        delivery = self.delivery
        paced = PACE in environ
        if paced:
            environ[PACE] = Pace(delivery.delay_ms / 1000, delivery.bytes_per_second, delivery.hung_up)
        else:
            time.sleep(delivery.delay_ms / 1000)
        if delivery.reset:
            raise ConnectionResetError("a fault breaks the connection")
        parts = super().__call__(environ, start_response)
        if delivery.bytes_per_second and not paced:
            return _trickle(b"".join(parts), delivery.bytes_per_second)
        return parts


def _bytes_of(result: Result, delivery: Delivery) -> bytes:
    if delivery.raw is not None:
        return delivery.raw
    return result.encoded


def _trickle(data: bytes, per_second: int) -> Iterator[bytes]:
    piece = max(1, per_second // 10)
    for start in range(0, len(data), piece):
        yield data[start : start + piece]
        time.sleep(piece / per_second)
