"""Holds a finished cell of the table of replication to what its scheme promises.

What the table of the write side holds a run to (`experiments.crashes.judge`) holds here: nothing acknowledged is
lost beyond the promise, nothing is done twice, copies and consumer agree with the log. On top, where a leader was
cut off until another took its place: somebody did, and what it had acknowledged and gave up was not forgotten but
lies set aside on its disk, unless its host never came back.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from experiments.crashes.judge import Verdict, judge
from experiments.crashes.world import Ended

__all__ = ["Outcome", "outcome_of"]


class Outcome(NamedTuple):
    """What became of a run: the verdict of the write side, and of what a deposed leader gave up.

    Attributes:
        verdict: As of any crash; its `wrong` includes what follows from the deposing.
        aside: Acknowledged commands that are set aside by members that are up.
        retracted: Events that the consumer had and took back.
    """

    verdict: Verdict
    aside: int
    retracted: int


def outcome_of(ended: Ended) -> Outcome:
    """Everything that a run shows."""
    verdict = judge(ended)
    set_aside = {entry.event_id for shard in ended.members.values() for entry in shard.aside.entries}
    wrong = (*verdict.wrong, *_deposed(ended, verdict, set_aside, gone=len(ended.up) < 3))
    verdict = Verdict(lost=verdict.lost, may_go=verdict.may_go, duplicated=verdict.duplicated, wrong=wrong)
    return Outcome(verdict, len(set_aside), len(ended.retracted))


def _deposed(ended: Ended, verdict: Verdict, set_aside: set[int], *, gone: bool) -> Iterator[str]:
    """What is wrong with the change of lead that a cut was to bring about; nothing where there was no cut."""
    if ended.alone_us is None:
        return
    if max((shard.epoch for shard in ended.members.values()), default=0) < 2:
        yield "the leader was cut off, and nobody took its place"
    forgotten = sorted(set(verdict.lost) - set_aside)
    if forgotten and not gone:
        yield f"commands {forgotten} were given up, and nobody has set them aside"
