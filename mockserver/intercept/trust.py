"""Trust files that make a client's language trust our CA in addition to its usual ones."""

from __future__ import annotations

import contextlib
import ssl
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.utils import CryptographyDeprecationWarning

from mockserver.intercept.authority import Authority

TRUSTSTORE_PASSWORD = "changeit"  # noqa: S105  (Java demands one; the file holds nothing secret)
_BEGIN, _END = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"
_NAMED_BUNDLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@dataclass(frozen=True, slots=True)
class TrustFiles:
    """The paths of the trust files. They contain certificates, no keys."""

    authority: Path
    """Our CA only, for languages that add it to their own."""
    bundle: Path
    """Our CA and all public ones, for languages that replace their own."""
    truststore: Path
    """The bundle as PKCS #12 for Java."""


def write(authority: Authority, folder: Path, environ: Mapping[str, str]) -> TrustFiles:
    """Write the files. A bundle named by the environment is included: a company may have its own."""
    others = _others(environ)
    files = TrustFiles(folder / "ca.pem", folder / "ca-bundle.pem", folder / "truststore.p12")
    files.authority.write_bytes(authority.pem)
    files.bundle.write_bytes(b"".join((authority.pem, b"\n", others)))
    files.truststore.write_bytes(_truststore([authority.certificate, *_certificates(others)]))
    return files


def _others(environ: Mapping[str, str]) -> bytes:
    for path in (*(environ.get(name) for name in _NAMED_BUNDLES), _public_bundle()):
        if path and Path(path).is_file():
            return Path(path).read_bytes()
    return b""


def _public_bundle() -> str | None:
    try:
        import certifi
    except ImportError:
        return ssl.get_default_verify_paths().cafile
    return certifi.where()


def _certificates(bundle: bytes) -> list[x509.Certificate]:
    """The readable certificates: public bundles contain a few that violate RFC 5280; other readers skip them, too."""
    found = []
    for part in bundle.split(_END)[:-1]:
        begin = part.rfind(_BEGIN)
        with contextlib.suppress(ValueError, CryptographyDeprecationWarning), warnings.catch_warnings():
            warnings.simplefilter("error", CryptographyDeprecationWarning)
            found.append(x509.load_pem_x509_certificate(part[begin:] + _END + b"\n"))
    return found


def _truststore(certificates: list[x509.Certificate]) -> bytes:
    entries = [
        pkcs12.PKCS12Certificate(certificate, f"ca-{number}".encode())
        for number, certificate in enumerate(certificates)
    ]
    encryption = serialization.BestAvailableEncryption(TRUSTSTORE_PASSWORD.encode())
    return pkcs12.serialize_java_truststore(entries, encryption)
