"""The operators of a placed store: people who look whether every group is led, whichever groups there are by now.

They watch those that their map speaks of, and take a newer map from wherever they find one.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

from models.keyspace.directory import Held
from models.keyspace.words import MapIs, MapQuery
from models.store.group.operators import ShardOperator, ShardOperatorOptions
from sim.host import Context, Wait
from sim.topology import Location

__all__ = ["GROUP_OPERATOR", "GroupOperator"]

#: What the service is called on its host.
GROUP_OPERATOR = "operator"


class GroupOperator(ShardOperator):
    """Watches every group that some map speaks of, from when it hears of it.

    Args:
        ctx: Its host.
        options: Of an operator of shards; it begins with none.
        held: What the first map says.
        locate: Where the member of a group on a node is.
        informants: Whom it asks for newer maps: servers, the master last.
    """

    def __init__(
        self,
        ctx: Context,
        options: ShardOperatorOptions,
        held: Sequence[Held],
        locate: Callable[[int, int], Location],
        informants: Sequence[Location],
    ) -> None:
        super().__init__(ctx, options)
        self._locate = locate
        self._informants = tuple(informants)
        self._version = 0
        self._groups: dict[tuple[Location, ...], None] = {}
        self._first = tuple(held)

    def start(self) -> None:
        """Watch what is known, and learn of more."""
        super().start()
        self._watch_these(self._first)
        self.ctx.set_timer(0, self._learn)

    def _learn(self) -> Generator[Wait, Any, None]:
        turn = 0
        while True:
            yield self.ctx.sleep(self.options.poll_us)
            whom = self._informants[turn % len(self._informants)]
            turn += 1
            found = yield self.ctx.call(whom, MapQuery(version=self._version), self.options.ask_us)
            if isinstance(found, MapIs):
                self._version = max(self._version, found.version)
                self._watch_these(found.held)

    def _watch_these(self, held: Sequence[Held]) -> None:
        before, self._groups = self._groups, {}
        for one in held:
            for group, owners in ((one.group, one.owners), *((s.group, s.owners) for s in one.sources)):
                self._groups[tuple(self._locate(group, owner) for owner in owners)] = None
        for members in self._groups:
            if members not in before:
                self.ctx.set_timer(0, self._watch, members)

    def _minds(self, members: Sequence[Location]) -> bool:
        return members in self._groups
