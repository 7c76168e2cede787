"""What is known of a subject that is heard itself, and how likely that is, which a silence that goes on changes little.

Heartbeats that are so late that they never come stay what they are; only those that may still be on their way are
weighed again, so looking costs the same however long the silence is.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

from models.confidence.evidence import Evidence
from models.confidence.nodes import Node
from models.confidence.priors import Priors
from models.confidence.silence import Function, Grid, Settled, Voice, likelihood
from models.confidence.tree import Tree
from models.detection.refusals import at_least
from sim.topology import Location, unpack_location

__all__ = ["Heard", "mistakes_of"]


class Heard:
    """What is known of a subject that is heard itself: its evidence by fields, and what is computed of it once."""

    __slots__ = (
        "_begin_us",
        "_grid",
        "asked",
        "delays_us",
        "looked_us",
        "node",
        "origin",
        "others",
        "same",
        "sent_us",
        "settled",
        "timely",
        "voice",
    )

    def __init__(self, node: Node, voice: Voice, origin: Location, begin_us: int, grid: Grid) -> None:
        self.node = node
        self.voice = voice
        self.origin = origin
        self.sent_us: int | None = None
        self.looked_us = begin_us
        self._begin_us = begin_us
        self._grid = grid
        self.delays_us: tuple[int, ...] = ()
        self.timely: tuple[tuple[int, int], ...] = ()
        self.others: dict[Location, Evidence] = {}
        self.asked: tuple[int, ...] = ()
        #: Of a silence that goes on, what does not change any more, and how many slots of the likelihood are of it.
        self.settled: Settled | None = None
        self.same = 0

    @property
    def evidence(self) -> Evidence:
        """As a value."""
        return Evidence(
            subject=self.node.name,
            origin=self.origin,
            sent_us=self.sent_us,
            looked_us=self.looked_us,
            delays_us=self.delays_us,
        )

    def likelihood(self, end_us: float) -> Function:
        """How likely all that is known of it is, by when the way to it broke, with no break after `end_us`."""
        sent_us, until_us, voice = self.sent_us, self.looked_us, self.voice
        # Of what was never heard, the first is expected an interval after the begin.
        after_us = self._begin_us if sent_us is None else sent_us
        begin_us = -inf if sent_us is None else sent_us
        base = self.node.base
        goes_on = end_us == inf and not self.asked
        settled = self.settled if goes_on else None
        if settled is not None and settled.base != base:
            settled = None
        if settled is not None and voice.over(settled.events) and self.node.own.base == base:
            self.same = 0
            return self.node.own
        normal = slow = 0
        for units in self.timely:
            normal += units[0]
            slow += units[1]
        before = 0 if settled is None else settled.events
        events, settles = voice.due(after_us, until_us, before)
        if self.asked:
            events = sorted((*events, *voice.unanswered(self.asked, until_us)))
        self.same = 0 if settled is None else len(settled.normals)
        if not events and not self.same:
            return Function(base, [normal], [slow])
        if goes_on and settled is None:
            settled = self.settled = Settled(base, (normal, slow))
        if settled is not None:
            settled.until_us = until_us
        return likelihood(
            events,
            base,
            begin_us=begin_us,
            end_us=end_us,
            grid=self._grid,
            timely=(normal, slow),
            settled=settled,
            settles=settles - before,
        )


def mistakes_of(tree: Tree, priors: Priors, grid: Grid, origins: Mapping[Location, Location]) -> list[str | None]:
    """What is wrong with what a belief is made of."""
    found: list[str | None] = [at_least("slot_us", grid.slot_us, 1), at_least("window", grid.window, 2)]
    levels = {subject.level for subject in tree.subjects}
    found += [
        f"priors name {level!r}, and the tree has none of that level; leave it out, or watch one"
        for level in priors.levels
        if level not in levels
    ]
    hearings = {subject.hearing for subject in tree.subjects if subject.hearing is not None}
    every = sorted({hearing.every_us for hearing in hearings})
    found += [
        f"{grid.slot_us=} does not fit heartbeats every {us} us; give slots of at most four intervals"
        for us in every
        if grid.slot_us > 4 * us
    ]
    heard = {subject.name for subject in tree.subjects if subject.hearing is not None}
    found += [
        f"origins name {tuple(unpack_location(name))}, of which nothing is heard; leave it out"
        for name in origins
        if name not in heard
    ]
    return found
