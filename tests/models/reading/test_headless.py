"""A log whose head is gone before a reader had it: no view is made of the rest, and the reader says why."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from models.addressing import mint
from models.domain import Denied
from models.domains.bank_account import Deposited
from models.reading.feeding import Pulled
from models.reading.feeds import Batch, LogFeed, Stretch
from models.reading.live import LiveView
from models.reading.options import ProjectorOptions
from models.reading.projections import Balances, Row
from models.reading.projector import Projector
from models.reading.views import Claim, Place, Save, View, Views
from models.reading.words import LoadView, Query, Rows, ViewIs
from models.store.group.lineage import Reign
from models.store.log.entries import Entry
from models.store.requests import Accepted, Submit
from sim.host import Wait
from sim.testing import FakeContext
from sim.topology import at_service, pack_location

FIRST, SECOND = (at_service(pack_location(1, 1, number), "store") for number in (1, 2))
KEEPER = at_service(pack_location(1, 1, 3), "view")
REIGN, LATER = Reign(1, 1, 0), Reign(2, 1, 5)
WHY = "shard 0: its log begins behind position 4, and up to 0 it is known here"


def entry(position: int, version: int) -> Entry:
    return Entry(1, 1, position, 0, 0, mint(0, 7, version), position, 0, Deposited(amount=1), None, 0)


def pulled(base: int, *entries: Entry) -> Pulled:
    return Pulled(
        shard=0,
        reigns=(REIGN,),
        led=True,
        after=0,
        upto=base + len(entries),
        committed=base + len(entries),
        base=base,
        entries=entries,
    )


def test_a_live_view_does_not_answer_out_of_a_log_without_its_head_and_asks_another_member() -> None:
    ctx = FakeContext()
    view = LiveView(ctx, [LogFeed(ctx, 0, (FIRST, SECOND))], Balances(100), batch=10, project_us=0)
    asked = ctx.deliver(view, Query(keys=(7,)))
    ctx.answer(pulled(4, entry(5, 5)))
    ctx.advance(1)
    assert isinstance(asked.value, Rows)
    assert (asked.value.fresh, asked.value.rows, asked.value.heard_us) == (False, (), 0)
    assert asked.value.stopped.startswith(WHY)
    again = ctx.deliver(view, Query(keys=(7,)))
    assert ctx.calls[0][0] == SECOND
    ctx.answer(pulled(0, *(entry(n, n) for n in range(1, 6))))
    ctx.advance(1)
    assert isinstance(again.value, Rows)
    assert (again.value.fresh, [row.version for row in again.value.rows], again.value.stopped) == (True, [5], "")


class OneBatch(LogFeed):
    """Hands out the same whatever it is asked."""

    def __init__(self, ctx: FakeContext, batch: Batch) -> None:
        super().__init__(ctx, 0, (FIRST,))
        self.batch = batch

    def read(self, *asked: Any, **more: Any) -> Generator[Wait, Any, Batch | None]:
        yield self._ctx.sleep(1_000)
        return self.batch._replace(after=asked[0])


def consumer(batch: Batch, view: View) -> tuple[FakeContext, list[Any]]:
    """What a consumer writes into a view that it has claimed, while its feed has this batch."""
    ctx, domain = FakeContext(), Views()
    options = ProjectorOptions(number=1, order=((1,),), views=((KEEPER,),), stretches=(Stretch(0, 1 << 64),))
    ctx.start(Projector(ctx, options, Balances(100), [OneBatch(ctx, batch)], domain))
    written: list[Any] = []
    for _ in range(300):
        ctx.advance(1_000)
        while ctx.calls:
            message = ctx.calls[0][1]
            if isinstance(message, LoadView):
                ctx.answer(ViewIs(state=view, shown=1))
            elif isinstance(message, Submit):
                written.append(message.command)
                event = domain.decide(view, message.command)
                assert not isinstance(event, Denied)
                view = domain.evolve(view, event)
                ctx.answer(Accepted(command_id=message.command_id, version=1, told=0))
            else:
                raise AssertionError(message)
    return ctx, written


def test_a_segment_stands_still_and_says_why_where_the_head_of_a_log_is_gone() -> None:
    batch = Batch(0, 0, 5, ((0, entry(5, 5)),), (5,), (REIGN,), True, 4)
    ctx, written = consumer(batch, View())
    claim, save = written[:2]
    assert isinstance(claim, Claim)
    assert isinstance(save, Save)
    assert save.stopped.startswith(WHY)
    assert not any(one.rows for one in written if isinstance(one, Save))
    assert ("headless", 0) in ctx.notes


def test_rows_are_not_made_again_from_a_log_without_its_head() -> None:
    row = Row(7, 6, 6, 106, 6, 0, 0, 6)
    view = View(rows=(row,), places=(Place(6, (REIGN,)),))
    taken_back = Batch(0, 6, 5, (), (), (REIGN, LATER), True, 4)
    ctx, written = consumer(taken_back, view)
    assert [type(one) for one in written if isinstance(one, Save)] == []
    assert ("headless", 0) in ctx.notes
