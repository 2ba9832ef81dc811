"""Tests of the command line: output, exit statuses, sources of settings."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from mockserver import config
from mockserver.cli import main
from mockserver.quirks import QUIRKS
from tests.rows import each


def run(*args: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, list(args))
    return result.exit_code, result.output


@pytest.mark.parametrize("command", ["connectors", "operations", "quirks", "faults", "scenarios", "rules"])
def test_every_listing_has_a_json_form(command: str) -> None:
    code, text = run(command, "--json")
    assert code == 0 and json.loads(text)
    assert run(command)[0] == 0


def test_the_columns_of_wide_listings_stay_apart() -> None:
    operations = [re.split(" {2,}", line) for line in run("operations")[1].splitlines()]
    assert ["createConnection", "POST", "/connections", "Create a base connection"] in operations
    assert {len(columns) for columns in operations} == {4}
    connectors = [re.split(" {2,}", line) for line in run("connectors")[1].splitlines()]
    hive = "aac9bbd4-6c01-46ce-b47e-51c6f0f6db3f"
    assert [hive, "Apache Hive on Azure HDInsights", "HDInsights Basic Authentication"] in connectors


def test_quirks_are_all_listed_with_their_values() -> None:
    text = run("quirks")[1]
    assert all(f"{name}={'|'.join(row.values)}  [{row.default}]\n" in text for name, row in QUIRKS.items())
    assert all(f"    source: {row.sources}\n" in text for row in QUIRKS.values())


def test_a_misspelt_command_is_not_taken_for_an_argument_of_serve() -> None:
    code, text = run("conectors")
    assert code == 2 and "No such command 'conectors'. Did you mean 'connectors'?" in text


@each(
    "args, says",
    [
        (("--quirk", "colour=red"), "unknown quirk 'colour'"),
        (("--quirk", "s3cret/token=red"), "unknown quirk;"),
        (("--quirk", "delete-status"), "NAME=VALUE"),
        (("--port", "70000"), "0 to 65535"),
        (("--journal", "-1"), "journal_entries must be 0 or more"),
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


def test_the_environment_has_every_kind_of_setting() -> None:
    environ = {"MOCKSERVER_QUIRK": "delete-status=202, sub-op=required", "MOCKSERVER_STRICT": "Yes"}
    environ |= {"MOCKSERVER_FAULT_HEADER": "off", "MOCKSERVER_SEED": "7", "MOCKSERVER_STATE": ""}
    settings = config.load({}, environ, Path("/nonexistent-folder"))
    assert settings == config.Config(
        quirk={"delete-status": "202", "sub-op": "required"}, strict=True, fault_header=False, seed=7
    )


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("PORT", "http", "MOCKSERVER_PORT must be a whole number, not 'http'"),
        ("TLS", "ture", "MOCKSERVER_TLS must be true or false, not 'ture'"),
        ("CLIENT_SECRETS", "s3cr3t", "MOCKSERVER_CLIENT_SECRETS must be NAME=VALUE"),
    ],
)
def test_a_wrong_variable_is_named_and_a_secret_is_not_shown(name: str, text: str, says: str) -> None:
    with pytest.raises(config.ConfigError, match=says) as caught:
        config.load({}, {"MOCKSERVER_" + name: text}, Path("/nonexistent-folder"))
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("colour = 1", "unknown setting 'colour'; known settings: admin_token, "),
        ("port = ", "not valid TOML"),
        ('platform = "\xff"', "mockserver.toml is not in UTF-8. Save it in this encoding."),
        ('platform = "gcp"', "platform must be one of azure, aws"),
        ('port = "8080"', "port in mockserver.toml must be a whole number"),
        ("port = true", "port in mockserver.toml must be a whole number"),
        ('strict = "no"', "strict in mockserver.toml must be true or false"),
        ("state = 5", "state in mockserver.toml must be a text"),
        ('api-keys = "acme-client"', "api-keys in mockserver.toml must be a list of texts"),
        ("api-keys = [1]", "api-keys in mockserver.toml must be a list of texts"),
        ('quirk = "delete-status=202"', "quirk in mockserver.toml must be a table of texts"),
        ("quirk = {delete-status = 202}", "quirk in mockserver.toml must be a table of texts"),
    ],
)
def test_a_wrong_settings_file_is_named_with_what_it_should_say(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "mockserver.toml").write_text(text, encoding="latin-1")
    with pytest.raises(config.ConfigError, match=says) as caught:
        config.load({}, {}, tmp_path)
    assert "\n" not in str(caught.value)


def test_a_settings_file_has_every_kind_of_setting(tmp_path: Path) -> None:
    text = 'port = 1\nstrict = true\nlog = "none"\napi_keys = ["a"]\nquirk = {delete-status = "202"}\n'
    (tmp_path / "mockserver.toml").write_text(text, encoding="utf-8")
    assert config.load({}, {}, tmp_path) == config.Config(
        port=1, strict=True, log="none", api_keys=("a",), quirk={"delete-status": "202"}
    )


def test_the_admin_token_is_not_printed_with_the_settings() -> None:
    assert "sesame" not in repr(config.Config(admin_token="sesame"))


def test_what_is_not_installed_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mockserver.cli.find_spec", lambda name: None)
    code, text = run("contract", "http://127.0.0.1:8080")
    assert (code, config.how_to_get("contracts") in text) == (2, True)


EXTRAS = ["contracts", "intercept", "parquet", "postgres"]


def test_what_to_install_for_each_extra_can_be_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """All at once, because pip takes a second to find that everything is there."""
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    commands = [shlex.split(config.how_to_get(extra)) for extra in EXTRAS]
    assert all(len(command) > 4 for command in commands)
    wanted = [requirement for command in commands for requirement in command[4:]]
    done = subprocess.run([*commands[0][:4], *wanted, "--no-index"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("extra", EXTRAS)
def test_a_missing_package_is_got_in_the_way_of_this_installation(
    extra: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    checkout = Path(config.__file__).resolve().parents[1]
    monkeypatch.setattr("sys.prefix", str(checkout / ".venv"))
    assert config.how_to_get(extra) == "make install"
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    command = shlex.split(config.how_to_get(extra))
    assert command[:4] == [sys.executable, "-m", "pip", "install"]
    assert "mock-flow-service" not in " ".join(command), "it need not be on any index"
    monkeypatch.setattr("sys.prefix", str(tmp_path / "pipx" / "venvs" / "x"))
    assert config.how_to_get(extra).startswith("pipx inject mock-flow-service ")
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    monkeypatch.setattr(config, "find_spec", lambda name: None)
    assert config.how_to_get(extra).startswith(f"uv pip install --python {sys.executable} ")
