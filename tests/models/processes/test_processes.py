"""Processes: what a definition must have, what a step that took too long comes to, and that managers need no memory."""

from __future__ import annotations

from dataclasses import replace

import pytest

from experiments.scenario import ScenarioError, load
from models.addressing import mint
from models.domain import Application, Denied, Event
from models.domains.bank_account import BankAccount
from models.domains.transfer import (
    Abandon,
    Abandoned,
    Debited,
    Ordered,
    RecordCredit,
    RecordDebit,
    Transfer,
    TransferState,
)
from models.mixes import DOMAIN_SHIFT
from models.outbox.feed import FeedOptions, Follow, Followed
from models.outbox.submitting import StoreOptions, key_of
from models.processes.definition import Process
from models.processes.manager import Manager
from models.processes.purse import Cancel, Give, GiveBack, Purse, PurseState, Take
from models.processes.transfers import purse_of, transfer_process
from models.store.group.lineage import Reign
from models.store.log.entries import Entry
from models.store.requests import Accepted, Refused, Submit
from sim.testing.fake import FakeContext
from sim.topology import at_service, pack_location

ORDERS = at_service(pack_location(1, 1, 2), "transfer-0")
PURSES = at_service(pack_location(1, 1, 3), "purse-0")
PROCESS = Transfer.number << DOMAIN_SHIFT | 7
REIGNS = (Reign(epoch=1, region=1, start=0),)


def without(name: str) -> Process:
    made = transfer_process()
    return replace(made, steps=tuple(step for step in made.steps if step.name != name))


def test_a_process_without_a_compensation_is_refused_with_place_reason_and_way_out() -> None:
    with pytest.raises(
        ValueError,
        match=r"process 'transfer', step 'debit': step 'credit' may be denied after it, and "
        r"nothing takes it back; add a step with undoes='debit'",
    ):
        without("refund")


def test_a_transfer_may_do_without_a_compensation_where_nothing_is_denied_after_its_debit() -> None:
    never = {"compensates": False, "patience": "0s"}
    load("process_moved").with_system({**never, "ceiling": 0})
    with pytest.raises(ScenarioError, match=r"compensates = false: .*nothing takes it back; leave it out, or give"):
        load("process_moved").with_system(never)


def test_everything_wrong_with_a_process_is_told_at_once() -> None:
    debit, credit, refund = transfer_process().steps
    wrong = (
        replace(debit, cancel=None),
        replace(credit, name="debit", done=Take(amount=1)),
        replace(refund, denied=Abandon(), undoes="nothing"),
    )
    with pytest.raises(ValueError) as told:
        replace(transfer_process(), steps=wrong)
    for part in (
        "two have the name 'debit'",
        "may happen all the same later; give it `cancel`",
        "a compensation that may be denied compensates nothing",
        "undoes='nothing' is no step",
        "Take is no command of domain 'transfer'",
    ):
        assert part in str(told.value)


def test_an_application_owns_its_processes_and_their_commands_have_owners() -> None:
    made = Application("bank", (Purse(), Transfer()), (transfer_process(),))
    assert list(made.processes) == ["transfer"]
    with pytest.raises(
        ValueError, match=r"process 'transfer': it sends Cancel, .*sends GiveBack, .*add the one that does"
    ):
        Application("bank", (BankAccount(), Transfer()), (transfer_process(),))


def test_a_purse_has_a_ceiling_and_what_comes_back_may_exceed_it() -> None:
    purse, full = Purse(ceiling=10), PurseState(balance=10)
    assert purse.decide(full, Give(amount=1)) == Denied(reason="full")
    assert purse.evolve(full, purse.decide(full, GiveBack(amount=1))).balance == 11
    assert purse.decide(full, Cancel()) == Denied(reason="cancelled")


