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


_ON_DISK = "on_disk_too or closed_store or cannot_be_stored or another_kind"
MODULES = {
    module.name: module
    for module in (
        Module(
            "state/store",
            tuple(f"tests/state/test_{name}.py" for name in ("store", "commits", "transactions", "durable")),
            f"{_ON_DISK} or (not postgresql and not sqlite and not test_durable)",
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
            ("tests/test_masking.py", "tests/test_masking_by_place.py"),
            "not masked_body_cut and not kept_whole and not as_much_is_shown",
        ),
    )
}

_PATCH = "changed = jsonpatch.JsonPatch([instruction]).apply(changed, {})"
_SLOWER = "the entity is copied for each instruction: the same outcome, and slower"
_SEAL = "token = base64.urlsafe_b64encode(_checksum(text) + text).rstrip(b{}).decode()"
_UNSEAL = 'sealed = base64.urlsafe_b64decode(token + "=" * ({}len(token) % 4))'
_SPELLING = "forms |= {{secret, quote(secret), quote(secret, safe={}), quote_plus(secret)}}"
EQUIVALENT: dict[tuple[str, str], str] = {
    (_PATCH.format("in_place=True"), _PATCH.format("in_place=None")): _SLOWER,
    (_PATCH.format("in_place=True"), _PATCH.format("in_place=False")): _SLOWER,
    (_PATCH.format("in_place=True"), _PATCH.format("")): _SLOWER,
    (_SEAL.format('"="'), _SEAL.format('"XX=XX"')): "the text ends with ], so its Base64 never ends with X",
    (_UNSEAL.format("-"), _UNSEAL.format("+")): "Base64 is read with more = at its end than it needs",
    (_SPELLING.format('""'), _SPELLING.format('"XXXX"')): "an X is never quoted",
    ("self.settled = False", "self.settled = None"): "None is as false as False",
    ("self._latest.popitem(last=False)", "self._latest.popitem(last=None)"): "None is as false as False",
}
"""The code as it was and as it became -> why no test can tell one from the other. They count as survivors."""
