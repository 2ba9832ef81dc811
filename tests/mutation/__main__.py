"""`make mutation`: puts small faults into modules, one at a time, and counts those that the tests notice.

mutmut makes the faults and runs the tests, each module in a copy of this project of its own under
`build/mutants`. At the end: a table, and a file for each module with the faults that nobody noticed.
Exit status 1 if a score is below the aim.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

from tests.mutation.modules import EQUIVALENT, MODULES, Module

ROOT = Path(__file__).parents[2]
PLACE = ROOT / "build" / "mutants"
PYTHON = ROOT / "build" / "mutation" / "bin" / "python"
"""The environment with mutmut; the tests' packages come from the environment that runs this."""

AIM = 85
FAILED, ENDLESS = {1, 3}, {24, -24, 36, 152, 255}
"""Exit statuses of tests that noticed a fault: they failed or timed out."""

_NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "*.egg-info")


def main() -> int:
    parser = argparse.ArgumentParser(prog="mutation", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="MODULE", help=f"only these: {', '.join(MODULES)}")
    parser.add_argument("--processes", type=int, default=2, help="how many faults are tried at a time")
    parser.add_argument("--again", action="store_true", help="only print what the last run found")
    options = parser.parse_args()
    if unknown := set(options.names) - MODULES.keys():
        parser.error(f"no such module: {', '.join(sorted(unknown))}")
    rows, low = [], False
    for name in options.names or MODULES:
        if not options.again:
            _run(MODULES[name], options.processes)
        row, score = _result(name)
        rows.append(row)
        low |= score < AIM
        _say("")
        print(row, f"survivors: build/mutants/{name}.txt", flush=True)
    print("\n| module | mutants | killed | of these by timeout | survived | score | without equivalent ones |")
    print("|---|---|---|---|---|---|---|")
    print("\n".join(rows))
    return 1 if low else 0


def _run(module: Module, processes: int) -> None:
    """Copy the project and run mutmut in the copy."""
    tree = PLACE / module.name
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(ROOT, tree, ignore=_NOT_COPIED)
    also = sorted(path.name for path in tree.iterdir() if path.name not in ("mockserver", "tests", "pyproject.toml"))
    settings = {
        "source_paths": ["mockserver"],
        "only_mutate": [module.file],
        "also_copy": also,
        "pytest_add_cli_args_test_selection": list(module.tests),
        "pytest_add_cli_args": ["-p", "no:cacheprovider", "--hypothesis-profile=mutation", "-k", module.chosen],
        "process_isolation": "forkserver",
        "timeout_constant": 4.0,
        "timeout_multiplier": 5.0,
    }
    with (tree / "pyproject.toml").open("a") as file:  # a list of texts is the same in TOML and JSON
        file.write("\n[tool.mutmut]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items()))
        file.write("use_git_change_detection = false\ntrack_dependencies = false\n")
    with (PLACE / f"{module.name}.log").open("wb") as log:
        process = subprocess.Popen(_mutmut("run", "--max-children", str(processes)), cwd=tree, env=_environment(),
                                   stdout=log, stderr=subprocess.STDOUT)  # fmt: skip
        while process.poll() is None:
            time.sleep(1)
            _say(f"{module.name}: {_last_line(Path(log.name))}")
    _say("")
    if process.returncode:
        sys.exit(f"mutmut failed: see {log.name}")


def _mutmut(*arguments: str) -> list[str]:
    return [str(PYTHON), "-c", "from mutmut.__main__ import cli; cli()", *arguments]


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": sysconfig.get_path("purelib")}


def _last_line(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 300))
        return file.read().replace(b"\r", b"\n").decode(errors="replace").strip().rpartition("\n")[2].strip()


def _result(name: str) -> tuple[str, float]:
    """One row of the table, and the score."""
    verdicts = json.loads((PLACE / name / "mutants" / f"{MODULES[name].file}.meta").read_text())["exit_code_by_key"]
    survivors = [key for key, status in verdicts.items() if status not in FAILED | ENDLESS]
    equivalent, texts = 0, []
    for key, change in _changes(name, survivors):
        reason = EQUIVALENT.get(change)
        equivalent += reason is not None
        texts.append(f"{key}{f' (equivalent: {reason})' if reason else ''}\n" + "\n".join(change) + "\n")
    (PLACE / f"{name}.txt").write_text("\n".join(texts))
    total, killed = len(verdicts), len(verdicts) - len(survivors)
    endless = sum(status in ENDLESS for status in verdicts.values())
    score, fair = 100 * killed / total, 100 * killed / (total - equivalent)
    return f"| {name} | {total} | {killed} | {endless} | {len(survivors)} | {score:.1f} % | {fair:.1f} % |", score


def _changes(name: str, keys: list[str]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Each mutant with the original and the changed line."""
    for key in keys:
        shown = subprocess.run(_mutmut("show", key), cwd=PLACE / name, env=_environment(), capture_output=True,
                               text=True, check=True).stdout  # fmt: skip
        lines = [line for line in shown.splitlines() if line[:1] in ("-", "+") and line[:3] not in ("---", "+++")]
        yield key, tuple(" ".join(line[1:].strip() for line in lines if line[0] == sign) for sign in "-+")  # type: ignore[misc]


def _say(text: str) -> None:
    """Print progress: one changing line on a terminal, elsewhere only the final line."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text[:110]}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
