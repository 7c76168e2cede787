"""What is wrong with a member is named: an entry, a state or a snapshot that was changed, removed or swapped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from models.domain import Command, Denied, Domain, Event, State, decides, evolves, invariant
from models.domains.bank_account import Account, Deposited
from models.store.inspection import departures, log_flaws, state_flaws
from models.store.log.journal import Tip
from models.store.log.snapshots import SnapshotPolicy
from models.store.options import LogPolicy
from models.store.requests import Accepted, Submit
from models.store.schemes import Scheme, Tier
from models.store.shard import Shard
from tests.models.shards import OPENING, Cluster

LOCAL = Scheme(name="local-persist", tier=Tier.DEVICE)
ALL = Scheme(name="multi-persist", tier=Tier.DEVICE, holders=3)
KEPT = LogPolicy(segment=4, snapshots=SnapshotPolicy(every=3), every_us=20_000)
CUT = replace(KEPT, truncate=True, sweep=True)


def written(log: LogPolicy = KEPT, *, members: int = 1) -> Cluster:
    """Ten deposits of 1 to account 0 and two to account 7, by turns; snapshots every three."""
    cluster = Cluster(members=members, scheme=LOCAL if members == 1 else ALL, log=log)
    for command_id in range(1, 13):
        account = 7 if command_id % 6 == 0 else 0
        assert isinstance(cluster.submit(1, command_id, 4, aggregate=account), Accepted)
    cluster.run(300)
    for shard in cluster.shard.values():
        assert (log_flaws(shard), state_flaws(shard)) == ([], [])
    return cluster


def change(shard: Shard, index: int, **more: Any) -> None:
    shard.journal.entries[index] = shard.journal.entries[index]._replace(**more)


def remove(shard: Shard, index: int) -> None:
    del shard.journal.entries[index]


def swap(shard: Shard, index: int) -> None:
    """Two neighbours of one stream, each at the other's place."""
    entries = shard.journal.entries
    one, other = entries[index], entries[index + 1]
    entries[index], entries[index + 1] = other._replace(position=one.position), one._replace(position=other.position)


NOT_WRITTEN = "version {} is not what was written, or what came before it was not"


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda shard: change(shard, 2, event=Deposited(amount=2)), [f"stream (0, 0): {NOT_WRITTEN.format(3)}"]),
        (lambda shard: change(shard, 0, event_id=99), [f"stream (0, 0): {NOT_WRITTEN.format(1)}"]),
        (lambda shard: change(shard, 5, tip=5), [f"stream (0, 7): {NOT_WRITTEN.format(1)}"]),
        (lambda shard: remove(shard, 2), ["its positions are not 1..12", "stream (0, 0): version 3 is missing"]),
        (lambda shard: swap(shard, 1), ["stream (0, 0): version 2 is missing"]),
        (lambda shard: change(shard, 3, epoch=7), ["position 4 bears epoch 7 in a reign of epoch 1"]),
        (
            lambda shard: change(shard, 3, tenant=1),
            [
                "stream (0, 0): version 4 is missing",
                "stream (1, 0): version 1 is missing",
                "stream (1, 0) is not known",
            ],
        ),
        (lambda shard: remove(shard, -1), ["its positions are not 1..12", "stream (0, 7) is not known up to its last"]),
    ],
    ids=["event", "id", "tip", "removed", "swapped", "epoch", "tenant", "last"],
)
def test_an_entry_that_is_not_what_was_written_is_named(harm: Callable[[Shard], None], told: list[str]) -> None:
    shard = written().shard[1]
    harm(shard)
    flaws = log_flaws(shard)

    assert len(flaws) == len(told), flaws
    assert all(flaw.startswith(start) for flaw, start in zip(flaws, told, strict=True)), flaws


@pytest.mark.parametrize("first", [True, False])
def test_the_first_entry_that_is_kept_is_held_against_what_came_before_it(first: bool) -> None:
    shard = written(CUT).shard[1]
    base = shard.journal.base
    assert (base.position, base.streams) == (12, 2)
    cluster = written(replace(CUT, retain_events=5))
    shard = cluster.shard[1]
    kept = [entry.address & 0xFFFFFFFF for entry in shard.journal.entries]
    assert (shard.journal.base.position, kept) == (4, [5, 1, 6, 7, 8, 9, 10, 2])
    change(shard, 0 if first else 3, event=Deposited(amount=2))

    assert log_flaws(shard) == [f"stream (0, 0): {NOT_WRITTEN.format(5 if first else 7)}"]


