"""The tree: what differs is found, and only that is looked at."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from models.quorum.merkle import STEP, Merkle


def descend(ours: Merkle, theirs: Merkle) -> tuple[tuple[int, ...], int]:
    """The leaves that differ, and how many hashes were sent to find them."""
    level, indices, sent = 0, [0], 0
    while True:
        hashes = ours.hashes(level, indices)
        sent += len(hashes)
        differing = theirs.differing(level, hashes)
        if not differing or level == ours.depth:
            return differing, sent
        level, indices = ours.below(level, differing)


def filled(keys: range, depth: int = 8) -> Merkle:
    tree = Merkle(depth)
    for key in keys:
        tree.put(key, key + 1)
    return tree


def test_equal_trees_cost_one_hash() -> None:
    assert descend(filled(range(5_000)), filled(range(5_000))) == ((), 1)


def test_one_difference_costs_sixteen_hashes_a_step_whatever_is_held() -> None:
    ours, theirs = filled(range(5_000)), filled(range(5_000))
    theirs.put(77, 1)
    leaves, sent = descend(ours, theirs)
    assert leaves == (ours.leaf_of(77),)
    assert sent == 1 + 2 * (1 << STEP)
    assert set(ours.entries(leaves)) == {key for key in range(5_000) if ours.leaf_of(key) == leaves[0]}


def test_a_depth_that_is_no_multiple_of_the_step_is_gone_down_to_its_end() -> None:
    ours, theirs = filled(range(100), depth=6), filled(range(100), depth=6)
    theirs.put(3, None)
    assert descend(ours, theirs)[0] == (ours.leaf_of(3),)


def test_what_is_taken_out_leaves_no_trace() -> None:
    tree = filled(range(20))
    for key in range(20):
        tree.put(key, None)
    assert tree.hashes(0, [0]) == ((0, 0),)


@given(st.dictionaries(st.integers(0, 300), st.integers(1, 5)), st.dictionaries(st.integers(0, 300), st.integers(1, 5)))
def test_the_leaves_found_are_those_of_the_keys_that_differ(ours: dict[int, int], theirs: dict[int, int]) -> None:
    one, other = Merkle(5), Merkle(5)
    for tree, held in ((one, ours), (other, theirs)):
        for key, digest in held.items():
            tree.put(key, digest)
    differing = {one.leaf_of(key) for key in {*ours, *theirs} if ours.get(key) != theirs.get(key)}
    assert set(descend(one, other)[0]) == differing
