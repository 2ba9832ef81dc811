"""Tests of the Flask application: hooks, further pages and the test client work as usual."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import got_request_exception, request, request_finished, request_started

from mockserver import Config, Emulator, create_app
from mockserver.web.application import Application
from tests.calls import HEADERS


def _before(made: Application, see: Callable[..., None]) -> None:
    made.before_request(see)


def _after(made: Application, see: Callable[..., None]) -> None:
    made.after_request(lambda response: see() or response)


def _teardown(made: Application, see: Callable[..., None]) -> None:
    made.teardown_request(see)


def _teardown_context(made: Application, see: Callable[..., None]) -> None:
    made.teardown_appcontext(see)


def _started(made: Application, see: Callable[..., None]) -> None:
    request_started.connect(see, made)


def _finished(made: Application, see: Callable[..., None]) -> None:
    request_finished.connect(see, made)


@pytest.mark.parametrize("hook", [_before, _after, _teardown, _teardown_context, _started, _finished])
def test_who_hooks_into_flask_sees_the_calls_of_the_api(hook: Callable[..., None]) -> None:
    seen = []

    def see(*_: object, **__: object) -> None:
        seen.append("call")

    made = create_app(Emulator(Config(seed=7)))
    hook(made, see)
    assert made.test_client().get("/connections", headers=HEADERS).status_code == 200
    assert seen == ["call"]
    assert not got_request_exception.receivers


def test_a_page_of_ones_own_may_stand_below_a_path_of_the_api() -> None:
    made = create_app(Emulator(Config(seed=7)))
    made.add_url_rule("/connections/mine", view_func=lambda: "mine")
    client = made.test_client()
    assert client.get("/connections/mine").text == "mine"
    assert client.get("/connections", headers=HEADERS).status_code == 200


def test_a_test_that_looks_into_the_request_afterwards_can() -> None:
    with create_app(Emulator(Config(seed=7))).test_client() as client:
        client.get("/connections?limit=3", headers=HEADERS)
        assert request.args["limit"] == "3"
