"""Expectations of checks about responses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urljoin

from contracts.findings.causes import HEADER, NO_CODE, PROJECTION, act, of_kind
from contracts.findings.error_codes import code_of
from contracts.findings.suppositions import GATEWAY, unrefused
from contracts.findings.verdicts import Broken, expect, same
from contracts.schema.differences import LACKING, added
from contracts.stage.excerpts import excerpt
from contracts.stage.ledger import Made
from contracts.wire import Answer

NOWHERE = "00000000-0000-4000-8000-000000000000"
"""A well-formed id of no entity."""
_GATEWAY = ("403000", "403010", "401013", "400003", "403027")
"""Codes of the gateway that checks expect."""


def succeeded(answer: Answer, status: int = 200, *, rule: str = "") -> Any:
    """Expect a status; returns the body. `rule` names the check that expects it of other requests."""
    if answer.status != status:
        came = code_of(answer) or "no code"
        cause = f"{act(answer.sent)} {answer.status} code {came}"
        message = f"{answer} ({came}), expected {status}: {excerpt(answer)}"
        raise Broken(message, cause, answer=answer, refused=cause, rule=rule)
    return answer.json


def refused(answer: Answer, status: int, code: str | None = None, *, rule: str = "") -> dict[str, Any]:
    """Expect an error of the service with this status and catalogue code; returns the body.

    `rule` names the check that expects it of other requests: if that has failed, it is the same fault.
    """
    body, came = answer.json, code_of(answer)
    expected = f"{status} with {code}" if code else str(status)
    if answer.status != status or (code is not None and came != code):
        message = f"{answer} ({came or 'no code'}), expected {expected}: {excerpt(answer)}"
        cause = NO_CODE if answer.status == status and came is None else ""
        if came is not None and not answer.succeeded:
            place = "" if answer.status == status else f"{answer.status} in place of {status} "
            cause = f"{place}code {came}"
        act_cause = f"{act(answer.sent)} {answer.status} code {came or 'no code'}" if answer.status >= 400 else ""
        symptom = f"{answer.status} {came} in place of {expected}"
        raise Broken(
            message,
            cause,
            answer=answer,
            refusal=True,
            refused=act_cause,
            symptom=symptom,
            unrefused=unrefused(answer),
            rule=rule,
        )
    expect(isinstance(body, dict), f"{answer} without a JSON object")
    return dict(body)


def refused_by_gateway(answer: Answer, status: int, code: str, *, rule: str = "") -> None:
    """Expect an error of the gateway: as `refused`. Its code is a string or, as recorded in 2026, a number."""
    body = answer.json
    came = str(body.get("error_code")) if isinstance(body, dict) else None
    if answer.status != status or came != code:
        cause = NO_CODE if answer.status == status and code_of(answer) is None else ""
        if came not in (None, "None", *_GATEWAY) and answer.status >= 400:
            cause = f"gateway {answer.status} code {came}"
        raise Broken(
            f"{answer} (error_code {came}), expected {status} with error_code {code}: {excerpt(answer)}",
            cause,
            symptom=f"no {code}",
            unrefused=GATEWAY,
            rule=rule,
        )


def deletion(answer: Answer) -> None:
    """Expect that a deletion succeeded: 204, or 202 as for destinations."""
    if answer.status not in (204, 202):
        came = code_of(answer) or "no code"
        cause = f"{act(answer.sent)} {answer.status} code {came}"
        message = f"{answer} ({came}), expected 204: {excerpt(answer)}"
        raise Broken(message, cause, answer=answer, refused=cause)


def receipt(answer: Answer, status: int = 200) -> dict[str, str]:
    """Expect exactly `{"id", "etag"}`."""
    body = succeeded(answer, status)
    fine = isinstance(body, dict) and set(body) == {"id", "etag"}
    expect(fine, f"{answer} without a receipt: {excerpt(answer)}", f"receipt of {act(answer.sent)}")
    return dict(body)


def etag_header(answer: Answer, etag: str, what: str) -> None:
    """Expect that the header `ETag` has this value."""
    came = answer.header("etag")
    same(came, etag, what, "" if came else HEADER + "etag")


def names_are(came: Iterable[str], expected: Iterable[str], what: str) -> None:
    """Expect that an object has the same names as another one, in any order."""
    found, wanted = set(came), set(expected)
    lacking, more = sorted(wanted - found), of_kind(added(found - wanted))
    same(sorted(found), sorted(wanted), what, LACKING + lacking[0] if lacking else more)


def projected(came: list[Any], expected: list[Any], whole: Mapping[str, Any], what: str) -> None:
    """Expect entities with only the members asked for. With all those of a whole entity, the projection is ignored."""
    names = expected[0].keys() if expected else set()
    unasked = whole.keys() - names
    ignored = unasked and came and all(isinstance(item, dict) and unasked <= item.keys() for item in came)
    expect(not ignored, f"{what}: expected only {', '.join(names)}, got all", PROJECTION)
    same(came, expected, what)


def located(answer: Answer) -> str:
    """The target of `Location`: an absolute URL, or a path on the same server."""
    location = answer.header("location")
    expect(location, f"{answer} without the header Location", HEADER + "location")
    try:
        return urljoin(answer.url, location or "")
    except ValueError:
        raise Broken(f"{answer} with the Location {location!r}, which is no URL", HEADER + "location") from None


def unchanged(before: dict[str, Any], after: dict[str, Any], why: str) -> None:
    """Expect that a refused write changed nothing."""
    for member in sorted(before.keys() | after.keys()):
        same(after.get(member), before.get(member), f"{member} after {why}")


def replacing(member: str, value: Any) -> dict[str, Any]:
    """A patch instruction that replaces a member."""
    return {"op": "replace", "path": f"/{member}", "value": value}


def ids(items: list[dict[str, Any]]) -> list[str]:
    """The ids of entities, in order."""
    return [str(item.get("id")) for item in items]


def ours(found: list[str], made: list[Made]) -> list[str]:
    """The ids created by the check itself, in the order found: the sandbox may contain others."""
    mine = {entity.id for entity in made}
    return [entity_id for entity_id in found if entity_id in mine]
