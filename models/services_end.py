"""How a service that is provisioned ended a run, as values: who has which slot, who acted when, who still runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["SeatEnd", "ServicesEnd", "Turn"]


class SeatEnd(NamedTuple):
    """A slot under an epoch, and the topology index of the host that has it."""

    slot: int
    epoch: int
    host: int


class Turn(NamedTuple):
    """A change of a slot, as the log of assignments has it: given to a host, or (`live` False) taken from it."""

    at_us: int
    seat: SeatEnd
    live: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicesEnd:
    """A service at the end.

    Attributes:
        turns: Every change of every slot, by slot and in the order of its log.
        acts: By slot, (epoch, host of the instance) of each event of its log of acts, in order.
        running: Seats whose instances are up and act.
        over: Seats whose instances are up and know that they were replaced.
        listed: By host of a directory that is up, the (slot, epoch) that it lists.
        least: How many instances there must be.
    """

    turns: tuple[Turn, ...]
    acts: Mapping[int, tuple[tuple[int, int], ...]]
    running: tuple[SeatEnd, ...]
    over: tuple[SeatEnd, ...]
    listed: Mapping[int, tuple[tuple[int, int], ...]]
    least: int

    @property
    def live(self) -> tuple[SeatEnd, ...]:
        """Who has the slots that somebody has at the end, by slot."""
        last = {turn.seat.slot: turn for turn in self.turns}
        return tuple(turn.seat for _, turn in sorted(last.items()) if turn.live)
