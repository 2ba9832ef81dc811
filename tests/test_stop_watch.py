"""Guards against tests that bound a measured time from above, which a loaded machine fails."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.rows import each
from tests.stop_watch import READS, Shape, measuring_functions, upper_bounds
from tests.syntax import parsed

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted(path for folder in ("tests", "contracts") for path in (ROOT / folder).rglob("*.py"))

MEASURES_ON_PURPOSE = {
    "tests/torture/oracles.py",  # compares two medians, and only when run by hand with thousands of requests
}

INSTEAD = """A loaded machine takes any time for anything. Say what must hold without a stop watch: wait for an event,
with a time-out that only a broken server reaches; look at what has not happened yet; compare steps or bytes."""


def measuring(path: Path) -> dict[str, Shape]:
    """What the functions of a file return that measure a time, by their dotted names."""
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    found = measuring_functions(parsed(path))
    return {f"{module}.{name}": shape for name, shape in found.items()}


def bounds(files: list[Path]) -> list[str]:
    """Every place in these files that bounds a measured time, also one that a function of another file has measured."""
    texts = {path: path.read_text(encoding="utf-8") for path in files}
    timed = [path for path, text in texts.items() if READS.search(text)]
    functions = {name: shape for path in timed for name, shape in measuring(path).items()}
    importers = {path for path, text in texts.items() if any(name.split(".")[-2] in text for name in functions)}
    return [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sorted({*timed, *importers})
        for line in upper_bounds(parsed(path), functions)
    ]


def test_no_test_bounds_a_measured_time_from_above() -> None:
    places = {place: place.partition(":")[0] for place in bounds(FILES)}
    found = [place for place, file in places.items() if file not in MEASURES_ON_PURPOSE]
    assert not found, f"{', '.join(found)} bound a measured time from above. {INSTEAD}"
    assert set(places.values()) == MEASURES_ON_PURPOSE, "a file measures no longer: take it out of the list"


BOUNDED = {
    "difference": "assert time.monotonic() - began < 2",
    "turned": "assert 2 > time.monotonic() - began",
    "between": "assert 0.3 <= time.monotonic() - began < 2",
    "in a name": "took = time.perf_counter() - began\nassert took < 1",
    "nanoseconds": "took = time.perf_counter_ns() - began\nassert took / 1e6 <= 200",
    "of the processor": "took = time.process_time() - began\nassert took < 1",
    "end in a name": "end = time.time()\nassert round(end - began, 1) <= 1",
    "imported clock": "from time import perf_counter as watch\nbegan = watch()\nassert watch() - began < 1",
    "date": "began = datetime.now(UTC)\nassert (datetime.now(UTC) - began).total_seconds() < 1",
    "date of a module": "began = dt.datetime.now()\nassert dt.datetime.now() - began < dt.timedelta(seconds=1)",
    "response": "assert response.elapsed.total_seconds() < 1",
    "time of a response": "took = httpx.get(url).elapsed\nassert took < timedelta(seconds=1)",
    "list": "took = []\ntook.append(time.time() - began)\nassert max(took) < 1",
    "comprehension": "took = [time.time() - began for began in starts()]\nassert sorted(took)[-1] < 1",
    "all of a list": "took = [time.time() - began]\nassert all(one < 1 for one in took)",
    "none of a list": "took = [time.time() - began]\nassert not [one for one in took if one > 1]",
    "any of a list": "took = [time.time() - began]\nassert not any(one >= 1 for one in took)",
    "median": "took = [time.time() - began]\nassert statistics.median(took) < 1",
    "mean": "took = [time.time() - began]\nassert sum(took) / len(took) < 1",
    "dict": "took = {}\ntook['a'] = time.time() - began\nassert took['a'] < took_by_others",
    "items of a dict": "took = {'a': time.time() - began}\nfor name, one in took.items():\n    assert one < 1, name",
    "pairs": "pairs = [('a', time.time() - began)]\nfor name, one in pairs:\n    assert one < 1, name",
    "columns": "rows.append((1, time.time() - began))\nfirst, took = zip(*rows)\nassert max(took) < 1",
    "greatest": "slow = 0.0\nfor _ in range(5):\n    slow = max(slow, time.time() - began)\nassert slow < 1",
    "sum": "took = 0.0\nfor _ in range(5):\n    took += time.time() - began\nassert took < 1",
    "function": "def ask():\n    began = time.time()\n    return time.time() - began\nassert ask() < 1",
    "tuple of a function": "def ask():\n    return 200, time.time() - began\nstatus, took = ask()\nassert took < 1",
    "item of a function": "def ask():\n    return 200, time.time() - began\nassert ask()[1] < 1",
    "member": "class A:\n    def go(self):\n        self.took = time.time() - 1.5 - began\n"
    "    def test(self):\n        assert self.took < 1",
    "deadline": "deadline = time.monotonic() + 2\nwork()\nassert time.monotonic() < deadline",
    "time left": "deadline = time.monotonic() + 2\nassert deadline - time.monotonic() > 0",
    "rate": "assert 100 / (time.time() - began) > 50",
    "two measured": "quick = time.time() - began\nslow = time.time() - began\nassert quick < slow",
    "ratio": "quick = time.time() - began\nslow = time.time() - began\nassert slow / quick < 1.1",
    "stamp of a response": "assert abs(body['createdAt'] / 1000 - time.time()) < 5",
    "stamp since": "assert body['createdAt'] > time.time() - 5",
    "close to": "took = time.time() - began\nassert took == pytest.approx(1, abs=0.2)",
    "unittest": "self.assertLess(time.time() - began, 1)",
    "unittest, turned": "self.assertGreater(1, time.time() - began)",
    "demand": "outcome.demand(time.time() - began < 1, 'slow')",
    "fails": "took = time.time() - began\nif took > 1:\n    pytest.fail('slow')",
    "raises": "if time.monotonic() - began > 1:\n    raise AssertionError",
    "not slower": "took = time.time() - began\nassert not took > 1",
    "named in place": "assert (took := time.time() - began) < 1",
    "both": "took = time.time() - began\nassert status == 200 and took < 1",
    "timeit": "assert timeit.timeit(work, number=10) < 1",
    "returned": "def quick():\n    return time.time() - began < 1",
}
"""What a loaded machine fails, in as many spellings; `began` was read from the same clock before."""


@each("source", BOUNDED.values())
def test_an_upper_bound_is_found(source: str) -> None:
    assert upper_bounds(ast.parse("began = time.monotonic()\n" + source))


NOT_BOUNDED = {
    "lower bound": "assert time.monotonic() - began >= 0.3",
    "lower bound, turned": "took = time.monotonic() - began\nassert 0.3 <= took",
    "lower bound that fails": "if time.monotonic() - began < 0.3:\n    pytest.fail('it did not wait')",
    "no shorter": "took = time.monotonic() - began\nassert not took < 0.3",
    "time-out": "deadline = time.monotonic() + 30\nwhile time.monotonic() < deadline and not ready():\n    pass",
    "time-out within": "while True:\n    if time.monotonic() - began > 30:\n        pytest.fail('never ready')",
    "time-out of a call": "process.wait(timeout=deadline - time.monotonic())",
    "number of times": "took = [time.time() - began]\nassert len(took) < 5",
    "moment between": "stamp = body['createdAt']\nassert began <= stamp <= time.time()",
    "order of moments": "end = time.monotonic()\nassert began <= end",
    "stopped clock": "assert time.monotonic() == began",
    "figure": "outcome.figures['seconds'] = time.monotonic() - began",
    "other part of a tuple": "def ask():\n    return 200, time.time() - began\ncode, took = ask()\nassert code < 300",
    "other column": "rows.append((1, time.time() - began))\nsize, took = zip(*rows)\nassert max(size) < 3",
    "no clock": "assert len(body) < 400 and retry_after <= 60",
    "same name elsewhere": "def a():\n    took = time.time() - began\ndef b(took):\n    assert took < 1",
}


@each("source", NOT_BOUNDED.values())
def test_what_needs_no_quick_machine_is_allowed(source: str) -> None:
    assert upper_bounds(ast.parse("began = time.monotonic()\n" + source)) == []


def test_a_time_measured_by_another_file_is_known(tmp_path: Path) -> None:
    measured = measuring_functions(ast.parse("def get():\n    began = time()\n    return 200, time() - began"))
    known = {f"tests.wire.{name}": shape for name, shape in measured.items()}
    for source in (
        "from tests.wire import get\ntook = [get()[1] for _ in range(5)]\nassert took\nassert max(took) < 1",
        "from tests.wire import get\nstatus, took = get()\nassert status < 300\nassert took < 1",
        "from tests import wire as w\nstatus, took = w.get()\nassert status < 300\nassert took < 1",
        "import tests.wire\nstatus, took = tests.wire.get()\nassert status < 300\nassert took < 1",
    ):
        assert upper_bounds(ast.parse(source), known) == [4]
