"""A sub-domain that is declared lost: fenced by all, given up at one position, owed when it returns."""

import pytest

from models.domains.bank_account import BankAccount, Deposited, Withdraw
from models.losing import (
    FenceOff,
    FetchSettled,
    GiveUp,
    LosableShard,
    SettledRun,
    Standing,
    TakeBack,
    TakenBack,
    WasLost,
)
from models.merging.policies import CanonicalReplay
from models.store.requests import Unavailable
from sim.testing import FakeContext
from tests.models.shards import OPENING, at, options
from tests.models.test_split import FLUSH, ack, foreign, ship, submit

SECOND = 1_000_000


def shard(region=1, ctx=None):
    ctx = ctx or FakeContext(at(region), flush_us=FLUSH)
    bank = BankAccount(opening_balance=OPENING)
    store = LosableShard(ctx, options(region), bank, policy=lambda domain, _: CanonicalReplay(domain))
    ctx.start(store)
    ctx.advance(20 * FLUSH)
    for peer, line in store._outbound.items():
        ctx.deliver(store, ack(peer, challenge=line.challenge), at(peer))
    return ctx, store


def hear(ctx, store, region, *entries, first=1, promise_us=None):
    promise_us = ctx.now_us() if promise_us is None else promise_us
    ctx.deliver(store, ship(region, *entries, first=first, promise_us=promise_us), at(region))


def fence(ctx, store, lost=3):
    reply = ctx.deliver(store, FenceOff(lost=at(lost)), at(9))
    ctx.advance(5 * FLUSH)
    return reply.value


def give_up(ctx, store, upto, lost=3, best=2):
    reply = ctx.deliver(store, GiveUp(lost=at(lost), upto=upto, best=at(best)), at(9))
    ctx.advance(5 * FLUSH)
    return reply


def test_who_is_fenced_takes_nothing_more_and_settles_nothing_even_after_a_crash():
    ctx, store = shard()
    hear(ctx, store, 3, foreign(3, 1, ctx.now_us()))
    assert fence(ctx, store) == Standing(cut_us=0, received=1, given_up=False, times=1)
    again_ctx = ctx.power_loss()
    again_ctx, again = shard(ctx=again_ctx)
    hear(again_ctx, again, 2)
    hear(again_ctx, again, 3, foreign(3, 2, again_ctx.now_us()), first=2)
    again_ctx.advance(SECOND)
    assert again.merge.cut_us == 0
    assert again.merge.received(3) == 1


def test_without_a_fence_nobody_gives_anybody_up():
    ctx, store = shard()
    assert give_up(ctx, store, 0).value is None
    assert store.merge.lost == ()


def test_whoever_is_given_up_is_waited_for_no_more():
    ctx, store = shard()
    submit(ctx, store, 1)
    fence(ctx, store)
    assert give_up(ctx, store, 0).value.given_up
    ctx.advance(3 * FLUSH)
    hear(ctx, store, 2)
    ctx.advance(SECOND)
    assert store.merge.vector() == {1: 1, 2: 0, 3: 0}


def ahead(*, kept=True):
    """What is answered by a shard that has settled the first write of 3, and has heard the second."""
    ctx, far = shard(2)
    now = ctx.now_us()
    hear(ctx, far, 3, foreign(3, 1, now), promise_us=now + SECOND)
    hear(ctx, far, 1, promise_us=now + SECOND)
    ctx.advance(SECOND)
    hear(ctx, far, 3, foreign(3, 2, now + 2 * SECOND), first=2)
    assert (far.merge.vector()[3], far.merge.received(3)) == (1, 2)
    if not kept:
        ctx.disk.truncate("heard.0", 0)
    return far, ctx.deliver(far, FetchSettled(after_us=0, lost=3), at(1)).value


def catching_up(run, upto):
    """A shard that is told to give up 3, of which it has nothing, and finds what it lacks with 2."""
    ctx, store = shard(1)
    ctx.advance(2 * SECOND)  # it keeps what it promised to 2
    submit(ctx, store, 1)
    fence(ctx, store)
    reply = give_up(ctx, store, upto)
    to, msg, wait = ctx.calls[-1]
    assert (to, msg) == (at(2), FetchSettled(after_us=0, lost=3))
    wait.resolve(run)
    ctx.advance(20 * FLUSH)
    return ctx, store, reply.value


