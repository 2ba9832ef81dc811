"""Tests of the structure of the code: imports, sizes, forbidden calls.

Each guard is a function from a parsed file to complaints; the last test feeds every one of them a bad file.
"""

import ast
import re
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.syntax import nodes, parsed, source_of

ROOT = Path(__file__).parent.parent
CODE = ("mockserver", "contracts", "bench")
FILE_LINES, FUNCTION_LINES = 400, 50

ROOMS = (
    ("json_input", "quirks", "config", "runtime", "files"),
    ("exchange", "secrecy", "pages"),
    ("errors", "tokens"),
    ("contract", "server", "gateway"),
    ("specs",),
    ("listing",),
    ("journal",),
    ("state", "conformance"),
    ("sources",),
    ("world",),
    ("flows",),
    ("faults", "resources"),
    ("emulator",),
    ("scenarios", "har"),
    ("recordings",),
    ("comparison",),
    ("evidence",),
    ("web",),
    ("clients",),
    ("intercept",),
    ("__init__",),
    ("cli", "pytest_plugin", "testcontainers"),
    ("__main__",),
)
"""Folders and top modules of `mockserver`. Each imports from rows above its own, and from no other.

Rooms of one row do not know each other. ARCHITECTURE.md shows the same list; a new room is added to both.
"""
SUITE = (
    ("bounded", "yaml_input"),
    ("wire",),
    ("requirements", "schema", "settings", "secrecy"),
    ("findings",),
    ("stage",),
    ("registry", "arrival", "progress"),
    ("checks", "journeys", "examples", "generation", "reports"),
    ("run", "trial"),
    ("clients", "broken"),
    ("mutants",),
)
"""The same for `contracts`."""
BENCH = (
    ("cases", "plan", "stores", "switched", "edge_servers"),
    ("load", "bare"),
    ("servers", "wrk"),
    ("subjects", "edge"),
    ("peers",),
    ("measure",),
    ("report", "picture"),
    ("__main__",),
)
"""The same for `bench`, whose files say what each of them measures."""
FLOORS = {
    house: {room: floor for floor, row in enumerate(rows) for room in row}
    for house, rows in (("mockserver", ROOMS), ("contracts", SUITE), ("bench", BENCH))
}
TESTS_OF_ALL = {"bench", "contracts", "fuzz", "mutation", "publishing", "security", "torture"}
"""Folders of `tests` that are not named after a room of `mockserver`."""
PUBLIC_NAMES = {"", "create_app", "flow_service", "Emulator", "Config"}
TOP_MODULES = 14

VAGUE_NAMES = {"utils", "util", "helpers", "helper", "manager", "common", "base", "misc"}
FORBIDDEN_CALLS = {
    "eval": "runs text as code",
    "exec": "runs text as code",
    "compile": "runs text as code",
    "os.system": "starts a shell",
    "os.popen": "starts a shell",
    "render_template_string": "makes a template of text",
    "flask.render_template_string": "makes a template of text",
}
FORBIDDEN_MODULES = {"pickle", "marshal", "shelve", "dill"}
RUNTIME_ONLY = {
    "time.time", "time.time_ns", "uuid.uuid1", "uuid.uuid4", "datetime.now", "datetime.utcnow", "datetime.today",
    "datetime.datetime.now", "date.today", "secrets.token_hex", "secrets.token_urlsafe", "secrets.token_bytes",
    "secrets.randbits", "secrets.choice", "os.urandom",
}  # fmt: skip

Guard = Callable[[str, ast.Module], Iterator[str]]


@cache
def tracked() -> tuple[str, ...]:
    """Every file that git knows or would add; without git, every file outside dot folders."""
    command = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, text=True)
    if listed.returncode == 0 and listed.stdout:
        names = listed.stdout.splitlines()
    else:
        files = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
        names = [f.as_posix() for f in files if not any(p.startswith(".") or p == "__pycache__" for p in f.parts)]
    return tuple(sorted(name for name in names if (ROOT / name).is_file()))


def python_files(*folders: str) -> list[str]:
    return [name for name in tracked() if name.endswith(".py") and name.split("/")[0] in folders]


def room_of(name: str) -> str:
    """`mockserver/web/api.py` -> `web`, `mockserver/world.py` -> `world`."""
    return name.split("/")[1].removesuffix(".py")


