"""Tests that no secret is in output, files, processes or children of the commands beside the server."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.calls import BASIC_PARAMS, HEADERS, connection
from tests.security.canary import CANARY, leaks
from tests.torture.server import Server

ROOT = Path(__file__).parents[2]
HARMLESS = {name: value for name, value in os.environ.items() if not name.startswith("MOCKSERVER_")}
BODY = connection(auth={"specName": "Basic Authentication", "params": {**BASIC_PARAMS, "password": CANARY}})
OF_THE_SUITE = re.compile("c4n4ry-[0-9a-f]{16}")
"""Values that the contract suite invents and shows."""

LATIN = CANARY.encode().decode("latin-1")


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mockserver", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, env={**HARMLESS, **environ})


def texts(folder: Path) -> list[str]:
    return [path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.is_file()]


def entry(method: str, path: str, body: Any = None, status: int = 400, **headers: str) -> dict[str, Any]:
    """One exchange as a browser records it; the response repeats the request."""
    sent = json.dumps(body) if body is not None else ""
    content = {"mimeType": "application/json", "text": sent}
    named = [{"name": name, "value": value} for name, value in {**HEADERS, **headers}.items()]
    return {
        "startedDateTime": "2026-01-01T00:00:00Z",
        "time": 5,
        "request": {
            "method": method,
            "url": f"https://platform.adobe.io/data/foundation/flowservice{path}",
            "headers": named,
            **({"postData": content} if sent else {}),
        },
        "response": {"status": status, "headers": named, "content": content},
    }


HAR = [
    entry("POST", "/connections", BODY),
    entry("POST", "/connections", {**BODY, "auth": {"specName": 5, "params": CANARY}}),
    entry("POST", "/connections", BODY, 201, authorization=f"Bearer {LATIN}", cookie=LATIN),
    entry("PATCH", "/connections/x", [{"op": "ADD", "path": "/auth/params/password", "value": CANARY}], 412),
    entry("PATCH", "/connections/x", [{"op": "add", "path": "/auth", "value": [CANARY]}], if_match='"x"'),
    entry("GET", f"/connections?property=auth.params.password=={quote(CANARY, safe='')}"),
    entry("GET", f"/nowhere?access_token={quote(CANARY, safe='')}", authorization=LATIN),
]


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["text", "json"])
def test_no_credential_in_a_recording_comes_out_of_its_judgement(tmp_path: Path, options: list[str]) -> None:
    file, folder = tmp_path / "recorded.har", tmp_path / "report"
    file.write_text(json.dumps({"log": {"version": "1.2", "entries": HAR}}), encoding="utf-8")
    done = run("check", str(file), "--report", str(folder), *options)
    assert done.returncode == 1 and len(texts(folder)) > 3
    assert leaks(file.read_text(encoding="utf-8"))  # otherwise the test could not fail
    assert [leak for text in (done.stdout, done.stderr, *texts(folder)) for leak in leaks(text)] == []


@pytest.mark.slow
def test_no_credential_of_a_contract_run_is_in_its_reports(tmp_path: Path) -> None:
    """The operator's connection and token, against a server that shows stored values."""
    file, folder = tmp_path / "connection.json", tmp_path / "report"
    file.write_text(json.dumps(BODY), encoding="utf-8")
    with Server(tmp_path, "--quirk", "secrets=show") as server:
        done = run(
            "contract", f"http://127.0.0.1:{server.port}", "--connection", str(file), "--examples", "1",
            "--operations", "createConnection,retrieveConnection,patchConnection,listConnections",
            "--report", str(folder), "--json", FLOW_SERVICE_TOKEN="t0ken-c4n4ry.s3cr3t",
        )  # fmt: skip
    assert done.returncode == 1 and len(texts(folder)) == 4  # the server shows secrets, so the suite fails
    out = [OF_THE_SUITE.sub("", text) for text in (done.stdout, done.stderr, *texts(folder))]
    assert [leak for text in out for leak in leaks(text)] == []


def read(file: Path) -> str:
    """A file in `/proc`; empty if the process has ended."""
    try:
        return file.read_bytes().decode("latin-1")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def family(pid: int) -> list[int]:
    """A process and its descendants."""
    children = Path(f"/proc/{pid}/task").glob("*/children")
    return [pid, *(one for file in children for child in read(file).split() for one in family(int(child)))]


