"""A fault that several checks meet is one finding: of a rule, of a member that is lacking, or of an entity."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest

from contracts import registry
from contracts.broken import load, proof
from contracts.broken.wrapping import Asked, GivenAnswer, Right, Wrapped
from contracts.progress import Progress
from contracts.registry import Check
from contracts.reports.outcomes import SuiteReport
from contracts.run import Run
from contracts.secrecy import Mask
from contracts.settings import MADE_UP, Settings
from contracts.stage.kinds import Kind
from contracts.wire import WsgiTransport
from tests.contracts.test_wrong_servers import DOCUMENT, LEVELS, Fault

ONE_ID = "11111111-1111-4111-8111-111111111111"


def if_match_ignored(asked: Asked, right: Right) -> GivenAnswer:
    entity = right.entity(asked) if "if-match" in asked.headers else {}
    return right(asked.having(if_match=entity["etag"]) if entity else asked)


def one_more_member(asked: Asked, right: Right) -> GivenAnswer:
    """In every object, also where members are names of params."""

    def more(value: object) -> object:
        if isinstance(value, dict):
            return {**{name: more(inner) for name, inner in value.items()}, "__v": 0}
        return [more(item) for item in value] if isinstance(value, list) else value

    given = right(asked)
    return given.saying(more(given.json)) if given.done and given.body else given


def one_id_for_all(asked: Asked, right: Right) -> GivenAnswer:
    """The id stands for the last connection, in requests and responses."""
    ids: list[str] = right.memory.setdefault("ids", [])

    def meant(text: str) -> str:
        return text.replace(ONE_ID, ids[-1]) if ids else text

    body = meant(asked.body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
    given = right(replace(asked, path=meant(asked.path), query=meant(asked.query), body=body))
    if asked.creates and asked.kind == "connections" and given.receipt:
        ids.append(given.receipt["id"])
    if asked.method == "DELETE" and given.done and asked.parts[1:] == [ONE_ID]:
        ids.pop()
    text = given.body.decode()
    for one in ids:
        text = text.replace(one, ONE_ID)
    return replace(given, body=text.encode())


def each_request_is_done_twice(asked: Asked, right: Right) -> GivenAnswer:
    """As a proxy does that repeats what it thinks is lost."""
    right(asked)
    return right(asked)


class Chosen(Run):
    """A run of some checks only, for one collection."""

    checks: tuple[str, ...] = ()
    kind = ""

    def _left_out(self, check: Check, kind: Kind | None) -> str | None:
        chosen = check.id in self.checks and (kind is None or kind.name == self.kind)
        return super()._left_out(check, kind) if chosen else ""


def judged(fault: Fault, checks: str, kind: str = "connections", **options: Any) -> SuiteReport:
    registry.load()
    settings = Settings("http://127.0.0.1", MADE_UP, examples=0, lasting=True)
    transport = WsgiTransport(Wrapped(proof.right(options)[0], fault))
    run = Chosen(settings, DOCUMENT, transport, Progress(io.StringIO(), Mask(())), Mask(()))
    run.checks, run.kind = tuple(checks.split()), kind
    return run.go()


SERVERS: dict[str, tuple[str, str]] = {
    "needs-no-name": ("create.unknown-spec create.name-missing patch.outcome-checked", "create.name-missing"),
    "takes-an-unknown-auth-spec": (
        "create.unknown-spec create.unknown-auth-spec patch.outcome-checked",
        "create.unknown-auth-spec",
    ),
    "demands-no-params": (
        "create.unknown-spec create.param-missing create.refused-leaves-nothing",
        "create.param-missing",
    ),
    "takes-nothing-for-an-object": ("create.body-empty patch.empty", "create.body-empty"),
    "takes-the-other-clouds-auth-spec": (
        "create.unknown-spec create.unlisted-auth-spec secret.not-in-errors",
        "create.unlisted-auth-spec",
    ),
    "test-is-always-true": ("destination.revoked explore.test-fails", "destination.revoked"),
    "needs-no-organisation": ("gateway.key-missing gateway.org-missing gateway.order", "gateway.org-missing"),
    "looks-at-the-etag-first": ("delete.gone patch.order-of-refusals", "delete.gone"),
    "leaves-out-unknown-members": ("patch.missing-member patch.atomic", "etag.never-repeated"),
    "filters-do-not-reach-into-arrays": (
        "create.listed filter.documented-members flow.found-by-reference",
        "filter.documented-members",
    ),
    "preview-without-rows": ("explore.each-table explore.preview", "explore.each-table"),
    "secrets-are-left-out": ("create.kept secret.mask-comes-back", "create.kept"),
    "specs-are-listed-in-short": ("spec.list journey.connect-postgresql", "spec.list"),
    "lists-runs-without-their-size": ("run.filtered run.same-as-lookup", "run.same-as-lookup"),
    "shows-one-run-of-a-flow": ("run.filtered run.listed run.told-by-its-flow", "run.listed"),
    "password-in-searches": ("secret.masked list.same-as-lookup", "secret.canary"),
    "phantom-after-delete": ("delete.gone flow.holds-its-connections", "entity.gone"),
    "one-version-for-all": ("list.different-entities etag.not-shared", "etag.unchanged"),
    "patches-one-by-one": ("patch.atomic", "etag.unchanged"),
    "draft-mode-ignored": ("draft.stored draft.published", "entity.state-as-written"),
    "takes-any-type": ("create.unknown-spec create.param-type secret.not-in-errors", "create.param-type"),
    "refuses-methods-without-allow": ("method.not-allowed method.head-and-options", "method.not-allowed"),
    "location-of-the-collection": ("create.location journey.connect-postgresql", "create.location"),
    "creates-twice": ("create.once flow.holds-its-connections", "list.whole"),
    "publishing-changes-nothing": ("draft.published journey.draft", "etag.never-repeated"),
    "token-used-once": ("list.orderby list.token-repeatable", "list.token-repeatable"),
    "error-without-request-id": ("explore.unknown-connection", "answer.schema"),
    "password-in-lookups": ("secret.masked list.same-as-lookup create.listed", "secret.canary"),
    "nothing-to-explore-is-empty": ("delete.below tenant.below", "entity.gone"),
    "filters-ignored": ("filter.equality list.paging", "list.meets-filters"),
    "deleted-but-still-listed": ("delete.gone delete.count flow.holds-its-connections", "delete.gone"),
    "needs-no-if-match": ("patch.unknown-op if-match.missing if-match.in-query", "if-match.missing"),
    "names-no-version": ("if-match.stale action.if-match", "if-match.stale"),
    "runs-of-nothing": ("run.wrong", "run.wrong"),
    "patches-arrays-only": ("next-door.data-set patch.single-instruction", "patch.single-instruction"),
    "needs-no-token": ("gateway.token-missing inlet.token gateway.order", "gateway.token-missing"),
    "takes-any-state": ("create.unknown-spec create.state patch.outcome-checked", "create.state"),
    "leaves-out-unknown-operations": ("patch.unknown-op patch.atomic", "etag.never-repeated"),
    "one-code-for-every-bad-request": ("create.state if-match.in-query", "create.state"),
    "wrong-filters-find-nothing": ("filter.wrong spec.filter-wrong spec.filter", "filter.wrong"),
    "answers-401-to-everyone-unknown": ("gateway.key-missing gateway.token-missing", "gateway.key-missing"),
    "searches-one-write-behind": ("list.fresh etag.after-each-write list.search", "etag.after-each-write"),
    "publishes-again-and-again": ("draft.published-once", "etag.never-repeated"),
    "wrong-method-is-404": ("method.not-allowed example.gateway", "method.not-allowed"),
    "knows-headers-in-one-spelling": ("if-match.any-case gateway.header-names-in-any-case", "if-match.any-case"),
    "sandboxes-are-asleep": ("neighbour.sandbox neighbour.sandbox-state", "neighbour.sandbox"),
    "sandboxes-have-an-id-of-their-own": ("neighbour.sandbox neighbour.sandbox-state", "neighbour.sandbox"),
    "inlets-name-another": ("inlet.takes inlet.of-a-webhook", "inlet.takes"),
    "new-connections-initialize": ("create.enabled draft.published", "entity.state-as-written"),
    "demands-credentials-for-profiles": ("create.body-empty destination.profiles", "destination.profiles"),
    "acts-on-nothing": ("action.unknown-id tenant.below", "entity.gone"),
    "lost-post": ("create.location list.same-as-lookup", "create.location"),
    "versions-of-schemas-stand-still": ("next-door.field-group next-door.schema-state", "next-door.field-group"),
    "lists-a-batch-that-is-not-there": ("next-door.batches next-door.batch-state", "next-door.batches"),
    "accept-is-not-looked-at": ("next-door.field-group next-door.accept", "next-door.accept"),
    "operations-in-upper-case-only": ("destination.revoked run.ad-hoc", "destination.revoked"),
    "orderby-reversed": ("list.orderby list.orderby-wrong next-door.schemas-listed", "list.keeps-order"),
    "last-page-is-empty": ("flow.holds-its-connections list.paging path.trailing-slash", "list.paging"),
    "lists-runs-of-all-sandboxes": ("run.on-demand run.of-its-sandbox sandbox.missing", "run.of-its-sandbox"),
    "refuses-connection-strings": (
        "create.unlisted-auth-spec secret.connection-string-masked",
        "create.unlisted-auth-spec",
    ),
    "ids-in-capitals": ("create.receipt connectors.private-endpoints", "answer.schema"),
    "etag-counts-writes": ("etag.changes-on-write create.once", "etag.never-repeated"),
    "forgets-who-made-it": ("list.different-entities time.order", "entity.creation-stays"),
    "names-specs-otherwise": ("spec.list journey.connect-postgresql", "spec.list"),
    "updates-leave-no-time": ("list.fresh time.update-moves run.filtered", "time.update-moves"),
    "drops-params": (
        "create.kept create.content-as-sent patch.inside-content filter.documented-members",
        "create.kept",
    ),
    "flows-are-disabled-twice": ("flow.enabled-and-disabled", "etag.never-repeated"),
}
"""Server of `contracts/broken` -> the checks that meet its fault, and the check of the only finding."""


@pytest.mark.parametrize(("name", "checks", "first"), [(name, *row) for name, row in SERVERS.items()], ids=SERVERS)
def test_a_fault_that_several_checks_meet_is_one_finding(name: str, checks: str, first: str) -> None:
    server = load()[name]
    report = judged(server.fault, checks, "flows" if "flow" in checks else server.kinds[0], **server.options)
    findings = [(finding.first.check, finding.cause) for finding in report.findings(LEVELS)]
    assert [check for check, _ in findings] == [first], findings
    assert report.trouble == []


OWN: dict[str, tuple[Fault, str, str]] = {
    "if-match ignored": (if_match_ignored, "action.if-match if-match.stale", "action.if-match"),
    "one more member": (one_more_member, "create.receipt spec.auth-specs", "answer.schema"),
    "each request twice": (
        each_request_is_done_twice,
        "create.once delete.answer draft.published patch.replaces",
        "list.whole",
    ),
    "one id for all": (one_id_for_all, "create.kept create.listed create.once delete.gone", "create.id-unique"),
}


@pytest.mark.parametrize(("fault", "checks", "first"), OWN.values(), ids=OWN)
def test_a_fault_of_every_response_is_one_finding(fault: Fault, checks: str, first: str) -> None:
    report = judged(fault, checks)
    assert [finding.first.check for finding in report.findings(LEVELS)] == [first]
    assert (report.trouble, report.left) == ([], [])


def test_what_an_entity_shows_that_should_be_gone_is_no_second_finding() -> None:
    """A source connection that was not deleted loses what it had from its base connection."""
    server = load()["deletes-ends-in-use"]
    report = judged(server.fault, "flow.holds-its-connections list.limit", "sourceConnections")
    assert [finding.first.check for finding in report.findings(LEVELS)] == ["entity.gone"]
