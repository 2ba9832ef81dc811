"""All settings in one frozen dataclass, read from options, the environment and settings files here only.

Precedence: option, environment (`MOCKSERVER_*`), `mockserver.toml` or `[tool.mockserver]` of
`pyproject.toml` in the working folder, default.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import shlex
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_type_hints

NAME = "mock-flow-service"
"""The name of the package on an index and of the image in a registry."""

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


_NO_FILE = re.compile(
    r"(?i:(?!(?:postgres(?:ql)?|sqlite)(?:\+\w+)?://)[a-z][a-z0-9+.-]*://|(?:.*[\s;])?\w+\s*=\s*\S|[^/\\]*:[^/\\]*@)",
    re.DOTALL,
)
"""Matches connection strings that would be taken for a file name, with the password in it."""


class ConfigError(ValueError):
    """A setting is invalid; the message names it and what is allowed."""


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of one emulator. Names equal the options of the command line."""

    host: str = "127.0.0.1"
    port: int = 8080
    platform: str = "azure"
    """The cloud whose auth specs are used: azure or aws."""
    strict: bool = False
    """Accept only tokens issued here, and refuse unknown members and query parameters."""
    seed: int | None = None
    state: str | None = field(default=None, repr=False)
    """None: memory. A path: SQLite; acknowledged writes are on disk. `postgresql://…`: shared by several servers."""
    sources: str | None = None
    """A YAML file that declares the systems behind connections."""
    live: tuple[str, ...] = ()
    """`HOST:PORT` of PostgreSQL databases that may be contacted; all other sources are synthetic. Needs `postgres`."""
    live_ca: str | None = None
    """A PEM file of the CAs of these databases' certificates, for sslMode Verify Ca and Verify Full."""
    live_md5: bool = False
    """Send passwords as MD5, which can be guessed, to live databases that ask for it."""
    faults: str | None = None
    """A YAML or JSON file of faults in force from the start."""
    learn: str | None = None
    """A HAR file whose specs and entities exist from the start. Only for records in memory."""
    tls: bool = False
    """Serve HTTPS, with a certificate of this installation's own CA."""
    ca_folder: str | None = None
    """The folder of that CA; by default in this user's state folder."""
    fault_header: bool = True
    """Whether a client may order a fault for its own call by `x-mock-fault`."""
    quirk: Mapping[str, str] = field(default_factory=dict)
    allow_host: tuple[str, ...] = ()
    """Host headers answered besides loopback and Adobe's own names; `*` for any."""
    api_keys: tuple[str, ...] = ()
    """Known API keys; empty accepts any well-formed key."""
    service_clients: tuple[str, ...] = ()
    """API keys whose tokens count as service tokens: they may write specs and runs. All others are user tokens."""
    orgs: tuple[str, ...] = ()
    """Known organisations; empty accepts any well-formed one."""
    sandboxes: tuple[str, ...] = ()
    """Known sandboxes, the default first; empty accepts any well-formed name, with `prod` as the default."""
    datasets: tuple[str, ...] = ()
    schemas: tuple[str, ...] = ()
    mappings: tuple[str, ...] = ()
    """Known ids of data sets, schemas or mapping sets; empty accepts any id."""
    lake: str | None = None
    """A folder to which runs write their rows."""
    closed: bool = False
    """Whether data sets, schemas and mapping sets must have been created here or be listed."""
    client_secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """client id -> secret for the token endpoint; empty accepts any client."""
    token_seconds: int = 86_399
    """Lifetime of a token in seconds (facts §2.1)."""
    max_body: int = 1_048_576
    """Maximum size of a request body in bytes."""
    journal_entries: int = 1_000
    """Maximum calls in the journal. 0 turns it off, so that no client is judged."""
    journal_bytes: int = 16 * 1_048_576
    admin_token: str | None = field(default=None, repr=False)
    """Required by `/_mock`. Without it, `/_mock` is closed unless the server is bound to loopback."""
    behind_proxy: bool = False
    """Requests arrive through a proxy or load balancer, so loopback proves nothing: `/_mock` requires the token."""
    log: str = "text"
    """text, json or none."""

    def __post_init__(self) -> None:
        _demand("platform", self.platform, ("azure", "aws"))
        _demand("log", self.log, ("text", "json", "none"))
        if self.state and _NO_FILE.match(self.state):
            raise ConfigError("state must be a file or postgresql://…; this is a connection string of another form")
        if self.learn and self.state:
            raise ConfigError("learn cannot be used with state: it would replace the records that are kept there")
        if not 0 <= self.port <= 65535:
            raise ConfigError(f"port must be from 0 to 65535, not {self.port}")
        if self.journal_entries < 0:
            raise ConfigError(f"journal_entries must be 0 or more, not {self.journal_entries}")

    @property
    def loopback(self) -> bool:
        """Whether the server is bound to loopback."""
        return self.host in LOOPBACK

    @property
    def admin_open(self) -> bool:
        """Whether `/_mock` answers at all: with an admin token, or on loopback without a proxy."""
        return (self.loopback and not self.behind_proxy) or self.admin_token is not None


