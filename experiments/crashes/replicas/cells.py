"""Which cells the table of replication has, and what weather a point needs to be passed.

A gap takes a lossy link, a head that is dropped before a peer has it takes a peer that is away, and a leader that
truncates was cut off while another took its place. Where a point is about such a leader, a cut strikes there as
well: it loses the other members and the operators as it passes the point, and its clients still reach it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from experiments.crashes.cells import FAILURES
from experiments.crashes.place import BEGIN_US, DESK, server
from models.store.schemes import Recovery
from models.store.words import scheme_of
from sim.faults import CrashKind, Fault, ParamValue

__all__ = [
    "CUT_US",
    "DEPOSED_US",
    "POINTS",
    "SCHEMES",
    "WEATHER",
    "ReplicaCell",
    "Weather",
    "cells",
    "cut_off",
    "faults_of",
    "strikes",
    "told_of",
    "why_not",
]

#: The points, and what has just happened when one is passed.
POINTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "R1": "applied, position not saved",
        "R2": "what came lies beyond a gap",
        "R3": "deposed leader about to truncate",
        "R4": "acknowledged, held by nobody else",
        "R5": "seen by a consumer, by no peer",
        "R6": "head dropped before a peer has it",
    }
)
#: Those that replicate, in the words of a scenario file.
SCHEMES: Final = ("multi-mem:2/3", "multi-persist:2/3", "delayed-ship:1/3@host+40ms")
#: Points that are about a leader in whose place another may be: a cut strikes there as well.
_OF_A_DEPOSED: Final = ("R3", "R4", "R5")


class Weather(StrEnum):
    """What goes on in a world before its cell strikes."""

    CALM = "calm"
    GAPS = "gaps"
    AWAY = "away"
    DEPOSED = "deposed"


#: What a point needs to be passed.
WEATHER: Final[Mapping[str, Weather]] = MappingProxyType(
    {
        "R1": Weather.CALM,
        "R2": Weather.GAPS,
        "R3": Weather.DEPOSED,
        "R4": Weather.CALM,
        "R5": Weather.CALM,
        "R6": Weather.AWAY,
    }
)
#: How long a cut lasts: operators have another member lead in less than half of it.
CUT_US: Final = 700_000
#: When the home is cut off where another is to take its place, and when it is back.
DEPOSED_US: Final = (BEGIN_US + 60_000, BEGIN_US + 60_000 + CUT_US)
#: One shipment to the third member is lost, and the next arrives before that is sent again.
_GAP_US: Final = (BEGIN_US + 58_000, 30_000)
_AWAY_US: Final = (BEGIN_US + 40_000, 400_000)


class ReplicaCell(NamedTuple):
    """One cell: where it is struck, how (None is a cut), what follows (None: it heals), and under which scheme."""

    point: str
    kind: CrashKind | None
    recovery: Recovery | None
    scheme: str

    def __str__(self) -> str:
        return f"{self.point}, {told_of(self.kind, self.recovery)}, {self.scheme}"


def told_of(kind: CrashKind | None, recovery: Recovery | None) -> str:
    """What strikes and what follows, as the head of a column."""
    return "cut off, healed" if kind is None else f"{kind}, {recovery}"


def strikes(point: str) -> Iterator[tuple[CrashKind | None, Recovery | None]]:
    """What strikes at a point, and what goes on afterwards."""
    for kind in FAILURES:
        for recovery in Recovery:
            yield kind, recovery
    if point in _OF_A_DEPOSED:
        yield None, None


def cells(scheme: str | None = None) -> Iterator[ReplicaCell]:
    """All cells, or those of one scheme, in the order of the table."""
    for words in SCHEMES if scheme is None else (scheme,):
        for point in POINTS:
            for kind, recovery in strikes(point):
                yield ReplicaCell(point, kind, recovery, words)


def why_not(point: str, words: str) -> str | None:
    """Why a point cannot be passed under a scheme; None if it can."""
    if scheme_of(words).holders > 1:
        if point == "R4":
            return "another member holds what is acknowledged before it is"
        if point == "R5":
            return "another member holds what is published before it is"
    return None


def faults_of(weather: Weather) -> tuple[Fault, ...]:
    """What a world of that weather has to go through before it is struck."""
    if weather is Weather.GAPS:
        at_us, for_us = _GAP_US
        lost: dict[str, ParamValue] = {"to": (server(2),), "one_way": True, "loss": 1.0}
        return (Fault(id="gap", kind="link-lossy", targets=(server(0),), at=at_us, for_us=for_us, params=lost),)
    if weather is Weather.AWAY:
        at_us, for_us = _AWAY_US
        return (Fault(id="away", kind="partition-full", targets=(server(2),), at=at_us, for_us=for_us, params={}),)
    if weather is Weather.DEPOSED:
        at_us, kind = DEPOSED_US[0], "partition-partial"
        return (Fault(id="deposed", kind=kind, targets=(server(0),), at=at_us, for_us=CUT_US, params=cut_off()),)
    return ()


def cut_off() -> dict[str, ParamValue]:
    """Whom the home loses in a cut: the other members and all that sit at the desk, not its users."""
    return {"against": (server(1), server(2), DESK)}
