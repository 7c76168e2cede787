"""What a mutant is: each operator on a line of its own, and nothing else of the module touched."""

from __future__ import annotations

import ast
from textwrap import dedent

import pytest

from experiments.power.operators import OPERATORS, equal, mutated, sites

MODULE = '''
"""A module."""
LIMIT = 1 + 1


class Store:
    majority: int = 2

    def __post_init__(self):
        if self.majority < 1:
            raise ValueError(self.majority + 1)

    def keep(self, record: "int < 3", most: int = 1 + 1):
        assert record < 3 and record not in self.seen
        if record.op in self.seen and not self.full:
            return
        self.disk.append("log", record)
        length = yield self.disk.flush("log")
        yield self.disk.replace("mark", length - 1)
        if len(self.acks) >= self.majority or (yield from self.log.durable_at(record)):
            self.ctx.send(self.peer, max(length, 2))
        return self.told.get(record.command_id)
'''

EXPECTED = [
    ("connective-turned", "record.op in self.seen or not self.full"),
    ("dedup-off", "record.op in ()"),
    ("negation-dropped", "self.full"),
    ("flush-dropped", "(yield from ()) or len(self.disk.read('log'))"),
    ("wait-dropped", "(yield from ()) or (self.disk.flush('log'), len(self.disk.read('log')))[1]"),
    ("flush-dropped", "(yield from ())"),
    ("wait-dropped", "(yield from ()) or (self.disk.replace('mark', length - 1), None)[1]"),
    ("off-by-one", "length"),
    ("connective-turned", "len(self.acks) >= self.majority and (yield from self.log.durable_at(record))"),
    ("comparison-turned", "len(self.acks) > self.majority"),
    ("quorum-less-one", "self.majority - 1"),
    ("durability-assumed", "(yield from ()) or True"),
    ("message-dropped", "None"),
    ("extreme-turned", "min(length, 2)"),
    ("dedup-off", "None"),
]


def test_sites_are_what_runs_and_may_be_wrong() -> None:
    assert [(site.operator, site.after) for site in sites(MODULE)] == EXPECTED


@pytest.mark.parametrize(
    ("source", "same"),
    [
        ("def f(a):\n    return a if not (1 < 2) else 3\n", False),
        ("def f(a):\n    'not so'\n    if a + 1: pass\n    return len(a) < 3\n", False),
        ("def f(a):\n    return min(a)\n", False),
        ("def f(x):\n    while not (not x): return 1\n", False),
        ("def f():\n    return 1 <= 2 or 3\n", False),
    ],
)
def test_a_change_that_the_compiler_sees_is_no_equal(source: str, same: bool) -> None:
    assert {equal(source, number) for number in range(len(sites(source)))} == {same}


def test_a_change_that_the_compiler_folds_away_is_an_equal() -> None:
    folded = "def f(a):\n    if 0:\n        return a < 3\n    return 2\n"
    assert [equal(folded, number) for number in range(len(sites(folded)))] == [True]


def test_every_operator_is_shown() -> None:
    assert {operator for operator, _ in EXPECTED} == set(OPERATORS)


@pytest.mark.parametrize("number", range(len(EXPECTED)))
def test_a_mutant_differs_in_its_site_alone(number: int) -> None:
    site = sites(MODULE)[number]
    before, after = ast.unparse(ast.parse(MODULE)), ast.unparse(mutated(MODULE, number))
    changed = [(old, new) for old, new in zip(before.splitlines(), after.splitlines(), strict=True) if old != new]
    assert len(changed) == 1
    assert site.before in changed[0][0] or f"({site.before})" in changed[0][0] or site.before[1:-1] in changed[0][0]
    assert site.line == next(n for n, line in enumerate(MODULE.splitlines(), 1) if _same(line, changed[0][0]))


def _same(line: str, unparsed: str) -> bool:
    try:
        return ast.unparse(ast.parse(dedent(line))) == unparsed.strip()
    except SyntaxError:  # the head of a block
        return line.strip().replace(" ", "").replace("(", "").replace(")", "") == unparsed.strip().replace(
            " ", ""
        ).replace("(", "").replace(")", "")


def test_a_generator_stays_one() -> None:
    namespace: dict[str, object] = {}
    source = "def f(disk):\n    n = yield disk.flush('log')\n    return n"
    exec(compile(mutated(source, 0), "<mutant>", "exec"), namespace)

    class Disk:
        def read(self, file: str) -> list[int]:
            return [1, 2, 3]

    with pytest.raises(StopIteration) as ended:
        next(namespace["f"](Disk()))  # type: ignore[operator]
    assert ended.value.value == 3
