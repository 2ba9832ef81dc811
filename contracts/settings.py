"""The settings of a run: server, credentials and limits, from options, the environment or a file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from contracts.bounded import LOOPBACK
from contracts.wire import default_seconds
from contracts.yaml_input import UnreadableYaml, parse_yaml

NAMES = {
    "FLOW_SERVICE_TOKEN": "Authorization",
    "FLOW_SERVICE_API_KEY": "x-api-key",
    "FLOW_SERVICE_ORG": "x-gw-ims-org-id",
    "FLOW_SERVICE_SANDBOX": "x-sandbox-name",
}
"""Environment variable -> header. `Bearer` is added to the token."""

OTHER_SANDBOX = "FLOW_SERVICE_OTHER_SANDBOX"

MADE_UP = {
    "Authorization": "Bearer contract-suite.made-up.token",
    "x-api-key": "contract-suite",
    "x-gw-ims-org-id": "5C1328435BF324E90A49402A@AdobeOrg",
    "x-sandbox-name": "prod",
}
"""Default credentials for local servers, which are mocks."""


class WrongUse(ValueError):
    """A run cannot start; the message says in one line what is missing or wrong."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one run. `headers` are complete: every ordinary request carries them."""

    url: str
    headers: Mapping[str, str] = field(repr=False, default_factory=dict)
    given: frozenset[str] = frozenset()
    """Lower-case names of the headers given by the operator; the others are defaults."""
    other_sandbox: str | None = None
    """A second sandbox of the same organisation, to test isolation."""
    neighbours: str | None = None
    """URL of the neighbouring services; by default that of the server."""
    connection: Mapping[str, Any] | None = field(repr=False, default=None)
    """The body of a base connection that the server accepts; by default PostgreSQL with invented credentials."""
    read_only: bool = False
    lasting: bool = False
    """Also call operations whose results cannot be deleted: specs and runs."""
    forgets: bool = False
    """The server is a mock that can delete runs, so creating them leaves nothing behind."""
    operations: frozenset[str] = frozenset()
    """Ids of the operations to test; empty for all."""
    budget: float | None = None
    """Seconds after which checks send nothing more; 0 or None for no limit."""
    seed: int = 1
    examples: int = 25
    """Generated requests per operation and phase; 0 disables generation."""
    report: Path | None = None
    known_gaps: frozenset[str] = frozenset()
    """Checks known to fail. One that passes is reported as stale."""
    write_known_gaps: Path | None = None
    """File to write the failing checks to, as known gaps for later runs."""
    contract: Path | None = None
    timeout: float | None = None
    """Seconds to wait for a response; the default depends on where the server is."""

    @property
    def patience(self) -> float:
        """Seconds to wait for a response."""
        return self.timeout or default_seconds(self.url)

    @property
    def token_given(self) -> bool:
        """Whether the operator gave a token, so that the server can distinguish wrong ones."""
        return "authorization" in self.given

    @property
    def secrets(self) -> tuple[str, ...]:
        """Texts that must not appear in any output."""
        values = [self.headers.get("Authorization", "").removeprefix("Bearer ")]
        if "x-api-key" in self.given:
            values.append(self.headers["x-api-key"])
        values += [
            value for name, value in self.headers.items() if name.lower() not in {key.lower() for key in MADE_UP}
        ]
        auth = (self.connection or {}).get("auth", {})
        values += _texts(auth.get("params", {}) if isinstance(auth, Mapping) else ())
        return tuple(value for value in values if len(value) > 3)


def load(
    url: str,
    *,
    headers: Iterable[str] = (),
    env_file: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    connection: Path | None = None,
    other_sandbox: str | None = None,
    neighbours: str | None = None,
    operations: str = "",
    known_gaps: Path | None = None,
    **limits: Any,
) -> Settings:
    """Load the settings. Options override the environment, which overrides the file. Raises WrongUse."""
    parts = _parts(url)
    if neighbours is not None:
        _parts(neighbours)
    names = {**(_environment_file(env_file) if env_file else {}), **environ}
    given = {header: names[name] for name, header in NAMES.items() if names.get(name)}
    if "Authorization" in given and " " not in given["Authorization"].strip():
        given["Authorization"] = "Bearer " + given["Authorization"].strip()
    for text in headers:
        name, separator, value = text.partition(":")
        if not separator or not name.strip():
            raise WrongUse("--header takes NAME:VALUE")
        given = {key: old for key, old in given.items() if key.lower() != name.strip().lower()}
        given[_canonical(name.strip())] = value.strip()
    return Settings(
        url=url.rstrip("/"),
        headers=_completed(given, local=parts.hostname in LOOPBACK),
        given=frozenset(name.lower() for name in given),
        other_sandbox=other_sandbox or names.get(OTHER_SANDBOX),
        neighbours=neighbours,
        connection=_json_file(connection) if connection else None,
        operations=frozenset(name.strip() for name in operations.split(",") if name.strip()),
        known_gaps=_gaps(known_gaps) if known_gaps else frozenset(),
        **limits,
    )


def _parts(url: str) -> SplitResult:
    """The parts of a server's URL, which is in every report. Raises WrongUse, which does not repeat it."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise WrongUse("the URL is not a server's: give one like http://127.0.0.1:8080")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise WrongUse("give the URL without user, query and fragment, and credentials by --header or the environment")
    return parts


def _completed(given: Mapping[str, str], *, local: bool) -> dict[str, str]:
    missing = [name for name, header in NAMES.items() if header not in given]
    if missing and not local:
        raise WrongUse(f"a server elsewhere needs credentials: set {', '.join(missing)}, or give --header NAME:VALUE")
    return {**MADE_UP, **given}


def _canonical(name: str) -> str:
    return next((known for known in MADE_UP if known.lower() == name.lower()), name)


def _environment_file(path: Path) -> dict[str, str]:
    """Parse `NAME=VALUE` lines. `#` starts a comment; quotes around values are dropped."""
    values = {}
    for line in _read(path).splitlines():
        text = line.strip().removeprefix("export ")
        if text and not text.startswith("#"):
            name, _, value = text.partition("=")
            values[name.strip()] = value.strip().strip("'\"")
    return values


def _json_file(path: Path) -> Mapping[str, Any]:
    try:
        body = json.loads(_read(path))
    except ValueError as error:
        raise WrongUse(f"{path} is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise WrongUse(f"{path} does not hold the body of a base connection")
    return body


def _gaps(path: Path) -> frozenset[str]:
    """Read ids of checks: a list of ids, or of mappings with `check` and `reason`."""
    try:
        rows = parse_yaml(_read(path)) or []
    except UnreadableYaml as error:
        raise WrongUse(f"{path} {error}") from None
    if not isinstance(rows, list):
        raise WrongUse(f"{path} does not hold a list of checks")
    return frozenset(_gap(path, row) for row in rows)


def _gap(path: Path, row: Any) -> str:
    check = row.get("check") if isinstance(row, Mapping) else row
    if not isinstance(check, str):
        raise WrongUse(f"{path} holds a gap that names no check")
    return check


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise WrongUse(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise WrongUse(f"{path} is not UTF-8") from None


def _texts(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in _texts(item)]
    return [value] if isinstance(value, str) else []
