"""A log outlives the code that wrote it: a restart with newer classes reads, lifts and goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from models.domain import Command, Denied, Domain, DomainFailed, Event, State, decides, evolves, upcasts
from models.domain.forms import to_form
from models.store.log.entries import audit
from models.store.log.snapshots import SnapshotPolicy
from models.store.options import LogPolicy
from models.store.requests import Accepted, Look, Submit
from models.store.schemes import Scheme, Tier
from tests.models.shards import Cluster, ids

LOCAL = Scheme(name="local-persist", tier=Tier.DEVICE)
QUORUM = Scheme(name="multi-persist", tier=Tier.DEVICE, holders=2, copies=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pay(Command):
    """Pay in so much."""

    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Total(State):
    """All that was paid in, in cents."""

    cents: int


def paid_of(schema: int) -> Any:
    """The event as code of that age had it: in euros, then in cents, then with a currency."""
    if schema == 1:

        @dataclass(frozen=True, slots=True, kw_only=True)
        class Paid(Event):
            euros: int

    elif schema == 2:

        @dataclass(frozen=True, slots=True, kw_only=True)
        class Paid(Event):  # type: ignore[no-redef]
            cents: int
            SCHEMA: ClassVar[int] = 2

    else:

        @dataclass(frozen=True, slots=True, kw_only=True)
        class Paid(Event):  # type: ignore[no-redef]
            cents: int
            currency: str
            SCHEMA: ClassVar[int] = 3

    return Paid


PAID = {schema: paid_of(schema) for schema in (1, 2, 3)}
First, Second, Third = PAID.values()


class Till1(Domain[Total], name="till", number=900):
    def initial(self) -> Total:
        return Total(cents=0)

    @decides
    def pay(self, state: Total, command: Pay) -> First | Denied:
        return First(euros=command.amount)

    @evolves
    def paid(self, state: Total, event: First) -> Total:
        return Total(cents=state.cents + 100 * event.euros)

    def told(self, state: Total) -> int:
        return state.cents


class Till2(Domain[Total], name="till", number=900):
    def initial(self) -> Total:
        return Total(cents=0)

    @decides
    def pay(self, state: Total, command: Pay) -> Second | Denied:
        return Second(cents=100 * command.amount)

    @evolves
    def paid(self, state: Total, event: Second) -> Total:
        return Total(cents=state.cents + event.cents)

    @upcasts(Second, schema=1)
    def from_euros(self, fields: dict[str, Any]) -> dict[str, Any]:
        return {"cents": 100 * fields["euros"]}

    def told(self, state: Total) -> int:
        return state.cents


class Till3(Domain[Total], name="till", number=900):
    STATE_SCHEMA = 2

    def initial(self) -> Total:
        return Total(cents=0)

    @decides
    def pay(self, state: Total, command: Pay) -> Third | Denied:
        return Third(cents=100 * command.amount, currency="EUR")

    @evolves
    def paid(self, state: Total, event: Third) -> Total:
        return Total(cents=state.cents + event.cents)

    @upcasts(Third, schema=1)
    def from_euros(self, fields: dict[str, Any]) -> dict[str, Any]:
        return {"cents": 100 * fields["euros"]}

    @upcasts(Third, schema=2)
    def from_cents(self, fields: dict[str, Any]) -> dict[str, Any]:
        return {**fields, "currency": "EUR"}

    def told(self, state: Total) -> int:
        return state.cents


def pay(cluster: Cluster, number: int, command_id: int, amount: int) -> Any:
    return cluster.ask(number, Submit(command_id=command_id, aggregate=0, command=Pay(amount=amount)), 60)


def restarted(cluster: Cluster, domain: Domain[Any]) -> None:
    """Every member dies, and lives again with other code."""
    cluster.domain = domain
    for number in cluster.numbers:
        cluster.stop(number)
    for number in cluster.numbers:
        cluster.start(number)
    cluster.run(1_500)


@pytest.mark.parametrize("scheme", [LOCAL, QUORUM])
def test_newer_code_reads_what_two_older_ones_wrote_and_goes_on(scheme: Scheme) -> None:
    cluster = Cluster(members=scheme.members, scheme=scheme, domain=Till1())
    assert pay(cluster, 1, 1, 2) == Accepted(command_id=1, version=1, told=200)
    restarted(cluster, Till2())
    assert pay(cluster, 1, 2, 3).told == 500
    restarted(cluster, Till3())
    assert pay(cluster, 1, 1, 2) == Accepted(command_id=1, version=1, told=200)
    assert pay(cluster, 1, 3, 1).told == 600
    restarted(cluster, Till3())

    assert cluster.ask(1, Look(aggregate=0)).told == 600
    entries = cluster.shard[1].journal.entries
    assert [to_form(entry.event).schema for entry in entries] == [1, 2, 3]  # what was written stays what it was
    assert audit(entries) is None
    assert [shard.told() for shard in cluster.shard.values()] == [{0: 600}] * scheme.members


def test_a_state_that_is_loaded_is_lifted_too() -> None:
    cluster = Cluster(members=1, scheme=LOCAL, domain=Till1(), cache=1)
    pay(cluster, 1, 1, 2)
    restarted(cluster, Till2())
    cluster.ask(1, Submit(command_id=9, aggregate=5, command=Pay(amount=1)))

    assert cluster.shard[1].streams.by_key[0, 0].state is None
    assert cluster.ask(1, Look(aggregate=0)).told == 200


def test_a_snapshot_of_a_state_of_another_schema_is_passed_over_and_the_log_replayed() -> None:
    log = LogPolicy(snapshots=SnapshotPolicy(every=1), every_us=20_000)
    cluster = Cluster(members=1, scheme=LOCAL, domain=Till2(), log=log)
    pay(cluster, 1, 1, 2)
    cluster.run(100)
    assert len(cluster.shard[1].snapshots.latest) == 1
    restarted(cluster, Till3())

    assert cluster.ask(1, Look(aggregate=0)).told == 200
    assert "damaged" not in dict(cluster.ctx[1].notes)


def test_a_member_that_cannot_read_its_snapshots_and_has_no_log_before_them_is_made_anew_by_the_others() -> None:
    log = LogPolicy(segment=1, snapshots=SnapshotPolicy(every=1), truncate=True, every_us=20_000)
    cluster = Cluster(scheme=QUORUM, domain=Till2(), log=log)
    for id_ in (1, 2, 3):
        pay(cluster, 1, id_, 1)
    cluster.run(500)
    assert cluster.shard[3].journal.base.position > 0
    cluster.stop(3)
    assert cluster.ctx[3].disk.read("snapshots")
    cluster.ctx[3].disk.truncate("snapshots", 0)
    cluster.start(3)
    cluster.run(3_000)

    assert [name for name, _ in cluster.ctx[3].notes if name == "damaged"] == ["damaged"]
    assert cluster.shard[3].told() == {0: 300}
    assert cluster.shard[3].whole


def test_older_code_refuses_what_newer_wrote() -> None:
    cluster = Cluster(members=1, scheme=LOCAL, domain=Till2())
    pay(cluster, 1, 1, 1)
    with pytest.raises(DomainFailed, match=r"Paid has schema 2, and this code knows 1\.\.1; deploy newer code first"):
        restarted(cluster, Till1())


def test_the_positions_stay_what_they_were() -> None:
    cluster = Cluster(members=1, scheme=LOCAL, domain=Till1())
    for id_ in (1, 2):
        pay(cluster, 1, id_, 1)
    restarted(cluster, Till3())

    assert ids(cluster.shard[1].journal.entries) == [1, 2]


def test_a_lone_member_whose_truncated_log_it_cannot_make_up_for_answers_nobody() -> None:
    """Its snapshots are of a state that newer code does not read, and what they came from is gone."""
    log = LogPolicy(segment=1, snapshots=SnapshotPolicy(every=1), truncate=True, every_us=20_000)
    cluster = Cluster(members=1, scheme=LOCAL, domain=Till2(), log=log)
    pay(cluster, 1, 1, 1)
    cluster.run(200)
    assert cluster.shard[1].journal.base.position == 1
    restarted(cluster, Till3())

    assert [name for name, _ in cluster.ctx[1].notes] == ["damaged"]
    assert not cluster.shard[1].ready
