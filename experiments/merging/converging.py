"""When a leaderless store agreed again after a cut: nobody there notes how far it is, so it is looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf
from typing import Final

from models.quorum.aggregates import AggregateNode
from models.system import System
from sim.world import World

__all__ = ["Agreeing"]

_EVERY_US: Final = 250_000
#: By aggregate, the version that counts: its stamp, and its dot.
_Versions = dict[int, tuple[int, tuple[int, int]]]


class Agreeing:
    """Looks at all replicas from the heal on, until each has what any of them had at the heal, or later versions.

    Args:
        world: That will run.
        system: What runs in it.
        heal_us: When the cut ends.
        until_us: When the run does.

    Attributes:
        after_heal_s: From the heal until then, to a quarter of a second; infinite if that did not come.
    """

    def __init__(self, world: World, system: System, heal_us: int, until_us: int) -> None:
        self.after_heal_s = inf
        self._world = world
        self._places = [place for stores in system.stores.values() for place in stores]
        self._heal_us = heal_us
        self._until_us = until_us
        self._owed: _Versions = {}

    @property
    def looks(self) -> Mapping[int, Callable[[], object]]:
        """By time, when to look."""
        later = range(self._heal_us + _EVERY_US, self._until_us, _EVERY_US)
        return {self._heal_us: self._begin} | {t_us: self._looker(t_us) for t_us in later}

    def _looker(self, t_us: int) -> Callable[[], None]:
        return lambda: self._look(t_us)

    def _begin(self) -> None:
        for node in self._nodes():
            for key, version in _held(node).items():
                self._owed[key] = max(version, self._owed.get(key, version))

    def _look(self, t_us: int) -> None:
        if self.after_heal_s < inf:
            return
        nothing = (-1, (0, 0))
        for node in self._nodes():
            held = _held(node)
            for key, version in self._owed.items():
                if node.number in node.preference.homes(key) and held.get(key, nothing) < version:
                    return
        self.after_heal_s = (t_us - self._heal_us) / 1e6

    def _nodes(self) -> list[AggregateNode]:
        found = [self._world.service(place) for place in self._places]
        return [node for node in found if isinstance(node, AggregateNode)]


def _held(node: AggregateNode) -> _Versions:
    return {key: (cell.versions[0].stamp, cell.versions[0].dot) for key, cell in node.cells.items() if cell.versions}
