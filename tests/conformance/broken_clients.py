"""One client a rule: each does one thing wrong, and cleans up after itself."""

import base64
from collections.abc import Callable
from typing import Any

from tests.calls import BASIC_PARAMS, POSTGRESQL, by_string, connection
from tests.conformance.client import Client

Script = Callable[[Client], Any]
PLAIN = "Server=db.example.com;Database=shop;Port=5432;UID=reader;Password=c4n4ry-s3cret"
MADE_UP = '"1234abcd-0000-0200-0000-5f5e10000000"'
NOBODY = "11111111-2222-4333-8444-555555555555"


def lists(path: str = "/connections", **headers: Any) -> Script:
    """A client that makes one lookup."""
    return lambda client: client.send("GET", path, **headers)


def creates(body: Any = None, path: str = "/connections", **options: Any) -> Script:
    """A client that creates one connection, and deletes it if that worked."""

    def script(client: Client) -> None:
        made: Any = client.send("POST", path, connection() if body is None else body, **options).body
        if isinstance(made, dict) and "id" in made:
            client.delete(made["id"])

    return script


def with_params(**changes: Any) -> dict[str, Any]:
    """A connection whose params are changed; None takes one away."""
    params = {name: value for name, value in {**BASIC_PARAMS, **changes}.items() if value is not None}
    return connection(auth={"specName": "Basic Authentication", "params": params})


def updates(step: Callable[[Client, dict[str, Any]], Any]) -> Script:
    """A client that creates a connection, does something to it, and deletes it."""

    def script(client: Client) -> None:
        made = client.create()
        step(client, made)
        client.delete(made["id"])

    return script


def patches(**instruction: Any) -> Script:
    """A client that sends one instruction under the right etag."""
    return updates(lambda client, made: client.patch(made["id"], made["etag"], instruction))


def with_tokens(client: Client) -> None:
    """A new token for each of five calls."""
    for _ in range(5):
        client.token()
        client.send("GET", "/connections")


def with_dead_token(client: Client) -> None:
    """401, and the same token again."""
    client.token()
    client.wait(30 * 86400)
    client.send("GET", "/connections")
    client.send("GET", "/connectionSpecs")


def unread(client: Client) -> None:
    """An etag kept from a session whose journal is gone."""
    made = client.create()
    client.emulator.journal = type(client.emulator.journal)(1000, 10**8)
    client.patch(made["id"], made["etag"])
    client.delete(made["id"])


def outdated(client: Client, made: dict[str, Any]) -> None:
    """Two updates with the etag of the creation."""
    client.patch(made["id"], made["etag"])
    client.patch(made["id"], made["etag"], {"op": "replace", "path": "/name", "value": "again"})


def stale(client: Client, made: dict[str, Any]) -> None:
    """Insists on an etag after 412."""
    client.another_writer(made["id"])
    client.patch(made["id"], made["etag"])
    client.wait(5)
    client.patch(made["id"], made["etag"], {"op": "replace", "path": "/name", "value": "again"})


def params_lost(client: Client, made: dict[str, Any]) -> None:
    """Replaces all params to change one of them."""
    kept = {name: value for name, value in BASIC_PARAMS.items() if name != "sslMode"}
    client.patch(made["id"], made["etag"], {"op": "replace", "path": "/auth/params", "value": kept})


def pages(step: Callable[[Client, str], Any], limit: str = "?limit=2") -> Script:
    """A client with three connections that does something with the token of the second page."""

    def script(client: Client) -> None:
        ids = [client.create(f"page {number}")["id"] for number in range(3)]
        body: Any = client.send("GET", f"/connections{limit}").body
        step(client, body["_links"]["next"]["href"].partition("continuationToken=")[2])
        for connection_id in ids:
            client.delete(connection_id)

    return script


def page(client: Client, token: str) -> None:
    """Fetch the page of a token."""
    client.send("GET", f"/connections?continuationToken={token}")


def decoded(client: Client, token: str) -> None:
    """Decodes the token and sends what was in it."""
    text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    page(client, base64.urlsafe_b64encode(text + b" ").decode().rstrip("="))


def in_circles(client: Client, token: str) -> None:
    """Fetches one page over and over."""
    for _ in range(2):
        page(client, token)
        client.send("GET", "/connectionSpecs")


def first_page(client: Client) -> None:
    """Takes the first hundred for all."""
    ids = [client.create(f"many {number}")["id"] for number in range(101)]
    client.send("GET", "/connections")
    for connection_id in ids:
        client.delete(connection_id)


