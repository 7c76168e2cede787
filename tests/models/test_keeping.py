"""How a log is kept from growing: what may go, what must stay, and what a peer is handed in place of it."""

from __future__ import annotations

from typing import Any

import pytest

from models.domains.bank_account import Account
from models.store.group.wire import Install
from models.store.group.words import Promote, Promoted
from models.store.log.archive import ArchiveService
from models.store.log.snapshots import SnapshotPolicy
from models.store.requests import EXPECT_ANY, Accepted, Delete, ReadStream, Refused
from tests.models.keepers import LOCAL, MS, QUORUM, alone, policy, write
from tests.models.shards import OPENING, Cluster, at, deposit, ids, read, shard_of_region, started, withdraw


def versions(cluster: Cluster, number: int = 1) -> dict[int, int]:
    """By aggregate, the version of the durable snapshot."""
    return {key[1]: snapshot.version for key, snapshot in cluster.shard[number].snapshots.latest.items()}


# -- when a snapshot is taken ---------------------------------------------------------------------------


def test_a_snapshot_is_taken_every_so_many_events_of_a_stream() -> None:
    cluster = alone(log=policy(snapshots=SnapshotPolicy(every=3), truncate=False))
    write(cluster, 1, 2)
    write(cluster, 11, aggregate=7)
    cluster.run(50)
    assert versions(cluster) == {}
    write(cluster, 3, 4)
    cluster.run(50)

    assert versions(cluster) == {0: 3}


def test_a_snapshot_is_taken_of_what_has_changed_for_so_long() -> None:
    cluster = alone(log=policy(snapshots=SnapshotPolicy(age_us=200 * MS), truncate=False))
    write(cluster, 1)
    cluster.run(150)
    assert versions(cluster) == {}
    write(cluster, 2)
    cluster.run(100)
    assert versions(cluster) == {0: 2}
    cluster.run(500)
    assert versions(cluster) == {0: 2}
    assert cluster.shard[1].snapshots.bytes_written < 2 * cluster.shard[1].snapshots.stored_bytes()


def test_after_a_start_the_oldest_change_is_the_first_to_be_due() -> None:
    cluster = alone(log=policy(snapshots=SnapshotPolicy(age_us=300 * MS, every=2), truncate=False))
    write(cluster, 1, 2)
    write(cluster, 11, 12, 13, aggregate=7)
    cluster.run(100)
    write(cluster, 3)  # the first stream's change that is in no snapshot is the younger
    cluster.crash(1)
    cluster.run(240)

    assert versions(cluster) == {0: 2, 7: 3}


def test_a_snapshot_is_taken_of_what_was_slow_to_load() -> None:
    policies = policy(snapshots=SnapshotPolicy(load_us=3 * MS), truncate=False)
    cluster = alone(log=policies, cache=1, replay_us=MS)
    write(cluster, 1, 2, 3)
    write(cluster, 11, aggregate=7)
    assert cluster.submit(1, 12, 10, aggregate=7) is not None
    cluster.run(50)
    assert versions(cluster) == {}
    assert cluster.submit(1, 4, 10) == Accepted(command_id=4, version=4, told=OPENING + 4)
    cluster.run(50)

    assert versions(cluster) == {0: 3}


def test_a_copy_whose_states_are_not_in_memory_takes_snapshots_all_the_same() -> None:
    cluster = Cluster(log=policy(snapshots=SnapshotPolicy(every=2)), cache=1)
    for round_ in range(4):
        for aggregate in range(4):
            write(cluster, 10 * round_ + aggregate, aggregate=aggregate)
    cluster.run(1_000)

    assert [len(versions(cluster, number)) for number in cluster.numbers] == [4, 4, 4]
    assert min(shard.journal.base.position for shard in cluster.shard.values()) >= 14


# -- what may go ------------------------------------------------------------------------------------------


