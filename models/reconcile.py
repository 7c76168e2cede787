"""The operator: after a failover, people submit the set-aside commands to the new home.

It is a service of the region, polls the stores there, waits a while after the first divergent
entry turned up (somebody has to be woken and look), and then submits the commands at a set rate,
each with the id that it had the first time. Accepted: merged. Denied by a rule of the domain: the
acknowledged outcome is reversed, and somebody is owed an explanation. It keeps nothing: the
stores' files say what is left, and a command submitted twice finds its outcome.

The rate is a schedule: the k-th command is due k / rate after the first, however long the new home
takes to answer, so several may be under way. They leave in the order of the lost log; two of one
account that are close together may still be overtaken by one another on the way.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Final

from models.domain import Domain
from models.store.group.aside import AsideKey, DivergentQuery, Reconciled, aside_key
from models.store.log.entries import Entry, instance_of
from models.store.requests import Accepted, Refused, Submit
from sim.host import Context, Service, Wait
from sim.topology import Location

__all__ = ["Operator", "OperatorOptions"]

#: New entries in one look.
_PAGE: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorOptions:
    """How the people of a region work.

    Attributes:
        stores: The shards of the region.
        delay_us: From finding divergent entries to the first command.
        rate_per_s: Commands a second from then on.
        poll_us: Between looks; also how much lateness is made up for by working faster.
        timeout_us: Patience with one answer.
        under_way: Most commands submitted and not yet dealt with.
    """

    stores: tuple[Location, ...]
    delay_us: int
    rate_per_s: float
    poll_us: int = 1_000_000
    timeout_us: int = 1_000_000
    under_way: int = 64

    def __post_init__(self) -> None:
        if not self.rate_per_s > 0:
            raise ValueError(f"{self.rate_per_s=} never ends; give a rate above 0")
        if self.under_way < 1:
            raise ValueError(f"{self.under_way=} submits nothing; give at least 1")


class Operator(Service):
    """The operators of one region.

    Args:
        ctx: Their host.
        options: How they work.
        domain: Says which command leads to an event again; one that none leads to is given up, and owed.
    """

    def __init__(self, ctx: Context, options: OperatorOptions, domain: Domain[Any]) -> None:
        super().__init__(ctx)
        self._domain = domain
        self.options = options
        self._under_way: set[tuple[Location, AsideKey]] = set()
        self._one_done = ctx.wait()

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
            yield from self._work(left)

    def _work(self, left: list[tuple[Location, Entry]]) -> Generator[Wait, Any, None]:
        """Submit on schedule, from `left` on, until nothing is left."""
        options = self.options
        start_us, submitted = self.ctx.mono_us(), 0
        while left:
            fresh = [(store, entry) for store, entry in left if (store, aside_key(entry)) not in self._under_way]
            for store, entry in fresh:
                while len(self._under_way) >= options.under_way:
                    yield self._one_done
                due_us = start_us + round(submitted * 1_000_000 / options.rate_per_s)
                late_us = self.ctx.mono_us() - due_us
                if late_us > options.poll_us:
                    start_us, submitted = self.ctx.mono_us(), 0  # who stood still does not rush after
                elif late_us < 0:
                    yield self.ctx.sleep(-late_us)
                submitted += 1
                self._under_way.add((store, aside_key(entry)))
                self.ctx.set_timer(0, self._reconcile, store, entry)
            if not fresh:
                yield self._one_done
            left = yield from self._left()

    def _left(self) -> Generator[Wait, Any, list[tuple[Location, Entry]]]:
        """What the stores have left, a page each."""
        options = self.options
        found = []
        for store in options.stores:
            # What is under way is still among it.
            reply = yield self.ctx.call(store, DivergentQuery(limit=options.under_way + _PAGE), options.timeout_us)
            if reply is not None:
                found += [(store, entry) for entry in reply.entries]
        return found

    def _reconcile(self, store: Location, entry: Entry) -> Generator[Wait, Any, None]:
        timeout_us = self.options.timeout_us
        command = self._domain.again(entry.event)
        answer = None
        if command is not None:
            request = Submit(
                command_id=entry.event_id,
                aggregate=instance_of(entry.address),
                command=command,
                tenant=entry.tenant,
            )
            answer = yield self.ctx.call(store, request, timeout_us)
        if command is None or isinstance(answer, Accepted | Refused):
            key = aside_key(entry)
            merged = isinstance(answer, Accepted)
            done = Reconciled(epoch=key.epoch, position=key.position, command_id=key.command_id, merged=merged)
            yield self.ctx.call(store, done, timeout_us)
        # Otherwise it is still among what is left at the next look.
        self._under_way.discard((store, aside_key(entry)))
        done_one, self._one_done = self._one_done, self.ctx.wait()
        done_one.resolve()
