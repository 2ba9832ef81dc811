"""Faulty servers that reveal secrets or entities of another sandbox."""

from __future__ import annotations

from contracts.broken import Asked, GivenAnswer, Item, Right, broken

NOBODY = "00000000-0000-4000-8000-000000000000"


def _learn(asked: Asked, right: Right) -> str:
    """Remember the last password that was sent."""
    steps = [step.get("value") for step in asked.instructions] if asked.patches else []
    for holder in (asked.object.get("auth"), *steps):
        params = holder.get("params", holder) if isinstance(holder, dict) else None
        if isinstance(params, dict):
            secret = params.get("password") or params.get("connectionString")
            right.memory["password"] = secret if isinstance(secret, str) else right.memory.get("password", "")
    return str(right.memory.get("password") or "")


def _with_password(item: Item, password: str) -> Item:
    auth = item.get("auth")
    if not isinstance(auth, dict) or not password:
        return item
    name = "password" if "password" in auth.get("params", {}) else "connectionString"
    return {**item, "auth": {**auth, "params": {**auth.get("params", {}), name: password}}}


@broken("secret.masked secret.canary secret.patched", by_way_of="secret.masked")
def password_in_lookups(asked: Asked, right: Right) -> GivenAnswer:
    """A look-up shows the password."""
    password = _learn(asked, right)
    given = right(asked)
    return given.showing(lambda item: _with_password(item, password)) if asked.looks_up else given


@broken("secret.masked secret.canary", by_way_of="secret.masked")
def password_in_lists(asked: Asked, right: Right) -> GivenAnswer:
    """A list shows the password."""
    password = _learn(asked, right)
    given = right(asked)
    return given.showing(lambda item: _with_password(item, password)) if asked.lists else given


@broken("secret.masked secret.canary", by_way_of="secret.masked")
def password_in_searches(asked: Asked, right: Right) -> GivenAnswer:
    """A search shows the password."""
    password = _learn(asked, right)
    given = right(asked)
    return given.showing(lambda i: _with_password(i, password)) if asked.parts[-1:] == ["search"] else given


@broken("secret.connection-string-masked")
def connection_string_shown(asked: Asked, right: Right) -> GivenAnswer:
    """Masks `password` but not the connection string."""
    text = _learn(asked, right)
    given = right(asked)
    return given.showing(lambda item: _with_password(item, text)) if "Password=" in text and asked.looks_up else given


@broken("secret.masked create.kept")
def secrets_are_left_out(asked: Asked, right: Right) -> GivenAnswer:
    """Removes secret params instead of masking them."""

    def change(item: Item) -> Item:
        auth = item.get("auth") or {}
        params = {name: value for name, value in auth.get("params", {}).items() if name != "password"}
        return {**item, "auth": {**auth, "params": params}} if "params" in auth else item

    return right(asked).showing(change)


@broken("secret.not-in-errors secret.canary", by_way_of="secret.not-in-errors")
def errors_repeat_the_value(asked: Asked, right: Right) -> GivenAnswer:
    """A refusal shows the refused params."""
    given = right(asked)
    if given.status == 400 and given.code and asked.body:
        text = f"{given.json['errorMessage']} in {asked.body.decode('utf-8', 'replace')}"
        report = {**given.json["report"], "detailed-message": text}
        return given.telling(report=report, errorMessage=text, errorDetails=text)
    return given


@broken("secret.canary", by_way_of="secret.masked explore.root")
def password_in_explore(asked: Asked, right: Right) -> GivenAnswer:
    """Exploring shows the database URL with credentials."""
    password = _learn(asked, right)
    given = right(asked)
    if asked.parts[-1:] == ["explore"] and isinstance(given.json, list):
        url = f"postgresql://reader:{password}@db.example.com/shop"
        return given.saying([{**entry, "url": url} for entry in given.json])
    return given


@broken("secret.canary", by_way_of="secret.mask-comes-back")
def password_in_a_header(asked: Asked, right: Right) -> GivenAnswer:
    """A debug header contains the request's body."""
    given = right(asked)
    return given.having("x-debug", asked.body.decode("latin-1")) if asked.creates else given


@broken("secret.not-guessable")
def filters_look_at_secrets(asked: Asked, right: Right) -> GivenAnswer:
    """Filters compare stored values, not shown ones."""
    password = _learn(asked, right)
    for text in asked.filters:
        if text.startswith("auth.params.password=="):
            guess = text.partition("==")[2]
            return right(asked.filtering(*(t for t in asked.filters if t != text and guess == password)))
    return right(asked)


@broken("secret.not-sortable")
def sorts_by_secrets(asked: Asked, right: Right) -> GivenAnswer:
    """Lists can be ordered by any member, including credentials."""
    secret = (asked.parameter("orderby") or "").startswith("auth")
    return right(asked.not_asking("orderby") if secret else asked)


