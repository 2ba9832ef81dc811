"""Tests of the container for Testcontainers: its creation, readiness and members."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
import requests
from testcontainers.core.config import ConnectionMode, testcontainers_config

from mockserver import __version__
from mockserver.config import NAME, ConfigError
from mockserver.testcontainers import FlowServiceContainer
from tests.testcontainers.engine import Engine, engine


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    with engine() as (made, address):
        monkeypatch.setenv("DOCKER_HOST", address)
        monkeypatch.setattr(testcontainers_config, "ryuk_disabled", True)
        monkeypatch.setattr(testcontainers_config, "connection_mode_override", ConnectionMode.docker_host)
        yield made


def test_a_started_container_serves_judges_and_is_removed(docker: Engine) -> None:
    with FlowServiceContainer(strict=True, seed=7, sandboxes=("prod", "dev")) as service:
        form = {"grant_type": "client_credentials", "client_id": "tests", "client_secret": "any", "scope": "openid"}
        token = requests.post(service.token_url, data=form, timeout=30).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}", "x-api-key": "tests", "x-sandbox-name": "prod"}
        headers["x-gw-ims-org-id"] = "0123456789ABCDEF01234567@AdobeOrg"
        listed = requests.get(f"{service.url}/connections", params={"limit": "500"}, headers=headers, timeout=30)
        assert listed.status_code == 200 and listed.json()["items"] == []
        report = service.report()
        assert {finding.rule for finding in report.open} >= {"paging.limit-above-maximum"} and report.fails()
        assert requests.get(f"{service.address}/_mock/report", timeout=30).status_code == 401, "others may reach it"
    assert docker.removed


def test_the_engine_is_asked_for_the_image_of_this_version_with_the_settings_as_variables(docker: Engine) -> None:
    with FlowServiceContainer(strict=True, quirk={"delete-status": "202", "sub-op": "required"}, admin_token="sesame"):
        pass
    assert docker.created["Image"] == f"{NAME}:{__version__}"
    assert list(docker.created["ExposedPorts"]) == ["8080/tcp"]
    assert set(docker.created["Env"]) == {
        "MOCKSERVER_STRICT=true",
        "MOCKSERVER_QUIRK=delete-status=202,sub-op=required",
        "MOCKSERVER_PORT=8080",
        "MOCKSERVER_ALLOW_HOST=*",
        "MOCKSERVER_ADMIN_TOKEN=sesame",
    }


def test_another_image_is_taken_as_it_is_named(docker: Engine) -> None:
    with FlowServiceContainer("registry.example.com/team/mock-flow-service:9"):
        assert docker.created["Image"] == "registry.example.com/team/mock-flow-service:9"


@pytest.mark.parametrize(("settings", "error"), [({"platform": "gcp"}, ConfigError), ({"colour": "red"}, TypeError)])
def test_what_the_server_would_refuse_is_refused_before_a_container_is_made(
    docker: Engine, settings: dict[str, str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        FlowServiceContainer(**settings)
    assert not docker.created


def test_without_the_extra_it_is_said_how_to_get_it() -> None:
    code = "import sys; sys.modules['testcontainers'] = None; import mockserver.testcontainers"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "testcontainers is not installed. Install it with:" in done.stderr
    assert done.returncode == 1
