"""Flow Service over HTTP as clients use it, plus the server's `/_mock` to advance the clock instead of waiting."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from contracts import settings
from contracts.clients.bodies import connection
from contracts.settings import WrongUse
from contracts.wire import BASE_PATH, Answer, HttpTransport, Sent, Transport, Unreachable, json_body, with_headers

ADMIN_TOKEN = "MOCKSERVER_ADMIN_TOKEN"
LOST = 0
"""The status of a missing or incomplete response."""


class Stopped(Exception):
    """The client stops with an error: its exit status is 1."""


class Service:
    """Sends valid calls by default; each call can be changed."""

    def __init__(
        self,
        flow: Transport,
        host: Transport,
        headers: Mapping[str, str] = settings.MADE_UP,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """`flow` is the URL of Flow Service's base path, `host` that of the server's root."""
        self.flow, self.host = flow, host
        self.headers = dict(headers)
        """Headers of every request to Flow Service."""
        self.hear: Callable[[Answer], None] = lambda answer: None
        """Called with every response of Flow Service and of the token endpoint."""
        self._environ = environ

    @classmethod
    def at(cls, url: str, environ: Mapping[str, str] = os.environ) -> Service:
        """Return the service behind a URL, with credentials of the environment or invented ones.

        Raises WrongUse unless it is our server: deliberately bad clients must not be run against any other.
        """
        known = settings.load(url, environ=environ)
        parts = urlsplit(known.url)
        origin = f"{parts.scheme}://{parts.netloc}"
        below = known.url if parts.path.strip("/") else origin + BASE_PATH
        service = cls(HttpTransport(below), HttpTransport(origin), known.headers, environ)
        try:
            health = service.host.send(Sent("GET", "/_mock/health"))
        except Unreachable as trouble:
            raise WrongUse(str(trouble)) from None
        if not isinstance(health.json, dict) or health.json.get("status") != "ok":
            raise WrongUse(f"{origin} is no Mock Flow Service: GET /_mock/health answered {health.status}")
        return service

    def send(self, method: str, path: str, body: Any = None, *, raw: bytes = b"", **headers: Any) -> Answer:
        """Send one request. Header names use underscores; None omits one. The response may be LOST."""
        content = raw or (b"" if body is None else json_body(body))
        standard = {**self.headers, **({"Content-Type": "application/json"} if content else {})}
        changes = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._heard(self.flow, Sent(method, path, with_headers(standard, changes), content))

    def get(self, path: str, **headers: Any) -> Answer:
        """Look up an entity or list."""
        return self.send("GET", path, **headers)

    def get_from_adobe(self, path: str, scheme: str) -> Answer:
        """Look up by Adobe's own host name with the base path, like an intercepted client."""
        named = {"Host": "platform.adobe.io", "X-Forwarded-Proto": scheme}
        return self._heard(self.host, Sent("GET", path, with_headers(self.headers, named)))

    def post(self, path: str, body: Any = None, **headers: Any) -> Answer:
        """Create an entity or call an action."""
        return self.send("POST", path, body, **headers)

    def create(self, body: Mapping[str, Any] | None = None, path: str = "/connections", **headers: Any) -> str:
        """Create an entity, by default a connection; returns its id. Raises Stopped."""
        answer = self.post(path, connection() if body is None else body, **headers)
        if answer.status != 201:
            raise Stopped(f"{answer}")
        return str(answer.json["id"])

    def read(self, path: str) -> dict[str, Any]:
        """Look up an entity. Raises Stopped."""
        answer = self.get(path)
        if answer.status != 200 or not answer.json or not answer.json["items"]:
            raise Stopped(f"{answer}")
        record: dict[str, Any] = answer.json["items"][0]
        return record

    def patch(self, path: str, etag: str | None, *instructions: Mapping[str, Any], **headers: Any) -> Answer:
        """Patch an entity; without instructions, change its name."""
        change = list(instructions) or [{"op": "replace", "path": "/name", "value": "renamed"}]
        return self.send("PATCH", path, change, if_match=etag, **headers)

    def delete(self, *paths: str) -> None:
        """Delete entities one after the other."""
        for path in paths:
            self.send("DELETE", path)

    def token(self, *, in_query: bool = False, **form: str) -> None:
        """Fetch a new token and use it from now on; if that is refused, keep the old one."""
        asked = {
            "grant_type": "client_credentials",
            "client_id": self._environ.get("FLOW_SERVICE_CLIENT_ID", self.headers["x-api-key"]),
            "client_secret": self._environ.get("FLOW_SERVICE_CLIENT_SECRET", "s3cr3t-canary"),
            "scope": "openid,AdobeID",
            **form,
        }
        encoded = urlencode(asked)
        if in_query:
            sent = Sent("POST", f"/ims/token/v2?{encoded}")
        else:
            headers = (("Content-Type", "application/x-www-form-urlencoded"),)
            sent = Sent("POST", "/ims/token/v3", headers, encoded.encode())
        answer = self._heard(self.host, sent)
        if answer.status == 200:
            self.headers["Authorization"] = f"Bearer {answer.json['access_token']}"

    def hurried(self, seconds: float) -> Service:
        """The same service with a shorter timeout."""
        impatient = copy.copy(self)
        impatient.flow = HttpTransport(self.flow.base_url, seconds=seconds)
        return impatient

    def wait(self, seconds: float) -> None:
        """Advance the server's clock instead of waiting."""
        self.mock("POST", "/clock", {"advance": int(seconds * 1000)})

    def now(self) -> int:
        """The service's time, in seconds since 1970."""
        return int(self.mock("GET", "/clock")["nowMs"]) // 1000

    def mock(self, method: str, path: str, body: Any = None) -> Any:
        """Call the server's `/_mock`, which is not recorded. Raises WrongUse if it is refused."""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if self._environ.get(ADMIN_TOKEN):
            headers["x-mock-admin-token"] = self._environ[ADMIN_TOKEN]
        sent = Sent(method, f"/_mock{path}", tuple(headers.items()), b"" if body is None else json_body(body))
        answer = self.host.send(sent)
        if answer.status in (401, 403):
            raise WrongUse(f"{answer}, which this client needs: set {ADMIN_TOKEN} to the server's admin token")
        if not 200 <= answer.status < 300:
            raise WrongUse(f"{answer}: {answer.text[:200]}")
        return answer.json

    def _heard(self, transport: Transport, sent: Sent) -> Answer:
        try:
            answer = transport.send(sent)
        except Unreachable:
            answer = Answer(sent, transport.base_url + sent.target, LOST, (), b"")
        self.hear(answer)
        return answer