@broken("secret.mask-comes-back")
def masks_are_stored(asked: Asked, right: Right) -> GivenAnswer:
    """Stores the mask of a patch as the password."""
    given = right(asked)
    if asked.patches and given.done and "****" in asked.body.decode():
        right.memory[asked.parts[1]] = "masked"
    if asked.parts[-1:] == ["test"] and asked.parts[1] in right.memory:
        return given.saying({"result": False})
    return given


def _elsewhere(asked: Asked, given: GivenAnswer, right: Right) -> GivenAnswer:
    """The response of the sandbox that has the entity."""
    if given.code == "1439-404" and asked.headers.get("x-sandbox-name") != "prod":
        return right(asked.having(x_sandbox_name="prod"))
    return given


@broken("tenant.lookup", kinds=["connections", "flows"])
def lookups_cross_sandboxes(asked: Asked, right: Right) -> GivenAnswer:
    """Looks up an id in all sandboxes."""
    given = right(asked)
    return _elsewhere(asked, given, right) if asked.looks_up else given


@broken("tenant.lookup tenant.below")
def foreign_is_forbidden(asked: Asked, right: Right) -> GivenAnswer:
    """Refuses an entity of another sandbox with 403."""
    given = right(asked)
    unknown = given.code == "1439-404"
    return given.refusing("2120-403") if unknown and _elsewhere(asked, given, right).done else given


@broken("tenant.list tenant.same-names", kinds=["connections", "sourceConnections"])
def lists_cross_sandboxes(asked: Asked, right: Right) -> GivenAnswer:
    """A list shows all entities of the organisation."""
    given = right(asked)
    if asked.lists and given.done and asked.headers["x-sandbox-name"] != "prod" and "items" in given.json:
        others = right.everything(asked.having(x_sandbox_name="prod"), asked.query)
        return given.telling(items=[*given.items, *others])
    return given


@broken("tenant.list", kinds=["connections", "flows"])
def counts_cross_sandboxes(asked: Asked, right: Right) -> GivenAnswer:
    """A count includes all entities of the organisation."""
    return right(asked.having(x_sandbox_name="prod") if asked.parameter("count") == "true" else asked)


@broken("tenant.patch", kinds=["connections", "targetConnections"])
def patches_cross_sandboxes(asked: Asked, right: Right) -> GivenAnswer:
    """Patches an id in all sandboxes."""
    given = right(asked)
    return _elsewhere(asked, given, right) if asked.patches else given


@broken("tenant.delete", kinds=["connections", "flows"])
def deletions_cross_sandboxes(asked: Asked, right: Right) -> GivenAnswer:
    """Deletes an id in all sandboxes."""
    given = right(asked)
    return _elsewhere(asked, given, right) if asked.method == "DELETE" else given


@broken("tenant.below")
def explores_across_sandboxes(asked: Asked, right: Right) -> GivenAnswer:
    """Isolates connections but not exploring them."""
    given = right(asked)
    return _elsewhere(asked, given, right) if len(asked.parts) == 3 else given


@broken("tenant.token", kinds=["connections", "flows"])
def tokens_carry_their_sandbox(asked: Asked, right: Right) -> GivenAnswer:
    """A continuation token lists the sandbox where it was issued."""
    tokens = right.memory.setdefault("tokens", {})
    token = asked.parameter("continuationToken")
    given = right(asked.having(x_sandbox_name=tokens[token]) if token in tokens else asked)
    body = given.json
    if asked.lists and isinstance(body, dict) and body.get("_links"):
        tokens[body["_links"]["next"]["href"].partition("=")[2]] = asked.headers["x-sandbox-name"]
    return given


@broken("tenant.same-names", kinds=["connections", "targetConnections"])
def names_are_unique_everywhere(asked: Asked, right: Right) -> GivenAnswer:
    """A name used in one sandbox is taken in all."""
    names = right.memory.setdefault("names", set())
    if asked.creates and asked.object and asked.object.get("name") in names:
        return right(asked.sending({**asked.object, "connectionSpec": {"id": NOBODY, "version": "1.0"}}))
    if asked.creates:
        names.add(asked.object.get("name"))
    return right(asked)


@broken("source.foreign-base")
def reads_through_foreign_connections(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts a base connection of another sandbox."""
    base = asked.object.get("baseConnectionId") if asked.creates else None
    if base and not right(asked.instead("GET", f"/connections/{base}")).done:
        own = right.everything(asked.instead("GET", "/connections"))
        return right(asked.sending({**asked.object, "baseConnectionId": own[0]["id"]}) if own else asked)
    return right(asked)
