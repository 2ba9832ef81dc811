"""Deletes the entities that a run created, and finds what is left of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from contracts.schema.differences import spelled
from contracts.stage.kinds import Kind
from contracts.stage.ledger import ORDER, TENANT, Key, Ledger
from contracts.wire import FORGET, Answer, Sender, Sent, Unreachable, with_headers

_CANNOT_DELETE = (405, 501)
"""Statuses of a neighbouring service that deletes nothing."""
_PASSING = (429, 500, 502, 503, 504)
"""Statuses after which the same request may succeed."""
_MAX_TRIES = 3
_MAX_PAGES = 50
"""Maximum pages searched for leftovers."""


class Sweeper:
    """Deletes the entities of a ledger and finds leftovers."""

    def __init__(self, transport: Sender, ledger: Ledger, headers: Mapping[str, str], mark: str) -> None:
        self._transport, self._ledger, self._headers = transport, ledger, headers
        self._mark = spelled(mark)
        self._unread: set[Key] = set()
        """(sandbox, collection) for the lists that could not be read."""

    def sweep(self, *, shared: bool, runs: bool) -> list[str]:
        """Delete all entities; returns what could not be deleted, as text.

        Without shared ones, what could not be deleted before is left, too, for the sweep at the end.
        """
        ledger = self._ledger
        kept = set() if shared else {made.id for made in ledger.shared.values()}
        if shared:
            ledger.shared.clear()
            ledger.undeletable.clear()
        left = []
        for kind in ORDER:
            for (name, entity_id), headers in list(ledger.made.items()):
                path = _path(name, entity_id)
                if name == kind and entity_id not in kept and path not in ledger.undeletable:
                    found = self._swept(path, headers)
                    left += found
                    ledger.entities.forget(entity_id, deleted=not found)
                    if not found:
                        ledger.made.pop((name, entity_id), None)
        for path, headers in reversed(list(ledger.next_door.items())):
            if path in ledger.undeletable:
                continue
            found = self._swept(path, headers, fine=(404, *_CANNOT_DELETE))
            left += found
            if not found:
                ledger.next_door.pop(path, None)
        return left + (self._forget_runs() if runs else [])

    def _swept(self, path: str, headers: Mapping[str, str], fine: tuple[int, ...] = (404,)) -> list[str]:
        """As `_delete`, and remembers what could not be deleted."""
        found = self._delete(path, headers, fine)
        self._ledger.undeletable |= {path} if found else set()
        return found

    def strays(self, kinds: Mapping[str, Kind]) -> list[str]:
        """Delete all listed entities with the run's mark; returns what remains, as text."""
        left = []
        names = [name for name in ORDER if name in kinds]
        for tenant in self._ledger.tenants.values():
            refusals = {}
            for key in [(kind, found) for kind in names for found in self._listed(kind, tenant)]:
                refusals[key] = self._delete(_path(*key), tenant)
            for kind in names:
                still = self._listed(kind, tenant) if any(key[0] == kind for key in refusals) else []
                for entity_id in still:
                    why = refusals.get((kind, entity_id)) or [f"/{kind}/{entity_id}: deleted, but still listed"]
                    left += why
                gone = [key for key, why in refusals.items() if key[0] == kind and key[1] not in still and not why]
                self._ledger.swept.update(_path(*key) for key in gone)
        nameless, unread = self._ledger.nameless, {kind for _, kind in self._unread}
        unseen = [kind for kind in names if nameless[kind] and kind in unread]
        return left + [
            f"/{kind}: {nameless[kind]} entities with unknown ids, and no list to be read" for kind in unseen
        ]

    def unverified(self) -> list[str]:
        """What may remain, after `strays`: in collections without a readable list, and where nothing is deleted."""
        unsure = {key: count for key, count in self._ledger.unsure.items() if key in self._unread}
        return [
            f"/{kind} of sandbox {sandbox}: {count} creations, and no list to be read"
            for (sandbox, kind), count in unsure.items()
        ] + self._ledger.kept_next_door

    def _listed(self, kind: str, tenant: Mapping[str, str]) -> list[str]:
        """Ids of entities with the mark, in any spelling; a page may have several with one id.

        The newest come first: a page without any is the last.
        """
        found: list[str] = []
        for items in self._pages(kind, tenant):
            marked = [
                str(item.get("id"))
                for item in items
                if isinstance(item, dict) and self._mark in spelled(str(item.get("name", "")))
            ]
            found += [entity_id for entity_id in marked if entity_id not in found]
            if not marked:
                break
        return found

    def _pages(self, kind: str, tenant: Mapping[str, str]) -> Iterator[list[Any]]:
        target = f"/{kind}?limit=100"
        for _ in range(_MAX_PAGES):
            asked = Sent("GET", target, self._as(tenant))
            answer = self._page(asked)
            body = answer.json if answer and answer.succeeded and isinstance(answer.json, dict) else {}
            items = body.get("items")
            if not isinstance(items, list):
                self._unread.add((asked.header("x-sandbox-name") or "", kind))
                return
            yield items
            links = body.get("_links")
            after = links.get("next") if isinstance(links, dict) else None
            href = after.get("href") if isinstance(after, dict) else None
            if not isinstance(href, str) or href[:1] != "/":
                return
            target = href

    def _page(self, asked: Sent) -> Answer | None:
        """The response to a request for a list; None if the server is gone."""
        try:
            return self._send(asked)
        except Unreachable:
            return None

    def _send(self, sent: Sent) -> Answer:
        """Send a request, and repeat it after a temporary failure, so that nothing is left behind because of one."""
        for _ in range(_MAX_TRIES):
            answer = self._transport.send(sent)
            if answer.status not in _PASSING:
                break
        return answer

    def _forget_runs(self) -> list[str]:
        """Delete the runs of deleted flows if the server supports it; returns what could not be deleted, as text."""
        left = []
        for flow_id, headers in list(self._ledger.ran.items()):
            if ("flows", flow_id) not in self._ledger.made:
                left += self._delete(FORGET + quote(flow_id, safe=""), headers)
                del self._ledger.ran[flow_id]
        return left

    def _delete(self, target: str, headers: Mapping[str, str], fine: tuple[int, ...] = (404,)) -> list[str]:
        try:
            answer = self._send(Sent("DELETE", target, self._as(headers)))
        except Unreachable as error:
            return [f"{target}: {error}"]
        if answer.status in fine and answer.status in _CANNOT_DELETE:
            self._ledger.kept_next_door.append(f"{target}: DELETE returned {answer.status}")
        gone = answer.succeeded or answer.status in fine
        return [] if gone else [f"{target}: {answer.silence or f'DELETE returned {answer.status}'}"]

    def _as(self, headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        """The suite's headers with the given tenant."""
        kept = {name: value for name, value in headers.items() if name.lower() in TENANT}
        return with_headers(self._headers, kept)


def _path(kind: str, entity_id: str) -> str:
    return f"/{kind}/{quote(entity_id, safe='')}"
