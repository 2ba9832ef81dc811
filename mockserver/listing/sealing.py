"""Encrypts continuation tokens: filters may name secrets, and cursors reveal how much other tenants write.

Encryption with a synthetic IV (as in RFC 5297), of BLAKE2 and SHAKE: the same content makes the same token.
"""

from __future__ import annotations

import base64
import hashlib
import re

IV_BYTES = 12
"""Bytes before the content of a token."""
_TOKEN = re.compile(r"[A-Za-z0-9_-]+")


def seal(content: bytes, key: bytes) -> str:
    """Encrypt the content of a token."""
    iv = _iv(content, key)
    return base64.urlsafe_b64encode(iv + _mixed(content, iv, key)).rstrip(b"=").decode()


def unseal(token: str, key: bytes) -> bytes:
    """Decrypt a token. Raises ValueError for a forged one."""
    if not _TOKEN.fullmatch(token):
        raise ValueError
    sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    iv = sealed[:IV_BYTES]
    content = _mixed(sealed[IV_BYTES:], iv, key)
    if _iv(content, key) != iv:
        raise ValueError
    return content


def _iv(content: bytes, key: bytes) -> bytes:
    return hashlib.blake2b(content, key=key, digest_size=IV_BYTES, person=b"iv").digest()


def _mixed(content: bytes, iv: bytes, key: bytes) -> bytes:
    stream = hashlib.shake_256(key + iv).digest(len(content))
    return (int.from_bytes(content, "big") ^ int.from_bytes(stream, "big")).to_bytes(len(content), "big")
