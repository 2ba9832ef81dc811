"""Decides where requests are answered: in the event loop, or in a thread if they may block or take long."""

from __future__ import annotations

import re

from mockserver import listing
from mockserver.emulator import Emulator
from mockserver.exchange import BASE_PATH, Result
from mockserver.web.bridge import Turn
from mockserver.web.received import Received

_LIGHT_PATH = re.compile(
    rf"(?:{BASE_PATH})?/(?:(?:sourceC|targetC|c)onnections|connectionSpecs|flowSpecs)(?:/(?!search)[^/]*)?/?"
)
_LIGHT_QUERY = re.compile(r"(?:(?:limit=[0-9]{1,3}|continuationToken=[\w-]*)(?:&|$))*")
"""Queries that neither filter nor sort all records, unless their continuation token does."""
_TOKENS = re.compile(r"continuationToken=([\w-]*)")
_LIGHT_QUERY_SIZE, _LIGHT_BODY = 512, 16_384
"""Maximum characters of a query and bytes of a body. One step of the event loop takes 15 ms of CPU for them."""
_LARGE = 262_144
"""Minimum bytes of a large response. Its records were also checked, copied and stored."""


class Turns:
    """The decisions for one emulator."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._has_file = emulator.config.state is not None and not emulator.world.store.remote
        self._large = False

    def of(self, received: Received, path: str) -> Turn:
        """Where a request is answered. Checks by schemas that clients wrote may take long."""
        if self._emulator.world.store.remote or self._emulator.world.sources.listed:
            return Turn.THREAD
        if self._has_file and received.method != "GET" and not path.endswith("/search"):
            return Turn.TURN_TAKING
        light = (
            _LIGHT_PATH.fullmatch(path)
            and received.method != "DELETE"  # looks for flows that use the entity
            and (received.method in ("GET", "HEAD") or "Specs" not in path)  # checks schemas
            and not (received.method == "PATCH" and _may_patch_auth(received.body))
            and (not received.query or self._is_light(received.query))
            and len(received.body) <= _LIGHT_BODY
            and not (self._large or self._emulator.specs_written)
        )
        return Turn.SOON if light else Turn.BUSY

    def of_page(self, path: str) -> Turn:
        """Where a request to Flask is answered. Journal, reports and pages take up to 0.3 s of CPU time each.

        Tokens take none. An export or import takes long, but leaves the interpreter to others between its pieces.
        """
        is_short = path.startswith(("/ims/", "/_mock/state"))
        return Turn.THREAD if is_short or self._emulator.world.store.remote else Turn.PAGE

    def _is_light(self, query: str) -> bool:
        """Whether a list with this query reads no more records than it shows."""
        if len(query) > _LIGHT_QUERY_SIZE or not _LIGHT_QUERY.fullmatch(query):
            return False
        key = self._emulator.world.page_key
        return all(listing.continues_plainly(token, key) for token in _TOKENS.findall(query))

    def note(self, result: Result) -> None:
        """Take a response into account: after a large one, others may take long, too."""
        self._large = self._large or len(result.encoded) > _LARGE


def _may_patch_auth(body: bytes) -> bool:
    """Whether a patch may change credentials. If so, it creates the overdue runs of the flows that use them.

    A name can be written with escapes.
    """
    return b"auth" in body.lower() or b"\\" in body
