"""What a consumer of events is told: who it is, with whom it shares, where its views are, and its policies."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from models.confidence.providing import rule_of, warn_if_never_acts
from models.detection import Plan
from models.reading.feeds import Stretch
from sim.topology import Location
from sim.wording import Refused, way_to

__all__ = ["MODES", "Checkpoint", "Poison", "ProjectorOptions", "combined"]

#: The chance of being stale that a silence leads to, in the end.
CERTAINLY: Final = 0.999999
#: What the read side is: consumers that keep views, rows in the write side's shards, or logs folded at each query.
MODES: Final = ("async", "inline", "live")


class Checkpoint(StrEnum):
    """How the place that a projection has reached is saved, which decides what a crash in between makes of it."""

    ATOMIC = "atomic"  # with the rows, in one event: each event counts once
    AFTER = "after"  # the rows first: at least once
    BEFORE = "before"  # the place first: at most once


class Poison(StrEnum):
    """What becomes of an event that the projection raises on."""

    PARK = "park"  # it is put aside with place and reason, and what comes later of its key behind it
    STOP = "stop"  # the segment stands still there, and says why


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectorOptions:
    """Who a consumer is.

    Attributes:
        number: Its number among the consumers, from 1.
        peers: (number, location) of the others.
        order: By segment, the numbers of all consumers, who should own it first.
        absent: The numbers of those that do not read at first.
        version: Of the projection, from 1.
        views: By segment, the members of the group that keeps it.
        stretches: By segment, its part of the line of hashes.
        checkpoint: When its place is saved.
        poison: What becomes of an event that cannot be projected.
        batch: Entries read at once.
        chunk: Entries between saves.
        poll_us: Between questions where nothing is new.
        waits: Whether a member is asked to wait that long for news, in place of the consumer.
        project_us: Host time that one event takes.
        beat_us: Between heartbeats, and between looks at who owns what.
        suspect_us: Silence after which another consumer is suspected, where no `detector` says so.
        detector: What watches another consumer; None for a fixed time-out of `suspect_us`.
        extend_us: Between words to the views that nothing is new.
        retry_us: Between attempts at what was put aside, or stands still.
        ask_us: Patience with a view.
        begins_us: When it begins to read; 0 for at once.
        records: Whether it records what it delivers.
        bell: Who hears what the projection announces; None for nobody.

    Raises:
        ValueError: whatever makes no sense, all at once.
    """

    number: int
    peers: tuple[tuple[int, Location], ...] = ()
    order: tuple[tuple[int, ...], ...]
    absent: frozenset[int] = frozenset()
    version: int = 1
    views: tuple[tuple[Location, ...], ...]
    stretches: tuple[Stretch, ...]
    checkpoint: Checkpoint = Checkpoint.ATOMIC
    poison: Poison = Poison.PARK
    batch: int = 200
    chunk: int = 200
    poll_us: int = 20_000
    waits: bool = False
    project_us: int = 0
    beat_us: int = 50_000
    suspect_us: int = 400_000
    detector: Plan | None = None
    extend_us: int = 200_000
    retry_us: int = 500_000
    ask_us: int = 400_000
    begins_us: int = 0
    records: bool = True
    bell: Location | None = None

    def __post_init__(self) -> None:
        wrong = [
            f"{name}={getattr(self, name)} is none; give at least 1"
            for name in ("number", "version", "batch", "chunk", "poll_us", "beat_us", "extend_us", "retry_us", "ask_us")
            if getattr(self, name) < 1
        ]
        if self.suspect_us <= self.beat_us:
            wrong.append(
                f"suspect_us={self.suspect_us} is no longer than beat_us={self.beat_us}, so everybody is suspected "
                "between two heartbeats; raise it"
            )
        wrong += [
            f"{name}={getattr(self, name)} is negative; give at least 0"
            for name in ("project_us", "begins_us")
            if getattr(self, name) < 0
        ]
        if not len(self.order) == len(self.views) == len(self.stretches):
            wrong.append("order, views and stretches are each by segment; give as many of each")
        if wrong:
            raise Refused(wrong)


def combined(
    mode: str,
    global_sequence: bool,
    force_after_us: int,
    rebuild_us: int,
    poison_every: int,
    states: bool,
    decides: str,
) -> list[str]:
    """The mistakes of options that do not go together."""
    found = []
    if decides and not states:
        found.append(f"{decides=} weighs what nobody says; give states = true, or leave it out")
    if decides:
        try:
            warn_if_never_acts(rule_of(decides), CERTAINLY, "nobody is surer that something is stale")
        except ValueError as refused:
            found.append(f"decides={refused}")
    if states and mode != "async":
        found.append(f"{mode=} keeps no views that could say how likely they are fresh; take async")
    if mode not in MODES:
        found.append(f"{mode=} is none; {way_to(mode, MODES)}")
    if mode != "async" and (global_sequence or rebuild_us):
        found.append(f"{mode=} has no consumers that could follow a global sequence or rebuild; take async")
    if global_sequence and force_after_us >= 0:
        found.append("a global sequence takes nothing back, and a forced leader may; leave `force_after` out")
    if mode == "live" and poison_every:
        found.append("a live view has nowhere to park an event; leave `poison_every` out, or take async")
    return found
