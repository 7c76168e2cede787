"""What clients of a store ask for, where it keeps more than one domain, or one of a user's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models.clients import Drawn, Draws, Mix
from models.domain import Domain
from models.domains.mixes import draw
from models.domains.named import Asked

__all__ = ["DOMAIN_SHIFT", "AskedMix", "DomainMix", "requests_of"]

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


class AskedMix:
    """Requests of a domain of a user's own: each command that it lists as likely as the others, on so many aggregates.

    Args:
        domain: Says what is asked of it.
        aggregates: How many there are, from 1.
    """

    def __init__(self, domain: Asked, aggregates: int) -> None:
        self._commands = domain.asks()
        self._aggregates = aggregates

    def draw(self, draws: Draws) -> Drawn:
        """Two draws: the aggregate, the command."""
        aggregate = draws.below(self._aggregates)
        command = self._commands[draws.below(len(self._commands))]
        return Drawn(aggregate, command, type(command).__name__.lower(), 0)


def requests_of(domain: Domain[Any], aggregates: int) -> Mix:
    """What clients ask of one domain, all aggregates alike."""
    if isinstance(domain, Asked):
        return AskedMix(domain, aggregates)
    return DomainMix({domain.name: domain.number}, aggregates)
