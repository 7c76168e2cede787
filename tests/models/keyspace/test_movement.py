"""What moves when nodes come and go: no more than must, and all of it inside the stretches that are told."""

from __future__ import annotations

import itertools
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.keyspace import JumpHashing, ModuloHashing, Node, Rendezvous, Ring
from models.keyspace.hashing import jump_bucket, jump_buckets
from models.keyspace.placement import share_moved
from models.keyspace.ring import variation_of
from models.store.schemes import Spread
from tests.models.keyspace.spaces import memberships, moved_keys, node, nodes, placed, spreads

KEYS = range(150)


@given(st.sampled_from([Ring, Rendezvous]), memberships, spreads, st.data())
def test_a_join_moves_keys_to_the_newcomer_alone(
    kind: type[Ring], members: list[Node], spread: Spread, data: st.DataObject
) -> None:
    number = data.draw(st.integers(0, 45).filter(lambda n: all(n != one.number for one in members)))
    before = kind(members, spread=spread)
    after = before.join(node(number))
    assert after.version == before.version + 1
    for key in KEYS:
        (old,), (new,) = before.owners(key, 1), after.owners(key, 1)
        assert new in (old, number)
    for key in moved_keys(before, after, KEYS, before.longest()):
        assert number in after.owners(key, before.longest())


@given(st.sampled_from([Ring, Rendezvous]), memberships.filter(lambda m: len(m) > 1), spreads, st.data())
def test_a_departure_moves_what_it_held_alone(
    kind: type[Ring], members: list[Node], spread: Spread, data: st.DataObject
) -> None:
    gone = data.draw(st.sampled_from(members)).number
    before = kind(members, spread=spread)
    after = before.leave(gone)
    n = min(before.longest(), after.longest())
    for key in moved_keys(before, after, KEYS, n):
        assert gone in before.owners(key, n)
    for key in KEYS:
        kept = [number for number in before.owners(key, n) if number != gone]
        assert [number for number in after.owners(key, n) if number in kept] == kept


@given(st.sampled_from([Ring, Rendezvous]), memberships, st.data())
def test_coming_and_going_leaves_no_trace(kind: type[Ring], members: list[Node], data: st.DataObject) -> None:
    number = data.draw(st.integers(0, 45).filter(lambda n: all(n != one.number for one in members)))
    before = kind(members)
    assert moved_keys(before, before.join(node(number)).leave(number), KEYS, 1) == []


@given(memberships, st.integers(0, 45), spreads, st.integers(1, 3))
def test_the_told_stretches_are_where_keys_moved(members: list[Node], number: int, spread: Spread, n: int) -> None:
    before = Ring(members, vnodes=8, spread=spread)
    if number in before.nodes:
        if len(members) == 1:
            return
        after = before.leave(number)
    else:
        after = before.join(node(number, 2.0))
    n = min(n, before.longest(), after.longest())
    moved = before.moved(after, n)
    assert all(left.end <= right.begin for left, right in itertools.pairwise(moved))
    for key in KEYS:
        inside = [one for one in moved if one.begin <= before.point(key) < one.end]
        if before.owners(key, n) == after.owners(key, n):
            assert inside == []
        else:
            assert [(one.before, one.after) for one in inside] == [(before.owners(key, n), after.owners(key, n))]


@pytest.mark.parametrize("count", [1, 5, 40])
def test_a_join_moves_the_newcomers_share(count: int) -> None:
    vnodes = 64
    before = Ring(nodes(count), vnodes=vnodes)
    after = before.join(node(count))
    share = share_moved(before.moved(after, 1), before.line)
    assert share is not None
    # Its share is Beta; six standard deviations.
    assert abs(float(share) * (count + 1) - 1) < 6 * variation_of(count + 1, vnodes)
    assert float(share) == pytest.approx(after.shares()[count])


def test_only_what_a_heavier_node_gains_moves() -> None:
    before = Ring(nodes(8), vnodes=64)
    after = before.reweigh(3, 2.0)
    assert all(one.after == (3,) for one in before.moved(after, 1))
    assert after.shares()[3] == pytest.approx(2 / 9, rel=6 / sqrt(128))


@pytest.mark.parametrize("vnodes", [1, 4, 32])
def test_balance_follows_from_the_number_of_virtual_nodes(vnodes: int) -> None:
    count, rings = 40, 60
    squares = [
        sum((count * share - 1) ** 2 for share in Ring(nodes(count), vnodes=vnodes, seed=seed).shares().values())
        / count
        for seed in range(rings)
    ]
    expected = variation_of(count, vnodes) ** 2
    mean = sum(squares) / rings
    error = sqrt(sum((one - mean) ** 2 for one in squares) / (rings - 1) / rings)
    assert abs(mean - expected) < 5 * error


