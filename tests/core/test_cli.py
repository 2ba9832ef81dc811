"""The command line: what it prints, how it exits, where settings come from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from mockserver import config
from mockserver.cli import main
from mockserver.quirks import QUIRKS


def run(*args: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, list(args))
    return result.exit_code, result.output


@pytest.mark.parametrize("command", ["connectors", "operations", "quirks"])
def test_every_listing_has_a_json_form(command: str) -> None:
    code, text = run(command, "--json")
    assert code == 0 and json.loads(text)
    assert run(command)[0] == 0


def test_quirks_are_all_listed_with_their_values() -> None:
    text = run("quirks")[1]
    assert all(f"{name}={'|'.join(row.values)}" in text for name, row in QUIRKS.items())


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--quirk", "colour=red"), "unknown quirk 'colour'"),
        (("--quirk", "delete-status"), "NAME=VALUE"),
        (("--port", "70000"), "0 to 65535"),
        (("--journal", "-1"), "journal_entries takes 0 and more"),
        (("--platform", "gcp"), "azure"),
        (("serve", "--nope"), "--nope"),
        (("--state", "/nonexistent-folder/flow.db"), "/nonexistent-folder"),
        (("--sources", "/nonexistent-file.yaml"), "/nonexistent-file.yaml"),
    ],
)
def test_wrong_use_is_one_message_and_exit_status_2(args: tuple[str, ...], says: str) -> None:
    code, text = run(*args)
    assert (code, says in text, "Traceback" in text) == (2, True, False), text


def test_an_option_beats_the_environment_which_beats_the_file(tmp_path: Path) -> None:
    (tmp_path / "mockserver.toml").write_text('port = 1\nplatform = "aws"\nlog = "none"\n', encoding="utf-8")
    environ = {"MOCKSERVER_PORT": "2", "MOCKSERVER_PLATFORM": "azure", "MOCKSERVER_SANDBOXES": "prod, dev"}
    settings = config.load({"port": 3, "state": None}, environ, tmp_path)
    assert (settings.port, settings.platform, settings.log) == (3, "azure", "none")
    assert settings.sandboxes == ("prod", "dev")


def test_pyproject_is_read_when_there_is_no_file_of_ours(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.mockserver]\nallow-host = ["mock"]\n', encoding="utf-8")
    assert config.load({}, {}, tmp_path).allow_host == ("mock",)


@pytest.mark.parametrize("text", ["colour = 1", "port = ", 'platform = "gcp"'])
def test_a_wrong_settings_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "mockserver.toml").write_text(text, encoding="utf-8")
    with pytest.raises(config.ConfigError):
        config.load({}, {}, tmp_path)


def test_the_admin_token_is_not_printed_with_the_settings() -> None:
    assert "sesame" not in repr(config.Config(admin_token="sesame"))
