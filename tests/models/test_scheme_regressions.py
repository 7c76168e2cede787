"""What hunts under the schemes' scenarios have found in the store, each as small as it goes."""

from __future__ import annotations

from typing import Any

from models.addressing import Scope, pack_type
from models.domains.bank_account import BankAccount, Deposit
from models.store.group.lineage import Reign
from models.store.group.words import Head, HeadQuery
from models.store.log.snapshots import SnapshotPolicy
from models.store.options import LogPolicy, MemberOptions
from models.store.requests import Submit
from models.store.shard import Shard
from models.store.words import scheme_of
from models.stores import store
from sim.history import Kind
from sim.testing import FakeContext
from sim.topology import at_service, pack_location
from tests.models.stores import REGIONS, SECOND, fault, run_store

LOG = LogPolicy(segment=2, snapshots=SnapshotPolicy(every=1), truncate=True)


def shard_of(scheme: str, peers: int = 0) -> tuple[FakeContext, Shard]:
    ctx = FakeContext(at_service(pack_location(1, 1, 1), "store"))
    others = tuple((n, at_service(pack_location(1, 1, n), "store")) for n in range(2, 2 + peers))
    options = MemberOptions(
        number=1,
        shard=0,
        peers=others,
        home=1,
        scheme=scheme_of(scheme),
        log=LOG,
        event_type=pack_type(Scope.SERVICE, command=False, domain=1),
    )
    shard = Shard(ctx, options, BankAccount(opening_balance=100))
    return ctx, shard


def submit(ctx: FakeContext, shard: Shard, command_id: int) -> Any:
    return ctx.deliver(shard, Submit(command_id=command_id, aggregate=1, command=Deposit(amount=1)))


def test_a_snapshot_is_not_relied_on_while_it_is_ahead_of_the_durable_log() -> None:
    ctx, shard = shard_of("local-persist-periodic+60s")
    ctx.start(shard)
    ctx.advance(20_000)
    for command_id in range(1, 4):
        submit(ctx, shard, command_id)
    assert shard.journal.durable == 0
    ctx.advance(3 * SECOND)
    # The look wrote a snapshot; before the head of the log could go the log was flushed as far as it goes.
    (snapshot,) = shard.snapshots.latest.values()
    assert snapshot.position == 3 <= shard.journal.durable
    assert shard.journal.base.position == 2


def test_an_image_reaches_as_far_as_the_snapshots_that_it_is_made_of() -> None:
    _, shard = shard_of("multi-persist:2/3", peers=2)
    shard.ready, shard.reigns, shard.promised = True, (Reign(1, 1, 0),), 1
    for command_id in range(1, 4):
        stream, opened = shard.streams.of((0, 1)), shard.domain.initial()
        shard._write(0, 1, command_id, stream, shard.domain.decide(opened, Deposit(amount=1)), opened)
    shard.snapshots.latest[0, 1] = shard.streams.snapshot((0, 1), None, 0)
    # A new life: it knows of nothing that it is committed, and its snapshots stand for three events.
    shard.committed = 0
    assert shard.keeper.image().position == 3


def test_where_all_have_forgotten_an_operator_finds_one_that_can_be_forced_to_lead() -> None:
    crash = tuple(fault("process-crash", f"{REGIONS[0]}/c1/h{n}", 4, 1) for n in (1, 2, 3))
    run = run_store(
        store,
        hosts=3,
        faults=crash,
        scheme="multi-mem:2/3",
        promote_after_us=SECOND,
        force_after_us=SECOND,
        rate=10,
    )
    assert any(row.kind is Kind.OK and row.t_us > 9 * SECOND for row in run.rows)


def test_one_that_waits_for_others_that_are_gone_can_be_forced_to_lead() -> None:
    gone = tuple(fault("process-crash", f"{REGIONS[0]}/c1/h{n}", 4, 100) for n in (2, 3))
    run = run_store(
        store,
        hosts=3,
        faults=(fault("process-crash", f"{REGIONS[0]}/c1/h1", 4, 1), *gone),
        scheme="multi-mem:1/3",
        promote_after_us=SECOND,
        force_after_us=SECOND,
        rate=10,
    )
    assert any(row.kind is Kind.OK and row.t_us > 9 * SECOND for row in run.rows)


