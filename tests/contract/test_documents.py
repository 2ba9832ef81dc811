"""Tests that documents are read as written, and a parsed cache is used only if it is current."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from mockserver.contract import documents
from tests.rows import each

TEXT = "title: Flow Service\npaths:\n  /connections: {get: [1, 2.5, true, null, 'yes']}\n"
VALUE = {"title": "Flow Service", "paths": {"/connections": {"get": [1, 2.5, True, None, "yes"]}}}


@pytest.fixture(autouse=True)
def bytecode_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", None)


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "document.yaml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def parses(monkeypatch: pytest.MonkeyPatch) -> list[bytes | str]:
    """Record what goes through the YAML parser from now on."""
    seen: list[bytes | str] = []
    parse = documents.parse

    def watched(source: bytes | str) -> object:
        seen.append(source)
        return parse(source)

    monkeypatch.setattr(documents, "parse", watched)
    return seen


def test_the_second_reading_gives_the_same_and_parses_nothing(document: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = parses(monkeypatch)
    first, second = documents.read(document), documents.read(document)
    assert first == second == VALUE and len(parsed) == 1
    assert first["paths"] is not second["paths"], "who changes what he read changes nobody else's"


@each("path", documents.shipped())
def test_every_shipped_document_reads_the_same_from_its_kept_form(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / path.parent.name / path.name
    copy.parent.mkdir(exist_ok=True)
    copy.write_bytes(path.read_bytes())
    documents.read(copy)
    assert documents.kept_form(copy).is_file(), "it holds something that JSON cannot hold, so every start parses it"
    assert documents.read(copy) == yaml.safe_load(path.read_text(encoding="utf-8"))


def test_a_changed_document_is_parsed_again_however_its_time_and_size_look(document: Path) -> None:
    documents.read(document)
    kept, stat = documents.kept_form(document), document.stat()
    document.write_text(TEXT.replace("2.5", "2.6"), encoding="utf-8")
    os.utime(document, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert documents.read(document)["paths"]["/connections"]["get"][1] == 2.6
    assert b"2.6" in kept.read_bytes()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda form: b"",
        lambda form: form[:-1],
        lambda form: form + b" ",
        lambda form: form.replace(b"2.5", b"9.5"),
        lambda form: form.partition(b"\n")[2],
        lambda form: b"0" * 64 + b"\n{}",
        lambda form: b"\xff" * 200,
    ],
    ids=["emptied", "cut short", "grown", "a figure changed", "no digest", "a wrong digest", "not text"],
)
def test_a_damaged_form_is_ignored_and_replaced(document: Path, spoil: Callable[[bytes], bytes]) -> None:
    documents.read(document)
    kept = documents.kept_form(document)
    good = kept.read_bytes()
    kept.write_bytes(spoil(good))
    assert documents.read(document) == VALUE
    assert kept.read_bytes() == good


def test_the_form_of_another_document_is_not_taken(document: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("another: document\n", encoding="utf-8")
    documents.read(other)
    documents.kept_form(document).write_bytes(documents.kept_form(other).read_bytes())
    assert documents.read(document) == VALUE


@pytest.mark.parametrize("text", ["at: 2026-01-01\n", "200: a number for a name\n", "a: .nan\n"])
def test_what_json_cannot_hold_is_parsed_each_time(document: Path, text: str) -> None:
    document.write_text(text, encoding="utf-8")
    assert repr(documents.read(document)) == repr(documents.read(document)) == repr(yaml.safe_load(text))
    assert not documents.kept_form(document).exists()


def test_where_nothing_can_be_written_documents_are_read_all_the_same(document: Path) -> None:
    documents.kept_form(document).parent.write_text("a file in the folder's place", encoding="utf-8")
    assert documents.read(document) == VALUE


def test_nothing_is_kept_where_python_may_not_keep_bytecode(document: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert documents.read(document) == VALUE
    assert not documents.kept_form(document).exists()


def test_forms_are_kept_where_python_keeps_bytecode(
    document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "elsewhere"))
    documents.read(document)
    assert documents.kept_form(document).is_relative_to(tmp_path / "elsewhere")
    assert documents.kept_form(document).is_file() and not (document.parent / "__pycache__").exists()


def test_broken_yaml_is_said_as_such(document: Path) -> None:
    document.write_text("{: not YAML", encoding="utf-8")
    with pytest.raises(yaml.YAMLError):
        documents.read(document)


def test_all_documents_can_be_parsed_ahead_even_where_bytecode_is_not_kept(tmp_path: Path) -> None:
    environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": str(tmp_path)}
    root = documents.PACKAGE.parent
    code = "from mockserver.contract import documents; documents.parse_all()"
    subprocess.run([sys.executable, "-c", code], env=environ, cwd=root, check=True, timeout=60)
    assert len(list(tmp_path.rglob("*.json"))) == len(documents.shipped())
    assert not list(tmp_path.rglob("*.pyc"))


def repeated_members(node: yaml.Node) -> Iterator[str]:
    """Members that a YAML object has twice, of which YAML silently uses the last."""
    if isinstance(node, yaml.MappingNode):
        names = [key.value for key, _ in node.value]
        yield from (
            f"{key.value}, line {key.start_mark.line + 1}" for key, _ in node.value if names.count(key.value) > 1
        )
    for inner in node.value if isinstance(node.value, list) else ():
        for below in inner if isinstance(inner, tuple) else (inner,):
            yield from repeated_members(below)


def test_no_object_of_the_contract_has_a_member_twice() -> None:
    document = (Path(__file__).parents[2] / "openapi.yaml").read_text(encoding="utf-8")
    assert list(repeated_members(yaml.compose(document, yaml.SafeLoader))) == []
