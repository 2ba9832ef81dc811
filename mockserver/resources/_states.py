"""States of entities and actions on them, checked alike for every resource (facts §5, §6)."""

from __future__ import annotations

from mockserver.errors import ApiError, wrong_value
from mockserver.exchange import SETTLED, Request
from mockserver.state.records import Doc
from mockserver.world import World

SETTABLE = ("enabled", "disabled", "initializing")
"""States that a client may set on a connection (catalogue row 1456)."""

PROVIDER_ACTIONS = ("FINALIZE", "FINALIZE_UPDATE")
SUB_ACTIONS = ("APPLY", "ROLLBACK", "PROGRESS")
_MAX_SHOWN = 40


def action(world: World, request: Request, *offered: str) -> str:
    """The action named by `op`, one of `offered`. Case is ignored, and `-` equals `_`.

    Raises ApiError, in this order: `op` is missing (2119) or unknown (1452), `subOp` is missing (2119), unknown (1435)
    or a provider's (1436), the action is a provider's (1402).
    """
    asked: str | None = request.arguments.get("op")
    if not asked:
        raise _missing("op", offered)
    wanted = asked.upper().replace("-", "_")
    if wanted not in (*offered, *PROVIDER_ACTIONS):
        raise wrong_value("op", asked, _one_of(offered))
    sub_actions = _sub_actions(world, request)
    if wanted in PROVIDER_ACTIONS:
        came = "an action that only flow providers call"
        raise ApiError("provider_action", action=_printed(wanted), pointer="op", expected=_one_of(offered), came=came)
    if "PROGRESS" in sub_actions:
        raise ApiError("sub_action_unfit", subOperation="progress", operation=_printed(wanted), pointer="subOp")
    return wanted


def _sub_actions(world: World, request: Request) -> list[str]:
    """The sub-actions named by `subOp`, in upper case. Raises ApiError."""
    sent = [value for name, value in request.call.parameters() if name == "subOp"]  # not every operation has it
    named = [part for value in sent for part in value.split(",") if part]
    takes_one = "subOp" in world.contract.operations[request.operation].query
    if not named and takes_one and world.quirks["sub-op"] == "required":
        raise _missing("subOp", SUB_ACTIONS)
    for value in named:
        if value.upper() not in SUB_ACTIONS:
            shown = value[:_MAX_SHOWN]
            raise ApiError("sub_action", subAction=shown, pointer="subOp", expected=_one_of(SUB_ACTIONS))
    return [value.upper() for value in named]


def demand_settled(doc: Doc, key: str) -> None:
    """Raise the error `key` for an entity that the service is processing."""
    if doc["state"] not in (*SETTLED, *SETTABLE):
        raise ApiError(key, state=doc["state"], hint="wait until the service is done, and read the entity again")


def demand_updatable(doc: Doc) -> None:
    """Refuse an update while the service is processing: 1457 while it finalizes, else 1420."""
    demand_settled(doc, "update_state" if "finalizing" in doc["state"] else "update_forbidden")


def demand_state(doc: Doc, wanted: str, asked: str) -> None:
    """Refuse an action in a wrong state: 1421 while the service is processing, else 1422."""
    demand_settled(doc, "transition_forbidden")
    if doc["state"] != wanted:
        expected = f"an entity that is {wanted}"
        raise ApiError("action_not_applicable", action=_printed(asked), state=doc["state"], expected=expected)


def _missing(parameter: str, values: tuple[str, ...]) -> ApiError:
    return ApiError("parameter_missing", parameter=parameter, pointer=parameter, expected=_one_of(values))


def _one_of(values: tuple[str, ...]) -> str:
    names = [_printed(value) for value in values]
    return " or ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def _printed(value: str) -> str:
    """The tutorials' spelling."""
    return value.lower().replace("_", "-")
