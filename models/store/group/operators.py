"""The operators of a store: people who look whether a shard is led, and promote a member if it is not.

A shard is led if a member says that it leads and what it appends comes to count. Where nobody has for
`patience_us`, the operator promotes the whole member with the latest reign and the longest log; one that
leads and does not get on, or could not be promoted, only after the others: it may hear nobody. Where
not enough members answer, nobody may lead without losing what only the silent ones have; after
`force_after_us` more the operator declares that lost and forces it. Epochs are counted on the
operator's disk, so none is given twice.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from models.store.group.words import Promote, Promoted, Status, StatusQuery
from sim.host import Context, Service, Wait
from sim.storage import TORN
from sim.topology import Location

__all__ = ["ShardOperator", "ShardOperatorOptions"]

#: A forced reign has no quorum's promise, so somebody whom it did not reach may count on from the same number and begin
#: another under it. It leaps ahead of whatever others may have counted to by the time that they hear of it.
_LEAP: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardOperatorOptions:
    """How the operators of some shards work.

    Attributes:
        shards: The members of each shard, the preferred leader first.
        patience_us: From finding a shard without a leader to promoting another.
        force_after_us: From then to forcing it; None for never.
        poll_us: Between looks.
        ask_us: Patience with one answer to a look.
        promote_us: Patience with a promotion, which has to ask others and take over what they have.
    """

    shards: tuple[tuple[Location, ...], ...]
    patience_us: int
    force_after_us: int | None = None
    poll_us: int = 250_000
    ask_us: int = 500_000
    promote_us: int = 3_000_000

    def __post_init__(self) -> None:
        for name in ("patience_us", "poll_us", "ask_us", "promote_us"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is no time; give at least 1")
        if self.force_after_us is not None and self.force_after_us < 0:
            raise ValueError(f"{self.force_after_us=} is negative; give at least 0, or None for never")


class ShardOperator(Service):
    """Watches some shards.

    Attributes:
        epoch: The last one given out.
        promotions: How many succeeded.
    """

    NOTES: ClassVar[frozenset[str]] = frozenset({"unled", "promoted", "forcing", "forced"})

    def __init__(self, ctx: Context, options: ShardOperatorOptions) -> None:
        super().__init__(ctx)
        self.options = options
        self.epoch = 1
        self.promotions = 0

    def start(self) -> None:
        """Recall the last epoch, then watch every shard."""
        epochs = [record for record in self.ctx.disk.read("epoch") if record is not TORN]
        self.epoch = max([1, *epochs])
        for members in self.options.shards:
            self.ctx.set_timer(0, self._watch, members)

    def _watch(self, members: Sequence[Location]) -> Generator[Wait, Any, None]:
        options, ctx = self.options, self.ctx
        silent_us: int | None = None
        in_vain: set[int] = set()
        while True:
            yield ctx.sleep(options.poll_us)
            calls = [ctx.call(member, StatusQuery(), options.ask_us) for member in members]
            answers = yield ctx.first(calls, need=len(calls))
            found = {index: status for index, status in answers if status is not None}
            if any(status.leads and status.progress for status in found.values()):
                silent_us = None
                in_vain.clear()
                continue
            now = ctx.mono_us()
            if silent_us is None:
                silent_us = now
                ctx.note("unled", max((status.epoch for status in found.values()), default=0))
            # Who does not know where it stands cannot lead, and would be asked in vain for ever.
            ready = {index: status for index, status in found.items() if status.ready}
            if ready and now - silent_us >= options.patience_us:
                late_us = now - silent_us - options.patience_us
                forced = options.force_after_us is not None and late_us >= options.force_after_us
                if in_vain >= ready.keys():
                    in_vain.clear()
                best = _best(ready, None if forced else in_vain)
                if (yield from self._promote(members[best], ready, forced=forced)):
                    silent_us = None
                in_vain.add(best)

    def _promote(self, member: Location, found: dict[int, Status], *, forced: bool) -> Generator[Wait, Any, bool]:
        """Have a member lead; returns whether it does."""
        ctx = self.ctx
        ahead = _LEAP if forced else 1
        self.epoch = epoch = max(self.epoch, *(status.epoch for status in found.values())) + ahead
        yield ctx.disk.replace("epoch", epoch)
        if forced:
            ctx.note("forcing", epoch)  # whatever comes of it: the answer may be lost
        answer = yield ctx.call(member, Promote(epoch=epoch, force=forced), self.options.promote_us)
        if not isinstance(answer, Promoted) or not answer.leads:
            return False
        self.promotions += 1
        ctx.note("forced" if forced else "promoted", answer.epoch)
        return True


def _best(found: dict[int, Status], in_vain: set[int] | None) -> int:
    """Whom to promote: who has the most; but nobody before others that failed, or leads in vain.

    Args:
        found: Who answered.
        in_vain: Who was tried; None to go by what they have alone, since the rest will be lost.
    """

    def rank(index: int) -> tuple[bool, bool, int, int, int]:
        status = found[index]
        hopeful = in_vain is None or not (index in in_vain or status.leads)
        return (hopeful, status.whole, status.epoch, status.length, -index)

    return max(found, key=rank)
