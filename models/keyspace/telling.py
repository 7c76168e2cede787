"""Questions whose answers say what they are worth: how likely the state that was told is still the latest.

Whoever leads a group tells what was committed, and counts how often each aggregate is written to. What it told was so
at some instant after it was asked for, and the way back takes a while; so the client ages the answer by half of what it
waited beyond what the leader did, and the state is no older than the whole of that, by one clock.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any, Final

from models.confidence.visible.rates import Rates
from models.confidence.visible.values import Freshness, Weighed
from models.keyspace.client import PlacedClient
from models.keyspace.shard import PlacedShard
from models.store.requests import Look, Seen, Unavailable
from models.visible_end import ReadSaid, VisibleEnd
from sim.host import Context, Wait

__all__ = ["WeighingClient", "WeighingShard"]

#: What is believed of an aggregate before anything was counted, writes a second.
_PRIOR_PER_S: Final = 0.1


class WeighingShard(PlacedShard):
    """One member of one group.

    Args:
        ctx: Its host.
        arguments: As for a `PlacedShard`.
        keys: How many aggregates a group has, about.
    """

    def __init__(self, ctx: Context, *arguments: Any, keys: int) -> None:
        super().__init__(ctx, *arguments)
        # Of an earlier life, or of who led before, nothing is known here: rates are learnt anew.
        self._writing = Rates(keys, prior_per_s=_PRIOR_PER_S)
        #: Versions at the first look; how long those before it took nobody here saw.
        self._versions: dict[tuple[int, int], int] | None = None
        self._looked_since_us = 0

    def _look(self, msg: Look) -> Generator[Wait, Any, Any]:
        asked_us = self.ctx.mono_us()
        answer: Seen | Unavailable | None = yield from super()._look(msg)
        if not isinstance(answer, Seen):
            return answer
        return Weighed(answer=answer, freshness=self._worth(msg, answer, self.ctx.mono_us() - asked_us))

    def _worth(self, msg: Look, seen: Seen, waited_us: int) -> Freshness:
        """How likely nothing was written while it waited for what it read to be certain."""
        rates, key = self._writing, self._point(msg.tenant, msg.aggregate)
        if self._versions is None:
            self._versions = {one: stream.version for one, stream in self.streams.by_key.items()}
            self._looked_since_us = self.ctx.mono_us()
        rates.watched(self.ctx.mono_us() - self._looked_since_us)
        rates.counted(key, seen.version - self._versions.get((msg.tenant, msg.aggregate), 0))
        rates.asked(key)
        rate = rates.rate(key)
        return Freshness(
            key=msg.aggregate,
            at_us=self.ctx.now_us(),
            fresh=rate.none(waited_us),
            bound_us=waited_us,
            writes_per_s=rate.mean,
            writes=rates.of(key),
        )


class WeighingClient(PlacedClient):
    """All users of one client host, who keep what they were told; arguments as for a `PlacedClient`."""

    def __init__(self, ctx: Context, *arguments: Any, **more: Any) -> None:
        super().__init__(ctx, *arguments, **more)
        self._reads: list[ReadSaid] = []

    def _unpacked(self, operation: int, answer: Any, waited_us: int) -> Any:
        if not isinstance(answer, Weighed) or not isinstance(answer.answer, Seen):
            return answer
        said = answer.freshness
        aged = said.aged(max(0, waited_us - (said.bound_us or 0)) // 2)
        # It was so after it was asked for, whatever part of the time the ways there and back took.
        freshness = replace(aged, bound_us=waited_us)
        self._reads.append(ReadSaid(op=operation, version=answer.answer.version, freshness=freshness))
        return answer.answer

    @property
    def told(self) -> VisibleEnd:
        """What they were told of what they asked for, in the order of the answers."""
        return VisibleEnd(reads=tuple(self._reads))
