"""A runbook: when a step begins, how it is tried, what is remembered, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest

from models.operations import Action, Change, Outcome, Runbook, RunbookOptions, Step
from models.store.backup import BackupQuery, Backups
from models.store.group.words import Copied, Fence, Fenced, Promote, Promoted, Restore, Status, StatusQuery
from models.store.schemes import Scheme, Tier
from sim.message import Message
from sim.testing import FakeContext
from sim.topology import Location
from tests.models.shards import Cluster, at

QUORUM = Scheme(name="multi-persist", tier=Tier.DEVICE, holders=2, copies=3)
MEMBERS = (at(1), at(2), at(3))
KEEPER = at(9, "backups")
SECOND = 1_000_000


def step(action: Action = Action.PROMOTE, *targets: int, **more: Any) -> Step:
    named = tuple(at(target) for target in targets or (2,))
    backup = KEEPER if action is Action.RESTORE else None
    values: dict[str, Any] = {"id": "s", "action": action, "shard": "bank", "members": MEMBERS, "targets": named}
    return Step(**(values | {"backup": backup} | more))


def desk(*steps: Step, ctx: FakeContext | None = None, **more: Any) -> tuple[FakeContext, Runbook]:
    ctx = ctx or FakeContext()
    made = Runbook(ctx, RunbookOptions(steps=steps, **more))
    ctx.start(made)
    ctx.advance(1_100)
    return ctx, made


def status(number: int, *, leads: bool = False, epoch: int = 1, **more: Any) -> Status:
    values: dict[str, Any] = {"progress": True, "length": 5, "whole": True, "ready": True}
    return Status(number=number, epoch=epoch, leads=leads, **(values | more))


def look(ctx: FakeContext, *found: Status | None) -> None:
    """Answer a round of questions to all members."""
    assert [msg for _, msg, _ in ctx.calls] == [StatusQuery()] * 3
    for one in found:
        ctx.answer(one)
    ctx.advance(1_100)


def asked(ctx: FakeContext) -> tuple[Location, Message]:
    (call,) = ctx.calls
    return call[0], call[1]


def told(ctx: FakeContext) -> list[int | str]:
    return [value for name, value in ctx.notes if name == "operation"]


LED = (status(1, leads=True), status(2), status(3))


def test_a_promotion_is_above_all_epochs_that_members_know() -> None:
    ctx, made = desk(step())
    look(ctx, status(1, leads=True, epoch=4), status(2, epoch=6), None)
    assert asked(ctx) == (at(2), Promote(epoch=7))
    ctx.answer(Promoted(epoch=7))
    ctx.advance(1_100)
    assert told(ctx) == ["s begun", "s done"]
    assert ("promoted", 7) in ctx.notes
    assert made.outcomes == {"s": Outcome.DONE}


def test_who_leads_already_is_not_promoted() -> None:
    ctx, _ = desk(step(Action.PROMOTE, 1))
    look(ctx, *LED)
    assert told(ctx) == ["s begun", "s done"]


def test_what_fails_is_tried_again_under_a_higher_epoch_until_patience_is_over() -> None:
    ctx, made = desk(step(patience_us=SECOND))
    look(ctx, *LED)
    ctx.answer(Promoted(epoch=2, leads=False))
    ctx.advance(500_100)
    look(ctx, *LED)
    assert asked(ctx) == (at(2), Promote(epoch=3))
    ctx.answer(None)
    ctx.advance(1_100)
    assert told(ctx) == ["s begun", "s gave-up"]
    assert made.outcomes == {"s": Outcome.GAVE_UP}


def test_nobody_is_asked_to_lead_who_does_not_know_where_it_stands() -> None:
    ctx, _ = desk(step())
    look(ctx, status(1), status(2, ready=False), status(3))
    assert ctx.calls == []


def test_a_step_begins_at_its_time_and_another_after_it() -> None:
    ctx, _ = desk(step(Action.PROMOTE, 1, at_us=2_000), step(Action.FENCE, 1, id="t", after="s", at_us=3_000))
    assert told(ctx) == []
    ctx.advance(2_000)
    look(ctx, *LED)
    assert told(ctx) == ["s begun", "s done"]
    ctx.advance(4_000)
    assert told(ctx)[-1] == "t begun"


def test_a_step_that_waits_for_one_that_was_given_up_is_given_up_too_and_says_so() -> None:
    first, second = step(id="add", patience_us=100_000), step(id="remove", after="add")
    third = step(id="tidy", after="remove")
    ctx, made = desk(first, second, third)
    look(ctx, None, None, None)
    ctx.advance(2 * SECOND)
    assert told(ctx) == [
        "add begun",
        "add gave-up",
        "remove gave-up: it waits for add, which was given up",
        "tidy gave-up: it waits for remove, which was given up",
    ]
    assert set(made.outcomes.values()) == {Outcome.GAVE_UP}
    assert ctx.calls == []
    born = ctx.process_crash()
    desk(first, second, third, ctx=born)
    assert told(born) == [], "a desk that dies remembers that"


def test_an_operator_acts_once_nobody_has_led_for_a_while() -> None:
    ctx, _ = desk(step(unled_us=SECOND))
    for found in (LED, (None, None, status(3)), (None, None, status(3))):
        look(ctx, *found)
        assert told(ctx) == []
        ctx.advance(500_100)
    look(ctx, None, status(2), status(3))
    assert told(ctx) == ["s begun"]


def test_a_fence_is_done_when_the_member_leads_no_more() -> None:
    ctx, _ = desk(step(Action.FENCE, 1))
    look(ctx, *LED)
    assert asked(ctx) == (at(1), Fence(epoch=2))
    ctx.answer(Fenced(number=1, promised=3, leads=True))
    ctx.advance(500_100)
    look(ctx, *LED)
    ctx.answer(Fenced(number=1, promised=3, leads=False))
    ctx.advance(1_100)
    assert told(ctx) == ["s begun", "s done"]


def test_of_those_that_are_left_the_one_with_the_most_is_forced() -> None:
    ctx, _ = desk(step(Action.DECLARE_LOST, 1))
    look(ctx, None, status(2, length=4), status(3, length=6))
    assert asked(ctx) == (at(3), Promote(epoch=2_002, force=True))
    ctx.answer(Promoted(epoch=2_002))
    ctx.advance(1_100)
    assert [note for note in ctx.notes if note[0] in ("forcing", "forced")] == [("forcing", 2_002), ("forced", 2_002)]


def test_nobody_is_forced_while_one_that_is_left_leads() -> None:
    ctx, _ = desk(step(Action.DECLARE_LOST, 3))
    look(ctx, status(1, leads=True), status(2), None)
    assert told(ctx) == ["s begun", "s done"]


def test_a_restore_hands_a_member_the_latest_backup() -> None:
    ctx, _ = desk(step(Action.RESTORE))
    look(ctx, status(1), status(2, epoch=3), status(3))
    assert asked(ctx) == (KEEPER, BackupQuery(shard="bank"))
    ctx.answer(Backups(asked_us=77, copy=Copied(position=5, snapshots=(), window=())))
    ctx.advance(2_100)
    assert asked(ctx) == (at(2), Restore(epoch=2_004, position=5, snapshots=(), window=()))
    ctx.answer(Promoted(epoch=2_004))
    ctx.advance(1_100)
    assert ("restored", 77) in ctx.notes
    assert told(ctx) == ["s begun", "s done"]


def test_a_restore_that_came_about_unheard_is_not_done_again() -> None:
    ctx, _ = desk(step(Action.RESTORE))
    look(ctx, *[status(n) for n in (1, 2, 3)])
    ctx.answer(Backups(asked_us=77, copy=Copied(position=5, snapshots=(), window=())))
    ctx.advance(2_100)
    ctx, _ = desk(step(Action.RESTORE), ctx=ctx.power_loss())
    look(ctx, status(1), status(2, leads=True, epoch=2_002), status(3))
    assert told(ctx) == ["s done"]


def test_without_a_backup_there_is_nothing_to_restore() -> None:
    ctx, _ = desk(step(Action.RESTORE))
    look(ctx, *[status(n) for n in (1, 2, 3)])
    ctx.answer(Backups(asked_us=0, copy=None))
    ctx.advance(1_100)
    assert told(ctx) == ["s begun"]


def test_a_desk_that_dies_remembers_what_was_done_and_which_epochs_it_gave_out() -> None:
    steps = (step(), step(Action.FENCE, 1, id="t", after="s"))
    ctx, _ = desk(*steps)
    look(ctx, *LED)
    ctx.answer(Promoted(epoch=2))
    ctx.advance(1_100)
    ctx, made = desk(*steps, ctx=ctx.power_loss())
    assert made.outcomes == {"s": Outcome.DONE}
    look(ctx, None, None, None)
    assert asked(ctx) == (at(1), Fence(epoch=3))


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(Message):
    type_id: ClassVar[int] = 0x4000_0F21
    change: str


class Words:
    """The words of a design whose members can change."""

    able = ()

    def request(self, change: Change) -> Message:
        return Asked(change=f"{change.shard} {'+' if change.add else '-'}")

    def is_done(self, change: Change, answer: Message) -> bool:
        return answer == Asked(change="yes")


@pytest.mark.parametrize(("action", "sign"), [(Action.ADD_HOST, "+"), (Action.REMOVE_HOST, "-")])
def test_members_are_asked_in_turn_for_a_change_until_one_says_that_it_is_done(action: Action, sign: str) -> None:
    ctx, _ = desk(step(action, 4), membership=Words())
    for member, answer in ((1, None), (2, Asked(change="no")), (3, Asked(change="yes"))):
        assert asked(ctx) == (at(member), Asked(change=f"bank {sign}"))
        ctx.answer(answer)
    ctx.advance(1_100)
    assert told(ctx) == ["s begun", "s done"]


def test_a_runbook_moves_the_lead_of_real_members() -> None:
    cluster = Cluster(scheme=QUORUM)
    where = cluster.add("runbook", Runbook, RunbookOptions(steps=(step(), step(Action.FENCE, 2, id="t", after="s"))))
    cluster.run(1_000)
    assert cluster.service(where).outcomes == {"s": Outcome.DONE, "t": Outcome.DONE}
    assert cluster.shard[2].epoch == 2
    assert not any(shard.leads for shard in cluster.shard.values())


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: replace(step(), targets=()), "acts on nobody"),
        (lambda: step(patience_us=0), "is no time to try"),
        (lambda: step(Action.DECLARE_LOST, 1, 2, 3), "leaves nobody to lead"),
        (lambda: step(Action.RESTORE, backup=None), "nobody keeps backups"),
        (lambda: RunbookOptions(steps=(step(), step())), "two steps are called 's'"),
        (lambda: RunbookOptions(steps=(step(after="t"), step(id="t"))), "no step before it"),
        (lambda: RunbookOptions(steps=(step(Action.ADD_HOST, 4),)), "a design that cannot"),
        (lambda: RunbookOptions(steps=(), retry_us=0), "is no time"),
    ],
)
def test_what_makes_no_sense_is_refused(make: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        make()
