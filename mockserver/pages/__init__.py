"""Renders HTML pages of the console and the reports: templates, one style sheet and two scripts.

Jinja and the templates are loaded on first use. All values in a template are escaped.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mockserver.json_input import indented

FOLDER = Path(__file__).parent


@functools.cache
def asset(name: str) -> str:
    """The text of a file in this folder, such as `style.css`."""
    return (FOLDER / name).read_text(encoding="utf-8")


@functools.cache
def policy() -> str:
    """The Content-Security-Policy of a self-contained page. It allows its own style and script by hash.

    Add `frame-ancestors` for use in a header.
    """
    style, script = _hash(asset("style.css")), _hash(asset("report.js"))
    return f"default-src 'none'; style-src '{style}'; script-src '{script}'; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def render(template: str, /, **values: Any) -> str:
    """Render a template with values."""
    made: str = _environment().get_template(template).render(values)
    return made


@functools.cache
def _environment() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        auto_reload=False,
    )
    environment.filters.update(
        moment=moment, date=date, pretty=pretty, answered=answered, grouped=grouped, rules=rules, coded=coded
    )
    environment.globals.update(asset=asset, policy=policy)
    return environment


def moment(at_ms: int) -> str:
    """Format as time of day in UTC, with milliseconds."""
    return _written(at_ms, "%H:%M:%S.%f", 3)


def date(at_ms: int) -> str:
    """Format as date and time of day in UTC, with seconds."""
    return _written(at_ms, "%Y-%m-%d %H:%M:%S", 0)


def _written(at_ms: int, form: str, cut: int) -> str:
    try:
        text = datetime.fromtimestamp(at_ms / 1000, UTC).strftime(form)
    except (ValueError, OverflowError, OSError):
        return str(at_ms)
    return text[:-cut] if cut else text


def coded(text: str) -> Any:
    """Convert backticks in a text of our own to `<code>`."""
    from markupsafe import Markup

    parts = text.split("`")
    if len(parts) % 2 == 0:
        return text
    marked = (Markup("<code>{}</code>").format(part) if place % 2 else part for place, part in enumerate(parts))
    return Markup("").join(marked)


def rules(findings: Iterable[Any]) -> list[tuple[str, str]]:
    """The distinct rules of findings, with their levels."""
    return list({one.rule: one.level.value for one in findings}.items())


def grouped(number: int) -> str:
    """Format a number with thin spaces between groups of three digits."""
    return f"{number:,}".replace(",", "\u202f")


def pretty(text: str) -> str:
    """Indent JSON. Invalid or cut JSON is returned unchanged."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return indented(value)


def answered(status: int) -> str:
    """Class of a status: ok, refused, failed or none."""
    if not status:
        return "none"
    return "ok" if status < 400 else "refused" if status < 500 else "failed"
