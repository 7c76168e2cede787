"""Faults at other times: several as one, by the clock instead of by an event, all of them earlier or later.

Leaving things out comes to rest at what hangs together by chance. Two cuts of one host with a second
between them are one long cut; a crash at the tenth flush holds ten writes in place, and at the
instant of that flush it holds none; without a few operations the next ones are a little earlier,
and the crash that sat between two of them now has to be so too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, Final

from experiments.hunting.simpler import Document
from sim.faults import KINDS
from sim.units import duration_us, format_us

__all__ = ["by_the_clock", "merged_faults", "shifted_faults"]

#: By so much all faults are shifted together; both ways, the least first.
_SHIFTS_US: Final = (10_000, 30_000, 100_000, 300_000)


def merged_faults(document: Document) -> Iterator[Document]:
    """Two faults as one that lasts from the first's beginning to the last's end: of either kind, of whom either struck.

    Nothing ends later than before.
    """
    faults: Sequence[Mapping[str, Any]] = document.get("fault", [])
    spans = {number: span for number, fault in enumerate(faults) if (span := _span(fault)) is not None}
    for one, other in combinations(spans, 2):
        begins_us, ends_us = min(spans[one][0], spans[other][0]), max(spans[one][1], spans[other][1])
        for number, second in ((one, other), (other, one)):
            fault = dict(faults[number]) | {"at": format_us(begins_us), "for": format_us(ends_us - begins_us)}
            both = list(dict.fromkeys([*fault["targets"], *faults[second]["targets"]]))
            for targets in (fault["targets"], both):
                if targets is both and both == fault["targets"]:
                    continue
                rest = [dict(f) for place, f in enumerate(faults) if place not in (one, other)]
                yield {**document, "fault": sorted([*rest, fault | {"targets": targets}], key=_begins_us)}


def by_the_clock(document: Document, struck: Mapping[str, tuple[int, tuple[str, ...]]]) -> Iterator[Document]:
    """One fault that waited for the n-th time of something, at the instant and on the hosts where it struck.

    Args:
        document: Whose faults.
        struck: By a fault's id, when it began in the run, and on whom.
    """
    for number, fault in enumerate(document.get("fault", [])):
        at = fault["at"]
        if not isinstance(at, Mapping) or at.get("nth", 1) == 1 or fault["id"] not in struck:
            continue
        begins_us, targets = struck[fault["id"]]
        # What happens at this very instant comes after a fault that begins by the clock.
        for late_us in (0, 1, 1_000):
            timed = dict(fault) | {"at": format_us(begins_us + late_us), "targets": list(targets)}
            faults = [dict(f) for f in document["fault"]]
            faults[number] = timed
            yield {**document, "fault": faults}


def shifted_faults(document: Document, *, later: bool) -> Iterator[Document]:
    """All faults that begin by the clock, earlier by the same time.

    Args:
        document: Whose faults.
        later: Whether they may be later as well: what must come right in the end wants the time after them.
    """
    timed = [fault for fault in document.get("fault", []) if isinstance(fault["at"], str)]
    if not timed:
        return
    first_us = min(duration_us(fault["at"]) for fault in timed)
    for shift_us in _SHIFTS_US:
        for by_us in (-shift_us, shift_us) if later else (-shift_us,):
            if first_us + by_us >= 0:
                yield {**document, "fault": [_moved(fault, by_us) for fault in document["fault"]]}


def _moved(fault: Mapping[str, Any], by_us: int) -> dict[str, Any]:
    if not isinstance(fault["at"], str):
        return dict(fault)
    return dict(fault) | {"at": format_us(duration_us(fault["at"]) + by_us)}


def _span(fault: Mapping[str, Any]) -> tuple[int, int] | None:
    """From when to when it lasts; None if an event begins it, if it is over at once, or never."""
    if not isinstance(fault["at"], str) or "for" not in fault or KINDS[fault["kind"]].lasting is True:
        return None
    begins_us = duration_us(fault["at"])
    return begins_us, begins_us + duration_us(fault["for"])


def _begins_us(fault: Mapping[str, Any]) -> int:
    return duration_us(fault["at"]) if isinstance(fault["at"], str) else 0
