"""Tests that the Python blocks of the pages on tests run as the pages say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.rows import each

pytest_plugins = ["pytester"]

DOCS = Path(__file__).resolve().parents[2] / "docs"
CASSETTE = """
version: 1
interactions:
- request:
    method: GET
    uri: https://platform.adobe.io/data/foundation/flowservice/connections
    body: null
    headers: {}
  response:
    status: {code: 200, message: OK}
    headers: {Content-Type: [application/json]}
    body: {string: '{"items": [{"name": "orders"}]}'}
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with the installed plugin and a recorded cassette."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p mockserver.pytest_plugin -p no:cacheprovider")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.mkdir("cassettes").joinpath("list.yaml").write_text(CASSETTE, encoding="utf-8")
    return pytester


def blocks(page: str) -> str:
    """All Python blocks of a page, joined."""
    return "\n\n".join(re.findall(r"^```python\n(.*?)^```$", (DOCS / page).read_text(encoding="utf-8"), re.M | re.S))


def test_what_becomes_of_canned_responses_and_cassettes(project: pytest.Pytester) -> None:
    project.makepyfile(test_page=blocks("from-responses-and-vcrpy.md"))
    result = project.runpytest_subprocess("test_page.py")
    result.assert_outcomes(passed=6)


def test_the_test_of_the_readme_passes_and_judges_its_client(project: pytest.Pytester) -> None:
    example = blocks("../README.md")
    project.makepyfile(test_page=example, test_wrong=example.replace("headers=flow_service.headers", "headers={}"))
    result = project.runpytest_subprocess("test_page.py", "test_wrong.py")
    result.assert_outcomes(passed=1, failed=1)
    assert "FAIL  header.token-missing" in result.stdout.str()


def test_the_fixture_page_fails_where_it_says_and_passes_elsewhere(project: pytest.Pytester) -> None:
    project.makepyfile(test_page=blocks("pytest.md"))
    result = project.runpytest_subprocess("test_page.py", "--flow-report=flow-report")
    text = result.stdout.str()
    failed = set(re.findall(r"^FAILED test_page.py::(\w+)", text, re.M))
    assert failed == {"test_rename", "test_somebody_else_is_faster", "Renaming"}, text
    assert "the client broke etag.unquoted" in text and re.search(r"2  412  PATCH \S+  1404-412  \w+", text)
    assert "report: flow-report/index.html" in text
    shown = re.search(r"^the client broke.*?^Failed: 1 FAIL$", (DOCS / "pytest.md").read_text("utf-8"), re.M | re.S)
    assert shown and shown[0] in text, text


@each("page", sorted(path.name for path in DOCS.glob("*.md")))
def test_every_python_block_is_python(page: str) -> None:
    for block in re.findall(r"^```python\n(.*?)^```$", (DOCS / page).read_text(encoding="utf-8"), re.M | re.S):
        compile(block, page, "exec")  # only parses; other tests run them
