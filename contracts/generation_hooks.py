"""Hooks between schemathesis and the server: where a generated request is aimed, and what is written down."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from schemathesis.hooks import GLOBAL_HOOK_DISPATCHER

from contracts.kinds import Kind
from contracts.stage import Made, Stage
from contracts.verdicts import Broken, Untestable
from contracts.wire import Answer, Sent

_ID = re.compile(r"\{\w+\}")
_NUL = re.compile("[\x00\ud800-\udfff]")


class Aim:
    """Aims generated requests at entities of ours.

    A part of a request that was made wrong on purpose stays wrong; everything else about it is made
    right, so that the wrong part is what the server judges.
    """

    def __init__(self, stage: Stage, read_only: bool) -> None:
        self._stage = stage
        self._read_only = read_only
        self._standing: dict[str, Made] = {}

    @contextmanager
    def attached(self) -> Iterator[None]:
        """The hooks in force; some exist for the whole process only."""
        hooks = (self.before_call, self.after_call, self.filter_body, self.filter_failure)
        for hook in hooks:
            GLOBAL_HOOK_DISPATCHER.register_hook_with_name(hook, hook.__name__)
        try:
            yield
        finally:
            for hook in hooks:
                GLOBAL_HOOK_DISPATCHER.unregister(hook)

    def filter_body(self, context: Any, body: Any) -> bool:
        """No NUL characters: that JSON may hold them, and no database can, is not what is to be found out."""
        return not _NUL.search(repr(body).encode("utf-8", "surrogatepass").decode("utf-8", "replace")) and (
            "\\x00" not in repr(body)
        )

    def before_call(self, context: Any, case: Any, kwargs: dict[str, Any]) -> None:
        """Make right what was not made wrong on purpose."""
        wrong = _wrong_on_purpose(case)
        for name, value in self._stage.headers.items():
            if name != "Authorization" and name.lower() not in wrong and "headers" not in wrong:
                case.headers[name] = value
        kind = self._stage.kinds.get(case.path.strip("/").split("/")[0])
        if kind is not None and "{" in case.path:
            self._aim(case, kind, wrong)
        elif case.method in ("POST", "PUT") and isinstance(case.body, dict) and "/search" not in case.path:
            self._mark(case, kind)

    def after_call(self, context: Any, case: Any, response: Any) -> None:
        """Record and observe the exchange like the suite's own."""
        self._stage.notice(answer_of(response, self._stage.transport.base_url))

    def filter_failure(self, context: Any, failure: Any, case: Any, response: Any) -> bool:
        """Drop what the tool takes for a failure and the contract does not."""
        title = type(failure).__name__
        if title == "MissingHeaderNotRejected" and failure.header_name.lower() == "authorization":
            return bool(response.status_code != 403)  # Adobe's gateway: a missing token is 403, a wrong one 401
        return True

    def _aim(self, case: Any, kind: Kind, wrong: set[str]) -> None:
        name = _ID.search(case.path)
        assert name is not None
        member = name[0][1:-1]
        came = str(case.path_parameters.get(member))
        if member in wrong or "path" in wrong or came in self._stage.ledger.ever:
            return
        if self._read_only:
            return
        made = self._target(case, kind)
        if made is None:
            case.path_parameters[member] = str(uuid.UUID(int=self._stage.chance.getrandbits(128)))
            return
        case.path_parameters[member] = made.id
        if wrong & {"if-match", "headers"}:
            return
        if case.method == "PATCH":
            case.headers["If-Match"] = made.etag
            case.body = self._renamed(case.body)
        elif case.path.endswith("/action"):
            case.headers.pop("If-Match", None)

    def _target(self, case: Any, kind: Kind) -> Made | None:
        """Something of ours: a new entity to write to, the same one to read."""
        try:
            if case.path.endswith("/action"):
                return self._draft(kind)
            if case.method in ("PATCH", "DELETE", "PUT", "POST"):
                return self._stage.make(kind)
            if kind.name not in self._standing:
                self._standing[kind.name] = self._stage.make(kind)
            return self._standing[kind.name]
        except (Broken, Untestable):
            return None

    def _renamed(self, body: Any) -> Any:
        """A patch that gives a name gives one with the suite's mark."""
        if isinstance(body, list):
            return [self._renamed(item) for item in body]
        if isinstance(body, dict) and isinstance(body.get("value"), str) and body["value"]:
            return {**body, "value": self._stage.marked(body["value"])}
        return body

    def _draft(self, kind: Kind) -> Made:
        body = self._stage.body(kind)
        answer = self._stage.call("POST", f"{kind.path}?mode=draft", body)
        return Made(kind, answer.json["id"], answer.json["etag"], body, answer)

    def _mark(self, case: Any, kind: Kind | None) -> None:
        """What is made bears the suite's mark; what refers to other entities refers to ours."""
        if kind is not None and kind.name != "connections":
            sample = self._stage.body(kind)
            case.body = {**case.body, **{name: sample[name] for name in sample.keys() - {"name", "description"}}}
        if isinstance(case.body.get("name"), str) and case.body["name"]:
            case.body = {**case.body, "name": self._stage.marked(case.body["name"])}


def _wrong_on_purpose(case: Any) -> set[str]:
    """What was generated to be refused: names of parameters in lower case, `body`, `path`, `headers`."""
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
    """The parameters that were mutated at one location."""
    mutations = getattr(data, "mutations", None) or ()
    names = {str(m.parameter) for m in mutations if m.parameter and m.parameter_location == location}
    alone = str(getattr(data, "parameter", None) or "Authorization")
    if alone != "Authorization" and data.parameter_location == location:
        # Made right, the others are not refused first. Without a token they stay as they are: the tool would add one.
        names.add(alone)
    return names | {name.lower() for name in names} if location.name in ("HEADER", "PATH") else set()


def answer_of(response: Any, base_url: str) -> Answer:
    """The tool's response as one of ours."""
    request = response.request
    body = request.body.encode() if isinstance(request.body, str) else request.body
    target = str(request.url).removeprefix(base_url) if base_url else urlsplit(str(request.url)).path
    headers = tuple((str(name), _text(value)) for name, value in request.headers.items())
    sent = Sent(str(request.method), target, headers, body if isinstance(body, bytes) else b"")
    given = tuple((name, value) for name, values in response.headers.items() for value in values)
    return Answer(sent, str(request.url), response.status_code, given, response.content or b"", response.elapsed)


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
