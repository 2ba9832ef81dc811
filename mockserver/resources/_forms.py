"""Error responses of the neighbouring services, each in the form of its service.

The forms of the Schema Registry and of ad hoc activation are documented. Catalog, Data Prep and the
others document none: a problem document (RFC 9457) is assumed. Sandboxes and connectors answer like Flow Service.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mockserver.errors import ERRORS, ApiError, Refusal
from mockserver.exchange import Call, Result
from mockserver.json_input import Json
from mockserver.specs import xdm

_BLANK = "about:blank"
_INLET = "http://ns.adobe.com/adobecloud/problem/data-collection-service/inlet"
_UNAUTHORIZED = "https://ns.adobe.com/adobecloud/problem/data-collection-service-authorization"
_XDM = "http://ns.adobe.com/aep/errors/XDM-"
_OF_THE_PROVIDER = ERRORS["rejected"].message.partition("{")[0]
"""What Flow Service writes before the message of a flow provider. Its neighbours have none."""
_AS_DOCUMENTED = {"not-found-status": "404", "error-body": "problem"}
"""Quirks of Flow Service do not apply to its neighbours."""


@dataclass(frozen=True, slots=True)
class FormProblem:
    """The contents of an error response, independent of its form."""

    status: int
    title: str
    detail: str
    code: str = ""
    cause: Json = None
    """Additional members of the body, if its form has a place for them."""


class NeighbourError(Refusal):
    """An error of a neighbouring service."""

    def __init__(self, status: int, title: str, detail: str, *, code: str = "", cause: Json = None) -> None:
        super().__init__(title)
        self.problem = FormProblem(status, title, detail, code, cause)


def is_absent(path: Mapping[str, str]) -> bool:
    """Whether the path names a container or kind of the Schema Registry that is not emulated."""
    if "RESOURCE_TYPE" not in path:
        return False
    kind = xdm.kind_of_resource(path["RESOURCE_TYPE"])
    return path["CONTAINER_ID"] not in xdm.CONTAINERS or kind not in xdm.KINDS


def refusal_of(refusal: Refusal, call: Call, service: str) -> Result | None:
    """The error response in the form of its service; None if that is the usual form."""
    form = _FORMS.get(service, _document)
    if isinstance(refusal, NeighbourError):
        problem = refusal.problem
        return Result(problem.status, form(problem, call), error=problem.code or str(problem.status))
    if isinstance(refusal, ApiError) and service not in ("connectors", "sandbox-management"):
        usual = refusal.result(call.request_id, _AS_DOCUMENTED)
        assert isinstance(usual.body, dict)
        message = str(usual.body["errorMessage"]).removeprefix(_OF_THE_PROVIDER)
        problem = FormProblem(usual.status, str(usual.body["title"]), message)
        return Result(problem.status, form(problem, call), usual.headers, usual.error)
    return None


def _document(problem: FormProblem, call: Call) -> Json:
    return {"type": _BLANK, "title": problem.title, "status": problem.status, "detail": problem.detail}


def _message(problem: FormProblem, call: Call) -> Json:
    return {"message": problem.detail}


def _registry(problem: FormProblem, call: Call) -> Json:
    moment = time.gmtime(call.received_ms // 1000)
    return {
        "type": _XDM + problem.code if problem.code else _BLANK,
        "title": problem.title,
        "status": problem.status,
        "report": {
            "registryRequestId": call.request_id,
            "timestamp": time.strftime("%m-%d-%Y %H:%M:%S", moment),
            "detailed-message": problem.detail,
            "sub-errors": [],
        },
        "detail": problem.detail,
    }


def _data_collection(problem: FormProblem, call: Call) -> Json:
    """The error body that the pages on streaming print. The status of a refused token is a text there."""
    if problem.status == 401:
        report: Json = {"message": problem.detail}
        return {"type": _UNAUTHORIZED, "status": "401", "title": problem.title, "report": report}
    report = {"message": problem.detail, **({} if problem.cause is None else {"cause": problem.cause})}
    return {"type": _INLET, "status": problem.status, "title": problem.title, "report": report}


_FORMS: dict[str, Callable[[FormProblem, Call], Json]] = {
    "activation": _message,
    "collection": _data_collection,
    "schemaregistry": _registry,
}
"""Service -> its form; a problem document for all others."""
