"""Tests of a client's private server, its environment, and how its end is reported."""

import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mockserver import flow_service
from mockserver.clients.program import PrivateServer, run, signals, variables

FETCH = """
import json, os, urllib.request
given = {name: os.environ["FLOW_SERVICE_" + name] for name in ("TOKEN", "API_KEY", "ORG", "SANDBOX")}
headers = {"Authorization": "Bearer " + given["TOKEN"], "x-api-key": given["API_KEY"],
           "x-gw-ims-org-id": given["ORG"], "x-sandbox-name": given["SANDBOX"]}
request = urllib.request.Request(os.environ["FLOW_SERVICE_URL"] + "/connections", headers=headers)
print(json.load(urllib.request.urlopen(request)))
"""


def python(source: str, seconds: float = 100, show: bool = False, **environ: str):
    return run([sys.executable, "-c", source], {**os.environ, **environ}, seconds=seconds, show=show)


def test_a_client_that_reads_the_environment_reaches_its_own_server_and_leaves_its_calls_there() -> None:
    with PrivateServer() as server:
        environ = variables(
            server.url, {**os.environ, "http_proxy": "http://127.0.0.1:9", "FLOW_SERVICE_SANDBOX": "dev"}
        )
        ending = run([sys.executable, "-c", FETCH], environ, seconds=100, show=False)
        assert (ending.status, ending.output.strip()) == (0, "{'items': [], '_links': {}}")
        [entry] = server.emulator.journal.entries()
        assert (entry.status, entry.tenant.sandbox) == (200, "dev")


def test_the_exit_status_and_both_streams_are_told() -> None:
    ending = python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
    assert ending.status == 3 and sorted(ending.output.split()) == ["err", "out"]


def test_a_client_that_does_not_end_is_stopped_with_what_it_started() -> None:
    """Both keep a connection to the test, whose end shows theirs."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        starts_another = (
            "import socket, subprocess, sys\n"
            f"line = socket.create_connection(('127.0.0.1', {listener.getsockname()[1]}))\n"
            "line.set_inheritable(True)\n"
            "print('begun', flush=True)\n"
            "subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'], close_fds=False)\n"
        )
        ending = python(starts_another, seconds=2)
        assert (ending.status, ending.output.strip()) == (None, "begun")
        line, _ = listener.accept()
        line.settimeout(60)
        assert line.recv(1) == b""


@pytest.mark.skipif(os.name != "posix", reason="this platform has no signals of that kind")
@pytest.mark.parametrize("show", [False, True], ids=["kept", "shown"])
def test_an_interrupted_run_leaves_no_client_behind(tmp_path: Path, show: bool) -> None:
    interrupts_us = (
        f"import os, pathlib, signal, time\npathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid()))\n"
        "os.kill(os.getppid(), signal.SIGINT)\ntime.sleep(60)"
    )
    with pytest.raises(KeyboardInterrupt):
        python(interrupts_us, show=show)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_run_in_the_foreground_of_another_thread_leaves_signals_alone() -> None:
    before = signal.getsignal(signal.SIGINT)
    command = [sys.executable, "-c", "print('done')"]
    with ThreadPoolExecutor(1) as other:
        ending = other.submit(run, command, os.environ, seconds=100, show=False, foreground=True).result()
    assert (ending.status, ending.output.strip(), signal.getsignal(signal.SIGINT)) == (0, "done", before)


def test_where_there_are_no_terminals_keys_are_signals_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "tcgetpgrp", raising=False)
    assert not signals.in_foreground()


def test_a_shown_client_that_does_not_end_is_stopped() -> None:
    assert python("import time; time.sleep(60)", seconds=0.2, show=True).status is None


def test_a_service_in_a_test_tells_programs_where_it_is() -> None:
    with flow_service() as service:
        ending = python(FETCH, **service.variables)
        assert (ending.status, len(service.calls)) == (0, 1)


def test_what_is_shown_is_not_kept(capfd: pytest.CaptureFixture[str]) -> None:
    assert python("print('seen')", show=True).output == ""
    assert capfd.readouterr().out.strip() == "seen"


def test_a_command_that_is_not_there_cannot_be_started() -> None:
    with pytest.raises(OSError, match="no-such-program"):
        run(["no-such-program"], os.environ, seconds=1, show=False)


@pytest.mark.skipif(os.name != "posix", reason="this platform has no signals to pass on")
def test_a_signal_that_comes_before_the_client_runs_is_passed_on_then() -> None:
    with signals.passed_on() as runs:
        os.kill(os.getpid(), signal.SIGTERM)
        process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(5)"])
        runs(process)
        signals.wait_for(process)
    assert process.returncode == -signal.SIGTERM
