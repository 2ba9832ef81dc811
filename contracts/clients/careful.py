"""A client that passes every scenario."""

from __future__ import annotations

from typing import Any

from contracts.clients import Service, Stopped, good
from contracts.clients.bodies import connection
from contracts.clients.service import LOST
from contracts.wire import Answer

_TRIES = 4


@good
def careful(service: Service) -> None:
    """Passes every scenario: waits, renews its token, repeats look-ups, checks before creating again."""
    hand = Careful(service)
    at = f"/connections/{hand.create('orders')}"
    hand.pages()
    hand.rename(at)
    if hand.ask("DELETE", at).status not in (204, 404):
        raise Stopped(f"{at} cannot be deleted")


def readable(answer: Answer) -> bool:
    """Whether the response is complete and JSON, or needs no body."""
    return answer.status != LOST and (answer.json is not None or answer.status in (202, 204))


class Careful:
    """Creates, lists, renames and deletes connections, and handles every scenario."""

    def __init__(self, service: Service) -> None:
        self.service = service
        service.token()

    def ask(self, method: str, path: str, body: Any = None, **headers: Any) -> Answer:
        """Send one call, repeating it if that is safe. Raises Stopped."""
        renewed = False
        for attempt in range(_TRIES):
            answer = self.service.send(method, path, body, **headers)
            if answer.status == 401 and not renewed:
                renewed = True
                self.service.token()
            elif answer.status == 429:
                self.service.wait(float(answer.header("Retry-After") or 2**attempt))
            elif method == "GET" and (not readable(answer) or answer.status >= 500):
                self.service.wait(2**attempt)
            else:
                return answer
        raise Stopped(f"{method} {path} did not succeed in {_TRIES} tries")

    def create(self, name: str) -> str:
        """Create a connection, or find the one that an unclear response left; returns its id."""
        answer = self.ask("POST", "/connections", connection(name))
        if answer.status == LOST or answer.status >= 500:
            found = [item["id"] for item in self.pages() if item["name"] == name]
            if found:
                return str(found[0])
            answer = self.ask("POST", "/connections", connection(name))
        if answer.status != 201 or not isinstance(answer.json, dict):
            raise Stopped(f"{answer}")
        return str(answer.json["id"])

    def pages(self) -> list[dict[str, Any]]:
        """List all connections. If the page token expires, start again."""
        found: list[dict[str, Any]] = []
        href = "/connections"
        while href:
            answer = self.ask("GET", href)
            if answer.status == 400 and href != "/connections":
                found, href = [], "/connections"
                continue
            if answer.status != 200:
                raise Stopped(f"{answer}")
            found += answer.json["items"]
            href = answer.json["_links"].get("next", {}).get("href", "")
        return found

    def rename(self, at: str) -> None:
        """Rename the current version, in up to three attempts."""
        for _ in range(3):
            read = self.ask("GET", at)
            if read.status == 404:
                return
            if read.status != 200:
                raise Stopped(f"{read}")
            etag = read.json["items"][0]["etag"]
            change = [{"op": "replace", "path": "/name", "value": "renamed"}]
            answer = self.ask("PATCH", at, change, if_match=etag)
            if answer.status == 200:
                return
            if answer.status != 412:
                raise Stopped(f"{answer}")
        raise Stopped("another client wrote first, three times")
