"""**Fidelity**: how many documented and recorded samples of each operation this emulator answers as printed."""

from __future__ import annotations

import functools

from flask import Blueprint, Response

from mockserver.web.console.frame import Frame


def add(pages: Blueprint, frame: Frame) -> None:
    """The page. Its figures come with the package, as `make fidelity` wrote them."""

    @functools.cache
    def read() -> tuple[object, ...]:
        from mockserver.recordings import fidelity, samples

        lines = fidelity.read_manifest((samples.folder() / "fidelity.jsonl").read_text(encoding="utf-8"))
        return lines, fidelity.table(lines, frame.emulator.contract)

    @pages.get("/console/fidelity")
    def console_fidelity() -> Response:
        lines, rows = read()
        return frame.page("fidelity.html", "fidelity", forms=False, lines=lines, rows=rows)