def test_who_is_behind_is_given_what_another_has_heard():
    _, run = ahead()
    ctx, store, given = catching_up(run, 2)
    assert given == Standing(cut_us=0, received=2, given_up=True, times=1)
    assert store.merge.received(3) == 2
    hear(ctx, store, 2)
    ctx.advance(SECOND)
    assert store.merge.vector() == {1: 1, 2: 0, 3: 2}
    _, again = shard(1, ctx=ctx.power_loss())
    assert (again.merge.received(3), again.merge.lost) == (2, (3,))


def test_who_is_behind_takes_over_the_records_of_who_keeps_no_more_than_those():
    far, run = ahead(kept=False)
    ctx, store, given = catching_up(run, 1)
    assert given.given_up
    assert store.merge.vector() == {1: 0, 2: 0, 3: 1}
    assert store.merge.stable(0) == far.merge.stable(0)
    assert store.merge.received(1) == 1  # its own write is there still, above the cut
    _, again = shard(1, ctx=ctx.power_loss())
    assert (again.merge.vector(), again.merge.lost) == ({1: 0, 2: 0, 3: 1}, (3,))


def test_nobody_gives_up_less_than_anybody_has_heard():
    _, run = ahead()
    _, store, given = catching_up(SettledRun(records=run.records), 2)
    assert given is None
    assert store.merge.lost == ()


def test_who_was_lost_takes_over_the_others_history_in_place_of_its_own():
    left_ctx, left = shard(2)
    fence(left_ctx, left, lost=1)
    give_up(left_ctx, left, 0, lost=1)
    run = left_ctx.deliver(left, FetchSettled(after_us=-1), at(1)).value

    ctx, store = shard(1)
    submit(ctx, store, 1)
    ctx.advance(5 * FLUSH)
    for region in (2, 3):
        hear(ctx, store, region)
    ctx.advance(SECOND)
    assert store.merge.vector()[1] == 1  # it took its own write for final
    ctx.deliver(store, WasLost(upto=0), at(2))
    ctx.calls[-1][2].resolve(run)
    ctx.advance(SECOND)
    assert store.was_lost
    assert store.merge.vector()[1] == 0
    assert store.superseded == {store.log.entries[0].address: True}


def returned(beyond):
    """A shard that gave 3 up at 0, and is sent what 3 wrote all the same."""
    ctx, store = shard()
    fence(ctx, store)
    give_up(ctx, store, 0)
    hear(ctx, store, 3, *beyond)
    hear(ctx, store, 2)
    ctx.advance(SECOND)
    return ctx, store


def test_what_a_lost_one_brings_along_is_superseded_and_owed_and_it_is_told():
    ctx, store = returned([foreign(3, 1, 50, event=Deposited(amount=7))])
    address = foreign(3, 1, 50).address
    assert store.superseded == {address: True}
    assert ("compensated", foreign(3, 1, 50).event_id) in ctx.notes
    assert (at(3), WasLost(upto=0)) in ctx.sent
    assert store.balances() == {} or OPENING + 7 not in store.balances().values()


def test_that_one_is_lost_and_what_it_brought_outlive_a_crash():
    ctx, store = returned([foreign(3, 1, 50, event=Deposited(amount=7))])
    _, again = shard(ctx=ctx.power_loss())
    assert again.merge.lost == (3,)
    assert again.superseded == store.superseded


def test_who_crashes_with_strays_in_hand_is_owed_them_again():
    ctx, store = shard()
    hear(ctx, store, 3, foreign(3, 1, ctx.now_us()))
    fence(ctx, store)
    give_up(ctx, store, 0)
    ctx, again = shard(ctx=ctx.power_loss())
    ctx.advance(SECOND)
    assert again.superseded == {foreign(3, 1, 0).address: True}


