"""Requests and responses as seen by a faulty server in front of the correct one."""

from __future__ import annotations

import functools
import io
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from contracts.wire import BASE_PATH, PLATFORM

Item = dict[str, Any]


@dataclass(frozen=True)  # without slots, for its cached members
class Asked:
    """One request, below the base path; to a neighbouring service with its whole path."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    """Header names in lower case."""
    body: bytes
    spelled: frozenset[str] = frozenset()
    """Header names as sent, if the transport provides them."""

    @functools.cached_property
    def json(self) -> Any:
        """The parsed body, or None. It is parsed once: a list of all specs takes milliseconds."""
        return _parsed(self.body)

    @property
    def object(self) -> dict[str, Any]:
        """The body if it is an object, else an empty one."""
        return self.json if isinstance(self.json, dict) else {}

    @functools.cached_property
    def parts(self) -> list[str]:
        """The segments of the path."""
        return [step for step in self.path.split("/") if step]

    @property
    def kind(self) -> str:
        """The collection."""
        return self.parts[0] if self.parts else ""

    @property
    def creates(self) -> bool:
        """Whether it creates an entity."""
        return self.method == "POST" and len(self.parts) == 1

    @property
    def lists(self) -> bool:
        """Whether it lists a collection."""
        return self.method == "GET" and len(self.parts) == 1

    @property
    def looks_up(self) -> bool:
        """Whether it looks up an entity."""
        return self.method == "GET" and len(self.parts) == 2

    @property
    def acts(self) -> bool:
        """Whether it is an action."""
        return self.method == "POST" and self.parts[-1:] == ["action"]

    @property
    def patches(self) -> bool:
        """Whether it patches an entity, not one of a neighbouring service."""
        return self.method == "PATCH" and not self.path.startswith(PLATFORM)

    @property
    def instructions(self) -> list[Item]:
        """The instructions of a patch that are objects."""
        return [step for step in (self.json if isinstance(self.json, list) else [self.json]) if isinstance(step, dict)]

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """The decoded query parameters."""
        return parse_qsl(self.query, keep_blank_values=True)

    def parameter(self, name: str) -> str | None:
        """The first value of a query parameter."""
        return next((value for key, value in self.parameters if key == name), None)

    @property
    def filters(self) -> list[str]:
        """The `property` parameters that are conditions."""
        return [value for key, value in self.parameters if key == "property" and set(value) & set("=<>!~")]

    def asking(self, parameters: list[tuple[str, str]]) -> Asked:
        """The request with another query."""
        return replace(self, query=urlencode(parameters))

    def not_asking(self, *names: str) -> Asked:
        """The request without some parameters."""
        return self.asking([pair for pair in self.parameters if pair[0] not in names])

    def filtering(self, *texts: str) -> Asked:
        """The request with other conditions."""
        kept = [pair for pair in self.parameters if pair[0] != "property" or pair[1] not in self.filters]
        return self.asking([*kept, *(("property", text) for text in texts)])

    def sending(self, value: Any) -> Asked:
        """The request with another JSON body."""
        return replace(self, body=json.dumps(value).encode())

    def without(self, *names: str) -> Asked:
        """The request without some headers."""
        return replace(self, headers={name: value for name, value in self.headers.items() if name not in names})

    def having(self, **headers: str) -> Asked:
        """The request with replaced headers; `_` stands for `-`."""
        return replace(self, headers={**self.headers, **{n.replace("_", "-"): v for n, v in headers.items()}})

    def instead(self, method: str, path: str, value: Any = None, query: str = "") -> Asked:
        """Another request of the same client."""
        plain = self.without("if-match", "content-type")
        if value is None:
            return replace(plain, method=method, path=path, query=query, body=b"")
        return replace(plain.having(content_type="application/json"), method=method, path=path, query=query).sending(
            value
        )


@dataclass(frozen=True)  # without slots, for its cached members
class GivenAnswer:
    """One response."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @classmethod
    def without_body(cls, status: int, *fields: tuple[str, str]) -> GivenAnswer:
        """A response of the faulty server alone, with a request id that no other has."""
        return cls(status, (*fields, ("x-request-id", uuid.uuid4().hex)), b"")

    @functools.cached_property
    def json(self) -> Any:
        """The parsed body, or None. It is parsed once: a list of all specs takes milliseconds."""
        return _parsed(self.body)

    @property
    def items(self) -> list[Item]:
        """The entities of the body."""
        shown = self.json.get("items") if isinstance(self.json, dict) else None
        return [item for item in shown if isinstance(item, dict)] if isinstance(shown, list) else []

    @property
    def done(self) -> bool:
        """Whether the request was carried out."""
        return self.status < 300

    @property
    def code(self) -> str:
        """The catalogue code of a refusal, such as `1439-404`."""
        body = self.json
        return str(body.get("type", "")).partition("FLOW-")[2] if isinstance(body, dict) else ""

    @property
    def receipt(self) -> dict[str, str]:
        """`{"id", "etag"}`, or an empty object."""
        body = self.json
        return body if isinstance(body, dict) and set(body) == {"id", "etag"} else {}

    def saying(self, value: Any, status: int | None = None) -> GivenAnswer:
        """The response with another JSON body, and possibly another status."""
        return replace(self, body=json.dumps(value).encode(), status=status or self.status).having(
            "Content-Type", "application/json"
        )

    def showing(self, change: Callable[[Item], Item]) -> GivenAnswer:
        """The response with each entity changed."""
        return self.saying({**self.json, "items": [change(dict(item)) for item in self.items]}) if self.items else self

    def telling(self, **members: Any) -> GivenAnswer:
        """The response with replaced members."""
        return self.saying({**self.json, **members}) if isinstance(self.json, dict) else self

    def refusing(self, code: str) -> GivenAnswer:
        """A refusal with another code of the catalogue and its status."""
        status = int(code.rpartition("-")[2])
        kind = f"https://ns.adobe.com/aep/errors/FLOW-{code}"
        return replace(self.telling(type=kind, status=status), status=status)

    def having(self, name: str, value: str | None) -> GivenAnswer:
        """The response with a header replaced, or (None) removed."""
        kept = tuple(pair for pair in self.headers if pair[0].lower() != name.lower())
        return replace(self, headers=kept if value is None else (*kept, (name, value)))

    def header(self, name: str) -> str | None:
        """The value of a header."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass(slots=True)
class Right:
    """The correct server, called with a request, and the memory of the faulty one."""

    answer: Callable[[Asked], GivenAnswer]
    memory: dict[str, Any] = field(default_factory=dict)

    def __call__(self, asked: Asked) -> GivenAnswer:
        """Return the correct response."""
        return self.answer(asked)

    def entity(self, asked: Asked) -> Item:
        """The entity that the request addresses, or an empty one; specs and whole lists are none."""
        items = self(asked.instead("GET", "/" + "/".join(asked.parts[:2]))).items if len(asked.parts) > 1 else []
        return items[0] if items and "etag" in items[0] else {}

    def everything(self, asked: Asked, query: str = "") -> list[Item]:
        """All entities of the collection that the request addresses."""
        found: list[Item] = []
        target = f"/{asked.kind}?limit=100&{query}"
        while target:
            path, _, rest = target.partition("?")
            page = self(asked.instead("GET", path, query=rest))
            found += page.items
            target = ((page.json or {}).get("_links") or {}).get("next", {}).get("href", "")
        return found


Fault = Callable[[Asked, Right], GivenAnswer]


@dataclass(slots=True)
class Wrapped:
    """A WSGI application that puts a fault between the client and the correct server."""

    app: Any
    fault: Fault
    memory: dict[str, Any] = field(default_factory=dict)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        """Handle one request."""
        fields = tuple([item for item in environ.items() if item[0][:5] == "HTTP_"])
        asked = Asked(
            environ["REQUEST_METHOD"],
            environ["PATH_INFO"].removeprefix(BASE_PATH),
            environ.get("QUERY_STRING", ""),
            _headers(fields, environ.get("CONTENT_TYPE") or ""),
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)),
            frozenset(environ.get("contracts.header_names", ())),
        )
        try:
            given = self.fault(asked, Right(lambda one: self._answer(environ, one, asked), self.memory))
        except TimeoutError:  # a server that does not respond
            raise
        except Exception as error:  # otherwise an error in a fault would look like the fault
            raise RuntimeError(f"{self.fault.__name__} failed at {asked.method} {asked.path}") from error
        start_response(f"{given.status} X", list(given.headers))
        return [given.body]

    def _answer(self, environ: dict[str, Any], asked: Asked, first: Asked) -> GivenAnswer:
        kept = environ
        if asked.headers is not first.headers:
            kept = {key: value for key, value in environ.items() if key[:5] != "HTTP_" and key != "CONTENT_TYPE"}
            for name, value in asked.headers.items():
                key = name.upper().replace("-", "_")
                kept[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
        kept = kept | {
            "REQUEST_METHOD": asked.method,
            "PATH_INFO": asked.path if asked.path.startswith(PLATFORM) else BASE_PATH + asked.path,
            "QUERY_STRING": asked.query,
            "CONTENT_LENGTH": str(len(asked.body)) if asked.body else "",
            "wsgi.input": io.BytesIO(asked.body),
        }
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            started[:] = [int(status.split()[0]), headers]

        chunks = self.app(kept, start_response)
        body = b"".join(chunks)
        getattr(chunks, "close", lambda: None)()
        headers = tuple(pair for pair in started[1] if pair[0].lower() != "content-length")
        return GivenAnswer(started[0], headers, body)


@functools.lru_cache(maxsize=16)  # most requests of a check have the same headers
def _headers(fields: tuple[tuple[str, str], ...], content_type: str) -> Mapping[str, str]:
    """Headers, their names in lower case, from the environ of WSGI."""
    headers = {key[5:].replace("_", "-").lower(): value for key, value in fields}
    return {**headers, "content-type": content_type} if content_type else headers


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
