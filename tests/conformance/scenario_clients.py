"""A client that takes every scenario well, and one for each scenario that does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mockserver.exchange import Result
from tests.calls import connection
from tests.conformance.client import Client

Script = Callable[[Client], None]
RENAME = [{"op": "replace", "path": "/name", "value": "renamed"}]


class Stopped(Exception):
    """The client gives up and says so: its exit status would be 1."""


def readable(result: Result) -> bool:
    """Whether a real client could read the answer: whole, and JSON."""
    delivery = result.delivery
    broken = delivery is not None and (delivery.reset or delivery.raw is not None)
    return not broken and (result.body is not None or result.status in (202, 204))


class Careful:
    """Waits, renews its token, repeats what can be repeated, looks before it creates twice."""

    def __init__(self, client: Client) -> None:
        self.client = client
        client.token()

    def ask(self, method: str, path: str, body: Any = None, **headers: Any) -> Result:
        """One call, repeated where that helps and harms nobody."""
        renewed = False
        for attempt in range(4):
            result = self.client.send(method, path, body, **headers)
            if result.status == 401 and not renewed:
                renewed = True
                self.client.token()
            elif result.status == 429:
                self.client.wait(float(dict(result.headers).get("Retry-After", 2**attempt)))
            elif method == "GET" and (not readable(result) or result.status >= 500):
                self.client.wait(2**attempt)
            else:
                return result
        raise Stopped

    def good(self, method: str, path: str, body: Any = None, **headers: Any) -> Any:
        """The body of a success; stops at anything else."""
        result = self.ask(method, path, body, **headers)
        if not 200 <= result.status < 300:
            raise Stopped
        return result.body

    def create(self, name: str) -> str:
        """The id of a new connection, or of the one that an unclear answer left behind."""
        result = self.ask("POST", "/connections", connection(name))
        if result.status == 0 or result.status >= 500:
            found = [item for item in self.pages() if item["name"] == name]
            return found[0]["id"] if found else self.good("POST", "/connections", connection(name))["id"]
        if not isinstance(result.body, dict) or "id" not in result.body:
            raise Stopped
        return str(result.body["id"])

    def pages(self) -> list[dict[str, Any]]:
        """All connections; a list whose page token has expired is begun again."""
        found: list[dict[str, Any]] = []
        href = "/connections"
        while href:
            result = self.ask("GET", href)
            if result.status == 400 and href != "/connections":
                found, href = [], "/connections"
                continue
            if result.status != 200 or not isinstance(result.body, dict):
                raise Stopped
            found += result.body["items"]
            href = result.body["_links"].get("next", {}).get("href", "")
        return found

    def rename(self, connection_id: str) -> None:
        """Change what is there now; three tries."""
        for _ in range(3):
            read = self.ask("GET", f"/connections/{connection_id}")
            if read.status == 404:
                return
            if read.status != 200 or not isinstance(read.body, dict):
                raise Stopped
            etag = read.body["items"][0]["etag"]
            result = self.ask("PATCH", f"/connections/{connection_id}", RENAME, if_match=etag)
            if result.status == 200:
                return
            if result.status != 412:
                raise Stopped
        raise Stopped


def careful(client: Client) -> None:
    """Create, list, look up, rename, delete."""
    hand = Careful(client)
    made = hand.create("orders")
    hand.pages()
    hand.rename(made)
    if hand.ask("DELETE", f"/connections/{made}").status not in (204, 404):
        raise Stopped


def static(client: Client) -> None:
    """A client with a token from outside: at 401 it can only stop."""
    for path in ("/connections", "/connectionSpecs", "/connections"):
        if client.send("GET", path).status != 200:
            raise Stopped


def first(client: Client) -> Any:
    """The first lookup of the breaking scripts."""
    return client.send("GET", "/connections")


def repeats(times: int, *, seconds: float = 0, stops: bool = False) -> Script:
    """The same lookup over and over."""

    def script(client: Client) -> None:
        for _ in range(times):
            first(client)
            client.wait(seconds)
        if stops:
            raise Stopped

    return script


def goes_on(client: Client) -> None:
    """Looks at no answer, and ends in order."""
    first(client)
    client.send("GET", "/connectionSpecs")


def gives_up(client: Client) -> None:
    """Stops at whatever comes first."""
    first(client)
    raise Stopped


def stops_at_the_unusual(client: Client) -> None:
    """Has a strict model of a connection."""
    made = client.create()
    body: Any = client.send("GET", f"/connections/{made['id']}").body
    if list(body) != ["items"] or body["items"][0]["state"] != "enabled" or next(iter(body["items"][0])) != "id":
        raise Stopped


def creates_blindly(client: Client) -> None:
    """Repeats a creation that failed."""
    while client.send("POST", "/connections", connection("orders")).status != 201:
        client.wait(1)


def creates_until_it_likes_the_answer(client: Client) -> None:
    """Takes a receipt with more members than two for a failure."""
    for _ in range(2):
        client.send("POST", "/connections", connection("orders"))


def patches(*etags: Callable[[Client, dict[str, Any]], str]) -> Script:
    """Sends a PATCH for each etag."""

    def script(client: Client) -> None:
        made = client.create()
        for etag in etags:
            client.patch(made["id"], etag(client, made))

    return script


def its_own(client: Client, made: dict[str, Any]) -> str:
    """The etag it has had from the start."""
    return str(made["etag"])


def read_anew(client: Client, made: dict[str, Any]) -> str:
    """The etag of the entity as it is."""
    return str(client.read(made["id"])["etag"])


def out_of_the_refusal(client: Client, made: dict[str, Any]) -> str:
    """The etag that the last refusal named, which spares reading what the other wrote."""
    answer = client.emulator.journal.entries()[-1].answer
    return '"' + answer.partition('"entity":"\\"')[2].partition('\\""')[0] + '"'


def reads_one_page(client: Client) -> None:
    """Takes the first page for the list."""
    first(client)


def reads_a_page_twice(client: Client) -> None:
    """Goes round in a circle."""
    body: Any = first(client).body
    for _ in range(2):
        client.send("GET", body["_links"]["next"]["href"])


def reads_to_the_end_and_one_page_twice(client: Client) -> None:
    """Asks for every page, and for the second one once more."""
    body: Any = first(client).body
    second = body["_links"]["next"]["href"]
    client.send("GET", second)
    while body["_links"]:
        body = client.send("GET", body["_links"]["next"]["href"]).body


def stays_with_a_dead_page_token(client: Client) -> None:
    """Asks for the same page again."""
    reads_a_page_twice(client)


def keeps_its_token(client: Client) -> None:
    """Pages on with one token, whatever the gateway says."""
    client.token()
    body: Any = first(client).body
    href = body["_links"].get("next", {}).get("href", "/connections")
    for _ in range(2):
        client.send("GET", href)


def asks_for_nobody(client: Client) -> None:
    """Takes the first of no items."""
    first(client)
    client.send("GET", "/connections/undefined")


def patches_what_is_gone(client: Client) -> None:
    """Looks an entity up, does not look at the answer, and changes it."""
    made = client.create()
    client.send("GET", f"/connections/{made['id']}")
    client.patch(made["id"], made["etag"])


BROKEN: dict[str, Script] = {
    "answer.draft-state": stops_at_the_unusual,
    "answer.empty": goes_on,
    "answer.empty-list": asks_for_nobody,
    "answer.malformed": goes_on,
    "answer.reordered-members": stops_at_the_unusual,
    "answer.truncated": goes_on,
    "answer.unknown-members": stops_at_the_unusual,
    "conflict.deleted": patches_what_is_gone,
    "conflict.sandbox-gone": repeats(8),
    "conflict.stale-etag": patches(its_own, its_own),
    "conflict.stale-etag-twice": patches(read_anew, read_anew, out_of_the_refusal),
    "create.answer-lost": creates_blindly,
    "create.unknown-outcome": creates_blindly,
    "outage.bad-gateway": gives_up,
    "outage.connection-reset": gives_up,
    "outage.for-good": repeats(30),
    "outage.slow-answer": repeats(2, seconds=1),
    "outage.unavailable-once": gives_up,
    "paging.three-pages": reads_one_page,
    "paging.token-expires": stays_with_a_dead_page_token,
    "rate-limit.for-good": repeats(30, seconds=1),
    "rate-limit.no-retry-after": repeats(3, seconds=0.01),
    "rate-limit.retry-after": repeats(2, seconds=0.5),
    "token.expires": keeps_its_token,
    "token.expires-while-paging": keeps_its_token,
    "token.forbidden": repeats(2, stops=True),
}
"""Scenario -> a client that fails it."""

MORE_BROKEN: list[tuple[str, Script]] = [
    ("answer.unknown-members", creates_until_it_likes_the_answer),
    ("conflict.stale-etag", patches(its_own)),
    ("conflict.stale-etag", patches(its_own, out_of_the_refusal)),
    ("conflict.sandbox-gone", goes_on),
    ("outage.for-good", goes_on),
    ("outage.slow-answer", gives_up),
    ("paging.three-pages", reads_to_the_end_and_one_page_twice),
    ("rate-limit.retry-after", gives_up),
    ("rate-limit.no-retry-after", gives_up),
    ("token.expires", goes_on),
    ("token.forbidden", goes_on),
]
"""Other ways to fail."""

NEVER_ARISES: dict[str, Script] = {
    "answer.draft-state": lambda client: client.send("GET", "/connectionSpecs") and None,
    "conflict.stale-etag": first,
    "conflict.deleted": first,
    "conflict.sandbox-gone": first,
    "create.answer-lost": first,
    "outage.slow-answer": lambda client: client.create() and None,
    "paging.three-pages": lambda client: client.send("GET", "/connections?property=name==none") and None,
    "paging.token-expires": first,
    "token.expires": first,
    "token.expires-while-paging": first,
    "rate-limit.retry-after": lambda client: None,
}
"""Scenario -> a client that never meets it."""
