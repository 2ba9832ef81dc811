"""Tests that real waiting continues while a test library has frozen the process's time."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from urllib.parse import urlsplit

import freezegun
import pytest

import mockserver
from mockserver.clients.service import FlowService
from mockserver.intercept.proxy import Proxy
from mockserver.runtime import monotonic, stop_watch_ms

pytestmark = pytest.mark.timeout(30)

Stopped = Callable[[], AbstractContextManager[object]]


def frozen() -> AbstractContextManager[object]:
    return freezegun.freeze_time("2030-01-01")


def ticking() -> AbstractContextManager[object]:
    return freezegun.freeze_time("2030-01-01", tick=True)


def answered(service: FlowService, fault: str) -> int:
    url = urlsplit(service.url)
    connection = http.client.HTTPConnection(url.netloc, timeout=10)
    try:
        connection.request("GET", f"{url.path}/connections", headers=service.headers | {"x-mock-fault": fault})
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


@pytest.mark.parametrize("stopped", [frozen, ticking])
@pytest.mark.parametrize("fault", ["latency=300", "slow-body=200", "bad-gateway; latency=20"])
def test_an_answer_that_is_to_be_late_comes(stopped: Stopped, fault: str) -> None:
    with stopped(), mockserver.flow_service() as service:
        assert answered(service, fault) in (200, 502)


@pytest.mark.parametrize("stopped", [frozen, ticking])
def test_a_service_that_was_started_before_goes_on(stopped: Stopped) -> None:
    with mockserver.flow_service() as service, stopped():
        assert answered(service, "latency=30") == 200


def test_a_service_that_was_started_within_goes_on_afterwards() -> None:
    with ExitStack() as service_stack:
        with frozen():
            service = service_stack.enter_context(mockserver.flow_service())
        assert answered(service, "latency=30") == 200


def test_a_proxy_ends() -> None:
    with frozen():
        proxy = Proxy(1, 1)
        proxy.start()
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=60) as client:
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert client.recv(100).startswith(b"HTTP/1.1 400")
        proxy.stop()


def test_the_clock_for_waiting_is_not_stopped() -> None:
    with frozen():
        stood = time.monotonic()
        first_ms, first = stop_watch_ms(), monotonic()
        while monotonic() < first + 0.01:
            pass
        assert stop_watch_ms() >= first_ms + 10
        assert time.monotonic() == stood
