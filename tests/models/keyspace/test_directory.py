"""The directory of groups: after any decisions every point has one holder, and new owners are a new group."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.keyspace.directory import Directory, Held, Line, Source, directory_mistakes, first_directory
from models.keyspace.keys import KEY_END
from models.keyspace.master import Merge, Reassign, Split
from models.keyspace.routing import Behind, Route, Served, StaleRoute, judge
from models.keyspace.tablets import Tablet, TabletMap
from tests.models.keyspace.spaces import nodes

HALF = KEY_END // 2
LINE = Line(None)


def two() -> TabletMap:
    tablets = [
        Tablet(begin=0, end=HALF, owners=(0, 1), version=2),
        Tablet(begin=HALF, end=KEY_END, owners=(1, 2), version=2),
    ]
    return TabletMap(tablets, nodes(4), version=2)


def test_the_first_tablets_are_the_first_groups() -> None:
    found = first_directory(two(), LINE)
    assert [(one.group, one.owners, one.sources) for one in found.held] == [(1, (0, 1), ()), (2, (1, 2), ())]
    assert found.at(HALF).group == 2


def test_a_reassigned_tablet_is_a_new_group_that_comes_from_the_old() -> None:
    made = two().reassign(0, (3, 1))
    found = first_directory(two(), LINE).after(made, Reassign(0, (3, 1)))
    source = Source(begin=0, end=HALF, group=1, owners=(0, 1))
    assert found.held[0] == Held(begin=0, end=HALF, group=3, owners=(3, 1), version=3, sources=(source,))
    assert found.groups_at(0) == {1: (0, 1)}, "the giver is needed until the taker has it"
    assert found.groups_at(3) == {3: (3, 1)}


def test_of_a_split_the_left_half_stays_and_the_right_is_a_new_group() -> None:
    made = two().split(100)
    found = first_directory(two(), LINE).after(made, Split(100))
    assert [(one.begin, one.group) for one in found.held] == [(0, 1), (100, 3), (HALF, 2)]
    assert found.held[1].sources == (Source(begin=100, end=HALF, group=1, owners=(0, 1)),)


def test_merged_tablets_are_a_new_group_that_comes_from_both() -> None:
    before = two().reassign(HALF, (0, 1))
    directory = first_directory(two(), LINE).after(before, Reassign(HALF, (0, 1)))
    found = directory.after(before.merge(HALF), Merge(HALF))
    (one,) = found.held
    assert (one.begin, one.end, one.group) == (0, KEY_END, 4)
    assert [(each.begin, each.group) for each in one.sources] == [(0, 1), (HALF, 3)]


@given(st.lists(st.tuples(st.integers(0, KEY_END - 1), st.integers(0, 3)), max_size=12))
def test_after_any_decisions_groups_are_unique_and_cover_the_line(steps: list[tuple[int, int]]) -> None:
    tablets, directory = two(), first_directory(two(), LINE)
    for key, owner in steps:
        at = tablets.at(key).begin
        action = Split(key) if owner == 0 and at != key else Reassign(at, (owner, (owner + 1) % 4))
        tablets = tablets.split(key) if isinstance(action, Split) else tablets.reassign(at, action.owners)
        directory = directory.after(tablets, action)
    assert directory_mistakes(directory.held) == []
    groups = [one.group for one in directory.held]
    assert len(set(groups)) == len(groups)
    assert [one.owners for one in directory.held] == [one.owners for one in tablets.tablets]


def test_all_that_is_wrong_with_a_table_is_told_at_once() -> None:
    held = [
        Held(begin=0, end=5, group=1, owners=(), version=1),
        Held(begin=7, end=20, group=2, owners=(0,), version=1),
        Held(begin=10, end=30, group=3, owners=(0,), version=1),
    ]
    with pytest.raises(ValueError, match="no owner") as refused:
        Directory(held, LINE, 1)
    told = str(refused.value)
    assert "nobody holds 0x5 to 0x7; begin the next at 0x5" in told
    assert "two hold 0xa to 0x14; begin the next at 0x14" in told
    assert f"end it at {KEY_END:#x}" in told


def test_routes_are_judged_by_a_directory_as_by_any_placement() -> None:
    old = first_directory(two(), LINE)
    new = old.after(two().reassign(0, (3, 1)), Reassign(0, (3, 1)))
    by_old, by_new = Route(2, (0, 1), 0, HALF), Route(3, (3, 1), 0, HALF)
    assert judge(new, 3, 5, by_new) == Served()
    assert judge(new, 0, 5, by_old) == StaleRoute(3)
    assert judge(old, 0, 5, by_new) == Behind(2)
    assert judge(new, 2, HALF, Route(2, (1, 2), HALF, KEY_END)) == Served(), "others' changes concern nobody"


def test_hashed_keys_are_spread_over_the_whole_line() -> None:
    line = Line(0)
    points = [line(key) for key in range(1_000)]
    assert all(0 <= point < KEY_END for point in points)
    assert 400 < sum(point < HALF for point in points) < 600
