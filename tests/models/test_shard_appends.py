"""A shard and its writers: appends end to end, and streams that are deleted or closed."""

from __future__ import annotations

from typing import Any

import pytest

from models.domain import Denied
from models.domains.bank_account import Deposited
from models.domains.counter import Added
from models.store.group.words import Promote
from models.store.log.entries import Closed
from models.store.log.entries import Deleted as DeletedMark
from models.store.requests import (
    EXPECT_ANY,
    EXPECT_NO_STREAM,
    EXPECT_STREAM,
    Accepted,
    Conflict,
    Delete,
    Gone,
    Look,
    RolledBack,
    Seen,
    Unavailable,
)
from tests.models.shards import (
    OPENING,
    QUORUM,
    append,
    cluster_of,
    deposit,
    ids,
    read,
    withdraw,
)

# -- appends -----------------------------------------------------------------------------------


def test_the_table_of_appends_end_to_end() -> None:
    cluster = cluster_of()

    def ask(event_id: int, expected: int, **more: Any) -> Any:
        answer = cluster.ask(1, append(event_id, expected, **more))
        return answer.current if isinstance(answer, Conflict) else (type(answer), getattr(answer, "version", None))

    assert ask(1, EXPECT_STREAM) == 0
    assert ask(1, 1) == 0
    assert ask(1, EXPECT_NO_STREAM) == (Accepted, 1)
    assert ask(1, EXPECT_NO_STREAM) == (Accepted, 1)
    assert ask(1, 0) == (Accepted, 1)
    assert ask(2, EXPECT_NO_STREAM) == 1
    assert ask(2, 0) == 1
    assert ask(2, 1) == (Accepted, 2)
    assert ask(2, EXPECT_ANY) == (Accepted, 2)
    assert ask(3, EXPECT_STREAM) == (Accepted, 3)
    assert ask(4, EXPECT_ANY) == (Accepted, 4)
    assert ask(2, 2) == 4  # at the version it saw stands another event
    assert cluster.log(1) == [1, 2, 3, 4]
    conflict = cluster.ask(1, append(9, 2))
    assert conflict == Conflict(command_id=9, expected=2, current=4)


def test_appended_events_and_commands_share_a_stream_and_its_ids() -> None:
    cluster = cluster_of()
    cluster.submit(1, 1, amount=5)
    assert cluster.ask(1, append(2, 1, amount=7)) == Accepted(command_id=2, version=2, told=OPENING + 12)
    assert cluster.ask(1, append(1, EXPECT_ANY)) == Accepted(command_id=1, version=1, told=OPENING + 5)
    assert cluster.submit(1, 2).version == 2
    assert cluster.ask(1, append(3, event=Denied(reason="by hand"))).told == OPENING + 12
    cluster.crash(1)
    cluster.run(50)

    assert cluster.shard[1].told() == {0: OPENING + 12}


def test_a_repeated_append_waits_until_its_own_event_is_as_safe_as_promised() -> None:
    cluster = cluster_of(QUORUM)
    cluster.isolate(2, 3)
    first = cluster.send(1, append(7, 0))
    again = [cluster.send(1, append(7, expected)) for expected in (0, EXPECT_NO_STREAM)]
    cluster.run(100)
    assert [reply.done for reply in (first, *again)] == [False] * 3

    cluster.heal()
    cluster.run(2_000)
    assert [reply.value.version for reply in (first, *again)] == [1, 1, 1]
    assert cluster.log(1) == [7]


def test_an_id_stands_for_one_event_of_a_tenancy() -> None:
    cluster = cluster_of()
    refused = Unavailable(command_id=7, reason="its id was used for another aggregate")
    assert cluster.ask(1, append(7, aggregate=1)) == Accepted(command_id=7, version=1, told=OPENING + 1)
    for expected in (EXPECT_ANY, EXPECT_NO_STREAM, 0):
        assert cluster.ask(1, append(7, expected, aggregate=2)) == refused
    assert cluster.submit(1, 7, aggregate=2) == refused
    assert cluster.ask(1, append(7, aggregate=2, tenant=1)) == Accepted(command_id=7, version=1, told=OPENING + 1)


def test_who_closed_a_stream_is_told_so_again_and_who_began_it_too() -> None:
    cluster = cluster_of()
    first = cluster.ask(1, append(1, EXPECT_NO_STREAM))
    gone = Delete(event_id=2, aggregate=0)
    assert cluster.ask(1, gone) == cluster.ask(1, gone) == Accepted(command_id=2, version=2, told=OPENING)
    assert cluster.ask(1, append(1, EXPECT_NO_STREAM)) == first
    closed = Delete(event_id=3, aggregate=0, for_ever=True)
    assert cluster.ask(1, closed) == cluster.ask(1, closed) == Accepted(command_id=3, version=3, told=OPENING)
    assert cluster.log(1) == [1, 2, 3]