def impatient(client: Client) -> None:
    """Comes back at once though asked to wait."""
    client.answered(429, "GET", "/connections", retry_after="5")
    client.wait(1)
    client.send("GET", "/connections")


def insists(client: Client) -> None:
    """Repeats what was refused for good."""
    for _ in range(2):
        client.answered(403, "GET", "/connections")
        client.wait(5)


def blind(client: Client) -> None:
    """Creates again after a 503 without a look."""
    client.answered(503, "POST", "/connections", connection())
    client.wait(5)
    made = client.create("PostgreSQL base connection")
    client.delete(made["id"])


def hammers(client: Client) -> None:
    """Three tries at once."""
    for _ in range(3):
        client.answered(503, "GET", "/connections")


def polls(client: Client, made: dict[str, Any]) -> None:
    """Looks at a state without a pause."""
    for _ in range(8):
        client.send("GET", f"/connections/{made['id']}")


def deaf(client: Client) -> None:
    """Cannot read a 201 and creates again at once."""
    for made in [client.create(), client.create()]:
        client.delete(made["id"])


def twice(client: Client) -> None:
    """Two connections of one name."""
    for made in [client.create(), client.create(description="the other")]:
        client.delete(made["id"])


def after_death(client: Client) -> None:
    """Deletes twice."""
    made = client.create()
    client.delete(made["id"])
    client.delete(made["id"])


def publishes(client: Client, made: dict[str, Any]) -> None:
    """Publishes what is no draft."""
    client.send("POST", f"/connections/{made['id']}/action?op=publish")


def deletes_in_use(client: Client) -> None:
    """Deletes a connection that a flow uses."""
    client.answered(400, "DELETE", f"/connections/{NOBODY}", code="1418-400")


def sends_mask(client: Client, made: dict[str, Any]) -> None:
    """Writes back what it read."""
    auth = client.read(made["id"])["auth"]
    client.patch(made["id"], made["etag"], {"op": "replace", "path": "/auth", "value": auth})


def query_etag(client: Client, made: dict[str, Any]) -> None:
    """As Adobe's Postman collection does it."""
    change = [{"op": "replace", "path": "/name", "value": "x"}]
    client.send("PATCH", f"/connections/{made['id']}/?if-match=%22x%22", change)


def one_instruction(client: Client, made: dict[str, Any]) -> None:
    """A patch without its array."""
    change = {"op": "replace", "path": "/name", "value": "x"}
    client.send("PATCH", f"/connections/{made['id']}", change, if_match=made["etag"])


def leaves_draft(client: Client) -> None:
    """Makes a draft and goes away."""
    client.send("POST", "/connections?mode=draft", connection())


def renames_to_secret(client: Client, made: dict[str, Any]) -> None:
    """Puts a password into a name, in one body with the password itself."""
    change = {"op": "replace", "path": "/auth/params/password", "value": "c4n4ry-new"}
    client.patch(made["id"], made["etag"], change, {"op": "replace", "path": "/name", "value": "db c4n4ry-new"})


def no_such_table(client: Client, made: dict[str, Any]) -> None:
    """Looks into a table that the source does not have."""
    client.send("GET", f"/connections/{made['id']}/explore?objectType=table&object=no.such")


