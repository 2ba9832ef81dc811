"""Requests and responses as values, and two transports: over HTTP, or by calling a WSGI application."""

from __future__ import annotations

import functools
import io
import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import unquote, unquote_to_bytes, urlsplit

import requests
import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)

from contracts.bounded import LOOPBACK, Unusable, bind

Headers = tuple[tuple[str, str], ...]

BASE_PATH = "/data/foundation/flowservice"
PLATFORM = ("/data/", "/collection/")
"""Prefixes of the paths of all services. A target with one belongs to a neighbouring service."""

ADHOC = "/data/core/activation/disflowprovider/adhocrun"
"""Path of the activation service that makes runs of the flows in its body."""

FORGET = "/_mock/runs/"
"""Path at the host of a mock where the runs of a deleted flow can be deleted."""

DEFAULT_SECONDS = 60
"""Timeout of a response: the gateway's own limit."""
DEFAULT_LOCAL_SECONDS = 10
"""Timeout of a response of a local server."""


NOTHING = "got no response"
"""Beginning of the silence of a server that sent nothing."""
MAX_DEPTH = 64
"""Maximum depth of a JSON body, as in the contract."""


class Unreachable(Exception):
    """The server cannot be reached or has stopped responding; the message is one line."""


@dataclass(frozen=True)  # without slots, for its cached members
class Sent:
    """One request. `target` is the percent-encoded path below the server's base path, with the query.

    For a neighbouring service it is the whole path.
    """

    method: str
    target: str
    headers: Headers = ()
    body: bytes = b""

    def __hash__(self) -> int:
        return self._hash

    @functools.cached_property
    def _hash(self) -> int:
        return hash((self.method, self.target, self.headers, self.body))

    def header(self, name: str) -> str | None:
        """The value of a header, its name in any case."""
        return self._fields.get(name.lower())

    @functools.cached_property
    def _fields(self) -> dict[str, str]:
        return _by_lower_name(self.headers)

    @functools.cached_property
    def path(self) -> str:
        """The target without its query, and without a slash at the end."""
        return self.target.partition("?")[0].rstrip("/")

    @functools.cached_property
    def steps(self) -> list[str]:
        """The decoded segments of the path. Do not modify them."""
        return [unquote(step) for step in self.path.strip("/").split("/")]

    @functools.cached_property
    def json(self) -> Any:
        """The parsed body, or None if it is not JSON. Do not modify it: it is cached."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass(frozen=True)  # without slots, for its cached members
class Answer:
    """One response with its request. A request without a response has status 0 and `silence`."""

    sent: Sent
    url: str
    status: int
    headers: Headers
    body: bytes
    seconds: float = 0.0
    silence: str = ""
    """Why there is no response, such as "got no response within 10 s"; empty if there is one."""

    def header(self, name: str) -> str | None:
        """The value of a header, its name in any case."""
        return self._fields.get(name.lower())

    @functools.cached_property
    def _fields(self) -> dict[str, str]:
        return _by_lower_name(self.headers)

    @functools.cached_property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    @functools.cached_property
    def json(self) -> Any:
        """The parsed body, or None if it is not JSON. Do not modify it: it is cached."""
        return parsed(self.body)

    @property
    def is_json(self) -> bool:
        """Whether the body is JSON (null included)."""
        return self.json is not None or self.body.strip() == b"null"

    @functools.cached_property
    def entities(self) -> list[dict[str, Any]]:
        """The objects in `items` of a success. Do not modify them: they are cached."""
        items = self.json.get("items") if self.succeeded and isinstance(self.json, dict) else None
        return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []

    @property
    def succeeded(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    def __str__(self) -> str:
        return f"{self.sent.method} {self.sent.target} {self.silence or f'answered {self.status}'}"


@functools.lru_cache(maxsize=16)
def parsed(body: bytes) -> Any:
    """Parse a body once for all observers. JSON that is nested too deeply counts as no JSON."""
    try:
        value = json.loads(body)
        if b"\\u" in body and b"\\ud" in body.lower():  # half a surrogate pair fits in no URL and no file
            value = json.loads(json.dumps(value, ensure_ascii=False).encode(errors="replace"))
    except (ValueError, RecursionError):
        return None
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return value
    level, depth = [value], 0
    while level and depth < MAX_DEPTH:
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) is dict or type(inner) is list
        ]
        depth += 1
    return None if level else value


class Sender(Protocol):
    """Sends requests and returns responses."""

    def send(self, sent: Sent) -> Answer:
        """Send a request and return the response. Raises Unreachable."""


class Transport(Sender, Protocol):
    """Sends requests to a server."""

    base_url: str


class HttpTransport:
    """Sends over HTTP. Certificates come from the environment, proxies too except for local servers."""

    def __init__(self, base_url: str, neighbours: str | None = None, *, seconds: float | None = None) -> None:
        """`neighbours` is the root URL of the neighbouring services, if not the server's; `seconds` is the timeout."""
        self.base_url = base_url.rstrip("/")
        self._root = (neighbours or _root(base_url)).rstrip("/")
        self.seconds = seconds or default_seconds(base_url)
        self._routes: dict[str, _Route] = {}

    def _before(self, target: str) -> str:
        if target.startswith(FORGET):
            return _root(self.base_url)
        return self._root if target.startswith(PLATFORM) else self.base_url

    def send(self, sent: Sent) -> Answer:
        """Send a request and return the response. Redirects are not followed."""
        before = self._before(sent.target)
        url = before + sent.target
        route = self._routes.get(before) or self._routes.setdefault(before, _route(before))
        began = time.perf_counter()
        try:
            response = route.pool.urlopen(
                sent.method,
                route.prefix + sent.target,
                headers={name: value.encode("utf-8").decode("latin-1") for name, value in sent.headers},
                body=sent.body or None,
                timeout=self.seconds,
                retries=False,
                redirect=False,
                assert_same_host=False,
            )
            body = response.data
        except HTTPError as error:
            return Answer(sent, url, 0, (), b"", silence=self.silence(error))
        headers = tuple(response.headers.itermerged())
        return Answer(sent, url, response.status, headers, body, time.perf_counter() - began)

    def silence(self, error: Exception) -> str:
        """Why a request got no response. Raises Unreachable if there is no server."""
        unusable = [cause for cause in _causes(error) if isinstance(cause, Unusable)]
        if unusable:
            return str(unusable[0])
        if isinstance(error, ReadTimeoutError):
            return f"{NOTHING} within {self.seconds:g} s"
        if isinstance(error, SSLError | ProxyError | NewConnectionError | ConnectTimeoutError):
            raise Unreachable(f"{self.base_url} does not answer: {_reason(error)}") from None
        return f"got no usable response: {_reason(error)}"


