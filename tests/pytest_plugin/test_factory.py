"""Tests of `flow_service_factory` and of refusals in failure reports, from a project that uses the plugin."""

import pytest

from tests.pytest_plugin.test_pytest_plugin import project, run

__all__ = ["project"]
pytest_plugins = ["pytester"]


def test_a_factory_starts_services_with_settings_of_their_own(project: pytest.Pytester) -> None:
    result = run(
        project,
        """
        def test_apart(flow_service, flow_service_factory):
            strict, dev = flow_service_factory(strict=True), flow_service_factory(sandboxes=("dev",))
            assert len({flow_service.url, strict.url, dev.url}) == 3
            assert create(flow_service).status_code == 201
            assert create(strict).status_code == 201, "the headers hold a token that was issued there"
            assert create(dev).status_code == 201, "and a sandbox that exists there"
            strict.headers["Authorization"] = "Bearer made-up-by-the-client"
            dev.headers["x-sandbox-name"] = "prod"
            assert (create(strict).status_code, create(dev).status_code) == (401, 404)

        @pytest.mark.flow_conformance
        def test_each_is_judged(flow_service_factory):
            good, bad = flow_service_factory(), flow_service_factory()
            delete(good, create(good).json())
            unquoted(bad)

        @pytest.mark.flow_conformance
        def test_none_started(flow_service_factory):
            pass
        """,
    )
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["*the client broke etag.unquoted*", "*Flow Service calls (service 2 of 2)*"])
    result.stdout.fnmatch_lines(["*Nothing to judge*"])


def test_a_failed_test_shows_what_a_refusal_said(project: pytest.Pytester) -> None:
    result = run(
        project,
        """
        def test_refused(flow_service):
            del flow_service.headers["x-sandbox-name"]
            assert create(flow_service).status_code == 201
        """,
    )
    result.assert_outcomes(failed=1)
    assert "2105-400  " in result.stdout.str() and "andbox" in result.stdout.str().split("2105-400  ")[1][:80]
