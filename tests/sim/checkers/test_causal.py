"""Causal consistency: each bad pattern by example, and the definition itself as an oracle."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.checkers import Budget, Outcome
from sim.checkers.causal import CausalSpec, causal
from sim.checkers.digraph import shortest_cycle, topological
from sim.checkers.reading import Attempt, attempts_of
from sim.history import History, Kind
from tests.sim.checkers.draws import Drawn, laid_out
from tests.sim.checkers.scripts import script

CC = CausalSpec(convergent=False)


@pytest.mark.parametrize(
    ("text", "witness", "reason"),
    [
        ("1 invoke read x @c/s\n1 ok 5", (1,), "ThinAirRead: read 1 of 'x' shows 5, which nobody wrote"),
        ("1 invoke write x 5\n1 fail\n2 invoke read x\n2 ok 5", (1, 2), "ThinAirRead: read 2 of 'x' shows 5, whose"),
        ("1 invoke write x 5 @c/s\n1 ok 5\n2 invoke read x @c/s\n2 ok -", (1, 2), "WriteCOInitRead"),
        (
            "1 invoke write x 5 @c/s\n1 ok 5\n2 invoke write x 6 @c/s\n2 ok 6\n3 invoke read x @c/s\n3 ok 5",
            (1, 2, 3),
            "WriteCORead: read 3 shows write 1 of 'x', after write 2 replaced it",
        ),
        (
            """
            1 invoke write x 5 @a/s
            1 ok 5
            2 invoke read x @b/s
            2 ok 5
            3 invoke write y 6 @b/s
            3 ok 6
            4 invoke read y @c/s
            4 ok 6
            5 invoke read x @c/s
            5 ok -
            """,
            (1, 5),
            "WriteCOInitRead",
        ),
        (
            """
            1 invoke read x @a/s
            1 ok 6
            2 invoke write x 5 @a/s
            2 ok 5
            3 invoke read x @b/s
            3 ok 5
            4 invoke write x 6 @b/s
            4 ok 6
            """,
            (1, 2, 3, 4),
            "CyclicCO",
        ),
        (
            "1 invoke write x 5 @a/s\n1 info\n2 invoke read x @b/s\n2 ok 5\n3 invoke read x @b/s\n3 ok -",
            (1, 3),  # in doubt, and read: it did take place
            "WriteCOInitRead",
        ),
        (
            "1 invoke write x 5 @c/s\n1 ok 5\n2 invoke cas x (5,6) @c/s\n2 ok (5,6)\n3 invoke read x @c/s\n3 ok 5",
            (1, 2, 3),
            "WriteCORead",
        ),
    ],
)
def test_a_bad_pattern_is_named_with_its_witness(text: str, witness: tuple[int, ...], reason: str) -> None:
    verdict = causal(script(text), CC)
    assert (verdict.outcome, verdict.witness) == (Outcome.INVALID, witness)
    assert verdict.reason.startswith(reason)


CONFLICT = """
1 invoke write x 5 @a/s
2 invoke write x 6 @b/s
1 ok 5
2 ok 6
3 invoke read x @a/s
3 ok 6
4 invoke read x @b/s
4 ok 5
"""


def test_two_who_settle_a_conflict_each_in_their_way_are_causal_but_do_not_converge() -> None:
    assert causal(script(CONFLICT), CC).valid
    verdict = causal(script(CONFLICT))
    assert (verdict.outcome, verdict.witness) == (Outcome.INVALID, (1, 2, 3, 4))
    assert verdict.reason.startswith("CyclicCF")


@pytest.mark.parametrize(
    "text",
    [
        "",
        CONFLICT.replace("4 ok 5", "4 ok 6"),
        "1 invoke write x 5 @c/s\n1 ok 5\n2 invoke read x @c/t\n2 ok -",  # two sessions of one client
        "1 invoke write x 5 @c\n1 ok 5\n2 invoke read x @c\n2 ok -",  # none
        "1 invoke write x 5 @c/s\n2 invoke read x @c/s\n1 ok 5\n2 ok -",  # at once
        "1 invoke write x 5 @c/s\n1 info\n2 invoke read x @c/s\n2 ok -\n3 invoke read x @c/s\n3 ok 5",
        "1 invoke write x 5 @c/s\n1 info\n2 invoke read x @c/s\n2 ok -",
        "1 invoke write x 5 @c/s\n1 fail\n2 invoke read x @c/s\n2 ok -",
        "1 invoke add x 5 @c/s\n1 ok 5",
    ],
)
def test_what_is_causal_is_accepted(text: str) -> None:
    assert causal(script(text)).valid


def test_a_client_may_be_one_session() -> None:
    text = "1 invoke write x 5 @c\n1 ok 5\n2 invoke read x @c\n2 ok -"
    assert causal(script(text), CausalSpec(whole_clients=True)).outcome is Outcome.INVALID


def test_the_initial_value_is_said() -> None:
    text = "1 invoke read x\n1 ok 0"
    assert causal(script(text), CausalSpec(initial=0)).valid
    assert causal(script(text)).outcome is Outcome.INVALID


def test_a_value_written_twice_tells_no_source() -> None:
    twice = "1 invoke write x 5 @c/s\n1 ok 5\n2 invoke write x 5 @d/s\n2 ok 5\n3 invoke read x @c/s\n3 ok 5"
    verdict = causal(script(twice))
    assert (verdict.outcome, verdict.witness) == (Outcome.UNKNOWN, (3,))
    assert causal(script(twice + "\n4 invoke read x @c/s\n4 ok -")).witness == (1, 4)
    initial = "1 invoke write x - @c/s\n1 ok -\n2 invoke read x @c/s\n2 ok -"
    assert causal(script(initial)).outcome is Outcome.UNKNOWN


def test_an_unread_value_may_be_written_twice() -> None:
    assert causal(script("1 invoke write x 5 @c/s\n1 ok 5\n2 invoke write x 5 @d/s\n2 ok 5")).valid


def test_places_in_chains_count_against_the_budget() -> None:
    assert causal(script(CONFLICT), CC, Budget(states=100)).valid
    assert causal(script(CONFLICT), CC, Budget(states=12)).outcome is Outcome.UNKNOWN


@st.composite
def registers(draw: st.DrawFn) -> History:
    """Two keys, three sessions, every value written once, some writes without an answer."""
    shape = st.tuples(st.sampled_from("wwr"), st.sampled_from("xxy"), st.sampled_from("abc"))
    shapes = draw(st.lists(shape, max_size=6))
    ops = []
    for index, (f, key, session) in enumerate(shapes):
        values = [n for n, other in enumerate(shapes) if other[:2] == ("w", key)]
        if f == "w":
            ending = draw(st.sampled_from([Kind.OK, Kind.OK, Kind.INFO]))
            ops.append(Drawn("write", key, index, ending, index, session=session))
        else:
            ops.append(Drawn("read", key, answer=draw(st.sampled_from([None, *values])), session=session))
    places = [index for index in range(len(ops)) for _ in range(2)]
    return laid_out(ops, draw(st.one_of(st.just(places), st.permutations(places))))


@settings(max_examples=300)
@given(registers())
def test_it_agrees_with_the_definition(history: History) -> None:
    attempts = attempts_of(history)
    assert causal(history, CC).valid is some_choice_of_writes(attempts, convergent=False)
    assert causal(history).valid is some_choice_of_writes(attempts, convergent=True)


def some_choice_of_writes(attempts: list[Attempt], *, convergent: bool) -> bool:
    """Whether some of the writes in doubt took place and the rest did not."""
    maybe = [a for a in attempts if not a.ok]
    return any(
        by_definition([a for a in attempts if a.ok or a in chosen], convergent=convergent)
        for bits in range(1 << len(maybe))
        for chosen in [[a for n, a in enumerate(maybe) if bits >> n & 1]]
    )


def by_definition(ops: list[Attempt], *, convergent: bool) -> bool:
    past: dict[int, set[int]] = {a.op: {b.op for b in ops if b.session == a.session and b.precedes(a)} for a in ops}
    writes = [a for a in ops if a.f == "write"]
    for read in ops:
        if read.f == "read" and read.answer is not None:
            if read.answer not in past:
                return False
            past[read.op].add(read.answer)  # type: ignore[arg-type]
    for middle, before in past.items():
        for seen in past.values():
            if middle in seen:
                seen |= before
    if any(op in seen for op, seen in past.items()):
        return False
    orders = [o for o in permutations(writes) if all(b.op not in past[a.op] for n, a in enumerate(o) for b in o[n:])]
    reads = [a for a in ops if a.f == "read"]
    if convergent:
        return any(all(last_of(o, r, past) == r.answer for r in reads) for o in orders)
    return all(any(last_of(o, r, past) == r.answer for o in orders) for r in reads)


def last_of(order: tuple[Attempt, ...], read: Attempt, past: dict[int, set[int]]) -> object:
    seen = [a.asked for a in order if a.key == read.key and a.op in past[read.op]]
    return seen[-1] if seen else None


def test_the_shortest_ring_is_found() -> None:
    edges = [[1], [2], [3, 1], [0], [0]]
    assert topological(edges) == [4]
    assert sorted(shortest_cycle(edges)) == [1, 2]
    assert shortest_cycle([[1], []]) == []
    assert shortest_cycle([[1], [1]]) == [1]
