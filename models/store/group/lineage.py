"""Who led a log from where on, and how much of it two logs are sure to share.

A lineage is the list of reigns, each with the position that it began after. Two logs agree up to
where the first reign that they do not share began, or where the last shared one ended in the
shorter: Kafka's leader epochs, KIP-101 and KIP-279.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Reign", "common_prefix", "reached"]


class Reign(NamedTuple):
    """From which position on a leader wrote the log: entries beyond `start` bear `epoch`."""

    epoch: int
    region: int
    start: int


def common_prefix(ours: Sequence[Reign], length: int, theirs: Sequence[Reign]) -> int:
    """How many entries of our log theirs is sure to begin with.

    Args:
        ours: Our lineage, at least one reign.
        length: Length of our log.
        theirs: A lineage that shares at least the first reign.
    """
    shared = 0
    while shared < min(len(ours), len(theirs)) and ours[shared] == theirs[shared]:
        shared += 1
    assert shared, f"{ours} and {theirs} share no reign, so they are not logs of one shard"
    ends = [length]
    if shared < len(ours):
        ends.append(ours[shared].start)
    if shared < len(theirs):
        ends.append(theirs[shared].start)
    return min(ends)


def reached(reigns: Sequence[Reign], length: int) -> int:
    """The latest reign that a log has all of what it began with.

    A follower hears of a reign before it has caught up with it. Until then what it holds says no more
    than under the reign before: neither may its log replace a longer one, nor does it count as a holder.
    """
    return next((reign.epoch for reign in reversed(reigns) if reign.start <= length), 0)
