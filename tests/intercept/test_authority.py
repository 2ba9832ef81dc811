"""Tests of the certificate authority: who can read it, its constraints and lifetime, and what verifiers accept."""

from __future__ import annotations

import datetime as dt
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from mockserver import intercept
from mockserver.cli import main
from mockserver.intercept import authority
from mockserver.intercept.authority import Authority, AuthorityError
from mockserver.intercept.hosts import EMULATED
from tests.programs import needs


@pytest.fixture
def ca(ca_folder: Path) -> Authority:
    return Authority.open(ca_folder)


def leaf(ca: Authority, *names: str) -> x509.Certificate:
    return ca.issue(ec.generate_private_key(ec.SECP256R1()).public_key(), names or EMULATED)


def extension(certificate: x509.Certificate, kind: type) -> x509.Extension:
    return certificate.extensions.get_extension_for_class(kind)


def test_key_and_folder_are_the_users_alone(tmp_path: Path) -> None:
    folder = Authority.open(tmp_path / "a" / "ca").folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    secret = [path for path in folder.iterdir() if b"PRIVATE KEY" in path.read_bytes()]
    assert [stat.S_IMODE(path.stat().st_mode) for path in secret] == [0o600]
    assert sorted(path.name for path in folder.iterdir()) == ["authority.pem", "ca.pem"]


def test_it_may_issue_for_90_days_certificates_that_issue_nothing_and_live_a_week(ca: Authority) -> None:
    basic = extension(ca.certificate, x509.BasicConstraints)
    assert (basic.critical, basic.value.ca, basic.value.path_length) == (True, True, 0)
    assert life(ca.certificate) <= dt.timedelta(days=90)
    assert not extension(leaf(ca), x509.BasicConstraints).value.ca
    assert life(leaf(ca)) <= dt.timedelta(days=7)


def life(certificate: x509.Certificate) -> dt.timedelta:
    return certificate.not_valid_after_utc - certificate.not_valid_before_utc


def test_its_constraints_are_critical_and_name_the_emulated_hosts_and_this_machine(ca: Authority) -> None:
    assert extension(ca.certificate, x509.NameConstraints).critical
    assert set(ca.permitted) == {*EMULATED, "localhost", "127.0.0.1/32", "::1/128"}


VERIFIED = {
    "platform.adobe.io": True,
    "ims-na1.adobelogin.com": True,
    "x.platform.adobe.io": True,  # X.509 cannot exclude names below a host
    "adobe.io": False,
    "io": False,
    "xplatform.adobe.io": False,
    "platform.adobe.io.example.com": False,
    "platform-va8.adobe.io": False,
    "www.example.com": False,
}


def test_a_served_certificate_names_exactly_the_emulated_hosts(ca: Authority) -> None:
    served = ca.issue(ec.generate_private_key(ec.SECP256R1()).public_key())
    names = extension(served, x509.SubjectAlternativeName).value
    assert sorted(names.get_values_for_type(x509.DNSName)) == sorted([*EMULATED, "localhost"])
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]


@pytest.mark.parametrize(("name", "accepted"), VERIFIED.items())
def test_a_verifier_refuses_what_the_authority_should_not_have_issued(ca: Authority, name: str, accepted: bool) -> None:
    verifier = PolicyBuilder().store(Store([ca.certificate])).build_server_verifier(x509.DNSName(name))
    if accepted:
        verifier.verify(leaf(ca, name), [])
    else:
        with pytest.raises(VerificationError):
            verifier.verify(leaf(ca, name), [])


@needs("openssl")
@pytest.mark.parametrize(("name", "accepted"), VERIFIED.items())
def test_openssl_agrees(ca: Authority, tmp_path: Path, name: str, accepted: bool) -> None:
    path = tmp_path / "leaf.pem"
    path.write_bytes(leaf(ca, name).public_bytes(serialization.Encoding.PEM))
    command = ["openssl", "verify", "-x509_strict", "-CAfile", str(ca.public_file), "-verify_hostname", name, str(path)]
    verified = subprocess.run(command, capture_output=True, text=True)
    assert (verified.returncode == 0) == accepted, verified.stderr
    assert accepted or "permitted subtree violation" in verified.stderr


def test_it_is_kept_and_made_anew_before_it_runs_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Authority.open(tmp_path)
    assert Authority.open(tmp_path).fingerprint == first.fingerprint
    now = dt.datetime.now(dt.UTC)
    monkeypatch.setattr(authority, "now", lambda: now + dt.timedelta(days=81))
    assert Authority.open(tmp_path).fingerprint == first.fingerprint
    monkeypatch.setattr(authority, "now", lambda: now + dt.timedelta(days=83))
    renewed = Authority.open(tmp_path)
    assert renewed.fingerprint != first.fingerprint
    assert leaf(renewed).not_valid_after_utc < renewed.certificate.not_valid_after_utc


