"""How far a copy of a log is, in one number, where the home of the log may move.

A position alone says little: a former home that is cut off has the positions too, with other
entries in them. So a home design notes `reign << 32 | position`, the reign that the copy lives
under and how many entries it has durably, and an entry's ordinal is its own epoch and position
packed alike. **A region holds an entry of the final log for good iff its reign is at least the
entry's epoch and its position is at least the entry's position**, each taken as the least noted
from then on: a copy that truncates its log notes that, and so takes back what it said before.
"""

from __future__ import annotations

from typing import Final

__all__ = ["pack_ordinal", "unpack_ordinal"]

_BITS: Final = 32


def pack_ordinal(reign: int, position: int) -> int:
    """The number to note for a copy under a reign, or to give an entry of an epoch."""
    assert reign >= 0 <= position < 1 << _BITS, f"{reign=} or {position=} does not fit its bits"
    return reign << _BITS | position


def unpack_ordinal(ordinal: int) -> tuple[int, int]:
    """(reign, position) of a number packed by `pack_ordinal`."""
    return ordinal >> _BITS, ordinal & (1 << _BITS) - 1
