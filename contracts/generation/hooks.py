"""Hooks between Schemathesis and the server: redirect generated requests to our entities, and record exchanges."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import requests
from schemathesis.engine import context
from schemathesis.hooks import GLOBAL_HOOK_DISPATCHER

from contracts.bounded import bind
from contracts.findings.causes import Fault
from contracts.findings.verdicts import Broken, Untestable
from contracts.stage import MAX_SILENT, Stage
from contracts.stage.excerpts import excerpt
from contracts.stage.kinds import Kind
from contracts.stage.ledger import Made
from contracts.stage.naming import new_id
from contracts.wire import Answer, Sent, Unreachable

_ID = re.compile(r"\{\w+\}")
NARROWED = ("Invalid enum value", "Value greater than maximum")
"""The tool's messages for values outside the lists in plausible.py, where the contract allows any string."""
_SHORT = 1.0
"""Timeout in seconds after several requests without a response."""
_NUL = re.compile("[\x00\ud800-\udfff]")


_MAX_UNREADABLE = 200
"""Bytes that are kept of a body that is not JSON."""


@contextmanager
def _bounded(url: str) -> Iterator[None]:
    """Bound the sessions that Schemathesis makes within a block; it gives them to no hook."""
    made = context.make_session

    def bounded(*arguments: Any, **options: Any) -> requests.Session:
        session = made(*arguments, **options)
        bind(session, url)
        return session

    context.make_session = bounded
    try:
        yield
    finally:
        context.make_session = made


class Aim:
    """Redirects generated requests to entities created by this run.

    Deliberately invalid parts of a request stay invalid; everything else is made
    valid, so that the server judges the invalid part.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._read_only = stage.settings.read_only
        self._standing: dict[str, Made] = {}
        self.faults: dict[str, list[Fault]] = {}
        """Case -> fault of its response."""
        self.blocked: dict[str, str] = {}
        """Case -> why it could not be made valid; its response proves nothing."""
        self.gone = ""
        """Why the server has become unreachable."""

    @contextmanager
    def attached(self) -> Iterator[None]:
        """Install the hooks within a block; some are process-wide."""
        hooks = (
            self.before_call,
            self.after_call,
            self.after_network_error,
            self.filter_body,
            self.filter_failure,
        )
        for hook in hooks:
            GLOBAL_HOOK_DISPATCHER.register_hook_with_name(hook, hook.__name__)
        try:
            with _bounded(self._stage.transport.base_url):
                yield
        finally:
            for hook in hooks:
                GLOBAL_HOOK_DISPATCHER.unregister(hook)

    def filter_body(self, context: Any, body: Any) -> bool:
        """Drop bodies with NUL characters: JSON allows them and databases do not, which is not what we test."""
        return not _NUL.search(repr(body).encode("utf-8", "surrogatepass").decode("utf-8", "replace")) and (
            "\\x00" not in repr(body)
        )

    def before_call(self, context: Any, case: Any, kwargs: dict[str, Any]) -> None:
        """Make all parts valid that are not deliberately invalid. Raises KeyboardInterrupt if the run must end."""
        if self.gone:
            raise KeyboardInterrupt
        try:
            self._make_right(case)
        except (Broken, Untestable) as reason:
            self.blocked[case.id] = str(reason)
        except Unreachable as reason:
            self.gone = str(reason)
            raise KeyboardInterrupt from None
        silent = self._stage.ledger.silent_at[f"{case.method.upper()} {_ID.sub('{id}', case.path)}"]
        if silent >= MAX_SILENT:
            kwargs["timeout"] = _SHORT
        self._stage.flight.depart(case.id)

    def after_call(self, context: Any, case: Any, response: Any) -> None:
        """Record and observe the exchange like the suite's own."""
        answer = answer_of(response, self._stage.transport.base_url)
        self._notice(case, answer)
        if answer.body and not answer.is_json:  # Schemathesis stumbles over JSON that is nested too deeply
            response.content = answer.body[:_MAX_UNREADABLE]

    def after_network_error(self, context: Any, case: Any, request: Any) -> None:
        """A request without a response is recorded too."""
        sent = _sent(request, self._stage.transport.base_url)
        self._notice(case, Answer(sent, str(request.url), 0, (), b"", silence="got no usable response"))

    def _notice(self, case: Any, answer: Answer) -> None:
        if self._stage.throttle.obeys(answer):
            self.blocked[case.id] = "the server limits the rate of requests"
        try:
            self.faults[case.id] = self._stage.notice(answer)
        except Unreachable as reason:
            self.gone = str(reason)
        finally:
            self._stage.flight.land(case.id)

    def _make_right(self, case: Any) -> None:
        wrong = _wrong_on_purpose(case)
        for name, value in self._stage.headers.items():
            if name != "Authorization" and name.lower() not in wrong and "headers" not in wrong:
                case.headers[name] = value
        kind = self._stage.kinds.get(case.path.strip("/").split("/")[0])
        if kind is not None and "{" in case.path:
            self._aim(case, kind, wrong)
        elif case.method in ("POST", "PUT") and isinstance(case.body, dict) and "/search" not in case.path:
            self._mark(case, kind)

    def filter_failure(self, context: Any, failure: Any, case: Any, response: Any) -> bool:
        """Drop failures that the contract allows."""
        title = type(failure).__name__
        if title == "MissingHeaderNotRejected" and failure.header_name.lower() == "authorization":
            return bool(response.status_code != 403)  # Adobe's gateway: a missing token is 403, a wrong one 401
        if title == "AcceptedNegativeData" and any(text in failure.message for text in NARROWED):
            return not self._allowed(case)
        return True

    def _allowed(self, case: Any) -> bool:
        """Whether a request that lies outside the narrowed document lies within the contract itself."""
        document = self._stage.document
        operation = document.match(case.method.upper(), _ID.sub("x", case.path))
        body = case.body if isinstance(case.body, dict | list | str | int | float | bool) else None
        return operation is None or document.allows(operation, dict(case.query or {}), body)

    def _aim(self, case: Any, kind: Kind, wrong: set[str]) -> None:
        name = _ID.search(case.path)
        assert name is not None
        member = name[0][1:-1]
        came = str(case.path_parameters.get(member))
        if member in wrong or "path" in wrong or came in self._stage.ledger.ever:
            return
        if self._read_only:
            return
        # never write to an entity that this run did not create
        case.path_parameters[member] = str(uuid.UUID(int=self._stage.chance.getrandbits(128)))
        made = self._target(case, kind)
        case.path_parameters[member] = made.id
        if wrong & {"if-match", "headers"}:
            return
        if case.method == "PATCH":
            case.headers["If-Match"] = made.etag
            case.body = self._renamed(case.body)
        elif case.path.endswith("/action"):
            case.headers.pop("If-Match", None)

    def _target(self, case: Any, kind: Kind) -> Made:
        """The target entity: a new one for writes, a shared one for reads. Raises Broken and Untestable."""
        if case.path.endswith("/action"):
            return self._draft(kind)
        if case.method in ("PATCH", "DELETE", "PUT", "POST"):
            return self._stage.make(kind)
        if kind.name not in self._standing:
            self._standing[kind.name] = self._stage.make(kind)
        return self._standing[kind.name]

    def _renamed(self, body: Any) -> Any:
        """Add the suite's mark to a name in a patch."""
        if isinstance(body, list):
            return [self._renamed(item) for item in body]
        if isinstance(body, dict) and isinstance(body.get("value"), str) and body["value"]:
            return {**body, "value": self._stage.marked(body["value"])}
        return body

    def _draft(self, kind: Kind) -> Made:
        body = self._stage.body(kind)
        answer = self._stage.call("POST", f"{kind.path}?mode=draft", body)
        entity_id = new_id(answer)
        if not answer.succeeded or entity_id is None:
            raise Broken(f"{answer} to a valid draft: {excerpt(answer)}")
        return Made(kind, entity_id, answer.header("etag") or "", body, answer)

    def _mark(self, case: Any, kind: Kind | None) -> None:
        """Add the suite's mark to a new entity, and make its references point to our entities."""
        if kind is not None and kind.name != "connections":
            sample = self._stage.body(kind)
            case.body = {**case.body, **{name: sample[name] for name in sample.keys() - {"name", "description"}}}
        if isinstance(case.body.get("name"), str) and case.body["name"]:
            case.body = {**case.body, "name": self._stage.marked(case.body["name"])}


