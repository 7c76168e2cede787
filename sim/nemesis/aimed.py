"""Families that wait for a state of the system: a role that is taken, a crash point that is passed.

Whoever notes that it leads is cut off, paused or killed at that very moment; a host that passes a
crash point dies there. Notes and points are those that the placed services list, so a system is
sought out by its own words.
"""

from __future__ import annotations

from typing import Final

from sim.faults import HERE, Trigger
from sim.nemesis.hand import Family, Ground, Hand

__all__ = ["AIMED"]

#: Chance that the next occurrence is the one: of a note, and of a point, which is passed more often.
_NEXT_NOTE: Final = 0.5
_NEXT_POINT: Final = 0.25
_AT_POINTS: Final = ("process-crash", "power-loss", "host-pause", "partition-full")


def _markers(ground: Ground, what: str) -> dict[str, tuple[str, ...]]:
    """By point or note, in their order, the servers that mark it and may be struck."""
    found: dict[str, list[str]] = {}
    for path in ground.servers:
        if path in ground.marks:
            for mark in sorted(getattr(ground.marks[path], what)):
                found.setdefault(mark, []).append(path)
    return {mark: tuple(found[mark]) for mark in sorted(found)}


def _host(hand: Hand, what: str, mark: str) -> str | None:
    """One host that marks it, or None for whichever is the first; a stranger that marks it too is left alone."""
    ground = hand.ground
    here = _markers(ground, what)[mark]
    named, host = hand.happens(0.5), hand.one(here)
    everywhere = [path for path, marks in ground.marks.items() if mark in getattr(marks, what)]
    return host if named or len(everywhere) > len(here) else None


def _seek(hand: Hand) -> None:
    ground = hand.ground
    note = hand.one(tuple(_markers(ground, "notes")))
    host, at_once, since_us = _host(hand, "notes", note), hand.happens(0.5), hand.when()
    # A role is often taken once, at the very start.
    since_us = ground.begins_us if at_once else since_us
    trigger = Trigger(note=note, nth=hand.geometric(_NEXT_NOTE), host=host, since_us=since_us)
    kinds = ["process-crash", "power-loss", "host-pause"]
    if ground.sides("host"):
        kinds += ["partition-full", "partition-one-way"]
    if ground.sides("region"):
        kinds += ["region-unreachable"]
    _lie_in_wait(hand, hand.one(kinds), trigger)


def _at_point(hand: Hand) -> None:
    ground = hand.ground
    point = hand.one(tuple(_markers(ground, "points")))
    host, since_us = _host(hand, "points", point), hand.when()
    trigger = Trigger(point=point, nth=hand.geometric(_NEXT_POINT), host=host, since_us=since_us)
    kinds = ["process-crash", "power-loss", "power-loss", "host-pause"]
    if ground.sides("host"):
        kinds += ["partition-full"]
    _lie_in_wait(hand, hand.one(kinds), trigger)


def _lie_in_wait(hand: Hand, kind: str, trigger: Trigger) -> None:
    if hand.happens(0.5) and kind == "power-loss":
        hand.lie_in_wait(kind, (HERE,), trigger, params={"torn": True})
    else:
        hand.lie_in_wait(kind, (HERE,), trigger)


AIMED: Final = (
    Family(
        name="seeking",
        doc="Whoever takes a role, or notes anything else, is cut off, paused or killed at that moment.",
        kinds=(
            "process-crash",
            "power-loss",
            "host-pause",
            "partition-full",
            "partition-one-way",
            "region-unreachable",
        ),
        possible=lambda ground: bool(_markers(ground, "notes")),
        strike=_seek,
    ),
    Family(
        name="points",
        doc="A host dies, stands still or is cut off as it passes a crash point.",
        kinds=_AT_POINTS,
        possible=lambda ground: bool(_markers(ground, "points")),
        strike=_at_point,
    ),
)
