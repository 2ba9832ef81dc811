"""Tests of reports and settings of a run: masks, JUnit, records, options."""

import io
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from contracts import run, settings
from contracts.broken import SERVERS, load
from contracts.findings.verdicts import FAILED, PASSED, UNTESTABLE, Broken, Outcome
from contracts.progress import Progress
from contracts.reports import har, junit, record
from contracts.reports.outcomes import SuiteReport
from contracts.requirements import Requirement
from contracts.schema.document import Document
from contracts.secrecy import Mask
from contracts.settings import WrongUse
from contracts.stage import Stage
from contracts.stage.expectations import deletion, receipt, refused, succeeded
from contracts.wire import Answer, Sent, WsgiTransport
from mockserver import create_app
from mockserver.cli import main

load()


@pytest.mark.parametrize(
    "text", ['p"ss/ü', '{"password": "p\\"ss/\\u00fc"}', "?filter=p%22ss%2F%C3%BC", "?filter=p%22ss/%C3%BC"]
)
def test_a_secret_is_hidden_in_every_form_it_takes(text: str) -> None:
    assert "ss" not in Mask(['p"ss/ü']).text(text).replace("password", "")


def test_of_headers_those_are_shown_that_carry_no_credential() -> None:
    sent = [("Authorization", "Bearer x"), ("x-api-key", "key-of-mine"), ("x-vault", "v"), ("Accept", "b")]
    shown = dict(Mask(["key-of-mine"]).headers(sent))
    assert shown["Accept"] == "b"
    assert all(shown[name].startswith("‹string, ") for name in ("Authorization", "x-api-key", "x-vault"))


@pytest.mark.parametrize("url", ["https://u:c4n4ry@h/x", "http://c4n4ry@h", "see https://u:c4n4ry@h:1/x?y=1 now"])
def test_no_url_keeps_its_user(url: str) -> None:
    assert "c4n4ry" not in Mask(()).text(url) + Mask(()).url(url)


MEMBERS = Document.load().harmless_names


@pytest.mark.parametrize(
    "body",
    [
        {"auth": {"specName": "Basic", "params": {"server": "c4n4ry", "password": ["c4n4ry"]}}},
        {"accountKey": "c4n4ry", "x": {"y": ["c4n4ry", {"z": "c4n4ry"}]}},
        {"SASToken": "c4n4ry", "SASUri": "https://h?sig=c4n4ry", "credentials": {"awsSecretAccessKey": "c4n4ry"}},
        [{"op": "replace", "path": "/auth/params/password", "value": "c4n4ry"}],
        "c4n4ry",
        ["c4n4ry"],
        {"name": "https://u:c4n4ry@h"},
    ],
)
def test_of_a_body_the_members_are_shown_that_the_contract_knows(body: Any) -> None:
    mask = Mask((), MEMBERS)
    assert "c4n4ry" not in mask.body(json.dumps(body).encode()) + mask.body(json.dumps(body).encode()[:-1] + b"c4n4ry")
    known = {
        "name": "shop",
        "description": "d",
        "connectionSpec": {"id": "1", "version": "1.0"},
        "params": {"tableName": "t"},
    }
    assert json.loads(mask.body(json.dumps(known).encode())) == known


def test_of_a_query_the_values_of_known_parameters_are_shown() -> None:
    shown = Mask((), MEMBERS).url("/connections?limit=5&sig=c4n4ry&property=auth.x==c4n4ry&property=name==a")
    assert (
        shown.startswith("/connections?limit=5&sig=") and shown.endswith("&property=name==a") and "c4n4ry" not in shown
    )


def test_junit_counts_what_happened() -> None:
    report = SuiteReport("http://x", 1, [Outcome("a.b", "flows", FAILED, 'no "etag"\x00'), Outcome("a.c", "", PASSED)])
    report.outcomes.append(Outcome("a.d", "", UNTESTABLE, "no second sandbox"))
    suite = ET.fromstring(junit.document(report, Mask(())))  # noqa: S314  (our own text)
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
    assert [case.get("name") for case in suite] == ["a.b[flows]", "a.c", "a.d"]


