"""One world under one rule: what the caller saw, held against the payee's book."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import fsum, inf
from typing import Final, NamedTuple

from experiments.calibration import Said
from experiments.experiment import Cell, RunResult, Series
from experiments.results import Results
from experiments.risks.arms import (
    CHANCE,
    CUT,
    EVEN,
    GIVE_UP_US,
    ONCE,
    ONE_WAY_US,
    RATIOS,
    RiskRow,
    losses_of,
    route_of,
)
from experiments.risks.worlds import Staged, staged
from models.confidence import Costs, Erlang, Patience, Request, patience
from models.effects.risk import End, executed

__all__ = ["CALIBRATED", "TABLE", "Fate", "fates_of", "run_once", "said_of", "silent_after_us"]

#: The printed table: p_req, p_rep, C_dup / C_loss, and T*, milliseconds; None for never.
TABLE: Final = ((0.01, 0.01, 1.0, 586.7), (0.01, 0.01, 2.0, None), (0.2, 0.001, 100.0, 439.1))
#: Where one gap at most lies around a charge, so that what heartbeats say of it can be held against the truth.
CALIBRATED: Final = (EVEN, CUT)


class Fate(NamedTuple):
    """One charge: what its caller saw, and how often it was really done."""

    end: End
    done: int
    silent_us: int  # no answer for at least so long, to any attempt


def run_once(cell: Cell, seed: int) -> RunResult:
    """Run one world under one rule."""
    scenario, arm = cell.scenario, cell.arm.name
    ready = staged(scenario, arm, seed)
    ready.world.run(ready.until_us)
    ready.world.check_conservation()
    fates = fates_of(ready)
    silent = [fate for fate in fates if fate.silent_us >= silent_after_us(scenario)]
    during, before = _met_by(ready, fates)
    row = RiskRow(
        scenario=scenario,
        arm=arm,
        seed=seed,
        digest=ready.world.digest(),
        charges=len(fates),
        duplicates=_per_thousand(max(0, fate.done - 1) for fate in fates),
        omissions=_per_thousand(fate.done == 0 for fate in fates),
        parked=_per_thousand(fate.end.parked_us is not None for fate in fates),
        parked_executed=_per_thousand(fate.end.parked_us is not None and fate.done > 0 for fate in fates),
        parked_executed_share=_share([fate for fate in fates if fate.end.parked_us is not None]),
        waiting_ms=fsum(fate.silent_us for fate in fates) / len(fates) / 1_000,
        attempts=fsum(fate.end.attempts for fate in fates) / len(fates),
        cost=_per_thousand(_cost(fate) for fate in fates),
        silent=len(silent),
        silent_executed=_share(silent),
        during=len(during),
        during_executed=_share(during),
        before=len(before),
        before_executed=_share(before),
    )
    return RunResult(row=row, series={**_by_ratio(fates), **_said(scenario, fates)})


def fates_of(ready: Staged) -> list[Fate]:
    """Every charge of a world that has run."""
    done = Counter(deed.key for deed in ready.payee.book)
    return [Fate(end, done[end.key], _silence_us(end)) for end in ready.caller.ends]


def silent_after_us(scenario: str) -> float:
    """T* of the table's row with these losses, for costs that allow it; elsewhere the end."""
    lost, unanswered = losses_of(scenario)
    for p_req, p_rep, ratio, told in TABLE:
        if (p_req, p_rep) == (lost, unanswered) and told is not None:
            request = Request(
                request_loss=p_req, reply_loss=p_rep, round_trip=Erlang(mean_us=2.0 * ONE_WAY_US, stages=2)
            )
            found = patience(request, Costs(lost=1.0, duplicate=ratio))
            assert isinstance(found, Patience)
            return found.us
    return float(GIVE_UP_US)


def _silence_us(end: End) -> int:
    last_us = end.answered_us if end.answered_us is not None else end.parked_us
    assert last_us is not None, "every charge is answered or parked before its world ends"
    return last_us - end.sent_us


def _cost(fate: Fate) -> float:
    return RATIOS[fate.end.key % len(RATIOS)] * max(0, fate.done - 1) + (fate.done == 0)


def _met_by(ready: Staged, fates: Iterable[Fate]) -> tuple[list[Fate], list[Fate]]:
    """Charges that a cut met on their way and left silent, and those that were sent into one."""
    during, before = [], []
    for fate in fates:
        begin_us, end_us = next((cut for cut in ready.cuts if cut[1] > fate.end.sent_us), (inf, inf))
        if begin_us <= fate.end.sent_us:
            before.append(fate)
        elif fate.end.sent_us + fate.silent_us >= end_us:
            during.append(fate)
    return during, before


def _share(fates: Sequence[Fate]) -> float | None:
    return sum(fate.done > 0 for fate in fates) / len(fates) if fates else None


def _said(scenario: str, fates: Iterable[Fate]) -> Series:
    """What who heeds heartbeats would say of charges that were asked for once and parked, and which were done."""
    if scenario not in CALIBRATED:
        return {}
    route = route_of(scenario, CHANCE)
    silent = [(fate, fate.end.known.tries[0]) for fate in fates if fate.end.known and fate.end.attempts == 1]
    said = [executed(route, attempt.silence_us, attempt.gap) for _, attempt in silent]
    return {"said": said, "came": [int(fate.done > 0) for fate, _ in silent]}


def said_of(results: Results[RiskRow], scenario: str) -> list[Said]:
    """The same of all runs of a world in which nobody asks again."""
    runs = [results.series(scenario, ONCE, row.seed) for row in results.at(scenario, ONCE)]
    return [Said(chances=run["said"], outcomes=[came > 0 for came in run["came"]]) for run in runs]


def _per_thousand(values: Iterable[float]) -> float:
    found = [float(value) for value in values]
    return 1_000 * fsum(found) / len(found)


def _by_ratio(fates: Sequence[Fate]) -> Series:
    """Per ratio of costs, in their order: what the frontier is drawn from."""
    groups = [[fate for fate in fates if fate.end.key % len(RATIOS) == number] for number in range(len(RATIOS))]
    return {
        "charges": [len(group) for group in groups],
        "duplicates": [_per_thousand(max(0, fate.done - 1) for fate in group) for group in groups],
        "omissions": [_per_thousand(fate.done == 0 for fate in group) for group in groups],
        "parked": [_per_thousand(fate.end.parked_us is not None for fate in group) for group in groups],
        "waiting_ms": [fsum(fate.silent_us for fate in group) / len(group) / 1_000 for group in groups],
    }