def _wrong_on_purpose(case: Any) -> set[str]:
    """The deliberately invalid parts: lower-case parameter names, `body`, `path`, `headers`."""
    meta = case.meta
    if meta is None or not meta.generation.mode.is_negative:
        return set()
    wrong = set()
    data = meta.phase.data
    for location, component in meta.components.items():
        if component.mode.is_negative:
            where = location.name.lower()
            named = _names(data, location)
            wrong |= named or {"headers" if where == "header" else where}
    if getattr(data, "parameter", None):
        wrong |= {str(data.parameter), str(data.parameter).lower()}
    return wrong


def _names(data: Any, location: Any) -> set[str]:
    """The mutated parameters of one location."""
    mutations = getattr(data, "mutations", None) or ()
    names = {str(m.parameter) for m in mutations if m.parameter and m.parameter_location == location}
    alone = str(getattr(data, "parameter", None) or "Authorization")
    if alone != "Authorization" and data.parameter_location == location:
        # Correct the other parts, so that they are not refused first; without a token the tool would add one.
        names.add(alone)
    return names | {name.lower() for name in names} if location.name in ("HEADER", "PATH") else set()


def answer_of(response: Any, base_url: str) -> Answer:
    """Convert a response of Schemathesis."""
    given = tuple((name, value) for name, values in response.headers.items() for value in values)
    sent = _sent(response.request, base_url)
    content = response.content or b""
    return Answer(sent, str(response.request.url), response.status_code, given, content, response.elapsed)


def _sent(request: Any, base_url: str) -> Sent:
    """Convert a request of Schemathesis."""
    body = request.body.encode() if isinstance(request.body, str) else request.body
    target = str(request.url).removeprefix(base_url) if base_url else urlsplit(str(request.url)).path
    headers = tuple((str(name), _text(value)) for name, value in request.headers.items())
    return Sent(str(request.method), target, headers, body if isinstance(body, bytes) else b"")


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
