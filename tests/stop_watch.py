"""Finds assertions in a syntax tree that bound a measured time from above. A loaded machine fails them.

Each expression has a `Kind`, which follows from the clocks it reads. Names, members, items, arithmetic and functions
pass it on. Loops that give up after a while are not assertions.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from tests.syntax import source_of


class Kind(IntEnum):
    """What an expression says about time. Of several, the greatest counts."""

    NONE = 0
    MOMENT = 1
    """The reading of a clock."""
    EARLIER = 2
    """A reading less a constant."""
    DEADLINE = 3
    """A reading plus a limit."""
    SPEED = 4
    """Falls as a duration grows: a rate, or the time left until a deadline."""
    DURATION = 5
    """The difference of two readings."""


Shape = Kind | tuple["Shape", ...]
"""The kind of a value; of a tuple, the kinds of its items. A list or a dict has the kind of its items."""

OPPOSITE = {Kind.DURATION: Kind.SPEED, Kind.SPEED: Kind.DURATION}
CLOCKS = {"time", "monotonic", "perf_counter", "process_time", "thread_time", "default_timer", "now", "utcnow", "today"}
STOP_WATCHES = {"timeit", "repeat"}
MEASURED = {"elapsed", "ru_utime", "ru_stime"}
"""Members that are durations without a clock in sight, such as those of responses of `requests` and `httpx`."""
READS = re.compile(rf"\b(?:import|from) (?:time|timeit|datetime)\b|\b(?:{'|'.join(sorted(MEASURED))})\b")
"""A file without these words measures no time."""
COUNTS = {"len", "str", "repr", "bool", "type", "isinstance", "format", "count", "index"}
ADDS = {"append", "add", "extend", "insert", "put", "appendleft", "setdefault", "update"}
KEEPS_MOMENTS = {"min", "max", "float", "int", "round", "sorted", "list", "tuple", "replace", "astimezone", "timestamp"}
AT_MOST = {"assertLess", "assertLessEqual", "lt", "le"}
AT_LEAST = {"assertGreater", "assertGreaterEqual", "gt", "ge"}
CLOSE = {"approx", "isclose", "assertAlmostEqual"}
FAILS = {"fail", "exit", "skip", "xfail"}

Function = ast.FunctionDef | ast.AsyncFunctionDef
BINDING = (
    ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.NamedExpr, ast.withitem, ast.For,
    ast.AsyncFor, ast.comprehension, ast.Call, ast.FunctionDef, ast.AsyncFunctionDef,
)  # fmt: skip
"""Nodes that `_Scope` learns from."""
Loop = ast.For | ast.AsyncFor | ast.While


def upper_bounds(tree: ast.Module, measuring: Mapping[str, Shape] | None = None) -> list[int]:
    """Lines that assert an upper bound. `measuring` is what functions of other files return, by their dotted names."""
    scope = _Scope(known=measuring or {})
    scope.learn(tree)
    return sorted(set(scope.asserted(tree.body)))


def measuring_functions(tree: ast.Module) -> dict[str, Shape]:
    """Functions at the top of a file that return a duration, alone or among other values."""
    scope = _Scope()
    scope.learn(tree)
    functions = [node.name for node in tree.body if isinstance(node, Function)]
    return {name: scope.names[name] for name in functions if _most(scope.names[name]) >= Kind.SPEED}


def _most(*shapes: Shape) -> Kind:
    return max((_most(*shape) if isinstance(shape, tuple) else shape for shape in shapes), default=Kind.NONE)


def _last(node: ast.expr) -> str:
    """The last part of a dotted name."""
    return source_of(node).rpartition(".")[2]


def _is_constant(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) or (isinstance(node, ast.Call) and _last(node.func) == "timedelta")


def _of_this_function(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Every node below these, except those of functions within."""
    for node in body:
        yield node
        if not isinstance(node, Function):
            yield from _of_this_function(ast.iter_child_nodes(node))


@functools.cache
def _binding(owner: Function | ast.Module) -> list[ast.AST]:
    """The nodes of a function or a file that may bind a name, found once however often its scope is learnt."""
    return [node for node in _of_this_function(owner.body) if isinstance(node, BINDING)]


@functools.cache
def _given(function: Function) -> list[ast.expr]:
    """What a function returns and yields."""
    ends = (node for node in _of_this_function(function.body) if isinstance(node, ast.Return | ast.Yield))
    return [end.value for end in ends if end.value]


