"""How a member finds out where it stands: founding, lost disks, memory that is gone, and who may lead then."""

from __future__ import annotations

from typing import Any

import pytest

from models.store.group.operators import ShardOperator, ShardOperatorOptions
from models.store.group.words import Promote, Promoted, StatusQuery
from models.store.requests import Accepted, Unavailable
from models.store.schemes import Scheme, Tier
from tests.models.shards import BEHIND, FOUNDING, Cluster, at, deposit

QUORUM = Scheme(name="multi-persist", tier=Tier.DEVICE, holders=2, copies=3)
MEMORY = Scheme(name="multi-mem", tier=Tier.HEAP, holders=2, copies=3)
LOCAL_MEMORY = Scheme(name="local-mem", tier=Tier.HEAP, flush_every_us=10_000)
LOCAL = Scheme(name="local-persist", tier=Tier.DEVICE)
PAGES = Scheme(name="periodic", tier=Tier.PAGE_CACHE, flush_every_us=100_000)


def write(cluster: Cluster, number: int, *ids: int) -> None:
    for id_ in ids:
        assert isinstance(cluster.submit(number, id_), Accepted)


def reigns(cluster: Cluster, number: int) -> list[tuple[int, int, int]]:
    return [tuple(reign) for reign in cluster.shard[number].reigns]


@pytest.mark.parametrize("scheme", [BEHIND, QUORUM])
def test_a_shard_is_founded_once_those_who_must_be_heard_know_nothing_either(scheme: Scheme) -> None:
    cluster = Cluster(scheme=scheme, start=False)
    cluster.start(1)
    cluster.start(2)
    cluster.run(3_000)
    assert not any(shard.ready for shard in cluster.shard.values())
    cluster.start(3)
    cluster.run(1_500)

    assert [shard.reigns for shard in cluster.shard.values()] == [FOUNDING] * 3
    assert cluster.leader() == 1


def test_where_all_hold_everything_one_other_is_enough() -> None:
    cluster = Cluster(scheme=Scheme(name="multi-persist", tier=Tier.DEVICE, holders=3), start=False)
    cluster.start(1)
    cluster.start(3)
    cluster.run(1_000)

    assert cluster.leader() == 1


@pytest.mark.parametrize("scheme", [BEHIND, QUORUM, MEMORY])
def test_a_follower_that_lost_its_disk_counts_again_once_it_has_caught_up(scheme: Scheme) -> None:
    cluster = Cluster(scheme=scheme)
    write(cluster, 1, 1, 2, 3)
    cluster.run(500)
    cluster.stop(2, "disk_loss")
    cluster.isolate(3)
    cluster.start(2)
    cluster.run(2_000)
    assert not cluster.shard[2].ready  # the third might have the latest word
    cluster.heal()
    cluster.run(2_000)

    assert (cluster.log(2), cluster.shard[2].whole, cluster.leader()) == ([1, 2, 3], True, 1)


def test_a_home_that_lost_its_disk_takes_over_what_the_others_have() -> None:
    cluster = Cluster()
    write(cluster, 1, 1, 2, 3)
    cluster.run(500)
    cluster.cut(1, 2)
    cluster.cut(1, 3)
    write(cluster, 1, 4)  # nobody else has it
    cluster.stop(1, "disk_loss")
    cluster.heal()
    cluster.start(1)
    cluster.run(2_000)

    assert cluster.leader() == 1
    assert reigns(cluster, 1) == [(1, 1, 0), (2, 1, 3)]
    assert [cluster.log(number) for number in cluster.numbers] == [[1, 2, 3]] * 3
    write(cluster, 2, 5)


def test_a_home_of_a_store_that_ships_behind_waits_for_all_others() -> None:
    cluster = Cluster()
    write(cluster, 1, 1)
    cluster.stop(3)
    cluster.crash(1, "disk_loss")
    cluster.run(3_000)
    assert not cluster.shard[1].ready
    cluster.start(3)
    cluster.run(2_000)

    assert (cluster.leader(), cluster.log(1)) == (1, [1])


def test_a_leader_that_lost_its_disk_leads_on_after_hearing_enough_whole_members() -> None:
    cluster = Cluster(scheme=QUORUM)
    write(cluster, 1, 1, 2, 3)
    cluster.crash(1, "disk_loss")
    cluster.run(3_000)

    assert cluster.leader() == 1
    assert reigns(cluster, 1)[-1][:2] == (2, 1)
    assert cluster.log(1) == [1, 2, 3]
    write(cluster, 1, 4)


