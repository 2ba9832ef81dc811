"""Counts the steps in which a regular expression is matched, independent of machine and load.

It matches like `re`, by trying one alternative after the other, without its shortcuts: the steps are at least
in proportion to those of `re`. A step is one character or border compared, or one branch, group or repetition begun.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import permutations
from typing import Any

Step = Callable[[int], int]
"""Tries to match the rest of a pattern from a position; returns the end of the match, or -1."""

_LANGUAGE: Any = vars(re)["_constants"]
_PARSER: Any = vars(re)["_parser"]
_COMPILER: Any = vars(re)["_compiler"]

ENDLESS = int(_LANGUAGE.MAXREPEAT)
MANY = 24
"""Repetitions of a unit in a text."""

MAX_CHARACTERS = 5
USUAL_STEPS = 20
"""Steps per character that need no second look."""

LINEAR = 6
"""How much the steps may grow with a text that is four times as long. If they grow with its square, it is nearly 16."""

MAX_STEPS = 100_000
SINGLE = ("LITERAL", "NOT_LITERAL", "ANY", "IN")


class TooManySteps(Exception):
    """The steps can be counted no further."""


class Counted:
    """A pattern whose steps are counted."""

    def __init__(self, pattern: re.Pattern[Any]) -> None:
        self.steps = 0
        self.tree = _PARSER.parse(pattern.pattern, pattern.flags & ~re.DEBUG)
        self._flags = pattern.flags
        self._binary = isinstance(pattern.pattern, bytes)
        self._text = ""
        self._groups: dict[int, tuple[int, int]] = {}
        self._singles: list[Callable[[str], bool]] = []
        self._match = self._sequence(self.tree, lambda at: at)
        self._whole = self._sequence(self.tree, lambda at: at if at == len(self._text) else -1)

    def run(self, method: str, text: str) -> int:
        """Steps of `fullmatch`, `match`, `search`, or of one that finds every occurrence."""
        self.steps, self._text, self._groups = 0, text, {}
        if method in ("match", "fullmatch"):
            (self._whole if method == "fullmatch" else self._match)(0)
            return self.steps
        at = 0
        while at <= len(text):
            end = self._match(at)
            if end >= 0 and method == "search":
                break
            at = max(end, at + 1)
        return self.steps

    def kind(self, character: str) -> tuple[bool, ...]:
        """Equal for characters that match the same parts of the pattern."""
        return tuple(single(character) for single in self._singles)

    def _sequence(self, items: Any, after: Step) -> Step:
        for operation, value in reversed(list(items)):
            after = self._one(str(operation), value, after)
        return after

    def _one(self, operation: str, value: Any, after: Step) -> Step:
        match operation:
            case "LITERAL" | "NOT_LITERAL" | "ANY" | "IN":
                return self._repeated(self._single(operation, value), 1, 1, "MAX_REPEAT", after)
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                least, most, body = _short(value[0]), _short(value[1]), value[2]
                if len(body) == 1 and str(body[0][0]) in SINGLE:
                    return self._repeated(self._single(str(body[0][0]), body[0][1]), least, most, operation, after)
                return self._loop(body, least, most, operation, after)
            case "BRANCH":
                return self._branch([self._sequence(one, after) for one in value[1]])
            case "SUBPATTERN":
                number, _, _, body = value
                return self._group(number, body, after)
            case "ATOMIC_GROUP":
                return self._ahead(value, after, consumes=True)
            case "ASSERT" | "ASSERT_NOT":
                return self._around(value[0], value[1], after, wanted=operation == "ASSERT")
            case "AT":
                return self._border(str(value), after)
            case "GROUPREF":
                return self._repetition_of(value, after)
            case "FAILURE":
                return lambda _: -1
        raise NotImplementedError(operation)

    def _single(self, operation: str, value: Any) -> Callable[[str], bool]:
        """Whether a character matches; decided by `re` itself."""
        state = _PARSER.State()
        state.flags = self._flags
        tree = _PARSER.SubPattern(state, [(vars(_LANGUAGE)[operation], value)])
        known: dict[str, bool] = {}
        compiled = _compiled(tree, self._flags, binary=self._binary)

        def matches(character: str) -> bool:
            if character not in known:
                subject: Any = character.encode("latin-1") if self._binary else character
                known[character] = compiled.fullmatch(subject) is not None
            return known[character]

        self._singles.append(matches)
        return matches

    def _repeated(self, single: Callable[[str], bool], least: int, most: int, kind: str, after: Step) -> Step:
        def step(at: int) -> int:
            self.steps += 1
            if self.steps > MAX_STEPS:
                raise TooManySteps
            end, text = at, self._text
            limit = min(len(text), at + most)
            if kind == "MIN_REPEAT":
                while True:
                    if end - at >= least and (found := after(end)) >= 0:
                        return found
                    self.steps += 1
                    if end >= limit or not single(text[end]):
                        return -1
                    end += 1
            while end < limit and single(text[end]):
                end += 1
            self.steps += end - at
            if kind == "POSSESSIVE_REPEAT":
                return after(end) if end - at >= least else -1
            while end - at >= least:
                if (found := after(end)) >= 0:
                    return found
                self.steps += 1
                end -= 1
            return -1

        return step

    def _loop(self, body: Any, least: int, most: int, kind: str, after: Step) -> Step:
        if kind == "POSSESSIVE_REPEAT":
            inner: Any = [(_LANGUAGE.MAX_REPEAT, (least, most, body))]
            return self._ahead(inner, after, consumes=True)
        counts: list[tuple[int, int]] = []

        def again(at: int) -> int:
            self.steps += 1
            count, began = counts[-1]
            if at == began and count > least:
                return -1  # an empty repetition
            more = count < most
            order = [more, False] if kind == "MAX_REPEAT" else [False, more]
            for goes_on in dict.fromkeys(order):
                if goes_on:
                    counts.append((count + 1, at))
                    found = one(at)
                    counts.pop()
                elif count < least:
                    continue
                else:
                    held = counts.pop()
                    found = after(at)
                    counts.append(held)
                if found >= 0:
                    return found
            return -1

        one = self._sequence(body, again)

        def step(at: int) -> int:
            counts.append((0, -1))
            found = again(at)
            counts.pop()
            return found

        return step

    def _branch(self, ways: list[Step]) -> Step:
        def step(at: int) -> int:
            for way in ways:
                self.steps += 1
                if (found := way(at)) >= 0:
                    return found
            return -1

        return step

    def _group(self, number: int | None, body: Any, after: Step) -> Step:
        if number is None:
            return self._sequence(body, after)
        begins: list[int] = []

        def close(at: int) -> int:
            self._groups[number] = (begins[-1], at)
            return after(at)

        inner = self._sequence(body, close)

        def step(at: int) -> int:
            begins.append(at)
            found = inner(at)
            begins.pop()
            return found

        return step

    def _ahead(self, body: Any, after: Step, *, consumes: bool, wanted: bool = True) -> Step:
        inner = self._sequence(body, lambda at: at)

        def step(at: int) -> int:
            self.steps += 1
            end = inner(at)
            return -1 if (end >= 0) is not wanted else after(end if consumes else at)

        return step

    def _around(self, direction: int, body: Any, after: Step, *, wanted: bool) -> Step:
        if direction > 0:
            return self._ahead(body, after, consumes=False, wanted=wanted)
        width, _ = body.getwidth()
        inner = self._sequence(body, lambda at: at)

        def step(at: int) -> int:
            self.steps += 1
            found = at >= width and inner(at - width) >= 0
            return after(at) if found is wanted else -1

        return step

    def _border(self, where: str, after: Step) -> Step:
        lines, dollar = bool(self._flags & re.MULTILINE), "\\Z"
        dollar = {"AT_BEGINNING": "^", "AT_END": "$", "AT_BOUNDARY": r"\b", "AT_NON_BOUNDARY": r"\B"}.get(where, dollar)
        if where == "AT_BEGINNING_STRING":
            dollar = r"\A"
        border = re.compile(dollar, re.MULTILINE if lines else 0)

        def step(at: int) -> int:
            self.steps += 1
            return after(at) if border.match(self._text, at) else -1

        return step

    def _repetition_of(self, number: int, after: Step) -> Step:
        def step(at: int) -> int:
            first, last = self._groups[number]
            self.steps += last - first + 1
            end = at + last - first
            return after(end) if self._text[first:last] == self._text[at:end] else -1

        return step


def _compiled(tree: Any, flags: int, *, binary: bool) -> re.Pattern[Any]:
    code = vars(_COMPILER)["_code"](tree, flags)
    sre = vars(_COMPILER)["_sre"]
    pattern: Any = sre.compile(b"." if binary else ".", flags, code, 0, {}, (None,))
    return pattern  # type: ignore[no-any-return]


def slow_input(pattern: re.Pattern[Any], method: str) -> str | None:
    """The beginning of a text for which the steps grow faster than its length; None if there is none."""
    counted = Counted(pattern)
    samples = (*_characters(counted.tree, within=True), *_characters(counted.tree, within=False))
    singles = list({counted.kind(one): one for one in samples}.values())[:MAX_CHARACTERS]
    units = [*singles, *map("".join, permutations(singles, 2))]
    for beginning in dict.fromkeys(_beginnings(counted.tree, [""])):
        for unit in units:
            long, short = (beginning + unit * count + "\0" for count in (MANY, MANY // 4))
            try:
                steps = counted.run(method, long)
            except TooManySteps:
                return beginning + unit * 3
            if steps > USUAL_STEPS * len(long) and steps > LINEAR * counted.run(method, short):
                return beginning + unit * 3
    return None


def _characters(tree: Any, *, within: bool) -> Iterator[str]:
    """A character for each literal and class of a parsed pattern, or of its long repetitions only."""
    for operation, value in tree:
        if not within and str(operation) in SINGLE:
            inner = value if str(operation) == "IN" and str(value[0][0]) != "NEGATE" else [(operation, value)]
            yield from (_sample(*one) for one in inner)
        for body, most in _bodies(operation, value):
            yield from _characters(body, within=within and most != ENDLESS)


def _beginnings(tree: Any, before: list[str]) -> Iterator[str]:
    """A text that leads to each long repetition; `before` gets the text that leads behind the tree."""
    for operation, value in tree:
        if str(operation) in SINGLE:
            before[0] += _sample(operation, value)
            continue
        begun = before[0]
        for number, (body, most) in enumerate(_bodies(operation, value)):
            if most == ENDLESS:
                yield begun
            way = [begun]
            yield from _beginnings(body, way)
            if number == 0 and not (most > 1 and value[0] == 0):
                before[0] = begun + way[0][len(begun) :] * (_short(value[0]) if most > 1 else 1)


def _short(count: int) -> int:
    """A number of repetitions; of bounded ones only a few, so that they show no growth beyond their bound."""
    return count if count == ENDLESS else min(count, MANY // 8)


def _sample(operation: Any, value: Any) -> str:
    """A character that a node of a parsed pattern may match."""
    match str(operation), value:
        case "LITERAL", _:
            return chr(value)
        case "RANGE", (_, last):
            return chr(last)
        case "CATEGORY", _:
            return {"DIGIT": "7", "SPACE": " ", "WORD": "w"}.get(str(value).rpartition("_")[2], "x")
        case "IN", [(first, of_first), *_] if str(first) != "NEGATE":
            return _sample(first, of_first)
    return "x"


def _bodies(operation: Any, value: Any) -> Iterator[tuple[Any, int]]:
    """The parts of a node, and how often each may be repeated."""
    match str(operation):
        case "BRANCH":
            yield from ((one, 1) for one in value[1])
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            yield value[2], int(value[1])
        case "SUBPATTERN":
            yield value[3], 1
        case "ASSERT" | "ASSERT_NOT":
            yield value[1], 0
        case "ATOMIC_GROUP":
            yield value, 1