def test_a_promise_is_kept_only_when_one_of_its_checks_ran_and_none_failed() -> None:
    rows = [Requirement(name, "must", "…", "…", checks) for name, checks in [("x", ("a", "b")), ("y", ("c",))]]
    cases = [((PASSED, FAILED), FAILED), ((PASSED, UNTESTABLE), PASSED), ((UNTESTABLE, UNTESTABLE), UNTESTABLE)]
    for (one, two), expected in cases:
        report = SuiteReport("", 1, [Outcome("a", "", one), Outcome("b", "", two)])
        assert report.of_promises(rows) == {"x": expected, "y": UNTESTABLE}


def recorded(tmp_path: Path, name: str, app: object) -> Path:
    """The record of a few requests to a server."""
    document, seen = Document.load(), record.Record()
    stage = Stage(WsgiTransport(app), settings.load("http://127.0.0.1", environ={}), document)
    made = stage.make("connections")
    stage.call("GET", made.path)
    stage.call("GET", "/connectionSpecs")
    stage.call("GET", "/connections/none")
    for answer in stage.record:
        seen.hear(document, answer)
    path = tmp_path / name
    path.write_text(json.dumps({"operations": seen.values()}))
    return path


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (lambda: create_app(log="none"), ["no differences"]),
        (lambda: create_app(log="none", platform="aws"), ["auth specs", "Connection String Based Authentication"]),
        (lambda: SERVERS["drops-description"].over(create_app(log="none")), ["/items/0/description: string"]),
        (lambda: SERVERS["unquoted-etag"].over(create_app(log="none")), ["/etag: etag", "/etag: uuid"]),
        (lambda: create_app(log="none", quirk={"not-found-status": "400"}), ["statuses", "400", "404"]),
        (lambda: create_app(log="none", quirk={"error-body": "legacy"}), ["/report: object", "1439-404"]),
    ],
    ids=["itself", "aws", "a-member-less", "an-etag-without-quotes", "a-status", "an-error-body"],
)
def test_two_records_are_compared(tmp_path: Path, other: object, says: list[str]) -> None:
    first = recorded(tmp_path, "a.json", create_app(log="none"))
    second = recorded(tmp_path, "b.json", other())  # type: ignore[operator]
    out = io.StringIO()
    assert run.compare(first, second, out=out) == (0 if says == ["no differences"] else 1)
    for text in says:
        assert text in out.getvalue()


def test_the_command_compares_two_records(tmp_path: Path) -> None:
    first = recorded(tmp_path, "first", create_app(log="none"))
    (tmp_path / "second.json").write_text('{"operations": {}}', encoding="utf-8")
    (tmp_path / "none.json").write_text("[]", encoding="utf-8")
    invoke = CliRunner().invoke
    assert invoke(main, ["contract", "--compare", str(first), str(first)]).output == "no differences\n"
    missing = invoke(main, ["contract", "--compare", str(first), str(tmp_path / "second.json")])
    assert missing.exit_code == 1 and "createConnection" in missing.output
    refused = invoke(main, ["contract", "--compare", str(first), str(tmp_path / "none.json")])
    assert refused.exit_code == 2 and "is not a record of a run" in refused.output


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_one_line_is_written_over_and_failures_stay() -> None:
    screen = Terminal()
    progress = Progress(screen, Mask(["s3cret"]))
    progress.step(1, 2, "a.long-name")
    progress.step(2, 2, "b")
    progress.finding("FAIL", Outcome("b", "", FAILED, "showed s3cret"))
    assert [line.rstrip() for line in re.split(r"[\r\n]+", screen.getvalue())] == [
        "", "[1/2] a.long-name", "[2/2] b", "", "FAIL  b: showed ********", "",
    ]  # fmt: skip


