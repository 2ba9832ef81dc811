"""Tests that requirements are those of pyproject.toml, pinned, hashed, and without traces of a machine."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.rows import each

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
NAME = PROJECT["project"]["name"]
EXTRAS = PROJECT["project"]["optional-dependencies"]
PINNED = sorted(path.name for path in (ROOT / "requirements").glob("*.txt") if "without" not in path.name)


def pinned(name: str) -> dict[str, Requirement]:
    """The pins of a requirements file by package."""
    lines = (ROOT / "requirements" / name).read_text().splitlines()
    found = [Requirement(line.rstrip(" \\")) for line in lines if line[:1].isalnum()]
    return {canonicalize_name(pin.name): pin for pin in found}


def asked(texts: list[str]) -> Iterator[Requirement]:
    """The requirements of a list, including those of the named extras."""
    for requirement in map(Requirement, texts):
        if requirement.name == NAME:
            for extra in requirement.extras:
                yield from asked(EXTRAS[extra])
        else:
            yield requirement


@each(
    "file, texts",
    [
        ("run.txt", PROJECT["project"]["dependencies"]),
        ("image.txt", PROJECT["project"]["dependencies"] + EXTRAS["postgres"]),
        ("test.txt", PROJECT["project"]["dependencies"] + EXTRAS["dev"]),
        *((f"{group}.txt", texts) for group, texts in PROJECT["dependency-groups"].items()),
    ],
)
def test_every_requirement_is_pinned_to_a_version_it_allows(file: str, texts: list[str]) -> None:
    pins = pinned(file)
    for requirement in asked(texts):
        pin = pins.get(canonicalize_name(requirement.name))
        assert pin is not None, f"{requirement} is not in requirements/{file}: run `make lock`"
        version = next(iter(pin.specifier)).version
        assert requirement.specifier.contains(version), f"{pin} is not {requirement}: run `make lock`"
        assert requirement.extras <= pin.extras, f"{pin} lost the extras of {requirement}: pip refuses it by hash"


@each("file", PINNED)
def test_pins_carry_hashes_and_no_place(file: str) -> None:
    text = (ROOT / "requirements" / file).read_text()
    assert not re.search(r"://|file:|^-|^/| @ ", text, re.MULTILINE)
    for block in re.split(r"\n(?=[a-z0-9])", text):
        assert "--hash=sha256:" in block, block.splitlines()[0]


INSTALLS = re.compile(r"\bpip(?:_install)?\b[^\n#]*\binstall\b.*|\bpip_install .*|\bnpm (?:install|ci|i)\b.*|\bnpx\b.*")
LOCKED = re.compile(r"--require-hashes|--no-deps|npm ci |--package-lock-only|install \"\$@\" && return")
"""Ways to install only what a file of hashes lists, the project itself, or nothing but a lock file."""


@pytest.mark.parametrize("file", ["Makefile", "Dockerfile", "requirements/install.sh", ".github/workflows", ".ci"])
def test_whatever_is_installed_is_checked_by_hash(file: str) -> None:
    paths = [path for path in (ROOT / file).rglob("*")] if (ROOT / file).is_dir() else [ROOT / file]
    for path in paths:
        for found in INSTALLS.finditer(path.read_text()):
            assert LOCKED.search(found[0]), f"{path.relative_to(ROOT)}: {found[0]}"


def test_files_shared_by_run_and_test_agree() -> None:
    run, test = pinned("run.txt"), pinned("test.txt")
    assert {name: str(pin.specifier) for name, pin in run.items()} == {
        name: str(test[name].specifier) for name in run if name in test
    }


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(folder), "."]
    subprocess.run(command, cwd=ROOT, check=True, timeout=120, capture_output=True)
    return next(folder.glob("*.whl"))


def test_a_wheel_claims_one_top_level_name(wheel: Path) -> None:
    names = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"mockserver"}


def test_the_contract_command_of_a_wheel_ignores_a_users_folder_of_that_name(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    (tmp_path / "home" / "contracts").mkdir(parents=True)
    (tmp_path / "home" / "contracts" / "__init__.py").write_text("raise RuntimeError('the users own')")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r}); "
        "from mockserver.cli import main; main(['contract', 'http://127.0.0.1:9', '--read-only'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path / "home", capture_output=True, text=True, timeout=60
    )
    assert "Traceback" not in done.stderr and "users own" not in done.stderr, done.stderr
    assert str(tmp_path / "site") not in done.stderr
    assert done.returncode in (1, 2, 3)