@dataclass(frozen=True, slots=True)
class _Route:
    """The connections to a host, and what stands before a target in the request line."""

    pool: urllib3.HTTPConnectionPool
    prefix: str


def _route(url: str) -> _Route:
    """The route that requests would take, without its work for each request: that costs more than the rest."""
    session = requests.Session()
    bind(session, url)
    adapter: Any = session.get_adapter(url)
    prepared = requests.Request("GET", url).prepare()
    pool = adapter.get_connection_with_tls_context(prepared, session.verify, proxies=session.proxies)
    through_proxy = adapter.request_url(prepared, session.proxies).startswith("http://")
    return _Route(pool, url if through_proxy else urlsplit(url).path)


class WsgiTransport:
    """Calls an application without sockets, for broken servers and quick tests."""

    def __init__(self, app: Any, base_url: str = "http://127.0.0.1/data/foundation/flowservice") -> None:
        self.app = app
        self.base_url = base_url

    def send(self, sent: Sent) -> Answer:
        """Call the application."""
        url = (_root(self.base_url) if sent.target.startswith(PLATFORM) else self.base_url) + sent.target
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            started[:] = [status, headers]
            return lambda data: None

        began = time.perf_counter()
        try:
            chunks: Iterable[bytes] = self.app(_environ(sent, url), start_response)
        except TimeoutError as error:
            return Answer(sent, url, 0, (), b"", silence=str(error))
        try:
            body = b"".join(chunks)
        finally:
            getattr(chunks, "close", lambda: None)()
        status, headers = started
        return Answer(sent, url, int(status.split(" ")[0]), tuple(headers), body, time.perf_counter() - began)