def test_whole_segments_go_once_snapshots_cover_them() -> None:
    cluster = alone(log=policy(segment=3))
    write(cluster, *range(1, 8))
    cluster.run(100)

    shard = cluster.shard[1]
    assert (shard.journal.base.position, ids(shard.journal.entries)) == (6, [7])
    assert shard.keeper.dropped == 6
    assert [answered.key for answered in shard.journal.base.window] == [1, 2, 3, 4, 5, 6]
    assert cluster.submit(1, 2) == Accepted(command_id=2, version=2, told=OPENING + 2)  # remembered all the same
    slice_ = cluster.ask(1, ReadStream(aggregate=0))
    assert (slice_.first, ids(slice_.entries), slice_.version) == (7, [7], 7)


def test_one_stream_that_is_seldom_written_to_holds_the_log_back_unless_it_is_swept() -> None:
    for sweep, base in ((False, 0), (True, 6)):
        cluster = alone(log=policy(snapshots=SnapshotPolicy(every=3), sweep=sweep))
        write(cluster, 99, aggregate=9)
        write(cluster, *range(1, 7))
        cluster.run(200)
        assert cluster.shard[1].journal.base.position == base
        assert cluster.shard[1].told() == {0: OPENING + 6, 9: OPENING + 1}


def test_what_is_younger_than_told_stays() -> None:
    cluster = alone(log=policy(retain_us=500 * MS))
    write(cluster, 1, 2, 3, 4)
    cluster.run(400)
    write(cluster, 5, 6)
    assert cluster.shard[1].journal.base.position == 0
    cluster.run(200)

    assert cluster.log(1) == [5, 6]


def test_so_many_of_the_latest_stay() -> None:
    cluster = alone(log=policy(retain_events=3))
    write(cluster, *range(1, 9))
    cluster.run(200)

    assert cluster.log(1) == [5, 6, 7, 8]


def test_nothing_goes_before_the_archive_has_it() -> None:
    cluster = alone(log=policy(archive=at(50, "archive")))
    where = cluster.add("archive", ArchiveService)
    cluster.isolate(1)
    write(cluster, *range(1, 6))
    cluster.run(2_000)
    shard = cluster.shard[1]
    assert (shard.journal.base.position, shard.keeper.archived) == (0, 0)

    cluster.heal()
    cluster.run(1_500)
    assert shard.journal.base.position == 4
    assert ids(cluster.service(where).entries[0]) == [1, 2, 3, 4]


def test_what_is_handed_over_twice_is_archived_once_also_by_a_new_life() -> None:
    cluster = alone(log=policy(archive=at(50, "archive")))
    where = cluster.add("archive", ArchiveService)
    cluster.cuts.add((where, at(1)))  # it hears, and is not heard
    write(cluster, *range(1, 6))
    cluster.run(1_500)
    assert ids(cluster.service(where).entries[0]) == [1, 2]
    assert cluster.shard[1].journal.base.position == 0
    ctx, _ = cluster.beside[where]
    again = ctx.power_loss()
    cluster._wire(again)
    service = ArchiveService(again)
    again.start(service)
    cluster.beside[where] = (again, service)
    cluster.heal()
    cluster.run(1_500)

    assert cluster.shard[1].journal.base.position == 4
    assert ids(service.entries[0]) == [1, 2, 3, 4]
    assert len(again.disk.read("archive")) == 4


def test_a_copy_that_was_handed_a_snapshot_archives_what_it_drops_and_no_more() -> None:
    """Its first segment is a short one: what lies beyond the next border may yet be taken back."""
    cluster = Cluster(scheme=QUORUM, log=policy(segment=4, peer_patience=1))
    where = cluster.add("archive", ArchiveService)
    cluster.isolate(3)
    write(cluster, *range(1, 7))
    cluster.run(200)
    assert cluster.shard[1].journal.base.position == 4
    cluster.stop(3)
    cluster.heal()
    archiving = policy(segment=4, peer_patience=1, archive=where, retain_events=2)
    cluster.start(3, log=archiving)
    cluster.run(1_500)
    assert cluster.shard[3].journal.base.position == 6
    for id_ in range(7, 13):
        write(cluster, id_)
    cluster.run(500)

    assert cluster.shard[3].journal.base.position == 8
    assert ids(cluster.service(where).entries[0]) == [7, 8]


