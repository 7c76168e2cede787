"""A shard as clients see it: what is answered, when that is certain, and what outlives a crash and a change of lead."""

from __future__ import annotations

from typing import Any

import pytest

from models.domain import Denied
from models.domains.bank_account import BankAccount, Deposited
from models.store.group.words import Promote
from models.store.log.entries import audit
from models.store.options import InDoubt as Doubt
from models.store.requests import (
    Accepted,
    Delete,
    InDoubt,
    Look,
    Outcome,
    OutcomeQuery,
    ReadStream,
    Refused,
    RolledBack,
    Seen,
    StreamSlice,
    Unavailable,
)
from models.store.schemes import Scheme
from tests.models.shards import (
    LOCAL,
    OPENING,
    QUORUM,
    SCHEMES,
    Cluster,
    append,
    cluster_of,
    deposit,
    ids,
    read,
    withdraw,
)

# -- commands ----------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda scheme: f"{scheme.name}-{scheme.holders}")
def test_one_command_is_one_event_whether_it_succeeds_or_not(scheme: Scheme) -> None:
    cluster = cluster_of(scheme)

    assert cluster.submit(1, 1, amount=5) == Accepted(command_id=1, version=1, told=OPENING + 5)
    refused = Refused(command_id=2, version=2, reason="insufficient funds")
    assert cluster.ask(1, withdraw(2, amount=1_000)) == refused
    assert cluster.submit(1, 1, amount=5) == Accepted(command_id=1, version=1, told=OPENING + 5)
    assert cluster.ask(1, withdraw(2, amount=1_000)) == refused

    assert [entry.event for entry in cluster.shard[1].journal.entries] == [
        Deposited(amount=5),
        Denied(reason="insufficient funds"),
    ]
    assert audit(cluster.shard[1].streams.entries_of((0, 0))) is None


def test_a_denial_that_is_not_stored_says_the_version_it_was_decided_at() -> None:
    cluster = cluster_of(QUORUM, store_denials=False)
    cluster.isolate(2, 3)
    first = cluster.send(1, deposit(1))
    denied = cluster.send(1, withdraw(2, amount=1_000))
    second = cluster.send(1, deposit(3))
    cluster.run(50)
    assert not denied.done  # as true as the state it was decided on, and that may yet be taken back

    cluster.heal()
    cluster.run(2_000)
    assert denied.value == Refused(command_id=2, version=1, reason="insufficient funds")
    assert (first.value.version, second.value.version) == (1, 2)
    assert cluster.log(1) == [1, 3]


def test_an_id_that_was_used_for_another_aggregate_is_refused() -> None:
    cluster = cluster_of()
    cluster.submit(1, 1)

    assert isinstance(cluster.submit(1, 1, aggregate=7), Unavailable)
    assert cluster.log(1) == [1]


def test_two_tenants_with_equal_aggregates_and_equal_ids_never_meet() -> None:
    cluster = cluster_of(cache=1)
    for tenant in (0, 1):
        told = OPENING + tenant + 1
        assert cluster.submit(1, 1, tenant=tenant, amount=tenant + 1) == Accepted(command_id=1, version=1, told=told)
    for tenant in (0, 1):
        seen = cluster.ask(1, Look(aggregate=0, tenant=tenant))
        assert seen == Seen(aggregate=0, version=1, told=OPENING + tenant + 1, exists=True)
        assert cluster.submit(1, 1, tenant=tenant).told == OPENING + tenant + 1
        entries = cluster.ask(1, ReadStream(aggregate=0, tenant=tenant)).entries
        assert [entry.tenant for entry in entries] == [tenant]
    assert cluster.ask(1, OutcomeQuery(event_id=1, tenant=2)).outcome == "unknown"
    cluster.crash(1, "power_loss")
    cluster.run(50)

    assert [cluster.submit(1, 2, tenant=tenant).told for tenant in (0, 1)] == [OPENING + 2, OPENING + 3]
    first, second, *_ = cluster.shard[1].journal.entries
    assert first.address == second.address  # unique inside a tenancy


