"""The global sequence: no position twice, no gap without an owner, readers that hold and readers that do not."""

from __future__ import annotations

from models.store.group.wire import Install, Ship
from models.store.sequence.numbering import Begin, Begun, Numbered, NumberQuery, Numbers, Settle, Settled
from models.store.sequence.sequencer import GlobalReader, ReadAll, Sequencer, Slice
from models.store.shard import Shard
from sim.host import Wait
from sim.testing.fake import FakeContext
from sim.topology import Location, at_service, pack_location
from tests.models.shards import FOUNDING, LOCAL, at, shard_of_region

PATIENCE_US = 1_000_000
MEMBERS = tuple(at_service(pack_location(1, 1, host), "store") for host in (1, 2, 3))


def sequencer(ctx: FakeContext) -> Sequencer:
    made = Sequencer(ctx, ((MEMBERS, 2),), patience_us=PATIENCE_US)
    ctx.start(made)
    ctx.advance(10_000)
    return made


def begin(ctx: FakeContext, service: Sequencer) -> int:
    answer = ctx.deliver(service, Begin(shard=0))
    ctx.advance(10_000)
    assert isinstance(answer.value, Begun)
    return answer.value.number


def settle(ctx: FakeContext, service: Sequencer, *committed: int, given_up: tuple[int, ...] = ()) -> Wait:
    rows = tuple(Numbered(number, 0, 0, 1_000 + number) for number in committed)
    answer = ctx.deliver(service, Settle(committed=rows, given_up=given_up))
    ctx.advance(10_000)
    return answer


def read(ctx: FakeContext, service: Sequencer) -> tuple[list[int], int]:
    answer = ctx.deliver(service, ReadAll(after=0, limit=10))
    assert isinstance(answer.value, Slice)
    return [one.number for one in answer.value.entries], answer.value.settled


def test_positions_commit_out_of_order_and_an_open_one_holds_what_is_settled() -> None:
    ctx = FakeContext()
    service = sequencer(ctx)
    assert [begin(ctx, service) for _ in range(3)] == [1, 2, 3]
    settle(ctx, service, 3)
    assert read(ctx, service) == ([3], 0)
    settle(ctx, service, 1)
    assert read(ctx, service) == ([1, 3], 1)
    settle(ctx, service, given_up=(2,))
    assert read(ctx, service) == ([1, 3], 3)


def test_no_position_is_given_out_twice_however_often_the_power_goes() -> None:
    ctx = FakeContext()
    given = []
    for _ in range(4):
        service = sequencer(ctx)
        given += [begin(ctx, service) for _ in range(3)]
        ctx = ctx.power_loss(torn=True)
    assert given == sorted(set(given))


def test_more_positions_than_one_reserve_are_given_out_in_order() -> None:
    ctx = FakeContext()
    service = sequencer(ctx)
    answers = [ctx.deliver(service, Begin(shard=0)) for _ in range(2_500)]
    ctx.advance(50_000)
    assert [answer.value.number for answer in answers] == list(range(1, 2_501))


def test_what_was_told_and_confirmed_outlives_the_power_and_the_rest_is_open() -> None:
    ctx = FakeContext()
    service = sequencer(ctx)
    for _ in range(6):
        begin(ctx, service)
    assert isinstance(settle(ctx, service, 1, given_up=(2,)).value, Settled)
    ctx = ctx.power_loss()
    service = sequencer(ctx)
    assert read(ctx, service) == ([1], 2), "3 may still be used by whoever has it"


