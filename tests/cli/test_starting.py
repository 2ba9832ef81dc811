"""Tests of `mockserver env`, `mockserver init`, and the banner of a server."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from click.testing import CliRunner

from mockserver import Config, Emulator, config
from mockserver.cli import main
from mockserver.cli.serving import banner
from tests.programs import needs
from tests.rows import each

FORMATS = ("sh", "dotenv", "github", "powershell", "fish")
FILES = ("mockserver.toml", "sources.yaml")


def run(*args: str, **environ: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, list(args), env=environ)
    return result.exit_code, result.output


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def variables(*args: str, **environ: str) -> dict[str, str]:
    code, text = run("env", "--format", "github", *args, **environ)
    assert code == 0, text
    return dict(line.split("=", 1) for line in text.splitlines())


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_sets_the_same_variables(form: str) -> None:
    code, text = run("env", "--format", form)
    assert code == 0
    names = [re.sub(r"^(?:export |\$env:|set -gx )", "", line) for line in text.splitlines()]
    assert [re.split(r"[= ]", name)[0] for name in names] == list(variables())


@pytest.mark.parametrize("shell", ["sh", "bash", *(pytest.param(name, marks=needs(name)) for name in ("zsh", "fish"))])
def test_a_shell_takes_the_exports(shell: str) -> None:
    text = run("env", "--format", "fish" if shell == "fish" else "sh", NO_PROXY="it's $HOME; \\a")[1]
    script = f'{text}\nprintf "%s|%s" "$FLOW_SERVICE_URL" "$NO_PROXY"'
    said = subprocess.run([shell, "-c", script], capture_output=True, text=True, check=True).stdout
    assert said == "http://127.0.0.1:8080/data/foundation/flowservice|it's $HOME; \\a,127.0.0.1,localhost"


def test_what_is_printed_is_what_the_server_takes(empty_folder: Path) -> None:
    (empty_folder / "mockserver.toml").write_text(
        'port = 9090\nsandboxes = ["dev"]\norgs = ["ABC@AdobeOrg"]\napi_keys = ["ours"]\n', encoding="utf-8"
    )
    found = variables()
    assert found["FLOW_SERVICE_URL"] == "http://127.0.0.1:9090/data/foundation/flowservice"
    assert found["FLOW_SERVICE_TOKEN_URL"] == "http://127.0.0.1:9090/ims/token/v3"
    wanted = {"FLOW_SERVICE_API_KEY": "ours", "FLOW_SERVICE_ORG": "ABC@AdobeOrg", "FLOW_SERVICE_SANDBOX": "dev"}
    assert wanted.items() <= found.items()


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({"MOCKSERVER_HOST": "0.0.0.0"}, "http://127.0.0.1:8080"),
        ({"MOCKSERVER_HOST": "::1"}, "http://[::1]:8080"),
        ({"MOCKSERVER_TLS": "1", "MOCKSERVER_PORT": "8443"}, "https://127.0.0.1:8443"),
    ],
)
def test_the_address_is_one_that_can_be_called(environ: dict[str, str], url: str) -> None:
    assert variables(**environ)["MOCKSERVER_URL"] == url
    assert variables("--url", "http://flow-service:8080/", **environ)["MOCKSERVER_URL"] == "http://flow-service:8080"


def test_no_secret_of_the_server_is_printed() -> None:
    environ = {"MOCKSERVER_CLIENT_SECRETS": "us=s3cr3t", "MOCKSERVER_ADMIN_TOKEN": "adm1n", "MOCKSERVER_STRICT": "1"}
    found = variables(**environ)
    assert not {"s3cr3t", "adm1n"} & set(found.values())
    assert not {"FLOW_SERVICE_CLIENT_SECRET", "FLOW_SERVICE_CLIENT_ID", "FLOW_SERVICE_TOKEN"} & found.keys()


@each(
    "args, environ",
    [
        ((), {"MOCKSERVER_PORT": "0"}),
        ((), {"NO_PROXY": "a\nPATH=/tmp"}),
        (("--url", "http://a/path"), {}),
        (("--url", "http://a\nPATH=b"), {}),
        (("--url", "http://a';id;'"), {}),
        (("--url", "http://user:pass@a"), {}),
        (("--url", "ftp://a"), {}),
    ],
)
@each("form", FORMATS)
def test_what_cannot_be_printed_safely_is_wrong_use(form: str, args: tuple[str, ...], environ: dict[str, str]) -> None:
    code, text = run("env", "--format", form, *args, **environ)
    assert code == 2 and "Error:" in text and "FLOW_SERVICE_API_KEY=" not in text


def test_a_server_starts_with_what_init_wrote(empty_folder: Path) -> None:
    assert run("init")[0] == 0
    settings = config.load({}, {}, empty_folder)
    assert settings == Config(sources="sources.yaml")
    assert len(Emulator(settings).world.sources.declared) == 3


def test_init_shows_every_setting_that_is_no_secret_and_each_can_be_taken_as_shown(empty_folder: Path) -> None:
    assert run("init")[0] == 0
    path = empty_folder / "mockserver.toml"
    text = re.sub(r"^# (?=[a-z0-9_]+ = )", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    shown = set(re.findall(r"^([a-z0-9_]+) = ", text, re.MULTILINE))
    assert shown == {row.name for row in fields(Config)} - {"admin_token", "client_secrets"}
    for excluded in ("learn", "state"):  # mutually exclusive
        path.write_text(re.sub(rf"^{excluded} = .*\n", "", text, flags=re.MULTILINE), encoding="utf-8")
        settings = config.load({}, {}, empty_folder)
    assert (settings.port, settings.journal_entries, settings.max_body) == (8080, 1_000, Config().max_body)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_init_writes_over_nothing(empty_folder: Path, name: str, kind: str) -> None:
    path = empty_folder / "project" / name
    path.parent.mkdir()
    match kind:
        case "file":
            path.write_text("mine", encoding="utf-8")
        case "folder":
            path.mkdir()
        case _:
            path.symlink_to(empty_folder / "elsewhere")
    code, text = run("init", "project")
    assert code == 2 and f"{name} already exists in project; nothing was written. Name another FOLDER." in text
    assert [found.name for found in path.parent.iterdir()] == [name] and not (empty_folder / "elsewhere").exists()
    assert kind != "file" or path.read_text(encoding="utf-8") == "mine"


def test_init_names_both_files_that_exist(empty_folder: Path) -> None:
    assert run("init")[0] == 0
    code, text = run("init")
    assert code == 2 and " and ".join(FILES) + " already exist in .; nothing was written" in text


def test_the_installed_command_has_both(empty_folder: Path) -> None:
    for args in (["init"], ["env", "--format", "dotenv"]):
        done = subprocess.run([sys.executable, "-m", "mockserver", *args], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, r"Console   http://h:1/_mock/ +\(open in a browser\)"),
        ({"admin_token": "t"}, r"Console   http://h:1/_mock/ +\(open in a browser; its password is the admin token\)"),
        ({"host": "0.0.0.0"}, r"Console   closed"),
        ({"journal_entries": 0}, r"Journal   off"),
        ({"lake": "lake"}, r"Lake      lake"),
        ({"state": "flow.db"}, r"records in .*flow\.db"),
        ({"sources": "sources.yaml"}, r"Sources   sources\.yaml +\(3 declared"),
    ],
)
def test_the_banner_names_what_is_in_force(options: dict[str, object], says: str) -> None:
    run("init")
    settings = Config(**options)  # type: ignore[arg-type]
    emulator = Emulator(settings)
    text = banner("http://h:1", settings, emulator, [])
    emulator.close()
    assert re.search(says, text), text
