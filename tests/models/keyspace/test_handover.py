"""One group hands a stretch over to another: nothing is lost, nothing is done twice, no point has two writers."""

from __future__ import annotations

import pytest

from models.keyspace.directory import Source
from models.keyspace.keys import KEY_END
from models.keyspace.ranges import RANGES
from models.keyspace.words import Coming, Give, NotHere
from models.store.group.words import Promote
from models.store.inspection import log_flaws, state_flaws
from models.store.log.entries import OWN
from models.store.log.snapshots import SnapshotPolicy
from models.store.options import LogPolicy
from models.store.requests import Accepted
from models.store.schemes import Scheme
from sim.topology import Location
from tests.models.keyspace.wired import HALF, LOCAL, Groups, locate
from tests.models.shards import MEMORY, PAGES, QUORUM, ids

WHOLE = (0, KEY_END)
FIRST = Source(begin=0, end=KEY_END, group=1, owners=(0,))
SCHEMES = [LOCAL, QUORUM, MEMORY, PAGES]


def begun(scheme: Scheme = LOCAL, commands: int = 5) -> tuple[Groups, tuple[int, ...], tuple[int, ...]]:
    """Group 1, which holds everything and has served some commands, and group 2, which holds nothing."""
    groups = Groups()
    first, second = tuple(range(scheme.members)), tuple(range(scheme.members, 2 * scheme.members))
    groups.found(1, first, scheme)
    assert groups.settle(1, first, *WHOLE, 1)
    for command in range(1, commands + 1):
        assert isinstance(groups.submit(1, 0, command, command % 3), Accepted)
    groups.found(2, second, scheme)
    return groups, first, second


def logged(groups: Groups, group: int, number: int) -> list[int]:
    return ids(entry for entry in groups.shard(group, number).journal.entries if entry.tenant == 0)


def writers(groups: Groups, point: int = 0) -> list[Location]:
    """Leaders that would write at a point."""
    return [where for where, one in groups.service.items() if one.leads and one.ranges.holds(point)]


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda one: one.name)
def test_a_stretch_goes_over_with_versions_ids_and_chains(scheme: Scheme) -> None:
    groups, first, second = begun(scheme)
    source = Source(begin=0, end=KEY_END, group=1, owners=first)
    assert groups.settle(2, second, *WHOLE, 2, source)
    taker, giver = groups.shard(2, second[0]), groups.shard(1, 0)
    assert logged(groups, 2, second[0]) == [1, 2, 3, 4, 5]
    assert [taker.streams.by_key[0, n].tip for n in range(3)] == [giver.streams.by_key[0, n].tip for n in range(3)]
    again = groups.submit(2, second[0], 3, 0)
    assert isinstance(again, Accepted)
    assert again.version == 1, "a retry finds what it came to before the stretch moved"
    fresh = groups.submit(2, second[0], 6, 0)
    assert (fresh.version, fresh.told) == (2, 102)
    assert writers(groups) == [locate(2, second[0])]


def test_the_giver_refuses_once_it_has_given_up_and_says_to_whom() -> None:
    groups, _, second = begun()
    assert groups.settle(2, second, *WHOLE, 2, FIRST)
    answer = groups.submit(1, 0, 9)
    assert isinstance(answer, NotHere)
    assert (answer.owners, answer.version) == (second, 2)
    assert isinstance(groups.submit(1, 0, 3), Accepted), "what was done is done, whoever is asked"
    assert logged(groups, 1, 0) == [1, 2, 3, 4, 5]


def test_the_taker_refuses_what_it_does_not_have_yet() -> None:
    groups, _, second = begun()
    groups.cut(0, 1)
    groups.hold(2, second, *WHOLE, 2, FIRST)
    groups.run(200)
    assert isinstance(groups.submit(2, 1, 6), Coming)
    assert isinstance(groups.submit(1, 0, 6), Accepted), "nothing was given up, for nobody could take it"


