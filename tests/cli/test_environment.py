"""Tests of commands in unusual environments: foreign variables, files of other editors, ASCII terminals."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mockserver import config
from mockserver.cli import main
from mockserver.conformance import RULES
from mockserver.conformance.baseline import Baseline
from mockserver.faults.orders import from_file
from mockserver.sources.declared import read
from tests.rows import each

BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
KUBERNETES = {
    "MOCKSERVER_PORT": "tcp://10.96.0.10:1080",
    "MOCKSERVER_PORT_1080_TCP": "tcp://10.96.0.10:1080",
    "MOCKSERVER_PORT_1080_TCP_ADDR": "10.96.0.10",
    "MOCKSERVER_PORT_1080_TCP_PORT": "1080",
    "MOCKSERVER_PORT_1080_TCP_PROTO": "tcp",
    "MOCKSERVER_SERVICE_HOST": "10.96.0.10",
    "MOCKSERVER_SERVICE_PORT": "1080",
}
"""Variables of a container beside a Kubernetes Service named `mockserver`."""

NOWHERE = Path("/nonexistent-folder")


def ran(*args: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command in its own process, whose streams have the encoding of the environment."""
    command = [sys.executable, "-m", "mockserver", *args]
    done = subprocess.run(command, capture_output=True, timeout=60, env={**os.environ, **environ})
    return subprocess.CompletedProcess(
        command, done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
    )


def test_what_kubernetes_sets_beside_a_service_of_our_name_is_not_ours() -> None:
    assert config.load({}, KUBERNETES, NOWHERE) == config.Config()


@pytest.mark.parametrize("text", ["tcp://10.96.0.10:1080", "http", "99999999"])
def test_an_option_wins_over_a_variable_that_cannot_be_used(text: str) -> None:
    assert config.load({"port": 0}, {"MOCKSERVER_PORT": text}, NOWHERE).port == 0


@pytest.mark.parametrize(
    ("option", "line"), [({"port": 0}, 'port = "8080"'), ({"log": "none"}, "log = 5"), ({"seed": 1}, "seed = true")]
)
def test_an_option_wins_over_a_line_that_cannot_be_used(tmp_path: Path, option: dict[str, Any], line: str) -> None:
    (tmp_path / "mockserver.toml").write_text(line, encoding="utf-8")
    assert config.load(option, {}, tmp_path) == config.Config(**option)


