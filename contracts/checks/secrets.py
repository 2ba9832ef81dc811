"""Checks of secrets: stored and used, but never shown in look-ups, lists and errors, nor revealed by filters."""

from __future__ import annotations

import json
from typing import Any

from contracts.findings.verdicts import expect, same, untestable
from contracts.registry import check
from contracts.schema.differences import LACKING
from contracts.stage import Stage, filters
from contracts.stage.expectations import names_are, receipt, refused, replacing, succeeded
from contracts.stage.kinds import POSTGRESQL, basic_params
from contracts.wire import Answer

READ = ("retrieveConnection", "listConnections")


@check("secret.masked", operations=READ)
def passwords_are_masked(stage: Stage) -> None:
    """Look-up, list and search keep the member and mask its value."""
    made = _made(stage)
    answers = [stage.call("GET", made.path), stage.call("GET", f"/connections?{filters('id==' + made.id)}")]
    if made.kind.searched:
        answers.append(stage.call("POST", "/connections/search", {"queryString": f"property=id=={made.id}"}))
    for answer in answers:
        params = succeeded(answer)["items"][0]["auth"]["params"]
        gone = "password" not in params
        expect(not gone, f"{answer}: the member password is gone, clients expect every key", LACKING + "password")
        _without_canary(stage, answer)


@check("secret.connection-string-masked", operations=READ)
def connection_strings_are_masked(stage: Stage) -> None:
    """A connection string, which contains a password, is masked."""
    described = succeeded(stage.call("GET", f"/connectionSpecs/{POSTGRESQL}"))["items"][0]
    name = "Connection String Based Authentication"
    if name not in [spec["name"] for spec in described["authSpec"]]:
        untestable(f"this cloud has no {name}")
    text = f"Server=db.example.com;Database=shop;Port=5432;UID=reader;Password={stage.canary}"
    body = stage.body("connections", auth={"specName": name, "params": {"connectionString": text}})
    answer = stage.call("GET", f"/connections/{receipt(stage.call('POST', '/connections', body), 201)['id']}")
    expect("connectionString" in succeeded(answer)["items"][0]["auth"]["params"], "connectionString is gone")
    _without_canary(stage, answer)


@check("secret.not-in-errors", operations=("createConnection",))
def errors_do_not_repeat_secrets(stage: Stage) -> None:
    """No refusal of an invalid body repeats its values."""
    canary = stage.canary
    params = basic_params(canary)
    basic, strings = "Basic Authentication", "Connection String Based Authentication"
    bad_auths: list[tuple[str, Any, str]] = [
        (basic, {**params, "port": canary}, "create.param-type"),
        (basic, {**params, "sslMode": canary}, "create.ssl-mode"),
        (basic, {**params, "password": [canary]}, "create.param-type"),
        (basic, canary, "create.param-type"),
        (strings, {"connectionString": canary}, "create.unlisted-auth-spec"),
        (strings, {"connectionString": {"x": canary}}, "create.unlisted-auth-spec"),
    ]
    for name, bad, rule in bad_auths:
        auth = {"specName": name, "params": bad}
        answer = stage.call("POST", "/connections", stage.body("connections", auth=auth))
        refused(answer, 400, rule=rule)
        _without_canary(stage, answer)
    raw = json.dumps(stage.body("connections"))[:-1].encode()
    _without_canary(stage, stage.call("POST", "/connections", raw=raw))


@check("secret.not-guessable", operations=("listConnections",))
def filters_do_not_see_secrets(stage: Stage) -> None:
    """A filter with the right password finds no more than one with a wrong password."""
    made = _made(stage)
    only = filters(f"id=={made.id}")
    for member in ("auth.params.password", "auth.params.connectionString"):
        for text in (f"{member}=={stage.canary}", f"{member}>={stage.canary[:4]}"):
            answer = stage.call("GET", f"/connections?count=true&{only}&{filters(text)}")
            expect(answer.status == 400 or answer.json == {"count": 0}, f"{answer}: a filter reveals a password")


@check("secret.not-sortable", operations=("listConnections",))
def order_does_not_tell_secrets(stage: Stage) -> None:
    """Lists cannot be ordered by credentials."""
    for member in ("auth", "auth.params.password"):
        refused(stage.call("GET", f"/connections?orderby={member}"), 400, "1433-400")


@check("secret.patched", operations=("patchConnection",))
def a_patched_secret_is_masked_too(stage: Stage) -> None:
    """A patched secret is masked, and other members stay readable."""
    made = _made(stage)
    new = {**basic_params(stage.canary + "-new"), "server": "other.example.com"}
    done = stage.patch(made, replacing("auth/params", new))
    succeeded(done)
    _without_canary(stage, done)
    answer = stage.call("GET", made.path)
    same(succeeded(answer)["items"][0]["auth"]["params"]["server"], "other.example.com", "auth.params.server")
    _without_canary(stage, answer)


@check("secret.mask-comes-back", operations=("patchConnection", "testConnection"))
def a_mask_that_comes_back_keeps_the_secret(stage: Stage) -> None:
    """A patch that contains the mask keeps the secret, so the connection still works."""
    made = _made(stage)
    shown = stage.read(made)["auth"]["params"]
    names_are(shown, made.body["auth"]["params"], "names in auth.params")
    receipt(stage.patch(made, replacing("auth/params", {**shown, "database": "other"})))
    same(stage.read(made)["auth"]["params"], {**shown, "database": "other"}, "auth.params")
    same(succeeded(stage.call("GET", f"{made.path}/test")), {"result": True}, "test of the connection")


def _made(stage: Stage) -> Any:
    if stage.settings.connection:
        untestable("the connection is the operator's own, whose secrets the suite does not search for")
    return stage.make("connections")


def _without_canary(stage: Stage, answer: Answer) -> None:
    expect(stage.canary not in answer.text, f"{answer} with a password in it")
