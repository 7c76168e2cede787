"""What a sub-domain knows of who wrote what to an aggregate, and of what each writer knew of it.

Kept until everybody is known to have seen it. A write's fate hangs on the writes that the merge puts before it and that
its writer did not know. Two cases differ. Either both were decided on the same state: then they mostly want the same,
and there is one of it. Or the one whose fate is asked for knows a write that the other's writer did not: then its side
has moved on, and what the other did may well go with that. So of each the first unknown is found, and whether its
writer knew all that it rests on.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from models.confidence.visible.hazards import NEVER
from models.domain import Denied
from models.merging.writes import Write, precedes, seen_of

__all__ = ["NOTHING_MET", "Met", "Past"]

#: Writes of one aggregate that are kept at most; who is behind by more is behind by many.
_KEPT: Final = 256


class Met(NamedTuple):
    """Writes that come before another whose writer did not know them.

    Attributes:
        writes: How many.
        first: The first of them, by its address; 0 if there is none.
        moved: Whether the other rests on something that the first one's writer did not know.
    """

    writes: int
    first: int = 0
    moved: bool = False


NOTHING_MET: Final = Met(0)


class Past:
    """What is known of one shard's aggregates.

    Args:
        sources: Numbers of all sub-domains.
    """

    def __init__(self, sources: Iterable[int]) -> None:
        self._open: dict[int, deque[Write]] = {number: deque() for number in sources}
        #: By sub-domain, how much of each other it is known to have seen.
        self._seen: dict[int, dict[int, int]] = {number: {} for number in self._open}
        self._by_aggregate: dict[int, list[Write]] = {}

    def take(self, write: Write) -> None:
        """Another one is known; each sub-domain's come in order."""
        self._open[write.origin].append(write)
        if write.event.__class__ is not Denied:
            insort(self._by_aggregate.setdefault(write.instance, []), write)

    def settled(self, upto_us: int) -> list[Write]:
        """Those with effect that have their final place now, in order; `forget` them when they are judged."""
        due: list[Write] = []
        for waiting in self._open.values():
            while waiting and waiting[0].stamp_us <= upto_us:
                due.append(waiting.popleft())
        return sorted(due)

    def forget(self, due: Iterable[Write], lost: Collection[int] = ()) -> None:
        """Of aggregates that were written to, drop what all have seen, but for the last."""
        for write in due:
            self._seen[write.origin].update(write.seen)
        others = [number for number in self._seen if number not in lost]
        for instance in sorted({write.instance for write in due}):
            kept = self._by_aggregate.get(instance, [])
            drop = 0
            while drop < len(kept) - 1 and (len(kept) - drop > _KEPT or self._seen_by_all(kept[drop], others)):
                drop += 1
            del kept[:drop]

    def _seen_by_all(self, write: Write, others: Iterable[int]) -> bool:
        origin, position = write.origin, write.position
        return all(number == origin or self._seen[number].get(origin, 0) >= position for number in others)

    # -- questions ---------------------------------------------------------------------------

    def before(self, write: Write) -> Write | None:
        """What was written last to an aggregate before, whoever knew."""
        earlier = [one for one in self._by_aggregate.get(write.instance, ()) if one < write]
        return earlier[-1] if earlier else None

    def met(self, write: Write) -> Met:
        """The writes before one that its writer did not know."""
        kept = self._by_aggregate.get(write.instance, ())
        unknown = [one for one in kept if one < write and one.position > seen_of(write, one.origin)]
        if not unknown:
            return NOTHING_MET
        first = unknown[0]
        moved = any(precedes(one, write) and one != write and one != first and not precedes(one, first) for one in kept)
        return Met(len(unknown), first.address, moved)

    def last(self, instance: int, at_us: int) -> str:
        """The kind of what was written last to an aggregate by an instant."""
        earlier = [one for one in self._by_aggregate.get(instance, ()) if one.stamp_us <= at_us]
        return type(earlier[-1].event).__name__ if earlier else NEVER

    def has_moved(self, instance: int, after_us: int, before_us: int) -> bool:
        """Whether anything was written to an aggregate between two instants, both excluded."""
        return any(after_us < one.stamp_us < before_us for one in self._by_aggregate.get(instance, ()))
