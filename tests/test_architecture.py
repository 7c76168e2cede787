"""The house keeps its plan: imports point one way, each room knows only its words, and nothing hides state or time."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.registry import MODULES

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("sim", "models", "experiments")
SOURCES = sorted(path.relative_to(ROOT) for room in ROOMS for path in (ROOT / room).rglob("*.py"))

# What a room may not import, by the start of the module's name.
CLOSED = {
    "sim": ("models", "experiments", "notebooks", "tests"),
    # A model sees only its host's context: with any of these it could look at the network, the faults or the truth.
    "models": (
        "experiments",
        "notebooks",
        "tests",
        "simpy",
        "sim.chance",
        "sim.checkers",
        "sim.context",
        "sim.faults",
        "sim.inspection",
        "sim.kernel",
        "sim.latency",
        "sim.life",
        "sim.machine",
        "sim.nemesis",
        "sim.network",
        "sim.provision",
        "sim.strain",
        "sim.testing",
        "sim.trace",
        "sim.world",
    ),
    "experiments": ("notebooks", "tests"),
}
# What a model may read of any object, and what says a private name without spelling it as one.
HARMLESS = ("__class__", "__name__", "__qualname__")
WAYS_AROUND = ("delattr", "eval", "exec", "getattr", "globals", "object.__getattribute__", "setattr", "vars")
CLOCKS_AND_CHANCE = ("datetime", "random", "secrets", "time", "uuid")
# The store's own words; the world would work the same for a store of another kind.
STORE_WORDS = re.compile(
    r"\b(commands?|aggregates?|projections?|read models?|merge domains?)\b(?! lines?)", re.IGNORECASE
)
MUTABLE_MAKERS = {
    "Counter",
    "OrderedDict",
    "bytearray",
    "count",
    "cycle",
    "defaultdict",
    "deque",
    "dict",
    "list",
    "set",
}


def tree_of(source: Path) -> ast.Module:
    return ast.parse((ROOT / source).read_text(encoding="utf-8"))


def imports_of(source: Path) -> Iterator[str]:
    """Every module that a source imports anywhere, names imported from a package among them."""
    for node in ast.walk(tree_of(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source}:{node.lineno} imports relatively; name the room"
            assert node.module is not None
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


@pytest.mark.parametrize("room", ROOMS)
def test_imports_point_one_way(room: str) -> None:
    wrong = [
        f"{source} imports {module}"
        for source in SOURCES
        if source.parts[0] == room
        for module in imports_of(source)
        if within(module, CLOSED[room])
    ]
    assert wrong == []


def test_no_model_reaches_behind_its_context() -> None:
    wrong = [
        f"{source}:{line} reaches for {what}"
        for source in SOURCES
        if source.parts[0] == "models"
        for line, what in reached_for_in(tree_of(source))
    ]
    assert wrong == []


def reached_for_in(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """What belongs to somebody else: private attributes, and the ways around saying their names.

    A private name is a module's own where one of its classes defines it; of a context none is,
    whoever defines it.
    """
    own = {name for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for name in private_names_of(node)}
    own |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and is_mark(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and node.attr not in HARMLESS:
            whose = ast.unparse(node.value)
            if whose not in ("self", "cls", "super()") and (node.attr not in own or whose.split(".")[-1] == "ctx"):
                yield node.lineno, f"{whose}.{node.attr}"
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in WAYS_AROUND:
            if ast.unparse(node.func) != "getattr" or names_private(node):
                yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            yield from ((node.lineno, f"the module {name}") for name in names if name in ("gc", "inspect", "sys"))


def is_mark(node: ast.Attribute) -> bool:
    """Whether it is made a mark of, as decorators do: `method.__decides__ = True`."""
    return isinstance(node.ctx, ast.Store) and node.attr.startswith("__") and node.attr.endswith("__")


def private_names_of(made: ast.ClassDef) -> Iterator[str]:
    """Methods, fields and attributes of `self` that begin with an underscore."""
    for node in ast.walk(made):
        if isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and ast.unparse(node.value) == "self":
            yield node.attr
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


def names_private(call: ast.Call) -> bool:
    """Whether the name that `getattr` is given is a private one."""
    name = call.args[1]
    return isinstance(name, ast.Constant) and str(name.value).startswith("_")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("class A:\n    def f(self):\n        ctx: Any = self.ctx\n        ctx._network.blocked(0, 1)", "ctx._network"),
        ("class A:\n    def f(self): self.ctx._env.now", "self.ctx._env"),
        ("class A:\n    def f(self): self._env = self.ctx._env", "self.ctx._env"),
        ("class A:\n    def f(self): self.ctx.disk._device.lose()", "self.ctx.disk._device"),
        ("def f(ctx): getattr(ctx, '_machine')", "getattr(ctx, '_machine')"),
        ("def f(ctx): vars(ctx)['_life']", "vars(ctx)"),
        ("def f(ctx): ctx.send.__self__", "ctx.send.__self__"),
        ("import gc", "the module gc"),
        ("class A:\n    def f(self, event): return self._f() or event.__class__ is A or super()._f()", None),
        ("class A:\n    def f(self):\n        self._x = 1\n        made = A()\n        made._x = 2", None),
        ("def f(entry, field): return getattr(entry, field.name)", None),
    ],
)
def test_reaching_behind_is_seen(text: str, what: str | None) -> None:
    assert [found for _, found in reached_for_in(ast.parse(text))] == ([] if what is None else [what])


def test_only_the_world_touches_simpy() -> None:
    users = {source for source in SOURCES for module in imports_of(source) if within(module, ("simpy",))}
    # A bench measures the kernel against SimPy's own.
    assert {source.as_posix() for source in users if source.parts[0] != "sim"} <= {"experiments/bench/kernel.py"}


def test_nothing_inside_the_world_reads_a_clock_or_foreign_chance() -> None:
    wrong = [
        f"{source} imports {module}"
        for source in SOURCES
        if source.parts[0] != "experiments"
        for module in imports_of(source)
        if within(module, CLOCKS_AND_CHANCE) or module.endswith((".default_rng", ".urandom"))
    ]
    assert wrong == []


def test_hash_decides_nothing() -> None:
    wrong = [
        f"{source}:{call.lineno} calls {ast.unparse(call.func)}(), which differs between two processes"
        for source in SOURCES
        for call in without_hash_methods(tree_of(source))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in {"hash", "id"}
    ]
    assert wrong == []


def without_hash_methods(node: ast.AST) -> Iterator[ast.AST]:
    """Walk a tree, passing over `__hash__`, which has to call hash() and decides nothing but a dict's buckets."""
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.FunctionDef) and child.name == "__hash__"):
            yield child
            yield from without_hash_methods(child)


