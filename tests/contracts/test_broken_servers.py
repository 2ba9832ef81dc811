"""Every deliberately wrong server is caught, by the checks it names; the right one passes the same."""

import pytest

from contracts import registry, trial
from contracts.broken import Broken, load
from contracts.document import Document
from contracts.registry import CHECKS, OBSERVERS
from contracts.verdicts import FAILED, UNTESTABLE
from mockserver import Config, Emulator, create_app

DOCUMENT = Document.load()
SERVERS = load()

UNPROVEN = """
action.if-match action.op-any-case action.op-wrong action.unknown-id answer.documented-headers answer.documented-
status answer.empty-body answer.no-server-error answer.request-id-unique answer.schema create.body-empty
create.body-not-json create.charset create.content-type create.description-optional create.enabled create.id-unique
create.location create.name-missing create.param-missing create.param-type create.receipt create.refused-leaves-
nothing create.spec-missing create.ssl-mode create.stamped create.stamps-not-taken create.state create.unicode
create.unknown-auth-spec create.unknown-members create.unknown-spec create.unlisted-auth-spec create.version-absent
delete.answer delete.count delete.only-that draft.incomplete draft.published draft.published-once draft.stored
error.request-id error.status-and-code-agree error.texts-equal etag.not-shared etag.one-value etag.stable-on-read
example.connections example.gateway example.postgresql explore.configs explore.preview explore.root explore.table
explore.test explore.unknown-connection explore.unknown-table explore.wrong filter.after-write filter.conjunction
filter.encoded filter.equality filter.state filter.times filter.wrong gateway.before-service gateway.header-names-
in-any-case gateway.org-malformed gateway.org-missing gateway.scheme-in-any-case gateway.token-malformed
gateway.token-missing gateway.token-unknown if-match.any-case if-match.unquoted journey.change-credentials
journey.connect-postgresql journey.delete journey.draft journey.page-like-aepp list.count-with-limit list.envelope
list.every-page-linked list.limit list.limit-wrong list.newest-first list.next-href list.orderby list.orderby-wrong
list.paging list.projection list.same-as-lookup list.search list.token-foreign list.token-repeatable list.unknown-
parameters list.while-deleting list.while-writing lookup.idempotent lookup.unknown lookup.wrapped method.head-and-
options method.not-allowed patch.add-and-remove patch.atomic patch.disable patch.empty patch.in-order patch.missing-
member patch.no-value patch.op-any-case patch.order-of-refusals patch.outcome-checked patch.params-as-a-whole
patch.replaces patch.single-instruction patch.spec-fixed patch.stamps-fixed patch.trailing-slash patch.unknown-op
path.trailing-slash path.unknown sandbox.id sandbox.malformed sandbox.wildcard secret.connection-string-masked
secret.mask-comes-back secret.not-guessable secret.not-in-errors secret.not-sortable spec.auth-specs spec.filter
spec.filter-wrong spec.list spec.unknown tenant.below tenant.delete tenant.list tenant.patch tenant.same-names
tenant.token time.etag-second time.milliseconds time.order
""".split()
"""Checks that no broken server shows to catch anything yet. Give one a server and take it out."""


@pytest.fixture(scope="module")
def emulator() -> Emulator:
    return Emulator(Config(log="none"))


@pytest.mark.parametrize("server", SERVERS.values(), ids=lambda server: server.name)
def test_a_broken_server_is_caught(server: Broken, emulator: Emulator) -> None:
    app = server.over(create_app(emulator))
    outcomes = trial.judge(app, (*server.caught_by, *server.by_way_of), document=DOCUMENT)
    caught = {outcome.check for outcome in outcomes if outcome.verdict == FAILED}
    assert caught >= set(server.caught_by)


def test_the_right_server_passes_the_same_checks(emulator: Emulator) -> None:
    names = sorted({name for server in SERVERS.values() for name in (*server.caught_by, *server.by_way_of)})
    outcomes = trial.judge(create_app(emulator), names, document=DOCUMENT)
    assert [(o.label, o.message) for o in outcomes if o.verdict in (FAILED, UNTESTABLE)] == []


def test_every_check_is_proven_by_a_broken_server_or_listed_as_unproven() -> None:
    registry.load()
    proven = {name for server in SERVERS.values() for name in server.caught_by}
    assert sorted({*CHECKS, *OBSERVERS} - proven) == sorted(UNPROVEN)