def test_without_truncation_snapshots_are_written_and_the_log_stays() -> None:
    cluster = alone(log=policy(truncate=False))
    write(cluster, *range(1, 6))
    cluster.run(200)
    storage = cluster.shard[1].keeper.storage()

    assert versions(cluster) == {0: 5}
    assert cluster.log(1) == [1, 2, 3, 4, 5]
    assert (storage.log > 0, storage.window, storage.total) == (True, 0, storage.log + storage.snapshots)


def test_what_was_deleted_stays_hidden_from_a_life_that_begins_with_a_snapshot() -> None:
    cluster = alone(log=policy(truncate=False))
    write(cluster, 1, 2)
    assert isinstance(cluster.ask(1, Delete(event_id=3, aggregate=0, expected=EXPECT_ANY)), Accepted)
    write(cluster, 4)
    cluster.run(100)
    assert (versions(cluster), read(cluster).first) == ({0: 4}, 4)
    cluster.crash(1)
    cluster.run(50)

    assert (read(cluster).first, ids(read(cluster).entries)) == (4, [4])


@pytest.mark.parametrize("other", [{"tip": 5}, {"address": 3}])
def test_a_snapshot_of_another_branch_is_not_believed(other: dict[str, int]) -> None:
    """It is not ahead of the log: where it says that it was taken the log holds another entry."""
    cluster = alone(log=policy(truncate=False))
    write(cluster, 1, 2, 3)
    cluster.run(100)
    taken = cluster.shard[1].snapshots.latest[0, 0]
    cluster.stop(1)
    cluster.ctx[1].disk.truncate("snapshots", 0)
    cluster.ctx[1].disk.append("snapshots", taken._replace(state=Account(balance=5), **other))
    cluster.start(1)
    cluster.run(10)

    assert cluster.shard[1].told() == {0: OPENING + 3}