def managed(ctx: FakeContext | None = None) -> FakeContext:
    """A manager that has read of one order at time 0."""
    ctx = ctx or FakeContext()
    store = StoreOptions(shards=((Purse.number, ((PURSES,),)), (Transfer.number, ((ORDERS,),))), patience_us=100_000)
    feed = FeedOptions(consumer="manager", shards=((ORDERS,),))
    ctx.start(Manager(ctx, feed, store, transfer_process(patience_us=1_000_000)))
    ctx.advance(1)
    ordered = Ordered(source=1, target=2, amount=5)
    entry = Entry(0, 1, 1, 1, 0, mint(1, PROCESS, 1), 1, 0, ordered, None, 0)
    ctx.answer(Followed(reigns=(Reign(epoch=1, region=1, start=0),), after=0, entries=(entry,), upto=1), 0)
    ctx.advance(1)
    return ctx


def test_a_manager_stands_still_where_what_it_needs_of_the_log_is_gone() -> None:
    ctx = managed()
    before = len(ctx.sent)
    debited = Entry(0, 1, 6, 1, 0, mint(1, PROCESS, 3), 6, 0, Debited(), None, 0)
    call = next(i for i, (_, msg, _) in enumerate(ctx.calls) if isinstance(msg, Follow))
    ctx.answer(Followed(reigns=(Reign(epoch=1, region=1, start=0),), after=5, entries=(debited,), upto=6), call)
    ctx.advance(50_000)
    assert ("feed-gap", 4) in ctx.notes
    asked_for = [msg for _, msg in ctx.sent[before:]]
    assert all(isinstance(msg, Follow) and msg.after == 1 for msg in asked_for)
    assert asked_for


def asked(ctx: FakeContext) -> Submit:
    """The latest that was asked of the store."""
    return [msg for _, msg, _ in ctx.calls if isinstance(msg, Submit)][-1]


def answer(ctx: FakeContext, msg: Accepted | Refused) -> None:
    """Answer it, or the next attempt if it has timed out."""
    while not (still := [i for i, (_, m, wait) in enumerate(ctx.calls) if isinstance(m, Submit) and not wait.done]):
        ctx.advance(10_000)
    ctx.answer(msg, still[-1])
    ctx.advance(1)


def test_a_step_is_sent_under_a_key_of_process_and_step_and_written_down_as_it_came_out() -> None:
    ctx = managed()
    request = asked(ctx)
    assert (request.aggregate, request.command) == (purse_of(1), Take(amount=5))
    assert request.command_id == key_of("transfer", PROCESS, "debit")
    answer(ctx, Accepted(command_id=0, version=1, told=5))
    assert asked(ctx).command == RecordDebit()


def test_a_step_that_is_denied_is_written_down_as_such() -> None:
    ctx = managed()
    answer(ctx, Refused(command_id=0, version=1, reason="insufficient funds"))
    assert asked(ctx).command == Abandon()


def test_a_manager_that_died_sends_the_same_under_the_same_key() -> None:
    ctx = managed()
    before = asked(ctx)
    again = managed(ctx.disk_loss())
    assert asked(again) == before


def test_a_step_that_took_too_long_is_cancelled_under_its_own_key_and_the_answer_tells_which_won() -> None:
    for won, written in (
        (Accepted(command_id=0, version=1, told=5), RecordDebit),
        (Refused(command_id=0, version=1, reason="cancelled"), Abandon),
    ):
        ctx = managed()
        key = asked(ctx).command_id
        ctx.advance(1_500_000)
        request = asked(ctx)
        assert (request.command, request.command_id) == (Cancel(), key)
        answer(ctx, won)
        assert type(asked(ctx).command) is written


def test_nothing_is_sent_while_events_are_read_again() -> None:
    ctx = FakeContext()
    store = StoreOptions(shards=((Purse.number, ((PURSES,),)), (Transfer.number, ((ORDERS,),))))
    made = Manager(ctx, FeedOptions(consumer="manager", shards=((ORDERS,),)), store, transfer_process())
    ctx.start(made)
    ctx.advance(1)
    entry = Entry(0, 1, 1, 1, 0, mint(1, PROCESS, 1), 1, 0, Ordered(source=1, target=2, amount=5), None, 0)
    ctx.answer(Followed(reigns=(Reign(epoch=1, region=1, start=0),), after=0, entries=(entry,), upto=9), 0)
    ctx.advance(1)
    assert [type(msg) for _, msg, _ in ctx.calls] == [Follow]
    assert RecordCredit() not in [getattr(msg, "command", None) for _, msg, _ in ctx.calls]


