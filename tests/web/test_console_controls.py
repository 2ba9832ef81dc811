"""Tests of what the console shows and sets: flows, sources, specs, faults, clock, quirks, state."""

from __future__ import annotations

import io
import json
import re
import shlex
import subprocess
import urllib.request
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient

from mockserver import Config, Emulator, create_app
from mockserver.quirks import QUIRKS
from tests.browsers import served
from tests.calls import HEADERS, POSTGRESQL, connection
from tests.dataflows import AMAZON_S3, BASES, CRM_TO_AEP, HTTP_API, events, flowing, pass_time, runs_of
from tests.programs import needs
from tests.rows import each
from tests.web.test_console_pages import BROWSER, EVIL, shown

OWN_SPEC = {
    "name": "acme-crm",
    "providerId": "0ed90a81-07f4-4586-8190-b40eccef1c5a",
    "authSpec": [
        {
            "name": "Basic Authentication",
            "type": "BasicAuthentication",
            "spec": {
                "type": "object",
                "properties": {
                    "host": {"type": "string"},
                    "port": {"type": "integer"},
                    "region": {"type": "string", "enum": ["eu", "us"]},
                    "password": {"type": "string", "format": "password", "default": "h1dden"},
                },
                "required": ["host", "port", "region", "password"],
            },
        }
    ],
    "attributes": {"category": "CRM", "isSource": True},
}
HERE = {"Origin": "http://localhost"}
ROOT = Path(__file__).parents[2]


@pytest.fixture
def client(emulator: Emulator) -> FlaskClient:
    return create_app(emulator).test_client()


def sent(client: FlaskClient, path: str, status: int = 303, **fields: str) -> str:
    """The page to which a form leads."""
    kind = "application/x-www-form-urlencoded"
    answer = client.post(f"/_mock/console/{path}", data=fields, headers=HERE, content_type=kind)
    assert answer.status_code == status, answer.text
    return shown(client, answer.headers["Location"]) if status == 303 else answer.text


def curls(page: str) -> list[list[str]]:
    """The commands of a page, as parsed by a shell."""
    texts = re.findall(r"<pre[^>]*>(curl .*?)</pre>", page, re.DOTALL)
    return [shlex.split(text.replace("\\\n", " ")) for text in texts]


def run(client: FlaskClient, command: list[str]) -> int:
    """The status of a curl command."""
    headers = dict(command[at + 1].split(": ", 1) for at, word in enumerate(command) if word == "-H")
    method = command[command.index("-X") + 1] if "-X" in command else "GET"
    url = urlsplit(next(word for word in command if word.startswith("http")))
    body = command[command.index("-d") + 1] if "-d" in command else None
    return client.open(f"{url.path}?{url.query}", method=method, data=body, headers=headers).status_code


def test_a_flow_is_drawn_with_its_ends_and_a_bar_for_each_run() -> None:
    emulator = Emulator(Config(seed=1, sources=str(ROOT / "examples/sources.yaml")))
    client = create_app(emulator).test_client()
    made = flowing(emulator, events(emulator))
    pass_time(emulator, 2 * 3_600_000)
    page = shown(client, f"/_mock/console/flows/{made}")
    assert len(re.findall(r'<rect class="run (?:success|failed|partialSuccess|queued)" x=', page)) >= 9
    for text in ("PostgreSQL: public.events", "every 15 minutes", "partialSuccess", "Datalake"):
        assert text in page
    assert f"/_mock/console/flows/{made}" in shown(client, "/_mock/console/flows")
    assert "Advance the clock" in shown(client, f"/_mock/console/flows/{flowing(emulator)}")


def test_an_end_that_is_gone_and_many_ends_are_drawn_all_the_same(client: FlaskClient, emulator: Emulator) -> None:
    made = flowing(emulator)
    tenant = emulator.world.store.tenants()[0]
    flow = emulator.world.store.get(tenant, "flows", made)
    assert flow
    many = {**flow, "sourceConnectionIds": [f"gone-{number}" for number in range(9)], "name": "x" * 200}
    emulator.world.store.replace(tenant, "flows", made, many, flow["etag"])
    page = shown(client, f"/_mock/console/flows/{made}")
    assert page.count("gone-") >= 4 and "5 more connections are not drawn" in page


def test_the_tables_behind_a_connection_are_shown_with_rows(client: FlaskClient) -> None:
    made = client.post("/connections", json=connection(), headers=HEADERS).json["id"]
    assert "built-in shop" in shown(client, "/_mock/console/sources")
    assert "sales.store_visits" in shown(client, f"/_mock/console/sources/{made}")
    page = shown(client, f"/_mock/console/sources/{made}?object=public.orders")
    assert "order_id" in page and page.count("<tr>") == 21
    assert 'role="alert"' in shown(client, f"/_mock/console/sources/{made}?object=wine")


