"""A world that was shrunk, hunted again: schedules of a few faults, drawn anew or near those that are left.

A counterexample can be 1-minimal and large all the same: each of its six faults holds up what the
next one needs, and leaving out any of eighteen operations moves the others off the instant of a
crash. No way leads from there, a step at a time, to the three faults that would do. But in a world
so small a run costs next to nothing, and most bugs show in some small scope (Jackson's small-scope
hypothesis). So under the load as it was two things are tried in turn: what is left without one of
its faults, the others moved, longer or shorter; and what the same families draw, thinly. What is
drawn depends on the scenario and the knobs alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count, repeat
from typing import Any, Final

from experiments.hunting.simpler import Document, with_
from experiments.scenario import Scenario
from sim.chance import Chance, Draws
from sim.faults import marks_of
from sim.nemesis import Knobs, Mode, Options, draw
from sim.units import duration_us, format_us

__all__ = ["MOST_FAULTS", "MOST_OPERATIONS", "in_the_small"]

#: What a reader takes in at a glance; what is larger is hunted again.
MOST_FAULTS: Final = 3
MOST_OPERATIONS: Final = 10
#: With it a schedule has one or two faults as a rule.
_DENSITY: Final = 0.15
#: Chance that a fault near one that is left begins at another time, and that it is of another length.
_MOVED: Final = 0.6
_GRAIN_US: Final = 1_000
#: So many times both are tried.
_PAIRS: Final = 2_000


def in_the_small(
    origin: Document, least: Document, knobs: Knobs, read: Callable[[Document], Scenario | None]
) -> Iterator[Document]:
    """The load and the times of `origin`, in the topology of `least`, under a few faults each time.

    Args:
        origin: As the hunt met it, its faults written out.
        least: What it was shrunk to.
        knobs: What was drawn for `origin`: the same families draw, in the same window.
        read: Reads a document; None if it is no scenario.

    Yields:
        A few thousand documents at most, in an order that depends on nothing else; none where a core is to stay
        whole, whose hosts were drawn and are claimed.
    """
    if knobs.mode == Mode.CORE:
        return
    load = {key: least["workload"][key] for key in ("rate", "accounts")}
    near, far = (with_(world, "workload", **load) for world in ({**least, **_times(origin)}, _bare(origin, least)))
    for pair in zip(_nearby(near, knobs), _drawn_anew(far, knobs, read), strict=False):
        yield from (document for document in pair if document is not None)


def _times(origin: Document) -> Document:
    return {section: origin[section] for section in ("run", "workload")}


def _bare(origin: Document, least: Document) -> Document:
    return {**origin, "topology": least["topology"], "fault": []}


def _nearby(world: Document, knobs: Knobs) -> Iterator[Document | None]:
    """The faults of `world`, without one of them if they are too many, else perhaps; of the others some changed."""
    latest_us = knobs.ends_us if knobs.mode == Mode.HEALING else knobs.until_us
    for number in range(_PAIRS):
        draws = Chance(number).draws("shrink/near")
        faults = list(world["fault"])
        left_out = draws.below(len(faults) if len(faults) > MOST_FAULTS else 2 * len(faults) or 1)
        faults = [_shaken(fault, draws, latest_us) for place, fault in enumerate(faults) if place != left_out]
        yield {**world, "fault": faults} if faults else None


def _shaken(fault: dict[str, Any], draws: Draws, latest_us: int) -> dict[str, Any]:
    """Begun up to a second earlier or later, and from a quarter to eight times as long, or only the one, or neither.

    Nothing begins or ends past the latest instant; what waits for an event gets no longer.
    """
    sign, shift_us = (-1 if draws.random() < 0.5 else 1), 1_000 * 10 ** (3 * draws.random())
    factor = 2 ** draws.uniform(-2, 3)
    moves, stretches = draws.random() < _MOVED, draws.random() < _MOVED
    timed, shaken = isinstance(fault["at"], str), dict(fault)
    if timed and moves:
        at_us = duration_us(fault["at"]) + sign * int(shift_us)
        shaken["at"] = format_us(min(max(0, at_us), latest_us - _GRAIN_US) // _GRAIN_US * _GRAIN_US)
    if "for" in fault and stretches:
        for_us = int(duration_us(fault["for"]) * (factor if timed else min(1, factor)))
        shaken["for"] = format_us(max(_GRAIN_US, for_us // _GRAIN_US * _GRAIN_US))
    if timed and "for" in fault:
        room_us = latest_us - duration_us(shaken["at"])
        shaken["for"] = format_us(min(duration_us(shaken["for"]), max(_GRAIN_US, room_us)))
    return shaken


def _drawn_anew(
    world: Document, knobs: Knobs, read: Callable[[Document], Scenario | None]
) -> Iterator[Document | None]:
    """The world under what its families draw; None where that is nothing or too much, or can be drawn no more."""
    options = Options(
        until_us=knobs.until_us,
        ends_us=knobs.ends_us,
        begins_us=knobs.begins_us,
        mode=Mode(knobs.mode),
        families=frozenset((*knobs.families, *knobs.off, *knobs.impossible)),
        allow=frozenset(knobs.allow),
        density=_DENSITY,
    )
    scenario = read(world)
    if scenario is None:
        yield from repeat(None)
        return
    system = scenario.system.build(scenario.topology, scenario.workload)
    marks = marks_of(system.placements, scenario.topology, system.templates)
    for number in count():
        try:
            faults = draw(scenario.topology, marks, number, options).faults
        except ValueError:
            yield from repeat(None)
            return
        few = 0 < len(faults) <= MOST_FAULTS
        yield dict(scenario.with_faults(faults).document) if few else None
