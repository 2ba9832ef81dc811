"""Reads YAML with the parser in C where PyYAML has it: it is about eight times as fast as the one in Python."""

from __future__ import annotations

from typing import Any

import yaml


class UnreadableYaml(ValueError):
    """Text that is not YAML. The message says where, and repeats no value."""


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse_yaml(text: str) -> Any:
    """Parse a YAML document. Raises UnreadableYaml."""
    try:
        return yaml.load(text, _LOADER)  # noqa: S506  (a safe loader)
    except yaml.YAMLError as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        where = f", see line {mark.line + 1}" if mark else ""
        raise UnreadableYaml(f"is not YAML{where}{f': {problem}' if problem else ''}") from None
    except (AttributeError, LookupError, RecursionError, ValueError):
        raise UnreadableYaml("is not YAML: a value does not have the form of its type, such as a date") from None
