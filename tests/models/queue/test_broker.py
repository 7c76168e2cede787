"""A broker alone: what it hands out to whom, what it takes back, what it knows again, and what a crash leaves of it."""

from __future__ import annotations

from typing import Any

from models.queue import Broker, Lanes, Letter, Mode, Overflow, Parking, QueueOptions
from models.queue.words import (
    REFUSED,
    Browse,
    Browsed,
    Done,
    Elsewhere,
    Given,
    Handed,
    Put,
    RetryParked,
    RetryTold,
    Sent,
    SettleAll,
    SettleTold,
    Stored,
    Take,
)
from models.store.group.lineage import Reign
from models.store.group.words import Head, HeadQuery
from sim.host import Wait
from sim.testing import FakeContext
from tests.models.shards import LOCAL, QUORUM, answer_heads, at, options

VISIBLE_US = 100_000
DEDUP: dict[str, Any] = {"mode": Mode.DEDUPLICATED, "window": 4}
SEQUENCED: dict[str, Any] = {"attempts": 2, "parking": Parking.SEQUENCED}


class Desk:
    """One broker and whoever talks to it."""

    def __init__(self, ctx: FakeContext | None = None, *, members: int = 1, **how: Any) -> None:
        self.how = how
        self.ctx = ctx or FakeContext(at(1))
        self.queue = QueueOptions(visibility_us=VISIBLE_US, **how)
        member = options(1, members=members, scheme=LOCAL if members == 1 else QUORUM, window=max(1, self.queue.window))
        self.broker = Broker(self.ctx, member, Lanes(self.queue.attempts, self.queue.parking), self.queue)
        self.ctx.start(self.broker)
        for _ in range(20):
            self.ctx.advance(1_000)
            answer_heads(self.ctx)
        assert self.broker.leads
        self.requests = 0

    def request(self, limit: int = 1, wait_us: int = 0) -> Take:
        """The next one of one consumer."""
        self.requests += 1
        return Take(session=1, request=self.requests, limit=limit, wait_us=wait_us)

    def ask(self, message: Any) -> Any:
        """What it answers within 10 ms; None if it has not by then."""
        return self.wait(message, 10_000).value

    def wait(self, message: Any, us: int = 0) -> Wait:
        asked = self.ctx.deliver(self.broker, message)
        self.ctx.advance(us)
        return asked

    def put(self, *messages: int, key: int = 0) -> tuple[int, ...]:
        answer = self.ask(Put(batch=tuple(Sent(message, key, 0) for message in messages)))
        assert isinstance(answer, Stored)
        return answer.numbers

    def take(self, limit: int = 1) -> tuple[Handed, ...]:
        answer = self.ask(self.request(limit))
        assert isinstance(answer, Given)
        return answer.handed

    def settle(self, handed: Handed, *, failed: int = 0) -> bool:
        """Whether it was accepted."""
        good = tuple(letter.number for letter in handed.letters if not failed or letter.number < failed)
        answer = self.ask(SettleAll(done=(Done(handed.key, handed.receipt, good, failed),)))
        assert isinstance(answer, SettleTold)
        return not answer.refused

    def browse(self) -> Browsed:
        answer = self.ask(Browse())
        assert isinstance(answer, Browsed)
        return answer

    def after(self, ctx: FakeContext) -> Desk:
        """The next life of the same."""
        return Desk(ctx, **self.how)


def receipt(epoch: int, life: int) -> int:
    """The first that a leader gives."""
    return epoch << 96 | life << 32 | 1


def messages(handed: tuple[Handed, ...]) -> list[int]:
    return [letter.message for one in handed for letter in one.letters]


def test_letters_of_a_key_go_in_order_and_to_one_consumer_at_a_time() -> None:
    desk = Desk()
    desk.put(1, 2, 3)
    (first,) = desk.take(2)
    assert messages((first,)) == [1, 2]
    assert desk.take() == (), "the third is behind what somebody holds"
    assert desk.settle(first)
    assert messages(desk.take()) == [3]


def test_without_order_others_get_the_next_meanwhile() -> None:
    desk = Desk(ordered=False)
    desk.put(1, 2, 3)
    assert [messages(desk.take()) for _ in range(4)] == [[1], [2], [3], []]


