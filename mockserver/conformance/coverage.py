"""Coverage: the parts of the contract that a client used, and the errors it received."""

from __future__ import annotations

from collections import Counter

from mockserver.conformance.findings import Coverage, OperationCoverage
from mockserver.conformance.traffic import Traffic
from mockserver.contract import Operation


def measure(traffic: Traffic) -> Coverage:
    """Coverage of one record, operations in the order of the contract."""
    sent: dict[str, Counter[str]] = {}
    statuses: dict[str, Counter[str]] = {}
    errors: Counter[str] = Counter()
    auth_specs: Counter[str] = Counter()
    for exchange in (*traffic.unread, *traffic.calls):
        operation = exchange.entry.operation
        if exchange.entry.error:
            errors[exchange.entry.error] += 1
        if operation is None:
            continue
        sent.setdefault(operation, Counter()).update({name for name, _ in exchange.query})
        statuses.setdefault(operation, Counter())[str(exchange.status or "no answer")] += 1
        auth = exchange.members.get("auth")
        if exchange.creates and isinstance(auth, dict) and isinstance(auth.get("specName"), str):
            auth_specs[auth["specName"][:80]] += exchange.succeeded
    return Coverage(
        operations=tuple(
            _of(operation, sent.get(operation.id, Counter()), statuses.get(operation.id, Counter()))
            for operation in traffic.contract.operations.values()
        ),
        auth_specs=dict(auth_specs),
        errors=dict(errors),
    )


def _of(operation: Operation, sent: Counter[str], statuses: Counter[str]) -> OperationCoverage:
    return OperationCoverage(
        operation=operation.id,
        method=operation.method,
        path=operation.template,
        calls=sum(statuses.values()),
        parameters={name: sent[name] for name in operation.query},
        statuses=dict(sorted(statuses.items())),
    )
