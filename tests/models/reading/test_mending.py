"""What a consumer takes back where a lineage is without some of what went in."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from models.addressing import mint
from models.domains.bank_account import Deposited
from models.reading.feeds import Batch, LogFeed, Stretch
from models.reading.mending import Mending
from models.reading.options import ProjectorOptions
from models.reading.owning import Owning
from models.reading.projections import Balances
from models.reading.views import Owed, Place, View, Views
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


class Taking(Mending):
    """Takes back what it is told to."""

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
