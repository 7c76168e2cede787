"""Where a cell strikes, and with what: every point on the way of an effect, of a step of a process, of a message.

Most are a crash of whoever passes the point, or of the power of its host. E7 needs an answer that comes late: the way
back from the receiver is lost for a while before. E8, M6 and O4 are no crash: the owner stands still as it is about to
act, for so long that another, if there is one, takes over, and goes on; where hosts lose power, it loses it there, and
does not go on but begins anew. E9 is no crash either: the first owner and the other are deaf to each other, and of
what the store answers the first hears little, so that it goes on beside its successor; no power is lost. P9 is passed
when an owner has read all there is: the second life of one that died dies there once more. M4 needs a purse that
nobody reaches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from experiments.deliveries.arms import OUTBOX, TRANSFER, kind_of
from sim.faults import HERE, CrashKind, Fault, Trigger
from sim.faults.fault import ParamValue

__all__ = ["EFFECT_POINTS", "OUTBOX_POINTS", "PROCESS_POINTS", "faults_of", "points_of", "why_not"]

#: The points, and what has just happened when one is passed.
EFFECT_POINTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "E1": "about to ask outside",
        "E2": "asked",
        "E3": "received outside, not done",
        "E4": "done, not answered",
        "E5": "answered, not written down",
        "E6": "written down",
        "E7": "told that an earlier attempt did it",
        "E8": "stood still, and goes on",
        "E9": "cut off from the others, and goes on",
        "P9": "has read all there is, once more",
    }
)
PROCESS_POINTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "M1": "due, command not sent",
        "M2": "command answered, process not written",
        "M3": "process written, next command not sent",
        "M4": "timed out, not cancelled",
        "M5": "compensation due, not sent",
        "M6": "stood still, and goes on",
    }
)
OUTBOX_POINTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "O1": "taken from the log, not sent",
        "O2": "sent",
        "O3": "delivered, not marked",
        "O4": "stood still, and goes on",
    }
)
#: Where an owner stands still, by the point that it passes as it learns that another has taken over.
_STILL_AT: Final[Mapping[str, Trigger]] = MappingProxyType(
    {"E8": Trigger(note="intending"), "M6": Trigger(point="M1"), "O4": Trigger(point="O1")}
)
_HOME: Final = "lab/c1/h1"
#: Of two owners, the one that is first and the other.
_FIRST: Final = "lab/c1/h2"
_OTHER: Final = "lab/c1/h3"
_OUTSIDE: Final = "lab/clients/client2"
#: How long a host is down before it starts again, and how long for others to take over.
_AGAIN_US: Final = 300_000
_GONE_US: Final = 3_000_000
_LATE_US: Final = 700_000
_CUT_US: Final = 1_000_000
#: Of what the store says to an owner that is cut off from the other: enough gets through to work by.
_UNHEARD: Final = 0.7


def points_of(arm: str) -> Mapping[str, str]:
    """The points of an arm."""
    return {TRANSFER: PROCESS_POINTS, OUTBOX: OUTBOX_POINTS}.get(kind_of(arm), EFFECT_POINTS)


def why_not(point: str, arm: str) -> str | None:
    """Why a point cannot be passed under an arm; None if it can."""
    if point == "E7" and arm.endswith("-most"):
        return "nobody asks twice"
    if point == "E7" and arm.endswith("-least"):
        return "the receiver does not tell a second time from a first"
    return None


def faults_of(point: str, nth: int, *, moved: bool, kind: CrashKind = CrashKind.PROCESS_CRASH) -> tuple[Fault, ...]:
    """What strikes in a cell.

    Args:
        point: Where.
        nth: At which passage.
        moved: Whether it lasts for so long that others take over, where there are others.
        kind: Whether a process dies, or its host loses power and what was on no disk yet, a record under way torn.
    """
    down_us = _GONE_US if moved else _AGAIN_US
    if point == "E7":
        late = Fault(
            id="late",
            kind="link-lossy",
            targets=(_OUTSIDE,),
            at=Trigger(point="E3", nth=nth),
            for_us=_LATE_US,
            params={"to": ("lab/c1",), "one_way": True, "loss": 1.0},
        )
        return (late, _crash("E7", 1, down_us, kind))
    if point == "E9":
        at = Trigger(note="intending", nth=nth)
        other: dict[str, ParamValue] = {"against": (_OTHER,)}
        apart = Fault(id="apart", kind="partition-partial", targets=(_FIRST,), at=at, for_us=_GONE_US, params=other)
        said: dict[str, ParamValue] = {"to": (_FIRST if moved else _OTHER,), "one_way": True, "loss": _UNHEARD}
        deaf = Fault(id="deaf", kind="link-lossy", targets=(_HOME,), at=at, for_us=_GONE_US, params=said)
        return (apart, deaf) if moved else (deaf,)  # who is alone is on the last server, and cut off from nobody
    if point in _STILL_AT:
        still = replace(_STILL_AT[point], nth=nth)
        if kind is CrashKind.POWER_LOSS:
            return (replace(_crash(point, nth, down_us, kind), at=still),)
        return (Fault(id="still", kind="host-pause", targets=(HERE,), at=still, for_us=_GONE_US),)
    if point == "P9":
        # Each owner passes it once as the run begins.
        return (_crash("E6", nth, _AGAIN_US, kind), _crash("P9", 3 if moved else 2, down_us, kind, "crash-again"))
    if point == "M4":
        cut = Fault(
            id="cut",
            kind="partition-partial",
            targets=(HERE,),
            at=Trigger(point="M1", nth=nth),
            for_us=_CUT_US,
            params={"against": (_HOME,)},
        )
        return (cut, _crash("M4", 1, down_us, kind))
    return (_crash(point, nth, down_us, kind),)


def _crash(point: str, nth: int, down_us: int, kind: CrashKind, name: str = "crash") -> Fault:
    params = {"torn": True} if kind is CrashKind.POWER_LOSS else {}
    at = Trigger(point=point, nth=nth)
    return Fault(id=name, kind=str(kind), targets=(HERE,), at=at, for_us=down_us, params=params)
