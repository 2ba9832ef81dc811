"""Generates clients from `openapi.yaml`, compiles them strictly, and runs each from a connection to a finished run.

It also runs the first lines that docs/generated-clients.md shows for each. `make test` runs the fast ones; `make
clients` sets GENERATORS=all and runs every one.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from mockserver.clients.service import flow_service
from tests.calls import HEADERS, connection
from tests.intercept.test_clients_of_others import CLIENTS, NODE_PROGRAMS, ROOT, installed
from tests.programs import missing

PROGRAMS = ROOT / "contracts" / "clients" / "programs" / "generated"
DOCUMENT = ROOT / "openapi.yaml"
BIN = CLIENTS / "bin"
ORVAL = CLIENTS / "orval" / "node_modules"

ALSO_TYPED = ROOT / "contracts" / "clients" / "programs" / "with_openapi_fetch.mts"
"""Checked here with the types that the first generator makes, and run by tests/intercept/test_clients_of_others.py."""

TOKEN = "eyJhbGciOiJSUzI1NiJ9.e30.c2ln"
Command = list[object]
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


def first_lines(section: str) -> str:
    """The program of a section of docs/generated-clients.md."""
    text = (ROOT / "docs" / "generated-clients.md").read_text(encoding="utf-8")
    found = re.search(rf"^## {re.escape(section)}$.*?^```(?:python|ts|java)\n(.*?)^```$", text, re.M | re.S)
    assert found, section
    return found[1]


def python_programs(folder: Path, name: str, section: str) -> list[Command]:
    """The whole program, and the first lines of the page."""
    (folder / "main.py").write_bytes((PROGRAMS / name).read_bytes())
    (folder / "first.py").write_text("import sys\n\nbase, token = sys.argv[1:]\n" + first_lines(section))
    python = [installed(BIN / "python"), "-W", "error::SyntaxWarning"]
    return [[*python, folder / "main.py"], [*python, folder / "first.py"]]


def typescript_programs(folder: Path, name: str, section: str, modules: Path, *options: str) -> list[Command]:
    """The same, compiled."""
    compiler = installed(modules / ".bin" / "tsc")
    (folder / "node_modules").symlink_to(modules)
    (folder / "main.ts").write_bytes((PROGRAMS / name).read_bytes())
    imports, _, lines = first_lines(section).partition("\n\n")
    given = (
        "declare const process: { argv: string[] };\nconst [base, token] = process.argv.slice(2) as [string, string];"
    )
    (folder / "first.ts").write_text(f"{imports}\n{given}\n(async () => {{\n{lines}}})();\n")
    run(folder, compiler, *COMPILED, *options, "--lib", "es2022,dom", "--outDir", "out", "main.ts", "first.ts")
    return [["node", folder / "out" / "main.js"], ["node", folder / "out" / "first.js"]]


def openapi_generator_python(folder: Path) -> list[Command]:
    openapi_generator(folder, "-g", "python")
    (folder / "client" / "openapi_client").rename(folder / "openapi_client")
    return python_programs(folder, "openapi_generator_python.py", "openapi-generator, Python")


def typescript_fetch(folder: Path) -> list[Command]:
    openapi_generator(folder, "-g", "typescript-fetch")
    return typescript_programs(folder, "typescript_fetch.ts", "openapi-generator, TypeScript", NODE_PROGRAMS.parent)


def java(folder: Path) -> list[Command]:
    """The client of the library `native`, which needs only the JDK and Jackson."""
    jar = openapi_generator(folder, "-g", "java", "--library", "native")
    given = "String base = arguments[0], token = arguments[1];\n"
    lines = given + first_lines("openapi-generator, Java")
    main = f"public static void main(String[] arguments) throws Exception {{\n{lines}}}"
    imports = "".join(f"import org.openapitools.client.{name}*;\n" for name in ("", "api.", "model."))
    (folder / "First.java").write_text(f"{imports}class First {{\n{main}\n}}\n")
    sources = [*(folder / "client" / "src" / "main").rglob("*.java"), *(PROGRAMS / "java").rglob("*.java")]
    (folder / "sources").write_text("\n".join(map(str, [*sources, folder / "First.java"])))
    run(folder, "javac", "-nowarn", "-d", "classes", "-cp", jar, "@sources")
    return [["java", "-cp", f"classes{os.pathsep}{jar}", name] for name in ("Journey", "First")]


def openapi_python_client(folder: Path) -> list[Command]:
    """Client and programs pass mypy's strict mode."""
    generator = installed(BIN / "openapi-python-client")
    run(folder, generator, "generate", "--path", DOCUMENT, "--output-path", "client")
    (folder / "client" / "flow_service_client").rename(folder / "flow_service_client")
    programs = python_programs(folder, "openapi_python_client.py", "openapi-python-client")
    mypy = [ROOT / ".venv" / "bin" / "mypy", "--strict", "--cache-dir", os.devnull]  # writing one takes a second
    run(folder, *mypy, "--python-executable", BIN / "python", "main.py", "first.py")
    return programs


def datamodel_code_generator(folder: Path) -> list[Command]:
    generator = installed(BIN / "datamodel-codegen")
    run(folder, generator, "--input", DOCUMENT, "--output", "flow_service.py")
    return python_programs(folder, "datamodel_code_generator.py", "datamodel-code-generator")


def openapi_fetch(folder: Path) -> list[Command]:
    generator = installed(NODE_PROGRAMS / "openapi-typescript")
    run(folder, generator, DOCUMENT, "--output", "client.d.ts")
    (folder / "flow-service.d.ts").write_text("export * from './client.js';\n")
    (folder / ALSO_TYPED.name).write_bytes(ALSO_TYPED.read_bytes())
    checked = ["--skipDefaultLibCheck", ALSO_TYPED.name]  # the types themselves, too
    options = ["--noUncheckedIndexedAccess", "--module", "nodenext", "--skipLibCheck", "false"]
    section = "openapi-typescript with openapi-fetch"
    return typescript_programs(folder, "openapi_fetch.ts", section, NODE_PROGRAMS.parent, *options, *checked)


def orval(folder: Path) -> list[Command]:
    generator = installed(ORVAL / ".bin" / "orval")
    run(folder, generator, "--input", DOCUMENT, "--output", folder / "client.ts")
    return typescript_programs(folder, "orval.ts", "orval", ORVAL, "--noUncheckedIndexedAccess")


Client = Callable[[Path], list[Command]]
QUICK: tuple[Client, ...] = (openapi_python_client, datamodel_code_generator, openapi_fetch)
SLOW: tuple[Client, ...] = (openapi_generator_python, typescript_fetch, java, orval)
CHOSEN = QUICK + SLOW if os.environ.get("GENERATORS") == "all" else QUICK


@pytest.mark.slow
@pytest.mark.parametrize("client", CHOSEN, ids=lambda client: client.__name__)
def test_a_generated_client_goes_all_the_way_and_reads_refusals(client: Client, tmp_path: Path) -> None:
    journey, first = client(tmp_path)
    with flow_service() as service:
        assert run(tmp_path, *journey, service.url, TOKEN, PYTHONPATH=str(tmp_path)).endswith("done\n")
        calls = service.emulator.journal.entries()
        page = {**HEADERS, "x-gw-ims-org-id": "ACME@AdobeOrg"}
        httpx.post(f"{service.url}/connections", json=connection("Shop database"), headers=page).raise_for_status()
        assert "Shop database" in run(tmp_path, *first, service.url, TOKEN, PYTHONPATH=str(tmp_path))
    assert {call.operation for call in calls} >= JOURNEY
    assert [call.status for call in calls if call.status >= 400] == [412, 400, 404]
