"""`make fuzz`: runs every target, or the named ones, for some seconds each, guided by coverage if atheris is installed.

`api` and `store` are histories of calls compared with a model; the others take bytes.

    python -m tests.fuzz [--seconds 60] [TARGET ...]

Without atheris inputs are mutated blindly. A finding ends the target, and the input that made it is printed.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.fuzz.targets import Target


def main() -> int:
    """Run the targets in turn. Returns 1 if one of them found something."""
    if sys.argv[1:2] == ["--guided"]:
        return _guided(sys.argv[2], sys.argv[3:])
    from tests.fuzz import machines
    from tests.fuzz.targets import TARGETS

    every = [*machines.MACHINES, *TARGETS]
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="one of " + ", ".join(every))
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    asked = parser.parse_args()
    unknown = set(asked.targets) - set(every)
    if unknown:
        parser.error(f"no such target: {', '.join(sorted(unknown))}; known are {', '.join(every)}")
    guided = importlib.util.find_spec("atheris") is not None
    print("guided by coverage" if guided else "atheris is not installed: mutated blindly", flush=True)
    fuzz = _start if guided else _blindly

    def clean(name: str) -> bool:
        return (
            machines.run(name, asked.seconds) if name in machines.MACHINES else fuzz(name, TARGETS[name], asked.seconds)
        )

    found = [name for name in asked.targets or every if not clean(name)]
    print(f"findings in {', '.join(found)}" if found else "no findings")
    return 1 if found else 0


def _start(name: str, target: Target, seconds: int) -> bool:
    """Run one target in its own process, which libFuzzer ends; returns whether it found nothing."""
    with TemporaryDirectory() as folder:
        for number, seed in enumerate(target.seeds):
            (Path(folder) / str(number)).write_bytes(seed)
        limits = [f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1"]
        command = [sys.executable, "-m", "tests.fuzz", "--guided", name, folder, *limits, "-artifact_prefix=fuzz-"]
        ended = subprocess.run(command, capture_output=True, text=True)
    stats = [line for line in ended.stderr.splitlines() if line.startswith("stat::number_of_executed_units")]
    shown = stats[0].rpartition(" ")[2] if stats else "?"
    print(f"{name:<18} {shown:>10} inputs  {'nothing found' if ended.returncode == 0 else 'FOUND'}", flush=True)
    if ended.returncode:
        print(ended.stdout[-4000:] + ended.stderr[-4000:], flush=True)
    return ended.returncode == 0


def _guided(name: str, arguments: list[str]) -> int:
    import atheris  # not pinned: pip install atheris, if there is a wheel

    with atheris.instrument_imports(include=["mockserver"]):  # must run before our modules are imported
        from tests.fuzz.targets import TARGETS
    for seed in TARGETS[name].seeds:  # import now what is imported late, so that it counts for no input
        TARGETS[name].take(seed)
    atheris.Setup([sys.argv[0], *arguments], TARGETS[name].take)
    atheris.Fuzz()
    return 0


def _blindly(name: str, target: Target, seconds: int) -> bool:
    dice, until, tried = random.Random(0), time.monotonic() + seconds, 0
    corpus = [bytearray(seed) for seed in target.seeds]
    while time.monotonic() < until:
        data = bytes(_mutated(corpus, dice))
        tried += 1
        try:
            target.take(data)
        except Exception as error:
            print(f"{name:<18} FOUND {type(error).__name__}: {error}\n  input {data!r}", flush=True)
            return False
    print(f"{name:<18} {tried:>10} inputs  nothing found", flush=True)
    return True


def _mutated(corpus: list[bytearray], dice: random.Random) -> bytearray:
    """A valid input with a few bytes changed, removed, duplicated, or taken from another one."""
    data = bytearray(dice.choice(corpus))
    for _ in range(dice.randint(0, 6)):
        at, end = sorted((dice.randint(0, len(data)), dice.randint(0, len(data))))
        piece = dice.choice((bytes([dice.randrange(256)]), data[at:end], dice.choice(corpus)[at:end], b""))
        data[at : dice.choice((at, at + 1, end))] = piece
    return data


if __name__ == "__main__":
    sys.exit(main())
