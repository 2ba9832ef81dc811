"""Tests of Swagger UI: it loads everything from this server."""

from __future__ import annotations

import json
import re

import pytest
from flask.testing import FlaskClient

from mockserver import Config, Emulator, create_app
from mockserver.contract import load_document


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


def test_a_first_call_needs_no_typing(emulator: Emulator, client: FlaskClient) -> None:
    """Each security scheme of the document has a value, and a request with them succeeds."""
    script = client.get("/_mock/docs/start.js").text
    given = json.loads(re.findall(r"Object\.entries\((\{.*?\})\)", script)[0])
    schemes = load_document()["components"]["securitySchemes"]
    assert given.keys() == schemes.keys()
    headers = {schemes[name].get("name", "Authorization"): value for name, value in given.items()}
    headers["Authorization"] = f"Bearer {headers['Authorization']}"
    assert client.get("/connections", headers=headers).status_code == 200


def test_a_strict_server_takes_the_token_that_is_filled_in() -> None:
    config = Config(strict=True, api_keys=("key-of-ours",), orgs=("ABC@AdobeOrg",), sandboxes=("dev",))
    client = create_app(Emulator(config)).test_client()
    given = json.loads(re.findall(r"Object\.entries\((\{.*?\})\)", client.get("/_mock/docs/start.js").text)[0])
    token = given.pop("accessToken")
    assert given == {"apiKey": "key-of-ours", "imsOrg": "ABC@AdobeOrg", "sandbox": "dev"}
    headers = {"x-api-key": "key-of-ours", "x-gw-ims-org-id": "ABC@AdobeOrg", "x-sandbox-name": "dev"}
    assert client.get("/connections", headers={**headers, "Authorization": f"Bearer {token}"}).status_code == 200


def test_no_draft_is_preselected_and_the_page_is_dark_where_the_reader_is(client: FlaskClient) -> None:
    mode = load_document()["components"]["parameters"]["Mode"]
    assert "example" not in mode and "default" not in mode["schema"]
    assert "prefers-color-scheme: dark" in client.get("/_mock/docs/start.js").text
    assert "html.dark-mode" in client.get("/_mock/docs/swagger-ui.css").text


@pytest.mark.parametrize("name", ["swagger-ui.js", "..%2f__init__.py", "index.css", "VERSION"])
def test_nothing_else_of_the_package_is_served(client: FlaskClient, name: str) -> None:
    assert client.get(f"/_mock/docs/{name}").status_code == 404


def test_the_assets_come_with_their_licence(client: FlaskClient) -> None:
    assert "http" in client.get("/_mock/docs/LICENSE").text