def test_a_call_of_hash_is_seen() -> None:
    tree = ast.parse("class A:\n    def __hash__(self): return hash(1)\n    def other(self): return hash(2)")
    calls = [ast.unparse(node) for node in without_hash_methods(tree) if isinstance(node, ast.Call)]
    assert calls == ["hash(2)"]


def test_the_world_does_not_know_the_store() -> None:
    wrong = [
        f"{source}:{number} says {found.group()!r}"
        for source in SOURCES
        if source.parts[0] == "sim"
        for number, line in enumerate((ROOT / source).read_text(encoding="utf-8").splitlines(), 1)
        for found in STORE_WORDS.finditer(line.replace("_", " "))
    ]
    assert wrong == []


def test_no_module_holds_state() -> None:
    wrong = [f"{source}:{line} {what}" for source in SOURCES for line, what in state_in(tree_of(source))]
    assert wrong == []


def state_in(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Module-level names bound to something that can change, and functions that rebind a module's names."""
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if ast.unparse(target) != "__all__" and is_mutable(node.value) and not is_read_only(node):
                yield node.lineno, f"binds {ast.unparse(target)} to a mutable value"
    for inner in ast.walk(tree):
        if isinstance(inner, ast.Global):
            yield inner.lineno, f"rebinds {', '.join(inner.names)} from a function"
        if isinstance(inner, ast.FunctionDef) and any("cache" in ast.unparse(one) for one in inner.decorator_list):
            yield inner.lineno, f"caches {inner.name} for every world of the process"


def is_read_only(node: ast.Assign | ast.AnnAssign) -> bool:
    """A table declared as a Mapping, Sequence or Set: mypy refuses every change to it."""
    hint = ast.unparse(node.annotation).removeprefix("Final[") if isinstance(node, ast.AnnAssign) else ""
    return hint.startswith(("Mapping[", "Sequence[", "AbstractSet["))


def is_mutable(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        name = value.func.attr if isinstance(value.func, ast.Attribute) else getattr(value.func, "id", "")
        return name in MUTABLE_MAKERS
    return isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("x = {}", 1),
        ("x: Final = [1]", 1),
        ("x = itertools.count()", 1),
        ("def f():\n    global y\n    y = 1", 1),
        ("@functools.cache\ndef f(): ...", 1),
        ("x = MappingProxyType({})", 0),
        ("x: Final[Mapping[str, int]] = {}", 0),
        ("x: dict[str, int] = {}", 1),
        ("x = (1, 2)", 0),
        ("__all__ = ['x']", 0),
    ],
)
def test_state_is_seen(text: str, count: int) -> None:
    assert len(list(state_in(ast.parse(text)))) == count


@pytest.mark.parametrize("source", [source for source in SOURCES if source.name == "__init__.py"], ids=str)
def test_a_package_says_what_to_read_and_exports_what_it_lists(source: Path) -> None:
    tree = tree_of(source)
    assert ast.get_docstring(tree), f"{source} does not say what to read first"
    imported = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module != "__future__"
        for alias in node.names
    }
    assert listed_in(tree) == sorted(imported)


def listed_in(tree: ast.Module) -> list[str]:
    """The names in `__all__`, sorted; none if it is missing."""
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            assert isinstance(node, ast.Assign | ast.AnnAssign)
            assert node.value is not None
            return sorted(ast.literal_eval(node.value))
    return []


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_a_module_gives_its_reason_and_stays_readable(source: Path) -> None:
    assert ast.get_docstring(tree_of(source)), f"{source} opens without its reason to exist"
    assert len((ROOT / source).read_text(encoding="utf-8").splitlines()) <= 400, f"{source} is two files"


def test_starting_does_not_wait_for_heavy_libraries() -> None:
    heavy, modules = {"duckdb", "matplotlib", "pandas", "scipy"}, ["experiments.cli", "experiments.sweep", *MODULES]
    # One after the other in one process: whoever is the first to bring one in is named.
    code = f"""
import importlib, sys
for name in {modules!r}:
    importlib.import_module(name)
    found = sorted({heavy!r} & sys.modules.keys())
    if found:
        sys.exit(f"{{name}} brings in {{found}}")
"""
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
