"""The crash table of the merge domain: every point of it, with every kind of strike, wherever writes become final.

A cell is a small world: three regions that sell one stock between them, some links that lose messages, and one region
that is cut off for two seconds. As a part passes the cell's point after the heal, its process dies, its host loses
power with a torn tail, or it is cut off from everybody. At the end every part is held against the policy, every
acknowledged command has a fate, and whoever is owed something has been told. For G6 the region was declared lost while
it was cut off.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from experiments.measures import Observation, observe
from experiments.measures.fates import Fate, fates
from experiments.scenario import Scenario, parse
from models.settling import Place

__all__ = ["MERGE_POINTS", "STRIKES", "MergeCell", "MergeCellResult", "cells", "merge_table", "run", "to_text"]

#: The points of the merge, and what has just happened when one is passed.
MERGE_POINTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "G1": "cut read, nothing settled",
        "G2": "outputs written, not flushed",
        "G3": "outputs and vector saved, nobody told",
        "G4": "half of the streams caught up",
        "G5": "a write came again below the cut",
        "G6": "a lost region returned",
    }
)
#: What strikes there.
STRIKES: Final = ("process-crash", "power-loss", "partition-full")
_REGIONS: Final = ("west", "mid", "east")
_CUT_OFF: Final = "east"


class MergeCell(NamedTuple):
    """Where it strikes, what, and where writes become final."""

    point: str
    strike: str
    place: str

    def __str__(self) -> str:
        return f"{self.point}, {self.strike}, {self.place}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeCellResult:
    """What one cell showed.

    Attributes:
        cell: Which.
        hits: Strikes that met somebody; 0 is a failure.
        reversed: Acknowledged commands that were taken back with notice.
        wrong: What was not as promised, in words.
    """

    cell: MergeCell
    hits: int
    reversed: int
    wrong: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether something was struck, and everything kept."""
        return self.hits > 0 and not self.wrong


def cells() -> Iterator[MergeCell]:
    """All cells, in the order of the table."""
    for place in Place:
        for point in MERGE_POINTS:
            for strike in STRIKES:
                yield MergeCell(point, strike, str(place))


def run(
    cell: MergeCell,
    *,
    system: Mapping[str, object] = MappingProxyType({}),
    workload: Mapping[str, object] = MappingProxyType({}),
    strikes: int = 2,
) -> MergeCellResult:
    """Run a cell, once for each strike: the first, the second, ... passage of the point after the heal.

    Args:
        cell: Which.
        system: Options of the system to replace.
        workload: Options of the workload to replace.
        strikes: In how many runs.
    """
    hits = back = 0
    wrong: list[str] = []
    for nth in range(1, strikes + 1):
        seen = observe(_scenario(cell, nth, system, workload), nth)
        hits += any(one.fault.id == "strike" for one in seen.encounters)
        back += sum(fate is Fate.COMPENSATED for fate in fates(seen).values())
        wrong += [f"strike {nth}: {flaw}" for flaw in _flaws(seen)]
    return MergeCellResult(cell=cell, hits=hits, reversed=back, wrong=tuple(wrong))


def merge_table(which: Iterable[MergeCell] | None = None) -> list[MergeCellResult]:
    """The whole table, or some cells of it."""
    return [run(cell) for cell in (cells() if which is None else which)]


def to_text(results: Iterable[MergeCellResult]) -> str:
    """The table for a terminal: a line for each cell, what was wrong below it."""
    lines = []
    for one in results:
        mark = "" if one.holds else " !!"
        told = f"{one.cell.point:4} {MERGE_POINTS[one.cell.point]:40} {one.cell.strike:15} {one.cell.place:6}"
        lines.append(f"{told} hits {one.hits}, taken back {one.reversed}{mark}")
        lines += [f"     {flaw}" for flaw in one.wrong]
    return "\n".join(lines) + "\n"


def _flaws(seen: Observation) -> Iterator[str]:
    """What is not as promised at the end."""
    end = seen.ledger.merging
    assert end is not None
    yield from end.wrong
    yield from end.unsound
    if seen.ledger.missing:
        yield f"{seen.ledger.missing} stores never recovered"
    if not end.compared:
        yield "nobody ever had everything in its final place"
    if seen.ledger.conflicts:
        yield f"{seen.ledger.conflicts} addresses stand for two events"
    by_command = fates(seen)
    bad = sorted(c for c, fate in by_command.items() if fate not in (Fate.KEPT, Fate.COMPENSATED))
    if bad:
        yield f"{len(bad)} acknowledged commands are {by_command[bad[0]]}, {bad[0]} first"
    told = seen.compensated_us()
    untold = sorted(c for c, fate in by_command.items() if fate is Fate.COMPENSATED and c not in told)
    if untold:
        yield f"{len(untold)} commands were taken back and nobody was told, {untold[0]} first"
    views = list(seen.ledger.stable.values())
    if any(view != views[0] for view in views):
        yield "regions differ in what is final"


def _scenario(cell: MergeCell, nth: int, system: Mapping[str, object], workload: Mapping[str, object]) -> Scenario:
    lost = cell.point == "G6"
    document: dict[str, Any] = {
        "question": f"Is everything kept where it strikes at {cell}?",
        "topology": {"regions": list(_REGIONS), "clusters": 1, "hosts": 1, "clients": 1},
        "latency": {"table": "uniform", "between_regions": "40ms", "jitter": 0.05},
        "run": {"until": "16s"},
        "system": {
            "factory": "models.deployment:region_split",
            "domain": "inventory",
            "place": cell.place,
            **({"batch": "500ms"} if cell.place == Place.BATCH else {}),
            **system,
        },
        "workload": {"rate": "20/s", "accounts": 2, "ends": "5s", **workload},
        "fault": [
            {"id": "cut", "kind": "partition-full", "targets": [_CUT_OFF], "at": "1s", "for": "2s"},
            _loss(cell),
            _strike(cell, nth),
        ],
        "property": [{"name": "merged_alike", "mode": "always"}],
    }
    if lost:
        targets = [f"{_CUT_OFF}/c1/h1"]
        document["operation"] = [
            {"id": "lost", "action": "declare-lost", "targets": targets, "at": "1500ms", "operator": "west"}
        ]
    return parse(document, name=f"merge-{cell.point}", file=f"cell {cell}")


def _loss(cell: MergeCell) -> dict[str, Any]:
    """Links that lose a part; for G5 all that one part answers to another, which then sends everything again."""
    loss: dict[str, Any] = {"id": "loss", "kind": "link-lossy", "targets": ["mid"], "at": "1s", "for": "5s"}
    if cell.point == "G5":
        return loss | {"at": "3s", "for": "3s", "params": {"loss": 1.0, "to": [_CUT_OFF], "one_way": True}}
    return loss | {"params": {"loss": 0.3}}


def _strike(cell: MergeCell, nth: int) -> dict[str, Any]:
    at: dict[str, Any] = {"point": cell.point, "nth": nth, "since": "3s"}
    if cell.place == Place.HOME and cell.point == "G3":
        at["host"] = f"{_REGIONS[0]}/c1/h1"  # the one that tells
    fault: dict[str, Any] = {"id": "strike", "kind": cell.strike, "targets": ["@here"], "at": at, "for": "1s"}
    if cell.strike == "power-loss":
        fault["params"] = {"torn": True}
    return fault
