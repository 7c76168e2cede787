"""What holds of every scheme: totality, zones, determinism, and answers to bad input."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.keyspace import JumpHashing, KeyHash, ModuloHashing, Node, Rendezvous, Ring, SlotTable, nodes_of, pack_key
from models.keyspace.keys import HASH_END, KEY_END, mix64, mix64_many, unpack_key
from models.store.schemes import Spread
from sim.topology import grid
from tests.models.keyspace.spaces import SCHEMES, keys, memberships, moved_keys, node, nodes, placed, spreads

schemes = st.sampled_from(SCHEMES)


@given(schemes, memberships, spreads, keys)
def test_every_key_has_as_many_owners_as_there_are_zones_no_two_in_one(
    scheme: str, members: list[Node], spread: Spread, key: int
) -> None:
    made = placed(scheme, members, spread)
    by_number = {one.number: one for one in members}
    zones = {one.zone(spread) for one in members}
    assert made.longest() == len(zones)
    owners = made.owners(key, len(zones))
    assert {by_number[number].zone(spread) for number in owners} == zones
    assert len(owners) == len(zones)
    assert [made.owners(key, n) for n in range(1, len(zones))] == [owners[:n] for n in range(1, len(zones))]


@given(schemes, memberships, keys, st.randoms(use_true_random=False))
def test_owners_are_a_function_of_members_and_seed(scheme: str, members: list[Node], key: int, order: object) -> None:
    assert placed(scheme, members).owners(key, 1) == placed(scheme, list(members)).owners(key, 1)
    if scheme in ("ring", "rendezvous", "tablets"):  # buckets and blocks have an order, the others none
        shuffled = list(members)
        order.shuffle(shuffled)  # type: ignore[attr-defined]
        assert placed(scheme, shuffled).owners(key, 1) == placed(scheme, members).owners(key, 1)


@given(schemes, memberships, keys)
def test_a_span_holds_its_key_and_owners_are_the_same_all_over_it(scheme: str, members: list[Node], key: int) -> None:
    made = placed(scheme, members)
    begin, end = made.span(key)
    assert 0 <= begin <= made.point(key) < end <= made.line
    if scheme == "tablets":
        assert made.owners(begin, 1) == made.owners(key, 1) == made.owners(end - 1, 1)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_no_list_is_longer_than_the_zones_allow(scheme: str) -> None:
    made = placed(scheme, nodes(12), Spread.REGION)
    with pytest.raises(ValueError, match="n=0"):
        made.owners(7, 0)
    with pytest.raises(ValueError, match="n=4"):
        made.owners(7, 4)


def test_the_nearest_that_can_is_named() -> None:
    with pytest.raises(
        ValueError, match=r"n=4 owners, each in another region, are more than the 3 .* at most 3, or"
    ) as told:
        Ring(nodes(12), spread=Spread.REGION).owners(1, 4)
    assert "spread over clusters" in str(told.value)
    assert "add 1 region" in str(told.value)


def test_all_mistakes_of_a_membership_are_told_at_once() -> None:
    wrong = [node(1), node(1), Node(number=2, weight=0.0), Node(number=-3)]
    with pytest.raises(ValueError) as told:
        Ring(wrong, vnodes=0, version=0)
    lines = str(told.value).splitlines()
    assert [line.split(";")[0] for line in lines] == [
        "ring: node 1 is given 2 times",
        "ring: node -3 has number -3",
        "ring: node 2 has weight 0.0",
        "ring: vnodes=0 leaves nodes without a place",
        "ring: version=0 is no epoch",
    ]


@pytest.mark.parametrize("make", [Ring, Rendezvous, JumpHashing, ModuloHashing, lambda n: SlotTable(n, slots=8)])
def test_a_key_space_needs_a_node(make: object) -> None:
    with pytest.raises(ValueError, match="give at least 1"):
        make([])  # type: ignore[operator]


@pytest.mark.parametrize("make", [JumpHashing, ModuloHashing, lambda n: SlotTable(n, slots=8)])
def test_equal_buckets_cannot_honour_weights(make: object) -> None:
    with pytest.raises(ValueError, match="weights differ"):
        make([node(1), node(2, 3.0)])  # type: ignore[operator]


@pytest.mark.parametrize("kind", [Ring, Rendezvous, JumpHashing, ModuloHashing])
def test_who_leaves_must_be_there(kind: type[Ring]) -> None:
    with pytest.raises(ValueError, match="nearest is 5"):
        kind(nodes(6)).leave(9)
    with pytest.raises(ValueError, match="give at least 1"):
        kind(nodes(1)).leave(0)


def test_the_servers_of_a_topology_are_nodes() -> None:
    found = nodes_of(grid(["a", "b"], clusters=1, hosts=2, cores=1, racks=2))
    assert [(one.number, one.region, one.cluster, one.rack) for one in found] == [
        (0, "a", "c1", "r1"),
        (1, "a", "c1", "r2"),
        (3, "b", "c1", "r1"),
        (4, "b", "c1", "r2"),
    ]


@pytest.mark.parametrize("kind", [Ring, Rendezvous, JumpHashing])
def test_what_is_kept_of_keys_is_bounded_and_changes_no_answer(
    kind: type[Ring], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"models.keyspace.{'ring' if kind is Ring else 'hashed'}.KEPT", 10)
    made = kind(nodes(5))
    first = [made.owners(key, 2) for key in range(50)]
    assert [made.owners(key, 2) for key in range(50)] == first
    kept = made._asked[2] if kind is Ring else made._asked
    assert len(kept) <= 10


# -- keys and hashes -----------------------------------------------------------------------


def test_the_hash_is_splitmix64() -> None:
    # The first outputs of splitmix64 seeded with 1234567, as the reference implementation prints them.
    gamma = 0x9E3779B97F4A7C15
    state = [(1234567 + turn * gamma) % HASH_END for turn in range(3)]
    assert [mix64(one) for one in state] == [6457827717110365317, 3203168211198807973, 9817491932198370423]


@given(st.lists(keys, min_size=1), st.integers(0, HASH_END - 1))
def test_many_keys_are_hashed_as_each_is(several: list[int], seed: int) -> None:
    hashed = KeyHash(seed)
    assert hashed.many(several).tolist() == [hashed(key) for key in several]


@given(keys, st.integers(0, 2))
def test_the_ring_hashes_as_its_hash_does(key: int, seed: int) -> None:
    ring = Ring(nodes(7), vnodes=8, seed=seed)
    import numpy as np

    many = ring.lists(np.array([ring.point(key)], dtype=np.uint64), 3)
    assert tuple(many[0].tolist()) == ring.owners(key, 3)


def test_mixing_many_is_mixing_each() -> None:
    import numpy as np

    values = [0, 1, HASH_END - 1, 1 << 63]
    assert mix64_many(np.array(values, dtype=np.uint64)).tolist() == [mix64(value) for value in values]


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_a_key_is_taken_apart_as_it_was_packed(instance: int, domain: int, tenant: int) -> None:
    assert unpack_key(pack_key(instance, domain=domain, tenant=tenant)) == (tenant, domain, instance)


def test_what_fits_no_key_is_refused_with_all_its_parts() -> None:
    with pytest.raises(ValueError, match=r"instance=-1 .*; domain=4294967296 "):
        pack_key(-1, domain=1 << 32)
    with pytest.raises(ValueError, match="pack_key"):
        unpack_key(KEY_END)


def test_instances_of_two_domains_lie_apart() -> None:
    hashed = KeyHash(1)
    points = {hashed(pack_key(instance, domain=domain)) for instance in range(500) for domain in range(4)}
    assert len(points) == 2000


def test_placements_are_the_same_in_every_process() -> None:
    code = (
        "from models.keyspace import Ring, Node, Rendezvous;"
        "n=[Node(number=i, region=f'r{i%3}') for i in range(20)];"
        "print([Ring(n, vnodes=8).owners(k, 3) for k in range(50)], [Rendezvous(n).owners(k, 3) for k in range(50)])"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    }
    assert len(printed) == 1


@pytest.mark.parametrize("scheme", SCHEMES)
def test_nothing_moves_between_a_version_and_itself(scheme: str) -> None:
    made = placed(scheme, nodes(6))
    assert made.moved(made, 1) == ()
    assert moved_keys(made, made, range(100), 1) == []
