"""Where an outbox lies: with its orders, near home or wherever a placement puts them."""

from __future__ import annotations

import pytest

from models.clients import Workload
from models.keyspace import Stored, key_space
from models.keyspace.storage import PLACEMENTS
from models.outbox.deployment import RELAY, outbox
from models.outbox.orders import Orders
from models.system import Site, System
from sim.topology import grid

SITE = Site(grid(["a", "b"], clusters=1, hosts=4, cores=1))
LOAD = Workload(rate_per_s=1, ends_us=1)


def relay_of(system: System) -> str:
    (host,) = [one.host for one in system.placements if one.name == RELAY]
    return SITE.topology.hosts[SITE.topology.index_of(host)].path


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_an_outbox_is_where_the_key_space_puts_it_and_so_are_the_orders(placement: str) -> None:
    parts = {(Stored.OUTBOX, Orders.number): 5}
    space = key_space(SITE.topology, placement=placement, copies=3, parts=parts)
    for shard, found in enumerate(outbox(SITE, LOAD, shards=5, placement=placement).groups.values()):
        name = f"{Orders.name}-{shard}"
        for stored in (Stored.OUTBOX, Stored.EVENTS):
            assert found == space.places(stored, shard, name, number=Orders.number, n=3)


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_a_relay_is_where_its_mark_is_kept(placement: str) -> None:
    parts = {(Stored.CHECKPOINT, Orders.number): 1}
    space = key_space(SITE.topology, placement=placement, parts=parts)
    holders = space.holders(Stored.CHECKPOINT, 0, number=Orders.number, n=1)
    assert relay_of(outbox(SITE, LOAD, placement=placement)) == SITE.topology.hosts[holders[0]].path
    assert relay_of(outbox(SITE, LOAD)) == "a/c1/h4", "without a placement the last of the home region"


def test_without_a_placement_it_is_at_home() -> None:
    homes = [
        SITE.topology.hosts[SITE.topology.index_of(found[0])].path
        for found in outbox(SITE, LOAD, shards=2, home="b").groups.values()
    ]
    assert homes == ["b/c1/h1", "b/c1/h2"]


def test_a_placement_that_is_none_is_told_with_the_rest() -> None:
    with pytest.raises(ValueError, match=r"placement='rings' is none; did you mean 'ring'.*lanes=0"):
        outbox(SITE, LOAD, placement="rings", lanes=0)
