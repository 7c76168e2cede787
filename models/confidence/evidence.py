"""Evidence: what one observer heard of one subject, and until when it listened; a value that can be handed on.

Observers hand on evidence, never conclusions: a conclusion handed to two who exchange it would be counted twice. Of
one subject and one origin the newer evidence holds all that the older did, so putting two together is taking the
newer parts: the order does not matter, nor how often or by which way a piece arrives.
"""

from __future__ import annotations

from dataclasses import dataclass

from sim.message import Value
from sim.topology import Location

__all__ = ["Evidence", "together"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence(Value):
    """What `origin` knows of `subject` at first hand; times by the senders' and origin's wall clocks, microseconds.

    Attributes:
        subject: Of whom.
        origin: Who listened.
        sent_us: When the latest heartbeat that came was sent; None if none ever came.
        looked_us: Until when the origin listened since.
        delays_us: Of the latest heartbeats that came, in order.
    """

    subject: Location
    origin: Location
    sent_us: int | None
    looked_us: int
    delays_us: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.sent_us is not None and self.sent_us > self.looked_us:
            raise ValueError(
                f"sent_us={self.sent_us} is after looked_us={self.looked_us}: it was heard before it was sent; "
                f"set the clocks, or take the arrival for both"
            )


def together(one: Evidence, other: Evidence) -> Evidence:
    """Both pieces as one; idempotent, commutative and associative.

    Raises:
        ValueError: they are of different subjects or origins, which stay apart.
    """
    if (one.subject, one.origin) != (other.subject, other.origin):
        raise ValueError(f"{one} and {other} are of different subjects or origins; keep them apart")
    latest = max(one, other, key=_newness)
    return Evidence(
        subject=one.subject,
        origin=one.origin,
        sent_us=latest.sent_us,
        looked_us=max(one.looked_us, other.looked_us),
        delays_us=latest.delays_us,
    )


def _newness(evidence: Evidence) -> tuple[int, int, tuple[int, ...]]:
    """In which order pieces of one origin were; its delays only decide where everything else is equal."""
    sent_us = evidence.sent_us
    return (-1 if sent_us is None else sent_us, len(evidence.delays_us), evidence.delays_us)
