"""Checks of etags, which include their quotes and change with each write, and of If-Match."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from contracts.findings.causes import NO_CODE
from contracts.findings.error_codes import code_of
from contracts.findings.verdicts import expect, same
from contracts.registry import check, patched
from contracts.schema.differences import QUOTES, TEXTS
from contracts.stage import Made, Stage
from contracts.stage.expectations import etag_header, receipt, refused, replacing, succeeded, unchanged
from contracts.stage.kinds import Kind
from contracts.wire import Answer


@check("etag.quoted", each=patched)
def the_quotes_belong_to_it(stage: Stage, kind: Kind) -> None:
    """The double quotes are part of the etag, in receipts and look-ups."""
    made = stage.make(kind)
    for etag in (made.etag, str(stage.read(made).get("etag"))):
        expect(len(etag) > 2 and etag[0] == etag[-1] == '"', f"the etag {etag!r} is not in double quotes")


@check("etag.one-value", each=patched)
def one_value_everywhere(stage: Stage, kind: Kind) -> None:
    """Receipt, look-up, list, `version` and both `ETag` headers have the same etag."""
    made = stage.make(kind)
    etag_header(made.answer, made.etag, "ETag of the creation")
    answer = stage.call("GET", made.path)
    item = succeeded(answer)["items"][0]
    same(item.get("etag"), made.etag, "etag of the lookup")
    same(item.get("version"), made.etag, "version of the lookup")
    etag_header(answer, made.etag, "ETag of the lookup")
    listed = next((i for i in stage.listed(f"{kind.path}?limit=50") if i.get("id") == made.id), {})
    same(listed.get("etag"), made.etag, "etag in the list")


@check("etag.changes-on-write", each=patched)
def each_write_makes_a_new_one(stage: Stage, kind: Kind) -> None:
    """Each write creates a new etag, also with the same value; the receipt's etag is the look-up's."""
    made = stage.make(kind)
    seen, etag = [made.etag], made.etag
    for text in ("first", "second", "second"):
        body = receipt(stage.patch(made, replacing("description", text), etag=etag))
        same(body["id"], made.id, "id in the receipt of a patch")
        etag = body["etag"]
        expect(etag not in seen, f"the etag {etag} was issued twice")
        same(stage.read(made).get("etag"), etag, "etag after the write")
        seen.append(etag)


@check("etag.a-b-a", each=patched)
def a_value_that_returns_brings_no_old_etag(stage: Stage, kind: Kind) -> None:
    """Changing a value from A to B and back does not restore the first etag."""
    made = stage.make(kind, description="A")
    second = receipt(stage.patch(made, replacing("description", "B")))["etag"]
    third = receipt(stage.patch(made, replacing("description", "A"), etag=second))["etag"]
    expect(third not in (made.etag, second), "an etag came back together with the value")
    refused(stage.patch(made, replacing("description", "C")), 412, "1404-412")


@check("etag.stable-on-read", each=patched)
def reading_changes_nothing(stage: Stage, kind: Kind) -> None:
    """Look-ups and lists change neither the etag nor any other member."""
    made = stage.make(kind)
    first = stage.read(made)
    stage.call("GET", f"{kind.path}?limit=1")
    unchanged(first, stage.read(made), "reading")


@check("etag.not-shared", each=patched)
def a_write_leaves_others_alone(stage: Stage, kind: Kind) -> None:
    """Patching one entity does not change another."""
    first, second = stage.make(kind), stage.make(kind)
    before = stage.read(second)
    receipt(stage.patch(first, replacing("description", "changed")))
    unchanged(before, stage.read(second), "a write to another entity")


@check("if-match.missing", each=patched)
def if_match_is_demanded(stage: Stage, kind: Kind) -> None:
    """A patch without If-Match is refused with 1403, whatever it contains, and writes nothing."""
    made = stage.make(kind)
    before = stage.read(made)
    body = refused(stage.call("PATCH", made.path, [replacing("description", "x")]), 400, "1403-400")
    same(body["title"], "Header is missing", "title")
    unchanged(before, stage.read(made), "a patch without If-Match")


@check("if-match.in-query", each=patched)
def if_match_is_a_header(stage: Stage, kind: Kind) -> None:
    """If-Match in the query, as in a published collection, is ignored."""
    made = stage.make(kind)
    answer = stage.call("PATCH", f"{made.path}?if-match=%22x%22", [replacing("description", "x")])
    refused(answer, 400, rule="if-match.missing")
    came = code_of(answer)
    cause = f"code {came}" if came else NO_CODE
    expect(came in ("1403-400", "1451-400"), f"{answer} ({came}), expected 400 with 1403-400", cause)


@check("if-match.stale", each=patched)
def a_stale_etag_is_refused(stage: Stage, kind: Kind) -> None:
    """A stale etag gets 412 with 1404 and both versions, and nothing is written."""
    made = stage.make(kind)
    current = receipt(stage.patch(made, replacing("description", "by another")))["etag"]
    before = stage.read(made)
    body = refused(stage.patch(made, replacing("description", "lost")), 412, "1404-412")
    same(body["title"], "Version not matching", "title")
    expect(TEXTS[QUOTES](current) in str(body["report"]), "the refusal does not name the current version")
    unchanged(before, stage.read(made), "a patch with a stale etag")


@check("if-match.unquoted", each=patched)
def the_quotes_must_be_sent(stage: Stage, kind: Kind) -> None:
    """An etag without its quotes is refused like a stale one."""
    made = stage.make(kind)
    refused(stage.patch(made, replacing("description", "x"), etag=made.etag.strip('"')), 412, "1404-412")


@check("if-match.weak", each=patched)
def a_weak_etag_matches_nothing(stage: Stage, kind: Kind) -> None:
    """The current etag with `W/` is refused, because If-Match compares strongly."""
    made = stage.make(kind)
    before = stage.read(made)
    refused(stage.patch(made, replacing("description", "x"), etag=f"W/{made.etag}"), 412, "1404-412")
    unchanged(before, stage.read(made), "a patch with a weak etag")


@check("if-match.foreign", each=patched)
def another_entitys_etag_is_refused(stage: Stage, kind: Kind) -> None:
    """The current etag of another entity is refused."""
    first, second = stage.make(kind), stage.make(kind)
    refused(stage.patch(first, replacing("description", "x"), etag=second.etag), 412, "1404-412")


@check("if-match.any-case", each=patched)
def the_headers_name_has_no_case(stage: Stage, kind: Kind) -> None:
    """`If-Match` and `if-match` are both accepted."""
    made = stage.make(kind)
    headers = {"if-match": made.etag}
    receipt(stage.call("PATCH", made.path, [replacing("description", "x")], headers=headers))


@check("if-match.concurrent", each=patched)
def of_two_writers_one_wins(stage: Stage, kind: Kind) -> None:
    """Of two concurrent patches with the same etag, one gets 200 and one 412."""
    for _ in range(4):
        made = stage.make(kind)
        answers = _patched_at_once(stage, made)
        for answer in answers:
            if answer.status != 412:
                succeeded(answer)
        statuses = sorted(answer.status for answer in answers)
        same(statuses, [200, 412], "statuses of two patches at once with one etag")


def _patched_at_once(stage: Stage, made: Made) -> list[Answer]:
    start = threading.Barrier(2)

    def write(text: str) -> Answer:
        start.wait()
        return stage.patch(made, replacing("description", text))

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(write, ("one", "two")))