def test_half_of_a_stretch_goes_and_the_other_half_stays() -> None:
    groups, _, second = begun()
    assert isinstance(groups.submit(1, 0, 6, 200), Accepted)
    assert groups.settle(2, second, HALF, KEY_END, 2, Source(begin=HALF, end=KEY_END, group=1, owners=(0,)))
    assert logged(groups, 2, 1) == [6]
    assert isinstance(groups.submit(1, 0, 7, 0), Accepted)
    assert isinstance(groups.submit(1, 0, 8, 200), NotHere)
    assert isinstance(groups.submit(2, 1, 8, 200), Accepted)


def test_what_went_can_come_back() -> None:
    groups, first, second = begun()
    half = Source(begin=HALF, end=KEY_END, group=1, owners=first)
    assert groups.settle(2, second, HALF, KEY_END, 2, half)
    assert isinstance(groups.submit(2, 1, 6, 200), Accepted)
    back = Source(begin=HALF, end=KEY_END, group=2, owners=second)
    assert groups.settle(1, first, *WHOLE, 3, back)
    assert isinstance(groups.submit(1, 0, 7, 200), Accepted)
    assert groups.submit(1, 0, 6, 200).version == 1
    assert writers(groups, HALF) == [locate(1, 0)]


@pytest.mark.parametrize("how", ["process_crash", "power_loss"])
@pytest.mark.parametrize("point", ["K1", "K2", "K3", "K4", "C6", "C7"])
@pytest.mark.parametrize("who", ["giver", "taker"])
def test_either_leader_may_die_at_any_step(who: str, point: str, how: str) -> None:
    groups, _, second = begun()
    victim = locate(1, 0) if who == "giver" else locate(2, 1)
    struck: list[str] = []

    def strike(where: Location, name: str) -> None:
        if (where, name) == (victim, point) and not struck:
            struck.append(name)
            groups.clock._env.call_later(0, groups.crash, victim, how)

    groups.at_point = strike
    assert groups.settle(2, second, *WHOLE, 2, FIRST)
    groups.run(1_000)
    assert logged(groups, 2, 1) == [1, 2, 3, 4, 5]
    assert writers(groups) == [locate(2, 1)]
    assert groups.submit(2, 1, 4, 1).version == 2
    assert struck or (who, point) in {("giver", "K3"), ("giver", "K4"), ("taker", "K1"), ("taker", "K2")}


def test_a_new_leader_of_the_giver_knows_what_was_given_up() -> None:
    groups, first, second = begun(QUORUM)
    source = Source(begin=0, end=KEY_END, group=1, owners=first)
    groups.hold(2, second, *WHOLE, 2, source)
    groups.run(1_000)
    groups.service.pop(locate(1, 0))
    groups.ask(locate(1, 1), Promote(epoch=5), 2_000)
    assert groups.shard(1, 1).leads
    assert isinstance(groups.submit(1, 1, 9), NotHere)
    assert groups.settle(2, second, *WHOLE, 2, source)


def test_a_new_leader_of_the_taker_goes_on_from_what_its_log_has() -> None:
    groups, first, second = begun(QUORUM)
    source = Source(begin=0, end=KEY_END, group=1, owners=first)
    leader, other = second[0], second[1]

    def strike(where: Location, name: str) -> None:
        if where == locate(2, leader) and name == "K3" and where in groups.service:
            groups.clock._env.call_later(0, groups.service.pop, where, None)

    groups.at_point = strike
    groups.hold(2, second, *WHOLE, 2, source)
    groups.run(500)
    assert locate(2, leader) not in groups.service
    groups.ask(locate(2, other), Promote(epoch=5), 2_000)
    for _ in range(5):
        groups.hold(2, second, *WHOLE, 2, source)
        groups.run(300)
    assert logged(groups, 2, other) == [1, 2, 3, 4, 5]
    assert isinstance(groups.submit(2, other, 6), Accepted)


def test_a_new_group_takes_nothing_before_all_its_members_are_there() -> None:
    groups, first, second = begun(QUORUM)
    groups.service.pop(locate(2, second[2]))
    source = Source(begin=0, end=KEY_END, group=1, owners=first)
    groups.hold(2, second, *WHOLE, 2, source)
    groups.run(1_500)
    assert groups.shard(2, second[0]).journal.length == 0
    assert isinstance(groups.submit(1, 0, 6), Accepted)


