"""One connection: how patient it is, what its two ends know, and how it is shown.

What they do with it is in `connections`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from sim.message import Layer
from sim.network.lanes import Link, Segment

__all__ = ["DEFAULT_CONNECTIONS", "ConnectionOptions", "ConnectionView", "Stream"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionOptions:
    """How patient connections are.

    Attributes:
        retransmit_us_min: Shortest time-out before a lost segment is sent again; it is twice
            the mean round trip if that is longer.
        retransmit_us_max: Longest, however often it has doubled.
        timeout_us: A sender gives up after so long without progress; a receiver whose sender
            is gone notices after as long.
        carried: Message classes, by name, that travel on connections whatever they say
            themselves, so that one system can be compared on both transports.
    """

    retransmit_us_min: int = 200_000
    retransmit_us_max: int = 60_000_000
    timeout_us: int = 30_000_000
    carried: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not 1 <= self.retransmit_us_min <= self.retransmit_us_max:
            raise ValueError(
                f"{self.retransmit_us_min=} and {self.retransmit_us_max=} are no range; give 1 <= min <= max"
            )
        if self.timeout_us < 1:
            raise ValueError(f"{self.timeout_us=} gives up at once; give at least 1")


#: Linux waits 200 ms at least; half a minute is what stores commonly set as their time-out.
DEFAULT_CONNECTIONS: Final = ConnectionOptions()


class ConnectionView(NamedTuple):
    """One connection as its two ends see it; half-open if they differ.

    `accepted` says whether the receiver ever knew it, `unacknowledged` how many segments the
    sender keeps, `early` how many the receiver keeps.
    """

    src: int
    dst: int
    layer: Layer
    number: int
    sender_open: bool
    receiver_open: bool
    accepted: bool
    unacknowledged: int
    early: int

    @property
    def half_open(self) -> bool:
        """Whether exactly one end, having met the other, believes in it."""
        return self.accepted and self.sender_open != self.receiver_open


class Stream:
    """One connection, both ends of it; which of them still believe in it the link knows.

    Attributes:
        number: Counts connections; of two between the same hosts the larger is the later.
        open: Whether the sender believes in it.
        accepted: Whether a life of the receiver has taken a segment of it.
        unacknowledged: Segments, numbered without gaps, until an acknowledgement covers them.
        next_number: Of the next segment.
        expected: The number that the receiver waits for.
        early: What it keeps until the gap before is filled, by number.
        progress_us: When the sender last had no reason for impatience.
    """

    __slots__ = (
        "accepted",
        "armed",
        "back",
        "early",
        "expected",
        "layer",
        "link",
        "next_number",
        "number",
        "open",
        "patience_us",
        "patience_us_min",
        "progress_us",
        "unacknowledged",
        "watched",
    )

    def __init__(self, number: int, link: Link, back: Link, layer: Layer, patience_us: int) -> None:
        self.number = number
        self.link = link
        self.back = back
        self.layer = layer
        self.open = True
        self.accepted = False
        # A list, though it loses its front: an empty deque takes as much memory as the rest.
        self.unacknowledged: list[Segment] = []
        self.next_number = 0
        self.expected = 0
        self.early: dict[int, Segment] = {}
        self.progress_us = 0
        self.patience_us = patience_us
        self.patience_us_min = patience_us
        self.armed = False
        self.watched = False
