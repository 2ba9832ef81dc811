"""The other tools: what each is, where it comes from, how it is started and called."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.cases import PAGE, Case
from bench.peers import contract

ROOT = Path(__file__).resolve().parents[2]
HOMES = ROOT / "build" / "peers"


@dataclass(frozen=True, slots=True)
class Package:
    """The source of a tool: a package of npm or of the Python index, locked with hashes in `requirements/peers*`."""

    index: str
    """`npm` or `pip`."""
    name: str
    version: str
    needs: str = ""
    """The program required to run it."""

    @property
    def home(self) -> Path:
        """The folder that `make peers` installs all packages of an index into."""
        return HOMES / self.index

    @property
    def installed(self) -> bool:
        """Whether it can be started here."""
        return (self.home / ".installed").exists() and bool(shutil.which(self.needs) if self.needs else True)

    def file(self, path: str) -> str:
        """A file of the installation, possibly given by a pattern."""
        return str(next(self.home.glob(path), self.home / path))


@dataclass(frozen=True, slots=True)
class Peer:
    """One measured tool."""

    name: str
    package: Package
    kind: str
    """A description for display."""
    command: Callable[[Package, str], list[str]]
    """Its command line for a package and a port."""
    files: Mapping[str, Callable[[], str]] = field(default_factory=dict)
    """The files in its folder, by name."""
    base: str = ""
    """Prefix of our paths."""
    probe: str = "/connections"
    """A path that returns 200 as soon as it is ready."""
    cases: Mapping[str, Case] | None = None
    """Its own requests by the names of ours; those without a counterpart are absent."""
    opening: tuple[Case, ...] = ()
    """The request to send first."""
    page: str = ""
    """The path of a page of 100, if the tool lists created entities."""

    @property
    def warm_up(self) -> int:
        """Rounds of each load until frequently used code is compiled; most for Java."""
        return 4 if self.package.needs == "java" else 2

    def asked(self, case: Case) -> Case:
        """A request adapted to this tool. Raises KeyError if it has no counterpart."""
        if self.cases is not None:
            return self.cases[case.name]
        path = self.page if case.name == PAGE.name else case.path
        if not path:
            raise KeyError(case.name)
        return replace(case, path=self.base + path)


def _dynamodb(action: str, status: int, body: dict[str, Any]) -> Case:
    signed = (
        "AWS4-HMAC-SHA256 Credential=bench/20261124/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"
    )
    headers = {"X-Amz-Target": f"DynamoDB_20120810.{action}", "Content-Type": "application/x-amz-json-1.0"}
    return Case(action, "POST", "/", status, {"TableName": "connections", **body}, {**headers, "Authorization": signed})


_TABLE = {
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}
_ITEM = {"id": {"S": "1"}, "name": {"S": "PostgreSQL base connection"}, "description": {"S": "x" * 300}}

_PRISM = Package("npm", "@stoplight/prism-cli", "5.16.0", "node")
_MOCKOON = Package("npm", "@mockoon/cli", "9.9.0", "node")
_JSON_SERVER = Package("npm", "json-server", "0.17.4", "node")
_SPECMATIC = Package("npm", "specmatic", "2.55.1", "java")
_WIREMOCK = Package("npm", "wiremock", "3.13.2", "java")
_MOCKSERVER = Package("npm", "mockserver-node", "8.0.0", "java")
_CONNEXION = Package("pip", "connexion[flask,uvicorn]", "3.3.0")
_MOTO = Package("pip", "moto[server]", "5.2.5")


def _mockoon(file: str) -> Callable[[Package, str], list[str]]:
    return lambda package, port: [
        *("node", package.file("node_modules/.bin/mockoon-cli"), "start", "--data", file, "--port", port),
        *("--hostname", "127.0.0.1", "--disable-log-to-file", "--disable-admin-api"),
    ]


PEERS = (
    Peer(
        "Prism",
        _PRISM,
        "answers by the contract",
        lambda package, port: [
            *("node", package.file("node_modules/.bin/prism"), "mock", "--host", "127.0.0.1", "--port", port),
            *("--verboseLevel", "silent", "contract.json"),
        ],
        {"contract.json": contract.whole},
    ),
    Peer(
        "Mockoon",
        _MOCKOON,
        "answers by the contract",
        _mockoon("contract.json"),
        {"contract.json": contract.whole},
    ),
    Peer(
        "Specmatic",
        _SPECMATIC,
        "answers by the contract",
        lambda package, port: [
            *("java", "-jar", package.file("node_modules/specmatic/specmatic.jar"), "mock", "--host=127.0.0.1"),
            *(f"--port={port}", "--hot-reload=disabled", "--noConsoleLog", "--lenient", "contract.json"),
        ],
        {"contract.json": contract.plain},
    ),
    Peer(
        "connexion",
        _CONNEXION,
        "answers by the contract",
        lambda package, port: [
            *(package.file("bin/python"), str(Path(__file__).with_name("connexion_app.py")), "contract.json", port)
        ],
        {"contract.json": contract.older},
        base="/flowservice",
    ),
    Peer(
        "MockServer",
        _MOCKSERVER,
        "answers by the contract",
        lambda package, port: [
            *("java", "-Dmockserver.localBoundIP=127.0.0.1", "-jar"),
            *(package.file("node_modules/mockserver-node/mockserver-netty-*.jar"), "-p", port, "-l", "WARN"),
            *("--openapi", "contract.json"),
        ],
        {"contract.json": contract.whole},
    ),
    Peer(
        "WireMock",
        _WIREMOCK,
        "stubs by hand",
        lambda package, port: [
            *("java", "-jar", package.file("node_modules/wiremock/build/wiremock-standalone-*.jar"), "--port", port),
            *("--bind-address", "127.0.0.1", "--disable-banner", "--max-request-journal-entries", "1000"),
        ],
        {"mappings/connections.json": contract.stubs},
    ),
    Peer(
        "json-server",
        _JSON_SERVER,
        "stores anything",
        lambda package, port: [
            *("node", package.file("node_modules/.bin/json-server"), "--host", "127.0.0.1", "--port", port),
            *("--quiet", "database.json"),
        ],
        {"database.json": contract.empty_list},
        page="/connections?_limit=100",
    ),
    Peer(
        "Mockoon CRUD",
        _MOCKOON,
        "stores anything",
        _mockoon("environment.json"),
        {"environment.json": contract.crud_route},
        page="/connections?limit=100",
    ),
    Peer(
        "Moto DynamoDB",
        _MOTO,
        "another API, emulated",
        lambda package, port: [package.file("bin/moto_server"), "-H", "127.0.0.1", "-p", port],
        probe="/moto-api/",
        cases={
            "GET-one": _dynamodb("GetItem", 200, {"Key": {"id": _ITEM["id"]}}),
            "POST-valid": _dynamodb("PutItem", 200, {"Item": _ITEM}),
            "POST-wrong-type": _dynamodb("PutItem", 400, {"Item": {**_ITEM, "id": {"N": "42"}}}),
        },
        opening=(_dynamodb("CreateTable", 200, _TABLE),),
    ),
)


def installed() -> tuple[Peer, ...]:
    """Those that can be started here."""
    return tuple(peer for peer in PEERS if peer.package.installed)
