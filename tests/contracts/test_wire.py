"""Tests of what a response may be on the wire: a server can neither hold up a run nor fill its memory."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import trustme

from contracts import bounded
from contracts.bounded import BoundedAdapter, bind
from contracts.wire import Answer, HttpTransport, Sent, Unreachable, parsed

SLOW, LARGE = "did not end its response within 0.2 s", "sent more than 1 MiB"
INFORMATIONAL = "got only the informational status 103, no final one"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.fixture
def said(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server that sends a text and then the same piece again and again until the client leaves, or else closes."""
    head, piece, pause = request.param
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        client, _ = listener.accept()
        with client, contextlib.suppress(OSError):
            client.recv(65_536)
            client.sendall(head)
            while piece and not over.wait(pause):
                client.sendall(piece)

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    over.set()
    thread.join()
    listener.close()


@pytest.mark.parametrize(
    ("said", "silence"),
    [
        ((HEAD + b"Content-Length: 100000\r\n\r\n", b" ", 0.01), SLOW),
        ((HEAD + b"Connection: close\r\n\r\n", b" ", 0.01), SLOW),
        ((HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n", 0.01), SLOW),
        ((HEAD, b"A: b\r\n", 0.01), SLOW),
        ((b"HTTP/1.1 2", b"0", 0.01), SLOW),
        ((b"HTTP/1.1 200 OK\r\nA: ", b"b", 0.01), SLOW),
        ((b"", b"HTTP/1.1 103 Early Hints\r\n\r\n", 0.01), INFORMATIONAL),
        ((HEAD + b"Connection: close\r\n\r\n", b" " * 65_536, 0), LARGE),
        ((HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b" " * 65_536 + b"\r\n", 0), LARGE),
    ],
    indirect=["said"],
)
def test_a_response_without_end_is_no_response(said: str, silence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "MAX_BODY", 2**20)
    answer = HttpTransport(said, seconds=0.2 if silence != LARGE else 30).send(Sent("GET", "/connections"))
    assert answer.silence.startswith(silence)


def test_a_session_of_requests_is_bounded_too() -> None:
    """Schemathesis sends through one."""
    session = requests.Session()
    bind(session, "https://platform.example")
    assert {type(adapter) for adapter in session.adapters.values()} == {BoundedAdapter}


@pytest.mark.parametrize(
    ("url", "proxy", "certificates"),
    [
        ("https://platform.example", "http://proxy.example:3128", "/of/the/company.pem"),
        ("http://localhost:8080", None, True),
        ("https://localhost:8443", None, "/of/the/company.pem"),
    ],
)
def test_a_session_takes_proxies_and_certificates_from_the_environment_once(
    url: str, proxy: str | None, certificates: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not for each request, which costs more than sending it; a local server has no proxy."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/of/the/company.pem")
    session = requests.Session()
    bind(session, url)
    assert (session.proxies.get("https"), session.verify, session.trust_env) == (proxy, certificates, False)


def test_a_certificate_is_trusted_if_the_environment_names_its_ca(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, bundle = trustme.CA(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(bundle)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for _ in range(2):
                with contextlib.suppress(OSError), context.wrap_socket(listening.accept()[0], server_side=True) as one:
                    one.recv(10_000)
                    one.sendall(HEAD + BODY)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        url = f"https://127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(Unreachable, match=r"not trusted \(.*\): give the file of its CA in REQUESTS_CA_BUNDLE$"):
            HttpTransport(url).send(Sent("GET", "/connections"))
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
        assert HttpTransport(url, seconds=30).send(Sent("GET", "/connections")).status == 200
        thread.join()


MANY = HEAD + b"".join(b"X-%d: 1\r\n" % number for number in range(101)) + b"\r\n"
BODY = b"Content-Length: 2\r\n\r\n{}"


@pytest.mark.parametrize(
    ("said", "silence"),
    [
        ((MANY, b"", 0), "got a response with more than 100 headers, which clients refuse"),
        (
            (HEAD + b"A: " + b"b" * 70_000, b"b", 0),
            "got a response with a line in its head that is longer than clients",
        ),
        ((b"HTTP/1.1 103 Early Hints\r\n\r\n", b"", 0), INFORMATIONAL),
        ((b"HTTP/1.1 103 Early Hints\r\n" + BODY, b"", 0), INFORMATIONAL),
        ((b"HTTP/1.1 103 Early Hints\r\n\r\n" * 3 + HEAD + BODY, b"", 0), ""),
        ((b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD + BODY, b"", 0), ""),
    ],
    indirect=["said"],
)
def test_a_response_that_clients_refuse_says_why(said: str, silence: str) -> None:
    answer = HttpTransport(said, seconds=30).send(Sent("GET", "/connections"))
    assert answer.silence.startswith(silence) and bool(answer.silence) == bool(silence)
    assert silence or (answer.status, answer.body) == (200, b"{}")


@pytest.mark.parametrize(
    "deep", [b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 100 + b"1" + b"}" * 100, b"[" * 600 + b"]" * 600]
)
def test_json_that_python_stumbles_over_counts_as_no_json_or_is_made_harmless(deep: bytes) -> None:
    assert parsed(deep) is None
    assert parsed(b'{"id": "\\uD800x \\ud83d\\ude00"}') == {"id": "?x \U0001f600"}
    assert parsed(b"[" * 60 + b"]" * 60) is not None


def test_of_a_header_that_came_twice_the_first_value_counts_and_names_have_no_case() -> None:
    fields = (("X-Request-Id", "first"), ("x-request-id", "second"))
    sent = Sent("GET", "/connections", fields)
    for one in (sent, Answer(sent, "", 200, fields, b"")):
        assert (one.header("X-REQUEST-ID"), one.header("etag")) == ("first", None)


def test_the_parts_of_a_path_are_decoded_one_by_one_and_without_the_query() -> None:
    sent = Sent("GET", "/connections/a%2Fb%20c/?property=id==%2F")
    assert (sent.path, sent.steps) == ("/connections/a%2Fb%20c", ["connections", "a/b c"])


@pytest.mark.parametrize(
    ("status", "body", "entities"),
    [
        (200, b'{"items": [{"id": "1"}, null, [], {}]}', [{"id": "1"}, {}]),
        (200, b'{"items": {"id": "1"}}', []),
        (200, b'[{"id": "1"}]', []),
        (200, b"<html>", []),
        (400, b'{"items": [{"id": "1"}]}', []),
    ],
)
def test_the_entities_of_a_response_are_the_objects_in_the_items_of_a_success(
    status: int, body: bytes, entities: list[object]
) -> None:
    sent = Sent("GET", "/connections", body=body)
    answer = Answer(sent, "", status, (), body)
    assert answer.entities == entities
    assert (answer.json, sent.json) == (parsed(body), parsed(body))
    assert answer.json is answer.json and sent.json is sent.json and answer.entities is answer.entities
