"""Reads the package's YAML documents and caches their parsed form beside them, as Python caches bytecode.

Parsing `openapi.yaml` takes 60 ms and importing the parser another 10, a third of the start-up time. Reading the
cache takes 3. `parse_all` fills the cache ahead of time, as `compileall` does for modules.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sys
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

import orjson

from mockserver import files

PACKAGE = Path(__file__).parent.parent
_MAX_DEPTH = 200


def read(path: Path) -> Any:
    """The value of a YAML document, a new copy per call. Raises OSError and yaml.YAMLError."""
    source = path.read_bytes()
    kept = kept_form(path)
    with contextlib.suppress(OSError):
        digest, _, form = kept.read_bytes().partition(b"\n")
        if digest == _digest(source, form):
            return orjson.loads(form)
    value = parse(source)
    if not sys.dont_write_bytecode:
        _keep(kept, source, value)
    return value


def parse(source: bytes | str) -> Any:
    """The value of YAML text. Raises yaml.YAMLError."""
    import yaml  # imported here: not needed if the parsed form is cached

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    depth = 0
    for event in yaml.parse(source, loader):  # before it is built: building is recursive, in C without a limit
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise yaml.YAMLError(f"nested deeper than {_MAX_DEPTH} levels")
    return yaml.load(source, loader)  # noqa: S506  (a safe loader)


class NotYaml(ValueError):
    """Text that is not YAML. The message says where, and repeats no value."""


def parse_of_user(source: bytes | str, loader: Any = None) -> Any:
    """The value of YAML text that somebody else wrote. Raises NotYaml."""
    import yaml  # imported here: not needed if the parsed form is cached

    try:
        return yaml.load(source, loader) if loader else parse(source)  # noqa: S506  (a safe loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", see line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None)
        raise NotYaml(f"is not YAML{where}{f': {problem}' if problem else ''}") from None
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        raise NotYaml("is not YAML: a value does not have the form of its type, such as a date") from None


def dump(value: Any) -> str:
    """Format as YAML text without aliases, because not every reader supports them."""
    import yaml  # imported here: not needed if the parsed form is cached

    quick: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # a quarter of the time for the same text

    class WholeDumper(quick):  # type: ignore[misc]
        def ignore_aliases(self, data: object) -> bool:
            return True

    return yaml.dump(value, Dumper=WholeDumper, sort_keys=False, allow_unicode=True, width=120)


def kept_form(path: Path) -> Path:
    """The cache file of a document: in `__pycache__`, or in Python's configured cache folder."""
    return Path(cache_from_source(str(path))).with_suffix(".json")


def contract() -> Path:
    """The path of `openapi.yaml`: inside the package if installed, one level up in a checkout."""
    packaged = PACKAGE / "openapi.yaml"
    return packaged if packaged.is_file() else PACKAGE.parent / "openapi.yaml"


def shipped() -> list[Path]:
    """All documents that the start or an early call may read."""
    return [contract(), *sorted((PACKAGE / "catalogue").rglob("*.yaml"))]


def _digest(source: bytes, form: bytes) -> bytes:
    """A digest that proves that the cached form is complete and belongs to this source."""
    return hashlib.sha256(b"%d\n%b%b" % (len(source), source, form)).hexdigest().encode()


def _keep(kept: Path, source: bytes, value: Any) -> None:
    """Write the cache file if possible. Values that JSON cannot express, such as dates, are not cached."""
    try:
        text = json.dumps(value, separators=(",", ":"))
    except (TypeError, ValueError):
        return
    if json.loads(text) != value:
        return
    form = text.encode()
    with contextlib.suppress(OSError):
        files.make_folder(kept.parent)
        with files.replacing(kept) as file:  # atomic: other processes never read a partial file
            file.write(_digest(source, form) + b"\n" + form)


def parse_all() -> None:
    """Parse and cache every shipped document before the first start."""
    for path in shipped():
        source = path.read_bytes()
        _keep(kept_form(path), source, parse(source))