BROKEN: dict[str, Script] = {
    "auth.foreign-param": creates(with_params(connectionString=PLAIN)),
    "auth.not-encrypted": creates(with_params(sslMode="Disable")),
    "auth.param-missing": creates(with_params(password=None)),
    "auth.param-value": creates(with_params(sslMode="Perhaps")),
    "auth.port-as-number": creates(with_params(port=5432)),
    "auth.ssl-mode-spelling": creates(with_params(sslMode="verify-full")),
    "auth.unknown-spec": creates(connection(auth={"specName": "Kerberos", "params": dict(BASIC_PARAMS)})),
    "connection-string.certificate-not-validated": creates(by_string(f"{PLAIN};EncryptionMethod=1")),
    "connection-string.key-missing": creates(by_string("Server=db;Database=shop;UID=reader")),
    "connection-string.malformed": creates(by_string("postgresql://reader@db/shop")),
    "connection-string.misspelt-key": creates(by_string(f"{PLAIN};EncryptionMethod=1;ValidationServerCertificate=1")),
    "connection-string.repeated-key": creates(by_string(f"{PLAIN};Port=5433")),
    "connection-string.validation-without-encryption": creates(by_string(f"{PLAIN};ValidateServerCertificate=1")),
    "connection-string.value": creates(by_string(f"{PLAIN};EncryptionMethod=yes")),
    "etag.in-query": updates(query_etag),
    "etag.invented": updates(lambda client, made: client.patch(made["id"], MADE_UP)),
    "etag.malformed": updates(lambda client, made: client.patch(made["id"], "*")),
    "etag.missing": updates(lambda client, made: client.patch(made["id"], None)),
    "etag.outdated-by-itself": updates(outdated),
    "etag.stale-repeated": updates(stale),
    "etag.unquoted": updates(lambda client, made: client.patch(made["id"], made["etag"].strip('"'))),
    "etag.unread": unread,
    "filter.refused": lists("/connections?property=name~x"),
    "header.accept": lists(accept="text/html"),
    "header.api-key-missing": lists(x_api_key=None),
    "header.content-encoding": creates(content_encoding="gzip"),
    "header.content-type": creates(content_type="text/plain"),
    "header.org-malformed": lists(x_gw_ims_org_id="ACME"),
    "header.org-missing": lists(x_gw_ims_org_id=None),
    "header.placeholder": lists(x_gw_ims_org_id="{ORG_ID}"),
    "header.sandbox-id": lists(x_sandbox_id=NOBODY),
    "header.sandbox-missing": lists(x_sandbox_name=None),
    "header.sandbox-name": lists(x_sandbox_name="Prod"),
    "header.token-missing": lists(authorization=None),
    "header.token-scheme": lists(authorization="eyJhbGciOiJSUzI1NiJ9.e30.c2ln"),
    "hygiene.filter-on-secrets": lists("/connections?property=auth.params.username==reader"),
    "hygiene.mask-sent-back": updates(sends_mask),
    "hygiene.secret-in-name": updates(renames_to_secret),
    "hygiene.secret-in-query": lists("/connections?access_token=c4n4ry"),
    "lifecycle.deleted-in-use": deletes_in_use,
    "lifecycle.draft-left": leaves_draft,
    "lifecycle.duplicate-name": twice,
    "lifecycle.never-deleted": lambda client: client.create(),
    "lifecycle.unknown-id": lists(f"/connections/{NOBODY}"),
    "lifecycle.used-after-deletion": after_death,
    "lifecycle.wrong-state": updates(publishes),
    "orderby.refused": lists("/connections?orderby=name:desc"),
    "paging.count-with-limit": lists("/connections?count=true&limit=5"),
    "paging.first-page-only": first_page,
    "paging.limit-above-maximum": lists("/connections?limit=500"),
    "paging.limit-invalid": lists("/connections?limit=0"),
    "paging.page-repeated": pages(in_circles),
    "paging.token-altered": pages(decoded),
    "paging.token-invented": lists("/connections?continuationToken=2"),
    "path.method": lambda client: client.send("DELETE", "/connections"),
    "path.placeholder": lists("/connections/{BASE_CONNECTION_ID}"),
    "path.unknown": lists("/connection"),
    "payload.empty": lambda client: client.send("POST", "/connections", raw=b"null"),
    "payload.member-missing": creates({"name": "no spec"}),
    "payload.not-carried-out": updates(no_such_table),
    "payload.not-json": lambda client: client.send("POST", "/connections", raw=b"{'name': 1}"),
    "payload.on-lookup": lambda client: client.send("GET", "/connections", {"limit": 5}),
    "payload.placeholder": creates(with_params(server="{SERVER}")),
    "payload.too-large": lambda client: client.send("POST", "/connections", connection(description="x" * 2_000_000)),
    "payload.unknown-member": creates(connection(descripton="misspelt")),
    "payload.unknown-spec": creates(connection(connectionSpec={"id": NOBODY, "version": "1.0"})),
    "payload.value": creates(connection(name=7)),
    "payload.version-missing": creates(connection(connectionSpec={"id": POSTGRESQL})),
    "query.unknown-parameter": lists("/connections?start=20"),
    "query.value": lists("/connections?count=maybe"),
    "retry.after-success": deaf,
    "retry.create-after-unknown-outcome": blind,
    "retry.ignores-retry-after": impatient,
    "retry.no-pause": hammers,
    "retry.polling-too-fast": updates(polls),
    "retry.refused-call": insists,
    "token.credentials-in-query": lambda client: client.token(in_query=True),
    "token.new-for-every-call": with_tokens,
    "token.refused": lambda client: client.token(grant_type="password"),
    "token.refused-reused": with_dead_token,
    "update.not-applicable": patches(op="replace", path="/id", value="x"),
    "update.operation": patches(op="move", path="/name", value="x"),
    "update.params-lost": updates(params_lost),
    "update.single-instruction": updates(one_instruction),
    "update.spec-changed": patches(op="replace", path="/connectionSpec/id", value=NOBODY),
}
"""Rule -> a client that breaks it and nothing else."""
