"""Mutation operators: what a programmer might get wrong in one place of a protocol.

A site is a node of a module's syntax tree and what takes its place. Sites are found in the order
of the tree, so a number names one as long as the source is the same. Only what runs counts:
assertions, declarations and checks of arguments are passed over.

Source: the idea is DeMillo, Lipton and Sayward's (IEEE Computer, 1978); the operators are those
that storage and replication suggest, after the bugs in `tests/broken/`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from types import CodeType, MappingProxyType
from typing import Final, NamedTuple

__all__ = ["OPERATORS", "Site", "equal", "mutated", "sites"]

_TURNED: Final[Mapping[type[ast.cmpop], type[ast.cmpop]]] = MappingProxyType(
    {
        ast.Lt: ast.LtE,
        ast.LtE: ast.Lt,
        ast.Gt: ast.GtE,
        ast.GtE: ast.Gt,
        ast.Eq: ast.NotEq,
        ast.NotEq: ast.Eq,
    }
)
_QUORUM: Final = ("majority", "quorum", "need", "commit_regions")
#: What of compiled code decides what it does, besides its constants.
_INSTRUCTIONS: Final = (
    "co_code",
    "co_names",
    "co_varnames",
    "co_freevars",
    "co_cellvars",
    "co_exceptiontable",
    "co_flags",
)
#: What they do is refuse or show; a store is no worse without them.
_PASSED_OVER: Final = frozenset({"__post_init__", "__repr__"})


class Site(NamedTuple):
    """One change that can be made.

    Attributes:
        operator: A key of `OPERATORS`.
        line: Where, from 1.
        before: The source of what is replaced.
        after: And of what takes its place.
    """

    operator: str
    line: int
    before: str
    after: str


def _flush_dropped(node: ast.AST) -> ast.expr | None:
    """`yield disk.flush(file)` answered at once, with what was to be flushed left in the page cache."""
    call = _durable_write(node)
    if call is None:
        return None
    assert isinstance(call.func, ast.Attribute)
    if call.func.attr == "replace":
        return _waiting_for_nothing(None)
    return _waiting_for_nothing(_length_of(call))


def _wait_dropped(node: ast.AST) -> ast.expr | None:
    """A durable write that is asked for and not waited for."""
    call = _durable_write(node)
    if call is None:
        return None
    assert isinstance(call.func, ast.Attribute)
    # Asked for first, then answered with what it would say in the end.
    told = ast.Constant(None) if call.func.attr == "replace" else _length_of(call)
    pair = ast.Tuple([call, told], ast.Load())
    return _waiting_for_nothing(ast.Subscript(pair, ast.Constant(1), ast.Load()))


def _durability_assumed(node: ast.AST) -> ast.expr | None:
    if isinstance(node, ast.YieldFrom) and _called(node.value) == "durable_at":
        return _waiting_for_nothing(ast.Constant(True))
    return None


def _quorum_less_one(node: ast.AST) -> ast.expr | None:
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    if not isinstance(getattr(node, "ctx", None), ast.Load) or not any(word in name for word in _QUORUM):
        return None
    assert isinstance(node, ast.expr)
    return ast.BinOp(node, ast.Sub(), ast.Constant(1))


def _dedup_off(node: ast.AST) -> ast.expr | None:
    """A membership test that finds nothing, or a look-up by command that does not."""
    if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn):
        return ast.Compare(node.left, node.ops, [ast.Tuple([], ast.Load())])
    if isinstance(node, ast.Call) and _called(node) == "get" and "command_id" in ast.unparse(node.args[0]):
        return ast.Constant(None)
    return None


def _comparison_turned(node: ast.AST) -> ast.expr | None:
    if not isinstance(node, ast.Compare) or type(node.ops[0]) not in _TURNED:
        return None
    return ast.Compare(node.left, [_TURNED[type(node.ops[0])](), *node.ops[1:]], node.comparators)


def _off_by_one(node: ast.AST) -> ast.expr | None:
    """`x + 1` and `x - 1` without the one."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Add | ast.Sub):
        return None
    return node.left if isinstance(node.right, ast.Constant) and node.right.value == 1 else None


def _extreme_turned(node: ast.AST) -> ast.expr | None:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in ("min", "max"):
        return None
    return ast.Call(ast.Name("max" if node.func.id == "min" else "min", ast.Load()), node.args, node.keywords)


def _connective_turned(node: ast.AST) -> ast.expr | None:
    if not isinstance(node, ast.BoolOp):
        return None
    return ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)


