"""Tablets cover every key once whatever is done to them, and what a master decides makes loads more even."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.keyspace import Tablet, TabletMap
from models.keyspace.hotkeys import isolate
from models.keyspace.keys import KEY_END
from models.keyspace.master import (
    Decision,
    Limits,
    Merge,
    Reassign,
    Split,
    Superseded,
    apply,
    balance,
    evacuate,
    even_tablets,
    merges,
    split_point,
    splits,
)
from models.keyspace.placement import share_moved
from models.keyspace.tablets import tablet_mistakes
from models.store.schemes import Spread
from tests.models.keyspace.spaces import moved_keys, node, nodes, tablets_of

ALL = Tablet(begin=0, end=KEY_END, owners=(0,))
points = st.integers(0, KEY_END - 1)
steps = st.lists(st.tuples(st.sampled_from(["split", "merge", "reassign"]), points, st.integers(0, 5)), max_size=25)


def one_tablet(count: int = 6) -> TabletMap:
    return TabletMap([ALL], nodes(count))


def done(tablets: TabletMap, step: tuple[str, int, int]) -> TabletMap:
    """The map after a step, or the same where it makes no sense."""
    kind, key, number = step
    begin = tablets.at(key).begin
    try:
        if kind == "split":
            return tablets.split(key)
        return tablets.merge(begin) if kind == "merge" else tablets.reassign(begin, (number,))
    except ValueError:
        return tablets


@given(steps)
def test_no_step_makes_a_gap_or_an_overlap(several: list[tuple[str, int, int]]) -> None:
    tablets = one_tablet()
    for step in several:
        after = done(tablets, step)
        assert tablet_mistakes(after.tablets, after.members, after.spread) == []
        assert after is tablets or after.version == tablets.version + 1
        assert all(tablet.version <= after.version for tablet in after.tablets)
        tablets = after


@given(steps, st.lists(points, min_size=1))
def test_the_told_stretches_are_where_keys_moved(several: list[tuple[str, int, int]], keys: list[int]) -> None:
    before = after = one_tablet()
    for step in several:
        after = done(after, step)
    moved = before.moved(after, 1)
    told = [key for key in keys if any(one.begin <= key < one.end for one in moved)]
    assert told == moved_keys(before, after, keys, 1)
    assert all(left.end < right.begin or left.after != right.after for left, right in itertools.pairwise(moved))


@given(points)
def test_a_split_moves_nothing_and_a_merge_takes_it_back(key: int) -> None:
    before = one_tablet()
    if key == 0:
        return
    after = before.split(key)
    assert before.moved(after, 1) == ()
    assert [(one.begin, one.end) for one in after.merge(key).tablets] == [(0, KEY_END)]


def test_untouched_tablets_keep_their_version() -> None:
    tablets = one_tablet().split(100).split(200).reassign(0, (1,))
    assert [(one.begin, one.version) for one in tablets.tablets] == [(0, 4), (100, 3), (200, 3)]


def test_all_mistakes_are_told_at_once_with_the_way_out() -> None:
    wrong = [
        Tablet(begin=5, end=100, owners=(0,)),
        Tablet(begin=90, end=200, owners=(0, 0)),
        Tablet(begin=300, end=300, owners=(0,)),
        Tablet(begin=250, end=KEY_END - 1, owners=(9,)),
        Tablet(begin=200, end=220, owners=()),
        Tablet(begin=220, end=250, owners=(0, 3)),
    ]
    with pytest.raises(ValueError) as told:
        TabletMap(wrong, nodes(4), spread=Spread.REGION)
    assert str(told.value).splitlines() == [
        "tablets: no tablet holds 0x0 to 0x5; begin the next at 0x0",
        "tablets: two tablets hold 0x5a to 0x64; begin the second at 0x64",
        "tablets: tablet 0x5a to 0xc8 is held by 0 twice; name it once",
        "tablets: tablet 0xc8 to 0xdc has no owner; give at least 1",
        "tablets: tablet 0xdc to 0xfa is held by 0 and 3 of one region; take them from two",
        f"tablets: tablet 0xfa to {KEY_END - 1:#x} is held by 9, which is no node here; the nearest is 3",
        "tablets: tablet 0x12c to 0x12c holds no key; leave it out, or end it at 0x12d or later",
        f"tablets: no tablet holds {KEY_END - 1:#x} to {KEY_END:#x}; end the last at {KEY_END:#x}",
    ]


def test_no_tablets_and_too_long_ones_are_refused() -> None:
    with pytest.raises(ValueError, match="begin with one of all keys"):
        TabletMap([], nodes(1))
    with pytest.raises(ValueError, match="past the last key"):
        TabletMap([Tablet(begin=0, end=KEY_END + 1, owners=(0,))], nodes(1))


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (lambda one: one.split(0), "begins at 0x0 already"),
        (lambda one: one.split(KEY_END), "is no key"),
        (lambda one: one.merge(0), "is the first"),
        (lambda one: one.split(9).merge(5), "the one that holds it begins at 0x0"),
        (lambda one: one.split(9).reassign(9, (1,)).merge(9), "reassign one of them first"),
        (lambda one: one.reassign(0, (7,)), "the nearest is 5"),
        (lambda one: one.leave(0), "still holds 1 tablets"),
        (lambda one: one.leave(17), "is none of"),
        (lambda one: one.owners(3, 2), "which has 1; give 1 to 1, or reassign"),
        (lambda one: one.join(node(3)), "given 2 times"),
    ],
)
def test_steps_that_cannot_be_say_why(wrong: object, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        wrong(one_tablet())  # type: ignore[operator]


def test_nodes_come_and_go_without_moving_a_key() -> None:
    before = one_tablet()
    after = before.join(node(6)).leave(5)
    assert after.nodes == (0, 1, 2, 3, 4, 6)
    assert after.version == before.version + 2
    assert before.moved(after, 1) == ()


# -- what a master decides -----------------------------------------------------------------


def test_halves_weigh_the_same() -> None:
    assert split_point(ALL, dict.fromkeys(range(100), 1.0)) == 50
    assert split_point(ALL, {1: 3.0, 2: 1.0, 3: 1.0, 4: 2.5}) == 3
    assert split_point(ALL, {}) is None
    assert split_point(Tablet(begin=4, end=5, owners=(0,)), {4: 9.0}) is None


def test_a_hot_key_gets_a_tablet_of_its_own() -> None:
    weights = {**dict.fromkeys(range(20), 1.0), 7: 100.0}
    after = splits(one_tablet(), weights, Limits(most=30.0))
    assert [(one.begin, one.end) for one in after.tablets] == [(0, 7), (7, 8), (8, KEY_END)]
    assert after.version == 3


@given(st.dictionaries(st.integers(0, 5000), st.floats(0.1, 10.0), min_size=1, max_size=150), st.floats(0.5, 40.0))
def test_splitting_ends_below_the_limit_or_at_single_keys(weights: dict[int, float], most: float) -> None:
    after = splits(one_tablet(), weights, Limits(most=most))
    for tablet in after.tablets:
        inside = [weight for key, weight in weights.items() if tablet.begin <= key < tablet.end]
        assert sum(inside) <= most + 1e-9 or len(inside) == 1
    assert tablet_mistakes(after.tablets, after.members, after.spread) == []


def test_light_neighbours_are_merged_in_pairs() -> None:
    tablets = one_tablet().split(10).split(20).split(30).split(40)
    loads = {0: 1.0, 10: 1.0, 20: 1.0, 30: 9.0, 40: 1.0}
    assert merges(tablets, loads, Limits(most=10.0, least=5.0)) == [Merge(10)]
    with pytest.raises(ValueError, match=r"split again; give .* 0 to 5"):
        Limits(most=10.0, least=6.0)


@given(st.lists(st.floats(0.0, 10.0), min_size=1, max_size=30), st.integers(1, 6), st.sampled_from(Spread))
def test_balancing_never_makes_the_busiest_busier_and_comes_to_an_end(
    loads: list[float], count: int, spread: Spread
) -> None:
    members = nodes(count)
    n = len({one.zone(spread) for one in members})
    tablets = tablets_of(len(loads), members, n, spread)
    by_begin = {tablet.begin: load for tablet, load in zip(tablets.tablets, loads, strict=True)}
    after = tablets
    for action in balance(tablets, by_begin):
        made = apply(after, Decision(version=tablets.version, action=action))
        assert isinstance(made, TabletMap)
        after = made
    assert tablet_mistakes(after.tablets, after.members, after.spread) == []
    assert busiest(after, by_begin) <= busiest(tablets, by_begin) + 1e-9
    assert balance(after, by_begin) == []


def busiest(tablets: TabletMap, loads: dict[int, float]) -> float:
    carried = dict.fromkeys(tablets.nodes, 0.0)
    for tablet in tablets.tablets:
        carried[tablet.owners[0]] += loads[tablet.begin]
    return max(carried.values())


def test_a_newcomer_is_given_its_share_and_nothing_else_moves() -> None:
    tablets = tablets_of(60, nodes(5)).join(node(5))
    loads = {one.begin: 1.0 for one in tablets.tablets}
    moves = balance(tablets, loads)
    assert len(moves) == 10
    assert moves == balance(tablets, loads, to=5)
    assert len(balance(tablets, loads, most_moves=3)) == 3
    assert all(move.owners == (5,) for move in moves)


def test_a_replica_that_leads_from_now_on_takes_no_copying() -> None:
    tablets = TabletMap([Tablet(begin=0, end=5, owners=(0, 1)), Tablet(begin=5, end=KEY_END, owners=(0, 1))], nodes(2))
    (move,) = balance(tablets, {0: 1.0, 5: 1.0})
    assert move.owners == (1, 0)


@pytest.mark.parametrize("spread", Spread)
def test_evacuation_keeps_those_who_stay(spread: Spread) -> None:
    members = nodes(18)
    tablets = tablets_of(40, members, 2, spread)
    after = tablets
    for action in evacuate(tablets, [1, 2]):
        after = apply(after, Decision(version=tablets.version, action=action))  # type: ignore[assignment]
    after = after.leave(1).leave(2)
    for old, new in zip(tablets.tablets, after.tablets, strict=True):
        kept = [number for number in old.owners if number not in (1, 2)]
        assert [number for number in new.owners if number in kept] == kept
        assert len(new.owners) == 2
    share = share_moved(tablets.moved(after, 1), tablets.line)
    assert share is not None
    assert float(share) == pytest.approx(sum(one.owners[0] in (1, 2) for one in tablets.tablets) / 40)


def test_who_cannot_be_replaced_is_not_let_go() -> None:
    tablets = tablets_of(4, nodes(3), 3, Spread.REGION)
    with pytest.raises(ValueError, match="n=3 owners, each in another region, are more than the 2"):
        evacuate(tablets, [2])


def test_a_decision_on_a_tablet_that_changed_since_is_void() -> None:
    tablets = one_tablet().split(100)
    plan = [Decision(version=tablets.version, action=action) for action in (Split(50), Reassign(100, (3,)))]
    after = tablets
    for decision in plan:  # they are about two tablets, so both hold
        after = apply(after, decision)  # type: ignore[assignment]
    assert after.version == tablets.version + 2
    late = [Split(25), Split(75), Reassign(100, (4,)), Merge(100), Merge(50)]
    assert [apply(after, Decision(version=tablets.version, action=action)) for action in late] == [
        Superseded(3),
        Superseded(3),
        Superseded(4),
        Superseded(4),
        Superseded(3),
    ]


def test_dealing_honours_weights_and_zones() -> None:
    members = [node(0, 3.0), node(1), node(2)]
    tablets = tablets_of(50, members)
    led = [sum(one.owners[0] == number for one in tablets.tablets) for number in range(3)]
    assert led == [30, 10, 10]
    with pytest.raises(ValueError, match="n=4"):
        even_tablets([], nodes(12), 4, spread=Spread.REGION)


@given(st.sets(points, max_size=6))
def test_isolated_keys_have_tablets_of_their_own(keys: set[int]) -> None:
    tablets = isolate(one_tablet(), keys)
    for key in keys:
        assert tablets.span(key) == (key, key + 1)
    assert isolate(tablets, keys) == tablets
