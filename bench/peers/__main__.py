"""`make peers`: installs the tools that `make bench` measures beside ours, each into its own folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator

from bench.peers.rows import HOMES, PEERS, Package


def main() -> int:
    """Install missing tools. Returns 1 if one could not be installed."""
    packages = tuple({peer.package.name: peer.package for peer in PEERS}.values())
    failed = 0
    for number, package in enumerate(packages, 1):
        said = f"{package.name} {package.version}"
        lacking = [program for program in _programs(package) if not shutil.which(program)]
        if package.mark.exists():
            print(f"{number} of {len(packages)}: {said} is there", file=sys.stderr)
        elif lacking:
            print(f"{number} of {len(packages)}: {said} is left out, it needs {' and '.join(lacking)}", file=sys.stderr)
        else:
            print(f"{number} of {len(packages)}: installing {said} ...", file=sys.stderr, flush=True)
            problem = _install(package)
            failed += bool(problem)
            if problem:
                print(f"  not installed: {problem}", file=sys.stderr)
    print(f"In {HOMES}; `make bench` measures them beside ours.", file=sys.stderr)
    return 1 if failed else 0


def _programs(package: Package) -> Iterator[str]:
    if package.index == "npm":
        yield "npm"
    if package.needs:
        yield package.needs


def _install(package: Package) -> str:
    """Install a tool; returns an error message or an empty text."""
    shutil.rmtree(package.home, ignore_errors=True)
    package.home.mkdir(parents=True)
    if package.index == "npm":
        # No script of a package runs during installation.
        quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel", "error"]
        commands = [["npm", "install", *quiet, "--prefix", str(package.home), f"{package.name}@{package.version}"]]
    else:
        quiet = ["--disable-pip-version-check", "--no-input", "--quiet"]
        python = str(package.home / "bin" / "python")
        commands = [
            [sys.executable, "-m", "venv", str(package.home)],
            [python, "-m", "pip", *quiet, "install", f"{package.name}=={package.version}"],
        ]
    for command in commands:
        ran = subprocess.run(command, capture_output=True, text=True, cwd=package.home)
        if ran.returncode:
            return (ran.stderr or ran.stdout).strip()[-400:]
    package.mark.touch()
    return ""


if __name__ == "__main__":
    sys.exit(main())