def test_a_busy_key_does_not_starve_another() -> None:
    desk = Desk(ordered=False)
    desk.put(1, 2, 3)
    desk.put(9, key=7)
    assert [messages(desk.take()) for _ in range(3)] == [[1], [9], [2]]


def test_what_is_not_settled_in_time_comes_back_in_its_place_and_the_late_are_refused() -> None:
    desk = Desk()
    desk.put(1, 2)
    (late,) = desk.take()
    desk.ctx.advance(VISIBLE_US)
    (again,) = desk.take()
    assert messages((again,)) == [1]
    assert again.receipt > late.receipt
    assert not desk.settle(late)
    assert desk.settle(again)
    assert (desk.broker.timed_out, desk.broker.late) == (1, 1)


def test_a_receipt_is_good_for_once() -> None:
    desk = Desk()
    desk.put(1)
    (handed,) = desk.take()
    assert [desk.settle(handed), desk.settle(handed)] == [True, False]


def test_a_restart_hands_out_again_and_refuses_old_receipts() -> None:
    desk = Desk()
    desk.put(1)
    (before,) = desk.take()
    next_life = desk.after(desk.ctx.process_crash())
    (again,) = next_life.take()
    assert messages((again,)) == [1]
    assert again.receipt > before.receipt
    assert not next_life.settle(before)


def test_receipts_grow_past_a_lost_disk() -> None:
    desk = Desk()
    desk.put(1)
    (before,) = desk.take()
    next_life = desk.after(desk.ctx.disk_loss())
    next_life.put(2)
    (after,) = next_life.take()
    assert messages((after,)) == [2]
    assert after.receipt > before.receipt


def test_a_receipt_beyond_its_own_is_exceeded_and_what_was_refused_for_it_goes_out_at_once_and_has_not_failed() -> None:
    desk = Desk(attempts=1, parking=Parking.ALONE)
    desk.put(1)
    (handed,) = desk.take()
    past = receipt(7, 1 << 40)
    desk.ask(SettleAll(done=(Done(0, handed.receipt, (), newest=past),)))
    (again,) = desk.take()
    assert messages((again,)) == [1]
    assert again.receipt > past
    next_life = desk.after(desk.ctx.process_crash())
    assert next_life.broker._life > past >> 32 & (1 << 64) - 1, "of the same epoch it is exceeded from the first on"


def test_who_was_refused_for_a_receipt_of_the_same_leader_held_letters_too_long() -> None:
    desk = Desk()
    desk.put(1)
    (late,) = desk.take()
    desk.ctx.advance(VISIBLE_US)
    (now,) = desk.take()
    desk.ask(SettleAll(done=(Done(0, late.receipt, (), newest=now.receipt),)))
    assert desk.take() == (), "it is with the other"
    assert desk.settle(now)


def test_a_higher_epoch_is_exceeded_only_once_no_member_knows_of_it() -> None:
    desk = Desk(members=3)
    leases, past = desk.broker._leases, receipt(7, 1)

    def told(*promised: int) -> bool:
        """Whether a receipt of epoch 7 is exceeded where members that promised so much answer."""
        held, _ = leases.hold(0, leases.shelf(0), (Letter(1, 1, 0),))
        desk.wait(SettleAll(done=(Done(0, held, (), newest=past),)), 1_000)
        asked = [call for call in desk.ctx.calls if isinstance(call[1], HeadQuery)]
        for (_, _, wait), epoch in zip(asked, (*promised, None, None), strict=False):
            reigns = (Reign(1, 1, 0),)
            wait.resolve(epoch and Head(number=2, promised=epoch, reigns=reigns, length=0, whole=True))
        desk.ctx.calls.clear()
        desk.ctx.advance(5_000)
        return leases.last > past

    assert [told(1), told(1, 7), told(1, 1)] == [False, False, True]


def test_what_is_acknowledged_and_what_is_settled_outlive_a_power_loss() -> None:
    desk = Desk()
    desk.put(1, 2)
    desk.settle(desk.take()[0])
    assert desk.after(desk.ctx.power_loss()).browse().waiting == (2,)


def test_at_most_once_what_is_handed_out_is_gone() -> None:
    desk = Desk(mode=Mode.AT_MOST_ONCE)
    desk.put(1, 2)
    desk.take()
    next_life = desk.after(desk.ctx.power_loss())
    assert messages(next_life.take()) == [2]