@pytest.mark.parametrize(("scheme", "then"), [(LOCAL, [(1, 1, 0)]), (QUORUM, [(1, 1, 0), (2, 1, 2), (3, 1, 2)])])
def test_only_who_holds_alone_goes_on_in_its_reign(scheme: Scheme, then: list[tuple[int, int, int]]) -> None:
    cluster = Cluster(members=scheme.members, scheme=scheme)
    write(cluster, 1, 1, 2)
    for how in ("process_crash", "power_loss"):
        cluster.crash(1, how)
        cluster.run(1_000)
    assert reigns(cluster, 1) == then
    write(cluster, 1, 3)


def test_what_a_disk_lied_about_is_fetched_from_others_before_anything_is_written_in_its_place() -> None:
    cluster = Cluster(scheme=QUORUM)
    write(cluster, 1, 1, 2)
    cluster.ctx[1]._device.lies = True
    write(cluster, 1, 3, 4)
    cluster.ctx[1]._device.lies = False
    cluster.stop(1, "power_loss")
    cluster.start(1)
    answer = cluster.send(1, deposit(5))
    cluster.run(1_500)

    assert answer.value is None or isinstance(answer.value, Unavailable)
    write(cluster, 1, 5)
    assert [cluster.log(number) for number in cluster.numbers] == [[1, 2, 3, 4, 5]] * 3


@pytest.mark.parametrize(
    ("scheme", "how", "left"),
    [
        (LOCAL_MEMORY, "process_crash", [1]),
        (LOCAL_MEMORY, "power_loss", [1]),
        (PAGES, "process_crash", [1, 2]),
        (PAGES, "power_loss", [1]),
    ],
)
def test_a_leader_below_the_device_may_have_forgotten_and_begins_a_reign(
    scheme: Scheme, how: str, left: list[int]
) -> None:
    cluster = Cluster(members=1, scheme=scheme)
    write(cluster, 1, 1)
    cluster.run(120)
    assert isinstance(cluster.submit(1, 2, 0.1), Accepted)  # not yet flushed
    cluster.crash(1, how)
    cluster.run(50)

    assert cluster.log(1) == left
    assert reigns(cluster, 1) == [(1, 1, 0), (2, 1, len(left))]
    assert cluster.shard[1].leads


def test_a_leader_in_memory_takes_over_from_those_who_still_know() -> None:
    cluster = Cluster(scheme=MEMORY)
    write(cluster, 1, 1, 2, 3)
    cluster.crash(1)
    cluster.run(3_000)

    assert cluster.leader() == 1
    assert reigns(cluster, 1) == [(1, 1, 0), (2, 1, 3)]
    assert cluster.log(1) == [1, 2, 3]


def test_a_holder_that_lost_its_memory_does_not_count_in_a_change_of_lead_until_it_has_caught_up() -> None:
    """1 and 2 hold everything, 3 nothing; 2 forgets, and then 1 is gone: nobody may lead on 2's and 3's word."""
    cluster = Cluster(scheme=MEMORY)
    cluster.cut(1, 3)
    write(cluster, 1, 1, 2, 3)
    cluster.isolate(1)
    cluster.crash(2)
    cluster.heal()
    cluster.isolate(1)
    cluster.run(50)
    assert cluster.ask(2, StatusQuery()).whole is False
    for number in (2, 3):
        assert not cluster.ask(number, Promote(epoch=5 + number), 3_000).leads
    assert [shard.promised for shard in cluster.shard.values()] == [1, 1, 1]  # nobody promised for nothing

    cluster.heal()
    cluster.run(2_000)
    assert cluster.shard[2].whole
    cluster.stop(1)
    assert cluster.ask(3, Promote(epoch=9), 3_000) == Promoted(epoch=9)
    assert cluster.log(3) == [1, 2, 3]


def test_a_take_over_needs_so_many_that_one_must_have_what_was_acknowledged() -> None:
    cluster = Cluster(scheme=QUORUM)
    cluster.cut(1, 3)
    write(cluster, 1, 1, 2)
    cluster.stop(1)
    cluster.isolate(3)
    assert not cluster.ask(3, Promote(epoch=2), 3_000).leads
    assert cluster.shard[3].promised == 1
    cluster.heal()
    assert cluster.ask(3, Promote(epoch=2), 3_000) == Promoted(epoch=2)

    assert cluster.log(3) == [1, 2]
    write(cluster, 3, 3)