def test_the_giver_writes_down_that_the_taker_has_it() -> None:
    groups, _, second = begun()
    assert groups.settle(2, second, *WHOLE, 2, FIRST)
    groups.run(200)
    assert groups.shard(1, 0).ranges.handed_over == (2,)
    assert groups.shard(1, 0).ranges.empty_handed


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda one: one.name)
def test_the_giver_lets_go_of_its_data_and_remembers_that_it_has_none(scheme: Scheme) -> None:
    groups, first, second = begun(scheme)
    source = Source(begin=0, end=KEY_END, group=1, owners=first)
    assert groups.settle(2, second, *WHOLE, 2, source)
    groups.run(5_000)
    for number in first:
        giver = groups.shard(1, number)
        assert (giver.journal.entries, list(giver.streams)) == ([], [(OWN, RANGES)])
        assert giver.ready
    groups.crash(locate(1, 0))
    groups.run(2_000)
    assert groups.shard(1, 0).leads
    assert isinstance(groups.submit(1, 0, 9), NotHere)
    assert logged(groups, 2, second[0]) == [1, 2, 3, 4, 5]


def test_one_that_lost_its_disk_gives_nothing_and_stands_in_nobodys_way() -> None:
    groups, _, second = begun()
    half = Source(begin=HALF, end=KEY_END, group=1, owners=(0,))
    groups.crash(locate(1, 0), "disk_loss")
    groups.run(100)
    assert groups.settle(2, second, HALF, KEY_END, 2, half)
    groups.found(3, (2,))
    assert groups.settle(3, (2,), 0, HALF, 3, Source(begin=0, end=HALF, group=1, owners=(0,)))
    assert groups.submit(3, 2, 9).version == 1
    assert isinstance(groups.submit(1, 0, 9), NotHere)


def test_a_group_that_lost_every_disk_and_began_anew_with_less_gives_the_rest_all_the_same() -> None:
    groups, first, second = begun(QUORUM)
    for number in first:
        groups.crash(locate(1, number), "disk_loss")
    groups.run(2_000)
    assert groups.settle(1, first, 0, HALF, 2), "by now the map gives it half of what it had"
    assert groups.settle(2, second, HALF, KEY_END, 2, Source(begin=HALF, end=KEY_END, group=1, owners=first))
    assert groups.submit(2, second[0], 9, 200).version == 1, "as a store would that has lost its disks and never moved"
    assert isinstance(groups.submit(1, 0, 9, 200), NotHere)
    assert writers(groups, HALF) == [locate(2, second[0])]


def test_what_was_given_to_one_group_is_not_given_to_another() -> None:
    groups, first, second = begun(QUORUM)
    half = Source(begin=HALF, end=KEY_END, group=1, owners=first)
    assert groups.settle(2, second, HALF, KEY_END, 2, half)
    third = tuple(range(6, 9))
    groups.found(3, third, QUORUM)
    assert not groups.settle(3, third, HALF, KEY_END, 3, half)
    assert writers(groups, HALF) == [locate(2, second[0])]


def test_a_group_that_kept_a_part_keeps_its_log() -> None:
    groups, _, second = begun()
    assert groups.settle(2, second, HALF, KEY_END, 2, Source(begin=HALF, end=KEY_END, group=1, owners=(0,)))
    groups.run(5_000)
    assert logged(groups, 1, 0) == [1, 2, 3, 4, 5]


SHORT = LogPolicy(segment=4, snapshots=SnapshotPolicy(every=2), truncate=True, sweep=True, every_us=100_000)


def short_logs(commands: int = 30) -> tuple[Groups, tuple[int, ...], tuple[int, ...]]:
    """Group 1, which has served commands to five aggregates on either half and kept the end of its log alone."""
    groups = Groups()
    first, second = (0, 1, 2), (3, 4, 5)
    groups.found(1, first, QUORUM, SHORT)
    assert groups.settle(1, first, *WHOLE, 1)
    for command in range(1, commands + 1):
        aggregate = command % 5 + (100 if command % 2 else 0)
        assert isinstance(groups.submit(1, 0, command, aggregate), Accepted)
    groups.run(2_000)
    assert groups.shard(1, 0).journal.base.position > 10
    groups.found(2, second, QUORUM, SHORT)
    return groups, first, second


