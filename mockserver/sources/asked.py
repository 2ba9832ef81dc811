"""Parses and checks the query parameters of explore (facts §8.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mockserver.sources.refusals import refusal

FILE_TYPES = ("delimited", "json", "parquet")
COMPRESSIONS = ("bzip2", "gzip", "deflate", "zipDeflate", "tarGzip", "tar")
"""Compression types listed by the cloud storage tutorial."""

SPELLINGS = {"FileType": "fileType", "CompressionType": "compressionType"}
"""Parameter name in the official document -> name in the tutorials."""

PARAMETERS = (
    "objectType", "object", "preview", "fileType", "compressionType", "columnDelimiter", "encoding", "filters",
    "determineProperties", "sourceParams",
)  # fmt: skip

TAKES: dict[str, frozenset[str]] = {
    "root": frozenset(),
    "table": frozenset({"object", "preview", "filters"}),
    "folder": frozenset({"object"}),
    "file": frozenset({*PARAMETERS} - {"objectType", "filters", "sourceParams"}),
    "rest": frozenset({"object", "preview", "fileType", "sourceParams"}),
}
"""objectType -> the parameters allowed with it."""


@dataclass(frozen=True, slots=True)
class ExploreRequest:
    """A parsed explore request, checked as far as possible without the source."""

    object_type: str
    """Lower case, as in the tutorials; any case is accepted."""
    object: str = ""
    preview: bool = False
    file_type: str | None = None
    compression: str | None = None
    delimiter: str | None = None
    filters: str | None = None
    """A PQL filter: JSON encoded as Base64."""
    determine: bool = False
    """Whether to detect the file's type, compression and delimiter."""

    @property
    def described(self) -> tuple[str, ...]:
        """Parameters that state what `determine` would detect."""
        stated = {"fileType": self.file_type, "compressionType": self.compression, "columnDelimiter": self.delimiter}
        return tuple(name for name, value in stated.items() if value is not None)

    @classmethod
    def parse(cls, arguments: Mapping[str, Any]) -> ExploreRequest:
        """Parse the typed query. Raises SourceError for a missing, repeated, misplaced or invalid parameter."""
        given = _single(arguments)
        object_type = given.get("objectType", "").lower()
        if not object_type:
            raise refusal("empty" if "objectType" in given else "missing", "objectType")
        for name in given:
            if name != "objectType" and name not in TAKES.get(object_type, PARAMETERS):
                raise refusal("misplaced", name, object_type)
        encoding = given.get("encoding", "UTF-8").upper()
        if encoding not in ("UTF-8", "ISO-8859-1"):
            raise refusal("value", "encoding", "UTF-8 or ISO-8859-1")
        return cls(
            object_type=object_type,
            object=given.get("object", ""),
            preview=_flag(given, "preview"),
            file_type=_one_of(given, "fileType", FILE_TYPES),
            compression=_one_of(given, "compressionType", COMPRESSIONS),
            delimiter=_delimiter(given.get("columnDelimiter")),
            filters=given.get("filters"),
            determine=_flag(given, "determineProperties"),
        )


def _single(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of explore, each at most once in either spelling. The contract checks all others."""
    given: dict[str, Any] = {}
    for name, value in arguments.items():
        name = SPELLINGS.get(name, name)
        if name in given:
            raise refusal("value", name, "one value")
        if name in PARAMETERS:
            given[name] = value
    return given


def _flag(given: dict[str, Any], name: str) -> bool:
    value = given.get(name, False)
    if not isinstance(value, bool):
        raise refusal("value", name, "true or false")
    return value


def _one_of(given: dict[str, Any], name: str, values: tuple[str, ...]) -> str | None:
    """The documented spelling of a value that may arrive in any case."""
    if name not in given:
        return None
    for value in values:
        if value.lower() == given[name].lower():
            return value
    raise refusal("value", name, "one of " + ", ".join(values))


def _delimiter(value: str | None) -> str | None:
    r"""One character; a tab may be written `\t`, as the tutorial does."""
    if value == r"\t":
        return "\t"
    if value is not None and (len(value) != 1 or value in '\r\n"'):
        raise refusal("value", "columnDelimiter", "one character")
    return value
