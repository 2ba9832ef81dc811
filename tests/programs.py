"""Programs of other packages that a test needs, and the one way to skip a test where one is missing."""

from __future__ import annotations

import shutil

import pytest

DEBIAN = {
    "chromium": "chromium",
    "curl": "curl",
    "go": "golang-go",
    "haproxy": "haproxy",
    "java": "default-jre-headless",
    "jq": "jq",
    "keytool": "default-jre-headless",
    "node": "nodejs",
    "npm": "npm",
    "openssl": "openssl",
    "ruby": "ruby",
}
"""Program -> the package of Debian that brings it. `.ci/run` installs what is missing, where it may."""


def needs(program: str) -> pytest.MarkDecorator:
    """Skip a test where a program is missing; under `--no-skips` it fails instead."""
    return pytest.mark.skipif(not shutil.which(program), reason=missing(program))


def missing(program: str) -> str:
    """Why a test is skipped, and the package that would cure it."""
    return f"{program} is not installed: apt-get install {DEBIAN[program]}"


def absent() -> list[str]:
    """The packages of Debian that would bring what is missing here."""
    return sorted({package for program, package in DEBIAN.items() if not shutil.which(program)})


if __name__ == "__main__":
    print(*absent())
