"""Stand-ins for values that may be secret, of the same shape.

A stand-in is a hash with a key per recording. Equal values have equal stand-ins within one file; nothing else can be
derived from it. Placeholders of documents are kept.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote, unquote_plus

from mockserver.har.gaps import STAND_IN
from mockserver.json_input import Json
from mockserver.recordings import wording
from mockserver.recordings.leaks import LeakSearch
from mockserver.recordings.vocabulary import Vocabulary
from mockserver.secrecy.placeholders import is_placeholder

UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_UUID = re.compile(UUID)
_MADE_ID = re.compile(
    rf"(?<![\w-])(?:{UUID}(?:-\d{{1,6}})?|[0-9a-f]{{24}}|[0-9a-f]{{32,64}}|[0-9A-HJKMNP-TV-Z]{{26}})(?![\w-])"
)
"""An id of a service."""
_WORD = re.compile(r"[\w@$.-]+")
_TIME = re.compile(r"\d{10}|\d{13}|\d{4}-\d\d-\d\d(?:[T ][\d:.]{4,15}(?:Z|[+-]\d\d:?\d\d)?)?")
_BETWEEN_NAMES = re.compile(r"[\s,;:|]+|(?<![^\s,;:])[-+]")
"""Between the words of an order or a listed value."""
ACCOUNT = re.compile(r"[\w.+-]{1,128}(?=@Adobe(?:Org|ID))")
"""An organisation or account; Adobe's have 24 capital hexadecimal digits, made-up ones any name."""
_MAX_IDS = 200_000
_MIN_REPEATED = 6
"""Minimum length of a replaced value that is searched for in the response. Shorter ones occur by chance."""
_MAX_UNRECORDED = 65_536
"""Maximum bytes of an unwritten body that errors are searched for. After a larger one, errors are replaced."""
_MASK = re.compile(r"[*•]{3,}")


