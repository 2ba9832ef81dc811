"""Tests of who may change what others see, and of the trust in this installation's certificate authority."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from mockserver import Config, Emulator, create_app, files
from mockserver.config import ConfigError, without_secrets
from mockserver.conformance import evaluate, write_reports
from mockserver.intercept import authority
from mockserver.intercept.authority import Authority, AuthorityError
from tests.calls import HEADERS, by_string, call, connection, made, send
from tests.dataflows import AMAZON_S3, looked_up
from tests.rows import each

FORM = {"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"}
OTHER_ORG = {"x-gw-ims-org-id": "B@AdobeOrg"}


@each("path", ["/ims/token/v1", "/ims/token/v3", "/ims/exchange/jwt"])
@each("origin", ["https://evil.example", "null", "http://localhost:1"])
def test_a_form_on_a_page_of_another_origin_gets_no_token(path: str, origin: str) -> None:
    emulator = Emulator(Config(seed=1))
    web = create_app(emulator).test_client()
    form = {**FORM, "jwt_token": "z"}
    assert web.post(path, data=form, headers={"Origin": origin}).status_code == 403
    assert web.post(path, data=form, headers={"Origin": "http://localhost"}).status_code == 200
    assert [entry.status for entry in emulator.journal.entries()] == [403, 200]


@pytest.mark.parametrize("flood", ["refused", "admitted", "made-up clients"])
def test_a_flood_of_one_client_does_not_push_out_the_journal_of_another(flood: str) -> None:
    emulator = Emulator(Config(journal_entries=50))
    for _ in range(20):
        send(emulator, "GET", "/connections")
    for number in range(500):
        headers: dict[str, str | None] = {**OTHER_ORG}
        if flood == "refused":
            headers["authorization"] = None
        elif flood == "made-up clients":
            headers["x-api-key"] = f"client-{number}"
        send(emulator, "GET", "/connections", headers=headers)
    mine = [entry for entry in emulator.journal.entries() if entry.tenant and entry.tenant.org != "B@AdobeOrg"]
    assert len(mine) >= (20 if flood != "made-up clients" else 3)


def test_of_more_than_16_clients_the_first_keep_their_share_and_the_later_ones_have_one_together() -> None:
    """Whoever may invent clients can push out the later ones; requests without a client cannot."""
    emulator = Emulator(Config(journal_entries=180))

    def asked(number: int, times: int, **headers: str | None) -> None:
        for _ in range(times):
            send(emulator, "GET", "/connections", headers={"x-api-key": f"client-{number}", **headers})

    def kept(number: int) -> int:
        return sum(entry.headers["x-api-key"] == f"client-{number}" for entry in emulator.journal.entries())

    for number in range(18):
        asked(number, 9)
    asked(99, 500, authorization=None)
    assert [kept(number) for number in range(18)] == [9] * 18
    for number in range(100, 400):
        asked(number, 2)
    assert [kept(number) for number in range(16)] == [9] * 16
    assert kept(16) == kept(17) == 0, "documented in SECURITY.md"


def test_with_listed_api_keys_no_invented_client_pushes_out_another() -> None:
    keys = tuple(f"client-{number}" for number in range(18))
    emulator = Emulator(Config(journal_entries=200, api_keys=keys))
    for key in keys:
        for _ in range(9):
            assert send(emulator, "GET", "/connections", headers={"x-api-key": key}).status == 200
    for number in range(600):
        assert send(emulator, "GET", "/connections", headers={"x-api-key": f"x-{number}"}).status in (401, 403)
    kept = [entry for entry in emulator.journal.entries() if entry.headers["x-api-key"] in keys]
    assert len(kept) == 9 * len(keys)


def test_a_fault_in_a_header_touches_its_own_call_only() -> None:
    emulator = Emulator()
    assert send(emulator, "GET", "/connections", headers={"x-mock-fault": "token-revoked"}).status == 401
    assert send(emulator, "GET", "/connections").status == 200


def test_a_token_revoked_on_order_is_revoked_for_the_organisation_that_was_struck() -> None:
    emulator = Emulator()
    emulator.faults.strike("token-revoked", times=1)
    assert [send(emulator, "GET", "/connections").status for _ in range(2)] == [401, 401]
    assert send(emulator, "GET", "/connections", headers={**OTHER_ORG}).status == 200


def test_a_server_behind_a_proxy_asks_for_the_admin_token() -> None:
    path = "/_mock/state?credentials=include"
    assert create_app(Emulator(Config(behind_proxy=True))).test_client().get(path).status_code == 401
    guarded = create_app(Emulator(Config(behind_proxy=True, admin_token="t"))).test_client()
    assert guarded.get(path).status_code == 401
    assert guarded.get(path, headers={"x-mock-admin-token": "t"}).status_code == 200
    assert create_app(Emulator(Config())).test_client().get(path).status_code == 200


@pytest.mark.parametrize(
    "state",
    [
        "host=h password=c4n4ry",
        "user=a;password=c4n4ry",
        "mysql://u:c4n4ry@h/d",
        "u:c4n4ry@h/d",
        "password = c4n4ry",
        "HTTPS://c4n4ry@x",
    ],
)
def test_a_connection_string_of_another_form_does_not_become_a_file(state: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        Config(state=state)
    assert "c4n4ry" not in str(refused.value)
    Config(state=str(tmp_path / "flow.db")), Config(state="a/b.c@d.db"), Config(state="postgresql://u:p@h/d")


def test_an_export_that_is_masked_says_so_when_it_is_put_back() -> None:
    emulator = Emulator(Config(seed=1))
    web = create_app(emulator).test_client()
    base = made(emulator)["id"]
    answer = web.put("/_mock/state", json=web.get("/_mock/state").json).json
    assert answer is not None and answer["masked"] == 1 and "credentials=include" in answer["warning"]
    assert send(emulator, "GET", f"/connections/{base}").status == 200
    whole = web.get("/_mock/state?credentials=include").json
    assert web.put("/_mock/state", json=whole).json == {"status": "restored", "masked": 1, "warning": answer["warning"]}


def s3() -> dict[str, Any]:
    auth = {"specName": "Access Key", "params": {"s3AccessKey": "reader", "s3SecretKey": "c4n4ry"}}
    return {"name": "s3", "connectionSpec": {"id": AMAZON_S3, "version": "1.0"}, "auth": auth}


MASKED = [connection(), by_string("Server=db;Database=d;UID=u;Password=c4n4ry"), s3()]


@pytest.mark.parametrize("body", MASKED, ids=["by params", "by connection string", "by access key"])
def test_what_a_masked_export_brings_back_works_only_with_its_credentials(body: dict[str, Any]) -> None:
    emulator = Emulator(Config(seed=1))
    path = f"/connections/{made(emulator, body)['id']}"
    answers = []
    for credentials in (True, False):
        emulator.restore(emulator.export(credentials=credentials))
        answers.append((send(emulator, "GET", f"{path}/test").body, send(emulator, "GET", f"{path}/configs").status))
    assert answers == [({"result": True}, 200), ({"result": False}, 400)]
    result = send(emulator, "GET", f"{path}/explore?objectType=root")
    assert isinstance(result.body, dict) and "credentials are masked" in result.body["errorMessage"]
    etag = looked_up(emulator, path)["etag"]
    change = [{"op": "replace", "path": "/auth/params", "value": body["auth"]["params"]}]
    assert send(emulator, "PATCH", path, change, headers={"if-match": etag}).status == 200
    assert send(emulator, "GET", f"{path}/test").body == {"result": True}


def test_a_program_that_we_start_gets_no_secret_of_ours() -> None:
    given = {
        "MOCKSERVER_STATE": "s",
        "MOCKSERVER_ADMIN_TOKEN": "t",
        "MOCKSERVER_CLIENT_SECRETS": "a=b",
        **dict.fromkeys(("PGPASSWORD", "PGSSLPASSWORD", "PGOAUTHCLIENTSECRET"), "p"),
    }
    assert without_secrets({**given, "PATH": "/bin", "MOCKSERVER_SEED": "1"}) == {
        "PATH": "/bin",
        "MOCKSERVER_SEED": "1",
    }


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="only Linux shows the environment of a process")
@pytest.mark.parametrize("words", ["exec", "conformance --output all", "record --out r"])
def test_commands_that_run_a_program_wipe_their_own_environment(words: str, tmp_path: Path) -> None:
    look = "import os; print(open(f'/proc/{os.getppid()}/environ').read().replace(chr(0), ' '), dict(os.environ))"
    command = [sys.executable, "-m", "mockserver", *words.split(), "--", sys.executable, "-c", look]
    environ = {**os.environ, "MOCKSERVER_ADMIN_TOKEN": "c4n4ry-token", "PGSSLPASSWORD": "c4n4ry-pg", "SEEN": "seen"}
    shown = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=100, cwd=tmp_path).stdout
    assert "SEEN" in shown and "c4n4ry" not in shown


def _kept(folder: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + certificate.public_bytes(serialization.Encoding.PEM)
    path = folder / "authority.pem"
    path.touch(mode=0o600)
    path.write_bytes(pem)


def _planted(folder: Path, **changes: Any) -> None:
    """An authority that differs from ours in one respect."""
    key = ec.generate_private_key(changes.get("curve", ec.SECP256R1()))
    whole = authority._authority_certificate(key)
    ends = whole.not_valid_after_utc + changes.get("longer", timedelta(0))
    builder = authority._certificate(whole.subject, whole.issuer, key.public_key(), ends)
    if "later" in changes:
        start = whole.not_valid_before_utc + changes["later"]
        builder = x509.CertificateBuilder(
            whole.issuer, whole.subject, key.public_key(), whole.serial_number, start, ends
        )
    for extension in whole.extensions:
        value = changes.get(type(extension.value).__name__, extension.value)
        if value is not None:
            critical = extension.critical and type(extension.value).__name__ != changes.get("uncritical")
            builder = builder.add_extension(value, critical=critical)
    if "more" in changes:
        builder = builder.add_extension(changes["more"], critical=False)
    _kept(folder, builder.sign(changes.get("signer", key), hashes.SHA256()), changes.get("key", key))


def _link(folder: Path) -> None:
    Authority.renew(folder.with_name("real"))
    folder.symlink_to(folder.with_name("real"))


def _opened(name: str, mode: int) -> Callable[[Path], None]:
    def plant(folder: Path) -> None:
        Authority.renew(folder)
        (folder / name if name else folder).chmod(mode)

    return plant


def _pipe(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    os.mkfifo(folder / "authority.pem", 0o600)


def _encrypted(folder: Path) -> None:
    made = Authority.renew(folder)
    pem = made.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )
    (folder / "authority.pem").write_bytes(pem + made.pem)


_ANOTHER_NAME = x509.SubjectAlternativeName([x509.DNSName("example.com")])


def _one_more() -> x509.NameConstraints:
    extensions = authority._extensions(ec.generate_private_key(ec.SECP256R1()).public_key())
    ours = next(one for one, _ in extensions if isinstance(one, x509.NameConstraints))
    return x509.NameConstraints([*(ours.permitted_subtrees or ()), x509.DNSName("example.com")], None)


PLANTED: dict[str, tuple[Callable[[Path], None], str]] = {
    "no constraints": (lambda folder: _planted(folder, NameConstraints=None), "NameConstraints"),
    "other names": (
        lambda folder: _planted(folder, NameConstraints=x509.NameConstraints([x509.DNSName("example.com")], None)),
        "NameConstraints",
    ),
    "issues authorities": (
        lambda folder: _planted(folder, BasicConstraints=x509.BasicConstraints(ca=True, path_length=None)),
        "BasicConstraints",
    ),
    "lives for years": (lambda folder: _planted(folder, longer=timedelta(days=1000)), "more than 90 days"),
    "not valid yet": (lambda folder: _planted(folder, later=timedelta(days=10)), "not valid yet"),
    "for anything": (lambda folder: _planted(folder, ExtendedKeyUsage=None), "ExtendedKeyUsage"),
    "constraints for who likes": (lambda folder: _planted(folder, uncritical="NameConstraints"), "NameConstraints"),
    "a name more": (lambda folder: _planted(folder, NameConstraints=_one_more()), "NameConstraints"),
    "a weak key": (lambda folder: _planted(folder, curve=ec.SECP224R1()), "key of another kind"),
    "another key": (lambda folder: _planted(folder, key=ec.generate_private_key(ec.SECP256R1())), "key is not that"),
    "another signer": (lambda folder: _planted(folder, signer=ec.generate_private_key(ec.SECP256R1())), "not signed"),
    "an encrypted key": (_encrypted, "is encrypted"),
    "an extension more": (lambda folder: _planted(folder, more=_ANOTHER_NAME), "more extensions"),
    "a link": (_link, "is a link"),
    "a pipe": (_pipe, "not a regular file"),
    "a folder for all": (_opened("", 0o777), "open to others"),
    "a key for all": (_opened("authority.pem", 0o644), "open to others"),
}


@pytest.mark.parametrize("kind", PLANTED)
def test_a_certificate_authority_that_is_found_is_not_trusted_as_it_is(kind: str, tmp_path: Path) -> None:
    plant, why = PLANTED[kind]
    plant(tmp_path / "ca")
    with pytest.raises(AuthorityError, match=why) as refused:
        Authority.open(tmp_path / "ca")
    assert str(tmp_path / "ca") in str(refused.value)


def test_none_is_made_where_a_link_leads(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir(mode=0o755)
    (tmp_path / "ca").symlink_to(tmp_path / "theirs")
    with pytest.raises(AuthorityError, match="is a link"):
        Authority.renew(tmp_path / "ca")
    assert not list((tmp_path / "theirs").iterdir()) and (tmp_path / "theirs").stat().st_mode & 0o777 == 0o755


def test_one_of_another_user_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Authority.renew(tmp_path / "ca")
    monkeypatch.setattr(os, "getuid", lambda: os.stat(tmp_path).st_uid + 1)
    with pytest.raises(AuthorityError, match="belongs to another user"):
        Authority.open(tmp_path / "ca")


def test_a_link_planted_while_a_file_is_written_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name of the new file can be guessed: a link appears there just after what was left there was removed."""
    victim, report, listed = tmp_path / "victim", tmp_path / "report.json", Path.iterdir
    victim.write_text("precious")
    planted = tmp_path / ".report.json.0.new"

    def list_and_plant(path: Path) -> Iterator[Path]:
        yield from listed(path)
        planted.symlink_to(victim)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "iterdir", list_and_plant)
        files.write(report, "mine")
    assert victim.read_text() == "precious" and planted.is_symlink()
    assert report.read_text() == "mine" and not report.is_symlink()
    files.write(report, "mine again")
    assert victim.read_text() == "precious" and not planted.is_symlink() and report.read_text() == "mine again"


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_reports_follow_no_planted_link_and_are_for_nobody_else_to_write(tmp_path: Path, mask: int) -> None:
    emulator = Emulator()
    emulator.handle(call("POST", "/connections", connection(), headers=HEADERS))
    victim = tmp_path / "victim"
    victim.write_text("precious")
    folder = tmp_path / "deep" / "report"
    before = os.umask(mask)
    try:
        folder.parent.mkdir()
        folder.mkdir()
        for name in ("index.html", "report.json"):
            (folder / name).symlink_to(victim)
        written = write_reports(evaluate(emulator.journal.entries(), emulator.contract), folder)
        made_anew = write_reports(evaluate([], emulator.contract), tmp_path / "new" / "one")
    finally:
        os.umask(before)
    assert victim.read_text() == "precious"
    for path in (*written, *made_anew, tmp_path / "new", tmp_path / "new" / "one"):
        assert not path.is_symlink() and not stat.S_IMODE(path.stat().st_mode) & (0o022 | mask)


CLIENT = "import urllib.request as r; r.urlopen('https://platform.adobe.io/data/foundation/flowservice/connections')"
RECORD = ["record", "--out", "recorded.har", "--upstream", "http://127.0.0.1:9", "--"]


def test_what_commands_write_is_for_nobody_else_to_change(tmp_path: Path) -> None:
    """`init` and `record` left this to the umask, as did the folders above that of the certificate authority."""
    cases = {
        "project": ("init", "project"),
        "a/b": ("ca", "--ca-folder", "a/b", "renew"),
        "recorded.har": (*RECORD, sys.executable, "-c", CLIENT),
    }
    for arguments in cases.values():
        command = [sys.executable, "-m", "mockserver", *arguments]
        subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60, umask=0)
    made = [tmp_path / "a", *(path for name in cases for path in [tmp_path / name, *(tmp_path / name).rglob("*")])]
    assert len(made) >= 7
    assert [path for path in made if path.stat().st_mode & 0o022] == []
