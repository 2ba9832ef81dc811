"""`make torture`: runs every trial in full and prints a table. Exit status 1 if a promise was broken."""

from __future__ import annotations

import argparse
import sys
import time

from tests.torture.trial import Outcome, all_trials


def main() -> int:
    trials = all_trials()
    parser = argparse.ArgumentParser(prog="torture", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="TRIAL", help=f"only these: {', '.join(trials)}")
    parser.add_argument("--short", action="store_true", help="as `make test` does it")
    parser.add_argument("--size", type=int, help="how often, instead of the number each trial has")
    options = parser.parse_args()
    if unknown := set(options.names) - trials.keys():
        parser.error(f"no such trial: {', '.join(sorted(unknown))}")
    rows, broken = [], 0
    for trial in [trials[name] for name in options.names or trials]:
        began = time.monotonic()
        size = options.size or (trial.short if options.short else trial.full)
        outcome = trial.run(size, lambda text, name=trial.name: _say(f"{name}: {text}"))  # type: ignore[misc]
        rows.append(_row(trial.name, trial.promise, outcome, time.monotonic() - began))
        broken += bool(outcome.wrong)
        _say("")
        print(rows[-1], flush=True)
        for complaint in outcome.wrong[:20]:
            print(f"    {complaint}", flush=True)
    print("\n| trial | promise | done | broken | seconds |\n|---|---|---|---|---|")
    print("\n".join(rows))
    return 1 if broken else 0


def _row(name: str, promise: str, outcome: Outcome, seconds: float) -> str:
    done = ", ".join(f"{value:,} {words}" if isinstance(value, int) else f"{value} {words}"
                     for words, value in outcome.figures.items())  # fmt: skip
    return f"| {name} | {promise} | {done} | {len(outcome.wrong)} | {seconds:.0f} |"


def _say(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text[:110]}", end="", file=sys.stderr, flush=True)
    elif text:
        print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