def _negation_dropped(node: ast.AST) -> ast.expr | None:
    return node.operand if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not) else None


def _message_dropped(node: ast.AST) -> ast.expr | None:
    return ast.Constant(None) if isinstance(node, ast.Call) and _called(node) == "send" else None


OPERATORS: Final[Mapping[str, Callable[[ast.AST], ast.expr | None]]] = MappingProxyType(
    {
        "flush-dropped": _flush_dropped,
        "wait-dropped": _wait_dropped,
        "durability-assumed": _durability_assumed,
        "quorum-less-one": _quorum_less_one,
        "dedup-off": _dedup_off,
        "comparison-turned": _comparison_turned,
        "off-by-one": _off_by_one,
        "extreme-turned": _extreme_turned,
        "connective-turned": _connective_turned,
        "negation-dropped": _negation_dropped,
        "message-dropped": _message_dropped,
    }
)


def sites(source: str) -> list[Site]:
    """Every change that can be made to a module, in the order of its syntax tree."""
    return [
        Site(operator, getattr(node, "lineno", 0), ast.unparse(node), ast.unparse(put))
        for operator, node, put in _changes(ast.parse(source))
    ]


def mutated(source: str, number: int) -> ast.Module:
    """The syntax tree of a module with the change `number` made, as `sites` counts them."""
    tree = ast.parse(source)
    _, target, put = list(_changes(tree))[number]
    ast.copy_location(put, target)
    _Swap(target, put).visit(tree)
    return ast.fix_missing_locations(tree)


def equal(source: str, number: int) -> bool:
    """Whether a mutant is its module: both compile to the same instructions, lines and docstrings aside.

    That two programs do the same is undecidable; this finds what the compiler folds together (Papadakis et al., ICSE
    2015, trivial compiler equivalence).
    """
    one, other = (compile(tree, "", "exec", optimize=2) for tree in (ast.parse(source), mutated(source, number)))
    return _alike(one, other)


def _alike(one: object, other: object) -> bool:
    if not (isinstance(one, CodeType) and isinstance(other, CodeType)):
        # 1, 1.0 and True are equal, and not alike.
        return type(one) is type(other) and repr(one) == repr(other)
    same = all(getattr(one, name) == getattr(other, name) for name in _INSTRUCTIONS)
    constants = (one.co_consts, other.co_consts)
    return same and len(constants[0]) == len(constants[1]) and all(map(_alike, *constants))


class _Swap(ast.NodeTransformer):
    """Puts one node in the place of another."""

    def __init__(self, target: ast.AST, put: ast.expr) -> None:
        self._target, self._put = target, put

    def visit(self, node: ast.AST) -> ast.AST:
        """Swap the target; go on below all others."""
        return self._put if node is self._target else super().visit(node)


def _changes(tree: ast.Module) -> Iterator[tuple[str, ast.expr, ast.expr]]:
    for node in _running(tree, inside=False):
        if isinstance(node, ast.expr):
            for operator, change in OPERATORS.items():
                put = change(node)
                if put is not None:
                    yield operator, node, put


def _running(node: ast.AST, *, inside: bool) -> Iterator[ast.AST]:
    """The nodes below that run when functions are called, outermost first."""
    if isinstance(node, ast.Assert | ast.Raise | ast.arguments):
        return
    if isinstance(node, ast.FunctionDef):
        if node.name in _PASSED_OVER:
            return
        for statement in node.body:
            yield from _running(statement, inside=True)
        return
    if inside:
        yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "decorator_list", "returns"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _running(child, inside=inside)


def _called(node: ast.AST | None) -> str:
    """Name of the method that is called, or ""."""
    return node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""


def _durable_write(node: ast.AST) -> ast.Call | None:
    if isinstance(node, ast.Yield) and _called(node.value) in ("flush", "replace"):
        assert isinstance(node.value, ast.Call)
        return node.value
    return None


def _length_of(flush: ast.Call) -> ast.expr:
    """What a flush yields: how many records the file holds."""
    assert isinstance(flush.func, ast.Attribute)
    read = ast.Call(ast.Attribute(flush.func.value, "read", ast.Load()), flush.args, [])
    return ast.Call(ast.Name("len", ast.Load()), [read], [])


def _waiting_for_nothing(value: ast.expr | None) -> ast.expr:
    """An expression that keeps its function a generator and is worth `value`, at once."""
    nothing = ast.YieldFrom(ast.Tuple([], ast.Load()))
    return nothing if value is None else ast.BoolOp(ast.Or(), [nothing, value])
