"""The folder where Hypothesis keeps what it would compute for each process anew."""

from __future__ import annotations

import gzip
import json
import sys
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import configuration


@contextmanager
def without_traces() -> Iterator[None]:
    """Let Hypothesis write its tables into a temporary folder, not into the one where the user works."""
    before = configuration.storage_directory(intent_to_write=False).home_directory
    with tempfile.TemporaryDirectory(prefix="mockserver-") as folder:
        write_table_of_utf_8(Path(folder))
        configuration.set_hypothesis_home_dir(folder)
        try:
            yield
        finally:
            configuration.set_hypothesis_home_dir(before)


def write_table_of_utf_8(home: Path) -> None:
    """Write the characters that UTF-8 can encode where Hypothesis looks for them. It would try each, for a second."""
    folder = home / "unicode_data" / unicodedata.unidata_version
    folder.mkdir(parents=True, exist_ok=True)
    encodable, changed = [(0, 0xD7FF), (0xE000, sys.maxunicode)], ()
    (folder / "codec-v2-utf-8.json.gz").write_bytes(gzip.compress(json.dumps([encodable, changed]).encode()))
