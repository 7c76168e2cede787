"""What clients of a store ask for, where it keeps more than one domain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from models.clients import Drawn, Draws
from models.domains.mixes import draw

__all__ = ["DOMAIN_SHIFT", "DomainMix"]

#: Aggregates of different domains must not share a key in histories and ledgers.
DOMAIN_SHIFT: Final = 40


class DomainMix:
    """Requests of one or more domains, each as likely as the others, on so many aggregates each."""

    def __init__(self, numbers: Mapping[str, int], aggregates: int) -> None:
        self._names = tuple(numbers)
        self._numbers = numbers
        self._aggregates = aggregates

    def draw(self, draws: Draws) -> Drawn:
        """One draw for the domain, four for the request."""
        name = self._names[draws.below(len(self._names))]
        aggregate, command = draw(name, draws, self._aggregates)
        key = aggregate if len(self._names) == 1 else self._numbers[name] << DOMAIN_SHIFT | aggregate
        return Drawn(key, command, type(command).__name__.lower(), 0)
