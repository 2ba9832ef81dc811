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
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants


@contextmanager
def without_traces() -> Iterator[None]:
    """Let Hypothesis neither write into the folder where the user works nor take constants from programs there.

    Its tables go into a temporary folder. With the constants of a checkout, which take half a second to collect, a seed
    would not give the same requests as in an installation.
    """
    before = configuration.storage_directory(intent_to_write=False).home_directory
    with tempfile.TemporaryDirectory(prefix="mockserver-") as folder:
        write_table_of_utf_8(Path(folder))
        configuration.set_hypothesis_home_dir(folder)
        collect, providers._get_local_constants = providers._get_local_constants, Constants
        try:
            yield
        finally:
            configuration.set_hypothesis_home_dir(before)
            providers._get_local_constants = collect
            providers.CONSTANTS_CACHE.cache.clear()  # of what was drawn without them


def write_table_of_utf_8(home: Path) -> None:
    """Write the characters that UTF-8 can encode where Hypothesis looks for them. It would try each, for a second."""
    folder = home / "unicode_data" / unicodedata.unidata_version
    folder.mkdir(parents=True, exist_ok=True)
    encodable, changed = [(0, 0xD7FF), (0xE000, sys.maxunicode)], ()
    (folder / "codec-v2-utf-8.json.gz").write_bytes(gzip.compress(json.dumps([encodable, changed]).encode()))
