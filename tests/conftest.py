"""Fixtures for every test: no proxy for loopback, default signals, Hypothesis without deadlines."""

import gc
import os
import shutil
import signal
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings

from contracts.generation.home import write_table_of_utf_8
from mockserver import Config, Emulator

gc.disable()  # until the tests are collected
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost,::1"

for _name in ("SIGINT", "SIGQUIT", "SIGHUP"):
    _number = getattr(signal, _name, None)
    if _number is not None and signal.getsignal(_number) == signal.SIG_IGN:
        # ignored under nohup or in a background shell, but tests interrupt themselves and their servers
        signal.signal(_number, signal.default_int_handler if _name == "SIGINT" else lambda number, frame: None)

settings.register_profile("project", deadline=None)
settings.register_profile("mutation", deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate])
"""Used by `make mutation`: without shrinking examples, which takes minutes."""
settings.load_profile("project")


_CACHES = (
    ".hypothesis",
    ".pytest_cache",
    "__pycache__",
    "build",
    ".mypy_cache",
    ".ruff_cache",
    ".coverage",
    "check.log",
)
"""What a run, or `make check` beside it, may leave in the checkout."""
_before: set[str] = set()
"""Names in the checkout before the run."""
_skipped: list[str] = []
"""Reasons of the tests that were skipped, gathered where all reports arrive."""


_MEMORY = "/dev/shm"  # noqa: S108  (pytest makes a private folder there)
"""Linux' file system in memory. Files of tests are on a disk otherwise, where each fsync takes milliseconds."""
_ENOUGH = 2**30
"""Bytes that must be free there, several times what a run needs: containers often have 64 MiB."""


def _use_memory() -> None:
    """Make temporary files in memory, if there is room and no other place was chosen. Workers inherit the choice."""
    if "TMPDIR" in os.environ or not os.path.isdir(_MEMORY) or not os.access(_MEMORY, os.W_OK):
        return
    place = os.statvfs(_MEMORY)
    if place.f_bavail * place.f_frsize >= _ENOUGH and not place.f_flag & os.ST_NOEXEC:  # tests write programs
        os.environ["TMPDIR"], tempfile.tempdir = _MEMORY, None


def pytest_configure(config: pytest.Config) -> None:
    """Keep tests away from the certificate authority of the user. Workers of pytest-xdist inherit the folder."""
    if not hasattr(config, "workerinput"):
        _use_memory()
        os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="mockserver-tests-")
        _before.update(os.listdir(config.rootpath))
        write_table_of_utf_8(config.rootpath / ".hypothesis")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Delete that folder."""
    gc.freeze()  # else the interpreter searches everything once more before it ends
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ["XDG_STATE_HOME"], ignore_errors=True)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One worker more than processors: for a third of their time tests wait for a deadline, a process or a browser."""
    return len(os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)) + 1


_OF_SYNTAX = {f"tests/test_{name}.py" for name in ("architecture", "names", "patterns", "stop_watch")}
"""Files that look at the syntax trees of all code, which one worker makes once: see `syntax.py`."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give each worker whole files, and one of them all of _OF_SYNTAX."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling  # imported here: not needed without workers

    class ByFile(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return "tests/syntax.py" if file in _OF_SYNTAX else file

    return ByFile(config, log)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--no-skips", action="store_true", help="Fail if a test was skipped, or left a file in the checkout."
    )


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the collected tests out of garbage collections: with all of them, each full one takes 0.3 s.

    Those of the rest are rare, because tests leave few cycles.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(20_000, 10, 10)
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests go first, so that no worker waits for the other's long test at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        _skipped.append(f"{report.nodeid}: {report.longrepr[2] if isinstance(report.longrepr, tuple) else ''}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.config.getoption("--no-skips") and _skipped:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    if _left(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _left(config: pytest.Config) -> list[str]:
    """New names in the checkout, under `--no-skips`: elsewhere somebody may be working in it."""
    if hasattr(config, "workerinput") or not config.getoption("--no-skips"):
        return []
    return sorted(name for name in set(os.listdir(config.rootpath)) - _before if not name.startswith(_CACHES))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _left(terminalreporter.config):
        terminalreporter.section("left in the checkout", red=True)
        terminalreporter.write_line("\n".join(_left(terminalreporter.config)))
    if terminalreporter.config.getoption("--no-skips") and _skipped:
        terminalreporter.section("skipped, and --no-skips was given", red=True)
        terminalreporter.write_line("\n".join(_skipped))


@pytest.fixture(autouse=True)
def no_drift(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail the test if a response violates the contract, which is otherwise only logged."""
    yield
    drift = [record.getMessage() for record in caplog.get_records("call") if "outside the contract" in record.msg]
    assert not drift, drift


@pytest.fixture
def emulator() -> Emulator:
    """A seeded emulator in memory, new for each test."""
    return Emulator(Config(seed=1))


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> str | None:
    """An empty `--state` place for each kind of store."""
    if request.param == "postgresql":
        from tests.postgres import new_url  # imported here, because most tests need no database

        return new_url()
    return str(tmp_path / "state.db") if request.param == "sqlite" else None