def test_an_option_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("# mine\nexport FLOW_SERVICE_TOKEN='from-file'\nFLOW_SERVICE_ORG=file@AdobeOrg\n")
    environ = {"FLOW_SERVICE_ORG": "environ@AdobeOrg", "FLOW_SERVICE_SANDBOX": "environ"}
    found = settings.load("http://127.0.0.1:1", headers=["X-Sandbox-Name: option"], env_file=file, environ=environ)
    assert found.headers == {
        "Authorization": "Bearer from-file",
        "x-gw-ims-org-id": "environ@AdobeOrg",
        "x-sandbox-name": "option",
        "x-api-key": "contract-suite",
    }
    assert found.token_given and "from-file" in found.secrets
    assert "from-file" not in repr(found)


@pytest.mark.parametrize("place", ["user", "host alone", "query", "fragment"])
@pytest.mark.parametrize("is_neighbour", [False, True], ids=["server", "neighbours"])
def test_a_url_that_may_hold_a_credential_is_refused_and_not_repeated(place: str, is_neighbour: bool) -> None:
    """It was part of findings about hosts and links."""
    url = {
        "user": "http://u:c4n4ry@127.0.0.1:1",
        "host alone": "http://c4n4ry@127.0.0.1:1/base",
        "query": "http://127.0.0.1:1/?sig=c4n4ry",
        "fragment": "http://127.0.0.1:1#c4n4ry",
    }[place]
    options = {"neighbours": url} if is_neighbour else {}
    with pytest.raises(WrongUse, match="without user, query and fragment") as refused:
        settings.load("http://127.0.0.1:1" if is_neighbour else url, environ={}, **options)
    assert "c4n4ry" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "options"),
    [("nowhere", {}), ("https://platform.adobe.io", {}), ("http://127.0.0.1", {"headers": ["x"]})],
)
def test_settings_that_cannot_be_are_refused(url: str, options: dict[str, list[str]]) -> None:
    with pytest.raises(WrongUse):
        settings.load(url, environ={}, **options)  # type: ignore[arg-type]


HOSTILE = {"items": [{"id": "c4n4ry", "auth": {"params": {"password": "c4n4ry"}}, "echo": {"key": "c4n4ry"}}]}


@pytest.mark.parametrize("body", [json.dumps(HOSTILE).encode(), b"<h1>c4n4ry</h1>"])
@pytest.mark.parametrize("expectation", [succeeded, lambda answer: refused(answer, 404), deletion, receipt])
def test_no_finding_quotes_a_value_that_may_be_a_secret(expectation: Callable[[Answer], Any], body: bytes) -> None:
    """What was quoted of a body lacked the operator's credentials, but not those of the server."""
    value = body.replace(b'"id": "c4n4ry"', b'"id": "x"')
    with pytest.raises(Broken) as raised:
        expectation(Answer(Sent("POST", "/connections", ()), "http://h/connections", 418, (), value))
    assert "418" in str(raised.value) and "c4n4ry" not in str(raised.value)


def test_names_and_types_that_repeat_a_credential_are_masked(tmp_path: Path) -> None:
    headers = (("x-c4n4ry", "1"), ("content-type", "text/plain; x=c4n4ry"))
    writer = har.Writer(tmp_path, Mask(["c4n4ry"]))
    writer.add(Answer(Sent("POST", "/connections", headers, b"x"), "http://h/connections", 200, headers, b"x"))
    writer.close()
    assert "c4n4ry" not in (tmp_path / har.FILE).read_text(encoding="utf-8")


def test_bodies_are_quoted_by_excerpt_alone() -> None:
    suite = Path(run.__file__).parent
    files = [path for path in suite.rglob("*.py") if path.relative_to(suite).parts[0] != "clients"]
    assert len(files) > 80 and [one.name for one in files if "answer.text[" in one.read_text(encoding="utf-8")] == []
