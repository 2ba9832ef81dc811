"""The contract in Swagger UI: everything it needs comes from this server."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from mockserver import Emulator, create_app


@pytest.fixture
def client(emulator: Emulator) -> FlaskClient:
    return create_app(emulator).test_client()


def test_the_page_names_only_files_of_this_server_and_all_of_them_are_there(client: FlaskClient) -> None:
    page = client.get("/_mock/docs")
    assert page.status_code == 200 and page.content_type == "text/html; charset=utf-8"
    named = re.findall(r'(?:href|src)="([^"]*)"', page.text)
    assert len(named) == 4 and all(name.startswith("/_mock/docs/") for name in named)
    for name in named:
        assert client.get(name).status_code == 200, name


def test_scripts_run_from_this_server_alone_and_the_address_configures_nothing(client: FlaskClient) -> None:
    policy = client.get("/_mock/docs").headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy and "default-src 'none'" in policy
    assert "queryConfigEnabled: false" in client.get("/_mock/docs/start.js").text


@pytest.mark.parametrize("name", ["swagger-ui.js", "..%2f__init__.py", "index.css", "VERSION"])
def test_nothing_else_of_the_package_is_served(client: FlaskClient, name: str) -> None:
    assert client.get(f"/_mock/docs/{name}").status_code == 404


def test_the_assets_come_with_their_licence(client: FlaskClient) -> None:
    assert "http" in client.get("/_mock/docs/LICENSE").text
