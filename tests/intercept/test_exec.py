"""Tests of `mockserver exec`: the client's output and status, the verdict, the reports, signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mockserver.cli import main
from mockserver.config import how_to_get
from tests.intercept.test_unmodified_clients import PROGRAMS

GOOD = [sys.executable, str(PROGRAMS / "with_urllib.py")]
BAD = [
    sys.executable,
    "-c",
    "import os, sys, urllib.request, urllib.error\n"
    "try: urllib.request.urlopen('https://platform.adobe.io/data/foundation/flowservice/connections')\n"
    "except urllib.error.HTTPError as error: print(error.code)\n"
    "sys.exit(int(os.environ.get('STATUS', '0')))",
]


def started(ca_folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the command in its own process."""
    command = [sys.executable, "-m", "mockserver", "exec", "--ca-folder", str(ca_folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environ}, timeout=60)


Execute = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def execute(ca_folder: Path, capfd: pytest.CaptureFixture[str]) -> Execute:
    """Run the command in this process, whose start takes longer than all the rest; only the client is a process."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        with pytest.raises(SystemExit) as ended:
            main(["exec", "--ca-folder", str(ca_folder), *arguments])
        said = capfd.readouterr()
        return subprocess.CompletedProcess(arguments, int(ended.value.code or 0), said.out, said.err)

    return run


def test_a_good_client_passes_and_its_output_stays_its_own(ca_folder: Path) -> None:
    done = started(ca_folder, "--", *GOOD)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "{'items': [], '_links': {}}\n"
    assert "Client conformance: 2 calls" in done.stderr and "no findings" in done.stderr
    assert "Traceback" not in done.stderr, done.stderr


def test_findings_make_a_successful_run_fail(execute: Execute, tmp_path: Path) -> None:
    done = execute("--report", str(tmp_path / "report"), *BAD)
    assert (done.returncode, done.stdout) == (1, "403\n")
    assert "FAIL" in done.stderr
    report = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert report["findings"] and (tmp_path / "report" / "junit.xml").exists()


def test_a_clients_own_failure_is_told_as_it_is(ca_folder: Path) -> None:
    assert started(ca_folder, *BAD, STATUS="7").returncode == 7


def test_a_client_that_does_not_trust_the_certificate_is_told_so(execute: Execute, tmp_path: Path) -> None:
    """GNU Wget, for example, reads none of the variables for certificates."""
    code = (
        "import os, ssl, urllib.request as u\n"
        "context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)\n"
        "try: u.urlopen('https://platform.adobe.io/data/foundation/flowservice/connections', context=context)\n"
        "except OSError: pass"
    )
    done = execute(sys.executable, "-c", code)
    assert done.returncode == 3 and "does not trust the certificate" in done.stderr, done.stderr
    assert "HTTPS_PROXY" not in done.stderr


@pytest.mark.parametrize("place", ["platform.adobe.io:8443", "ims-na2.adobelogin.com", "example.com"])
def test_a_refused_host_is_told_with_those_that_are_emulated(place: str, execute: Execute) -> None:
    code = f"import urllib.request as u\ntry: u.urlopen('https://{place}/')\nexcept OSError: pass"
    done = execute(sys.executable, "-c", code)
    assert place in done.stderr and "only platform.adobe.io, ims-na1" in done.stderr and "on port 443" in done.stderr


@pytest.mark.parametrize(("code", "status"), [("", 3), ("raise SystemExit(7)", 7)])
def test_a_client_that_made_no_call_is_not_called_good(execute: Execute, code: str, status: int) -> None:
    done = execute(sys.executable, "-c", code)
    assert done.returncode == status and "Nothing to judge: the client made no call" in done.stderr


def test_findings_below_the_level_are_shown_and_pass(execute: Execute, tmp_path: Path) -> None:
    hasty = tmp_path / "hasty.py"
    source = (PROGRAMS / "with_httpx.py").read_text(encoding="utf-8")
    hasty.write_text(source.replace("    print(", "    for _ in range(9): print("), encoding="utf-8")
    done = {level: execute("--level", level, sys.executable, str(hasty)) for level in ("fail", "warn")}
    assert {level: run.returncode for level, run in done.items()} == {"fail": 0, "warn": 1}
    assert all("retry.polling-too-fast" in run.stderr for run in done.values())


def test_what_a_baseline_accepts_passes(execute: Execute, tmp_path: Path) -> None:
    report = tmp_path / "report"
    execute("--report", str(report), *BAD)
    found = json.loads((report / "report.json").read_text(encoding="utf-8"))["findings"]
    rows = "".join(f"  - {{rule: {finding['rule']}, reason: known}}\n" for finding in found)
    (tmp_path / "known.yaml").write_text("accepted:\n" + rows, encoding="utf-8")
    assert execute("--baseline", str(tmp_path / "known.yaml"), *BAD).returncode == 0


@pytest.mark.parametrize(
    ("command", "status", "says"),
    [
        (["no-such-program"], 127, "no-such-program"),
        ([os.devnull], 126, os.devnull),
        ([""], 126, "cannot start ''"),
        (["--baseline", "no-such-file", "true"], 2, "no-such-file"),
        ([], 2, "COMMAND"),
    ],
    ids=["not-found", "not-executable", "no-name", "no-baseline", "no-command"],
)
def test_what_cannot_be_run_is_said_in_one_line(execute: Execute, command: list[str], status: int, says: str) -> None:
    done = execute(*command)
    assert (done.returncode, says in done.stderr, "Traceback" in done.stderr) == (status, True, False), done.stderr


def test_a_script_without_its_interpreter_is_said_to_lack_it(execute: Execute, tmp_path: Path) -> None:
    script = tmp_path / "client"
    script.write_text("#!/no/such/python\n", encoding="utf-8")
    script.chmod(0o755)
    done = execute(str(script))
    assert done.returncode == 127 and "the interpreter in its first line does not exist" in done.stderr


FORM = {"grant_type": "client_credentials", "client_id": "x", "client_secret": "y", "scope": "openid"}
TOKEN = f"import requests; requests.post('https://ims-na1.adobelogin.com/ims/token/v3', data={FORM})"
OTHER = "import requests; requests.get('http://example.com')"
KNOWN = {"Authorization": "Bearer a.b", "x-api-key": "a", "x-gw-ims-org-id": "A@AdobeOrg", "x-sandbox-name": "prod"}
NEAR = f"import requests; requests.get('https://platform.adobe.io/data/core/ups/config/mergePolicies', headers={KNOWN})"
UNJUDGED = {"pass": "HTTPS_PROXY", TOKEN: "called only the token endpoint", OTHER: "the client asked for example.com"}


@pytest.mark.parametrize("code", UNJUDGED, ids=["no-call", "token-only", "other-host"])
def test_advice_for_a_client_that_was_not_judged_fits_what_it_did(execute: Execute, code: str) -> None:
    done = execute(sys.executable, "-c", code)
    assert done.returncode == 3 and "Nothing to judge" in done.stderr
    assert [text for text in UNJUDGED.values() if text in done.stderr] == [UNJUDGED[code]]


def test_a_client_of_other_services_alone_has_nothing_judged(execute: Execute) -> None:
    done = execute(sys.executable, "-c", NEAR)
    assert done.returncode == 3 and "services that are not emulated" in done.stderr, done.stderr


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this platform has no signals to pass on")
def test_a_signal_reaches_the_client_and_the_verdict_is_still_told(ca_folder: Path) -> None:
    code = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(9)); print('up', flush=True); "
    command = [
        sys.executable,
        "-m",
        "mockserver",
        "exec",
        "--ca-folder",
        str(ca_folder),
        sys.executable,
        "-c",
        code + "[time.sleep(0.1) for _ in range(300)]",  # a long sleep would miss a signal that arrived just before
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=100)
    assert process.returncode == 9 and "Nothing to judge" in errors


COUNTS = (
    "import signal, sys, time\n"
    "seen = []\n"
    "signal.signal(signal.SIGINT, lambda *_: seen.append(1) or print('interrupted', flush=True))\n"
    "signal.signal(signal.SIGTERM, lambda *_: sys.exit(len(seen)))\n"
    "print('up', flush=True)\n"
    "while True: time.sleep(0.1)\n"  # pause() would miss a signal that arrived just before
)
"""Its exit status is the number of interrupts."""


def counting(ca_folder: Path, **options: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "mockserver", "exec", "--ca-folder", str(ca_folder), sys.executable, "-c", COUNTS]
    return subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL, **options)


def _terminals() -> bool:
    """Whether a pseudo-terminal can be opened here."""
    try:
        ends = os.openpty()
    except (AttributeError, OSError):
        return False
    for end in ends:
        os.close(end)
    return True


@pytest.mark.skipif(not _terminals(), reason="no pseudo-terminals here, such as where /dev/pts is not mounted")
def test_a_key_of_the_terminal_reaches_the_client_once(ca_folder: Path) -> None:
    import fcntl
    import pty
    import termios

    keys, terminal = pty.openpty()

    def take_terminal() -> None:
        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

    process = counting(ca_folder, stdin=terminal, stdout=terminal, preexec_fn=take_terminal)
    os.close(terminal)
    with process, open(keys, "rb+", 0) as client:
        said = iter(lambda: client.read(1), b"")
        assert until(said, b"up") and client.write(b"\x03") and until(said, b"interrupted")
        process.send_signal(signal.SIGTERM)
        assert process.wait(100) == 1


@pytest.mark.skipif(os.name != "posix", reason="this platform has no signals to pass on")
def test_without_a_terminal_an_interrupt_is_passed_on(ca_folder: Path) -> None:
    with counting(ca_folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"up\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == b"interrupted\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(100) == 1


def until(said: Iterator[bytes], word: bytes) -> bool:
    """Read until a word appears."""
    seen = b""
    while word not in seen:
        seen += next(said)
    return True


def test_a_host_that_is_not_emulated_is_named(execute: Execute) -> None:
    code = "import urllib.request as u\ntry: u.urlopen('https://example.com/')\nexcept OSError as error: print(error)"
    done = execute(sys.executable, "-c", code)
    assert "the client asked for example.com:443 1x and was refused" in done.stderr, done.stderr


def test_a_client_that_a_signal_ended_is_told_as_a_shell_tells_it(execute: Execute) -> None:
    code = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    assert execute(sys.executable, "-c", code).returncode == 137


def test_without_the_extra_one_line_says_what_to_install(ca_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as util\nfind = util.find_spec\n"
        "util.find_spec = lambda name, *rest: None if name == 'cryptography' else find(name, *rest)\n"
    )
    path = os.pathsep.join((str(tmp_path), os.getcwd()))
    for arguments in (["exec", "true"], ["ca", "show"]):
        command = [sys.executable, "-m", "mockserver", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path})
        assert done.returncode == 2 and how_to_get("intercept") in done.stderr
        assert "Traceback" not in done.stderr


def test_scenarios_act_on_an_unmodified_client(ca_folder: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "mockserver",
        "conformance",
        "--scenario",
        "outage.unavailable-once",
        "--json",
        "--",
        *GOOD,
    ]
    environ = {**os.environ, "MOCKSERVER_CA_FOLDER": str(ca_folder)}
    done = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=60)
    [verdict] = json.loads(done.stdout)["scenarios"]
    assert (verdict["id"], verdict["verdict"], len(verdict["calls"]) > 0) == ("outage.unavailable-once", "failed", True)
