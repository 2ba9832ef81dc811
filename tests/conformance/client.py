"""A client with its own service and without sockets, for requests that HTTP cannot carry or would take too long."""

import json
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from flask.testing import FlaskClient

from contracts.clients import Service
from contracts.wire import WsgiTransport
from mockserver import Config, Emulator, create_app
from mockserver.conformance import Report, evaluate
from mockserver.errors import TYPE_PREFIX
from mockserver.exchange import Call, Result
from mockserver.web.application import Application
from tests.calls import HEADERS, connection


class Client:
    """Sends valid requests like a careful client, with changes per request."""

    def __init__(self, **settings: Any) -> None:
        self.emulator = Emulator(Config(seed=7, **settings))
        self.headers: dict[str, str] = dict(HEADERS)

    @cached_property
    def app(self) -> Application:
        """The same service over WSGI, built only for those that need it."""
        return create_app(self.emulator)

    @property
    def web(self) -> FlaskClient:
        """A client of Flask, for pages."""
        return self.app.test_client()

    @property
    def service(self) -> Service:
        """Used by the clients of `contracts/clients/`."""
        return Service(WsgiTransport(self.app), WsgiTransport(self.app, "http://127.0.0.1"), environ={})

    def send(self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, **headers: Any) -> Result:
        """Send one request. Header names use underscores; None omits one."""
        sent: dict[str, Any] = dict(self.headers)
        content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        if content:
            sent["content-type"] = "application/json"
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        bare, _, query = path.partition("?")
        runtime = self.emulator.runtime
        call = Call(
            method=method,
            path=bare,
            query=query,
            headers={name: value for name, value in sent.items() if value is not None},
            body=content,
            request_id=runtime.request_id(),
            received_ms=runtime.clock.now_ms(),
        )
        return self.emulator.handle(call)

    def create(self, name: str = "orders", **changes: Any) -> dict[str, Any]:
        """Create a connection; returns the receipt."""
        result = self.send("POST", "/connections", connection(name, **changes))
        assert result.status == 201, result.body
        assert isinstance(result.body, dict)
        return result.body

    def read(self, connection_id: str) -> dict[str, Any]:
        """Look up a connection."""
        body: Any = self.send("GET", f"/connections/{connection_id}").body
        record: dict[str, Any] = body["items"][0]
        return record

    def patch(self, connection_id: str, etag: str | None, *instructions: dict[str, Any]) -> Result:
        """Patch a connection; without instructions, change its name."""
        change = list(instructions) or [{"op": "replace", "path": "/name", "value": "renamed"}]
        return self.send("PATCH", f"/connections/{connection_id}", change, if_match=etag)

    def delete(self, connection_id: str) -> Result:
        """Delete a connection."""
        return self.send("DELETE", f"/connections/{connection_id}")

    def token(self, *, in_query: bool = False, **form: str) -> str:
        """Fetch a token and use it from now on; returns "" if refused."""
        good = {"grant_type": "client_credentials", "client_id": "acme", "client_secret": "s3cr3t-canary"}
        sent = {**good, "scope": "openid,AdobeID", **form}
        if in_query:
            answer = self.web.post("/ims/token/v2?" + urlencode(sent))
        else:
            answer = self.web.post("/ims/token/v3", data=sent)
        token = str((answer.json or {}).get("access_token", ""))
        self.headers["authorization"] = f"Bearer {token}"
        return token

    def answered(
        self, status: int, method: str, path: str, body: Any = None, *, code: str | None = None, **answer_headers: str
    ) -> None:
        """Record a request with a response of a proxy or an overloaded service."""
        runtime = self.emulator.runtime
        content = b"" if body is None else json.dumps(body).encode()
        headers = {**self.headers, **({"content-type": "application/json"} if content else {})}
        bare, _, query = path.partition("?")
        call = Call(method, bare, query, headers, content, runtime.request_id(), runtime.clock.now_ms())
        seen = self.emulator.contract.check_request(call)
        sent = tuple((name.replace("_", "-"), value) for name, value in answer_headers.items())
        operation = seen.operation.id if seen.operation else None
        result = Result(status, {"type": TYPE_PREFIX + code} if code else None, sent, code or str(status))
        self.emulator.journal.record(
            call, result, operation=operation, tenant=None, body=seen.body, violations=seen.violations
        )

    def wait(self, seconds: float) -> None:
        """Advance the clock instead of sleeping."""
        self.emulator.runtime.clock.advance(int(seconds * 1000))

    def judged(self) -> Report:
        """The report on everything done so far."""
        return evaluate(self.emulator.journal.entries(), self.emulator.contract)
