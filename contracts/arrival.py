"""Finds the service behind a URL and, on a local mock, gets a token."""

from __future__ import annotations

import time
from dataclasses import replace
from urllib.parse import urlencode, urlsplit

from contracts.bounded import LOOPBACK
from contracts.settings import Settings, WrongUse
from contracts.stage import Stage
from contracts.stage.expectations import NOWHERE
from contracts.stage.throttle import Throttle
from contracts.wire import BASE_PATH, FORGET, NOTHING, Answer, HttpTransport, Sent, Transport, Unreachable

TOKEN_PATH = "/ims/token/v3"
SPECS, CONNECTIONS, UNKNOWN = "/connectionSpecs", "/connections", "/nowhere"


def reach(settings: Settings) -> tuple[Settings, Transport]:
    """The transport to the service's base path, and the settings completed with a valid token.

    A URL without a path is tried with Adobe's base path first. Raises Unreachable and WrongUse.
    """
    transport = _place(settings)
    answer = _ask(transport, settings, SPECS)
    if answer.status == 401 and not settings.token_given and urlsplit(settings.url).hostname in LOOPBACK:
        settings = _with_token(settings)
        answer = _ask(transport, settings, SPECS)
    without_specs = answer.status in (404, 405, 501)
    if not answer.succeeded and not (without_specs and _ask(transport, settings, CONNECTIONS).succeeded):
        answered = f"{transport.base_url} answered {answer.status} to GET {SPECS}: {_reason(answer)}"
        raise WrongUse(f"{answered}. {_advice(answer)}")
    return replace(settings, forgets=_forgets(transport, settings)), transport


def look_around(stage: Stage) -> Answer | None:
    """List every collection once: a missing one is found first and reported as the cause of later failures.

    Returns such an answer if the server answers all these lists and an unknown path alike. Raises Unreachable.
    """
    chosen = stage.settings.operations
    answers = []
    for operation in stage.document.operations:
        listed = operation.method == "GET" and operation.path.count("/") == 1
        if listed and (not chosen or operation.id in chosen):
            answers.append(_sent(stage, operation.path))
    if len(answers) > 1 and len(set(map(_told, answers))) == 1 and not answers[0].silence:
        probe = _sent(stage, UNKNOWN)
        if not probe.silence and _told(probe) == _told(answers[0]):
            return answers[0]
    for answer in answers:
        stage.fresh().notice(answer)
    return None


def _sent(stage: Stage, path: str) -> Answer:
    with stage.flight.request():
        return stage.send(Sent("GET", path, tuple(stage.headers.items())))


def _told(answer: Answer) -> tuple[int, bytes]:
    """What two answers must have in common to be alike: refusals may name the request."""
    return answer.status, answer.body if answer.succeeded else b""


def _place(settings: Settings) -> Transport:
    """The base path: Adobe's if the URL has no path and the service answers there, else the URL's own."""
    plain = HttpTransport(settings.url, settings.neighbours, seconds=settings.patience)
    if urlsplit(settings.url).path not in ("", "/"):
        return plain
    below = HttpTransport(settings.url + BASE_PATH, settings.neighbours, seconds=settings.patience)
    there = any(_ask(below, settings, path).status != 404 for path in (SPECS, CONNECTIONS))
    return below if there else plain


def _forgets(transport: Transport, settings: Settings) -> bool:
    """Whether the server is a local mock that can delete the runs of deleted flows."""
    if settings.read_only or urlsplit(settings.url).hostname not in LOOPBACK:
        return False
    return transport.send(Sent("DELETE", FORGET + NOWHERE, tuple(settings.headers.items()))).status == 204


def _ask(transport: Transport, settings: Settings, path: str) -> Answer:
    sent = Sent("GET", path, tuple(settings.headers.items()))
    answer = transport.send(sent)
    if Throttle(time.sleep).obeys(answer):
        answer = transport.send(sent)
    if answer.silence:
        what = "does not answer" if answer.silence.startswith(NOTHING) else "sends what clients cannot read"
        raise Unreachable(f"{transport.base_url} {what}: GET {path} {answer.silence}")
    return answer


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


def _advice(answer: Answer) -> str:
    """What to do about a first request that failed."""
    match answer.status:
        case 404 | 405 | 501:
            return (
                f"The suite begins with GET {SPECS}, or at least GET {CONNECTIONS}: give the URL up to the base path, "
                f"such as https://HOST{BASE_PATH}, of a server that has them"
            )
        case 401 | 403:
            return "Give valid credentials: FLOW_SERVICE_TOKEN, _API_KEY, _ORG, _SANDBOX or --header NAME:VALUE"
        case 429:
            return "It limits the rate of requests: run again later"
        case status if status < 200:
            return "This status is informational: send a final one, 200 or above, after it"
        case status if 300 <= status < 400:
            return f"It redirects to {answer.header('location') or 'nowhere'}: give the URL that it leads to"
        case status if status >= 500:
            return "The server must respond to one valid request before the suite can begin: see its log"
        case _:
            return (
                "This request is valid: find out which header or parameter the server requires, and give it by --header"
            )
