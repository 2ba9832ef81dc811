"""Tests of what is in the repository: no file of an experiment, no trace of a machine, no private key."""

from __future__ import annotations

import re

import pytest

from tests.test_architecture import ROOT, tracked

TOP_FILES = {
    ".dockerignore", ".gitignore", ".yamllint.yaml", "AGENTS.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md",
    "Dockerfile", "LICENSE", "Makefile", "README.md", "RELEASING.md", "SECURITY.md", "action.yml", "compose.yaml",
    "docker-bake.hcl", "openapi.yaml", "pyproject.toml",
}  # fmt: skip

MACHINE_PATH = re.compile(r"(?<![\w.-])/(?:work|farm|root|home|Users)/[\w.-]")
REGISTRY_HOST = re.compile(r"\b(?:pypi\.org|pythonhosted\.org|npmjs\.org|docker\.io|ghcr\.io|quay\.io)\b")
PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s*[A-Za-z0-9+/=]{40}")


@pytest.mark.parametrize(
    ("pattern", "what"),
    [(MACHINE_PATH, "a path of one machine"), (REGISTRY_HOST, "a registry's host"), (PRIVATE_KEY, "a private key")],
    ids=["machine-path", "registry-host", "private-key"],
)
def test_no_file_names_the_machine_it_was_made_on(pattern: re.Pattern[str], what: str) -> None:
    found = []
    for name in tracked():
        text = (ROOT / name).read_bytes().decode("utf-8", "replace")
        found += [f"{name}:{text.count(chr(10), 0, match.start()) + 1}" for match in pattern.finditer(text)]
    assert not found, f"{what} stands in {', '.join(found)}"


def test_no_file_of_an_experiment_is_left_at_the_top() -> None:
    assert {name for name in tracked() if "/" not in name} == TOP_FILES
