"""Faulty servers with a wrong sandbox service or landing zone."""

from __future__ import annotations

from contracts.broken import Asked, GivenAnswer, Right, broken
from contracts.checks.neighbours import CREDENTIALS, SANDBOXES, ZONE
from contracts.wire import PLATFORM

_OWN_ID = {"id": "7d8e3a1c-0000-4000-8000-000000000000"}


@broken("neighbour.gateway")
def asks_neighbours_without_a_key(asked: Asked, right: Right) -> GivenAnswer:
    """The sandbox service accepts callers without a key."""
    open_door = asked.path.startswith(SANDBOXES) and "x-api-key" not in asked.headers
    return right(asked.having(x_api_key="anyone") if open_door else asked)


@broken("neighbour.gateway")
def gives_credentials_without_a_token(asked: Asked, right: Right) -> GivenAnswer:
    """A landing zone's credentials need no token."""
    open_door = asked.path == CREDENTIALS and "authorization" not in asked.headers
    return right(asked.having(authorization="Bearer any.token") if open_door else asked)


@broken("neighbour.sandbox")
def sandboxes_have_an_id_of_their_own(asked: Asked, right: Right) -> GivenAnswer:
    """The sandbox service shows an id that no entity shows."""
    given = right(asked)
    return given.telling(**_OWN_ID) if asked.path.startswith(SANDBOXES) and given.done else given


@broken("neighbour.sandbox")
def sandboxes_are_asleep(asked: Asked, right: Right) -> GivenAnswer:
    """A sandbox in use is shown as being created."""
    given = right(asked)
    return given.telling(state="creating") if asked.path.startswith(SANDBOXES) and given.done else given


@broken("neighbour.sandbox-unknown")
def every_sandbox_is_there(asked: Asked, right: Right) -> GivenAnswer:
    """The sandbox service finds every name."""
    given = right(asked)
    if asked.path.startswith(SANDBOXES) and given.status == 404:
        return right(asked.instead("GET", SANDBOXES + "prod"))
    return given


@broken("neighbour.landing-zone")
def files_stay_for_no_day(asked: Asked, right: Right) -> GivenAnswer:
    """Files in a landing zone stay for zero days."""
    given = right(asked)
    return given.telling(containerTTL="0") if asked.path == ZONE and given.done else given


@broken("neighbour.landing-zone-refresh")
def refreshes_nothing(asked: Asked, right: Right) -> GivenAnswer:
    """A refresh returns the former credentials."""
    return right(asked.instead("GET", CREDENTIALS) if asked.path == CREDENTIALS and asked.method == "POST" else asked)


@broken("neighbour.landing-zone", platform="aws")
def buckets_have_no_folder(asked: Asked, right: Right) -> GivenAnswer:
    """A landing zone on AWS has no folder."""
    given = right(asked)
    return given.telling(dlzPath={"bucketName": "dlz-prod"}) if asked.path == ZONE and given.done else given


@broken("neighbour.landing-zone-credentials")
def signatures_are_left_out(asked: Asked, right: Right) -> GivenAnswer:
    """SASUri ends before the question mark."""
    given = right(asked)
    if asked.path == CREDENTIALS and given.done:
        return given.telling(SASUri=given.json["SASUri"].partition("?")[0])
    return given


@broken("neighbour.landing-zone-credentials", platform="aws")
def keys_come_without_a_session(asked: Asked, right: Right) -> GivenAnswer:
    """AWS keys lack their session token."""
    given = right(asked)
    if asked.path == CREDENTIALS and given.done:
        return given.telling(credentials={**given.json["credentials"], "awsSessionToken": ""})
    return given


@broken("neighbour.landing-zone-credentials")
def credentials_are_for_another_container(asked: Asked, right: Right) -> GivenAnswer:
    """Always returns credentials of the destinations' container."""
    usual = ("type", "user_drop_zone")
    asking = [("type", "dlz_destination") if pair == usual else pair for pair in asked.parameters]
    return right(asked.asking(asking) if asked.path == CREDENTIALS else asked)


@broken("neighbour.landing-zone-type")
def any_type_is_the_usual_one(asked: Asked, right: Right) -> GivenAnswer:
    """Treats a missing or unknown type as the sources' one."""
    asking = [*asked.not_asking("type").parameters, ("type", "user_drop_zone")]
    return right(asked.asking(asking) if asked.path.startswith(ZONE) else asked)


@broken("neighbour.landing-zone-of-the-sandbox")
def all_sandboxes_share_a_landing_zone(asked: Asked, right: Right) -> GivenAnswer:
    """Neighbouring services ignore the sandbox."""
    return right(asked.having(x_sandbox_name="prod") if asked.path.startswith(PLATFORM) else asked)
