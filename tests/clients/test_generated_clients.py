"""Generates clients from `openapi.yaml`, compiles them strictly, and runs each from a connection to a finished run.

`make test` runs the fast ones. `make clients` sets GENERATORS=all and runs every one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mockserver.clients.service import flow_service
from tests.intercept.test_clients_of_others import CLIENTS, NODE_PROGRAMS, ROOT, installed
from tests.programs import missing

PROGRAMS = ROOT / "contracts" / "clients" / "programs" / "generated"
DOCUMENT = ROOT / "openapi.yaml"
BIN = CLIENTS / "bin"
ORVAL = CLIENTS / "orval" / "node_modules"

TOKEN = "eyJhbGciOiJSUzI1NiJ9.e30.c2ln"
JOURNEY = {
    *("createConnection", "retrieveConnection", "listConnections", "patchConnection", "testConnection"),
    *("getByConnectionId", "createSourceConnection", "createTargetConnection", "createFlow", "retrieveFlow"),
    *("listFlowRuns", "deleteByFlow", "deleteTargetConnection", "deleteSourceConnection", "deleteConnection"),
}
COMPILED = ["--strict", "--skipLibCheck", "--esModuleInterop", "--module", "commonjs", "--target", "es2022"]


def run(folder: Path, *command: object, **environ: str) -> str:
    words = [str(word) for word in command]
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        words, cwd=folder, capture_output=True, text=True, timeout=400, env={**os.environ, "PATH": path, **environ}
    )
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
    return done.stdout


def openapi_generator(folder: Path, *options: str) -> Path:
    """The jar of openapi-generator, from its Python package."""
    if not shutil.which("java"):
        pytest.skip(missing("java"))
    installed(BIN / "openapi-generator-cli")
    jar = next(CLIENTS.rglob("openapi-generator.jar"))
    run(folder, "java", "-jar", jar, "generate", "-i", DOCUMENT, "-o", folder / "client", *options)
    return jar


def python_program(folder: Path, name: str) -> list[object]:
    (folder / "main.py").write_bytes((PROGRAMS / name).read_bytes())
    return [installed(BIN / "python"), "-W", "error::SyntaxWarning", folder / "main.py"]


def typescript_program(folder: Path, name: str, modules: Path, *options: str) -> list[object]:
    compiler = installed(modules / ".bin" / "tsc")
    (folder / "node_modules").symlink_to(modules)
    (folder / "main.ts").write_bytes((PROGRAMS / name).read_bytes())
    run(folder, compiler, *COMPILED, *options, "--lib", "es2022,dom", "--outDir", "out", "main.ts")
    return ["node", folder / "out" / "main.js"]


def openapi_generator_python(folder: Path) -> list[object]:
    openapi_generator(folder, "-g", "python")
    (folder / "client" / "openapi_client").rename(folder / "openapi_client")
    return python_program(folder, "openapi_generator_python.py")


def typescript_fetch(folder: Path) -> list[object]:
    openapi_generator(folder, "-g", "typescript-fetch")
    return typescript_program(folder, "typescript_fetch.ts", NODE_PROGRAMS.parent)


def java(folder: Path) -> list[object]:
    """The client of the library `native`, which needs only the JDK and Jackson."""
    jar = openapi_generator(folder, "-g", "java", "--library", "native")
    sources = [*(folder / "client" / "src" / "main").rglob("*.java"), *(PROGRAMS / "java").rglob("*.java")]
    (folder / "sources").write_text("\n".join(map(str, sources)))
    run(folder, "javac", "-nowarn", "-d", "classes", "-cp", jar, "@sources")
    return ["java", "-cp", f"classes{os.pathsep}{jar}", "Journey"]


def openapi_python_client(folder: Path) -> list[object]:
    """Client and program pass mypy's strict mode."""
    generator = installed(BIN / "openapi-python-client")
    run(folder, generator, "generate", "--path", DOCUMENT, "--output-path", "client")
    (folder / "client" / "flow_service_client").rename(folder / "flow_service_client")
    program = python_program(folder, "openapi_python_client.py")
    mypy = ROOT / ".venv" / "bin" / "mypy"
    run(folder, mypy, "--strict", "--cache-dir", folder / "cache", "--python-executable", BIN / "python", "main.py")
    return program


def datamodel_code_generator(folder: Path) -> list[object]:
    generator = installed(BIN / "datamodel-codegen")
    run(folder, generator, "--input", DOCUMENT, "--output", "flow_service.py")
    return python_program(folder, "datamodel_code_generator.py")


def openapi_fetch(folder: Path) -> list[object]:
    generator = installed(NODE_PROGRAMS / "openapi-typescript")
    run(folder, generator, DOCUMENT, "--output", "client.d.ts")
    options = ["--noUncheckedIndexedAccess", "--moduleResolution", "node10"]
    return typescript_program(folder, "openapi_fetch.ts", NODE_PROGRAMS.parent, *options)


def orval(folder: Path) -> list[object]:
    generator = installed(ORVAL / ".bin" / "orval")
    run(folder, generator, "--input", DOCUMENT, "--output", folder / "client.ts")
    return typescript_program(folder, "orval.ts", ORVAL, "--noUncheckedIndexedAccess")


Client = Callable[[Path], list[object]]
QUICK: tuple[Client, ...] = (openapi_python_client, datamodel_code_generator, openapi_fetch)
SLOW: tuple[Client, ...] = (openapi_generator_python, typescript_fetch, java, orval)
CHOSEN = QUICK + SLOW if os.environ.get("GENERATORS") == "all" else QUICK


@pytest.mark.parametrize("client", CHOSEN, ids=lambda client: client.__name__)
def test_a_generated_client_goes_all_the_way_and_reads_refusals(client: Client, tmp_path: Path) -> None:
    command = client(tmp_path)
    with flow_service() as service:
        assert run(tmp_path, *command, service.url, TOKEN, PYTHONPATH=str(tmp_path)).endswith("done\n")
        calls = service.emulator.journal.entries()
    assert {call.operation for call in calls} >= JOURNEY
    assert [call.status for call in calls if call.status >= 400] == [412, 400, 404]
