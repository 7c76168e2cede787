"""Versions: what a merger keeps, and that nothing is superseded that was never seen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from models.quorum.versions import (
    NOTHING,
    Cell,
    Dot,
    Seen,
    Version,
    latest,
    live,
    make,
    merge_latest,
    merge_siblings,
    only_tombstones,
)


def write(actor: int, number: int, value: int, after: Cell = NOTHING, *, stamp: int = 0, dead: bool = False) -> Cell:
    return make(Dot(actor, number), stamp, value, dead=dead, after=after.seen)


def values(cell: Cell) -> set[object]:
    return {version.value for version in live(cell)}


def test_concurrent_writes_are_siblings_and_a_write_that_saw_them_replaces_both() -> None:
    both = merge_siblings(write(1, 1, 10), write(2, 1, 20))
    assert values(both) == {10, 20}
    later = merge_siblings(both, write(1, 2, 30, after=both))
    assert values(later) == {30}
    assert values(merge_siblings(write(2, 1, 20), later)) == {30}, "what it has seen does not come back"


def test_a_writer_that_saw_its_second_write_alone_does_not_supersede_its_first() -> None:
    # A plain version vector {1: 2} would claim that the first was seen too, and lose it.
    second = write(1, 2, 20)
    third = write(2, 1, 30, after=second)
    assert third.seen == Seen(((2, 1),), (Dot(1, 2),))
    assert values(merge_siblings(third, write(1, 1, 10))) == {10, 30}


def test_dots_without_gaps_become_a_count() -> None:
    assert Seen((), ()).plus(Dot(1, 2)).plus(Dot(1, 1)) == Seen(((1, 2),), ())


def test_the_last_writer_wins_by_stamp_and_then_by_dot() -> None:
    early, late = make(Dot(9, 1), 5, 1), make(Dot(1, 1), 6, 2)
    assert merge_latest(early, late) == merge_latest(late, early) == late
    twin = make(Dot(2, 1), 6, 3)
    assert merge_latest(late, twin) == merge_latest(twin, late) == twin
    assert merge_latest(NOTHING, late) == merge_latest(late, NOTHING) == late


def test_a_key_with_a_live_sibling_is_not_deleted() -> None:
    dead = write(1, 1, 0, dead=True)
    assert only_tombstones(dead)
    both = merge_siblings(dead, write(2, 1, 5))
    assert not only_tombstones(both)
    assert values(both) == {5}
    assert not only_tombstones(NOTHING)


def test_the_latest_of_several_is_that_of_the_highest_stamp() -> None:
    versions = [Version(Dot(1, 1), 3, 1, False), Version(Dot(1, 2), 7, 2, False)]
    assert latest(versions) == versions[1]
    assert latest([]) is None


# A history of cells: each step writes after some of the cells that there are, or merges two of them.
STEPS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 50), st.integers(0, 50), st.booleans()), max_size=12)


def cells_of(steps: list[tuple[int, int, int, bool]]) -> list[Cell]:
    cells, made = [NOTHING], dict.fromkeys(range(3), 0)
    for actor, one, other, writes in steps:
        left, right = cells[one % len(cells)], cells[other % len(cells)]
        merged = merge_siblings(left, right)
        if writes:
            made[actor] += 1
            merged = merge_siblings(merged, write(actor, made[actor], 100 * actor + made[actor], after=merged))
        cells.append(merged)
    return cells


@given(STEPS)
def test_merging_does_not_care_for_order_or_repetition(steps: list[tuple[int, int, int, bool]]) -> None:
    cells = cells_of(steps)[-4:]
    for a in cells:
        assert merge_siblings(a, a) == a
        for b in cells:
            assert merge_siblings(a, b) == merge_siblings(b, a)
            for c in cells:
                assert merge_siblings(merge_siblings(a, b), c) == merge_siblings(a, merge_siblings(b, c))


@given(STEPS)
def test_all_merged_every_write_is_there_or_somebody_saw_it_and_wrote(steps: list[tuple[int, int, int, bool]]) -> None:
    cells = cells_of(steps)
    merged = NOTHING
    for cell in cells:
        merged = merge_siblings(merged, cell)
    held = {version.dot for version in merged.versions}
    for cell in cells:
        for version in cell.versions:
            superseded = any(
                other.seen.holds(version.dot) and version.dot not in {v.dot for v in other.versions} for other in cells
            )
            assert version.dot in held or superseded
