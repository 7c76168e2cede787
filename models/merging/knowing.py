"""What sub-domains are known to have seen of each other: only what all have seen may ever be forgotten."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

__all__ = ["Knowledge"]


class Knowledge:
    """By sub-domain, what all its writes to come will have seen, at the least.

    Args:
        origins: Numbers of the sub-domains.
    """

    def __init__(self, origins: Iterable[int]) -> None:
        #: What its latest settled write had seen: nothing of it to come has seen less.
        self._knows: dict[int, dict[int, int]] = {number: {} for number in origins}
        #: What it said that all its writes beyond a position will have seen.
        self._said: dict[int, tuple[int, Mapping[int, int]]] = {}

    def say(self, origin: int, beyond: int, seen: Mapping[int, int]) -> None:
        """Take a sub-domain's word of all its writes beyond a position."""
        if beyond >= self._said.get(origin, (0, {}))[0]:
            self._said[origin] = (beyond, seen)

    def settled(self, origin: int, seen: Iterable[tuple[int, int]]) -> None:
        """A sub-domain's latest write has its final place, and had seen so much."""
        self._knows[origin] = dict(seen)

    def believe(self, origin: int, upto: int) -> None:
        """So many writes of a sub-domain are settled: if that is all it had when it spoke, its word holds from here."""
        said = self._said.get(origin)
        if said is not None and upto >= said[0]:
            knows = self._knows[origin]
            for number, position in self._said.pop(origin)[1].items():
                knows[number] = max(position, knows.get(number, 0))

    def floor(self, lost: Collection[int]) -> tuple[tuple[int, int], ...]:
        """By sub-domain, the position that the writes to come of every other, but the lost ones, will have seen."""
        waited = [number for number in self._knows if number not in lost]
        return tuple(
            (number, min((self._knows[other].get(number, 0) for other in waited if other != number), default=0))
            for number in self._knows
        )