def test_what_a_copy_was_made_of_tells_how_far_its_streams_had_come() -> None:
    """Handed a snapshot of everything, a member knows the tips as its leader did."""
    cluster = written(replace(CUT, retain_events=5))
    shard = cluster.shard[1]
    image = shard.keeper.image()
    cluster.ctx[1].run(shard._install, image.position, image.snapshots, image.window)
    cluster.run(50)

    tips = shard.journal.base.tips
    assert [(tip.instance, tip.version) for tip in sorted(tips)] == [(0, 10), (7, 2)]
    assert (log_flaws(shard), state_flaws(shard)) == ([], [])
    shard.journal.base = shard.journal.base._replace(tips=(Tip(0, 0, 10, 5), tips[-1]))
    assert log_flaws(shard) == [
        "stream (0, 0) is not known up to its last entry",
        "the snapshot of stream (0, 0) at version 10 is of another history",
    ]


def in_memory(shard: Shard, balance: int, instance: int = 0) -> None:
    shard.streams.by_key[0, instance].state = Account(balance=balance)


def on_disk(shard: Shard, **more: Any) -> None:
    shard.snapshots.latest[0, 0] = shard.snapshots.latest[0, 0]._replace(**more)


@pytest.mark.parametrize(
    ("log", "harm", "told"),
    [
        (KEPT, lambda shard: in_memory(shard, 5), ["stream (0, 0) at version 10 is not what its events come to"]),
        (CUT, lambda shard: in_memory(shard, 5), ["stream (0, 0) at version 10 is not what its events come to"]),
        (
            KEPT,
            lambda shard: on_disk(shard, state=Account(balance=5)),
            ["the snapshot of stream (0, 0) at version 9 is not what came before"],
        ),
        (
            CUT,
            lambda shard: on_disk(shard, state=Account(balance=5)),
            ["stream (0, 0) at version 10 is not what its events come to"],
        ),
        (
            CUT,
            lambda shard: shard.snapshots.latest.pop((0, 0)),
            ["the beginning of stream (0, 0) is not kept, and no snapshot stands for it"],
        ),
        # Named, and no exception: the stream is of a tenant that nobody knows.
        (KEPT, lambda shard: change(shard, 5, tenant=1), ["the beginning of stream (0, 7) is not kept"]),
        (KEPT, lambda shard: in_memory(shard, -5), ["stream (0, 0) at version 10 is not what its events come to"]),
    ],
    ids=["memory", "memory, cut", "snapshot", "snapshot, cut", "no snapshot", "tenant", "below zero"],
)
def test_a_state_that_is_not_what_its_events_come_to_is_named(
    log: LogPolicy, harm: Callable[[Shard], object], told: list[str]
) -> None:
    shard = written(log).shard[1]
    harm(shard)
    flaws = state_flaws(shard)

    assert len(flaws) == len(told), flaws
    assert all(flaw.startswith(start) for flaw, start in zip(flaws, told, strict=True)), flaws


def test_a_snapshot_of_another_branch_is_named() -> None:
    shard = written().shard[1]
    on_disk(shard, tip=5)
    assert log_flaws(shard) == ["the snapshot of stream (0, 0) at version 9 is of another history"]


def test_where_a_follower_departs_from_its_leader_is_named() -> None:
    cluster = written(members=3)
    leader, follower = cluster.shard[1], cluster.shard[2]
    assert departures(follower, leader) == departures(leader, leader) == []
    change(follower, 4, told=5)  # which no chain covers
    in_memory(follower, OPENING)
    assert log_flaws(follower) == []
    assert departures(follower, leader) == [
        "position 5 is not what the leader has there",
        "stream (0, 0) at version 10 has another state than at the leader",
    ]
    remove(leader, -1)
    leader.journal.length -= 1
    assert departures(cluster.shard[3], leader) == ["it has 12 entries of the leader's reigns, and the leader has 11"]


# -- a domain that breaks its own rules ------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Take(Command):
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken(Event):
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock(State):
    left: int


class Careless(Domain[Stock], name="careless", number=99):
    """A store room that looks at nothing before it hands something out."""

    def initial(self) -> Stock:
        return Stock(left=2)

    @decides
    def take(self, state: Stock, command: Take) -> Taken | Denied:
        return Taken(n=command.n)

    @evolves
    def taken(self, state: Stock, event: Taken) -> Stock:
        return Stock(left=state.left - event.n)

    @invariant
    def never_negative(self, state: Stock) -> bool:
        return state.left >= 0


def test_a_state_that_breaks_an_invariant_of_its_domain_is_named() -> None:
    cluster = Cluster(members=1, scheme=LOCAL, domain=Careless())
    for command_id, flaws in (
        (1, []),
        (2, []),
        (3, ["stream (0, 0) at version 3 violates never_negative of 'careless'"]),
        (4, ["stream (0, 0) at version 3 violates never_negative of 'careless'"]),
    ):
        cluster.ask(1, Submit(command_id=command_id, aggregate=0, command=Take(n=1)))
        assert state_flaws(cluster.shard[1]) == flaws
