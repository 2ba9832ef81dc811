"""Faulty servers with unreadable or wrong refusals."""

from __future__ import annotations

from dataclasses import replace

from contracts.broken import Asked, GivenAnswer, Right, broken


@broken("answer.json error.envelope", by_way_of="path.unknown")
def html_error(asked: Asked, right: Right) -> GivenAnswer:
    """Responds with the framework's HTML error page."""
    given = right(asked)
    if given.status == 404:
        page = GivenAnswer(404, given.headers, b"<!doctype html><title>404 Not Found</title>")
        return page.having("content-type", "text/html; charset=utf-8")
    return given


@broken("error.envelope lookup.unknown")
def empty_404(asked: Asked, right: Right) -> GivenAnswer:
    """Responds with an empty 404."""
    given = right(asked)
    return replace(given, body=b"") if given.status == 404 else given


@broken("error.envelope", by_way_of="lookup.unknown")
def error_in_two_members(asked: Asked, right: Right) -> GivenAnswer:
    """Errors have their own form: `code` and `message`."""
    given = right(asked)
    return given.saying({"code": given.status, "message": "no"}) if given.code else given


@broken("answer.json", by_way_of="lookup.wrapped")
def json_called_text(asked: Asked, right: Right) -> GivenAnswer:
    """Sends JSON as `text/html`."""
    given = right(asked)
    return given.having("Content-Type", "text/html; charset=utf-8") if given.done else given


@broken("error.request-id", by_way_of="lookup.unknown")
def request_id_of_another_exchange(asked: Asked, right: Right) -> GivenAnswer:
    """The body's request id differs from the header's."""
    given = right(asked)
    return given.having("x-request-id", f"{given.header('x-request-id')}x")


@broken("error.request-id", by_way_of="lookup.unknown")
def error_without_request_id(asked: Asked, right: Right) -> GivenAnswer:
    """The body of an error has no request id."""
    given = right(asked)
    if given.code:
        report = {name: value for name, value in given.json["report"].items() if name != "request-id"}
        return given.telling(report=report)
    return given


@broken("answer.request-id-unique answer.documented-headers", by_way_of="lookup.wrapped")
def no_request_id(asked: Asked, right: Right) -> GivenAnswer:
    """Sends no x-request-id."""
    return right(asked).having("x-request-id", None)


@broken("answer.request-id-unique", by_way_of="lookup.wrapped")
def one_request_id_for_all(asked: Asked, right: Right) -> GivenAnswer:
    """All responses have the first request id."""
    one = "0123456789abcdef0123456789abcdef"
    given = right(asked).having("x-request-id", one)
    report = given.json.get("report") if isinstance(given.json, dict) else None
    return given.telling(report={**report, "request-id": one}) if isinstance(report, dict) else given


@broken("error.texts-equal", by_way_of="lookup.unknown")
def two_texts_for_one_error(asked: Asked, right: Right) -> GivenAnswer:
    """`errorMessage` and `errorDetails` differ."""
    given = right(asked)
    return given.telling(errorDetails="See the log.") if given.code else given


@broken("error.status-and-code-agree", by_way_of="lookup.unknown")
def status_in_words_only(asked: Asked, right: Right) -> GivenAnswer:
    """The body has status 500, whatever the status is."""
    given = right(asked)
    return given.telling(status=500) if given.code else given


@broken("error.status-and-code-agree lookup.unknown", by_way_of="lookup.unknown")
def not_found_is_400(asked: Asked, right: Right) -> GivenAnswer:
    """Unknown ids get 400."""
    given = right(asked)
    return replace(given.telling(status=400), status=400) if given.code == "1439-404" else given


@broken("create.unknown-spec create.unknown-auth-spec filter.wrong if-match.missing action.op-wrong")
def one_code_for_every_bad_request(asked: Asked, right: Right) -> GivenAnswer:
    """Every 400 has the code 1100."""
    given = right(asked)
    return given.refusing("1100-400") if given.status == 400 and given.code else given


@broken("if-match.stale if-match.concurrent etag.a-b-a if-match.unquoted")
def stale_is_409(asked: Asked, right: Right) -> GivenAnswer:
    """A stale etag gets 409."""
    given = right(asked)
    return replace(given.telling(status=409), status=409) if given.status == 412 else given


@broken("if-match.missing")
def missing_if_match_is_428(asked: Asked, right: Right) -> GivenAnswer:
    """A patch without If-Match gets 428."""
    given = right(asked)
    return replace(given.telling(status=428), status=428) if given.code == "1403-400" else given


@broken("create.body-not-json answer.documented-status", by_way_of="patch.outcome-checked")
def malformed_is_422(asked: Asked, right: Right) -> GivenAnswer:
    """An invalid body gets 422."""
    given = right(asked)
    return replace(given.telling(status=422), status=422) if given.code == "1100-400" and asked.body else given


@broken("answer.no-server-error create.body-not-json", by_way_of="create.body-not-json")
def fails_on_odd_bytes(asked: Asked, right: Right) -> GivenAnswer:
    """Invalid UTF-8 causes a server error."""
    given = right(asked)
    try:
        asked.body.decode()
    except UnicodeDecodeError:
        return replace(given.telling(status=500), status=500)
    return given


@broken("path.unknown")
def unknown_paths_are_empty(asked: Asked, right: Right) -> GivenAnswer:
    """Responds to any path with an empty list."""
    given = right(asked)
    return given.saying({"items": []}, 200) if given.status == 404 and not given.code else given


@broken("path.trailing-slash delete.answer patch.trailing-slash")
def redirects_slashes(asked: Asked, right: Right) -> GivenAnswer:
    """Redirects a trailing slash."""
    if asked.path.endswith("/"):
        return GivenAnswer.without_body(308, ("Location", asked.path.rstrip("/")))
    return right(asked)


@broken("method.not-allowed")
def refuses_methods_without_allow(asked: Asked, right: Right) -> GivenAnswer:
    """405 has no Allow."""
    given = right(asked)
    return given.having("allow", None) if given.status == 405 else given


@broken("method.not-allowed")
def wrong_method_is_404(asked: Asked, right: Right) -> GivenAnswer:
    """An unsupported method gets 404."""
    given = right(asked)
    return replace(given.telling(status=404), status=404) if given.status == 405 else given


@broken("method.head-and-options")
def head_is_404(asked: Asked, right: Right) -> GivenAnswer:
    """HEAD gets 404."""
    given = right(asked)
    return replace(given, status=404) if asked.method == "HEAD" else given


@broken("method.head-and-options answer.empty-body", by_way_of="method.head-and-options")
def head_with_a_body(asked: Asked, right: Right) -> GivenAnswer:
    """HEAD is answered with a body."""
    return right(replace(asked, method="GET") if asked.method == "HEAD" else asked)


@broken("answer.documented-status", by_way_of="lookup.wrapped list.paging")
def pages_are_partial_content(asked: Asked, right: Right) -> GivenAnswer:
    """A page with a next link has status 206."""
    given = right(asked)
    body = given.json
    return replace(given, status=206) if isinstance(body, dict) and body.get("_links") else given