def variable(setting: str) -> str:
    """The environment variable of a setting."""
    return "MOCKSERVER_" + setting.upper()


_OF_LIBPQ = ("PGPASSWORD", "PGSSLPASSWORD", "PGOAUTHCLIENTSECRET")
SECRET_VARIABLES = (*(variable(row.name) for row in fields(Config) if not row.repr), *_OF_LIBPQ)
"""Variables whose values are never shown and never passed to programs that we start: this server's, and libpq's."""


def how_to_get(extra: str) -> str:
    """The command that installs an optional dependency here.

    It names the packages themselves, because this project may have been installed from a folder or a file.
    """
    root = Path(__file__).resolve().parents[1]
    if (root / "Makefile").is_file() and Path(sys.prefix).resolve() == root / ".venv":
        return "make install"
    packages = " ".join(map(shlex.quote, _packages(extra)))
    if "pipx" in Path(sys.prefix).parts:
        return f"pipx inject {NAME} {packages}"
    if find_spec("pip") is None:  # as in environments created by uv
        return f"uv pip install --python {shlex.quote(sys.executable)} {packages}"
    return f"{shlex.quote(sys.executable)} -m pip install {packages}"


def _packages(extra: str) -> list[str]:
    """The packages of an extra, from the installed metadata; the extra's name if that is missing."""
    from importlib.metadata import (
        PackageNotFoundError,
        requires,
    )  # imported here: it takes as long to load as everything else

    try:
        asked = requires(NAME) or []
    except PackageNotFoundError:
        return [f"{NAME}[{extra}]"]
    marked = (requirement.partition(";") for requirement in asked)
    found = [what.strip() for what, _, marker in marked if extra in _EXTRA.findall(marker)]
    return found or [f"{NAME}[{extra}]"]


LISTENING = frozenset(
    {"host", "port", "server", "allow_host", "tls", "log", "journal_entries", "admin_token", "behind_proxy"}
)
"""Settings of `serve` only; commands with a private server lack them."""

COMPARED = frozenset(
    {"platform", "strict", "seed", "sources", "closed", "datasets", "schemas", "mappings", "quirk", "sandboxes"}
)
"""Settings of an emulator that answers a recording. The others name what it keeps, or credentials, which are masked in
a recording."""

ALL = frozenset(row.name for row in fields(Config))
"""The names of all settings."""


def load(
    options: Mapping[str, Any],
    environ: Mapping[str, str] = os.environ,
    folder: Path | None = None,
    *,
    names: Collection[str] = ALL,
) -> Config:
    """Load the settings in `names`; the others have their defaults.

    A source is read only for settings that no stronger source has: whatever the environment contains,
    an option wins. Raises ConfigError naming the setting and where it was written.
    """
    values = {name: value for name, value in options.items() if value not in (None, (), {})}
    values = _from_environment(environ, set(names) - values.keys()) | values
    return Config(**(_from_file(folder or Path.cwd(), set(names) - values.keys()) | values))


_TAKES = {
    "Mapping": 'a table of texts: {name = "value"}',
    "tuple": 'a list of texts: ["one", "two"]',
    "bool": "true or false, without quotes",
    "int": "a whole number, without quotes",
    "str": "a text, in quotes",
}
"""Kind of setting -> the type in a settings file. The kind is the first of these names in its annotation."""
_BOOLS = {word: word in ("1", "true", "yes", "on") for word in ("1", "true", "yes", "on", "0", "false", "no", "off")}


def _kinds() -> dict[str, str]:
    """Setting -> kind."""
    hints = get_type_hints(Config)
    return {name: next(kind for kind in _TAKES if kind in str(hint)) for name, hint in hints.items()}