def test_a_promise_fences_the_old_leader_before_the_new_one_leads() -> None:
    cluster = Cluster(scheme=QUORUM)
    write(cluster, 1, 1)
    cluster.cut(1, 3)  # the old leader hears nothing from the new one
    assert cluster.ask(3, Promote(epoch=2), 3_000) == Promoted(epoch=2)
    reply = cluster.send(1, deposit(2))
    cluster.run(3_000)

    assert not isinstance(reply.value, Accepted)
    assert not cluster.shard[1].leads  # who holds for it said that its reign is over
    assert cluster.leader() == 3
    assert cluster.ask(1, Promote(epoch=2)) == Promoted(epoch=2, leads=False)


def test_a_promise_outlives_a_power_loss() -> None:
    cluster = Cluster(scheme=QUORUM)
    cluster.isolate(1)
    assert cluster.ask(3, Promote(epoch=4), 3_000) == Promoted(epoch=4)
    cluster.stop(3)
    cluster.crash(2, "power_loss")
    cluster.heal()
    reply = cluster.send(1, deposit(1))
    cluster.run(3_000)

    assert cluster.shard[2].promised == 4
    assert not isinstance(reply.value, Accepted)


def test_whoever_is_forced_leads_with_what_it_has_and_the_rest_gives_way() -> None:
    cluster = Cluster(scheme=QUORUM)
    cluster.cut(1, 3)
    write(cluster, 1, 1, 2)
    cluster.isolate(3)
    assert not cluster.ask(3, Promote(epoch=2), 2_000).leads
    assert cluster.ask(3, Promote(epoch=3, force=True)) == Promoted(epoch=3)
    assert cluster.log(3) == []
    cluster.heal()
    cluster.run(2_000)

    assert cluster.leader() == 3
    assert [cluster.log(number) for number in cluster.numbers] == [[]] * 3
    write(cluster, 1, 4)


# -- operators ---------------------------------------------------------------------------------------------


def operated(force_after_us: int | None = None, **more: Any) -> tuple[Cluster, Any]:
    cluster = Cluster(scheme=QUORUM, **more)
    options = ShardOperatorOptions(
        shards=(tuple(at(number) for number in cluster.numbers),),
        patience_us=1_000_000,
        force_after_us=force_after_us,
        poll_us=100_000,
        ask_us=200_000,
    )
    return cluster, cluster.add("operator", ShardOperator, options)


def notes(cluster: Cluster, where: Any) -> list[tuple[str, Any]]:
    """What the operators noted of what they did; what they saw apart."""
    return [note for note in cluster.beside[where][0].notes if note[0] != "unled"]


def test_operators_leave_a_shard_alone_that_is_led_and_gets_on() -> None:
    cluster, where = operated()
    write(cluster, 1, 1)
    cluster.run(5_000)

    assert (cluster.beside[where][0].notes, reigns(cluster, 2)) == ([], [(1, 1, 0)])


def test_operators_promote_the_member_that_has_the_most() -> None:
    cluster, where = operated()
    cluster.cut(1, 2)
    write(cluster, 1, 1, 2)
    cluster.stop(1)
    cluster.run(4_000)

    assert cluster.beside[where][0].notes == [("unled", 1), ("promoted", 2)]
    assert cluster.leader() == 3
    assert cluster.log(3) == [1, 2]


def test_operators_replace_a_leader_whose_events_do_not_come_to_count() -> None:
    cluster, _ = operated()
    cluster.cut(1, 2)
    cluster.cut(1, 3)
    reply = cluster.send(1, deposit(1))
    cluster.run(8_000)

    assert [shard.epoch for number, shard in cluster.shard.items() if number != 1] == [2, 2]
    assert any(cluster.shard[number].leads for number in (2, 3))
    cluster.heal()
    cluster.run(3_000)
    assert cluster.leader() != 1
    assert not isinstance(reply.value, Accepted)


@pytest.mark.parametrize("force_after_us", [None, 2_000_000])
def test_operators_declare_lost_what_only_the_silent_have_after_their_patience(force_after_us: int | None) -> None:
    cluster, where = operated(force_after_us)
    cluster.cut(1, 3)
    write(cluster, 1, 1)
    cluster.stop(1)
    cluster.stop(2)
    cluster.run(2_500)
    assert notes(cluster, where) == []
    cluster.run(6_000)

    assert [name for name, _ in notes(cluster, where)] == ([] if force_after_us is None else ["forcing", "forced"])
    assert cluster.shard[3].leads is (force_after_us is not None)


