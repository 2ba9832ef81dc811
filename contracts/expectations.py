"""What checks expect of answers, in the words of the contract."""

from __future__ import annotations

from typing import Any

from contracts.stage import Made
from contracts.verdicts import Broken, expect, same
from contracts.wire import Answer

CODE_PREFIX = "https://ns.adobe.com/aep/errors/FLOW-"
NOWHERE = "00000000-0000-4000-8000-000000000000"
"""A well-formed id that no entity has."""


def succeeded(answer: Answer, status: int = 200) -> Any:
    """The body of an answer with the right status."""
    if answer.status != status:
        raise Broken(f"{answer} ({code_of(answer) or 'no code'}), expected {status}: {answer.text[:200]}")
    return answer.json


def refused(answer: Answer, status: int, code: str | None = None) -> dict[str, Any]:
    """The body of a refusal by the service with this status and catalogue code."""
    body = answer.json
    expected = f"{status} with {code}" if code else str(status)
    if answer.status != status or (code is not None and code_of(answer) != code):
        raise Broken(f"{answer} ({code_of(answer) or 'no code'}), expected {expected}: {answer.text[:200]}")
    expect(isinstance(body, dict), f"{answer} without a JSON object")
    return dict(body)


def refused_by_gateway(answer: Answer, status: int, code: str) -> None:
    """A refusal by the gateway: its own body, whose code is a string, or a number as recorded in 2026."""
    body = answer.json
    came = str(body.get("error_code")) if isinstance(body, dict) else None
    if answer.status != status or came != code:
        raise Broken(f"{answer} (error_code {came}), expected {status} with error_code {code}: {answer.text[:200]}")


def code_of(answer: Answer) -> str | None:
    """The code of a refusal, whoever refused."""
    body = answer.json
    if not isinstance(body, dict):
        return None
    kind = str(body.get("type", ""))
    if kind.startswith(CODE_PREFIX):
        return kind.removeprefix(CODE_PREFIX)
    return str(body["error_code"]) if "error_code" in body else None


def receipt(answer: Answer, status: int = 200) -> dict[str, str]:
    """`{"id", "etag"}` and nothing else."""
    body = succeeded(answer, status)
    expect(isinstance(body, dict) and set(body) == {"id", "etag"}, f"{answer} without a receipt: {answer.text[:200]}")
    return dict(body)


def unchanged(before: dict[str, Any], after: dict[str, Any], why: str) -> None:
    """A refused write left no trace."""
    for member in sorted(before.keys() | after.keys()):
        same(after.get(member), before.get(member), f"{member} after {why}")


def replacing(member: str, value: Any) -> dict[str, Any]:
    """One instruction of a patch."""
    return {"op": "replace", "path": f"/{member}", "value": value}


def ids(items: list[dict[str, Any]]) -> list[str]:
    """The ids of entities, in order."""
    return [str(item.get("id")) for item in items]


def ours(found: list[str], made: list[Made]) -> list[str]:
    """Those of the ids that the check made itself, in the order found: others may live in the sandbox."""
    mine = {entity.id for entity in made}
    return [entity_id for entity_id in found if entity_id in mine]
