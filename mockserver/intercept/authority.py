"""The certificate authority of this installation: created on demand, short-lived, for the emulated names only.

It uses `cryptography` directly: trustme, which creates the tests' certificates, supports neither name
constraints nor a path length, and its CA is valid for centuries.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import os
import ssl
import stat
import tempfile
import threading
import time
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mockserver import files
from mockserver.intercept import PUBLIC_FILE
from mockserver.intercept.hosts import EMULATED, LOCAL_ADDRESSES, LOCAL_NAMES

AUTHORITY_LIFE = dt.timedelta(days=90)
LEAF_LIFE = dt.timedelta(days=7)
_RENEW_BEFORE = LEAF_LIFE + dt.timedelta(days=1)
"""Remaining lifetime below which a CA is replaced, so that it outlives every certificate it issues."""
_SLACK = dt.timedelta(hours=1)
"""Tolerated difference between the clocks of a machine and its containers."""
_UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)
"""What `cryptography` raises for damaged, encrypted or unknown keys and certificates."""

log = logging.getLogger("mockserver")
_FRESH_SECONDS = 3_600.0
"""Interval of renewal. A certificate is valid for a week, but a laptop may sleep through most of it."""
_SECRET_FILE = "authority.pem"  # noqa: S105  (a file's name)


class AuthorityError(OSError):
    """The CA cannot be stored or read; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A CA. Its key is in memory and in a file that only this user can read."""

    folder: Path
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def open(cls, folder: Path) -> Authority:
        """The CA in the folder, created if missing and replaced if nearly expired.

        Raises AuthorityError.
        """
        kept = cls.read(folder)
        if kept is None or kept.certificate.not_valid_after_utc - now() < _RENEW_BEFORE:
            made = cls.renew(folder)
            kept = cls.read(folder) or made  # another process may have made one at the same time: the last one counts
        kept._publish()
        return kept

    @classmethod
    def read(cls, folder: Path) -> Authority | None:
        """The CA in the folder, or None. Raises AuthorityError."""
        path = folder / _SECRET_FILE
        try:
            _demand_own(folder, others=stat.S_IWGRP | stat.S_IWOTH)
            content = _demand_own(path, others=stat.S_IRWXG | stat.S_IRWXO).read_bytes()
            key = serialization.load_pem_private_key(content, password=None)
            certificate = x509.load_pem_x509_certificate(content)
            wrong = _wrong_with(certificate, key)
        except FileNotFoundError:
            return None
        except (OSError, *_UNREADABLE) as error:
            raise AuthorityError(f"{path} cannot be read ({error}); `mockserver ca renew` makes another") from None
        if wrong or not isinstance(key, ec.EllipticCurvePrivateKey):
            raise AuthorityError(f"{path}: {wrong}; `mockserver ca renew` makes another")
        return cls(folder, certificate, key)

    @classmethod
    def renew(cls, folder: Path) -> Authority:
        """Create a new CA, replacing any existing one. Raises AuthorityError."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = cls(folder, _authority_certificate(key), key)
        try:
            files.make_folder(folder.parent)
            folder.mkdir(mode=0o700, exist_ok=True)
            _demand_own(folder)
            folder.chmod(0o700)
            _write(folder / _SECRET_FILE, _pem(key) + made.pem)
        except AuthorityError:
            raise
        except OSError as error:
            raise AuthorityError(f"{folder} cannot keep the certificate authority: {error.strerror}") from None
        made._publish()
        return made

    def _publish(self) -> None:
        """Write the certificate file if it does not belong to the key."""
        path = self.public_file
        try:
            if not path.is_file() or path.read_bytes() != self.pem:
                _write(path, self.pem, mode=0o644)
        except OSError as error:
            raise AuthorityError(f"{path} cannot be written: {error.strerror}") from None

    @property
    def pem(self) -> bytes:
        """The certificate in PEM form."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def public_file(self) -> Path:
        """The certificate file, for manual trust configuration."""
        return self.folder / PUBLIC_FILE

    @property
    def permitted(self) -> list[str]:
        """Names and addresses that it may certify."""
        constraints = self.certificate.extensions.get_extension_for_class(x509.NameConstraints).value
        return [str(subtree.value) for subtree in constraints.permitted_subtrees or ()]

    @property
    def fingerprint(self) -> str:
        """The SHA-256 fingerprint of the certificate, as printed by browsers and openssl."""
        return self.certificate.fingerprint(hashes.SHA256()).hex(":").upper()

    def server_context(self) -> ssl.SSLContext:
        """A TLS context for a server of the emulated names, with HTTP/1.1."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        self.load_leaf(context)
        return context

    def load_leaf(self, context: ssl.SSLContext) -> None:
        """Load a new certificate into a context; later connections use it."""
        key = ec.generate_private_key(ec.SECP256R1())
        chain = self.issue(key.public_key()).public_bytes(serialization.Encoding.PEM)
        with tempfile.TemporaryDirectory(prefix="mockserver-") as folder:  # ssl reads keys from files alone
            path = Path(folder) / "leaf.pem"
            _write(path, _pem(key) + chain)
            context.load_cert_chain(path)

    def issue(
        self,
        public_key: ec.EllipticCurvePublicKey,
        names: tuple[str, ...] = (*LOCAL_NAMES, *EMULATED),
    ) -> x509.Certificate:
        """Issue a server certificate. Clients, not this method, enforce the CA's name constraints."""
        own = x509.SubjectKeyIdentifier.from_public_key(self.key.public_key())
        addresses = LOCAL_ADDRESSES if "localhost" in names else ()
        alternatives = [*map(x509.DNSName, names), *map(x509.IPAddress, addresses)]
        ends = min(now() + LEAF_LIFE - _SLACK, self.certificate.not_valid_after_utc)
        return (
            _certificate(_named("Mock Flow Service"), self.certificate.subject, public_key, ends)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own), critical=False)
            .sign(self.key, hashes.SHA256())
        )


