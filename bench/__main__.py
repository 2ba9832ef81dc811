"""`make bench`, `python -m bench`: measures and prints figures, without a verdict."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path

from bench import measure, picture, report
from bench.load import LoadError
from bench.peers import rows
from bench.plan import QUICK, Plan


def main() -> int:
    """Run the benchmark. Returns 0 unless it could not run."""
    options = _options()
    plan = dataclasses.replace(QUICK if options.quick else Plan(), peers=_peers(options))
    try:
        outcome = measure.run(plan, _progress)
    except LoadError as error:
        _progress("")
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        _progress("")
        return 130
    _progress("")
    print(report.table(outcome))
    if options.json:
        options.json.write_text(json.dumps(report.as_json(outcome), indent=2) + "\n")
    if options.svg:
        options.svg.write_text(picture.draw(outcome), encoding="utf-8")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=sys.modules["bench"].__doc__)
    parser.add_argument("--quick", action="store_true", help="less than a minute: fewer connections, one short round")
    parser.add_argument(
        "--peers", metavar="NAMES", help="tools, such as 'Prism,Moto', or 'none'; default: all installed, none if quick"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="write the figures as SVG")
    return parser.parse_args()


def _peers(options: argparse.Namespace) -> tuple[str, ...]:
    """Names of the requested tools, else all that are installed; a quick run has none by default."""
    there = {peer.name.lower(): peer.name for peer in rows.installed()}
    if options.peers is None:
        return () if options.quick else tuple(there.values())
    named = [] if options.peers == "none" else [name.strip().lower() for name in options.peers.split(",")]
    if absent := [name for name in named if name not in there]:
        sys.exit(f"bench: not installed: {', '.join(absent)}; here are {', '.join(there) or 'none: make peers'}")
    return tuple(there[name] for name in named)


def _progress(doing: str) -> None:
    """Print the current step: in place on a terminal, otherwise line by line; an empty text clears it."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{doing}", end="", file=sys.stderr, flush=True)
    elif doing:
        print(doing, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