@dataclass
class _Scope:
    """The names of a function and of those around it."""

    names: dict[str, Shape] = field(default_factory=dict)
    clocks: dict[str, str] = field(default_factory=dict)
    """Other names that the file gives to clocks."""
    known: Mapping[str, Shape] = field(default_factory=dict)
    """What functions of other files return, by their dotted names."""

    def within(self, function: Function) -> _Scope:
        """The scope of a function within this one."""
        inner = _Scope(dict(self.names), self.clocks, self.known)
        inner.learn(function)
        return inner

    def learn(self, owner: Function | ast.Module) -> None:
        """Collect what names stand for; three times, because one may depend on a later one."""
        for node in _binding(owner) * 3:
            self._bind(node)

    def _bind(self, node: ast.AST) -> None:
        match node:
            case ast.ImportFrom(names=names) | ast.Import(names=names):
                for one in names:
                    self._import(one, getattr(node, "module", None))
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._give(target, self._shape(value))
            case (
                ast.AnnAssign(target=target, value=ast.expr() as value)
                | ast.AugAssign(target=target, value=value)
                | ast.NamedExpr(target=target, value=value)
                | ast.withitem(context_expr=value, optional_vars=ast.expr() as target)
                | ast.For(target=target, iter=value)
                | ast.AsyncFor(target=target, iter=value)
                | ast.comprehension(target=target, iter=value)
            ):
                self._give(target, self._shape(value))
            case ast.Call(func=ast.Attribute(attr=name, value=owner), args=args) if name in ADDS:
                self._give(owner, self._all(args))
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                inner = self.within(node)
                self.names.update({name: shape for name, shape in inner.names.items() if name.startswith("self.")})
                self._give(ast.Name(node.name), inner._all(_given(node)))

    def _import(self, one: ast.alias, module: str | None) -> None:
        full, here = f"{module}.{one.name}" if module else one.name, one.asname or one.name
        if one.name in CLOCKS:
            self.clocks[here] = one.name
        inside = {name.removeprefix(full): shape for name, shape in self.known.items() if name.startswith(full)}
        self.names.update({here + rest: shape for rest, shape in inside.items() if rest[:1] in ("", ".")})

    def _give(self, target: ast.expr, shape: Shape) -> None:
        """Bind a name, a member or the owner of an item; the parts of a tuple each to its own."""
        match target:
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                fits = isinstance(shape, tuple) and len(shape) == len(parts)
                shapes = shape if isinstance(shape, tuple) and fits else (_most(shape),) * len(parts)
                for part, inner in zip(parts, shapes, strict=True):
                    self._give(part, inner)
            case ast.Subscript(value=owner) | ast.Starred(value=owner):
                self._give(owner, shape)
            case ast.Name() | ast.Attribute():
                name = source_of(target)
                if _most(shape) >= _most(self.names.get(name, Kind.NONE)):
                    self.names[name] = shape

    def _all(self, nodes: list[ast.expr]) -> Shape:
        shapes = [self._shape(node) for node in nodes]
        return shapes[0] if len(shapes) == 1 else _most(*shapes)

    def _shape(self, node: ast.expr) -> Shape:
        match node:
            case ast.Name() | ast.Attribute() if (name := source_of(node)) in self.names:
                return self.names[name]
            case ast.Attribute(attr=attr, value=value):
                return Kind.DURATION if attr in MEASURED else self._shape(value)
            case ast.Call():
                return self._call(node)
            case ast.BinOp(left=left, op=op, right=right):
                return self._arithmetic(op, left, right)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                kind = _most(self._shape(operand))
                return OPPOSITE.get(kind, kind)
            case ast.Subscript(value=value, slice=ast.Constant(value=int(at))):
                shape = self._shape(value)
                return shape[at] if isinstance(shape, tuple) and -len(shape) <= at < len(shape) else _most(shape)
            case ast.Tuple(elts=items):
                return tuple(self._shape(item) for item in items)
            case ast.List(elts=items) | ast.Set(elts=items) | ast.BoolOp(values=items) | ast.Dict(values=items):
                return self._all(items)
            case ast.IfExp(body=one, orelse=other):
                return self._all([one, other])
            case ast.ListComp(elt=value) | ast.SetComp(elt=value) | ast.GeneratorExp(elt=value):
                return self._shape(value)
            case (
                ast.DictComp(value=value)
                | ast.NamedExpr(value=value)
                | ast.Await(value=value)
                | ast.Starred(value=value)
                | ast.Subscript(value=value)
            ):
                return self._shape(value)
        return Kind.NONE

    def _call(self, node: ast.Call) -> Shape:
        called = _last(node.func)
        called = self.clocks.get(called, called)
        args = [self._shape(arg) for arg in node.args]
        owner = self._shape(node.func.value) if isinstance(node.func, ast.Attribute) else Kind.NONE
        kind = _most(owner, *args)
        if called == "abs":
            return max(kind, OPPOSITE.get(kind, kind))
        if called in COUNTS:
            return Kind.NONE
        if called in STOP_WATCHES:
            return Kind.DURATION
        if called in CLOCKS or called.removesuffix("_ns") in CLOCKS:
            return Kind.MOMENT
        if (name := source_of(node.func)) in self.names:
            return self.names[name]
        if called in ("enumerate", "items"):
            return (Kind.NONE, args[0] if args else owner)
        if called == "zip":
            return args[0] if any(isinstance(arg, ast.Starred) for arg in node.args) else tuple(args)
        return kind if kind >= Kind.SPEED or called in KEEPS_MOMENTS else Kind.NONE

    def _arithmetic(self, op: ast.operator, left: ast.expr, right: ast.expr) -> Kind:
        one, other = _most(self._shape(left)), _most(self._shape(right))
        match op:
            case ast.Sub() if Kind.NONE < one < Kind.SPEED and _is_constant(right):
                return Kind.EARLIER
            case ast.Sub() if Kind.NONE < one < Kind.SPEED or Kind.NONE < other < Kind.SPEED:
                return Kind.DURATION if one in (Kind.MOMENT, Kind.EARLIER) else Kind.SPEED
            case ast.Add() if max(one, other) is Kind.MOMENT:
                return Kind.DEADLINE
            case ast.Sub() | ast.Div() | ast.FloorDiv() if one < Kind.SPEED <= other:
                return OPPOSITE[other]
        return max(one, other)

    def asserted(self, body: Iterable[ast.AST], *, loop: bool = False) -> Iterator[int]:
        """Lines of statements that assert an upper bound. In a loop, an `if` that fails ends the waiting."""
        for node in body:
            match node:
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    yield from self.within(node).asserted(node.body)
                case ast.expr():
                    yield from self._bounds(node, holds=True)
                case ast.If(test=test, body=then, orelse=otherwise):
                    if not loop and _fails(then):
                        yield from self._bounds(test, holds=False)
                    yield from self.asserted([*then, *otherwise], loop=loop)
                case ast.While(body=then, orelse=otherwise):
                    yield from self.asserted([*then, *otherwise], loop=True)
                case _:
                    yield from self.asserted(ast.iter_child_nodes(node), loop=loop or isinstance(node, Loop))

    def _bounds(self, node: ast.AST, *, holds: bool) -> Iterator[int]:
        """Lines of comparisons that are upper bounds where an expression is true, or false."""
        match node:
            case ast.Compare(left=left, ops=ops, comparators=others):
                for one, op, other in zip([left, *others], ops, others, strict=False):
                    if self._is_upper_bound(type(op).__name__, one, other, holds=holds):
                        yield node.lineno
            case ast.Call(func=func, args=[one, other, *_]):
                if self._is_upper_bound(_last(func), one, other, holds=holds):
                    yield node.lineno
            case ast.UnaryOp(op=ast.Not()):
                holds = not holds
        for part in ast.iter_child_nodes(node):
            yield from self._bounds(part, holds=holds)

    def _is_upper_bound(self, word: str, one: ast.expr, other: ast.expr, *, holds: bool) -> bool:
        kinds = _most(self._shape(one)), _most(self._shape(other))
        close = any(isinstance(node, ast.Call) and _last(node.func) in CLOSE for node in (one, other))
        if word in CLOSE or (word == "Eq" and close):
            return holds and max(kinds) >= Kind.SPEED
        if word in AT_MOST or word in ("Lt", "LtE"):
            small, large = kinds if holds else kinds[::-1]
        elif word in AT_LEAST or word in ("Gt", "GtE"):
            small, large = kinds[::-1] if holds else kinds
        else:
            return False
        return small in (Kind.DURATION, Kind.EARLIER) or large in (Kind.SPEED, Kind.DEADLINE)


def _fails(body: list[ast.stmt]) -> bool:
    """Whether statements end the test."""
    match body[-1]:
        case ast.Raise() | ast.Assert(test=ast.Constant()):
            return True
        case ast.Expr(value=ast.Call(func=func)):
            return _last(func) in FAILS
    return False
