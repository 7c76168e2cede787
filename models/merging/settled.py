"""What a merge settled, as it is saved; and what keeps it from taking more."""

from __future__ import annotations

from typing import Final, NamedTuple

from models.domain import Denied, Neutral
from models.merging.writes import Compensated, Merged, Output, Superseded, Write, compensation_key
from sim.message import Value

__all__ = ["BACK", "GapTooWide", "Settled", "passed_over"]

#: In the place of a position: a sub-domain that was lost counts again, from behind what was given up of it.
BACK: Final = -1


class GapTooWide(Exception):
    """More is held behind a gap than may be; the stream must be fetched again from `due` on."""

    def __init__(self, origin: int, due: int) -> None:
        super().__init__(origin, due)
        self.origin = origin
        self.due = due


class Settled(NamedTuple):
    """What one advance of the cut led to: one record, saved whole or not at all.

    It says what is new since the record before, and nothing again that was said.

    Attributes:
        cut_us: Everything stamped at or below has its final place.
        vector: By sub-domain that got on, how many of its writes have.
        held: By aggregate of which it changed, what the policy holds of it.
        outputs: In canonical order of the writes that led to them.
        lost: Sub-domains waited for no more: number, position up to which they count, and up to which given up; empty
            where that is as it was. One that is taken back has `BACK` for the former.
    """

    cut_us: int
    vector: tuple[tuple[int, int], ...]
    held: tuple[tuple[int, Value], ...]
    outputs: tuple[Output, ...]
    lost: tuple[tuple[int, int, int], ...] = ()


def passed_over(policy: str, write: Write, reason: str) -> tuple[Output, ...]:
    """The fate of a write that is not merged: owed, unless it was a denial or nobody's request.

    It came from its writer's disk, and so its client may have been told yes: whether the answer arrived nobody here
    can know, and who asks again is answered from that log. To owe too much is safe, since a compensation has a key
    and names its request; to owe too little breaks a promise.
    """
    if write.event.__class__ is Denied:
        return (Merged(write.address),)
    superseded = Superseded(write.address, 0, reason)
    if isinstance(write.event, Neutral):
        return (superseded,)
    key = compensation_key(policy, (write.address,))
    return (superseded, Compensated(write.address, key, write.event_id))
