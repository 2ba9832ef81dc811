"""Takes credentials out of a call before anything of it is stored or printed.

What is known to be a secret by its place (auth params, tokens, client secrets) is masked there, and
its text wherever else in the same call it shows up, say in a name.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, unquote_plus

from mockserver import connection_string
from mockserver.exchange import Json, Pairs

MASK = "********"
"""What a secret looks like in answers and everywhere else."""

_OPEN_PARAMS = frozenset({"server", "host", "port", "database", "username", "userName", "sslMode", "dataType", "name"})
"""Auth params that are shown; every other one is taken for a secret."""

_SECRET_WORDS = re.compile(
    r"password|passwd|pwd|secret|token|credential|private|passphrase|connectionstring|sas", re.IGNORECASE
)
_HARMLESS = frozenset({"continuationtoken", "token_type"})
_PLACEHOLDER = re.compile(r"\{[A-Za-z0-9_ ]{1,64}\}")
_SHORTEST = 4
"""Shorter secrets are masked in their place only: their text is everywhere."""


def fingerprint(secret: str) -> str:
    """Tells one secret from another without giving it away."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()[:8]


def headers(sent: Mapping[str, str]) -> dict[str, str]:
    """Headers with the token reduced to its scheme and a fingerprint, cookies to nothing."""
    shown = dict(sent)
    for name in ("authorization", "proxy-authorization", "cookie", "x-mock-admin-token"):
        if name in shown:
            scheme, _, secret = shown[name].partition(" ")
            if _PLACEHOLDER.fullmatch(secret.strip()):
                continue
            known = f" {MASK} {fingerprint(secret)}" if secret else f" {MASK}"
            shown[name] = (scheme if secret and scheme.isalpha() else "") + known
    return shown


def query(raw: str) -> str:
    """A query string with secret-looking parameters and filters on auth masked."""
    if not raw or ("auth" not in raw and not _SECRET_WORDS.search(unquote_plus(raw))):
        return raw
    pairs: Pairs = tuple(parse_qsl(raw, keep_blank_values=True))
    return "&".join(f"{quote(name)}={quote(_query_value(name, value))}" for name, value in pairs)


def _query_value(name: str, value: str) -> str:
    if name.lower() in _HARMLESS:
        return value
    if _SECRET_WORDS.search(name):
        return MASK
    return MASK if re.search(r"\bauth\b", value) else value


def body(value: Json) -> Json:
    """A parsed body, request or answer, with every secret masked."""
    found: set[str] = set()
    masked = _walk(value, found, in_params=False)
    longest_first = sorted((secret for secret in found if len(secret) >= _SHORTEST), key=len, reverse=True)
    return _without(masked, longest_first) if longest_first else masked


def excerpt(value: Json, most: int) -> str:
    """The masked body as compact JSON, cut after `most` characters."""
    if value is None:
        return ""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= most else text[:most] + "…"


def _walk(value: Any, found: set[str], *, in_params: bool) -> Any:
    if isinstance(value, dict):
        if _is_patch_of_auth(value):
            return {**value, "value": _patched(value["path"], value.get("value"), found)}
        return {name: _member(name, inner, found, in_params) for name, inner in value.items()}
    if isinstance(value, list):
        return [_walk(item, found, in_params=in_params) for item in value]
    return value


def _member(name: str, value: Any, found: set[str], in_params: bool) -> Any:
    if isinstance(value, dict | list):
        return _walk(value, found, in_params=in_params or name == "params")
    secret = name not in _OPEN_PARAMS if in_params else _looks_secret(name)
    return _hide(name, value, found) if secret else value


def _looks_secret(name: str) -> bool:
    return bool(_SECRET_WORDS.search(name)) and name.lower() not in _HARMLESS


def _hide(name: str, value: Any, found: set[str]) -> Any:
    if not isinstance(value, str):
        return value if value is None or isinstance(value, bool) else MASK
    if _PLACEHOLDER.fullmatch(value) or value == MASK:
        return value
    if name == "connectionString":
        return _connection_string(value, found)
    found.add(value)
    return MASK


def _connection_string(text: str, found: set[str]) -> str:
    """Keys stay to be judged; of the values only those that cannot be a credential."""
    found.add(text)
    try:
        pairs = connection_string.parse(text).pairs
    except connection_string.ConnectionStringError:
        return MASK
    shown = []
    for key, value in pairs:
        if key.lower() in ("password", "pwd") or key.lower() not in _OPEN_KEYS:
            found.add(value)
            shown.append((key, value if _PLACEHOLDER.fullmatch(value) else MASK))
        else:
            shown.append((key, value))
    return connection_string.format(shown)


_OPEN_KEYS = frozenset({"server", "host", "database", "port", "uid", "encryptionmethod", "validateservercertificate"})


def _is_patch_of_auth(value: Mapping[str, Any]) -> bool:
    path = value.get("path")
    return isinstance(path, str) and "op" in value and path.startswith("/auth")


def _patched(path: str, value: Any, found: set[str]) -> Any:
    if isinstance(value, dict | list):
        return _walk(value, found, in_params=True)
    return _member(path.rpartition("/")[2], value, found, in_params="/params/" in path)


def _without(value: Any, secrets: list[str]) -> Any:
    """The value with every secret text removed from every string."""
    if isinstance(value, str):
        for secret in secrets:
            if secret in value:
                value = value.replace(secret, MASK)
        return value
    if isinstance(value, dict):
        return {_without(name, secrets): _without(inner, secrets) for name, inner in value.items()}
    if isinstance(value, list):
        return [_without(item, secrets) for item in value]
    return value


def secrets_in(value: Json) -> Iterator[str]:
    """Every secret text of a body: for rules that look for them elsewhere."""
    found: set[str] = set()
    _walk(value, found, in_params=False)
    yield from found