def heads(ctx: FakeContext, *answers: Head) -> None:
    """Answer the open questions of where the others are."""
    for answer in answers:
        ctx.answer(answer)
    ctx.advance(20_000)


def test_an_amnesiac_leader_that_hears_of_a_later_reign_does_not_lead() -> None:
    founding, later = Reign(1, 1, 0), Reign(2, 2, 9)
    ctx, shard = shard_of("multi-mem:2/3", peers=2)
    ctx.disk.replace("lineage", (founding,))
    ctx.advance(20_000)
    ctx.start(shard)
    ctx.advance(20_000)
    heads(ctx, *(Head(number=n, promised=2, reigns=(founding, later), length=9, whole=True) for n in (2, 3)))
    assert (shard.ready, shard.leads, shard.promised) == (True, False, 2)


def test_an_epoch_is_promised_to_one_member_only() -> None:
    ctx, shard = shard_of("multi-persist:2/3", peers=2)
    shard.ready, shard._recovered, shard.reigns, shard.promised = True, True, (Reign(1, 2, 0),), 1
    first, second = (location for _, location in shard.options.peers)
    told = ctx.deliver(shard, HeadQuery(epoch=5), first)
    ctx.advance(20_000)
    assert told.value.promised == 5
    assert ctx.deliver(shard, HeadQuery(epoch=5), first).value.promised == 5
    assert ctx.deliver(shard, HeadQuery(epoch=5), second).value is None


def test_a_leader_that_promised_to_follow_keeps_what_no_peer_has() -> None:
    _, shard = shard_of("delayed-ship", peers=1)
    shard.ready, shard.reigns, shard.promised = True, (Reign(1, 1, 0),), 2
    assert not shard.leads
    assert shard.wanted_by_peers(patience=100) == [0]


def test_a_home_that_starts_after_another_has_founded_the_shard_leads_it_where_nobody_has_anything() -> None:
    founding = (Reign(1, 1, 0),)
    ctx, shard = shard_of("multi-persist:2/3", peers=2)
    ctx.start(shard)
    ctx.advance(20_000)
    heads(
        ctx,
        Head(number=2, promised=1, reigns=founding, length=0, whole=True),
        Head(number=3, promised=1, reigns=founding, length=0, whole=False),
    )
    assert shard.leads


def test_who_gives_up_what_only_a_snapshot_stood_for_begins_anew() -> None:
    _, shard = shard_of("delayed-ship", peers=1)
    shard.ready, shard.reigns, shard.promised = True, (Reign(1, 1, 0),), 1
    for command_id in range(1, 4):
        stream, opened = shard.streams.of((0, 1)), shard.domain.initial()
        shard._write(0, 1, command_id, stream, shard.domain.decide(opened, Deposit(amount=1)), opened)
    shard.snapshots.latest[0, 1] = shard.streams.snapshot((0, 1), None, 0)
    assert not shard._uncovered(2)  # all three are in the log
    del shard.streams.by_key[0, 1].positions[:1]  # the first went behind the snapshot of the third
    assert shard._uncovered(2)
    assert not shard._uncovered(3)


def test_no_snapshot_stands_for_what_no_peer_has() -> None:
    ctx, shard = shard_of("delayed-ship", peers=1)
    shard.ready, shard.reigns, shard.promised = True, (Reign(1, 1, 0),), 1
    stream, opened = shard.streams.of((0, 1)), shard.domain.initial()
    shard._write(0, 1, 1, stream, shard.domain.decide(opened, Deposit(amount=1)), opened)
    ctx.advance(20_000)
    assert shard.committed == 1
    ctx.run(shard.keeper.look)
    ctx.advance(20_000)
    assert shard.snapshots.latest == {}
