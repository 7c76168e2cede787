"""What a master wants next."""

from __future__ import annotations

from typing import Any

from models.keyspace.keys import KEY_END
from models.keyspace.master import Merge, Reassign, Split
from models.keyspace.plan import Known, has_its_share, next_actions
from models.keyspace.tablets import TabletMap
from tests.models.keyspace.spaces import nodes, tablets_of

QUARTER = KEY_END // 4


def known(tablets: TabletMap | None = None, **more: Any) -> Known:
    tablets = tablets or tablets_of(4, nodes(4), 2)
    fields = {"settled": frozenset(one.begin for one in tablets.tablets), "rates": {}, "hot": {}}
    return Known(tablets=tablets, **(fields | more))


def wanted(what: Known, room: int = 10, **more: Any) -> list[Any]:
    fields = {"owners": None, "split_above": 0.0, "merge_below": 0.0, "rebalance": False}
    return next_actions(what, room, **(fields | more))


def test_at_rest_it_wants_nothing() -> None:
    assert wanted(known(rates={0: 5.0}), split_above=10.0, rebalance=False) == []


def test_a_hot_tablet_is_split_where_the_load_is_halved() -> None:
    hot = {1: 10.0, 2: 10.0, 3: 10.0, 4: 10.0}
    assert wanted(known(rates={0: 50.0}, hot=hot), split_above=10.0) == [Split(3)]


def test_one_hot_key_gets_a_tablet_of_its_own_and_then_stays() -> None:
    tablets = tablets_of(4, nodes(4), 2)
    assert wanted(known(tablets, rates={0: 50.0}, hot={7: 40.0}), split_above=10.0) == [Split(7)]
    alone = tablets.split(7).split(8)
    assert wanted(known(alone, rates={7: 50.0}, hot={7: 40.0}), split_above=10.0) == []


def test_a_newcomer_is_given_from_the_busiest() -> None:
    tablets = tablets_of(4, nodes(2), 1).join(nodes(3)[2])
    (action,) = wanted(known(tablets, rates={0: 9.0, QUARTER: 1.0}, joined=(2,)))
    assert isinstance(action, Reassign)
    assert action.owners[0] == 2


def test_a_newcomer_with_its_share_is_as_all_others() -> None:
    tablets = tablets_of(4, nodes(2), 1).join(nodes(3)[2])
    busy = known(tablets, rates={0: 9.0, QUARTER: 1.0}, joined=(2,))
    assert has_its_share(busy) == frozenset()
    (action,) = wanted(busy)
    given = known(tablets.reassign(action.at, action.owners), rates={0: 9.0, QUARTER: 1.0}, joined=(2,))
    assert has_its_share(given) == {2}


def test_a_newcomer_is_given_something_though_the_busiest_has_but_one() -> None:
    tablets = tablets_of(5, nodes(4), 1).join(nodes(5)[4])
    leaders = [one.owners[0] for one in tablets.tablets]
    alone = next(one for one in tablets.tablets if leaders.count(one.owners[0]) == 1)
    (action,) = wanted(known(tablets, rates={alone.begin: 9.0}, joined=(4,)))
    assert leaders.count(tablets.at(action.at).owners[0]) == 2


def test_who_leaves_is_emptied_first_of_all() -> None:
    found = wanted(known(leaving=(1,), rates={0: 99.0}, hot={5: 9.0}), split_above=1.0)
    assert found
    assert all(isinstance(action, Reassign) and 1 not in action.owners for action in found)


def test_nothing_is_decided_about_what_is_under_way_nor_more_than_there_is_room_for() -> None:
    tablets = tablets_of(4, nodes(4), 2)
    all_of_it = wanted(known(tablets, leaving=(1,)))
    moving = all_of_it[0].at
    settled = frozenset(one.begin for one in tablets.tablets) - {moving}
    assert moving not in {action.at for action in wanted(known(tablets, leaving=(1,), settled=settled))}
    assert len(wanted(known(tablets, leaving=(1,)), room=1)) == 1
    assert wanted(known(tablets, leaving=(1,)), room=-1) == []


def test_a_placement_is_followed_partition_by_partition() -> None:
    tablets = tablets_of(4, nodes(4), 2)
    owners = [one.owners for one in tablets.tablets]
    owners[2] = (3, 0) if owners[2] != (3, 0) else (0, 3)
    assert wanted(known(tablets), owners=lambda number: owners[number]) == [Reassign(2 * QUARTER, owners[2])]


def test_partitions_of_any_number_stay_where_the_placement_has_them() -> None:
    tablets = tablets_of(7, nodes(4), 2)
    owners = [one.owners for one in tablets.tablets]
    assert wanted(known(tablets), owners=lambda number: owners[number]) == []


def test_idle_neighbours_with_the_same_owners_are_merged() -> None:
    tablets = tablets_of(1, nodes(2), 2).split(QUARTER)
    assert wanted(known(tablets, rates={0: 1.0}), merge_below=5.0) == [Merge(QUARTER)]
