"""The streams in memory: whatever is gone, evicted or deleted, they come to what a replay of everything comes to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.addressing import Scope, mint, pack_type
from models.domain import Denied, Event, State
from models.domains.bank_account import Account, BankAccount, Deposited
from models.store.log.appending import (
    Append,
    Expect,
    Idempotent,
    IdempotentNotReady,
    Ok,
    WrongExpectedVersion,
    decide_append,
)
from models.store.log.appending import Deleted as Tombstone
from models.store.log.chain import link
from models.store.log.entries import OWN, Closed, Control, Deleted, Entry, audit, audited, tip_after
from models.store.log.journal import Answered, Journal
from models.store.log.snapshots import Snapshot
from models.store.log.streams import Streams, command_key
from sim.testing import FakeContext

EVENT_TYPE = pack_type(Scope.SERVICE, command=False, domain=BankAccount.number)
DOMAIN = BankAccount(opening_balance=100)


@dataclass
class Naive:
    """What a stream is by the definition, from all its entries."""

    entries: list[Entry]

    @property
    def version(self) -> int:
        return len(self.entries)

    @property
    def state(self) -> Account:
        state = DOMAIN.initial()
        for entry in self.entries:
            gone = isinstance(entry.event, Deleted | Closed)
            state = DOMAIN.initial() if gone else DOMAIN.evolve(state, entry.event)
        return state

    @property
    def closed(self) -> bool:
        return any(isinstance(entry.event, Closed) for entry in self.entries)

    @property
    def first(self) -> int:
        """The version that readers find first, 0 where they find none."""
        first = 1
        for version, entry in enumerate(self.entries, 1):
            if isinstance(entry.event, Deleted | Closed):
                first = 0
            elif not first and entry.event.__class__ is not Denied:
                first = version
        return first


class Store:
    """A log with its streams, and beside them every entry there ever was."""

    def __init__(self, *, window: int = 1_000, cache: int | None = None, segment: int = 2) -> None:
        self.ctx = FakeContext()
        self.journal = Journal(self.ctx, segment=segment)
        self.window, self.cache = window, cache
        self.streams = Streams(DOMAIN, self.journal, window=window, cache=cache)
        self.all: list[Entry] = []
        self.snapshots: dict[tuple[int, int], Snapshot] = {}

    def write(self, event: Event, event_id: int, instance: int = 0, tenant: int = 0) -> Entry:
        stream = self.streams.of((tenant, instance))
        version, position = stream.version + 1, self.journal.length + 1
        tip = link(stream.tip, version, audited(event_id, event))
        address = mint(EVENT_TYPE, instance, version)
        entry = Entry(position, 1, position, 1, tenant, address, event_id, position, event, None, tip)
        self.journal.append(entry)
        self.all.append(entry)
        self.streams.apply(entry)
        return entry

    def take(self, key: tuple[int, int]) -> None:
        self.snapshots[key] = self.streams.snapshot(key, self.snapshots.get(key), 0)

    def drop(self, upto: int) -> None:
        """Let the head go, where snapshots cover it."""
        self.ctx.run(self.journal.durable_at, self.journal.length)
        self.ctx.advance(50_000)
        left = self.streams.answered_up_to(upto)
        self.ctx.run(self.journal.move_base, upto, left)
        self.ctx.advance(5_000)
        self.streams.forget_head(upto, left)
        self.journal.release_head()

    def restart(self) -> int:
        self.streams = Streams(DOMAIN, self.journal, window=self.window, cache=self.cache)
        return self.streams.rebuild(self.snapshots.values())

    def naive(self, key: tuple[int, int]) -> Naive:
        return Naive([one for one in self.all if (one.tenant, one.address >> 32 & (1 << 64) - 1) == key])

    def check(self) -> None:
        for key in self.streams:
            found, naive = self.streams.by_key[key], self.naive(key)
            if found.state is None:
                self.streams.load(key, self.snapshots.get(key))
            assert found.state == naive.state
            assert (found.version, found.closed) == (naive.version, naive.closed)
            assert (0 if found.deleted else found.first) == naive.first
            assert found.tip == naive.entries[-1].tip
            assert found.positions == [
                one.position for one in naive.entries if one.position > self.journal.base.position
            ]
            head = self.streams.head(key, self.journal.length)
            assert [head.id_at(version) for version in range(naive.version + 2)] == [
                None,
                *(one.event_id if one.position > self.journal.base.position else None for one in naive.entries),
                None,
            ]


def store_of(*plan: tuple[str, int], **more: Any) -> Store:
    """Deposits, `-` deletes, `!` closes, `?` is denied; a digit is the instance."""
    store = Store(**more)
    for number, (what, instance) in enumerate(plan, 1):
        events: dict[str, Event] = {
            "+": Deposited(amount=number),
            "-": Deleted(),
            "!": Closed(),
            "?": Denied(reason="x"),
        }
        store.write(events[what], number, instance)
    return store


steps = st.one_of(
    st.tuples(st.just("write"), st.sampled_from("++++--?!"), st.integers(0, 2), st.integers(0, 1)),
    st.tuples(st.just("take"), st.integers(0, 2), st.integers(0, 1)),
    st.tuples(st.just("drop"), st.floats(0, 1)),
    st.tuples(st.just("restart")),
)


@pytest.mark.parametrize(
    "ask",
    [
        lambda streams: [(key, one.version, one.state, one.tip) for key, one in streams.by_key.items()],
        list,
        lambda streams: list(streams.done),
        lambda streams: streams.get((0, 1)).positions,
        lambda streams: streams.of((0, 1)).version,
        lambda streams: streams.head((0, 1), 9).version,
        lambda streams: streams.entries_of((0, 1)),
        lambda streams: streams.load((0, 1), None),
        lambda streams: streams.snapshot((0, 1), None, 0),
        lambda streams: streams.answered_up_to(9),
    ],
)
def test_what_is_taken_later_is_there_for_whoever_asks(ask: Callable[[Streams], Any]) -> None:
    leader, follower = Store(), Store()
    sent = [leader.write(Deposited(amount=number), number, instance=number % 2) for number in range(1, 8)]
    follower.journal.extend(sent)
    follower.streams.later(sent[:3])
    follower.streams.apply(sent[3])  # after what was left for later
    follower.streams.later(sent[4:6])
    follower.streams.later(sent[6:])
    assert ask(follower.streams) == ask(leader.streams)


def test_to_derive_all_again_forgets_what_was_left_for_later() -> None:
    leader, follower = Store(), Store()
    sent = [leader.write(Deposited(amount=number), number) for number in range(1, 4)]
    follower.streams.later(sent)
    assert follower.streams.rebuild(()) == 0
    assert list(follower.streams) == []


@settings(max_examples=120, deadline=None)
@given(st.lists(steps, max_size=40), st.sampled_from([None, 1, 2]), st.integers(1, 6))
def test_from_snapshots_and_what_is_left_of_the_log_comes_what_all_of_it_comes_to(
    plan: Sequence[tuple[Any, ...]], cache: int | None, window: int
) -> None:
    store = Store(cache=cache, window=window)
    events: dict[str, Event] = {"+": Deposited(amount=3), "-": Deleted(), "!": Closed(), "?": Denied(reason="x")}
    for what, *how in plan:
        if what == "write":
            kind, instance, tenant = how
            if not store.streams.of((tenant, instance)).closed:
                store.write(events[kind], len(store.all) + 1, instance, tenant)
        elif what == "take":
            if (key := (how[1], how[0])) in store.streams.by_key:
                store.take(key)
        elif what == "drop":
            upto = round(how[0] * store.journal.length) // 2 * 2
            gone = [one for one in store.all if store.journal.base.position < one.position <= upto]
            keys = {(one.tenant, one.address >> 32 & (1 << 64) - 1) for one in gone}
            for key in keys:
                store.take(key)
            if gone:
                store.drop(upto)
        else:
            store.restart()
        remembered = [key & (1 << 128) - 1 for key, _ in store.streams.done]
        assert remembered == [one.event_id for one in store.all][-window:]
        if cache is not None:
            warm = [one for one in store.streams.by_key.values() if one.state not in (None, DOMAIN.initial())]
            assert len(warm) <= cache
    store.check()


def test_only_what_no_snapshot_covers_is_replayed() -> None:
    store = store_of(*[("+", 0)] * 5, ("+", 1))
    assert store.restart() == 6
    store.take((0, 0))

    assert store.restart() == 1
    store.check()


def test_a_log_that_begins_behind_what_a_snapshot_holds_is_refused() -> None:
    store = store_of(*[("+", 0)] * 3)
    store.take((0, 0))
    store.write(Deposited(amount=1), 4)
    store.write(Deposited(amount=1), 5)
    older = store.snapshots[0, 0]
    store.take((0, 0))
    store.drop(4)
    store.snapshots[0, 0] = older

    with pytest.raises(LookupError, match=r"known up to version 3, and the log goes on with 5: what lies between"):
        store.restart()
    store.snapshots.clear()
    with pytest.raises(LookupError, match="known up to version 0"):
        store.restart()


def test_a_command_is_known_by_what_it_came_to_also_when_its_entry_is_gone() -> None:
    store = store_of(("+", 0), ("?", 0), ("+", 0))
    store.take((0, 0))
    store.drop(2)

    first, second = store.all[:2]
    for _ in range(2):
        found = [store.streams.done.get(id_) for id_ in (1, 2, 3)]
        assert found == [Answered(1, first.address, None, None), Answered(2, second.address, None, "x"), 3]
        store.restart()


def test_an_image_of_an_earlier_position_is_what_the_streams_were_there() -> None:
    store = store_of(("+", 0), ("+", 1), ("+", 0), ("-", 1), ("+", 0))
    cut = store.streams.snapshot((0, 0), None, 7, upto=3)
    assert (cut.version, cut.position, cut.state, cut.taken_us) == (2, 3, Account(balance=104), 7)
    before = store.streams.snapshot((0, 1), None, 0, upto=3)
    assert (before.version, before.deleted, before.tip) == (1, False, store.all[1].tip)
    assert store.streams.snapshot((0, 1), None, 0, upto=1).version == 0


def test_a_chain_runs_through_deletions_and_is_audited_from_where_the_log_begins() -> None:
    store = store_of(("+", 0), ("-", 0), ("+", 0), ("+", 0))
    assert audit(store.streams.entries_of((0, 0))) is None
    store.take((0, 0))
    tip = store.all[1].tip
    store.drop(2)

    assert audit(store.streams.entries_of((0, 0)), after=2, tip=tip, kept=store.all[3].tip) is None
    assert store.streams.entries_of((0, 0), 3) == [store.all[3]]
    assert store.streams.entries_of((0, 9)) == []


ANY, NONE, SOME = Expect.ANY, Expect.NO_STREAM, Expect.STREAM_EXISTS


@pytest.mark.parametrize(
    ("plan", "append", "decision"),
    [
        ("", Append(1, NONE), Ok(1)),
        ("", Append(1, SOME), WrongExpectedVersion(SOME, 0)),
        ("++", Append(2, 1), Idempotent(2)),
        ("++", Append(3, 1), WrongExpectedVersion(1, 2)),
        ("++", Append(2, ANY), Idempotent(2)),
        ("+++", Append(3, ANY), IdempotentNotReady(3)),
        ("+++", Append(3, 2), IdempotentNotReady(3)),
        ("+-", Append(3, NONE), Ok(3)),
        ("+-", Append(3, SOME), WrongExpectedVersion(SOME, 2)),
        ("+-", Append(3, 2), Ok(3)),
        ("-+", Append(2, NONE), Idempotent(2)),
        ("+!", Append(3, ANY), Tombstone()),
    ],
)
@pytest.mark.parametrize("restarted", [False, True])
def test_the_head_of_a_stream_is_what_the_table_decides_on(
    plan: str, append: Append, decision: object, restarted: bool
) -> None:
    store = store_of(*[(what, 0) for what in plan])
    if restarted:
        store.restart()

    assert decide_append(store.streams.head((0, 0), replicated=2), append) == decision


def test_what_a_head_knows_of_entries_that_are_gone() -> None:
    store = store_of(("+", 0), ("+", 0), ("+", 0))
    store.take((0, 0))
    store.drop(2)
    head = store.streams.head((0, 0), replicated=3)

    assert decide_append(head, Append(1, ANY)) == Idempotent(1)  # remembered
    assert decide_append(head, Append(1, 0)) == Idempotent(1)
    assert decide_append(head, Append(9, 0)) == WrongExpectedVersion(0, 3)
    assert decide_append(head, Append(3, 2)) == Idempotent(3)


def test_tenants_do_not_share_streams_nor_commands() -> None:
    store = Store()
    store.write(Deposited(amount=1), 5, tenant=0)
    store.write(Deposited(amount=2), 5, tenant=1)
    assert [store.streams.by_key[tenant, 0].state for tenant in (0, 1)] == [Account(balance=101), Account(balance=102)]
    assert [store.streams.done.get(command_key(tenant, 5)) for tenant in (0, 1, 2)] == [1, 2, None]
    assert decide_append(store.streams.head((2, 0), 9), Append(5)) == Ok(1)
    store.check()


def test_an_id_of_another_stream_is_not_known_in_this_one() -> None:
    store = store_of(("+", 0))

    assert decide_append(store.streams.head((0, 1), 9), Append(1)) == Ok(1)


def test_a_cache_that_keeps_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="cache=0 keeps no state; give at least 1, or None for all"):
        Store(cache=0)


def test_a_stream_of_which_nothing_is_left_is_missed_where_its_snapshot_is_not_there() -> None:
    store = store_of(("+", 0), ("+", 1), ("+", 0))
    for key in ((0, 0), (0, 1)):
        store.take(key)
    store.drop(2)
    store.restart()
    store.check()

    del store.snapshots[0, 1]
    with pytest.raises(LookupError, match=r"2 streams began up to position 2, .* and snapshots cover 1 of them"):
        store.restart()


# -- the shard's own stream ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved(Control):
    """A fact about the shard."""

    where: int

    def after(self, state: State) -> State:
        return Places(where=(*(state.where if isinstance(state, Places) else ()), self.where))


@dataclass(frozen=True, slots=True, kw_only=True)
class Places(State):
    where: tuple[int, ...]


def test_what_a_shard_keeps_of_itself_is_a_stream_like_any_other_and_no_command_that_was_done() -> None:
    ctx = FakeContext()
    journal = Journal(ctx)
    streams = Streams(DOMAIN, journal, window=10)
    tip = 0
    for position, where in enumerate((3, 4, 5), start=1):
        event = Moved(where=where)
        tip = tip_after(tip, position, position, event)
        address = mint(EVENT_TYPE, 0, position)
        journal.append(Entry(0, 1, position, 1, OWN, address, position, 0, event, None, tip))
        streams.apply(journal.at(position))
    assert streams.by_key[OWN, 0].state == Places(where=(3, 4, 5))
    assert len(streams.done) == 0
    taken = streams.snapshot((OWN, 0), None, 0, upto=2)
    assert (taken.version, taken.state) == (2, Places(where=(3, 4)))

    again = Streams(DOMAIN, journal, window=10)
    assert again.rebuild([taken]) == 1
    assert again.by_key[OWN, 0].state == Places(where=(3, 4, 5))
    assert audit(again.entries_of((OWN, 0))) is None