def test_operators_give_no_epoch_twice_also_after_a_restart() -> None:
    cluster, where = operated()
    cluster.stop(1)
    cluster.stop(2)
    cluster.run(6_000)
    ctx, operator = cluster.beside[where]
    given = operator.epoch
    assert given > 2
    again = ctx.power_loss()
    cluster._wire(again)
    successor = ShardOperator(again, operator.options)
    again.start(successor)
    cluster.beside[where] = (again, successor)

    assert successor.epoch == given


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"patience_us": 0}, "patience_us=0 is no time"),
        ({"poll_us": 0}, "poll_us=0 is no time"),
        ({"force_after_us": -1}, "force_after_us=-1 is negative"),
    ],
)
def test_operators_without_patience_are_refused(changes: dict[str, int], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        ShardOperatorOptions(**({"shards": (), "patience_us": 1} | changes))  # type: ignore[arg-type]


def test_operators_who_force_it_go_by_what_a_member_has_alone() -> None:
    """Two of five are left: one leads, in vain, and has an event that the other has not."""
    cluster = Cluster(members=5, scheme=Scheme(name="m", tier=Tier.DEVICE, holders=3, copies=5))
    options = ShardOperatorOptions(
        shards=(tuple(at(number) for number in cluster.numbers),), patience_us=500_000, force_after_us=500_000
    )
    for other in (2, 3):
        cluster.cut(1, other)
    write(cluster, 1, 1)
    cluster.heal()
    for number in (3, 4, 5):
        cluster.stop(number)
    cluster.cut(1, 2)
    cluster.send(1, deposit(2))
    where = cluster.add("operator", ShardOperator, options)
    cluster.run(20_000)

    assert "forced" in [name for name, _ in notes(cluster, where)]
    assert cluster.shard[1].epoch > 1
    assert cluster.shard[2].epoch == 1


def test_a_member_that_waits_for_others_answers_a_forced_order_as_soon_as_it_leads() -> None:
    cluster = Cluster(scheme=QUORUM, gather_us=100_000)
    write(cluster, 1, 1)
    for number in cluster.numbers:
        cluster.stop(number, "disk_loss" if number == 2 else "process_crash")
    cluster.start(2)
    cluster.run(10)
    order = cluster.send(2, Promote(epoch=5, force=True))
    while not cluster.shard[2].leads:
        cluster.run(10)
    cluster.run(10)

    assert order.value == Promoted(epoch=5)


def test_a_leader_that_dies_while_it_takes_over_again_does_so_in_its_next_life() -> None:
    cluster = Cluster(scheme=QUORUM)
    write(cluster, 1, 1)
    cluster.crash(1)
    while cluster.shard[1].promised == 1:
        cluster.run(1)
    assert not cluster.shard[1].leads
    cluster.crash(1)
    cluster.run(1_500)

    assert cluster.leader() == 1
    write(cluster, 1, 2)


def test_a_member_that_lost_its_disk_is_whole_again_under_a_load_without_a_pause() -> None:
    cluster = Cluster(scheme=QUORUM)
    write(cluster, 1, 1)
    cluster.crash(3, "disk_loss")
    for command_id in range(2, 2_000):
        cluster.send(1, deposit(command_id))
        cluster.run(1)  # as long as a flush takes
        if cluster.shard[3].whole:
            break

    assert cluster.shard[3].whole
    assert cluster.log(3)[0] == 1


@pytest.mark.parametrize("seconds_apart", [0.001, 0.5])
def test_two_lost_disks_leave_what_the_third_has_once_all_are_heard(seconds_apart: float) -> None:
    cluster = Cluster(scheme=QUORUM)
    write(cluster, 1, 1, 2, 3)
    cluster.run(500)
    cluster.stop(1, "disk_loss")
    cluster.run(seconds_apart * 1_000)
    cluster.stop(2, "disk_loss")
    cluster.start(2)
    cluster.start(1)
    cluster.isolate(3)
    cluster.run(5_000)
    assert not any(shard.leads for shard in cluster.shard.values()), "the third may have what was acknowledged"
    cluster.heal()
    cluster.run(3_000)

    assert cluster.leader() == 1
    assert (cluster.log(1), cluster.log(2)) == ([1, 2, 3], [1, 2, 3])
    assert isinstance(cluster.submit(1, 4), Accepted)