def test_shares_follow_weights() -> None:
    members = [node(0, 1.0), node(1, 2.0), node(2, 4.0)]
    shares = Ring(members, vnodes=512).shares()
    assert sum(shares.values()) == pytest.approx(1)
    assert [shares[n] for n in range(3)] == pytest.approx([1 / 7, 2 / 7, 4 / 7], rel=0.25)
    bids = Rendezvous(members)
    won = [sum(bids.owners(key, 1) == (n,) for key in range(7000)) for n in range(3)]
    assert won == pytest.approx([1000, 2000, 4000], rel=0.15)


def test_a_lone_virtual_node_owns_all() -> None:
    ring = Ring([node(3)], vnodes=1)
    assert ring.shares() == {3: 1.0}
    assert {ring.owners(key, 1) for key in range(20)} == {(3,)}
    assert share_moved(ring.moved(ring.join(node(4)), 1), ring.line)


def test_crowded_zones_do_not_hide_the_rare_one() -> None:
    members = [Node(number=n, region="big") for n in range(60)] + [Node(number=60, region="rare")]
    ring = Ring(members, vnodes=4, spread=Spread.REGION)
    assert all(set(ring.owners(key, 2)) & {60} for key in range(50))


# -- baselines -----------------------------------------------------------------------------


@given(st.integers(0, 2**64 - 1), st.integers(1, 1000))
def test_jump_moves_to_the_new_bucket_or_stays(point: int, buckets: int) -> None:
    before, after = jump_bucket(point, buckets), jump_bucket(point, buckets + 1)
    assert 0 <= before < buckets
    assert after in (before, buckets)


def test_jump_as_published() -> None:
    # Values of the authors' C code, as its ports list them in their tests.
    assert [jump_bucket(key, buckets) for key, buckets in ((1, 1), (42, 57), (0xDEAD10CC, 1), (0xDEAD10CC, 666))] == [
        *(0, 43, 0, 361)
    ]
    assert [jump_bucket(256, 1024), jump_bucket(0, 1000), jump_bucket(10863919174838991, 11)] == [520, 0, 6]


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1), st.integers(1, 200))
def test_many_jumps_are_each_jump(points: list[int], buckets: int) -> None:
    many = jump_buckets(np.array(points, dtype=np.uint64), buckets)
    assert many.tolist() == [jump_bucket(point, buckets) for point in points]


@pytest.mark.parametrize(
    ("kind", "joined", "left"),
    [
        (ModuloHashing, lambda n: n / (n + 1), lambda n: 1 - 1 / n),
        (JumpHashing, lambda n: 1 / (n + 1), lambda n: (2 - 1 / (n - 1)) / n),
        (Rendezvous, lambda n: 1 / (n + 1), lambda n: 1 / n),
    ],
)
def test_baselines_move_their_share(kind: type[Ring], joined: object, left: object) -> None:
    count, keys = 10, range(8000)
    before = kind(nodes(count))
    for after, expected in ((before.join(node(count)), joined(count)), (before.leave(0), left(count))):  # type: ignore[operator]
        share = len(moved_keys(before, after, keys, 1)) / len(keys)
        assert abs(share - expected) < 6 * sqrt(expected * (1 - expected) / len(keys))
        (all_of_it,) = before.moved(after, 1)
        assert not all_of_it.told
        assert share_moved((all_of_it,), before.line) is None


@pytest.mark.parametrize("spread", Spread)
@pytest.mark.parametrize("n", [1, 3])
def test_bids_for_many_are_bids_for_each(spread: Spread, n: int) -> None:
    made = Rendezvous(nodes(9), spread=spread, seed=4)
    found = made.lists(made.hashed.many(range(100)), n).tolist()
    assert found == [list(made.owners(key, n)) for key in range(100)]


def test_unequal_bids_are_made_one_by_one() -> None:
    made = Rendezvous([node(1), node(2, 2.0)])
    with pytest.raises(ValueError, match="key by key"):
        made.lists(made.hashed.many(range(3)), 1)


def test_buckets_of_many_are_those_of_each() -> None:
    for scheme in ("jump", "modulo"):
        made = placed(scheme, nodes(7))
        points = made.hashed.many(range(100))  # type: ignore[attr-defined]
        numbers = [made.ordered[bucket].number for bucket in made.buckets(points)]  # type: ignore[attr-defined]
        assert numbers == [made.owners(key, 1)[0] for key in range(100)]