@cache
def imports(name: str, tree: ast.Module) -> list[tuple[int, str]]:
    """Line and full dotted name of every import in the file."""
    package = name.removesuffix(".py").split("/")[:-1]
    found: list[tuple[int, str]] = []
    for node in nodes(tree):
        if isinstance(node, ast.Import):
            found += ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            found += ((node.lineno, f"{module}.{alias.name}") for alias in node.names)
    return found


def imported_rooms(name: str, tree: ast.Module, house: str) -> Iterator[tuple[int, str]]:
    """The rooms of a house that a file imports; the package and its public names count as `__init__`."""
    for line, dotted in imports(name, tree):
        package, _, rest = dotted.partition(".")
        part = rest.split(".")[0]
        if package == house and part != "__version__":
            yield line, "__init__" if part in PUBLIC_NAMES else part


def import_rule(name: str, tree: ast.Module) -> Iterator[str]:
    """A room imports only from rows above its own in ROOMS, SUITE or BENCH, inside functions and for types too."""
    house, room = name.split("/")[0], room_of(name)
    floors = FLOORS[house]
    if room == "__init__":  # the package loads its public names when they are asked for
        return
    if room not in floors:
        yield f"1: add the room {room} of {house} to tests/test_architecture.py and, except for bench, ARCHITECTURE.md"
        return
    for line, other in imported_rooms(name, tree, house):
        if other != room and floors.get(other, len(floors)) >= floors[room]:
            yield f"{line}: {room} imports {other}, which does not stand above it"


def flask_in_web_only(name: str, tree: ast.Module) -> Iterator[str]:
    """Only `web/` imports the framework."""
    if name.startswith("mockserver/web/") or name.startswith("bench/"):
        return
    for line, dotted in imports(name, tree):
        if dotted.split(".")[0] in ("flask", "werkzeug"):
            yield f"{line}: imports {dotted} outside web/"


def contracts_stand_alone(name: str, tree: ast.Module) -> Iterator[str]:
    """The contract suite imports only the public names and fixtures of our package."""
    if name.startswith("contracts/"):
        for line, other in imported_rooms(name, tree, "mockserver"):
            if other not in ("__init__", "pytest_plugin"):
                yield f"{line}: imports mockserver.{other}"


def sizes(name: str, tree: ast.Module) -> Iterator[str]:
    """Files and functions stay below a maximum length."""
    length = len((ROOT / name).read_text(encoding="utf-8").splitlines()) if (ROOT / name).exists() else 0
    if length > FILE_LINES:
        yield f"has {length} lines, {FILE_LINES} is the cap"
    for node in nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            if length > FUNCTION_LINES:
                yield f"{node.lineno}: {node.name} has {length} lines, {FUNCTION_LINES} is the cap"


def speaking_name(name: str, tree: ast.Module) -> Iterator[str]:
    """A file is named after its content."""
    for segment in name.removesuffix(".py").split("/"):
        if VAGUE_NAMES & set(segment.strip("_").split("_")):
            yield f"'{segment}' says nothing about what is inside"


def documented(name: str, tree: ast.Module) -> Iterator[str]:
    """Modules, public classes, functions and methods have docstrings; the name of a test is its description."""
    if ast.get_docstring(tree) is None:
        yield "1: the module has no docstring"
    scopes: list[ast.Module | ast.ClassDef] = [tree]
    while scopes:
        for node in scopes.pop().body:
            if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if node.name.startswith(("_", "test_")) or _is_repeated(node):
                continue
            if ast.get_docstring(node) is None:
                yield f"{node.lineno}: {node.name} has no docstring"
            if isinstance(node, ast.ClassDef):
                scopes.append(node)


