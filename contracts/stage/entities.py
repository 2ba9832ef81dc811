"""The entities that a run has made and deleted, as far as they are certain."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TypeAlias

from contracts.wire import Sent

_KNOWN = ("name", "description")
BORDERS = ("x-gw-ims-org-id", "x-sandbox-name")
"""Headers that separate tenants."""
Tenant: TypeAlias = tuple[str | None, ...]
"""The values of these headers."""
Texts: TypeAlias = Mapping[str, str]
"""The members of an entity that are known: its id, name and description."""


class Entities:
    """The entities that this run has made, by tenant and collection, as far as they are certain."""

    def __init__(self) -> None:
        self._known: dict[tuple[Tenant, str], dict[str, Texts | None]] = {}
        """Tenant and collection -> id -> its texts; None if they are not certain."""
        self.unstable: set[str] = set()
        """The ids of entities whose etag changed without a write."""
        self.repeated: set[str] = set()
        """The ids of entities of which a write has repeated an etag."""
        self.ever: set[str] = set()
        """The ids of all entities, also of deleted ones."""
        self.refused: set[str] = set()
        """The ids of entities of which the last patch was refused."""
        self.half_done: set[str] = set()
        """The ids of entities whose etag changed with such a patch."""
        self.patched = False
        """Whether a response has shown what a patch has changed."""
        self._versions: dict[str, list[str]] = {}
        """Id -> the etags of its writes, the current one last."""
        self._shown: dict[str, str] = {}
        """Id -> the etag that a response has shown since the last write."""
        self._gone: dict[tuple[Tenant, str], dict[str, Texts | None]] = {}
        """Tenant and collection -> id -> the texts of what was deleted."""

    def of(self, sent: Sent, kind: str) -> Mapping[str, Texts | None]:
        """Id in lower case -> texts of what the sender of a request has made and not deleted."""
        return self._known.get((_tenant(sent), kind), {})

    def gone(self, sent: Sent, kind: str) -> Mapping[str, Texts | None]:
        """Like `of`, for deleted entities."""
        return self._gone.get((_tenant(sent), kind), {})

    def is_gone(self, entity_id: str) -> bool:
        """Whether an entity was deleted, of any tenant."""
        return any(entity_id.lower() in gone for gone in self._gone.values())

    def borders(self, sent: Sent, entity_id: str) -> set[str]:
        """The headers by which an entity belongs to another tenant than the sender of a request; empty if to none."""
        here, holds = _tenant(sent), [tenant for (tenant, _), ids in self._known.items() if entity_id.lower() in ids]
        if here in holds:
            return set()
        apart = [[one != other for one, other in zip(here, there, strict=True)] for there in holds]
        return {BORDERS[different.index(True)] for different in apart if different.count(True) == 1}

    def version(self, entity_id: str) -> str | None:
        """The current etag of an entity, as far as the server has sent it."""
        written = self._versions.get(entity_id)
        return self._shown.get(entity_id, written[-1] if written else None)

    def is_former(self, entity_id: str, etag: str) -> bool:
        """Whether an entity had an etag before a later write."""
        return etag in self._versions.get(entity_id, [""])[:-1]

    def learn_version(self, entity_id: str, etag: str, *, written: bool) -> None:
        """Learn the etag that a write created or a response shows. A former etag is ignored."""
        if written:
            known = self._versions.get(entity_id, [])
            if etag in known:
                self.repeated.add(entity_id)
            self._versions[entity_id] = [*(one for one in known if one != etag), etag]
            self._shown.pop(entity_id, None)
        elif not self.is_former(entity_id, etag):
            self._shown[entity_id] = etag

    def learn(self, sent: Sent, new_id: str | None, *, done: bool, unsure: bool) -> None:
        """Learn from a request whether it was (or may have been) carried out, and the id of the created entity."""
        kind, _, entity_id = sent.target.partition("?")[0].strip("/").partition("/")
        new_id, entity_id = new_id and new_id.lower(), entity_id.lower()
        if sent.method == "POST" and not entity_id and done and new_id:
            body = sent.json
            given = [body.get(name, "") for name in _KNOWN] if isinstance(body, dict) else [None]
            certain = all(isinstance(text, str) for text in given)
            texts = {"id": new_id, **dict(zip(_KNOWN, map(str, given), strict=False))}
            self._known.setdefault((_tenant(sent), kind), {})[new_id] = texts if certain else None
            self.ever.add(new_id)
        if sent.method == "PATCH":
            (self.refused.discard if done else self.refused.add)(entity_id)
        known = self._known.get((_tenant(sent), kind), {})
        if sent.method == "DELETE" and done and entity_id not in known:  # perhaps that of another tenant
            self.forget(entity_id, deleted=False)
        if entity_id not in known or not (done or unsure):
            return
        if sent.method == "DELETE" and done:
            self._gone.setdefault((_tenant(sent), kind), {})[entity_id] = known.pop(entity_id)
        elif sent.method in ("PATCH", "DELETE"):
            known[entity_id] = _patched(known[entity_id], sent) if done else None

    def forget(self, entity_id: str, *, deleted: bool) -> None:
        """Learn that an entity was deleted in another way, or may have been."""
        for key, known in self._known.items():
            if entity_id.lower() in known and deleted:
                self._gone.setdefault(key, {})[entity_id.lower()] = known.pop(entity_id.lower())
            elif entity_id.lower() in known:
                known[entity_id.lower()] = None


@functools.lru_cache(maxsize=16)
def _tenant(sent: Sent) -> Tenant:
    """Read once for all who ask."""
    return tuple(map(sent.header, BORDERS))


def _patched(texts: Texts | None, sent: Sent) -> Texts | None:
    """The texts after a patch; None if they are not certain any more."""
    body = sent.json
    for instruction in body if isinstance(body, list) else [body]:
        path = instruction.get("path") if isinstance(instruction, dict) else None
        if not isinstance(path, str) or texts is None:
            return None
        if path[1:] in _KNOWN:
            value = "" if str(instruction.get("op")).lower() == "remove" else instruction.get("value")
            texts = {**texts, path[1:]: value} if isinstance(value, str) else None
    return texts
