"""Tests that a file is replaced as a whole, whoever else writes it and whoever is killed meanwhile."""

from __future__ import annotations

import ast
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mockserver import files
from tests.rows import each
from tests.syntax import nodes, parsed, source_of

WRITER = """
import sys
from pathlib import Path
from mockserver import files
path, aside, kind = Path(sys.argv[1]), Path(sys.argv[2]) if sys.argv[2] else None, sys.argv[3]
with files.replacing(path, aside) if kind == "new" else files.appending(path) as file:
    file.write(b'{"half": ')
    file.flush()
    print("begun", flush=True)
    sys.stdin.readline()
    file.write(b"2}\\n")
"""


ADDING = """
import sys
from pathlib import Path
from mockserver import files

for line in range(int(sys.argv[2])):
    with files.appending(Path(sys.argv[1])) as file:
        files.add(file, f"{sys.argv[3]} {line}\\n".encode())
"""


@contextmanager
def writing(path: Path, aside: Path | None = None, kind: str = "new") -> Iterator[subprocess.Popen[str]]:
    """Another process that has written half of a file, and goes on after a line of input."""
    command = [sys.executable, "-c", WRITER, str(path), str(aside or ""), kind]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "begun\n"
        yield process
        process.kill()


def adding(path: Path, number: int, name: str) -> subprocess.Popen[bytes]:
    """Another process that adds so many lines."""
    return subprocess.Popen([sys.executable, "-c", ADDING, str(path), str(number), name])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "aside").mkdir()
    return tmp_path


def left(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*.new")]


@pytest.mark.parametrize("place", ["beside", "aside"])
def test_what_a_killed_process_left_is_removed_by_the_next(folder: Path, place: str) -> None:
    path, aside = folder / "a.json", folder / "aside" if place == "aside" else None
    with writing(path, aside) as process:
        process.kill()
        process.wait()
        assert len(left(folder)) == 1 and not path.exists()
    with files.replacing(path if place == "beside" else folder / "another.json", aside) as file:
        file.write(b"1")
        assert len(left(folder)) == 1
    assert not left(folder)


@pytest.mark.parametrize("place", ["beside", "aside"])
def test_what_a_living_process_writes_is_left_alone(folder: Path, place: str) -> None:
    path, aside = folder / "a.json", folder / "aside" if place == "aside" else None
    with writing(path, aside) as process:
        with files.replacing(path, aside) as file:
            file.write(b"1")
        assert path.read_bytes() == b"1" and len(left(folder)) == 1
        process.communicate("\n")
        assert process.returncode == 0
    assert path.read_bytes() == b'{"half": 2}\n' and not left(folder)


def test_writers_with_one_process_id_do_not_share_a_file(folder: Path) -> None:
    """Two containers, each with process 1. The one took away what the other was writing, and half of it was shown."""
    path = folder / "a.json"
    with files.replacing(path) as one:
        one.write(b"one")
        with files.replacing(path) as other:
            other.write(b"other")
        assert path.read_bytes() == b"other"
    assert path.read_bytes() == b"one" and not left(folder)


def test_planted_links_and_pipes_among_unfinished_files_are_not_followed(folder: Path) -> None:
    victim = folder / "victim"
    victim.write_text("precious")
    (folder / ".a.json.0.new").symlink_to(victim)
    (folder / ".a.json.1.new").symlink_to("missing")
    files.write(folder / "a.json", "1")
    assert victim.read_text() == "precious" and not left(folder) and (folder / "a.json").read_text() == "1"


def test_a_block_that_fails_changes_nothing(folder: Path) -> None:
    path = folder / "a.json"
    files.write(path, "1")
    with pytest.raises(ZeroDivisionError), files.replacing(path) as file:
        file.write(b"2")
        raise ZeroDivisionError
    assert path.read_text() == "1" and not left(folder)


@pytest.mark.parametrize("before", [b"", b'{"a": 1}\n', b"x" * 200_000 + b"\n"], ids=["empty", "short", "long"])
@pytest.mark.parametrize("half", [b"", b'{"half', b"y" * 200_000], ids=["nothing", "short", "long"])
def test_lines_are_added_after_complete_ones(folder: Path, before: bytes, half: bytes) -> None:
    path = folder / "a.jsonl"
    path.write_bytes(before + half)
    with files.appending(path) as file:
        assert files.add(file, b"2\n") == len(before) + 2
    assert path.read_bytes() == before + b"2\n"


def test_lines_wait_until_half_a_line_of_a_living_process_is_complete_or_removed(folder: Path) -> None:
    path = folder / "a.jsonl"
    for killed, expected in ((False, b'{"half": 2}\n1\n'), (True, b'{"half": 2}\n1\n1\n')):
        with writing(path, kind="lines") as process, adding(path, 1, "1") as other:
            assert path.read_bytes().endswith(b'{"half": ')
            if killed:
                process.kill()
            else:
                process.communicate("go on\n")
            assert other.wait(30) == 0
        assert path.read_bytes().replace(b"1 0", b"1") == expected


def test_a_file_that_stays_locked_is_not_waited_for_without_end(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its writer may be stopped; two such requests would hold up all that take long."""
    monkeypatch.setattr(files, "_LOCK_TRIES", 3)
    path = folder / "a.jsonl"
    with writing(path, kind="lines"):
        with pytest.raises(BlockingIOError, match="another process has locked"), files.appending(path):
            pass
        assert path.read_bytes() == b'{"half": '


def test_of_lines_that_do_not_fit_none_is_added(folder: Path) -> None:
    path = folder / "a.jsonl"
    path.write_bytes(b"1\n")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with files.appending(path) as file:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, before[1]))
        try:
            with pytest.raises(OSError, match="File too large"):
                files.add(file, b"x" * 2_000 + b"\n")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert path.read_bytes() == b"1\n"
        files.add(file, b"2\n")
    assert path.read_bytes() == b"1\n2\n"


def test_no_line_is_lost_if_several_processes_add_lines_at_the_same_time(folder: Path) -> None:
    path, number = folder / "a.jsonl", 3_000
    with adding(path, number, "a") as one, adding(path, number, "b") as other:
        assert (one.wait(), other.wait()) == (0, 0)
    expected = [f"{name} {line}" for name in "ab" for line in range(number)]
    assert sorted(path.read_text().splitlines()) == sorted(expected)


WRITERS = ("files/__init__.py", "state/sqlite.py", "intercept/trust.py")
"""Modules that write files by themselves: with locks, with a rule of their own, and in a private folder."""


def writes(tree: ast.Module) -> list[int]:
    """Lines that write a file."""
    found = []
    for node in nodes(tree):
        if isinstance(node, ast.Call):
            called = source_of(node.func).rpartition(".")[2]
            modes = [str(one.value) for one in node.args[:2] if called == "open" and isinstance(one, ast.Constant)]
            if called in ("write_text", "write_bytes") or any(re.fullmatch("[wax][bt+]*", mode) for mode in modes):
                found.append(node.lineno)
    return found


def test_nothing_else_in_the_package_writes_files() -> None:
    package = Path(files.__file__).parent.parent
    modules = [path for path in package.rglob("*.py") if not path.as_posix().endswith(WRITERS)]
    assert len(modules) > 100
    assert {path.name: lines for path in modules if (lines := writes(parsed(path)))} == {}


@each("source", ["path.write_text(text)", "path.open('xb')", "open(path, 'a', encoding='utf-8')"])
def test_writing_is_found(source: str) -> None:
    assert writes(ast.parse(source)) == [1]
