"""When a shrunk run may end: no earlier than what shall still be judged.

What a system owes *in the end* it owes some time after the load is over and the last fault has
healed. A shrinker that cut that time away would turn a sound system into a slow one, so for a
claim of liveness, and for whatever an audit reads, the original's margins are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from experiments.hunting.simpler import Document, with_
from experiments.hunting.trial import Trial
from sim.units import duration_us, format_us

__all__ = ["Margins", "earlier_ends"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Margins:
    """Time that a run leaves, microseconds.

    Attributes:
        lively: Whether the claim speaks of the end, so that the margins bind it.
        audit_us: From the end of load and faults to the audit; None without one.
        rest_us: From all of that to the end of the run.
    """

    lively: bool
    audit_us: int | None
    rest_us: int

    @classmethod
    def of(cls, document: Document, trial: Trial, *, lively: bool) -> Margins:
        """Those of a scenario as it was found."""
        until_us, quiet_us = duration_us(document["run"]["until"]), _quiet_us(document)
        audit_us = _audit_us(document)
        begins_us = quiet_us if audit_us is None else max(quiet_us, audit_us)
        gap_us = None if audit_us is None else max(0, audit_us - quiet_us)
        return cls(lively=lively, audit_us=gap_us, rest_us=max(0, until_us - begins_us))


def earlier_ends(document: Document, trial: Trial, claim: str, margins: Margins) -> Iterator[Document]:
    """The same with an earlier end of load, audit and run, the earliest first."""
    last_us = trial.ends_us.get(claim)
    if last_us is not None and not margins.lively:
        # What is safe or not can be told as soon as the witness is complete.
        without_audit = with_(document, "workload", audit=None)
        yield from _shortened(without_audit, last_us + 1)
    load_ends_us = _up(trial.load_ends_us + 1)
    if trial.operations and load_ends_us < duration_us(document["workload"]["ends"]):
        document = with_(document, "workload", ends=format_us(load_ends_us))
        yield from _with_margins(document, margins)
        yield document
    else:
        yield from _with_margins(document, margins)


def _with_margins(document: Document, margins: Margins) -> Iterator[Document]:
    at_us, audit_us = _quiet_us(document), _audit_us(document)
    if audit_us is not None and margins.audit_us is not None:
        at_us = min(audit_us, _up(at_us + margins.audit_us))
        document = with_(document, "workload", audit=format_us(at_us))
    until_us = _up(at_us + margins.rest_us)
    if until_us < duration_us(document["run"]["until"]):
        yield _ending(document, until_us)


def _shortened(document: Document, least_us: int) -> Iterator[Document]:
    """Runs that end as soon as `least_us` has passed, at a round instant, and what lies later left out."""
    before_us = duration_us(document["run"]["until"])
    for until_us in (_up(least_us), (_up(least_us) + before_us) // 2 // 1_000 * 1_000):
        if until_us < before_us:
            yield _ending(document, until_us)


def _ending(document: Document, until_us: int) -> Document:
    """The document with all that would happen later cut off."""
    edited = with_(document, "run", until=format_us(until_us))
    if "warm_up" in edited["run"] and duration_us(edited["run"]["warm_up"]) >= until_us:
        edited["run"].pop("warm_up")
    if duration_us(edited["workload"]["ends"]) > until_us:
        edited["workload"]["ends"] = format_us(until_us)
    edited["fault"] = [_clipped(f, until_us) for f in edited.get("fault", []) if _begins_us(f) < until_us]
    return edited


def _clipped(fault: dict[str, Any], until_us: int) -> dict[str, Any]:
    """The fault, ending with the run at the latest."""
    if "for" not in fault or isinstance(fault["at"], dict):
        return fault
    lasts_us = min(duration_us(fault["for"]), until_us - _begins_us(fault))
    return fault | {"for": format_us(lasts_us)}


def _begins_us(fault: dict[str, Any]) -> int:
    at = fault["at"]
    return duration_us(at.get("since", "0s") if isinstance(at, dict) else at)


def _quiet_us(document: Document) -> int:
    """When load and timed faults are over; a fault that never ends does not count, nor one with a trigger."""
    timed = [fault for fault in document.get("fault", []) if "for" in fault and isinstance(fault["at"], str)]
    ends = [_begins_us(fault) + duration_us(fault["for"]) for fault in timed]
    return max([duration_us(document["workload"]["ends"]), *ends])


def _audit_us(document: Document) -> int | None:
    audit = document["workload"].get("audit")
    return None if audit is None else duration_us(audit)


def _up(us: int) -> int:
    """The next round instant: to a tenth of a second, below a second to a hundredth."""
    unit = 100_000 if us > 1_000_000 else 10_000
    return -(-us // unit) * unit