def _is_repeated(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Overloads, overrides and property setters, which are documented where first defined."""
    marks = {source_of(decorator).rpartition(".")[2] for decorator in node.decorator_list}
    return bool(marks & {"overload", "override", "setter"})


def silent(name: str, tree: ast.Module) -> Iterator[str]:
    """Only command lines, the benchmark and judged programs print."""
    if name.startswith(("mockserver/cli", "bench/", "contracts/clients/programs/")):
        return
    for node in nodes(tree):
        if isinstance(node, ast.Call) and source_of(node.func) == "print":
            yield f"{node.lineno}: prints"


def nothing_dangerous(name: str, tree: ast.Module) -> Iterator[str]:
    """No text becomes code, a template, a shell word or an object; no debugger is on."""
    for line, dotted in imports(name, tree):
        if dotted.split(".")[0] in FORBIDDEN_MODULES:
            yield f"{line}: imports {dotted}, which makes objects of bytes"
    for node in nodes(tree):
        if not isinstance(node, ast.Call):
            continue
        called = source_of(node.func)
        given = {keyword.arg: source_of(keyword.value) for keyword in node.keywords}
        if called in FORBIDDEN_CALLS:
            yield f"{node.lineno}: {called} {FORBIDDEN_CALLS[called]}"
        if called in ("yaml.load", "yaml.load_all"):
            loader = given.get("Loader", source_of(node.args[1]) if len(node.args) > 1 else "")
            if "Safe" not in _assigned(tree).get(loader, loader):
                yield f"{node.lineno}: {called} needs a safe loader"
        for option in ("shell", "debug", "use_debugger", "use_evalex"):
            if given.get(option) == "True":
                yield f"{node.lineno}: {called} with {option}=True"


def _assigned(tree: ast.Module) -> dict[str, str]:
    """The values assigned to each plain name of a file, as source text."""
    pairs = [(node.targets[0], node.value) for node in nodes(tree) if isinstance(node, ast.Assign)]
    return {target.id: source_of(value) for target, value in pairs if isinstance(target, ast.Name)}


def chance_and_time_from_runtime(name: str, tree: ast.Module) -> Iterator[str]:
    """Ids, tokens and the wall clock come only from `runtime.py`, so that seeded runs repeat."""
    if not name.startswith("mockserver/") or room_of(name) in ("runtime", "intercept"):
        return
    for node in nodes(tree):
        if isinstance(node, ast.Call):
            called = source_of(node.func)
            if called in RUNTIME_ONLY or called.startswith("random."):
                yield f"{node.lineno}: {called} belongs in runtime.py"


def environment_from_config(name: str, tree: ast.Module) -> Iterator[str]:
    """Only `config.py` reads the environment; the command line passes it to programs that it starts."""
    if not name.startswith("mockserver/") or room_of(name) in ("config", "cli", "intercept"):
        return
    for node in nodes(tree):
        if isinstance(node, ast.Attribute) and source_of(node) in ("os.environ", "os.getenv"):
            yield f"{node.lineno}: reads the environment outside config.py"


GUARDS: dict[Guard, tuple[str, ...]] = {
    import_rule: CODE,
    flask_in_web_only: ("mockserver", "contracts"),
    contracts_stand_alone: ("contracts",),
    sizes: (*CODE, "tests"),
    speaking_name: (*CODE, "tests"),
    documented: CODE,
    silent: ("mockserver", "contracts"),
    nothing_dangerous: CODE,
    chance_and_time_from_runtime: ("mockserver",),
    environment_from_config: ("mockserver",),
}
"""Guard -> the folders it watches."""


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.__name__)
def test_the_code_keeps_its_structure(guard: Guard) -> None:
    names = python_files(*GUARDS[guard])
    complaints = [f"{name}:{complaint}" for name in names for complaint in guard(name, parsed(ROOT / name))]
    assert not complaints, f"{guard.__doc__}\n" + "\n".join(complaints)


def module_graph(*folders: str) -> dict[str, set[str]]:
    """Module -> imported modules of the same folders, also inside functions and for types.

    A package that a module lies in does not count: Python loads it first anyway.
    """
    files = python_files(*folders)
    names = {name.removesuffix(".py").removesuffix("/__init__").replace("/", "."): name for name in files}
    graph: dict[str, set[str]] = {}
    for module, name in names.items():
        imported = imports(name, parsed(ROOT / name))
        found = {dotted if dotted in names else dotted.rpartition(".")[0] for _, dotted in imported}
        packages = {module.rsplit(".", depth)[0] for depth in range(1, module.count(".") + 1)}
        graph[module] = (found & names.keys()) - packages - {module}
    return graph


def circle_of(graph: dict[str, set[str]]) -> dict[str, list[str]]:
    """The part of a graph that consists of circles."""
    while True:
        used = set().union(*graph.values())
        kept = {module: others & graph.keys() for module, others in graph.items() if module in used}
        kept = {module: others for module, others in kept.items() if others}
        if kept == graph:
            return {module: sorted(others) for module, others in graph.items()}
        graph = kept


@pytest.mark.parametrize("folder", CODE)
def test_modules_form_no_circle(folder: str) -> None:
    circle = circle_of(module_graph(folder))
    assert not circle, f"these modules import each other in a circle: {circle}"


def test_a_circle_is_found() -> None:
    assert circle_of({"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set()}) == {"b": ["c"], "c": ["b"]}
    assert circle_of({"a": {"b"}, "b": {"c"}, "c": set()}) == {}


def test_the_top_of_the_package_stays_small() -> None:
    top = [name for name in python_files("mockserver") if name.count("/") == 1]
    assert len(top) <= TOP_MODULES, f"mockserver/ has {len(top)} modules at its top: move one into a room"


def test_the_architecture_page_shows_every_room() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rooms = [*FLOORS["mockserver"], *FLOORS["contracts"]]
    missing = [room for room in rooms if not re.search(rf"`{room}(?:\.py|/)?`", page)]
    tops = {f"{name.partition('/')[0]}/" for name in tracked() if "/" in name}
    missing += [top for top in sorted(tops) if f"`{top}" not in page]
    assert not missing, f"add to ARCHITECTURE.md: {', '.join(missing)}"


def test_tests_mirror_the_package() -> None:
    """The tests of `listing/` are in `tests/listing/`, those of `gateway.py` in `tests/test_gateway.py`."""
    folders = {name.split("/")[1] for name in python_files("tests") if name.count("/") > 1}
    strangers = folders - FLOORS["mockserver"].keys() - TESTS_OF_ALL
    assert not strangers, f"no room of mockserver/ is called so; else add them to TESTS_OF_ALL: {strangers}"
    rooms = {room_of(name) for name in python_files("mockserver") if name.count("/") > 1}
    alone = [room for room in rooms - folders if (ROOT / "tests" / f"test_{room}.py").exists()]
    assert not alone, f"move the tests of these folders into folders of tests/: {alone}"


BAD_FILES: list[tuple[Guard, str, str]] = [
    (import_rule, "mockserver/state/store.py", "from mockserver.resources import operation"),
    (import_rule, "mockserver/errors.py", "import mockserver.state.store"),
    (import_rule, "mockserver/resources/runs.py", "def f():\n    from mockserver.emulator import Emulator"),
    (import_rule, "mockserver/conformance/families/etags.py", "from mockserver.state import store"),
    (import_rule, "mockserver/emulator.py", "from .web import create_app"),
    (import_rule, "mockserver/journal/entries.py", "if TYPE_CHECKING:\n    from mockserver.state.store import Store"),
    (import_rule, "mockserver/cellar/wine.py", ""),
    (import_rule, "bench/plan.py", "from bench.peers.rows import Peer"),
    (flask_in_web_only, "mockserver/state/store.py", "from werkzeug.http import parse_date"),
    (contracts_stand_alone, "contracts/checks.py", "from mockserver.errors import ERRORS"),
    (sizes, "mockserver/none.py", "def f():\n" + "    pass\n" * 50),
    (speaking_name, "mockserver/web/http_utils.py", ""),
    (documented, "mockserver/none.py", '"""Yes."""\nclass A:\n    """Yes."""\n    def b(self): ...'),
    (silent, "mockserver/state/store.py", "print('x')"),
    (nothing_dangerous, "bench/load.py", "import pickle"),
    (nothing_dangerous, "bench/load.py", "eval('1')"),
    (nothing_dangerous, "bench/load.py", "yaml.load(text, Loader=yaml.Loader)"),
    (nothing_dangerous, "bench/load.py", "subprocess.run('ls', shell=True)"),
    (nothing_dangerous, "bench/load.py", "app.run(debug=True)"),
    (chance_and_time_from_runtime, "mockserver/state/store.py", "uuid.uuid4()"),
    (environment_from_config, "mockserver/web/admin.py", "os.environ['A']"),
]


@pytest.mark.parametrize(
    ("guard", "name", "source"), BAD_FILES, ids=[f"{g.__name__}-{s[:20]}" for g, _, s in BAD_FILES]
)
def test_each_guard_catches_a_bad_file(guard: Guard, name: str, source: str) -> None:
    assert list(guard(name, ast.parse(source)))


def test_every_guard_has_a_bad_file() -> None:
    assert {guard for guard, _, _ in BAD_FILES} == set(GUARDS)
