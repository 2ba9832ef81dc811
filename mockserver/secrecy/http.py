"""Shows the headers and the path of a request or response."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from mockserver.secrecy import ALONE, clean, hidden, name, placeholders, signed
from mockserver.secrecy.placeholders import VARIABLE, is_placeholder

_ETAGS = re.compile(r"[\w.:@*{}\"' ,/\\-]{0,256}")
_ID = re.compile(r"[\w.:@*{}\" -]{0,256}")
_NAME = re.compile(r"[\w.:@*{}\"-]{0,256}")
"""Characters of lists of etags, also with wrong quotes; of ids; of ids and names in headers, which have no blanks."""
_HARMLESS_HEADERS = placeholders.words(
    """
    accept accept-charset accept-encoding accept-language access-control-request-headers
    access-control-request-method allow cache-control connection content-encoding content-language
    content-length content-type date dnt etag expect host if-match if-modified-since if-none-match keep-alive
    origin pragma priority retry-after sec-ch-ua sec-ch-ua-mobile sec-ch-ua-platform sec-fetch-dest
    sec-fetch-mode sec-fetch-site sec-fetch-user te traceparent transfer-encoding upgrade-insecure-requests
    user-agent vary x-api-key x-gw-ims-org-id x-mock-fault x-request-id x-sandbox-id x-sandbox-name
    """
)
"""Headers without credentials. `x-api-key` is a client's public id."""
_FORMS = {
    "host": re.compile(r"[\w.:*{}\[\]-]{0,256}"),
    **dict.fromkeys(("if-match", "if-none-match"), _ETAGS),
    **dict.fromkeys(("x-api-key", "x-gw-ims-org-id", "x-sandbox-id", "x-sandbox-name"), _NAME),
}
"""Headers that are shown only in this form."""
_SCHEMES = frozenset({"basic", "bearer", "digest", "negotiate"})


def path(text: str, *, known: bool) -> str:
    """The path of a call. Ids of known paths are shown; of unknown paths only words and UUIDs."""
    form = _ID if known else ALONE
    parts = text.split("/")
    return "/".join(part if form.fullmatch(part) or is_placeholder(part) else hidden(part) for part in parts)


def headers(sent: Mapping[str, str], limit: int | None = None) -> dict[str, str]:
    """Headers of a request, each cut after `limit` characters."""
    return {name(key): header(key.lower(), value)[:limit] for key, value in sent.items()}


def answer_headers(sent: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Headers of a response. A `Location` is cut to its path."""
    return {
        name(key): clean(value).partition("?")[0] if key.lower() == "location" else header(key.lower(), value)
        for key, value in sent
    }


def header(key: str, value: str) -> str:
    """The value of a header, given its name in lower case."""
    if key in _HARMLESS_HEADERS:
        form = _FORMS.get(key)
        if form is None or form.fullmatch(value):
            return clean(value)
        return signed("variable", value) if VARIABLE.search(value) else _credential(value, 4)
    scheme, _, credential = value.strip().partition(" ")
    if key == "authorization" and scheme.lower() in _SCHEMES:
        return f"{scheme} {_credential(credential.strip(), 12)}".rstrip()
    return _credential(value, 12) if key == "authorization" else str(hidden(value, digits=12))


def _credential(text: str, digits: int) -> str:
    """Hide a token, key or id in a header. A text that cannot be one, such as `undefined`, is shown."""
    if text.lower() in placeholders.NO_CREDENTIAL:
        return text
    return str(hidden(text, digits=digits, variable=placeholders.HEADER_VARIABLE))
