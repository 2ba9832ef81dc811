"""Builds the documentation site: `make docs`. `make reference` only writes docs/reference."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from docs.site import pages, reference

_ROOT = Path(__file__).parents[2]
_SETTINGS = Path(__file__).with_name("mkdocs.yml")
_MKDOCS = _ROOT / "build/docs-venv/bin/python"


def main(arguments: list[str]) -> int:
    """Collect the pages and build the site by MkDocs. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m docs.site", description="Build the documentation as a site.")
    parser.add_argument("--pages", type=Path, metavar="FOLDER", help="only collect the pages in this folder")
    parser.add_argument("--reference", action="store_true", help="only write the generated pages in docs/reference")
    parser.add_argument("--serve", action="store_true", help="serve the site on http://127.0.0.1:8000 instead")
    chosen = parser.parse_args(arguments)
    if chosen.reference:
        reference.write(_ROOT / reference.FOLDER, reference.CHECKED_IN)
        return 0
    folder = chosen.pages or _ROOT / "build/docs"
    pages.collect(_ROOT, folder)
    if chosen.pages:
        return 0
    action = ["serve"] if chosen.serve else ["build", "--strict", "--site-dir", str(_ROOT / "build/site")]
    command = [str(_MKDOCS), "-m", "mkdocs", "--quiet", *action, "--config-file", str(_SETTINGS)]
    return subprocess.call(command, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"})  # noqa: S603  (MkDocs and our own arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
