"""The beginning of a response body, as a finding may quote it: values from harmless places, else kind and length."""

from __future__ import annotations

import functools

from contracts.schema.document import Document
from contracts.secrecy import Mask
from contracts.wire import Answer

_MAX_EXCERPT = 200


def excerpt(answer: Answer, limit: int = _MAX_EXCERPT) -> str:
    """The beginning of a body without values that may be secrets: findings hide only the operator's own."""
    return _mask().body(answer.body)[:limit]


@functools.cache
def _mask() -> Mask:
    return Mask((), Document.load().harmless_names)
