"""The other services of Adobe's host, by the names in their addresses."""

from __future__ import annotations

SERVICES = frozenset(
    {
        "access-control", "activation", "audit", "catalog", "collection", "connectors", "conversion", "dps",
        "dulepolicy", "edge", "exim", "export", "hygiene", "identity", "idnamespace", "import", "mappingSets",
        "observability", "ode", "privacy", "query", "sandbox-management", "schemaregistry", "ups", "xcore",
    }
)  # fmt: skip
"""Operations of these services that are not in the contract answer 501, and are not mistakes of a client."""


def service_of(path: str) -> str | None:
    """The neighbouring service of a path; None for Flow Service and unknown paths."""
    parts = path.strip("/").split("/")
    name = parts[0] if parts[0] == "collection" else parts[2] if parts[0] == "data" and len(parts) > 2 else ""
    return name if name in SERVICES else None
