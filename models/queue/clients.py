"""What the clients of a queue know of it: which shard a key is in, and whom of it to ask.

A key's place on the line of the key space names its shard, and a shard its members. Whom a client asked last and
was answered by, it asks again; one that does not lead says who does; one that is silent is passed over.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Generator, Sequence
from typing import Any

from models.queue.words import Elsewhere
from sim.host import Context, Wait
from sim.message import Message
from sim.topology import Location

__all__ = ["Brokers", "ShardRoute"]


class ShardRoute:
    """The members of one shard as one client knows them.

    Args:
        members: The nearest first.

    Attributes:
        target: Whom to ask.
    """

    __slots__ = ("_members", "_next", "target")

    def __init__(self, members: Sequence[Location]) -> None:
        self._members = tuple(members)
        self._next = 0
        self.target = self._members[0]

    def heard(self, asked: Location, answer: Message | None) -> None:
        """Learn from an answer, or from none; what was learnt since whoever it is was asked stays as it is."""
        if self.target != asked:
            return
        if isinstance(answer, Elsewhere) and answer.leader in self._members:
            self._next = self._members.index(answer.leader)
        elif answer is None or isinstance(answer, Elsewhere):
            self._next = (self._next + 1) % len(self._members)
        self.target = self._members[self._next]


class Brokers:
    """All shards as one client knows them.

    Args:
        begins: First points of the shards' stretches of the line, ascending.
        point: Where a key is on the line.
        members: Of each shard, the nearest first.
    """

    def __init__(
        self, begins: Sequence[int], point: Callable[[int], int], members: Sequence[Sequence[Location]]
    ) -> None:
        self.routes = tuple(ShardRoute(some) for some in members)
        self._begins = begins
        self._point = point
        self._known: dict[int, int] = {}

    def shard_of(self, key: int) -> int:
        """The shard that a key is in."""
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = bisect_right(self._begins, self._point(key)) - 1
        return found

    def ask(self, ctx: Context, shard: int, request: Message, patience_us: int) -> Generator[Wait, Any, Any]:
        """One attempt: the answer, None for none; somebody who does not lead answers nothing to the purpose."""
        route = self.routes[shard]
        asked = route.target
        answer = yield ctx.call(asked, request, patience_us)
        if answer is None or answer.__class__ is Elsewhere:  # of any other nothing is to be learnt
            route.heard(asked, answer)
        return answer
