"""Which cells the crash table has: every point with every kind of crash, recovery and scheme.

A point that no run can pass under a scheme is listed all the same, with the reason. The reason is a
property of the scheme (whether anything is flushed, who waits for whom), so it is worked out here and
never written down cell by cell; the table holds it against a run in which the point is counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from models.store.schemes import Failure, Recovery, Scheme, Tier
from models.store.words import scheme_of
from sim.faults import CrashKind

__all__ = ["FAILURES", "POINTS", "SCHEMES", "Cell", "cells", "lags", "why_not"]

#: The points, and what has just happened when one is passed.
POINTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "C1": "command not sent yet",
        "C2": "command sent",
        "C3": "received, not looked up",
        "C4": "snapshot found, nothing replayed",
        "C5": "decided, not appended",
        "C6": "appended in the heap",
        "C7": "flushed",
        "C8": "held by fewer than k",
        "C9": "held by k, unknown to the leader",
        "C10": "committed, not answered",
        "C11": "not published yet",
        "C12": "published, not marked",
        "C13": "answer received, not recorded",
        "C14": "about to ask again",
        "N1": "snapshot written, not flushed",
        "N2": "snapshot flushed, log not cut",
        "N3": "head of the log dropped",
        "N4": "snapshot ahead of the log",
    }
)
#: What kind of failure of the model a kind of crash of the world is.
FAILURES: Final[Mapping[CrashKind, Failure]] = MappingProxyType(
    {CrashKind.PROCESS_CRASH: Failure.PROCESS_CRASH, CrashKind.POWER_LOSS: Failure.HOST_POWER}
)
#: In the words of a scenario file; periods short enough for a run of 20 commands to see two of them.
SCHEMES: Final = (
    "local-mem+40ms",
    "local-persist",
    "local-persist-periodic+40ms",
    "multi-mem:2/3",
    "multi-persist:2/3",
    "delayed-ship:1/3@host+40ms",
)


class Cell(NamedTuple):
    """One cell: where the crash strikes, how, what goes on afterwards, and under which scheme."""

    point: str
    kind: CrashKind
    recovery: Recovery
    scheme: str

    def __str__(self) -> str:
        return f"{self.point}, {self.kind}, {self.recovery}, {self.scheme}"


def cells(scheme: str | None = None) -> Iterator[Cell]:
    """All cells, or those of one scheme, in the order of the table."""
    for words in SCHEMES if scheme is None else (scheme,):
        for point in POINTS:
            for kind in FAILURES:
                for recovery in Recovery:
                    yield Cell(point, kind, recovery, words)


def why_not(point: str, words: str) -> str | None:
    """Why a point cannot be passed under a scheme; None if it can."""
    scheme = scheme_of(words)
    if point == "C7" and scheme.tier is not Tier.DEVICE:
        return "nothing is flushed before it is acknowledged"
    if point == "C8" and scheme.holders == 1:
        return "the leader alone is enough: nobody else is waited for"
    if point == "C9" and scheme.members == 1:
        return "nobody else keeps a copy"
    if point == "N4" and not _outruns(scheme):
        return "a snapshot is written only once what it is of is on the disk of every member, so none is ahead of a log"
    return None


def lags(point: str, words: str) -> bool:
    """Whether a point is passed only by a member whose disk is slower than those of the others."""
    scheme = scheme_of(words)
    return point == "N4" and scheme.tier is Tier.DEVICE and _outruns(scheme)


def _outruns(scheme: Scheme) -> bool:
    """Whether a snapshot can be written of an event before that is on the disk of some member that has it.

    Where one holder is enough, snapshots wait for all copies: what only some have may have to be given up.
    """
    return scheme.tier is not Tier.DEVICE or scheme.members > scheme.holders > 1
