"""External programs that tests need, and how a test is skipped if one is missing."""

from __future__ import annotations

import shutil

import pytest

DEBIAN = {
    "chromium": "chromium",
    "curl": "curl",
    "fish": "fish",
    "go": "golang-go",
    "haproxy": "haproxy",
    "java": "default-jre-headless",
    "jq": "jq",
    "keytool": "default-jre-headless",
    "node": "nodejs",
    "npm": "npm",
    "openssl": "openssl",
    "ruby": "ruby",
    "zsh": "zsh",
}
"""Program -> its Debian package. `.ci/run` installs missing ones if permitted."""


def needs(program: str) -> pytest.MarkDecorator:
    """Skip a test where a program is missing; under `--no-skips` it fails instead."""
    return pytest.mark.skipif(not shutil.which(program), reason=missing(program))


def missing(program: str) -> str:
    """Why a test is skipped, and the package to install."""
    return f"{program} is not installed: apt-get install {DEBIAN[program]}"


def absent() -> list[str]:
    """The Debian packages of missing programs."""
    return sorted({package for program, package in DEBIAN.items() if not shutil.which(program)})


if __name__ == "__main__":
    print(*absent())