def test_what_one_shard_took_back_leaves_the_processes_of_another_as_they_were() -> None:
    ctx = FakeContext()
    store = StoreOptions(shards=((Purse.number, ((PURSES,),)), (Transfer.number, ((ORDERS,), (PURSES,)))))
    made = Manager(ctx, FeedOptions(consumer="manager", shards=((ORDERS,), (PURSES,))), store, transfer_process())
    ctx.start(made)
    ctx.advance(1)
    reigns = (Reign(epoch=1, region=1, start=0),)
    for key in (PROCESS, PROCESS + 1):
        ordered = Ordered(source=1, target=2, amount=5)
        entry = Entry(0, 1, 1, 1, 0, mint(1, key, 1), 1, 0, ordered, None, 0)
        ctx.answer(Followed(reigns=reigns, after=0, entries=(entry,), upto=9))
    ctx.advance(1)
    assert list(made.states) == [PROCESS, PROCESS + 1]
    another = (*reigns, Reign(epoch=2, region=1, start=0))
    ctx.answer(Followed(reigns=another, after=1, entries=(), upto=1))
    ctx.advance(1)
    assert (made.at, list(made.states)) == ({0: 0, 1: 1}, [PROCESS + 1])


def test_a_process_that_is_over_is_forgotten_and_of_an_answer_only_what_is_new_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ctx = FakeContext()
    store = StoreOptions(shards=((Purse.number, ((PURSES,),)), (Transfer.number, ((ORDERS,),))))
    process = transfer_process()
    made = Manager(ctx, FeedOptions(consumer="manager", shards=((ORDERS,),)), store, process)
    looked: list[int] = []
    stage_of = process.stage_of

    def counting(state: TransferState) -> str:
        looked.append(state.source)
        return stage_of(state)

    made.manages(replace(process, stage_of=counting))
    ctx.start(made)

    def told(after: int, *events: tuple[int, Event]) -> int:
        """How many looks at a state a batch of events costs."""
        looked.clear()
        entries = tuple(
            Entry(0, 1, after + at, 1, 0, mint(1, PROCESS + key, 1), after + at, 0, event, None, 0)
            for at, (key, event) in enumerate(events, 1)
        )
        ctx.advance(1)
        batch = Followed(reigns=REIGNS, after=after, entries=entries, upto=after + len(entries))
        (place,) = (at for at, (_, msg, wait) in enumerate(ctx.calls) if isinstance(msg, Follow) and not wait.done)
        ctx.answer(batch, place)
        ctx.advance(1)
        return len(looked)

    first = told(0, (0, Ordered(source=1, target=2, amount=5)))
    told(1, *((key, Ordered(source=1, target=2, amount=5)) for key in range(1, 51)))
    assert told(51, (51, Ordered(source=1, target=2, amount=5))) == first

    told(52, *((key, Abandoned(owed=False)) for key in range(51)))
    assert list(made.states) == [PROCESS + 51]


def test_a_stage_at_which_something_is_due_is_not_final() -> None:
    with pytest.raises(ValueError, match="stage 'owed' is final, and something is due there"):
        replace(transfer_process(), final=frozenset(("done", "owed")))


def test_everything_wrong_with_a_deployment_is_told_at_once() -> None:
    with pytest.raises(ScenarioError) as told:
        load("process_transfers").with_system({"ceiling": 10, "purses": "nowhere", "shards": 0})
    for part in ("raise the ceiling", "'nowhere' is no persistence scheme", "shards = 0: stores nothing"):
        assert part in str(told.value)
