"""What a consumer takes back where a lineage is without some of what went in."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from models.addressing import mint
from models.domains.bank_account import Deposited, Withdrawn
from models.reading.feeds import Batch, LogFeed, Stretch
from models.reading.mending import Mending
from models.reading.options import ProjectorOptions
from models.reading.owning import Owning
from models.reading.projections import Balances, Poisoned
from models.reading.views import Owed, Parked, Place, View, Views
from models.store.group.lineage import Reign
from models.store.log.entries import Entry
from models.store.requests import Accepted, Submit
from sim.host import Wait
from sim.testing.fake import FakeContext
from sim.topology import at_service, pack_location

BEFORE, AFTER = (Reign(1, 1, 0),), (Reign(1, 1, 0), Reign(2, 1, 2))
VIEWS = (at_service(pack_location(1, 1, 2), "view"),)


def entry(position: int, key: int, version: int) -> Entry:
    return Entry(0, 1, position, 1, 0, mint(1, key, version), 100 + position, 0, Deposited(amount=5), None, 0)


#: Accounts 7 and 8; the third event, of account 7, is gone under the later reign.
LOG = [entry(1, 7, 1), entry(2, 8, 1), entry(3, 7, 2)]


class Kept(LogFeed):
    """A member that has the first two."""

    def __init__(self) -> None:
        """Asks nobody."""

    def read(self, after: int, limit: int, stretch: Stretch, wait_us: int, *more: Any) -> Generator[Wait, Any, Batch]:
        yield from ()
        keys = more[0]
        kept = [one for one in LOG[after:2] if one.address >> 32 & (1 << 64) - 1 in keys]
        return Batch(0, after, 2, tuple((0, one) for one in kept), tuple(one.position for one in kept), AFTER, True, 0)


class Moved(Kept):
    """A member whose log went another way after the first; `others` counts how often another was to be asked."""

    def __init__(self) -> None:
        """Asks nobody."""
        self.others = 0

    def read(self, *asked: Any, **more: Any) -> Generator[Wait, Any, Batch]:
        batch = yield from super().read(*asked, **more)
        return batch._replace(reigns=(Reign(1, 1, 0), Reign(3, 2, 1)))

    def ask_another(self) -> None:
        self.others += 1


class Taking(Mending):
    """Takes back what it is told to."""

    def owed(self, one: Owning, *entries: Entry) -> tuple[Owed, ...]:
        return self._owed(one, [(0, entry) for entry in entries], ())

    def take_back(self, one: Owning, batch: Batch, keep: int) -> Generator[Wait, Any, bool]:
        return self._take_back(one, 0, batch, keep)


def test_what_is_owed_of_an_event_that_is_gone_is_announced_to_nobody() -> None:
    projection, ctx = Balances(0), FakeContext()
    seven = projection.apply(projection.apply(None, LOG[0], 0), LOG[2], 0)
    rows = (seven, projection.apply(None, LOG[1], 0))
    owed = (Owed(101, 7), Owed(102, 8), Owed(103, 7))
    one = Owning(ctx, 1, 1, 0, VIEWS, 1_000, Views())
    one.view = View(owner=1, token=1, rows=rows, places=(Place(3, BEFORE),), owed=owed)
    options = ProjectorOptions(number=1, order=((1,),), views=(VIEWS,), stretches=(Stretch(0, 1),))
    mending = Taking(ctx, options, projection, (Kept(),), None, 0)

    ctx.run(mending.take_back, one, Batch(0, 3, 3, (), (), AFTER, True, 0), 2)
    ((_, asked, _),) = ctx.calls
    assert isinstance(asked, Submit)
    ctx.answer(Accepted(command_id=asked.command_id, version=1, told=1), 0)
    ctx.advance(1)

    assert one.view.owed == (Owed(101, 7), Owed(102, 8))
    assert {row.key: row.version for row in one.view.rows} == {7: 1, 8: 1}


def taking(projection: Balances, feed: LogFeed, **view: Any) -> tuple[FakeContext, Taking, Owning]:
    """A consumer whose view has all three events in it, and what else is given."""
    ctx, fold = FakeContext(), Balances(0)
    seven = fold.apply(fold.apply(None, LOG[0], 0), LOG[2], 0)
    one = Owning(ctx, 1, 1, 0, VIEWS, 1_000, Views())
    one.view = View(owner=1, token=1, rows=(seven,), places=(Place(3, BEFORE),), **view)
    options = ProjectorOptions(number=1, order=((1,),), views=(VIEWS,), stretches=(Stretch(0, 1),), bell=VIEWS[0])
    return ctx, Taking(ctx, options, projection, (feed,), None, 0), one


def took_back(ctx: FakeContext, mending: Taking, one: Owning) -> None:
    ctx.run(mending.take_back, one, Batch(0, 3, 3, (), (), AFTER, True, 0), 2)
    for _ in range(len(ctx.calls)):
        _, asked, _ = ctx.calls[0]
        assert isinstance(asked, Submit)
        ctx.answer(Accepted(command_id=asked.command_id, version=1, told=1), 0)
    ctx.advance(1)


def test_what_cannot_be_projected_again_is_parked_with_place_and_reason() -> None:
    ctx, mending, one = taking(Poisoned(0, every=5), Kept())
    took_back(ctx, mending, one)
    assert one.view.parked == (Parked(0, 1, 7, 1, 101, "no projection of Deposited with amount=5"),)
    assert [(row.key, row.version) for row in one.view.rows] == [(7, 0)]
    assert ("parked", 7) in ctx.notes


def test_a_segment_goes_on_whose_stop_may_have_been_taken_back() -> None:
    ctx, mending, one = taking(Balances(0), Kept(), stopped="shard 0, position 4: no projection")
    took_back(ctx, mending, one)
    assert (one.view.stopped, one.view.place(0)) == ("", Place(2, AFTER))


def test_rows_are_not_made_again_from_a_log_that_went_another_way() -> None:
    feed = Moved()
    ctx, mending, one = taking(Balances(0), feed)
    took_back(ctx, mending, one)
    assert [(row.key, row.version) for row in one.view.rows] == [(7, 2)]
    assert (one.view.place(0).position, feed.others) == (3, 1)


@pytest.mark.parametrize(("shown", "told"), [(0, 0), (1, 1), (2, 1)])
def test_a_version_announces_from_when_it_is_shown_on_also_behind_a_later_one(shown: int, told: int) -> None:
    large = LOG[0]._replace(event=Withdrawn(amount=9))
    _, mending, one = taking(Balances(0, alarm=9), Kept())
    one.shown = shown
    assert len(mending.owed(one, large)) == told
