"""What clients were told with a chance, at the end of a run, as values: for whoever holds chances against what was."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from models.confidence.visible.values import Freshness, Outcome, Survival

__all__ = ["ReadSaid", "Told", "VisibleEnd", "together"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSaid:
    """One read, and how likely it was fresh.

    Attributes:
        op: Of the history.
        version: That was read.
        freshness: As the answer said.
    """

    op: int
    version: int
    freshness: Freshness


@dataclass(frozen=True, slots=True, kw_only=True)
class VisibleEnd:
    """All that the clients were told, of those whose hosts are up.

    Attributes:
        reads: In the order of clients and answers.
        outcomes: By command that nobody answered.
        survivals: By command that one side accepted.
    """

    reads: tuple[ReadSaid, ...] = ()
    outcomes: tuple[tuple[int, Outcome], ...] = ()
    survivals: tuple[tuple[int, Survival], ...] = ()


@runtime_checkable
class Told(Protocol):
    """A service that keeps what it was told."""

    @property
    def told(self) -> VisibleEnd:
        """All of it."""
        ...


def together(ends: Iterable[VisibleEnd]) -> VisibleEnd:
    """What several were told."""
    ends = tuple(ends)
    return VisibleEnd(
        reads=tuple(one for end in ends for one in end.reads),
        outcomes=tuple(one for end in ends for one in end.outcomes),
        survivals=tuple(one for end in ends for one in end.survivals),
    )