def test_the_files_behind_a_connection_are_shown_by_folder(client: FlaskClient) -> None:
    body = {"name": "s3", "auth": BASES[AMAZON_S3], "connectionSpec": {"id": AMAZON_S3, "version": "1.0"}}
    made = client.post("/connections", json=body, headers=HEADERS).json["id"]
    page = shown(client, f"/_mock/console/sources/{made}")
    folder = re.search(r'href="([^"]+object=%2Fshop%2F)"', page)
    assert folder and "customers.csv" in shown(client, folder[1])
    assert "first_name" in shown(client, f"/_mock/console/sources/{made}?object=/shop/customers.csv")


def test_a_source_that_holds_nothing_says_so(client: FlaskClient) -> None:
    body = {"name": "http", "auth": BASES[HTTP_API], "connectionSpec": {"id": HTTP_API, "version": "1.0"}}
    made = client.post("/connections", json=body, headers=HEADERS).json["id"]
    assert 'role="alert"' in shown(client, f"/_mock/console/sources/{made}")


def test_every_connector_has_calls_that_work(client: FlaskClient, emulator: Emulator) -> None:
    for connector in emulator.world.connectors.all():
        page = shown(client, f"/_mock/console/specs/connectors/{connector.id}")
        commands = curls(page)
        assert len(commands) == 1 + len(connector.auth_specs), connector.label
        assert [run(client, one) for one in commands] == [201] * (len(commands) - 1) + [200], connector.label
        assert "c4n4ry" not in page


def test_every_flow_spec_has_a_call_that_works(client: FlaskClient, emulator: Emulator) -> None:
    listed = shown(client, "/_mock/console/specs/flows")
    for spec in emulator.world.flow_specs.all():
        assert f"/_mock/console/specs/flows/{spec.id}" in listed
        assert [run(client, one) for one in curls(shown(client, f"/_mock/console/specs/flows/{spec.id}"))] == [200]


def test_specs_that_a_tenant_has_written_come_first(emulator: Emulator) -> None:
    emulator = Emulator(Config(seed=1, quirk={"spec-writers": "any"}))
    client = create_app(emulator).test_client()
    mine = client.post("/connectionSpecs", json=OWN_SPEC, headers=HEADERS).json["id"]
    flow = {"name": "AcmeToAEP", "providerId": OWN_SPEC["providerId"], "sourceConnectionSpecIds": [mine, POSTGRESQL]}
    own_flow = client.post("/flowSpecs", json=flow, headers=HEADERS).json["id"]
    client.put(f"/flowSpecs/{CRM_TO_AEP}", json={**flow, "name": "Replaced"}, headers=HEADERS)
    page = shown(client, "/_mock/console/specs")
    assert "Written by this tenant" in page and f"/_mock/console/specs/connectors/{mine}?org=" in page
    assert "acme-crm" in shown(client, "/_mock/console/specs?text=ACME")
    page = shown(client, f"/_mock/console/specs/connectors/{mine}")
    assert "written by" in page and "Adobe's page" not in page and "h1dden" not in page
    assert [run(client, one) for one in curls(page)] == [201, 200]
    page = shown(client, "/_mock/console/specs/flows")
    assert "AcmeToAEP" in page and "Replaced" in page and "CRMToAEP" not in page
    page = shown(client, f"/_mock/console/specs/flows/{own_flow}")
    assert "acme-crm" in page and "written by" in page and [run(client, one) for one in curls(page)] == [200]


def test_specs_of_another_tenant_are_not_shown(emulator: Emulator) -> None:
    emulator = Emulator(Config(seed=1, quirk={"spec-writers": "any"}))
    client = create_app(emulator).test_client()
    client.post("/connections", json=connection(), headers=HEADERS)
    theirs = {**HEADERS, "x-sandbox-name": "dev"}
    other = client.post("/connectionSpecs", json=OWN_SPEC, headers=theirs).json["id"]
    tenant = f"org={HEADERS['x-gw-ims-org-id'].replace('@', '%40')}&sandbox="
    assert "acme-crm" not in shown(client, f"/_mock/console/specs?{tenant}prod")
    shown(client, f"/_mock/console/specs/connectors/{other}?{tenant}prod", 404)
    assert "acme-crm" in shown(client, f"/_mock/console/specs?{tenant}dev")


