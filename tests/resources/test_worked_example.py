"""Tests that the blocks of CONTRIBUTING's worked example create a resource that works."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from mockserver import Config, Emulator, contract, resources
from tests.calls import refused, send

TEXT = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    return str(found)


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Emulator:
    document, added = contract.load_document(), yaml.safe_load(block("yaml"))
    document["paths"].update(added["paths"])
    document["components"]["schemas"].update(added["components"]["schemas"])
    monkeypatch.setattr(contract.Contract, "load", staticmethod(lambda: contract.Contract(document)))
    monkeypatch.setattr(resources, "_HANDLERS", resources.load())
    module = tmp_path / "notes.py"
    module.write_text(block("python"), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("notes", module)
    assert spec is not None and spec.loader is not None
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    return Emulator(Config(seed=1))


def test_a_resource_of_one_module_is_stored_checked_and_kept_apart(emulator: Emulator) -> None:
    receipt: Any = send(emulator, "POST", "/notes", {"text": "Rotate the password in May"}).body
    path = f"/notes/{receipt['id']}"
    shown: Any = send(emulator, "GET", path).body
    assert shown["items"][0]["text"] == "Rotate the password in May" and shown["items"][0]["etag"] == receipt["etag"]
    assert refused(send(emulator, "POST", "/notes", {"text": ""})) == (400, "1100-400", "/text")
    assert refused(send(emulator, "GET", path, headers={"x-sandbox-name": "dev"}))[:2] == (404, "1439-404")
