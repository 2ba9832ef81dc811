"""Tests that unmodified programs of every stack reach the emulator by Adobe's host names, and no other host."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from mockserver.clients.program import run
from mockserver.conformance import evaluate
from mockserver.intercept import environment, trust
from mockserver.intercept.authority import Authority
from tests.intercept.conftest import Intercepted
from tests.programs import needs

PROGRAMS = Path(__file__).parents[2] / "contracts" / "clients" / "programs"

STACKS = {
    "requests": [sys.executable, "with_requests.py"],
    "httpx": [sys.executable, "with_httpx.py"],
    "urllib": [sys.executable, "with_urllib.py"],
    "node-fetch": ["node", "with_fetch.mjs"],
    "node-https": ["node", "with_https.cjs"],
    "curl": ["sh", "with_curl.sh"],
    "java": ["java", "WithHttpClient.java"],
    "go": ["go", "run", "with_net_http.go"],
    "ruby": ["ruby", "with_net_http.rb"],
}
"""Name -> its interpreter and the program."""


def program_of(command: list[str]) -> str:
    """The required program: for a shell script, curl."""
    return "curl" if command[0] == "sh" else command[0]


def only_where_installed(stacks: dict[str, list[str]]) -> list:
    """Skip the test, by name, if the machine lacks its program."""
    return [
        pytest.param(
            command,
            id=stack,
            marks=[] if command[0] == sys.executable else needs(program_of(command)),
        )
        for stack, command in stacks.items()
    ]


@pytest.mark.parametrize("command", only_where_installed(STACKS))
def test_an_unmodified_client_reaches_the_emulator_by_adobes_names(
    command: list[str], intercepted: Intercepted, tmp_path: Path
) -> None:
    *runs_it, program = command
    environ = intercepted.environment(GOCACHE=str(tmp_path))  # Go needs a cache folder to compile
    ending = run([*runs_it, str(PROGRAMS / program)], environ, seconds=120, show=False)
    assert ending.status == 0, ending.output
    calls = intercepted.emulator.journal.entries()
    assert [call.status for call in calls] == ([200, 201, 200, 204] if "requests" in program else [200, 200]), calls
    assert {call.headers["host"] for call in calls} == {"platform.adobe.io", "ims-na1.adobelogin.com"}
    assert not evaluate(calls, intercepted.emulator.contract).open, "a good client"
    assert not intercepted.interception.refused


ELSEWHERE = {
    "requests": [sys.executable, "-c", "import requests; requests.get('https://example.com/')"],
    "urllib": [sys.executable, "-c", "import urllib.request; urllib.request.urlopen('https://example.com/')"],
    "httpx": [sys.executable, "-c", "import httpx; httpx.get('https://example.com/')"],
    "node-fetch": ["node", "-e", "fetch('https://example.com/')"],
    "node-https": ["node", "-e", "require('https').get('https://example.com/')"],
    "node-plain": ["node", "-e", "require('http').get('http://example.com/')"],
    "curl": ["curl", "--silent", "--show-error", "--fail", "https://example.com/"],
    "ruby": ["ruby", "-rnet/http", "-e", "Net::HTTP.get(URI('https://example.com/'))"],
}


@pytest.mark.parametrize("command", only_where_installed(ELSEWHERE))
def test_no_other_host_is_reached_and_the_client_is_told_which(command: list[str], intercepted: Intercepted) -> None:
    ending = run(command, intercepted.environment(), seconds=30, show=False)
    assert ending.status
    # curl does not print why a tunnel was refused
    assert ("403" if command[0] == "curl" else "example.com is not emulated") in ending.output.replace(":443", "")


def test_a_host_below_an_emulated_one_is_another_host(intercepted: Intercepted) -> None:
    code = "import urllib.request; urllib.request.urlopen('https://below.platform.adobe.io/')"
    ending = run([sys.executable, "-c", code], intercepted.environment(), seconds=30, show=False)
    assert "below.platform.adobe.io:443 is not emulated" in ending.output


def test_servers_of_the_client_itself_are_reached_directly(intercepted: Intercepted) -> None:
    code = "import urllib.request, os; print(urllib.request.urlopen(os.environ['MOCKSERVER_URL'] + '/_mock/').status)"
    environ = intercepted.environment(NO_PROXY="*", ALL_PROXY="http://127.0.0.1:9")
    assert run([sys.executable, "-c", code], environ, seconds=30, show=False).output.strip() == "200"


def test_what_the_user_exempts_from_proxies_stays_so_but_for_adobes_hosts(intercepted: Intercepted) -> None:
    theirs = (
        "*, .adobe.io, adobe.io, io, platform.adobe.io:443, .example.com, 10.0.0.0/8, notadobe.io, *.adobelogin.com"
    )
    environ = intercepted.environment(NO_PROXY=theirs)
    assert environ["NO_PROXY"].split(",") == [
        "localhost",
        "127.0.0.1",
        "::1",
        ".example.com",
        "10.0.0.0/8",
        "notadobe.io",
    ]
    assert environ["no_proxy"] == environ["NO_PROXY"]


def test_a_bundle_that_the_user_has_is_kept_beside_ours(ca_folder: Path, tmp_path: Path) -> None:
    theirs = Authority.renew(tmp_path / "theirs")
    files = trust.write(Authority.open(ca_folder), tmp_path, {"SSL_CERT_FILE": str(theirs.public_file)})
    assert files.bundle.read_bytes().count(b"BEGIN CERTIFICATE") == 2
    assert theirs.pem.strip() in files.bundle.read_bytes()


def test_where_no_list_of_authorities_is_installed_the_systems_own_is_kept(
    ca_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "certifi", None)
    theirs = tmp_path / "system.pem"
    found = SimpleNamespace(cafile=str(theirs))
    monkeypatch.setattr(trust.ssl, "get_default_verify_paths", lambda: found)
    kept = Authority.open(ca_folder)
    alone = trust.write(kept, tmp_path, {}).bundle.read_bytes()
    assert alone.strip() == kept.pem.strip()
    theirs.write_bytes(Authority.renew(tmp_path / "theirs").pem)
    assert theirs.read_bytes() in trust.write(kept, tmp_path, {}).bundle.read_bytes()


@needs("keytool")
def test_java_reads_the_truststore(intercepted: Intercepted) -> None:
    options = intercepted.environment()["JAVA_TOOL_OPTIONS"]
    store = options.partition("-Djavax.net.ssl.trustStore=")[2].partition(" ")[0]
    command = ["keytool", "-list", "-keystore", store, "-storepass", "changeit"]
    assert "trustedCertEntry" in subprocess.run(command, capture_output=True, text=True, check=True).stdout


@needs("node")
def test_node_loads_our_file_from_a_folder_with_a_space_beside_what_the_user_has_it_load(
    intercepted: Intercepted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = shutil.copy(environment.PRELOAD, tmp_path.joinpath("a b").with_suffix(".cjs"))
    monkeypatch.setattr(environment, "PRELOAD", Path(copy))
    environ = intercepted.environment(NODE_OPTIONS="--title=theirs")
    code = "fetch('https://platform.adobe.io/connections').then((a) => console.log(process.title, a.status))"
    assert run(["node", "-e", code], environ, seconds=30, show=False).output.strip() == "theirs 403"


def test_the_page_on_unmodified_clients_names_every_variable(intercepted: Intercepted) -> None:
    page = (Path(__file__).parents[2] / "docs" / "unmodified-clients.md").read_text(encoding="utf-8")
    table = page.partition("| variable | read by |")[2].partition("\n\n")[0]
    named = {cell for row in table.splitlines() for cell in re.findall("`([^`]+)`", row.partition(" | ")[0])}
    named |= {"FLOW_SERVICE" + name for name in named if name.startswith("_")}
    assert named - {name for name in named if name.startswith("_")} == intercepted.environment().keys() - {"PATH"}
