"""The selectors in the transformations of flows to destinations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def selectors(flow: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The values of the audience selectors: `id` and, if given, `schedule`, `exportMode` and so on."""
    for transformation in flow.get("transformations") or ():
        params = transformation.get("params")
        holder = params.get("segmentSelectors") if isinstance(params, Mapping) else None
        chosen = holder.get("selectors") if isinstance(holder, Mapping) else None
        for selector in chosen if isinstance(chosen, list) else ():
            value = selector.get("value") if isinstance(selector, Mapping) else None
            if isinstance(value, dict):
                yield value


def stamped(flow: Mapping[str, Any], old: Mapping[str, Any], now_ms: int) -> dict[str, Any]:
    """The flow with `createTime` and `updateTime` added to new or changed audience selectors, as samples print.

    Both are text: seconds since 1970.
    """
    now = str(now_ms // 1000)
    known = {value.get("id"): value for value in selectors(old)}
    for value in selectors(flow):
        before = known.get(value.get("id"))
        if before is None or _without_times(before) != _without_times(value):
            created = value.get("createTime") if before is None else before.get("createTime")
            value["createTime"] = created or now
            value["updateTime"] = now
    return dict(flow)


def _without_times(value: Mapping[str, Any]) -> dict[str, Any]:
    return {name: inner for name, inner in value.items() if name not in ("createTime", "updateTime")}
