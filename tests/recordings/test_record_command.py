"""Tests of `mockserver record`: a client reaches a service unchanged, and the file has no secret."""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from ssl import SSLContext, VerifyMode
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from click.testing import CliRunner, Result

from mockserver import Config, __version__
from mockserver.cli import main
from mockserver.clients.program import PrivateServer
from mockserver.contract import Contract
from mockserver.exchange import BASE_PATH, Call
from mockserver.exchange import Result as Answer
from mockserver.har import reading
from mockserver.intercept.relay import Relay
from mockserver.intercept.streams import ByteStream, StreamServer
from mockserver.recordings.recorder import Aside, Recorder
from mockserver.recordings.recording import Recording
from mockserver.server import Server, make_server
from mockserver.specs.connectors import Connectors
from tests.calls import HEADERS, connection
from tests.rows import each

CLIENT = """
import requests
token = requests.post("https://ims-na1.adobelogin.com/ims/token/v3", data={"grant_type": "client_credentials",
    "client_id": "my-client", "client_secret": "c4n4ry-client-secret"}).json()["access_token"]
headers = {"Authorization": f"Bearer {token}", "x-api-key": "my-client", "x-sandbox-name": "prod",
    "x-gw-ims-org-id": "5C1328435BF324E90A49402A@AdobeOrg"}
connections = "https://platform.adobe.io/data/foundation/flowservice/connections"
body = {"name": "recorded", "connectionSpec": {"id": "74a1c565-4e59-48d7-9d67-7c03b8a13137", "version": "1.0"},
    "auth": {"specName": "Basic Authentication", "params": {"server": "db.example.com", "port": "5432",
    "database": "shop", "username": "reader", "password": "c4n4ry-s3cret"}}}
made = requests.post(connections, json=body, headers=headers).json()
found = requests.get(f"{connections}/{made['id']}", headers=headers).json()["items"][0]
assert found["etag"] == made["etag"]
assert requests.delete(f"{connections}/{made['id']}", headers=headers).status_code == 204
"""
"""A client that calls Adobe's hosts."""
CANARY = "c4n4ry+Secr3t/=&ü"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def recorder(path: Path, upstream: str = "https://platform.adobe.io") -> Recorder:
    return Recorder(path, upstream, Contract.load(), Connectors.load("azure").auth_place, b"k" * 32, __version__)


@contextmanager
def recorded(path: Path, upstream: str) -> Iterator[str]:
    """Run a recording server; yields its base URL."""
    kept = recorder(path, upstream)

    def seen(call: Call, result: Answer, ended_ms: int, whole: bool, aside: Aside) -> None:
        kept.add(call, result, ended_ms, whole=whole, aside=aside)

    server = Relay(seen, upstream).server()
    server.start()
    try:
        yield server.url
    finally:
        server.stop()
        kept.close(complete=True)


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    with PrivateServer(Config(log="none")) as server:
        yield server.url


