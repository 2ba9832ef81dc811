"""Finding the service behind a URL, and a token where a mock on this machine hands them out."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode, urlsplit

from contracts.expectations import NOWHERE
from contracts.settings import Settings, WrongUse
from contracts.wire import BASE_PATH, FORGET, LOOPBACK, Answer, HttpTransport, Sent, Transport

TOKEN_PATH = "/ims/token/v3"


def reach(settings: Settings) -> tuple[Settings, Transport]:
    """The transport to the service's base path, and the settings with a token that it takes.

    A URL without a path is tried with Adobe's base path first. Raises Unreachable and WrongUse.
    """
    transport: Transport = HttpTransport(settings.url, settings.neighbours)
    if urlsplit(settings.url).path in ("", "/"):
        below = HttpTransport(settings.url + BASE_PATH, settings.neighbours)
        if _ask(below, settings).status != 404:
            transport = below
    answer = _ask(transport, settings)
    if answer.status == 401 and not settings.token_given and urlsplit(settings.url).hostname in LOOPBACK:
        settings = _with_token(settings)
        answer = _ask(transport, settings)
    if answer.status != 200:
        raise WrongUse(f"{transport.base_url} answered {answer.status} to GET /connectionSpecs: {_reason(answer)}")
    return replace(settings, forgets=_forgets(transport, settings)), transport


def _forgets(transport: Transport, settings: Settings) -> bool:
    """Whether it shows that it is a stand-in, on this machine, that deletes the runs of a flow that is gone."""
    if settings.read_only or urlsplit(settings.url).hostname not in LOOPBACK:
        return False
    return transport.send(Sent("DELETE", FORGET + NOWHERE, tuple(settings.headers.items()))).status == 204


def _ask(transport: Transport, settings: Settings) -> Answer:
    return transport.send(Sent("GET", "/connectionSpecs", tuple(settings.headers.items())))


def _with_token(settings: Settings) -> Settings:
    """A token from the server's own token endpoint, if it has one."""
    form = {
        "grant_type": "client_credentials",
        "client_id": settings.headers["x-api-key"],
        "client_secret": "contract-suite",
        "scope": "openid,AdobeID",
    }
    parts = urlsplit(settings.url)
    headers = (("Content-Type", "application/x-www-form-urlencoded"),)
    sent = Sent("POST", TOKEN_PATH, headers, urlencode(form).encode())
    answer = HttpTransport(f"{parts.scheme}://{parts.netloc}").send(sent)
    token = answer.json.get("access_token") if isinstance(answer.json, dict) else None
    if not token:
        return settings
    given = settings.given | {"authorization"}
    return replace(settings, headers={**settings.headers, "Authorization": f"Bearer {token}"}, given=given)


def _reason(answer: Answer) -> str:
    body = answer.json if isinstance(answer.json, dict) else {}
    return str(body.get("errorMessage") or body.get("message") or body.get("detail") or "no reason given")