@needs("curl")
def test_the_calls_that_an_empty_page_of_flows_shows_make_a_flow(emulator: Emulator, tmp_path: Path) -> None:
    with served(emulator) as url, urllib.request.urlopen(f"{url}/_mock/console/flows") as answer:
        [text] = re.findall(r"<pre[^>]*>(base=.*?)</pre>", unescape(answer.read().decode()), re.DOTALL)
        done = subprocess.run(["sh", "-euc", text], cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and '"etag"' in done.stdout, done
    [flow] = emulator.world.store.all(emulator.world.store.tenants()[0], "flows")
    pass_time(emulator, 3_600_000)
    assert len(runs_of(emulator, flow["id"])) >= 4


def test_what_is_not_there_is_a_page_that_says_so(client: FlaskClient) -> None:
    for path in ("calls/7", "resources/connections/x", "resources/wine/x", "flows/x", "sources/x", "specs/connectors/x",
                 "specs/flows/x"):  # fmt: skip
        assert "Not found" in shown(client, f"/_mock/console/{path}", 404)


def test_a_strict_server_gets_a_token_of_its_own() -> None:
    client = create_app(Emulator(Config(seed=1, strict=True, api_keys=("k",), orgs=("A@AdobeOrg",)))).test_client()
    [create] = curls(shown(client, "/_mock/"))
    assert run(client, create) == 201
    assert curls(shown(client, "/_mock/console/resources?kind=flows"))[0][3:6] == create[5:8]


def test_specs_are_searched(client: FlaskClient) -> None:
    page = shown(client, "/_mock/console/specs?text=POSTGRE")
    assert "PostgreSQL" in page and "MySQL" not in page
    assert "No matching connectors" in shown(client, f"/_mock/console/specs?text={EVIL}")
    assert "CRMToAEP" in shown(client, "/_mock/console/specs/flows?text=crm")


def test_a_fault_is_ordered_struck_and_lifted(client: FlaskClient, emulator: Emulator) -> None:
    page = sent(
        client, "control/order", fault="rate-limit", argument="2", operation="listConnections", times="1", skip=""
    )
    assert "The fault is active" in page and "rate-limit=2" in page and "listConnections" in page
    assert [client.get("/connections", headers=HEADERS).status_code for _ in range(2)] == [429, 200]
    page = shown(client, "/_mock/console/control")
    assert "1 of 2" in page and "once" in page and ">over<" in page
    assert "active fault" not in shown(client, "/_mock/")  # nothing is affected any more
    number = emulator.faults.active()[0].number
    assert "was removed" in sent(client, "control/lift", number=str(number)) and not emulator.faults.active()
    sent(client, "control/order", fault="latency")
    sent(client, "control/lift", number="")
    assert not emulator.faults.active()


def test_a_fault_that_strikes_by_chance_shows_its_probability(client: FlaskClient, emulator: Emulator) -> None:
    emulator.faults.order({"fault": "latency", "probability": 0.5, "times": 2})
    assert "2 times, with probability 0.5" in shown(client, "/_mock/console/control")
    assert "1 active fault" in shown(client, "/_mock/")


@pytest.mark.parametrize(
    "fields",
    [{"fault": "wine"}, {}, {"fault": "rate-limit", "argument": "soon"}, {"fault": "latency", "times": "-1"},
     {"fault": "latency", "operation": "drink"}, {"fault": "latency", "times": "9" * 30}, {"fault": EVIL}],
)  # fmt: skip
def test_an_order_that_cannot_be_is_refused_on_the_page(
    client: FlaskClient, emulator: Emulator, fields: dict[str, str]
) -> None:
    page = sent(client, "control/order", status=400, **fields)
    assert 'role="alert"' in page and EVIL not in page and not emulator.faults.active()


def test_the_clock_is_frozen_advanced_and_resumed(client: FlaskClient, emulator: Emulator) -> None:
    assert "frozen" in sent(client, "control/clock", action="freeze") and emulator.runtime.clock.frozen
    before = emulator.runtime.clock.now_ms()
    sent(client, "control/clock", advance="15m")
    assert emulator.runtime.clock.now_ms() - before == 900_000
    sent(client, "control/clock", action="resume")
    assert not emulator.runtime.clock.frozen
    for wrong in ("soon", "", "1e9d"):
        assert 'role="alert"' in sent(client, "control/clock", status=400, advance=wrong)


def test_a_scenario_is_played_to_its_verdict(client: FlaskClient) -> None:
    page = sent(client, "control/scenario", scenario="rate-limit.retry-after")
    assert "Run the client now" in page and client.get("/_mock/scenarios").json["playing"]
    assert client.get("/connections", headers=HEADERS).status_code == 429
    page = sent(client, "control/scenario")
    assert "rate-limit.retry-after" in page and "verdict is below" in page
    assert client.get("/_mock/scenarios").json["verdicts"]
    assert 'role="alert"' in sent(client, "control/scenario", status=400, scenario="wine")


def test_every_quirk_shows_both_answers_and_can_be_set(client: FlaskClient, emulator: Emulator) -> None:
    page = shown(client, "/_mock/console/settings")
    for row in QUIRKS.values():
        for value in row.values:
            assert f'name="{row.name}" value="{value}"' in page
    others = {row.name: row.values[-1] for row in QUIRKS.values()}
    assert f"{len(QUIRKS)} changed" in sent(client, "settings/quirks", **others)
    assert dict(emulator.quirks) == others
    assert 'role="alert"' in sent(client, "settings/quirks", status=400, **{"delete-status": "200"})
    assert 'role="alert"' in sent(client, "settings/quirks", status=400, wine="red")
    assert dict(emulator.quirks) == others


def test_the_state_is_exported_and_imported(client: FlaskClient, emulator: Emulator) -> None:
    client.post("/connections", json=connection("Kept"), headers=HEADERS)
    for query, told in (("?credentials=include", "is imported."), ("", "were masked")):
        state = client.get(f"/_mock/state{query}").data
        sent(client, "settings/reset", sure="yes")
        assert emulator.world.store.tenants() == []
        file = {"file": (io.BytesIO(state), "state.json")}
        answer = client.post("/_mock/console/settings/import", data=file, headers=HERE)
        assert told in shown(client, answer.headers["Location"])
        assert "Kept" in shown(client, "/_mock/console/resources")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"records": 1}', b"\xff", b"[" * 100_000])