def test_an_unmodified_client_is_recorded_and_its_recording_compared(
    service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOCKSERVER_CA_FOLDER", str(tmp_path / "ca"))
    out = tmp_path / "session.har"
    options = ("--out", out, "--upstream", service, "--ca-folder", tmp_path / "ca")
    done = run("record", *options, "--", sys.executable, "-c", CLIENT)
    assert done.exit_code == 0, done.output
    document = json.loads(out.read_text(encoding="utf-8"))
    assert document["log"]["_flow"]["complete"] is True
    assert [entry["response"]["status"] for entry in document["log"]["entries"]] == [200, 201, 200, 204]
    compared = run("compare", out)
    assert compared.exit_code == 0 and compared.output == "4 same\n", compared.output


class Echo:
    """A service that notes the targets and hosts of its requests."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while (event := await receive())["type"] != "lifespan.shutdown":
                await send({"type": f"{event['type']}.complete"})
            return
        self.asked.append((scope["raw_path"].decode(), dict(scope["headers"])[b"host"].decode()))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@each("base", ["", "/base"])
@each(
    "target, path",
    [
        ("http://platform.adobe.io/flows?a=b", "/flows?a=b"),
        ("https://u:p@platform.adobe.io:443/flows", "/flows"),
        ("https://platform.adobe.io", "/"),
        ("/a/../flows/./x", "/a/../flows/./x"),
        ("//flows", "//flows"),
        ("https://platform.adobe.io?a=b", "/?a=b"),
        ("/flows#part", "/flows#part"),
        ("/flows?", "/flows?"),
        ("/%zz?%", "/%zz?%"),
        ("*", None),
        ("*.example.com/", None),
    ],
)
def test_a_target_is_passed_on_as_it_was_sent(base: str, target: str, path: str | None) -> None:
    """A client of a proxy may send a whole URL, also to https. It was answered 500."""
    service, seen = Echo(), []
    upstream = make_server(service)
    server = Relay(lambda *one: seen.append(one), upstream.url + base).server()
    with started(upstream), started(server):
        assert raw_status(server, target, "platform.adobe.io") == (400 if path is None else 204)
    assert service.asked == ([] if path is None else [(base + path, urlsplit(upstream.url).netloc)])
    assert len(seen) == (path is not None)


@pytest.mark.parametrize(
    ("target", "host", "asked"),
    [
        ("/x", "platform.adobe.io", "https://platform.adobe.io"),
        ("/x", "PLATFORM.adobe.io.:8443", "https://platform.adobe.io"),
        ("/x", "[platform.adobe.io]", "https://platform.adobe.io"),
        ("/x", "platform.adobe.io:\u00b2", "https://platform.adobe.io"),
        ("http://platform.adobe.io/x", "evil.example", "https://platform.adobe.io"),
        ("http://evil.example/x", "platform.adobe.io", None),
        ("http://platform.adobe.io@evil.example/x", "platform.adobe.io", None),
        ("/x", "platform.adobe.io@evil.example", None),
        ("/x", "evil.example#platform.adobe.io", None),
        ("/x", "platform.adobe.io.evil.example", None),
    ],
)
def test_requests_are_passed_on_to_adobes_hosts_alone(
    monkeypatch: pytest.MonkeyPatch, target: str, host: str, asked: str | None
) -> None:
    sent: list[str] = []

    async def connect(host: str, port: int, tls: SSLContext) -> Any:
        assert port == 443 and tls.check_hostname and tls.verify_mode is VerifyMode.CERT_REQUIRED
        sent.append(f"https://{host}")
        raise OSError("not in a test")

    monkeypatch.setattr(ByteStream, "connected", connect)
    server = Relay(lambda *one: None).server()
    with started(server):
        assert raw_status(server, target, host) == (403 if asked is None else 502)
    assert sent == ([] if asked is None else [asked])


@contextmanager
def started(server: Server | StreamServer) -> Iterator[None]:
    server.start()
    try:
        yield
    finally:
        server.stop()


def raw_status(server: Server | StreamServer, target: str, host: str) -> int:
    port = urlsplit(server.url).port
    with socket.create_connection(("127.0.0.1", port or 0), timeout=20) as client:
        client.sendall(f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode("latin-1"))
        return int(client.makefile("rb").readline().split()[1])


def traffic(url: str) -> None:
    """Exchanges with secrets in every place of client and service."""
    token = CANARY.encode("latin-1", "ignore").hex()
    headers = {**HEADERS, "authorization": f"Bearer {token}", "x-functions-key": "c4n4ry-header"}
    base = url + BASE_PATH
    params = {**connection()["auth"]["params"], "password": CANARY}
    secret = connection(auth={"specName": "Basic Authentication", "params": params})
    made = requests.post(base + "/connections", json=secret, headers=headers, timeout=10)
    made.raise_for_status()
    requests.get(f"{base}/connections/{made.json()['id']}", headers=headers, timeout=10)
    text = "Server=db;Database=d;Port=5432;UID=u;Password=c4n4ry-string"
    by_string = {"specName": "Connection String Based Authentication", "params": {"connectionString": text}}
    unknown = connection(authParams={"accountKey": "c4n4ry-unknown"})
    for body in (connection(auth=by_string), unknown):
        requests.post(base + "/connections", json=body, headers=headers, timeout=10)
    broken = {**headers, "content-type": "application/json"}
    requests.post(base + "/connections", data="{c4n4ry-broken", headers=broken, timeout=10)
    requests.get(base + "/connections?sig=c4n4ry-query&api_key=c4n4ry-key", headers=headers, timeout=10)
    form = {"grant_type": "client_credentials", "client_id": "c4n4ry-id", "client_secret": "c4n4ry-client-secret"}
    requests.post(url + "/ims/token/v3", data=form, timeout=10)


def test_no_secret_is_in_the_file_in_any_encoding(service: str, tmp_path: Path) -> None:
    out = tmp_path / "session.har"
    with recorded(out, service) as url:
        traffic(url)
    written = out.read_text(encoding="utf-8")
    assert "c4n4ry" not in written and CANARY.encode("latin-1", "ignore").hex() not in written
    assert HEADERS["x-api-key"] not in written and HEADERS["x-gw-ims-org-id"] not in written
    recording = Recording.load(out, Contract.load())
    assert [one.operation for one in recording.exchanges][:2] == ["createConnection", "retrieveConnection"]
    entries = json.loads(written)["log"]["entries"]
    params = json.loads(entries[0]["request"]["postData"]["text"])["auth"]["params"]
    assert params["server"] == "db.example.com" and params["password"].startswith("pseudo-")
    assert len(params["password"]) == len(CANARY)


@pytest.mark.parametrize(
    "query", ["limit=1", "property=name==recorded&limit=2", "objectType=root&x=a%2Fb%20c", "count"]
)
def test_a_query_reaches_the_service_and_the_file(service: str, tmp_path: Path, query: str) -> None:
    path = "/connections/a%2Fb" if "%2F" in query else "/connections"
    emulated = f"{service}{BASE_PATH}{path}?{query}"
    with recorded(tmp_path / "session.har", service) as url:
        ours = requests.get(f"{url}{BASE_PATH}{path}?{query}", headers=HEADERS, timeout=10)
    assert ours.status_code == requests.get(emulated, headers=HEADERS, timeout=10).status_code
    latest = requests.get(f"{service}/_mock/journal", timeout=10).json()["entries"][-2:]
    assert latest[0]["query"] == latest[1]["query"] and latest[0]["query"]
    (entry,) = json.loads((tmp_path / "session.har").read_text(encoding="utf-8"))["log"]["entries"]
    written, sent = (parse_qsl(text, True) for text in (urlsplit(entry["request"]["url"]).query, query))
    assert [name for name, _ in written] == [name for name, _ in sent]  # values outside all operations are masked


ENCODED = {
    "a%2Ftest": "retrieveConnection",
    "a%2ftest": "retrieveConnection",
    "a%252Ftest": "retrieveConnection",
    "a%20b": "retrieveConnection",
    "a/test": "testConnection",
    "%61/test": "testConnection",
}
"""Paths below /connections as sent, and their operations."""


def test_an_encoded_slash_is_relayed_as_sent_and_recorded_as_part_of_its_segment(tmp_path: Path) -> None:
    arrived: list[bytes] = []
    upstream = scripted_service(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", arrived)
    targets = [f"{BASE_PATH}/connections/{path}" for path in ENCODED]
    with recorded(tmp_path / "session.har", upstream) as url:
        for target in targets:
            host, _, port = url.removeprefix("http://").partition(":")
            client = HTTPConnection(host, int(port), timeout=10)  # requests would decode what it need not encode
            client.request("GET", target, headers=HEADERS)
            assert client.getresponse().status == 404
            client.close()
    assert [head.split()[1].decode() for head in arrived] == targets
    recording = Recording.load(tmp_path / "session.har", Contract.load())
    assert [one.operation for one in recording.exchanges] == list(ENCODED.values())


def test_the_client_sees_what_the_service_sent(service: str, tmp_path: Path) -> None:
    with recorded(tmp_path / "session.har", service) as url:
        ours = requests.get(url + BASE_PATH + "/connectionSpecs", headers=HEADERS, timeout=10)
        theirs = requests.get(service + BASE_PATH + "/connectionSpecs", headers=HEADERS, timeout=10)
        refused = requests.get(url + BASE_PATH + "/connections", timeout=10)
    assert (ours.status_code, ours.content, ours.headers["content-type"]) == (
        theirs.status_code, theirs.content, theirs.headers["content-type"],
    )  # fmt: skip
    assert refused.status_code == 403 and refused.json()["error_code"] == "403000"


def scripted_service(answer: bytes, arrived: list[bytes] | None = None) -> str:
    """Start a server that sends some bytes to everyone and closes. `arrived` gets what they sent."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client:
                received = client.recv(65_536)
                if arrived is not None:
                    arrived.append(received)
                client.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_response_that_breaks_breaks_for_the_client_and_is_marked(tmp_path: Path) -> None:
    upstream = scripted_service(
        b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\nContent-Type: application/json\r\n\r\n{"items":'
    )
    out = tmp_path / "session.har"
    with recorded(out, upstream) as url, pytest.raises(requests.RequestException):
        requests.get(url + BASE_PATH + "/connections", headers=HEADERS, timeout=10)
    (entry,) = json.loads(out.read_text())["log"]["entries"]
    assert entry["_flow"]["whole"] is False


def test_chunks_arrive_whole(tmp_path: Path) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n"
    upstream = scripted_service(chunked + b'5\r\n{"a":\r\n2\r\n1}\r\n0\r\n\r\n')
    with recorded(tmp_path / "session.har", upstream) as url:
        assert requests.get(url + BASE_PATH + "/x", timeout=10).json() == {"a": 1}


def test_a_service_that_is_not_there_is_told(tmp_path: Path) -> None:
    out = tmp_path / "session.har"
    with recorded(out, "http://127.0.0.1:9") as url:
        answer = requests.get(url + BASE_PATH + "/connections", headers=HEADERS, timeout=10)
    assert answer.status_code == 502 and "127.0.0.1 cannot be reached: Connect call failed" in answer.json()["message"]
    assert json.loads(out.read_text())["log"]["entries"][0]["response"]["status"] == 0


def a_call(**members: Any) -> Call:
    given = {"method": "GET", "path": "/connections", "query": "", "headers": dict(HEADERS), "body": b"", **members}
    return Call(request_id="", received_ms=1_700_000_000_000, **given)


def test_a_file_is_whole_after_every_exchange_and_incomplete_until_its_end(tmp_path: Path) -> None:
    kept = recorder(tmp_path / "session.har")
    for number in range(3):
        assert len(json.loads(kept.path.read_text())["log"]["entries"]) == number
        kept.add(a_call(), Answer(200, {"items": []}), 1_700_000_000_100)
    document = json.loads(kept.path.read_text())
    assert document["log"]["_flow"]["complete"] is False
    kept.close(complete=True)
    assert json.loads(kept.path.read_text())["log"]["_flow"]["complete"] is True


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "COMMAND"),
        (("--listen", "0"), "--upstream"),
        (("--listen", "x", "--upstream", "http://127.0.0.1:9"), "takes a port"),
        (("--listen", "[192.0.2.1]:0", "--upstream", "http://127.0.0.1:9"), "listen on 192.0.2.1:0"),
        (("--listen", "99999", "--upstream", "http://127.0.0.1:9"), "from 0 to 65535"),
        (("--listen", "0", "--upstream", "http://127.0.0.1:9", "--", "true"), "COMMAND"),
    ],
)
def test_wrong_use_says_what_is_right(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    done = run("record", "--out", tmp_path / "session.har", *arguments)
    assert done.exit_code == 2 and said in done.output


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("", "Does it honour HTTPS_PROXY?"),
        ("requests.get('https://db.example.com')", "asked for db.example.com:443 1x and was refused"),
        ("requests.get('https://platform.adobe.io', verify=certifi.where())", "does not trust the certificate"),
    ],
)
def test_a_client_that_made_no_request_leaves_no_file_and_is_told_why(
    code: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOCKSERVER_CA_FOLDER", str(tmp_path / "ca"))
    client = f"import certifi, requests\ntry: {code or 'pass'}\nfinally: raise SystemExit"
    for ended, status in ((7, 7), (0, 3)):
        done = run("record", "--out", tmp_path / "session.har", "--", sys.executable, "-c", f"{client}({ended})")
        assert done.exit_code == status and "no request was made" in done.output and said in done.output
        assert not (tmp_path / "session.har").exists()


def test_no_file_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "session.har").write_text("mine")
    done = run("record", "--out", tmp_path / "session.har", "--", "true")
    assert done.exit_code == 2 and (tmp_path / "session.har").read_text() == "mine"


def test_a_recording_larger_than_any_command_reads_is_kept_and_named(
    service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOCKSERVER_CA_FOLDER", str(tmp_path / "ca"))
    monkeypatch.setattr(reading, "MAX_BYTES", 1000)
    out = tmp_path / "session.har"
    options = ("--out", out, "--upstream", service, "--ca-folder", tmp_path / "ca")
    done = run("record", *options, "--", sys.executable, "-c", CLIENT)
    assert done.exit_code == 0, done.output
    assert "The client was not judged" in done.output and "larger than" in done.output
    assert json.loads(out.read_text(encoding="utf-8"))["log"]["_flow"]["complete"] is True
