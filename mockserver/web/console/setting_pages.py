"""**Settings**: quirks, export and import of the state, and reset."""

from __future__ import annotations

from flask import Blueprint, Response, request

from mockserver.errors import ApiError
from mockserver.quirks import QUIRKS
from mockserver.web import admin
from mockserver.web.api import MAX_STATE_BYTES
from mockserver.web.console import forms
from mockserver.web.console.frame import Frame

_HERE = "settings"
_DONE = {
    "quirks": "The quirks are set.",
    "restored": "The state is imported.",
    "masked": "The state is imported, but its credentials were masked, so these connections do not work. "
    "Export with credentials to keep them.",
    "reset": "The server was reset to its initial state.",
    "forgotten": "The journal is empty.",
}


def add(pages: Blueprint, frame: Frame) -> None:
    """Add the page and its forms."""
    emulator = frame.emulator

    @pages.get("/console/settings")
    def console_settings() -> Response:
        return _page(frame)

    @pages.post("/console/settings/quirks")
    def console_quirks() -> Response:
        try:
            emulator.quirks.update(forms.sent())
        except ValueError:
            return _page(frame, "Unknown quirk or value. Nothing was changed.")
        return forms.done(_HERE, "quirks")

    @pages.post("/console/settings/import")
    def console_import() -> Response:
        read = forms.uploaded(MAX_STATE_BYTES)
        try:
            masked = admin.restored(emulator, read)
        except (ApiError, ValueError) as refused:
            return _page(frame, f"Nothing was changed: {getattr(refused, 'detail', '') or refused}")
        return forms.done(_HERE, "masked" if masked else "restored")

    @pages.post("/console/settings/reset")
    def console_reset() -> Response:
        if forms.sent().get("sure") != "yes":
            return _page(frame, "Confirm the reset. Nothing was changed.")
        emulator.reset()
        return forms.done(_HERE, "reset")

    @pages.post("/console/settings/forget")
    def console_forget() -> Response:
        forms.sent()
        emulator.journal.clear()
        return forms.done(_HERE, "forgotten")


def _page(frame: Frame, problem: str = "") -> Response:
    quirks = frame.emulator.quirks
    return frame.page(
        "settings.html",
        _HERE,
        status=400 if problem else 200,
        problem=problem,
        done=_DONE.get(request.args.get("done", ""), ""),
        quirks=[(row, quirks[row.name]) for row in QUIRKS.values()],
        changed=sum(quirks[row.name] != row.default for row in QUIRKS.values()),
        calls=frame.emulator.journal.count(),
        place=frame.emulator.world.store.place,
        config=_config(frame),
    )


def _config(frame: Frame) -> list[tuple[str, str]]:
    """The settings of the server."""
    config = frame.emulator.config
    settings = {
        "platform": config.platform,
        "strict": "on" if config.strict else "off",
        "seed": "none" if config.seed is None else str(config.seed),
        "journal": f"{config.journal_entries} calls" if frame.emulator.journal.on else "off",
        "sources file": str(config.sources or "none"),
        "faults file": str(config.faults or "none"),
    }
    return list(settings.items())