def test_the_certificate_that_is_handed_out_is_the_keys_own(tmp_path: Path) -> None:
    first = Authority.open(tmp_path)
    (tmp_path / "ca.pem").write_bytes(Authority.renew(tmp_path / "other").pem)
    assert Authority.open(tmp_path).public_file.read_bytes() == first.pem


def test_a_damaged_file_is_named_with_what_to_do(tmp_path: Path) -> None:
    Authority.open(tmp_path)
    (tmp_path / "authority.pem").write_text("not a key")
    with pytest.raises(AuthorityError, match=r"authority\.pem cannot be read.*mockserver ca renew"):
        Authority.open(tmp_path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AuthorityError, match="file"):
        Authority.open(tmp_path / "file" / "ca")


@pytest.mark.parametrize(
    ("platform", "environ", "expected"),
    [
        ("linux", {"XDG_STATE_HOME": "/state", "HOME": "/me"}, "/state/mock-flow-service/ca"),
        ("linux", {"HOME": "/me"}, "/me/.local/state/mock-flow-service/ca"),
        ("win32", {"LOCALAPPDATA": "/local", "HOME": "/me"}, "/local/mock-flow-service/ca"),
        ("win32", {"HOME": "/me"}, "/me/AppData/Local/mock-flow-service/ca"),
    ],
)
def test_it_lives_where_the_platform_keeps_a_users_state(
    monkeypatch: pytest.MonkeyPatch, platform: str, environ: dict[str, str], expected: str
) -> None:
    for name in ("XDG_STATE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(intercept.sys, "platform", platform)
    assert (intercept.ca_folder(), intercept.ca_folder("/chosen")) == (Path(expected), Path("/chosen"))


def command(folder: Path, *args: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["ca", "--ca-folder", str(folder), *args])
    return result.exit_code, result.output


def test_the_command_shows_renews_and_removes_it(tmp_path: Path) -> None:
    assert "there is none" in command(tmp_path, "show")[1] and not any(tmp_path.iterdir())
    assert command(tmp_path, "path") == (0, f"{tmp_path / 'ca.pem'}\n")
    status, shown = command(tmp_path, "show")
    fingerprint = Authority.open(tmp_path).fingerprint
    assert (status, fingerprint in shown, "NODE_EXTRA_CA_CERTS" in shown) == (0, True, True)
    status, renewed = command(tmp_path, "renew")
    assert status == 0 and fingerprint not in renewed
    (tmp_path / "theirs").write_text("")
    assert command(tmp_path, "remove")[0] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["theirs"]
    assert "none" in command(tmp_path, "remove")[1]


def no_folder(folder: Path) -> None:
    """Put a file in place of the folder."""
    folder.write_text("")


def no_place(folder: Path) -> None:
    """Put a folder in place of the certificate."""
    (folder / "ca.pem" / "theirs").mkdir(parents=True)


def another_key(folder: Path) -> None:
    """A key and a certificate of another key type than the authority's."""
    Authority.open(folder)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "authority.pem").write_bytes(text + (folder / "ca.pem").read_bytes())


@pytest.mark.parametrize(
    ("word", "spoil", "says"),
    [
        ("show", no_folder, "authority.pem cannot be read"),
        ("show", another_key, "holds a key of another kind; `mockserver ca renew` makes another"),
        ("renew", no_folder, "cannot keep the certificate authority"),
        ("path", no_place, "ca.pem cannot be written"),
        ("remove", no_place, "cannot be emptied"),
    ],
    ids=lambda value: value.__name__ if callable(value) else None,
)
def test_the_command_says_in_a_line_what_is_in_the_way(
    tmp_path: Path, word: str, spoil: Callable[[Path], None], says: str
) -> None:
    spoil(tmp_path / "ca")
    status, said = command(tmp_path / "ca", word)
    assert (status, says in said, "Traceback" in said) == (2, True, False), said


def test_the_command_reads_no_setting_that_it_does_not_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOCKSERVER_PORT", "https")
    status, _ = command(tmp_path, "show")
    assert status == 0


def test_no_output_holds_the_key(tmp_path: Path) -> None:
    key = Authority.open(tmp_path).key
    digits = f"{key.private_numbers().private_value:x}"
    for word in ("show", "path"):
        _, printed = command(tmp_path, word)
        assert "PRIVATE" not in printed and digits not in printed