def test_at_most_once_the_next_of_a_key_waits_for_its_holder_all_the_same() -> None:
    desk = Desk(mode=Mode.AT_MOST_ONCE)
    desk.put(1, 2)
    desk.take()
    assert desk.take() == ()
    desk.ctx.advance(VISIBLE_US)
    assert messages(desk.take()) == [2]


def test_a_message_that_comes_again_is_told_its_number_and_is_not_there_twice() -> None:
    desk = Desk(**DEDUP)
    assert (desk.put(1, 2), desk.put(1)) == ((1, 2), (1,))
    assert desk.browse().waiting == (1, 2)
    assert desk.broker.repeated == 1


def test_it_is_known_after_it_was_settled_and_after_a_restart() -> None:
    desk = Desk(**DEDUP)
    desk.put(1)
    desk.settle(desk.take()[0])
    assert desk.put(1) == (1,)
    next_life = desk.after(desk.ctx.power_loss())
    assert next_life.put(1) == (1,)
    assert next_life.browse().waiting == ()


def test_only_so_many_messages_are_known_and_settlements_are_none_of_them() -> None:
    desk = Desk(**DEDUP)
    for message in (1, 2, 3):
        desk.put(message)
        desk.settle(desk.take()[0])
    assert desk.put(1) == (1,), "three messages and three settlements, of which four ids are remembered"
    desk.put(4, 5)
    assert desk.put(1) == (6,), "it was forgotten, and is there anew"


def test_at_least_once_a_message_that_comes_again_is_there_twice() -> None:
    desk = Desk()
    assert (desk.put(1), desk.put(1)) == ((1,), (2,))
    assert desk.browse().waiting == (1, 1)


def test_a_poisoned_letter_parks_its_key_in_order_and_no_other() -> None:
    desk = Desk(**SEQUENCED)
    desk.put(1, 2)
    for _ in range(2):
        desk.settle(desk.take(9)[0], failed=1)
    desk.put(3)
    desk.put(7, key=7)
    assert desk.browse().parked == (1, 2, 3)
    assert messages(desk.take(9)) == [7]
    assert desk.ask(RetryParked()) == RetryTold(letters=3)
    assert messages(desk.take(9)) == [1, 2, 3]


def test_how_often_a_letter_failed_outlives_its_broker() -> None:
    desk = Desk(**SEQUENCED)
    desk.put(1)
    desk.settle(desk.take()[0], failed=1)
    next_life = desk.after(desk.ctx.process_crash())
    next_life.settle(next_life.take()[0], failed=1)
    assert next_life.browse().parked == (1,)


def test_a_full_shard_refuses_and_takes_again_once_there_is_room() -> None:
    desk = Desk(depth=2)
    assert desk.put(1, 2, 3) == (1, 2, REFUSED)
    assert desk.broker.refused == 1
    desk.settle(desk.take()[0])
    assert desk.put(4) == (3,)


def test_a_producer_waits_for_room_and_those_behind_it_in_turn() -> None:
    desk = Desk(depth=1, overflow=Overflow.WAIT, waiting=2)
    desk.put(1)
    second = desk.wait(Put(batch=(Sent(2, 0, 0),)), 10_000)
    third = desk.wait(Put(batch=(Sent(3, 0, 0),)), 10_000)
    assert desk.put(4) == (REFUSED,), "two wait already"
    assert [second.done, third.done] == [False, False]
    desk.settle(desk.take()[0])
    desk.ctx.advance(10_000)
    assert (second.value, third.done) == (Stored(numbers=(2,)), False)


def test_a_consumer_waits_for_the_first_letter() -> None:
    desk = Desk()
    asked = desk.wait(desk.request(wait_us=50_000), 10_000)
    assert not asked.done
    desk.put(1)
    assert messages(asked.value.handed) == [1]


def test_a_consumer_that_waits_in_vain_is_told_so() -> None:
    desk = Desk()
    asked = desk.wait(desk.request(wait_us=50_000), 60_000)
    assert asked.value == Given(handed=())


def test_without_order_who_waits_is_told_of_what_comes_while_another_holds_the_rest() -> None:
    desk = Desk(ordered=False)
    desk.put(1)
    desk.take()
    asked = desk.wait(desk.request(wait_us=90_000), 1_000)
    desk.put(2)
    assert asked.done, "before its time is over"
    assert messages(asked.value.handed) == [2]