def test_of_a_log_without_its_head_snapshots_and_remembered_commands_go_over() -> None:
    groups, first, second = short_logs()
    assert groups.settle(2, second, *WHOLE, 2, Source(begin=0, end=KEY_END, group=1, owners=first))
    taker, giver = groups.shard(2, 3), groups.shard(1, 0)
    aggregates = [key for key in giver.streams if key[0] == 0]
    assert len(aggregates) == 10
    assert [taker.streams.by_key[key].tip for key in aggregates] == [
        giver.streams.by_key[key].tip for key in aggregates
    ]
    for command in (1, 15, 30):
        aggregate = command % 5 + (100 if command % 2 else 0)
        again = groups.submit(2, 3, command, aggregate)
        assert isinstance(again, Accepted)
        assert again.version <= 3, "a retry finds what it came to, though its entry is long gone"
    assert groups.submit(2, 3, 31, 0).told == 104
    groups.run(1_000)
    for number in second:
        member = groups.shard(2, number)
        assert not log_flaws(member)
        assert not state_flaws(member)
        assert {key: member.streams.by_key[key].version for key in aggregates} == {
            key: taker.streams.by_key[key].version for key in aggregates
        }


@pytest.mark.parametrize("how", ["process_crash", "power_loss"])
@pytest.mark.parametrize("nth", range(6))
def test_the_taker_may_die_while_it_stands_behind_snapshots(nth: int, how: str) -> None:
    groups, first, second = short_logs()
    source = Source(begin=0, end=KEY_END, group=1, owners=first)
    groups.hold(2, second, *WHOLE, 2, source)
    groups.run(2 + nth)
    groups.crash(locate(2, 3), how)
    assert groups.settle(2, second, *WHOLE, 2, source)
    assert groups.submit(2, 3, 31, 0).told == 104
    assert writers(groups) == [locate(2, 3)]


def test_two_stretches_without_their_heads_become_one() -> None:
    groups, first, second = short_logs()
    third = (6, 7, 8)
    assert groups.settle(2, second, HALF, KEY_END, 2, Source(begin=HALF, end=KEY_END, group=1, owners=first))
    assert isinstance(groups.submit(2, 3, 31, 101), Accepted)
    groups.found(3, third, QUORUM, SHORT)
    left = Source(begin=0, end=HALF, group=1, owners=first)
    right = Source(begin=HALF, end=KEY_END, group=2, owners=second)
    assert groups.settle(3, third, *WHOLE, 3, left, right)
    assert groups.submit(3, 6, 32, 0).told == 104
    assert groups.submit(3, 6, 33, 101).told == 105
    assert writers(groups) == writers(groups, HALF) == [locate(3, 6)]


def test_a_stretch_is_served_while_it_is_copied_and_refused_only_for_its_end() -> None:
    groups, first, second = begun(QUORUM, commands=1)
    source = Source(begin=0, end=KEY_END, group=1, owners=first)
    refused, command = 0, 1
    groups.hold(2, second, *WHOLE, 2, source)
    while not groups.shard(2, 3).ranges.had:
        command += 1
        refused += not isinstance(groups.submit(1, 0, command), Accepted)
        assert command < 100
    accepted = groups.shard(2, 3).journal.entries[-1].accepted_us - groups.shard(1, 0).ranges.released[0].since_us
    assert refused <= 1
    assert 0 < accepted < 10_000


def test_where_the_leader_alone_holds_what_counts_nothing_is_copied_before_it_is_given_up() -> None:
    groups, _, second = begun(LOCAL)
    assert groups.settle(2, second, *WHOLE, 2, FIRST)
    asked = [msg.final for _, msg in groups.ctx[locate(2, 1)].sent if isinstance(msg, Give)]
    assert asked
    assert all(asked)