_EXTRA = re.compile(r"extra == ['\"]([^'\"]+)['\"]")
_SERVICE_LINK = re.compile(r"(?:tcp|udp|sctp)://.*")
"""MOCKSERVER_PORT as Kubernetes sets it in containers beside a Service named `mockserver`; it is ignored."""


def _from_environment(environ: Mapping[str, str], names: Collection[str]) -> dict[str, Any]:
    values = {}
    for name, kind in _kinds().items():
        text = environ.get(variable(name)) if name in names else None
        if text and not (name == "port" and _SERVICE_LINK.fullmatch(text)):
            values[name] = _parse(variable(name), kind, text)
    return values


def _parse(variable: str, kind: str, text: str) -> Any:
    """Parse a setting: lists are separated by commas, mappings are `a=b,c=d`."""
    if kind == "Mapping":
        return dict(parse_pair(variable, part) for part in text.split(","))
    if kind == "tuple":
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if kind == "str":
        return text
    try:
        return _BOOLS[text.lower()] if kind == "bool" else int(text)
    except (KeyError, ValueError):
        wanted = _TAKES[kind].partition(",")[0]
        raise ConfigError(f"{variable} must be {wanted}, not {text!r}") from None


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for a program that we start, without the secrets of this server and its database."""
    return {name: value for name, value in environ.items() if name not in SECRET_VARIABLES}


def forget_secrets() -> None:
    """Erase this server's secrets from its environment, including `/proc/PID/environ`.

    libpq may still need its own secrets, so copies of them stay where `/proc` does not show them.
    """
    for name in SECRET_VARIABLES:
        value = os.environ.pop(name, None)
        if value is not None:
            if name in _OF_LIBPQ:
                os.environ[name] = value
            _wipe(f"{name}={value}".encode(errors="surrogateescape"))


def _wipe(entry: bytes) -> None:
    """Overwrite an entry of the initial environment of this process. Works on Linux only."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        fields = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
        start, end = int(fields[47]), int(fields[48])  # env_start and env_end of proc(5)
        at = ctypes.string_at(start, end - start).find(entry) if 0 < start < end else -1
        if at >= 0:
            ctypes.memset(start + at, 0, len(entry))


def forget_libpq_service() -> None:
    """Remove PGSERVICE from this process's environment, because libpq has no option to ignore it."""
    os.environ.pop("PGSERVICE", None)


def parse_pair(name: str, text: str) -> tuple[str, str]:
    """Parse `NAME=VALUE`."""
    key, separator, value = text.partition("=")
    if not separator:
        raise ConfigError(f"{name} must be NAME=VALUE, but there is no =")  # which may be a secret
    return key.strip(), value.strip()


def _from_file(folder: Path, names: Collection[str]) -> dict[str, Any]:
    """The settings of a file. Unknown ones are refused: they are most likely misspelt."""
    own, shared = folder / "mockserver.toml", folder / "pyproject.toml"
    path = own if own.is_file() else shared
    if not path.is_file():
        return {}
    import tomllib  # imported here: only needed for such a file

    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise ConfigError(f"{path.name} is not in UTF-8. Save it in this encoding.") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path.name} is not valid TOML: {error}") from None
    if path is shared:
        tools = table.get("tool", {})
        table = tools.get("mockserver", {}) if isinstance(tools, dict) else {}
        if not isinstance(table, dict):
            raise ConfigError(f"{path.name}: [tool.mockserver] must be a table of settings")
    kinds = _kinds()
    values = {}
    for raw, value in table.items():
        name = raw.replace("-", "_")
        if name not in kinds:
            raise ConfigError(f"{path.name} has an unknown setting {raw!r}; known settings: {', '.join(sorted(kinds))}")
        if name not in names:
            continue
        if not _fits(kinds[name], value):
            raise ConfigError(f"{raw} in {path.name} must be {_TAKES[kinds[name]]}")
        values[name] = tuple(value) if isinstance(value, list) else value
    return values


def _fits(kind: str, value: object) -> bool:
    """Whether a value of a settings file has the right type."""
    match kind, value:
        case ("tuple", list(parts)):
            return all(isinstance(part, str) for part in parts)
        case ("Mapping", dict()):
            return all(isinstance(part, str) for part in value.values())
        case _:
            return type(value).__name__ == kind


def _demand(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ConfigError(f"{name} must be one of {', '.join(allowed)}, not {value!r}")
