"""The one interface to the key space: every kind of storage is found by it, what belongs together together."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import models
from models.clients import Workload
from models.domains import shipped
from models.keyspace import Stored, groups_in, groups_of, key_of, key_space, pack_key
from models.keyspace.storage import PLACEMENTS, near_home, turns
from models.store.schemes import Spread
from models.store.words import scheme_of
from models.stores import store
from models.system import Site
from sim.topology import grid
from tests.models.stores import run_store

TOPOLOGY = grid(["a", "b", "c"], clusters=2, hosts=2, cores=1, racks=1)
PARTS = {(Stored.EVENTS, 5): 16, (Stored.QUEUE, 1): 16}


def test_what_belongs_to_an_aggregate_has_its_key_and_everything_else_keys_of_its_own() -> None:
    beside = {key_of(stored, 9, number=3, tenant=2) for stored in Stored if stored.with_events}
    others = {key_of(stored, 9, number=3, tenant=2) for stored in Stored if not stored.with_events}
    assert beside == {pack_key(9, domain=3, tenant=2)}  # as a placed store finds it
    assert len(beside | others) == 3, "a queue's and a view's differ from those of aggregates, and from each other"
    assert key_of(Stored.CHECKPOINT, 9, number=3) == key_of(Stored.PROJECTION, 9, number=3)  # written as one


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_under_every_placement_holders_are_apart_and_the_same_for_everybody(placement: str) -> None:
    one, other = (
        key_space(TOPOLOGY, placement=placement, spread=Spread.REGION, copies=3, parts=PARTS) for _ in range(2)
    )
    hosts = TOPOLOGY.hosts
    firsts = set()
    for part in range(16):
        found = one.holders(Stored.QUEUE, part, number=1, n=3)
        assert found == other.holders(Stored.QUEUE, part, number=1, n=3)
        assert len({hosts[index].region for index in found}) == 3
        assert one.route(Stored.QUEUE, part, number=1, n=3).owners == found
        firsts.add(found[0])
    assert len(firsts) > 3, "one host is preferred for nearly all"


def test_places_are_services_on_the_holders() -> None:
    space = key_space(TOPOLOGY, copies=2)
    holders = space.holders(Stored.CHECKPOINT, 4, number=1, n=2)
    places = space.places(Stored.CHECKPOINT, 4, "checkpoints", number=1, n=2)
    assert [int(place) >> 64 for place in places] == [int(TOPOLOGY.hosts[index].location) >> 64 for index in holders]


def test_groups_stand_where_the_key_space_puts_their_partitions() -> None:
    domain, scheme = shipped().domains["counter"], scheme_of("multi-persist:2/3@region")
    space = key_space(TOPOLOGY, spread=scheme.spread, copies=3)
    groups = groups_in(space, Stored.EVENTS, domain, scheme, 4)
    assert [group.hosts for group in groups] == [
        space.holders(Stored.EVENTS, shard, number=domain.number, n=3) for shard in range(4)
    ]
    assert [number for number, _ in groups[0].members] == [index + 1 for index in groups[0].hosts]


def test_who_names_no_placement_has_one_near_home() -> None:
    domain, scheme = shipped().domains["counter"], scheme_of("multi-persist:2/3@cluster")
    space = near_home(TOPOLOGY, "b", scheme)
    groups = groups_of(TOPOLOGY, domain, scheme, "b", 5)
    assert [group.hosts for group in groups] == [
        space.holders(Stored.EVENTS, shard, number=domain.number, n=3) for shard in range(5)
    ]
    assert [TOPOLOGY.hosts[group.hosts[0]].path for group in groups[2:]] == ["b/c2/h1", "b/c2/h2", "b/c1/h1"]
    assert all(len({TOPOLOGY.hosts[index].path.rpartition("/")[0] for index in group.hosts}) == 3 for group in groups)


@pytest.mark.parametrize("placement", ["", *PLACEMENTS])
def test_only_those_hold_anything_who_may(placement: str) -> None:
    domain, scheme = shipped().domains["counter"], scheme_of("multi-persist:2/3")
    among = [host.index for host in TOPOLOGY.hosts if not host.client and host.name == "h2"]
    groups = groups_of(TOPOLOGY, domain, scheme, "a", 8, placement=placement, among=among)
    assert {index for group in groups for index in group.hosts} <= set(among)
    with pytest.raises(ValueError, match=r"more than the 6|there are 6"):
        groups_of(TOPOLOGY, domain, scheme_of("multi-persist:7"), "a", 8, placement=placement, among=among)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"placement": "rings"}, "placement='rings' is none; did you mean 'ring'"),
        (
            {"copies": 4, "spread": Spread.REGION},
            "n=4 owners, .* more than the 3 .* ask for at most 3, or spread over cl",
        ),
        ({"copies": 0}, "n=0 asks for no owner"),
    ],
)
def test_what_cannot_be_is_refused_with_the_nearest_that_can(options: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        key_space(TOPOLOGY, **options)  # type: ignore[arg-type]


def test_a_number_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="number=16777216 does not fit its 24 bits"):
        key_of(Stored.QUEUE, 1, number=1 << 24)


def test_a_store_may_be_placed_by_the_key_space() -> None:
    run = run_store(store, scheme="multi-persist:2/3@region", placement="ring", shards=6, ends_s=3, until_s=8, rate=40)
    assert run.accepted() == run.effective()
    system = store(Site(TOPOLOGY), Workload(rate_per_s=1, ends_us=1), placement="ring", shards=9)
    homes = {members[0] for members in system.groups.values()}
    assert len({int(home) >> 64 for home in homes}) > 4


def test_those_who_share_parts_take_turns_and_one_who_goes_changes_nobody_elses() -> None:
    before, after = turns(range(6), 60), turns([0, 1, 2, 4, 5], 60)
    assert {order[0] for order in before} == set(range(6))
    assert [tuple(one for one in order if one != 3) for order in before] == list(after)


def test_no_model_asks_a_scheme_past_the_key_space() -> None:
    scheme = re.compile(
        r"models\.keyspace\.(rendezvous|ring|hashing|hashed|openaddress|near)\b|import Rendezvous|import Ring\b"
    )
    root = Path(models.__file__).parent
    asking = [
        str(path.relative_to(root))
        for path in sorted(root.rglob("*.py"))
        if path.parent.name != "keyspace" and scheme.search(path.read_text(encoding="utf-8"))
    ]
    assert asking == []
