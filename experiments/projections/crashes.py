"""The crash table of the read side: points P1 to P9, each kind of crash and recovery, under each way to save places.

A cell is a short run in which the host that passes the point dies there. Its promise follows from how the place
is saved: *atomic*, each event counts once whatever dies where; *after* its rows, none is missed and some may count
twice, but only where the crash fell between the two saves; *before* them, none counts twice and some may be missed,
again only there. The projection adds up whatever it is given, so that the difference shows.

A point that a way to save cannot pass is listed with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from experiments.crashes.cells import FAILURES
from experiments.measures import Observation, gather
from experiments.scenario import Scenario, load
from models.reading.options import Checkpoint
from models.store.schemes import Recovery
from sim.faults import CrashKind, Fault, Trigger

__all__ = ["POINTS", "ReadCell", "ReadResult", "cells", "of_cell", "summary", "table", "why_not"]

#: The points, and what has just happened when one is passed.
POINTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "P1": "half of a chunk projected",
        "P2": "rows saved, place not",
        "P3": "place saved, rows not",
        "P4": "a gap of the sequence crossed",
        "P5": "rebuilt, not shown yet",
        "P6": "an event cannot be projected",
        "P7": "a parked event tried again, not saved",
        "P8": "a claim stolen",
        "P9": "an effect goes by in a replay",
    }
)
_SCENARIO: Final = "projection_crashes"
#: How long a host is down, microseconds; None is for ever.
_DOWN_US: Final[Mapping[Recovery, int | None]] = MappingProxyType(
    {Recovery.AT_ONCE: 1_000, Recovery.LATER: 1_500_000, Recovery.ELSEWHERE: None}
)
#: What the world has to be like for a point to be passed, as the scenario file would spell it.
_NEEDS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "P4": MappingProxyType({"global_sequence": True}),
        "P5": MappingProxyType({"rebuild": "1500ms"}),
        "P6": MappingProxyType({"poison_every": 7, "mended": "3s"}),
        "P7": MappingProxyType({"poison_every": 7, "mended": "2s"}),
        "P9": MappingProxyType({"rebuild": "1500ms", "alarm": 500}),
    }
)
#: An owner stands still, so its segments are taken.
_STILL: Final = Fault(id="still", kind="host-pause", targets=("east/c1/h5",), at=1_500_000, for_us=3_000_000, params={})
#: Who gives numbers forgets which it gave: all that it had set apart are asked about, and most stay empty.
_OPEN: Final = Fault(
    id="open", kind="process-crash", targets=("east/clients/client1",), at=1_500_000, for_us=200_000, params={}
)
_SEED: Final = 1


class ReadCell(NamedTuple):
    """One cell: where the crash strikes, how, what goes on afterwards, and how places are saved."""

    point: str
    kind: CrashKind
    recovery: Recovery
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadResult:
    """What one cell showed.

    Attributes:
        cell: Which.
        reason: Why the point cannot be passed; empty if it can.
        struck: Whether the crash struck there.
        missed: Events that the views lack.
        doubled: Times that an event counted again.
        repeated: Announcements that the bell had heard before.
        wrong: What the promise does not allow; empty if it was kept.
    """

    cell: ReadCell
    reason: str = ""
    struck: bool = False
    missed: int = 0
    doubled: int = 0
    repeated: int = 0
    wrong: tuple[str, ...] = ()


def cells(*, quick: bool = False) -> Iterator[ReadCell]:
    """All of them, in the order of the table; of a quick one, a process that dies and comes back later."""
    for checkpoint in Checkpoint:
        for point in POINTS:
            for kind in FAILURES:
                for recovery in Recovery:
                    if not quick or (kind is CrashKind.PROCESS_CRASH and recovery is Recovery.LATER):
                        yield ReadCell(point, kind, recovery, checkpoint)


def why_not(point: str, checkpoint: Checkpoint) -> str:
    """Why a point cannot be passed under a way to save places; empty if it can."""
    if point == "P2" and checkpoint is not Checkpoint.AFTER:
        return "rows are never saved before their place"
    if point == "P3" and checkpoint is not Checkpoint.BEFORE:
        return "the place is never saved before its rows"
    return ""


def table(*, quick: bool = False) -> tuple[ReadResult, ...]:
    """Run every cell, or those of a quick table."""
    return tuple(of_cell(cell) for cell in cells(quick=quick))


def of_cell(cell: ReadCell, factory: str = "") -> ReadResult:
    """Run one cell; a test may replace the system by a broken one."""
    reason = why_not(cell.point, cell.checkpoint)
    # Where a point cannot be passed the crash lies in wait all the same: it must not strike.
    seen = gather(_scenario(cell, factory=factory), _SEED)
    assert isinstance(seen, Observation)
    struck = any(one.fault.id == "crash" for one in seen.encounters)
    missed, doubled, wrong = _counted(seen)
    reading = seen.ledger.reading
    assert reading is not None
    wrong += _allowed(cell, missed, doubled)
    if reason and struck:
        wrong.append("it was passed all the same")
    if not reason and not struck:
        wrong.append("it was never passed")
    wrong += _announced(seen) if "alarm" in _NEEDS.get(cell.point, {}) else []
    return ReadResult(
        cell=cell,
        reason=reason,
        struck=struck,
        missed=missed,
        doubled=doubled,
        repeated=reading.repeated,
        wrong=tuple(wrong),
    )


def _scenario(cell: ReadCell, *, factory: str) -> Scenario:
    """The world of a cell: what its point needs, and the crash."""
    system = {"checkpoint": str(cell.checkpoint), **_NEEDS.get(cell.point, {})}
    # Another factory has options of its own, and knows none of the file's.
    made = load(_SCENARIO).with_system(system | ({"factory": factory} if factory else {}))
    faults = {"P4": [_OPEN], "P8": [_STILL]}.get(cell.point, [])
    crash = Fault(
        id="crash",
        kind=str(cell.kind),
        targets=("@here",),
        at=Trigger(point=cell.point, nth=2 if cell.point in ("P1", "P2", "P3", "P6") else 1),
        for_us=_DOWN_US[cell.recovery],
        params={"torn": True} if cell.kind is CrashKind.POWER_LOSS else {},
    )
    return made.with_faults([*faults, crash])


def _counted(seen: Observation) -> tuple[int, int, list[str]]:
    """Events that the views lack, times that one counted again, and what is out of place otherwise."""
    reading = seen.ledger.reading
    assert reading is not None
    rows = {row.key: row for view in reading.views for row in view.rows}
    missed = doubled = 0
    wrong = [f"part {view.part} stands still: {view.stopped}" for view in reading.views if view.stopped]
    wrong += [
        f"part {view.part} still has {len(view.parked)} events put aside" for view in reading.views if view.parked
    ]
    if reading.missing:
        wrong.append(f"nobody tells of {reading.missing} parts")
    for key, events in sorted(seen.ledger.final.items()):
        row = rows.get(key)
        applied, skipped = (row.applied, row.skipped) if row is not None else (0, 0)
        tail = len(events) - (row.version if row is not None else 0)
        missed += skipped + max(0, tail)
        doubled += max(0, applied - (len(events) - skipped - max(0, tail)))
    return missed, doubled, wrong


def _allowed(cell: ReadCell, missed: int, doubled: int) -> list[str]:
    """What of that the promise of the cell does not allow."""
    wrong = []
    if missed and cell.checkpoint is not Checkpoint.BEFORE:
        wrong.append(f"{missed} events are missed, and {cell.checkpoint} promises none")
    if doubled and cell.checkpoint is not Checkpoint.AFTER:
        wrong.append(f"{doubled} count twice, and {cell.checkpoint} promises none")
    # Between the two saves is the only place where they differ.
    if cell.point == "P2" and cell.checkpoint is Checkpoint.AFTER and not doubled:
        wrong.append("nothing counted twice, though the crash fell between rows and place")
    if cell.point == "P3" and cell.checkpoint is Checkpoint.BEFORE and not missed:
        wrong.append("nothing is missed, though the crash fell between place and rows")
    return wrong


def _announced(seen: Observation) -> list[str]:
    """What is wrong with announcements: each large withdrawal is heard of once, and a replay says nothing anew."""
    reading = seen.ledger.reading
    assert reading is not None
    owed = sum(view.owed for view in reading.views)
    large = {
        event.command_id
        for events in seen.ledger.final.values()
        for event in events
        if event.kind == "withdrawn" and abs(event.amount) >= int(_NEEDS["P9"]["alarm"])
    }
    rung = {event for event, _ in reading.rung}
    wrong = [f"{owed} announcements are still owed"] if owed else []
    if large - rung:
        wrong.append(f"{len(large - rung)} withdrawals were never announced")
    if rung - large:
        wrong.append(f"{len(rung - large)} announcements are of nothing large")
    return wrong


def summary(results: tuple[ReadResult, ...]) -> str:
    """The whole table in a sentence."""
    run = [one for one in results if not one.reason]
    bad = sum(bool(one.wrong) for one in results)
    kept = "every promise was kept" if not bad else f"{bad} cells differ from their promise"
    return (
        f"{len(results)} cells: {len(run)} apply, {sum(one.struck for one in run)} were struck, "
        f"{len(results) - len(run)} do not apply. {sum(one.doubled for one in run)} events counted twice and "
        f"{sum(one.missed for one in run)} were missed: {kept}."
    )