@pytest.mark.parametrize("name", sorted(config.LISTENING - {"host"}))
@pytest.mark.parametrize(
    "command", [("exec", "--", sys.executable, "-c", ""), ("ca", "show"), ("conformance", "--scenario", "x", "true")]
)
def test_a_command_reads_only_the_settings_it_has(
    name: str, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MOCKSERVER_CA_FOLDER", str(tmp_path / "ca"))
    monkeypatch.setenv(config.variable(name), "no value of any setting")
    assert config.variable(name) not in CliRunner().invoke(main, list(command)).output


FILES = {
    "mockserver.toml": 'platform = "aws"\n',
    "pyproject.toml": '[tool.mockserver]\nplatform = "aws"\n',
    "faults.yaml": "- fault: reset\n",
    "faults.json": '[{"fault": "reset"}]',
    "sources.yaml": "sources:\n  - match: {server: db}\n",
    "accepted.yaml": "accepted:\n  - {rule: " + next(iter(RULES)) + ", reason: known}\n",
}
READERS: dict[str, Any] = {
    "mockserver.toml": lambda path: config.load({}, {}, path.parent).platform == "aws",
    "pyproject.toml": lambda path: config.load({}, {}, path.parent).platform == "aws",
    "faults.yaml": lambda path: from_file(path, ()),
    "faults.json": lambda path: from_file(path, ()),
    "sources.yaml": lambda path: read(str(path)).sources,
    "accepted.yaml": lambda path: Baseline.read(path).accepted,
}


@pytest.mark.parametrize("name", READERS)
def test_a_file_may_begin_with_a_byte_order_mark(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(BOM + FILES[name], encoding="utf-8")
    assert READERS[name](tmp_path / name)


@pytest.mark.parametrize("name", ["mockserver.toml", "pyproject.toml"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "latin-1"])
def test_settings_in_another_encoding_are_refused_in_words(name: str, encoding: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("# \N{LATIN SMALL LETTER U WITH DIAERESIS}\n" + FILES[name], encoding=encoding)
    with pytest.raises(config.ConfigError, match=f"{name} is not in UTF-8. Save it in this encoding."):
        config.load({}, {}, tmp_path)


@pytest.mark.parametrize("text", ["[tool]\nmockserver = 5", "tool.mockserver = ['a']", "[[tool.mockserver]]\nport = 1"])
def test_settings_that_are_no_table_are_refused_in_words(text: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    with pytest.raises(config.ConfigError, match=r"\[tool.mockserver\] must be a table of settings"):
        config.load({}, {}, tmp_path)


def test_a_project_file_without_tools_has_no_settings(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("tool = 5\n", encoding="utf-8")
    assert config.load({}, {}, tmp_path) == config.Config()


def test_the_contract_suite_reads_files_with_a_byte_order_mark(tmp_path: Path) -> None:
    from contracts import settings
    from contracts.reports import record

    texts = {
        "env": "FLOW_SERVICE_ORG=A@AdobeOrg\n",
        "gaps": "- one\n",
        "body": '{"name": "a"}',
        "record": '{"operations": {}}',
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(BOM + text, encoding="utf-8")
    chosen = settings.load(
        "http://127.0.0.1:1",
        env_file=tmp_path / "env",
        environ={},
        connection=tmp_path / "body",
        known_gaps=tmp_path / "gaps",
    )
    assert chosen.headers["x-gw-ims-org-id"] == "A@AdobeOrg"
    assert (chosen.connection, chosen.known_gaps) == ({"name": "a"}, {"one"})
    assert record.read(tmp_path / "record") == {}


COMMANDS = [
    ("--help",), ("serve", "--help"), ("exec", "--help"), ("conformance", "--help"), ("contract", "--help"),
    ("rules",), ("rules", "--json"), ("scenarios",), ("scenarios", "--json"), ("quirks",), ("faults",),
    ("connectors",), ("operations",), ("rules", "\N{HOT BEVERAGE}"), ("--quirk", "\N{GREEK SMALL LETTER ALPHA}=1"),
]  # fmt: skip

EACH_IN_A_COPY = """
import json, os, sys
from pathlib import Path
from mockserver import conformance, emulator, scenarios
from mockserver.cli import main

folder = Path(sys.argv[1])
for number, args in enumerate(json.loads(sys.argv[2])):
    if copy := os.fork():
        (folder / f"{number}.status").write_text(str(os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1])))
        continue
    for stream in (1, 2):
        os.dup2(os.open(folder / f"{number}.{stream}", os.O_CREAT | os.O_WRONLY), stream)
    main(args)
"""
"""A program that runs each command in a copy of itself, which takes an eighth of the time of starting it."""


@functools.cache
def ran_all(encoding: str) -> dict[tuple[str, ...], tuple[int, str, str]]:
    """Exit status, output and errors of each command, whose streams have this encoding."""
    with tempfile.TemporaryDirectory() as folder:
        program = [sys.executable, "-c", EACH_IN_A_COPY, folder, json.dumps(COMMANDS)]
        subprocess.run(program, check=True, timeout=60, env={**os.environ, "PYTHONIOENCODING": encoding})
        texts = {path.name: path.read_bytes().decode("utf-8", "replace") for path in Path(folder).iterdir()}
    return {args: (int(texts[f"{n}.status"]), texts[f"{n}.1"], texts[f"{n}.2"]) for n, args in enumerate(COMMANDS)}


@each("encoding", ["ascii", "cp1252", "utf-8"])
@each("args", COMMANDS)
def test_no_command_fails_for_what_the_terminal_cannot_show(encoding: str, args: tuple[str, ...]) -> None:
    status, output, errors = ran_all(encoding)[args]
    assert "Traceback" not in errors and status in (0, 2) and output + errors
    if "--json" in args:
        assert json.loads(output) == json.loads(ran_all("utf-8")[args][1])


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize("form", ["--level=warn", "--json"])
def test_a_report_with_findings_is_told_on_any_terminal(encoding: str, form: str, tmp_path: Path) -> None:
    call = {"method": "DELETE", "url": "https://platform.adobe.io/data/foundation/flowservice/connections/{ID}"}
    answer = {"status": 204, "headers": [], "content": {}}
    entry = {"startedDateTime": "2026-01-01T00:00:00Z", "request": {**call, "headers": []}, "response": answer}
    recorded = tmp_path / "\N{HOT BEVERAGE}.har"
    recorded.write_text(BOM + json.dumps({"log": {"entries": [entry]}}), encoding="utf-8")
    done = ran("check", str(recorded), form, "--report", str(tmp_path / "report"), PYTHONIOENCODING=encoding)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert list((tmp_path / "report").iterdir())
    assert form != "--json" or json.loads(done.stdout)
