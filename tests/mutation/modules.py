"""Which modules are measured, by which tests, and which faults are equivalent."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Module:
    """One module of `mockserver` and the tests of its behaviour."""

    name: str
    tests: tuple[str, ...]
    chosen: str = "not postgresql"
    """An expression for pytest's `-k` that excludes slow tests, so that a fault takes seconds."""

    @property
    def file(self) -> str:
        return f"mockserver/{self.name}.py"


MODULES = {
    module.name: module
    for module in (
        Module(
            "state/memory",
            tuple(f"tests/state/test_{name}.py" for name in ("store", "transactions")),
            "not postgresql and not sqlite",
        ),
        Module("resources/_patching", ("tests/resources/test_patching.py",)),
        Module(
            "listing/query",
            ("tests/listing/test_query.py", "tests/resources/test_lists.py"),
            "not postgresql and not any_records_can_be_put_in_any_order",
        ),
        Module("gateway", ("tests/test_gateway.py",)),
        Module(
            "secrecy/__init__",
            ("tests/secrecy/test_secrecy.py", "tests/security/test_secrecy.py"),
            "not of_any_shape and not another_client",
        ),
    )
}

_PATCH = "changed = jsonpatch.JsonPatch([instruction]).apply(changed, {})"
_SLOWER = "the entity is copied for each instruction: the same outcome, and slower"
EQUIVALENT: dict[tuple[str, str], str] = {
    (_PATCH.format("in_place=True"), _PATCH.format("in_place=None")): _SLOWER,
    (_PATCH.format("in_place=True"), _PATCH.format("in_place=False")): _SLOWER,
    (_PATCH.format("in_place=True"), _PATCH.format("")): _SLOWER,
}
"""Original and changed code -> why no test can distinguish them. They count as survivors."""