def test_of_many_letters_that_come_back_at_once_each_goes_to_one_of_those_who_wait() -> None:
    desk = Desk(ordered=False)
    desk.put(1, 2, 3)
    desk.take(3)
    waiting = [desk.wait(desk.request(wait_us=2 * VISIBLE_US), 1_000) for _ in range(3)]
    desk.ctx.advance(VISIBLE_US)
    assert [messages(asked.value.handed) for asked in waiting if asked.done] == [[1], [2], [3]]


def test_the_networks_copy_of_a_request_holds_nothing() -> None:
    desk = Desk(ordered=False)
    desk.put(1, 2)
    earlier, request = desk.request(), desk.request()
    assert messages(desk.ask(request).handed) == [1]
    assert [desk.ask(request), desk.ask(earlier)] == [None, None], "nobody waits for what these would be given"
    assert messages(desk.take()) == [2]
    assert desk.broker.copies == 2


def test_a_copy_of_a_request_that_waits_waits_for_nothing() -> None:
    desk = Desk(ordered=False)
    request = desk.request(wait_us=50_000)
    first, copy = desk.wait(request, 1), desk.wait(request, 1)
    desk.put(1, 2)
    assert messages(first.value.handed) == [1]
    assert (copy.done, copy.value) == (True, None)
    assert messages(desk.take()) == [2]


def test_the_next_life_of_a_consumer_counts_its_requests_anew() -> None:
    desk = Desk(ordered=False)
    desk.put(1, 2)
    desk.take()
    reborn = desk.ask(Take(session=2, request=1, limit=1, wait_us=0))
    assert messages(reborn.handed) == [2]


def test_nothing_is_acknowledged_nor_handed_out_before_it_is_committed() -> None:
    desk = Desk(members=3, **DEDUP)
    first = desk.wait(Put(batch=(Sent(1, 0, 0),)), 20_000)
    again = desk.wait(Put(batch=(Sent(1, 0, 0),)), 20_000)
    assert [first.done, again.done] == [False, False], "nobody else has it"
    assert desk.take() == ()


def test_one_that_does_not_lead_says_who_does() -> None:
    ctx = FakeContext(at(2))
    broker = Broker(ctx, options(2, scheme=QUORUM, window=1), Lanes(), QueueOptions())
    ctx.start(broker)
    asked = ctx.deliver(broker, Take(session=1, request=1, limit=1, wait_us=0))
    assert isinstance(asked.value, Elsewhere)


def test_the_busiest_keys_are_counted() -> None:
    desk = Desk()
    for message in range(5):
        desk.put(message, key=3)
    desk.put(9, key=1)
    assert desk.browse().hot == ((3, 5), (1, 1))


def test_the_networks_copy_of_a_settlement_ends_nothing_before_it_is_durable_and_counts_no_second_failure() -> None:
    desk = Desk(**SEQUENCED)
    desk.put(1, 2)
    (handed,) = desk.take()
    failed = SettleAll(done=(Done(0, handed.receipt, (), 1),))
    desk.wait(failed, 1)
    desk.wait(failed, 1)
    desk.ctx.advance(10_000)
    assert desk.take() != (), "once, of two attempts, it has failed: it comes again"
    desk = Desk()
    desk.put(1, 2)
    (handed,) = desk.take()
    settled = SettleAll(done=(Done(0, handed.receipt, (1,)),))
    desk.wait(settled, 1)
    copy = desk.wait(settled, 1)
    assert (copy.done, len(desk.broker._leases.held)) == (False, 1), "what it says is not on the disk yet"
    desk.ctx.advance(10_000)
    assert isinstance(copy.value, SettleTold)
    assert messages(desk.take()) == [2]


def test_who_was_handed_a_log_without_its_head_leads_whatever_it_knew_before() -> None:
    desk = Desk(members=3)
    broker = desk.broker
    for _ in broker.journal.restart_at(5, ()):
        desk.ctx.advance(5_000)
    assert broker.committed < broker.journal.base.position == 5
    broker._lead()
    assert (broker._depth, broker._leases.shelves) == (0, {}), "and has nothing that may yet be taken back"