# -- crashes and changes of lead ----------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["process_crash", "power_loss"])
def test_a_crash_at_any_time_leaves_a_log_and_snapshots_that_are_whole_together(how: str) -> None:
    met = set()
    for us in range(0, 40_000, 700):
        ctx, shard = started(_lone(), members=1, scheme=LOCAL, log=policy(every_us=3 * MS))
        ctx.advance(5 * MS)
        replies = []
        for id_ in range(1, 9):
            replies.append((id_, ctx.deliver(shard, deposit(id_, aggregate=id_ % 2))))
            ctx.advance(MS + 1 + us // 20)
        ctx.advance(1 + us % 4_000)
        accepted = {id_ for id_, reply in replies if isinstance(reply.value, Accepted)}
        met.add(shard.journal.base.position)
        ctx, shard = started(getattr(ctx, how)(), members=1, scheme=LOCAL, log=policy(every_us=3 * MS))
        ctx.advance(20 * MS)

        assert shard.ready
        assert "damaged" not in dict(ctx.notes)
        for id_ in accepted:
            assert shard.streams.done.get(id_) is not None
        total = sum(shard.told().values()) - 2 * OPENING
        assert total == len(shard.streams.done) >= len(accepted)
    assert len(met) > 2


def _lone() -> Any:
    from sim.testing import FakeContext

    return FakeContext(at(1))


def test_while_its_head_is_being_cut_a_member_does_not_change_its_lead() -> None:
    cluster = Cluster(log=policy(archive=at(50, "archive"), peer_patience=1))
    cluster.add("archive", ArchiveService)
    cluster.isolate(1)  # of the archive too
    write(cluster, 1, 2, 3)
    cluster.run(30)
    assert cluster.shard[1].keeper.cutting is not None
    cluster.ask(2, Promote(epoch=2, force=True), 50)
    cluster.cuts -= {(at(a), at(b)) for a in (1, 2, 3) for b in (1, 2, 3)}
    cluster.run(250)
    old = cluster.shard[1]
    assert (old.ready, old.epoch, old.keeper.cutting is None) == (False, 1, False)

    cluster.run(600)
    assert (old.epoch, old.journal.length, ids(old.aside.entries)) == (2, 0, [1, 2, 3])


def test_a_command_that_was_forgotten_and_done_again_while_the_head_went_keeps_its_new_place() -> None:
    ctx, shard = shard_of_region(1, members=1, scheme=LOCAL, window=2, log=policy(every_us=10**9))
    for id_ in (1, 2, 3):
        ctx.deliver(shard, deposit(id_))
        ctx.advance(5 * MS)
    ctx.run(shard.keeper.look)
    while shard.keeper.cutting is None:
        ctx.advance(100)
    for id_ in (4, 5, 2):  # 2 is at position 2, which goes, and now at 6 as well
        ctx.deliver(shard, deposit(id_))
    ctx.advance(20 * MS)

    assert shard.journal.base.position == 2
    assert shard.streams.done.get(2) == 6


# -- what a peer is handed in place of what is gone -----------------------------------------------------------


def behind(**more: Any) -> Cluster:
    """Members 1 and 2 have all, and the head of it is gone; 3 was cut off from the beginning."""
    cluster = Cluster(scheme=QUORUM, log=policy(peer_patience=1, retain_events=2), **more)
    cluster.isolate(3)
    for id_ in range(1, 10):
        write(cluster, id_, aggregate=id_ % 2)
    assert cluster.submit(1, 10) is not None
    assert isinstance(cluster.ask(1, withdraw(11, aggregate=1, amount=10_000)), Refused)
    cluster.run(300)
    assert cluster.shard[1].journal.base.position >= 6
    return cluster


def whole(cluster: Cluster, number: int) -> None:
    """It has what the first had, and knows every command."""
    shard = cluster.shard[number]
    assert shard.told() == {0: OPENING + 5, 1: OPENING + 5}
    assert [shard.streams.done.get(id_) is not None for id_ in range(1, 12)] == [True] * 11
    assert shard.streams.by_key[0, 0].tip == cluster.shard[3].streams.by_key[0, 0].tip
    assert (shard.streams.by_key[0, 0].version, shard.streams.by_key[0, 1].version) == (5, 6)


def test_a_peer_that_lags_behind_the_base_is_handed_what_the_log_came_to() -> None:
    cluster = behind()
    cluster.heal()
    cluster.run(1_500)

    whole(cluster, 3)
    assert cluster.shard[3].journal.base.position > 0
    cluster.isolate(2)
    write(cluster, 12)  # and it is a holder again
    cluster.crash(3, "power_loss")
    cluster.run(500)
    assert cluster.shard[3].told() == {0: OPENING + 6, 1: OPENING + 5}


def test_a_leader_that_has_just_started_hands_over_no_snapshot_ahead_of_the_rest() -> None:
    """It does not know yet what is committed, and its snapshots are of later events than its base."""
    cluster = behind()
    cluster.stop(2)
    cluster.crash(1)
    cluster.heal()
    cluster.run(2_500)

    assert any(isinstance(message, Install) for _, to, message in cluster.sent if to == at(3))
    whole(cluster, 3)


def test_who_is_promoted_fetches_what_the_log_came_to_where_the_log_is_gone() -> None:
    cluster = behind()
    cluster.isolate(1)
    cluster.cuts -= {(at(a), at(b)) for a in (2, 3) for b in (2, 3)}
    assert cluster.ask(3, Promote(epoch=2), 3_000) == Promoted(epoch=2)

    whole(cluster, 3)
    whole(cluster, 2)
    assert isinstance(cluster.submit(3, 12, 300), Accepted)


@pytest.mark.parametrize("how", ["process_crash", "power_loss"])
def test_a_crash_while_it_is_handed_over_leaves_nothing_half(how: str) -> None:
    for us in range(0, 8_000, 700):
        cluster = behind()
        shard = cluster.shard[3]
        cluster.heal()
        for _ in range(10_000):
            cluster.run(0.1)
            if not shard.ready:
                break
        assert not shard.ready
        cluster.run(0.1 + us / 1_000)
        cluster.crash(3, how)
        cluster.run(2_500)
        whole(cluster, 3)
