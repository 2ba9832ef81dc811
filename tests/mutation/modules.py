"""Which modules are measured, by which tests, and which faults make no difference."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Module:
    """One module of `mockserver` and the tests that say how it behaves."""

    name: str
    tests: tuple[str, ...]
    chosen: str = "not postgresql"
    """Which of the tests, as pytest's `-k` has it: a fault is tried in seconds, and some tests take longer."""

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
            "secrecy",
            ("tests/test_secrecy.py", "tests/security/test_secrecy.py"),
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
"""The code as it was and as it became -> why no test can tell one from the other. They count as survivors."""