def take_back(ctx, store, upto, *, times=1):
    reply = ctx.deliver(store, TakeBack(lost=at(3), upto=upto, times=times), at(3))
    ctx.advance(5 * FLUSH)
    return reply.value


def test_who_was_lost_is_waited_for_again_once_all_it_wrote_has_its_fate():
    ctx, store = returned([foreign(3, 1, 50)])
    assert take_back(ctx, store, 2) is None, "there is more to come"
    taken = take_back(ctx, store, 1)
    assert taken == TakenBack(cut_us=store.merge.cut_us, received=((1, 0), (2, 0), (3, 1)))
    assert store.merge.lost == ()
    cut_us = store.merge.cut_us
    ctx.advance(SECOND)
    assert store.merge.cut_us == cut_us, "it has promised nothing since"


def test_that_it_was_taken_back_outlives_a_crash_and_so_does_the_end_of_the_fence():
    ctx, store = returned([foreign(3, 1, 50)])
    take_back(ctx, store, 1)
    again_ctx = ctx.power_loss()
    _, again = shard(ctx=again_ctx)
    assert again.merge.lost == ()
    hear(again_ctx, again, 3, foreign(3, 2, again_ctx.now_us()), first=2)
    assert again.merge.received(3) == 2


def test_a_late_word_of_an_earlier_return_takes_nobody_back():
    ctx, store = returned([foreign(3, 1, 50)])
    assert take_back(ctx, store, 1, times=0) is None
    assert store.merge.lost == (3,)


def test_it_may_ask_again_when_the_answer_was_lost():
    ctx, store = returned([foreign(3, 1, 50)])
    assert take_back(ctx, store, 1) == take_back(ctx, store, 1)


def test_who_asks_to_give_it_up_once_more_for_the_same_time_finds_that_done():
    ctx, store = returned([foreign(3, 1, 50)])
    take_back(ctx, store, 1)
    for times, given_up in ((1, True), (0, False), (2, False)):
        reply = ctx.deliver(store, FenceOff(lost=at(3), times=times), at(9))
        ctx.advance(5 * FLUSH)
        assert reply.value.given_up is given_up
        assert reply.value.times == (1 if given_up else 2)
        assert reply.value.received == (0 if given_up else 1)


def was_lost():
    """A shard that took over the others' history, and has asked to be taken back."""
    left_ctx, left = shard(2)
    fence(left_ctx, left, lost=1)
    give_up(left_ctx, left, 0, lost=1)
    run = left_ctx.deliver(left, FetchSettled(after_us=-1), at(1)).value
    ctx, store = shard(1)
    ctx.deliver(store, WasLost(upto=0), at(2))
    ctx.calls[-1][2].resolve(run)
    ctx.advance(2 * SECOND)
    return ctx, store, [wait for _, msg, wait in ctx.calls if isinstance(msg, TakeBack)][-2:]


def answered(ctx, waits, *, behind=0):
    taken = TakenBack(cut_us=ctx.now_us() + 1_000, received=((1, 0), (2, behind), (3, 0)))
    for wait in waits:
        wait.resolve(taken)
    ctx.advance(5 * FLUSH)


def test_who_has_all_that_the_others_have_serves_again_above_their_cuts():
    ctx, store, waits = was_lost()
    assert isinstance(submit(ctx, store, 1).value, Unavailable)
    cut_us = ctx.now_us() + 1_000
    answered(ctx, waits)
    assert not store.was_lost
    submit(ctx, store, 2)
    assert store.log.entries[-1].stamp_us > cut_us


def test_one_that_does_not_answer_is_enough_to_stay_away():
    ctx, store, waits = was_lost()
    answered(ctx, waits[:1])
    assert store.was_lost


def test_who_lacks_what_others_have_decides_on_nothing_yet():
    ctx, store, waits = was_lost()
    answered(ctx, waits, behind=1)
    assert store.was_lost


@pytest.mark.parametrize("knows", [False, True])
def test_a_shard_that_was_lost_serves_nothing_more(knows):
    ctx, store = shard()
    store.was_lost = knows
    value = submit(ctx, store, 1, kind=Withdraw).value
    assert (value == Unavailable(command_id=1, reason="declared lost")) is knows