def test_a_copy_hands_on_to_the_leader_and_says_so_where_there_is_none() -> None:
    cluster = Cluster()
    assert cluster.submit(2, 1) == Accepted(command_id=1, version=1, told=OPENING + 1)
    assert cluster.ask(3, append(2, 1)) == Accepted(command_id=2, version=2, told=OPENING + 2)
    assert cluster.ask(2, Delete(event_id=3, aggregate=0)) == Accepted(command_id=3, version=3, told=OPENING)
    cluster.start(2)
    assert cluster.ask(2, deposit(4), 0.01) == Unavailable(command_id=4, reason="recovering")
    for question in (Look(aggregate=0), ReadStream(aggregate=0), OutcomeQuery(event_id=1)):
        assert cluster.ask(3, question) is None


def test_whoever_promised_to_follow_somebody_else_does_not_serve() -> None:
    cluster = cluster_of(QUORUM)
    cluster.ask(2, Promote(epoch=2), 0.6)  # half way
    cluster.run(5)
    assert cluster.submit(1, 9, 1) in (None, Unavailable(command_id=9, reason="no leader"))
    cluster.run(2_000)
    assert cluster.leader() == 2
    assert 9 not in cluster.log(2)


# -- questions ---------------------------------------------------------------------------------


def test_a_look_waits_for_what_it_tells_of() -> None:
    cluster = cluster_of(QUORUM)
    cluster.submit(1, 1)
    cluster.isolate(2, 3)
    cluster.send(1, deposit(2))
    asked = [cluster.send(1, question) for question in (Look(aggregate=0), ReadStream(aggregate=0))]
    cluster.run(50)
    assert [reply.done for reply in asked] == [False, False]
    assert cluster.ask(1, OutcomeQuery(event_id=1)) == Outcome(event_id=1, outcome="committed")
    assert cluster.ask(1, OutcomeQuery(event_id=2)) == Outcome(event_id=2, outcome="in doubt")
    assert cluster.ask(1, OutcomeQuery(event_id=3)) == Outcome(event_id=3, outcome="unknown")
    cluster.heal()
    cluster.run(2_000)

    look, slice_ = (reply.value for reply in asked)
    assert ids(slice_.entries) == [1, 2]
    assert look == Seen(aggregate=0, version=2, told=OPENING + 2, exists=True)


def test_streams_are_read_a_page_at_a_time() -> None:
    cluster = cluster_of()
    for id_ in range(1, 6):
        cluster.submit(1, id_)
    pages = [ids(read(cluster, after=after, limit=2).entries) for after in (0, 2, 4, 5, 9)]

    assert pages == [[1, 2], [3, 4], [5], [], []]
    assert read(cluster, aggregate=9) == StreamSlice(aggregate=9, entries=(), first=1, version=0)


# -- doubt -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "answer"), [(Doubt.SURFACE, InDoubt(command_id=1)), (Doubt.BLOCK, False), (Doubt.RETRY, None)]
)
def test_what_stays_in_doubt_is_surfaced_blocked_or_left_to_a_retry(policy: Doubt, answer: Any) -> None:
    cluster = cluster_of(QUORUM, in_doubt=policy, doubt_us=400_000)
    cluster.isolate(2, 3)
    reply = cluster.send(1, deposit(1))
    cluster.run(350)
    assert not reply.done
    cluster.run(400)
    assert (reply.done and reply.value) == answer
    cluster.heal()
    cluster.run(2_000)

    if policy is Doubt.BLOCK:
        assert reply.value == Accepted(command_id=1, version=1, told=OPENING + 1)
    assert cluster.submit(1, 1) == Accepted(command_id=1, version=1, told=OPENING + 1)
    assert cluster.log(1) == [1]


def test_what_was_given_up_before_it_counted_is_told_to_be_rolled_back() -> None:
    cluster = cluster_of(QUORUM)
    cluster.submit(1, 1)
    cluster.isolate(1)
    lost = [cluster.send(1, deposit(2)), cluster.send(1, append(3)), cluster.send(1, Look(aggregate=0))]
    cluster.run(50)
    assert cluster.ask(2, Promote(epoch=2), 2_000).leads
    assert cluster.submit(2, 4, 700) == Accepted(command_id=4, version=2, told=OPENING + 2)
    cluster.heal()
    cluster.run(2_500)

    assert [reply.value for reply in lost] == [RolledBack(command_id=2), RolledBack(command_id=3), None]
    assert [cluster.log(number) for number in cluster.numbers] == [[1, 4]] * 3
    assert ("rolled-back", 2) in cluster.ctx[1].notes
    assert cluster.shard[1].aside.entries == []
    # And the same command, asked for again, is done for the first time.
    assert cluster.submit(1, 2) == Accepted(command_id=2, version=3, told=OPENING + 3)