def asked(ctx: FakeContext) -> list[tuple[Location, tuple[int, ...]]]:
    """Let the patience run out until somebody is asked; returns who, and about what."""
    for _ in range(6):
        before = len(ctx.calls)
        ctx.advance(PATIENCE_US // 2 + 1)
        found = [(to, msg.numbers) for to, msg, _ in ctx.calls[before:] if isinstance(msg, NumberQuery)]
        if found:
            return found
    return []


def told(epoch: int, *, leads: bool, never: tuple[int, ...], committed: tuple[int, ...] = ()) -> Numbers:
    rows = tuple(Numbered(number, 0, 0, 1_000 + number) for number in committed)
    return Numbers(epoch=epoch, leads=leads, committed=rows, never=never)


def answered(ctx: FakeContext, *answers: Numbers | None) -> None:
    for answer in answers:
        ctx.answer(answer)
    ctx.advance(10_000)


def test_a_position_that_no_shard_can_have_used_stays_empty_for_ever() -> None:
    ctx = FakeContext()
    service = sequencer(ctx)
    begin(ctx, service)
    begin(ctx, service)
    settle(ctx, service, 2)
    assert asked(ctx) == [(member, (1,)) for member in MEMBERS]
    answered(ctx, told(1, leads=True, never=(1,)), told(1, leads=False, never=(1,)), None)
    assert read(ctx, service) == ([2], 2)


def test_a_leader_that_has_not_heard_of_a_later_reign_is_not_believed() -> None:
    ctx = FakeContext()
    service = sequencer(ctx)
    begin(ctx, service)
    assert asked(ctx)
    answered(ctx, told(1, leads=True, never=(1,)), told(2, leads=False, never=()), None)
    assert read(ctx, service) == ([], 0)


def test_one_answer_of_three_settles_nothing() -> None:
    ctx = FakeContext()
    service = sequencer(ctx)
    begin(ctx, service)
    assert asked(ctx)
    answered(ctx, told(1, leads=True, never=(1,)), None, None)
    assert read(ctx, service) == ([], 0)


def test_a_commit_whose_word_was_lost_is_found_by_asking() -> None:
    ctx = FakeContext()
    service = sequencer(ctx)
    begin(ctx, service)
    assert asked(ctx)
    answered(ctx, told(1, leads=True, never=(), committed=(1,)), told(1, leads=False, never=(1,)), None)
    assert read(ctx, service) == ([1], 1)


def reader(ctx: FakeContext, *, holds: bool) -> GlobalReader:
    made = GlobalReader(ctx, MEMBERS[0], holds=holds, poll_us=1_000_000)
    ctx.start(made)
    return made


def feed(ctx: FakeContext, numbers: tuple[int, ...], settled: int) -> None:
    """Answer the reader's next question."""
    rows = tuple(Numbered(number, 0, 0, number) for number in numbers)
    ctx.answer(Slice(entries=rows, settled=settled))
    ctx.advance(5_000)


def test_a_reader_that_holds_waits_below_the_gap_and_one_that_does_not_misses_what_fills_it() -> None:
    seen = {}
    for holds in (True, False):
        ctx = FakeContext()
        service = reader(ctx, holds=holds)
        feed(ctx, (1, 3), 1)
        feed(ctx, tuple(number for number in (1, 2, 3) if number > service.at), 3)
        seen[holds] = [one.number for one in service.seen]
    assert seen == {True: [1, 2, 3], False: [1, 3]}


def test_a_reader_goes_on_from_its_checkpoint_and_meets_nothing_twice() -> None:
    ctx = FakeContext()
    service = reader(ctx, holds=True)
    feed(ctx, (1, 2), 2)
    ctx = ctx.power_loss(torn=True)
    service = reader(ctx, holds=True)
    assert (service.at, [one.number for one in service.seen]) == (2, [1, 2])
    assert ctx.sent[-1][1] == ReadAll(after=2, limit=200)


def test_a_number_in_hand_is_pending_until_it_is_used_or_given_up() -> None:
    """Said never while its event is being decided, it would be an empty place that fills later."""
    ctx, shard = shard_of_region(1, members=1, scheme=LOCAL, sequencer=at(50, "sequencer"))
    numbering = shard.numbering
    ctx.run(numbering.begin)
    (begun,) = [wait for _, message, wait in ctx.calls if isinstance(message, Begin)]
    begun.resolve(Begun(number=5))

    assert numbering.about((5, 6)).never == (6,)
    numbering.give_up(5)
    assert numbering.about((5, 6)).never == (5, 6)


def numbers(ctx: FakeContext, shard: Shard, *asked: int) -> Numbers:
    answer = ctx.deliver(shard, NumberQuery(numbers=asked)).value
    assert isinstance(answer, Numbers)
    return answer


def test_a_member_that_got_a_snapshot_does_not_say_never_of_what_the_sequencer_was_not_told() -> None:
    """Of the log up to 5 the sequencer has heard up to 2, and what stood between is in no entry any more."""
    ctx, shard = shard_of_region(2, sequencer=at(50, "sequencer"))
    assert numbers(ctx, shard, 4).never == (4,)
    install = Install(
        source=1,
        shard=0,
        reigns=FOUNDING,
        position=5,
        snapshots=(),
        window=(),
        committed=5,
        upto=5,
        session=1,
        challenge=0,
        released=2,
    )
    ctx.deliver(shard, install)
    ctx.advance(20_000)
    assert shard.journal.base.position == 5
    assert numbers(ctx, shard, 4).never == ()
    told = Ship(
        source=1, shard=0, reigns=FOUNDING, first=6, entries=(), promise_us=0, probe=False, committed=5, released=5
    )
    ctx.deliver(shard, told)
    assert numbers(ctx, shard, 4).never == (4,)


def test_what_the_sequencer_was_not_told_is_remembered_by_the_next_life() -> None:
    ctx, shard = shard_of_region(2, sequencer=at(50, "sequencer"))
    install = Install(
        source=1,
        shard=0,
        reigns=FOUNDING,
        position=5,
        snapshots=(),
        window=(),
        committed=5,
        upto=5,
        session=1,
        challenge=0,
        released=2,
    )
    ctx.deliver(shard, install)
    ctx.advance(20_000)
    ctx, shard = shard_of_region(2, ctx.power_loss(), sequencer=at(50, "sequencer"))
    assert numbers(ctx, shard, 4).never == ()