def test_a_wrong_state_changes_nothing(client: FlaskClient, content: bytes) -> None:
    client.post("/connections", json=connection("Kept"), headers=HEADERS)
    answer = client.post("/_mock/console/settings/import", data={"file": (io.BytesIO(content), "x")}, headers=HERE)
    assert answer.status_code == 400 and "Nothing was changed" in answer.text
    answer = client.post(
        "/_mock/console/settings/import", data={"other": "x"}, headers=HERE, content_type="multipart/form-data"
    )
    assert answer.status_code == 400
    assert "Kept" in shown(client, "/_mock/console/resources")


@pytest.mark.parametrize("fields", [{"large": "x" * 100_000}, {f"field{number}": "x" for number in range(9)}])
def test_an_import_with_other_fields_is_told_what_is_expected(client: FlaskClient, fields: dict[str, str]) -> None:
    data = {**fields, "file": (io.BytesIO(b"{}"), "state.json")}
    answer = client.post("/_mock/console/settings/import", data=data, headers=HERE)
    assert answer.status_code == 400 and "expected a file" in answer.text


def test_a_reset_wants_to_be_confirmed(client: FlaskClient) -> None:
    client.post("/connections", json=connection("Kept"), headers=HEADERS)
    assert "Confirm the reset" in sent(client, "settings/reset", status=400)
    assert "Kept" in shown(client, "/_mock/console/resources")
    assert "journal is empty" in sent(client, "settings/forget")
    assert client.get("/_mock/journal").json["entries"] == []


FORMS = ("control/order", "control/lift", "control/scenario", "control/clock", "settings/quirks", "settings/import",
         "settings/reset", "settings/forget")  # fmt: skip


@each("form", FORMS)
@each("origin", [None, "null", "http://evil.example", "http://localhost:81"])
def test_a_form_of_another_page_changes_nothing(client: FlaskClient, form: str, origin: str | None) -> None:
    headers = {} if origin is None else {"Origin": origin}
    for fields in ({"fault": "latency", "sure": "yes"}, {"action": "freeze", "file": (io.BytesIO(b"{}"), "x")}):
        answer = client.post(f"/_mock/console/{form}", data=fields, headers=headers)
        assert answer.status_code == 403 and answer.is_json


@pytest.mark.parametrize("form", FORMS)
def test_what_is_no_form_is_refused(client: FlaskClient, form: str) -> None:
    for kind in ("application/json", "text/plain", "", "multipart/form-data"):
        answer = client.post(f"/_mock/console/{form}", data=b"\xff\x00", headers=HERE, content_type=kind)
        assert answer.status_code in (400, 415), (form, kind)
    large = client.post(f"/_mock/console/{form}", data="x=" + "y" * 70_000, headers=HERE,
                        content_type="application/x-www-form-urlencoded")  # fmt: skip
    assert large.status_code in (413, 415)


def test_fidelity_shows_what_the_package_measured(client: FlaskClient) -> None:
    lines = [json.loads(line) for line in (ROOT / "fidelity/fidelity.jsonl").read_text().splitlines()]
    page = shown(client, "/_mock/console/fidelity")
    assert f"{sum(one['verdict'] == 'same' for one in lines)} / {len(lines)}" in page and "createConnection" in page


def test_every_page_of_the_navigation_comes_empty_and_full(client: FlaskClient, emulator: Emulator) -> None:
    paths = re.findall(r'<li><a href="(/_mock/[^"]*)"', client.get("/_mock/", headers=BROWSER).text)
    assert len(paths) == 9
    for _ in range(2):
        for path in paths:
            shown(client, path)
        flowing(emulator)