@pytest.mark.parametrize(
    "make", [append, lambda event_id, expected: Delete(event_id=1, aggregate=0, expected=expected)]
)
def test_a_version_below_none_is_refused_before_it_is_sent(make: Any) -> None:
    with pytest.raises(ValueError, match="expected=-4 is no version; give 0 or more, or EXPECT_ANY"):
        make(1, -4)


def test_a_writer_hears_of_what_stands_in_its_way_only_once_that_counts() -> None:
    cluster = cluster_of(QUORUM)
    cluster.submit(1, 1, aggregate=1)
    cluster.isolate(1)
    cluster.send(1, append(7, 0))
    cluster.send(1, Delete(event_id=8, aggregate=1, for_ever=True))
    requests = (append(9, 0), append(9, 1, aggregate=1), deposit(9, aggregate=1))
    waiting = [cluster.send(1, request) for request in requests]
    cluster.run(100)
    assert [reply.done for reply in waiting] == [False] * 3

    cluster.ask(2, Promote(epoch=2), 2_000)
    cluster.heal()
    cluster.run(3_000)
    assert [reply.value for reply in waiting] == [RolledBack(command_id=9)] * 3  # and never `Conflict` or `Gone`
    assert cluster.ask(2, append(9, 0)) == Accepted(command_id=9, version=1, told=OPENING + 1)


def test_an_event_that_no_replay_could_read_is_refused() -> None:
    cluster = cluster_of()
    answer = cluster.ask(1, append(1, event=Added(n=3)))

    assert answer == Unavailable(command_id=1, reason="Added is no event of domain 'bank-account'")
    assert cluster.log(1) == []


# -- deletion ----------------------------------------------------------------------------------


@pytest.mark.parametrize("crashed", [False, True])
def test_a_deleted_stream_is_empty_and_goes_on_where_it_stopped(crashed: bool) -> None:
    cluster = cluster_of()
    cluster.submit(1, 1, amount=5)
    assert cluster.ask(1, Delete(event_id=2, aggregate=0, expected=7)) == Conflict(command_id=2, expected=7, current=1)
    assert cluster.ask(1, Delete(event_id=2, aggregate=0)) == Accepted(command_id=2, version=2, told=OPENING)
    if crashed:
        cluster.crash(1)
        cluster.run(50)
    assert cluster.ask(1, Look(aggregate=0)) == Seen(aggregate=0, version=2, told=OPENING, exists=False)
    assert read(cluster).entries == ()
    assert cluster.ask(1, append(3, EXPECT_STREAM)) == Conflict(command_id=3, expected=EXPECT_STREAM, current=2)

    assert cluster.ask(1, append(3, EXPECT_NO_STREAM)) == Accepted(command_id=3, version=3, told=OPENING + 1)
    if crashed:
        cluster.crash(1, "power_loss")
        cluster.run(50)
    assert cluster.ask(1, append(3, EXPECT_NO_STREAM)).version == 3
    assert (read(cluster).first, ids(read(cluster).entries)) == (3, [3])
    assert cluster.ask(1, Look(aggregate=0)).exists


@pytest.mark.parametrize("crashed", [False, True])
def test_a_stream_that_is_closed_for_ever_takes_nothing(crashed: bool) -> None:
    cluster = cluster_of()
    cluster.submit(1, 1)
    assert cluster.ask(1, Delete(event_id=2, aggregate=0, for_ever=True)).version == 2
    if crashed:
        cluster.crash(1)
        cluster.run(50)

    for expected in (EXPECT_ANY, EXPECT_NO_STREAM, EXPECT_STREAM, 0, 2):
        assert cluster.ask(1, append(3, expected)) == Gone(command_id=3)
    assert cluster.submit(1, 4) == Gone(command_id=4)
    assert cluster.submit(1, 1).version == 1  # what was done is known
    assert [type(entry.event) for entry in cluster.shard[1].journal.entries] == [Deposited, Closed]


def test_a_denial_on_a_deleted_stream_does_not_open_it() -> None:
    cluster = cluster_of()
    cluster.submit(1, 1)
    cluster.ask(1, Delete(event_id=2, aggregate=0))
    cluster.ask(1, withdraw(3, amount=1_000))

    assert not cluster.ask(1, Look(aggregate=0)).exists
    assert [type(entry.event) for entry in cluster.shard[1].journal.entries] == [Deposited, DeletedMark, Denied]