def test_what_one_member_acknowledged_alone_and_gave_up_is_owed_and_not_undone() -> None:
    cluster = Cluster()
    cluster.submit(1, 1)
    cluster.run(500)
    cluster.isolate(1)
    assert isinstance(cluster.submit(1, 2), Accepted)
    cluster.ask(2, Promote(epoch=2, force=True))
    cluster.heal()
    cluster.run(1_000)

    assert ids(cluster.shard[1].aside.unreconciled) == [2]
    assert [cluster.log(number) for number in cluster.numbers] == [[1]] * 3


# -- what is remembered ------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["process_crash", "power_loss"])
@pytest.mark.parametrize("scheme", [LOCAL, QUORUM], ids=["local", "quorum"])
def test_a_command_is_done_once_whatever_restarts_lie_between_its_attempts(how: str, scheme: Scheme) -> None:
    cluster = cluster_of(scheme)
    answers = [cluster.submit(1, id_, aggregate=id_ % 2) for id_ in range(1, 6)]
    for _ in range(2):
        cluster.crash(1, how)
        cluster.run(1_000)
        assert [cluster.submit(1, id_, aggregate=id_ % 2) for id_ in range(1, 6)] == answers

    assert cluster.log(1) == [1, 2, 3, 4, 5]


def test_a_command_that_is_older_than_the_window_is_done_again() -> None:
    cluster = cluster_of(window=2)
    for id_ in (1, 2, 3, 1):
        cluster.submit(1, id_)

    assert cluster.log(1) == [1, 2, 3, 1]
    assert cluster.shard[1].streams.done.forgotten == 2


# -- loading -----------------------------------------------------------------------------------


def test_a_state_that_is_not_in_memory_is_loaded_once_for_all_who_wait_for_it() -> None:
    cluster = cluster_of(cache=1, replay_us=1_000)
    for aggregate in (0, 1):
        for id_ in range(1, 11):
            cluster.submit(1, 100 * aggregate + id_, 15, aggregate=aggregate)
    cluster.ctx[1].points.clear()
    replies = [cluster.send(1, deposit(50 + n)) for n in range(3)]
    look = cluster.send(1, Look(aggregate=0))
    cluster.run(9)
    assert not any(reply.done for reply in replies)
    cluster.run(10)

    assert sorted(reply.value.told for reply in replies) == [OPENING + 11, OPENING + 12, OPENING + 13]
    assert OPENING + 10 <= look.value.told <= OPENING + 13
    assert cluster.ctx[1].points.count("C4") == 1


@pytest.mark.parametrize("question", [deposit(50), append(51), Look(aggregate=0), withdraw(52, amount=10_000)])
def test_who_loads_a_state_while_all_is_derived_again_goes_on_with_the_new_one(question: Any) -> None:
    cluster = cluster_of(QUORUM, cache=1, replay_us=20_000)
    for aggregate in (0, 1):
        for id_ in range(1, 6):
            cluster.submit(1, 100 * aggregate + id_, 150, aggregate=aggregate)
    reply = cluster.send(1, question)
    # It gives up nothing, and leads again, all while the state is being loaded.
    cluster.run(1)
    cluster.ctx[1].run(cluster.shard[1]._rebuild)
    cluster.run(1_000)

    assert reply.done
    assert getattr(reply.value, "told", OPENING + 5) in {OPENING + 5, OPENING + 6}
    assert cluster.shard[1]._loading == {}


# -- code that changes -------------------------------------------------------------------------


def test_a_domain_that_knows_no_more_than_its_options_says_the_same_of_a_log() -> None:
    """The opening balance is an option of the code, not of the log: who changes it changes every balance."""
    cluster = cluster_of()
    cluster.submit(1, 1)
    cluster.stop(1)
    cluster.domain = BankAccount(opening_balance=7)
    cluster.start(1)
    cluster.run(50)

    assert cluster.shard[1].told() == {0: 8}
    assert cluster.submit(1, 1).told == OPENING + 1  # what was answered was answered
