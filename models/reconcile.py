"""The operator: after a failover, people submit the set-aside commands to the new home.

It is a service of the region, polls the stores there, waits a while after the first divergent
entry turned up (somebody has to be woken and look), and then submits one command after another
at a bounded rate, with the id that it had the first time. Accepted: merged. Denied by a rule of
the domain: the acknowledged outcome is reversed, and somebody is owed an explanation. It keeps
nothing: the stores' files say what is left, and a command submitted twice finds its outcome.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from models.bank import BankCommand, Deposit, Deposited, Withdraw
from models.eventlog import Entry
from models.failover import DivergentQuery, Reconciled
from models.requests import Accepted, Refused, Submit
from sim.host import Context, Service, Wait
from sim.topology import Location

__all__ = ["Operator", "OperatorOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorOptions:
    """How the people of a region work.

    Attributes:
        stores: The shards of the region.
        delay_us: From finding divergent entries to the first command.
        rate_per_s: Commands a second from then on.
        poll_us: Between looks.
        timeout_us: Patience with one answer.
    """

    stores: tuple[Location, ...]
    delay_us: int
    rate_per_s: float
    poll_us: int = 1_000_000
    timeout_us: int = 1_000_000

    def __post_init__(self) -> None:
        if not self.rate_per_s > 0:
            raise ValueError(f"{self.rate_per_s=} never ends; give a rate above 0")


class Operator(Service):
    """The operators of one region."""

    def __init__(self, ctx: Context, options: OperatorOptions) -> None:
        super().__init__(ctx)
        self.options = options

    def start(self) -> Generator[Wait, Any, None]:
        """Look, wait, work; for as long as the region lives."""
        options = self.options
        found_us: int | None = None
        while True:
            yield self.ctx.sleep(options.poll_us)
            left = yield from self._left()
            if not left:
                found_us = None
                continue
            if found_us is None:
                found_us = self.ctx.mono_us()
            if self.ctx.mono_us() - found_us < options.delay_us:
                continue
            for store, entry in left:
                yield self.ctx.sleep(max(1, round(1_000_000 / options.rate_per_s)))
                yield from self._reconcile(store, entry)

    def _left(self) -> Generator[Wait, Any, list[tuple[Location, Entry]]]:
        """What the stores have left, a page each."""
        found = []
        for store in self.options.stores:
            reply = yield self.ctx.call(store, DivergentQuery(limit=50), self.options.timeout_us)
            if reply is not None:
                found += [(store, entry) for entry in reply.entries]
        return found

    def _reconcile(self, store: Location, entry: Entry) -> Generator[Wait, Any, None]:
        timeout_us = self.options.timeout_us
        answer = yield self.ctx.call(store, Submit(command=_command_of(entry)), timeout_us)
        if isinstance(answer, Accepted | Refused):
            done = Reconciled(epoch=entry.epoch, position=entry.position, merged=isinstance(answer, Accepted))
            yield self.ctx.call(store, done, timeout_us)
        # Otherwise it is still among what is left at the next look.


def _command_of(entry: Entry) -> BankCommand:
    """The command that an event came from."""
    event = entry.event
    kind = Deposit if event.__class__ is Deposited else Withdraw
    return kind(command_id=event.command_id, account=event.account, amount=event.amount)
