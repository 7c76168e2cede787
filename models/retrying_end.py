"""What hedged calls came to at the end of a run, as values."""

from __future__ import annotations

from dataclasses import dataclass

from models.delivery_ends import Deed

__all__ = ["RetryingEnd"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryingEnd:
    """Calls of those who hedge, of the lives that were up at the end, and the effects of requests.

    Attributes:
        calls: How many were made.
        copies: How often they were sent, the first time among them.
        won: Those that another copy than the first answered.
        held: Those of which a budget refused another copy.
        book: What the receiver outside did; None where there is none, or its host was down.
    """

    calls: int
    copies: int
    won: int
    held: int
    book: tuple[Deed, ...] | None
