"""A consumer of an outbox: it takes each message once, as long as it remembers its id."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Final

from models.delivery_ends import Receipt
from models.outbox.words import Deliver, Took
from models.store.log.dedup import Window
from sim.host import Context, Service, Wait, handles
from sim.storage import TORN
from sim.topology import Location

__all__ = ["Consumer"]

_RECEIVED: Final = "received"
_NUMBER_BITS: Final = 32


class Consumer(Service):
    """Takes messages in the order in which they come.

    Args:
        ctx: Its host.
        window: Ids that it remembers.

    Attributes:
        received: What it took, in order.
        repeated: How many it was sent again.
    """

    def __init__(self, ctx: Context, window: int) -> None:
        super().__init__(ctx)
        self.received: list[Receipt] = []
        self.repeated = 0
        self._known: Window[bool] = Window(window)

    def start(self) -> None:
        """Read back what was taken; a record that was cut short was never acknowledged."""
        records = self.ctx.disk.read(_RECEIVED)
        sound = next((i for i, record in enumerate(records) if record is TORN), len(records))
        if sound < len(records):
            self.ctx.disk.truncate(_RECEIVED, sound)
        for receipt in records[:sound]:
            self._enter(receipt)

    @handles(Deliver)
    def on_deliver(self, msg: Deliver, sender: Location) -> Generator[Wait, Any, Took]:
        """Take it, unless it is known."""
        before = self.knows(msg)
        if before:
            self.repeated += 1
        else:
            receipt = Receipt(msg.key, msg.number)
            self.ctx.disk.append(_RECEIVED, receipt)
            self._enter(receipt)
        yield self.ctx.disk.flush(_RECEIVED)
        return Took(key=msg.key, number=msg.number, before=before)

    def knows(self, msg: Deliver) -> bool:
        """Whether it remembers to have taken a message."""
        return self._known.get(_id(Receipt(msg.key, msg.number))) is not None

    def _enter(self, receipt: Receipt) -> None:
        self.received.append(receipt)
        self._known.put(_id(receipt), True)


def _id(receipt: Receipt) -> int:
    return receipt.key << _NUMBER_BITS | receipt.number
