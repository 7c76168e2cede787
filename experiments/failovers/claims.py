"""What is claimed of those who act upon a detector, held against the rows. Comparisons are of arms under one seed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from experiments.experiment import Finding
from experiments.failovers.arms import (
    AKKA,
    CRASH,
    FIXED,
    LOST,
    MEAN,
    NFD_E,
    PAUSES,
    PHI,
    TITLES,
    FailoverRow,
    Use,
)
from experiments.family import Family, shown
from experiments.results import Results
from experiments.statistics import Interval, at_most

__all__ = ["DECIDES", "FAMILY", "HEARTBEATS", "check"]

#: Seconds from a death to the next owner by which an average may differ from a fixed time-out of equal patience.
_ALIKE_S: Final = 0.1
#: Who is told of heartbeats; the others hear answers.
HEARTBEATS: Final = (Use.ELECTION, Use.CLAIM, Use.MONITOR)
_DEADLY: Final = (CRASH, *LOST.values())
#: (scenario, metric) in which phi is less, then more, than a fixed time-out.
_SOONER: Final = ((CRASH, "again_s"), (LOST[Use.CLAIM], "again_s"))
_EAGER: Final = tuple((scenario, "needless") for scenario in (PAUSES, LOST[Use.CLAIM], LOST[Use.MONITOR]))
#: In which NFD-E is more.
_PACED: Final = tuple((LOST[use], "needless") for use in (Use.CLAIM, Use.MONITOR))
#: In which an average of answers is more.
_RHYTHM: Final = ((LOST[Use.HANDOFF], "needless"),)
#: In which Akka is more: by two seconds at least, and at all.
_LATE: Final = tuple((scenario, "again_s") for scenario in _DEADLY)
_UNSERVED: Final = tuple((name, "unserved_s") for name in (CRASH, LOST[Use.ROUTE], LOST[Use.HANDOFF]))
_LATER_S: Final = 2.0

#: From how many runs on an interval that is too wide decides.
DECIDES: Final = 10
FAMILY: Final = Family(
    compared=sum(map(len, (_SOONER, _EAGER, _PACED, _RHYTHM, _LATE, _UNSERVED))),
    fewest=DECIDES,
)

Rows = Results[FailoverRow]


def check(results: Rows) -> list[Finding]:
    """Safety whatever the detector, and what each trades."""
    return [
        _safe(results),
        _control(results),
        _alike(results),
        _eager(results),
        _paced(results),
        _rhythm(results),
        _patient(results),
        _two(results),
    ]


def _safe(results: Rows) -> Finding:
    broken = sum(row.broken > 0 for row in results.rows)
    return Finding(
        claim="Nothing that must never happen happens, whichever detector errs: votes, tokens and epochs decide",
        holds=not broken,
        detail=f"runs in which a property does not hold: {at_most(broken, len(results.rows))}",
    )


def _control(results: Rows) -> Finding:
    rows = [row for row in results.rows if row.scenario.endswith("_calm")]
    acted = sum(row.acts > 0 for row in rows)
    return Finding(
        claim="Control: while nothing happens no detector makes anybody act",
        holds=not acted,
        detail=f"runs in which somebody acted: {at_most(acted, len(rows))}",
    )


def _alike(results: Rows) -> Finding:
    places = (CRASH, LOST[Use.CLAIM], LOST[Use.MONITOR])
    apart = {name: FAMILY.difference(results, name, MEAN, FIXED, "again_s") for name in places}
    needless = [_total(results, name, MEAN) - _total(results, name, FIXED) for name in (*places, PAUSES)]
    return Finding(
        claim="Of regular heartbeats an average of equal patience makes what a fixed time-out makes",
        holds=all(one is not None and abs(one.estimate) <= _ALIKE_S for one in apart.values())
        and max(map(abs, needless)) <= 1,
        detail="to the next owner "
        + ", ".join(f"{TITLES[name].use} {shown(one, '.3f')} s more" for name, one in apart.items())
        + f"; needless acts differ by {max(map(abs, needless))} at most in all runs together",
    )


def _eager(results: Rows) -> Finding:
    sooner = [FAMILY.difference(results, name, FIXED, PHI, metric) for name, metric in _SOONER]
    more = [FAMILY.difference(results, name, PHI, FIXED, metric) for name, metric in _EAGER]
    return Finding(
        claim="phi as published replaces the dead sooner than a fixed time-out, and the living needlessly",
        holds=_all([*sooner, *more]),
        detail="sooner by "
        + ", ".join(f"{TITLES[name].use} {shown(one)} s" for (name, _), one in zip(_SOONER, sooner, strict=True))
        + "; needless acts more "
        + ", ".join(f"{TITLES[name].use} {shown(one)}" for (name, _), one in zip(_EAGER, more, strict=True)),
    )


def _paced(results: Rows) -> Finding:
    more = [FAMILY.difference(results, name, NFD_E, FIXED, metric) for name, metric in _PACED]
    return Finding(
        claim="Freshness points err where the sender stood still: its heartbeats go on later than they are expected",
        holds=_all(more),
        detail="needless acts of NFD-E more than of a fixed time-out: "
        + ", ".join(f"{TITLES[name].use} {shown(one)}" for (name, _), one in zip(_PACED, more, strict=True)),
    )


def _rhythm(results: Rows) -> Finding:
    more = [FAMILY.difference(results, name, MEAN, FIXED, metric) for name, metric in _RHYTHM]
    return Finding(
        claim="Fed with answers an average learns the load's rhythm: others stand in for replicas that live more often",
        holds=_all(more),
        detail="needless hints more than by a fixed time-out: " + ", ".join(map(shown, more)),
    )


def _patient(results: Rows) -> Finding:
    needless = sum(
        row.needless for name, place in TITLES.items() if place.use in HEARTBEATS for row in results.at(name, AKKA)
    )
    later = [FAMILY.difference(results, name, AKKA, FIXED, metric) for name, metric in _LATE]
    cost = [FAMILY.difference(results, name, AKKA, FIXED, metric) for name, metric in _UNSERVED]
    least = min((one.estimate for one in later if one is not None), default=0.0)
    return Finding(
        claim="Akka's acceptable pause of 3 s replaces nobody that beats needlessly, and costs as long at each death",
        holds=False if needless or least <= _LATER_S else _all([*later, *cost]),
        detail=f"{needless} needless acts upon heartbeats; later by {least:.2f} s at least; seconds unserved more: "
        + ", ".join(f"{TITLES[name].use} {shown(one)}" for (name, _), one in zip(_UNSERVED, cost, strict=True)),
    )


def _two(results: Rows) -> Finding:
    rows = [row for row in results.rows if row.double_ms > 0]
    odd = [row for row in rows if not row.needless]
    longest = max((row.double_ms for row in rows), default=0.0)
    return Finding(
        claim="Two take themselves for the owner only after a needless act, until the old one hears of it",
        holds=not odd,
        detail=f"in {len(rows)} of {len(results.rows)} runs, {longest:.0f} ms at most; "
        f"{len(odd)} of them without a needless act",
    )


def _all(differences: Iterable[Interval | None]) -> bool | None:
    """Whether every difference is surely above zero; None while some cannot be told, and none surely is not."""
    verdicts = [FAMILY.above(one) for one in differences]
    return False if False in verdicts else None if None in verdicts else True


def _total(results: Rows, scenario: str, arm: str) -> int:
    return sum(row.needless for row in results.at(scenario, arm))