def lasting_context(folder: Path) -> ssl.SSLContext:
    """A TLS context for a server of any lifetime: its certificate is renewed regularly.

    Raises AuthorityError.
    """
    context = Authority.open(folder).server_context()

    def keep_fresh() -> None:
        while True:
            time.sleep(_FRESH_SECONDS)
            try:
                Authority.open(folder).load_leaf(context)
            except AuthorityError as error:
                log.warning("the certificate is not renewed: %s", error)

    threading.Thread(target=keep_fresh, name="mockserver-certificate", daemon=True).start()
    return context


def remove(folder: Path) -> bool:
    """Delete the CA; returns whether it existed. Raises AuthorityError."""
    try:
        present = (folder / _SECRET_FILE).exists()
        for name in (_SECRET_FILE, PUBLIC_FILE):
            (folder / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # it contains other files
            folder.rmdir()
    except OSError as error:
        raise AuthorityError(f"{folder} cannot be emptied: {error.strerror}") from None
    return present


def _authority_certificate(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    public = key.public_key()
    name = _named(f"Mock Flow Service test authority {now():%Y-%m-%d}")
    made = _certificate(name, name, public, now() + AUTHORITY_LIFE - _SLACK)
    for extension, critical in _extensions(public):
        made = made.add_extension(extension, critical=critical)
    return made.sign(key, hashes.SHA256())


def _demand_own(path: Path, *, others: int = 0) -> Path:
    """Require a folder or regular file, no link, that belongs to this user and gives others none of these permissions.

    Raises AuthorityError, and FileNotFoundError.
    """
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        raise AuthorityError(f"{path} is a link: a certificate authority is trusted only where it was made")
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):  # reading a pipe would wait for a writer
        raise AuthorityError(f"{path} is not a regular file: its certificate authority is not trusted")
    if hasattr(os, "getuid"):  # not on Windows, where neither is meaningful
        if found.st_uid != os.getuid():
            raise AuthorityError(f"{path} belongs to another user: its certificate authority is not trusted")
        if found.st_mode & others:
            mode = stat.S_IMODE(found.st_mode)
            raise AuthorityError(f"{path} is open to others (mode {mode:o}): its certificate authority is not trusted")
    return path


def _wrong_with(certificate: x509.Certificate, key: object) -> str | None:
    """A property that our CAs never have, such as the right to certify other names."""
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        return "it holds a key of another kind"
    if certificate.public_key() != key.public_key():
        return "the key is not that of the certificate"
    try:
        certificate.verify_directly_issued_by(certificate)
    except InvalidSignature:
        return "the certificate is not signed with its key"
    if certificate.not_valid_after_utc - certificate.not_valid_before_utc > AUTHORITY_LIFE + 2 * _SLACK:
        return f"the certificate is valid for more than {AUTHORITY_LIFE.days} days"
    if certificate.not_valid_before_utc > now():
        return "the certificate is not valid yet"
    found = {one.oid: (one.value, one.critical) for one in certificate.extensions}
    ours = _extensions(key.public_key())
    for extension, critical in ours:
        if found.get(extension.oid) != (extension, critical):
            return f"the certificate's {type(extension).__name__} is not that of this program"
    return "the certificate has more extensions than those of this program" if len(found) > len(ours) else None


def _extensions(public: ec.EllipticCurvePublicKey) -> list[tuple[x509.ExtensionType, bool]]:
    """The extensions of an authority, and whether each is critical.

    The constraints are the narrowest that X.509 allows: these names and those below them, and this machine's addresses.
    """
    networks: list[IPv4Network | IPv6Network] = [ip_network(address) for address in LOCAL_ADDRESSES]
    permitted = [*map(x509.DNSName, (*EMULATED, *LOCAL_NAMES)), *map(x509.IPAddress, networks)]
    return [
        (x509.BasicConstraints(ca=True, path_length=0), True),
        (_key_usage(signs_certificates=True), True),
        (x509.NameConstraints(permitted_subtrees=permitted, excluded_subtrees=None), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (x509.SubjectKeyIdentifier.from_public_key(public), False),
    ]


def _certificate(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey, ends: dt.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now() - _SLACK)
        .not_valid_after(ends)
    )


def _named(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a file atomically, never readable by others."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")  # mkstemp makes it 0600
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    if mode != 0o600:
        os.chmod(temporary, mode)
    os.replace(temporary, path)


def now() -> dt.datetime:
    """The time in whole seconds, as certificates have it."""
    return dt.datetime.now(dt.UTC).replace(microsecond=0)
