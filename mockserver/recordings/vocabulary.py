"""The words that a recording may contain in free text: those of the contract, of the specs and of documented errors."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from mockserver import errors
from mockserver.contract import Contract
from mockserver.recordings.headers import NAMES
from mockserver.sources.refusals import CONNECTOR, HINTS
from mockserver.specs.connectors import Connectors
from mockserver.specs.flow_specs import FlowSpecs

_WORD = re.compile(r"[A-Za-z]+(?:[-'][a-z]+)*")
_NAME = re.compile(r"[\w@$:.-]+")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PROSE = ("description", "summary", "title")
_SAMPLES = ("example", "examples", "default")
_CODE = re.compile(r"(?:FLOW-)?(\d{4})-(\d{3})")
_TYPE = re.compile(r"https?://ns\.adobe\.com/aep/errors/(.*)")
_STEP = re.compile(r"[/.]|\[\]|~[01]")
"""Between the parts of a path, a pointer, or the name of a member of a member."""
_COMPOUND = re.compile(r"(?:x-|_)?[A-Za-z]{2,}(?:[-_:.][A-Za-z]{2,})*")
_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
"""A word in a name."""

_OF_HAR = """
version creator name entries startedDateTime request method httpVersion HTTP/1.1 cookies headers value (not recorded)
queryString headersSize bodySize postData mimeType text response status statusText content application/json redirectURL
cache timings receive sequence operation token absent malformed expired startedMs endedMs complete upstream
mock-flow-service authorization Bearer accept-encoding user-agent connection content-type content-length x-request-id
x-api-key x-gw-ims-org-id x-sandbox-name ims token v1 v2 v3
"""
"""Words of the file's format, names of headers, and the path of the token endpoint."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Known words. A text that is one of them reveals nothing."""

    names: frozenset[str]
    """Names of members, parameters, headers, operations and listed values; ids of specs; codes. Case-sensitive."""
    words: frozenset[str]
    """Ordinary words, in lower case. They may begin with or consist of capitals."""
    numbers: frozenset[str]
    codes: frozenset[str]
    """Numbers of documented errors. A quirk of the service may combine them with another status."""
    always: frozenset[str]
    """The names that every recording has: those of members and operations, of paths and of the file's format."""

    @staticmethod
    @functools.cache
    def load() -> Vocabulary:
        """The vocabulary of the shipped contract and specs, read once per process."""
        connectors = [one.describe() for one in Connectors.load().all()]
        flows = [one.described for one in FlowSpecs.load().all()]
        return Vocabulary.of(Contract.load().document, [*connectors, *flows])

    @classmethod
    def of(cls, contract: Mapping[str, Any], specs: Iterable[Any]) -> Vocabulary:
        """Create the vocabulary of a contract and of the service's own specs."""
        always, names, words = {*_OF_HAR.split()}, {*NAMES}, set[str]()
        numbers = {str(one) for one in range(100)}
        for key, value in _scalars([contract, *specs]):
            if value is None:
                always.add(key)
                names.update(filter(None, key.split("/")))
            elif key == "operationId":
                always.add(value)
            elif isinstance(value, int):
                numbers.add(str(value))
            elif key in _PROSE:
                words.update(word.lower() for word in _WORD.findall(value))
            elif isinstance(value, str):
                names.update((value, *_NAME.findall(value)))
        for text in _errors():
            names.add(text)
            words.update(word.lower() for word in _WORD.findall(text))
            names.update(word for word in _NAME.findall(text) if not word.islower() and not word.istitle())
        for line in Path(__file__).with_name("words.txt").read_text(encoding="utf-8").splitlines():
            parts = () if line.startswith("#") else line.split()
            words.update(part for part in parts if part.islower())
            names.update(parts)
        codes = {code[1] for name in names if (code := _CODE.fullmatch(name))}
        numbers |= {str(int(status)) for status in HTTPStatus}
        return cls(*map(frozenset, (names | always, words, numbers, codes, always)))

    def knows(self, text: str) -> bool:
        """Whether a text without blanks is a known word, name, number or code, or a path of them."""
        if self._is_known(text):
            return True
        if named := _TYPE.fullmatch(text):
            return self._is_known(named[1])
        steps = _STEP.split(text)
        return all(map(self._is_known, steps)) and not all(step.isdigit() for step in steps)

    def knows_name(self, text: str) -> bool:
        """Whether the name of a member, parameter or header is known or consists of known words: `lastUsed`."""
        return self.knows(text) or (
            _COMPOUND.fullmatch(text) is not None
            and all(part.lower() in self.words for part in _PART.findall(text.removeprefix("x-")))
        )

    def _is_known(self, text: str) -> bool:
        if len(text) < 2 or text in self.names or text in self.numbers:
            return True
        if code := _CODE.fullmatch(text):
            return code[1] in self.codes and code[2] in self.numbers
        return (text.islower() or text.isupper() or text[1:].islower()) and text.lower() in self.words

    def is_name(self, text: str) -> bool:
        """Whether a text is known and not an ordinary word: `dataSetId`, `/auth/params`, `FLOW-1100-400`."""
        return self.knows(text) and not (text.isalpha() and (text.islower() or text.istitle()))


def _scalars(value: Any, key: str = "", sample: bool = False) -> Iterator[tuple[str, Any]]:
    """Name and value of each scalar, and each name of a member without its value. Samples have only names and ids."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield str(name), None
            yield from _scalars(inner, str(name), sample or name in _SAMPLES)
    elif isinstance(value, list):
        for inner in value:
            yield from _scalars(inner, key, sample)
    elif not isinstance(value, bool) and (not sample or _UUID.fullmatch(str(value))):
        yield key, value


def _errors() -> Iterator[str]:
    """The texts of errors."""
    for row in errors.ERRORS.values():
        yield from (row.title, row.message)
    yield from (title for _, title in errors.PLAIN.values())
    yield from (text for row in errors.GATEWAY.values() for text in row[1:])
    yield from (text for _, text in CONNECTOR.values())
    yield from HINTS.values()