def told(pid: int) -> list[str]:
    """What everybody on the machine can read about a process."""
    return [read(Path(f"/proc/{pid}/{name}")) for name in ("cmdline", "environ")]


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_no_process_tells_what_clients_sent(tmp_path: Path) -> None:
    """Neither command lines nor environments of the server and its children have it."""
    with Server(tmp_path, "--state", "flow.db") as server:
        http = HTTPConnection("127.0.0.1", server.port, timeout=100)
        http.request("POST", "/connections", json.dumps(BODY), {**HEADERS, "content-type": "application/json"})
        receipt = json.loads(http.getresponse().read())
        for after in ("test", "explore?objectType=root"):
            http.request("GET", f"/connections/{receipt['id']}/{after}", headers=HEADERS)
            http.getresponse().read()
        texts_of_processes = [text for pid in family(server.process.pid) for text in told(pid)]
        http.close()
    assert any(texts_of_processes) and [leak for text in texts_of_processes for leak in leaks(text)] == []


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_a_program_that_we_start_is_not_given_our_secrets(tmp_path: Path) -> None:
    """Database URL and admin token are neither in its environment nor in its command line."""
    secrets = {
        "MOCKSERVER_ADMIN_TOKEN": "c4n4ry-admin",
        "MOCKSERVER_CLIENT_SECRETS": "acme=c4n4ry-client",
        "MOCKSERVER_STATE": str(tmp_path / "c4n4ry.db"),
    }
    ready = tmp_path / "ready"
    client = ["sh", "-c", f"env; touch {ready}; exec sleep 60"]
    command = [sys.executable, "-m", "mockserver", "exec", "--ca-folder", str(tmp_path / "ca"), "--", *client]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**HARMLESS, **secrets}
    ) as process:
        until = time.monotonic() + 30
        while not ready.exists() and time.monotonic() < until:
            time.sleep(0.02)
        children = family(process.pid)[1:]
        shown = [text for pid in children for text in told(pid)]
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=100)
    assert children and "FLOW_SERVICE_URL=" in said
    assert "c4n4ry" not in "".join(shown) + said


CRASH = "import os; print(open(f'/proc/{os.getppid()}/limits').read(), flush=True); os.kill(os.getppid(), 6)"
CRASHING = {
    "serve": [],
    "exec": ["exec", "--ca-folder", "ca", "--", sys.executable, "-c", CRASH],
    "record": ["record", "--out", "new.har", "--ca-folder", "ca", "--", sys.executable, "-c", CRASH],
}


@pytest.fixture
def cores() -> Iterator[None]:
    """Let the processes of a test write core files, as far as the system allows it."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
@pytest.mark.parametrize("command", CRASHING)
@pytest.mark.usefixtures("cores")
def test_a_crash_leaves_no_copy_of_the_memory_and_prints_no_value(tmp_path: Path, command: str) -> None:
    """A core file in the working folder held each password and token."""
    secrets = {"MOCKSERVER_ADMIN_TOKEN": "c4n4ry-admin", "PYTHONFAULTHANDLER": "1", "PYTHONPATH": str(ROOT)}
    if command == "serve":
        with Server(tmp_path, **secrets) as server:
            http = HTTPConnection("127.0.0.1", server.port, timeout=100)
            http.request("POST", "/connections", json.dumps(BODY), {**HEADERS, "content-type": "application/json"})
            assert http.getresponse().status == 201
            said = read(Path(f"/proc/{server.process.pid}/limits"))
            server.process.send_signal(signal.SIGABRT)
            said += server.process.communicate(timeout=100)[0]
    else:
        done = subprocess.run(
            [sys.executable, "-m", "mockserver", *CRASHING[command]],
            cwd=tmp_path, capture_output=True, text=True, timeout=100, env={**HARMLESS, **secrets},
        )  # fmt: skip
        said = done.stdout + done.stderr
    assert re.search("Max core file size +0 ", said) and "Fatal Python error: Aborted" in said
    assert leaks(said) == [] and "c4n4ry" not in said and not list(tmp_path.glob("core*"))
