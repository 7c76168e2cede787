"""The log on the disk: what each tier outlives, segment by segment, against a list that forgets nothing."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.domains.bank_account import Deposited
from models.store.log.entries import Entry
from models.store.log.journal import Answered, Base, Journal, Tip
from models.store.schemes import Tier
from sim.testing import FakeContext

FLUSH = 1_000


def entry(position: int, event_id: int | None = None) -> Entry:
    event_id = position if event_id is None else event_id
    return Entry(position, 1, position, 1, 0, position, event_id, position, Deposited(amount=1), 1, 0)


def fill(log: Journal, count: int) -> None:
    for position in range(log.length + 1, log.length + count + 1):
        log.append(entry(position))


def log_of(ctx: FakeContext, *, tier: Tier = Tier.DEVICE, segment: int = 2) -> Journal:
    log = Journal(ctx, tier=tier, segment=segment)
    ctx.run(log.recover)
    ctx.advance(20 * FLUSH)
    return log


def durable(ctx: FakeContext, log: Journal, count: int) -> None:
    """Append so many, and wait until all is durable."""
    fill(log, count)
    ctx.run(log.durable_at, log.length)
    ctx.advance(20 * FLUSH)
    assert log.durable == log.length


def positions(log: Journal) -> list[int]:
    return [one.position for one in log.entries]


@pytest.mark.parametrize("tier", Tier)
@pytest.mark.parametrize("count", [1, 2, 5])
def test_what_is_appended_at_once_lies_as_if_one_by_one(tier: Tier, count: int) -> None:
    at_once, singly = (log_of(FakeContext(flush_us=FLUSH), tier=tier) for _ in range(2))
    for log in (at_once, singly):
        fill(log, 1)
    at_once.extend([entry(position) for position in range(2, count + 2)])
    fill(singly, count)
    assert (at_once.length, at_once.written) == (singly.length, singly.written) == (count + 1, singly.written)
    for log in (at_once, singly):
        log.save()
    files = [[log._disk.read(f"log.{number}") for number in range(4)] for log in (at_once, singly)]
    assert files[0] == files[1]
    assert at_once.entries == singly.entries


def test_entries_that_leave_a_gap_are_no_next_ones() -> None:
    log = log_of(FakeContext(flush_us=FLUSH))
    with pytest.raises(AssertionError, match="come next"):
        log.extend([entry(1), entry(3)])


def test_all_that_wait_during_a_flush_share_the_next() -> None:
    ctx = FakeContext(flush_us=FLUSH)
    log = log_of(ctx, segment=10)
    advances: list[tuple[int, int]] = []
    log.on_durable = lambda: advances.append((ctx.now_us(), log.durable))
    done: list[tuple[int, int]] = []

    def waiter(position: int) -> Generator[Any, Any, None]:
        assert (yield from log.durable_at(position))
        done.append((ctx.now_us(), position))

    start = ctx.now_us()
    fill(log, 1)
    ctx.run(waiter, 1)
    ctx.advance(500)
    for position in (2, 3):
        fill(log, 1)
        ctx.run(waiter, position)
    ctx.advance(5_000)

    assert done == [(start + 1_000, 1), (start + 2_000, 2), (start + 2_000, 3)]
    assert advances == [(start + 1_000, 1), (start + 2_000, 3)]


def test_no_segment_is_durable_before_the_one_in_front_of_it() -> None:
    ctx = FakeContext()
    log = log_of(ctx)
    fill(log, 5)
    seen: list[int] = []
    log.on_durable = lambda: seen.append(log.durable)
    ctx.run(log.durable_at, 5)
    ctx.advance(10 * FLUSH)

    assert seen == [2, 4, 5]
    assert [len(ctx.disk.read(f"log.{number}")) for number in range(4)] == [2, 2, 1, 0]


def test_what_outlives_the_process_is_flushed_before_it_is_trusted() -> None:
    ctx = FakeContext()
    fill(log_of(ctx), 3)
    born = ctx.process_crash()
    log = Journal(born, segment=2)

    born.run(log.recover)
    assert (log.durable, log.length) == (0, 3)
    born.advance(20 * FLUSH)

    assert (log.durable, positions(log)) == (3, [1, 2, 3])
    assert positions(log_of(born.power_loss())) == [1, 2, 3]


@pytest.mark.parametrize("flushed", range(6))
def test_recovery_stops_at_a_torn_record_in_whatever_segment_it_is(flushed: int) -> None:
    ctx = FakeContext()
    log = log_of(ctx)
    durable(ctx, log, flushed)
    fill(log, 5)

    born = ctx.power_loss(torn=True)
    log = log_of(born)
    assert positions(log) == list(range(1, flushed + 1))
    durable(born, log, 2)
    assert positions(log_of(born.power_loss())) == list(range(1, flushed + 3))


@pytest.mark.parametrize(
    ("tier", "process", "power"), [(Tier.HEAP, 2, 2), (Tier.PAGE_CACHE, 5, 2), (Tier.DEVICE, 5, 2)]
)
def test_what_a_crash_leaves_of_a_tier(tier: Tier, process: int, power: int) -> None:
    for how, left in (("process_crash", process), ("power_loss", power)):
        ctx = FakeContext()
        log = log_of(ctx, tier=tier)
        fill(log, 2)
        ctx.run(log.durable_at, 2)
        ctx.advance(20 * FLUSH)
        fill(log, 3)

        assert log.held == {Tier.HEAP: 5, Tier.PAGE_CACHE: 5, Tier.DEVICE: 2}[tier]
        assert log.written == (2 if tier is Tier.HEAP else 5)
        assert len(log_of(getattr(ctx, how)(), tier=tier).entries) == left


def test_truncation_returns_the_suffix_and_outlives_a_power_loss() -> None:
    ctx = FakeContext()
    log = log_of(ctx)
    durable(ctx, log, 7)
    removed: list[Entry] = []

    def cut() -> Generator[Any, Any, None]:
        removed.extend((yield from log.truncate(3)))

    ctx.run(cut)
    ctx.advance(20 * FLUSH)

    assert [one.position for one in removed] == [4, 5, 6, 7]
    assert (log.durable, log.length) == (3, 3)
    assert positions(log_of(ctx.power_loss())) == [1, 2, 3]


def test_who_waits_for_a_truncated_entry_is_told_that_it_is_not_durable() -> None:
    ctx = FakeContext()
    log = log_of(ctx)
    fill(log, 3)
    told: list[bool] = []

    def waiter() -> Generator[Any, Any, None]:
        told.append((yield from log.durable_at(3)))

    ctx.run(waiter)
    ctx.run(log.truncate, 1)
    ctx.advance(20 * FLUSH)

    assert told == [False]


def test_a_log_begins_behind_its_base_and_knows_what_was_answered_before() -> None:
    ctx = FakeContext()
    log = log_of(ctx)
    durable(ctx, log, 5)
    window = (Answered(1, 1, 7, None),)
    ctx.run(log.move_base, 4, window)
    ctx.advance(2 * FLUSH)
    assert positions(log) == [1, 2, 3, 4, 5]
    log.release_head()

    assert (positions(log), log.at(5).position) == ([5], 5)
    again = log_of(ctx.process_crash())
    assert (positions(again), again.base) == ([5], Base(4, 0, 0, window, (Tip(0, 0, 4, 0),)))


@pytest.mark.parametrize("us", [1, 500, 999, 1_001, 1_500])
def test_a_crash_at_a_truncation_of_the_head_leaves_one_end_or_the_other(us: int) -> None:
    for released in (False, True):
        ctx = FakeContext()
        log = log_of(ctx)
        durable(ctx, log, 5)
        ctx.run(log.move_base, 4, ())
        ctx.advance(us)
        if released and us > FLUSH:
            log.release_head()
        again = log_of(ctx.power_loss())

        assert positions(again) == ([5] if us > FLUSH else [1, 2, 3, 4, 5])
        assert [len(again._disk.read(f"log.{n}")) for n in (0, 1)] == ([0, 0] if us > FLUSH else [2, 2])


@pytest.mark.parametrize("power_lost", [False, True])
def test_a_head_that_went_does_not_come_back_where_the_log_begins_anew(power_lost: bool) -> None:
    ctx = FakeContext()
    log = log_of(ctx)
    durable(ctx, log, 7)
    for upto in (2, 4):
        ctx.run(log.move_base, upto, ())
        ctx.advance(20 * FLUSH)
        log.release_head()
    if power_lost:
        ctx = ctx.power_loss()
        log = log_of(ctx)
    ctx.run(log.restart_at, 0, ())
    ctx.advance(20 * FLUSH)

    ctx = ctx.power_loss()
    log = log_of(ctx)
    assert (log.length, log.base) == (0, Base())
    durable(ctx, log, 3)
    assert [len(ctx.disk.read(f"log.{number}")) for number in range(4)] == [2, 1, 0, 0]


def test_a_log_that_was_handed_a_snapshot_goes_on_in_the_middle_of_a_segment() -> None:
    ctx = FakeContext()
    log = log_of(ctx, segment=4)
    durable(ctx, log, 3)
    ctx.run(log.restart_at, 6, ())
    ctx.advance(20 * FLUSH)
    assert (log.length, log.durable, log.entries) == (6, 6, [])
    durable(ctx, log, 4)
    ctx.run(log.move_base, 8, ())
    ctx.advance(20 * FLUSH)
    log.release_head()

    log = log_of(ctx.power_loss(), segment=4)
    assert (log.base.position, positions(log)) == (8, [9, 10])


def test_a_segment_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="segment=0 holds no entry"):
        Journal(FakeContext(), segment=0)


# -- against a list ------------------------------------------------------------------------------------------


class Model:
    """A journal, beside what it must hold: `entries` by position, up to `length`, from `base` on."""

    def __init__(self, tier: Tier, segment: int) -> None:
        self.tier, self.segment = tier, segment
        self.ctx = FakeContext(flush_us=FLUSH)
        self.log = log_of(self.ctx, tier=tier, segment=segment)
        self.entries: dict[int, Entry] = {}
        self.length = self.base = 0
        self.written = 0
        self.cutting: tuple[str, int] | None = None

    def append(self, count: int) -> None:
        if self.cutting is not None and self.cutting[0] != "head":
            return
        for _ in range(count):
            self.length += 1
            self.written += 1
            self.entries[self.length] = entry(self.length, 1_000 + self.written)
            self.log.append(self.entries[self.length])

    def flush(self) -> None:
        self.ctx.run(self.log.durable_at, self.log.length)

    def cut(self, what: str, share: float) -> None:
        """Begin to cut the tail, the head or everything."""
        if self.cutting is not None:
            return
        if what == "tail":
            keep = self.base + round(share * (self.length - self.base))
            self.cutting = (what, keep)
            self.ctx.run(self._tail, keep)
        elif what == "head":
            upto = round(share * self.log.durable) // self.segment * self.segment
            if upto > self.base:
                self.cutting = (what, upto)
                self.ctx.run(self._head, upto)
        else:
            self.cutting = (what, round(share * (self.length + 5)))
            self.ctx.run(self._all, self.cutting[1])

    def _tail(self, keep: int) -> Generator[Any, Any, None]:
        yield from self.log.truncate(keep)
        self.length, self.cutting = keep, None

    def _head(self, upto: int) -> Generator[Any, Any, None]:
        yield from self.log.move_base(upto, ())
        self.log.release_head()
        self.base, self.cutting = upto, None

    def _all(self, position: int) -> Generator[Any, Any, None]:
        yield from self.log.restart_at(position, ())
        self.base = self.length = position
        self.cutting = None

    def crash(self, how: str, *, torn: bool) -> None:
        sure = self.log.durable if how == "power_loss" or self.tier is Tier.HEAP else self.log.written
        born = self.ctx.power_loss(torn=torn) if how == "power_loss" else self.ctx.process_crash()
        self.ctx = born
        self.log = log = log_of(born, tier=self.tier, segment=self.segment)
        what, where = self.cutting or ("", 0)
        self.cutting = None
        assert log.base.position in {self.base, *([where] if what in ("head", "all") else [])}
        if what == "all" and log.base.position == where and log.length == where:
            self.base = self.length = where
            return
        self.base = log.base.position
        if what != "all":
            assert log.length >= (min(sure, where) if what == "tail" else sure)
        assert log.length <= self.length
        self.length = log.length

    def check(self) -> None:
        """Nothing but what was written, in its place, without a hole."""
        log = self.log
        if self.cutting is None:
            assert (log.base.position, log.length) == (self.base, self.length)
            assert log.entries == [self.entries[position] for position in range(self.base + 1, self.length + 1)]
        assert log.durable <= log.length


steps = st.one_of(
    st.tuples(st.just("append"), st.integers(1, 4)),
    st.tuples(st.just("flush")),
    st.tuples(st.just("wait"), st.integers(1, 25)),
    st.tuples(st.just("cut"), st.sampled_from(["tail", "head", "head", "all"]), st.floats(0, 1)),
    st.tuples(st.just("crash"), st.sampled_from(["process_crash", "power_loss"]), st.booleans()),
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(Tier), st.integers(1, 4), st.lists(steps, max_size=25))
def test_whatever_is_cut_and_whenever_it_crashes_a_log_is_a_prefix_of_what_was_written(
    tier: Tier, segment: int, plan: list[tuple[Any, ...]]
) -> None:
    model = Model(tier, segment)
    for what, *how in plan:
        if what == "append":
            model.append(*how)
        elif what == "flush":
            model.flush()
        elif what == "wait":
            model.ctx.advance(how[0] * 250)
        elif what == "cut":
            model.cut(*how)
        else:
            model.crash(how[0], torn=how[1])
        model.check()
    model.ctx.advance(100 * FLUSH)
    model.check()
