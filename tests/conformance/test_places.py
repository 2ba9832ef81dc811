"""Tests of mistakes of clients that call Adobe by name: host, base path and scheme."""

from pathlib import Path
from typing import Any

import pytest

from mockserver import Emulator, create_app
from mockserver.conformance import evaluate
from mockserver.exchange import BASE_PATH
from tests.calls import HEADERS
from tests.har.test_gaps import an_entry, rules

FORM = {"grant_type": "client_credentials", "client_id": "a", "client_secret": "b"}


def asked(method: str, url: str, **kwargs: Any) -> tuple[int, dict[str, list[str]]]:
    """The status of a request to an Adobe URL, and its findings at failing levels."""
    emulator = Emulator()
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    web = create_app(emulator).test_client()
    answer = web.open(
        slash + path, method=method, base_url=f"{scheme}://{host}", headers={**HEADERS, "Host": host}, **kwargs
    )
    found: dict[str, list[str]] = {}
    for one in evaluate(emulator.journal.entries(), emulator.contract).findings:
        found.setdefault(one.rule, []).append(one.detail)
    return answer.status_code, found


HOSTS = [
    "platform.adobe.io",
    "platform-va7.adobe.io",
    "platform-stage.adobe.io:443",
    "PLATFORM.adobe.io",
    "platform.adobe.io.",
]


@pytest.mark.parametrize("host", HOSTS[:4])
@pytest.mark.parametrize("path", ["/flows", "/connections?limit=1", "/connections/x/test", "/flowSpecs/"])
def test_on_adobes_hosts_there_is_no_short_form(host: str, path: str) -> None:
    status, found = asked("GET", f"https://{host}{path}")
    assert status == 404 and set(found) == {"path.base-missing"}
    assert all(BASE_PATH in detail for detail in found["path.base-missing"])


@pytest.mark.parametrize("host", HOSTS[:4])
def test_with_the_base_path_it_answers(host: str) -> None:
    assert asked("GET", f"https://{host}{BASE_PATH}/connections") == (200, {})


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost"])
def test_on_our_own_names_there_is(host: str) -> None:
    assert asked("GET", f"http://{host}/connections") == (200, {})


@pytest.mark.parametrize(
    "url",
    [
        f"https://platform.adobe.io{BASE_PATH}//connections",
        f"https://platform.adobe.io{BASE_PATH}/connections//",
        f"https://platform.adobe.io{BASE_PATH}/connections//test",
        f"https://platform.adobe.io/{BASE_PATH}/connections",
        f"http://127.0.0.1{BASE_PATH}//connections",
        "http://127.0.0.1/connections//",
        "https://platform.adobe.io/openapi.yaml",
        "https://platform.adobe.io/",
        "https://platform.adobe.io/ims/token/v3",
        f"https://ims-na1.adobelogin.com{BASE_PATH}/connections",
        "https://ims-na1.adobelogin.com/connections",
    ],
)
def test_what_is_no_path_there_is_refused_and_told(url: str) -> None:
    status, found = asked("GET", url)
    assert status == 404 and set(found) <= {"path.unknown", "path.base-missing"} and len(found) == 1


@pytest.mark.parametrize("host", HOSTS[:4])
def test_a_token_in_clear_is_told(host: str) -> None:
    status, found = asked("GET", f"http://{host}{BASE_PATH}/connections")
    assert status == 200 and set(found) == {"token.in-clear"}


def test_a_client_secret_in_clear_is_told() -> None:
    status, found = asked("POST", "http://ims-na1.adobelogin.com/ims/token/v3", data=FORM)
    assert status == 200 and set(found) == {"token.in-clear"}
    assert asked("POST", "https://ims-na1.adobelogin.com/ims/token/v3", data=FORM) == (200, {})


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("https://platform.adobe.io/flows", "path.base-missing"),
        (f"https://platform.adobe.io{BASE_PATH}//flows", "path.unknown"),
        (f"https://platform.adobe.io{BASE_PATH}/flows//", "path.unknown"),
        (f"http://platform.adobe.io{BASE_PATH}/flows", "token.in-clear"),
    ],
)
def test_a_recording_tells_the_same(url: str, rule: str, tmp_path: Path) -> None:
    status = 200 if rule == "token.in-clear" else 404
    entry = an_entry(answer=None if status == 200 else {"error_code": "404000", "message": "?"}, status=status)
    entry["request"]["url"] = url
    assert rules(tmp_path, entry) - {"call.refused"} == {rule}