def default_seconds(url: str) -> float:
    """The default timeout for the server at a URL."""
    return DEFAULT_LOCAL_SECONDS if urlsplit(url).hostname in LOOPBACK else DEFAULT_SECONDS


def _root(base_url: str) -> str:
    """The root URL of all services: the part before the base path, or the host."""
    if base_url.rstrip("/").endswith(BASE_PATH):
        return base_url.rstrip("/").removesuffix(BASE_PATH)
    parts = urlsplit(base_url)
    return f"{parts.scheme}://{parts.netloc}"


def _environ(sent: Sent, url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": sent.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(parts.path).decode("latin-1"),
        "QUERY_STRING": parts.query,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": parts.netloc,
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(sent.body)) if sent.body else "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": parts.scheme,
        "wsgi.input": io.BytesIO(sent.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    environ.update(_server_keys(parts.netloc))
    environ.update(_header_keys(sent.headers))
    return environ


@functools.lru_cache(maxsize=16)
def _server_keys(netloc: str) -> dict[str, str]:
    """What the environ of WSGI has of the host and port in a URL."""
    parts = urlsplit(f"//{netloc}")
    return {"SERVER_NAME": parts.hostname or "127.0.0.1", "SERVER_PORT": str(parts.port or 80)}


@functools.lru_cache(maxsize=16)  # most requests of a check have the same headers
def _header_keys(headers: Headers) -> dict[str, Any]:
    """What the environ of WSGI has of headers."""
    keys = ((name.upper().replace("-", "_"), value) for name, value in headers)
    named = {key if key == "CONTENT_TYPE" else f"HTTP_{key}": value for key, value in keys}
    return {**named, "contracts.header_names": tuple(name for name, _ in headers)}


def json_body(value: Any) -> bytes:
    """A JSON document as bytes."""
    return json.dumps(value).encode()


def with_headers(standard: Mapping[str, str], changes: Mapping[str, Any]) -> Headers:
    """The standard headers with some replaced, added, or (None) removed. Names ignore case.

    Raises TypeError for a value that is no text, which a faulty server may have given.
    """
    if not changes:
        return tuple(standard.items())
    if wrong := [name for name, value in changes.items() if not isinstance(value, str | None)]:
        raise TypeError(f"{wrong[0]} is no text")
    changed = {name.lower() for name in changes}
    kept = [(name, value) for name, value in standard.items() if name.lower() not in changed]
    return (*kept, *((name, value) for name, value in changes.items() if value is not None))


def _by_lower_name(headers: Headers) -> dict[str, str]:
    """The first value of each header by its name in lower case."""
    return {name.lower(): value for name, value in reversed(headers)}


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and what led to it, the innermost last."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        inner = cause.args[0] if cause.args and isinstance(cause.args[0], BaseException) else None
        cause = inner or cause.__cause__ or cause.__context__


def _reason(error: Exception) -> str:
    """The innermost cause of an exception."""
    *_, cause = _causes(error)
    if untrusted := getattr(cause, "verify_message", ""):
        return f"its certificate is not trusted ({untrusted}): give the file of its CA in REQUESTS_CA_BUNDLE"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return str(getattr(cause, "reason", None) or cause).rpartition(": ")[2] or type(cause).__name__