class StandIns:
    """Creates the stand-ins of one recording, and adds the values they replace to a search for leaks."""

    def __init__(self, key: bytes, leaks: LeakSearch, vocabulary: Vocabulary) -> None:
        self._key, self._leaks, self._vocabulary = key, leaks, vocabulary
        self._clients: dict[str, str] = {}
        self._ids: set[str] = set()
        """Ids that the file contains at places of ids."""
        self._sent: set[str] | None = None
        """What was replaced in the request of this exchange, while it is read; see `error`."""
        self._shown = ""
        self._shown_words: frozenset[str] | None = None
        """What the file contains of this request, and its words as soon as they are needed."""
        self._repeatable: frozenset[str] = frozenset()
        self._unwritten: frozenset[str] | None = frozenset()
        """Parts of the request's body that is not written; None if it is too large to have them all."""

    def begin_request(self) -> None:
        """Start with the request of the next exchange."""
        self._sent, self._repeatable, self._unwritten = set(), frozenset(), frozenset()

    def begin_answer(self, shown: str) -> None:
        """Continue with its response. `shown` is what is written of the request."""
        self._repeatable, self._sent = frozenset(self._sent or ()), None
        self._shown, self._shown_words = shown, None
        self.note_ids(shown)

    def note_ids(self, text: str) -> None:
        """Note the ids in a text that is written."""
        if len(self._ids) < _MAX_IDS:
            self._ids.update(_MADE_ID.findall(text))

    def note_replaced(self, *values: str) -> None:
        """Note values in the request that are replaced, also as parts of others."""
        if self._sent is not None:
            self._sent.update(
                form for value in values for form in (value, unquote(value)) if len(value) >= _MIN_REPEATED
            )

    def note_unwritten(self, body: bytes) -> None:
        """Note a body that is not JSON and not written. An error that quotes some of it must not show it."""
        texts = (body.decode(coding, "ignore") for coding in ("utf-8", "utf-16-le", "utf-16-be"))
        forms = (form for text in texts for form in (text, unquote_plus(text)))
        is_large = len(body) > _MAX_UNRECORDED
        self._unwritten = None if is_large else frozenset(part for form in forms for part in _parts(form))

    def hide(self, value: Any, secret: bool) -> Any:
        """The stand-in for a text or number that is not known to be harmless."""
        if secret and isinstance(value, str):
            self.guard("the response body" if self._sent is None else "the request body", value)
        is_known_id = not secret and _UUID.fullmatch(str(value)) and self.is_id(str(value))
        if is_placeholder(value) or is_known_id:  # another value would look like the id of another entity
            return value
        return self.number(value) if isinstance(value, int | float) else self.text(str(value))

    def number(self, value: float) -> int:
        """The stand-in for a number: one with as many digits."""
        return int(str(int(self._digest(str(value)), 16))[: max(1, len(str(abs(int(value)))))])

    def text(self, value: str) -> str:
        """The stand-in for a text: a UUID for a UUID, otherwise a hash of the same length."""
        if not value or _is_no_secret(value):
            return value
        self.note_replaced(value)
        digest = self._digest(value)
        if _UUID.fullmatch(value):
            return str(uuid.UUID(digest[:32], version=4))
        return (STAND_IN + digest * (len(value) // 32 + 1))[: max(len(value), 12)]

    def guard(self, place: str, *texts: str) -> None:
        """Mark texts from a place as secret: they must not occur in the file in any encoding."""
        for text in texts:
            if not _is_no_secret(text):
                self._leaks.add(text, place)

    def client(self, key: str) -> str:
        """The stand-in for an API key, also where the service repeats it."""
        return self._clients.setdefault(key, self.text(key))

    def name(self, text: str) -> str:
        """The name of a member, parameter or header, replaced if it is unknown."""
        return text if self._vocabulary.knows_name(text) or is_placeholder(text) else self.text(text)

    def knows(self, text: str) -> bool:
        """Whether a text without blanks is a known word or name."""
        return self._vocabulary.knows(text) or is_placeholder(text)

    def is_id(self, text: str) -> bool:
        """Whether the file contains a text at a place of ids."""
        return text in self._ids

    def words(self, text: str) -> str:
        """A text at a place for listed values, names, pointers and numbers, replaced if one of its words is unknown."""
        if text[:1] == "/":
            return "/".join(map(self._step, text.split("/")))
        is_known = _TIME.fullmatch(text) or self.is_id(text) or all(map(self.knows, _BETWEEN_NAMES.split(text)))
        return text if is_known else self.text(text)

    def _step(self, step: str) -> str:
        """A step of a pointer, replaced like the name of the member."""
        shown = self.name(step.replace("~1", "/").replace("~0", "~"))
        return shown.replace("~", "~0").replace("/", "~1")

    def account(self, text: str) -> str:
        """Replace clients, organisations and Adobe accounts in a text, or the whole text if it contains a secret."""
        if text in self._clients:
            return self._clients[text]
        if text in self._repeatable or self._leaks.found_in(text.encode(errors="surrogatepass")):
            return self.text(text)
        if "@Adobe" not in text:
            return text
        return ACCOUNT.sub(lambda found: self._digest(found[0])[:24].upper(), text)

    def error(self, value: Json) -> Json:
        """Redact an error: known words are kept, and words of the request that the file contains."""
        if isinstance(value, dict):
            return {self.name(key): self.error(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.error(inner) for inner in value]
        if isinstance(value, str):
            return self._error_text(value)
        if value is None or isinstance(value, bool) or self._may_repeat(str(value)):
            return value
        return self.number(value)

    def _error_text(self, text: str) -> str:
        """Redact a text of an error. It is replaced if it repeats a replaced value of the request, as an If-Match."""
        if text in self._clients:
            return self._clients[text]
        if self._repeats(text) or self._leaks.found_in(text.encode(errors="surrogatepass")):
            return self.text(text)
        if is_placeholder(text):
            return text
        return wording.plain(text, self._may_repeat, self._is_name, self.text)

    def _repeats(self, text: str) -> bool:
        """Whether a text of an error repeats what was replaced in the request, or quotes a body that is not written."""
        if any(value in text or quote(value, safe="") in text for value in self._repeatable):
            return True
        if self._vocabulary.knows(text):
            return False
        return self._unwritten is None or not self._unwritten.isdisjoint(_parts(text))

    def _may_repeat(self, word: str) -> bool:
        if self._vocabulary.knows(word) or word in self._ids:
            return True
        if self._shown_words is None:
            self._shown_words = frozenset(_WORD.findall(self._shown))
        return word in self._shown_words

    def _is_name(self, word: str) -> bool:
        return self._vocabulary.is_name(word) or word in self._ids

    def _digest(self, text: str) -> str:
        return hashlib.blake2b(text.encode(errors="surrogatepass"), key=self._key, digest_size=16).hexdigest()


def _parts(text: str) -> Iterator[str]:
    return (text[at : at + _MIN_REPEATED] for at in range(len(text) - _MIN_REPEATED + 1))


def _is_no_secret(text: str) -> bool:
    """Whether a text is a placeholder or a mask of the service."""
    return is_placeholder(text) or _MASK.fullmatch(text) is not None
