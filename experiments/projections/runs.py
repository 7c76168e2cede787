"""One scenario under one way to project: what users waited for, what they missed, and how far the view was behind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf

from experiments.experiment import Cell, RunResult
from experiments.measures import Observation, gather
from experiments.projections.arms import INLINE, LIVE, REBUILD, REBUILD_US, LagRow
from experiments.properties import judge
from experiments.scenario import Scenario, load
from experiments.scenario.property import Mode, PropertyUse
from experiments.statistics import quantile
from sim.checkers import Outcome
from sim.checkers.reading import Attempt, attempts_of
from sim.checkers.staleness import staleness

__all__ = ["measured", "run_once"]

_STEP_US = 250_000


def run_once(cell: Cell, seed: int) -> RunResult:
    """Run one scenario under one way to project."""
    return measured(load(cell.scenario).with_system(cell.arm.system), cell, seed)


def measured(scenario: Scenario, cell: Cell, seed: int) -> RunResult:
    """Run a scenario, which may be a shorter one than the cell's, and measure it."""
    seen = gather(scenario, seed)
    assert isinstance(seen, Observation), "a store keeps a ledger"
    everything = attempts_of(seen.history)
    attempts = [one for one in everything if one.begin_us >= scenario.warm_up_us]
    commands = [one for one in attempts if one.f == "append"]
    reads = [one for one in attempts if one.f == "read"]
    answered = [one for one in reads if one.ok]
    stale, _ = staleness(everything)
    behind = [one.by_us / 1000 for one in stale if one.read.begin_us >= scenario.warm_up_us]
    own, missed = _own(everything, scenario.warm_up_us)
    lags = _lags(everything, scenario.warm_up_us) if cell.arm.name not in (INLINE, LIVE) else None
    ages = _ages(attempts)
    exact = judge(seen, [PropertyUse(name="view_is_exact", mode=Mode.ALWAYS)])["view_is_exact"]
    row = LagRow(
        scenario=cell.scenario,
        arm=cell.arm.name,
        seed=seed,
        digest=seen.digest,
        commands=len(commands),
        command_p50_ms=_quantile(commands, 0.5),
        command_p99_ms=_quantile(commands, 0.99),
        reads=len(reads),
        read_p50_ms=_quantile(reads, 0.5),
        read_p99_ms=_quantile(reads, 0.99),
        answered_share=len(answered) / max(1, len(reads)),
        stale_share=len(behind) / max(1, len(answered)),
        stale_p99_ms=quantile([*behind, *[0.0] * (len(answered) - len(behind))], 0.99) if answered else inf,
        own_reads=len(own),
        own_p50_ms=_quantile(own, 0.5),
        own_p99_ms=_quantile(own, 0.99),
        own_missed=missed,
        lag_p50_ms=None if lags is None else quantile(lags, 0.5) if lags else inf,
        lag_p99_ms=None if lags is None else quantile(lags, 0.99) if lags else inf,
        stated_p50_ms=quantile(ages, 0.5) if ages else inf,
        stated_p99_ms=quantile(ages, 0.99) if ages else inf,
        fault_reads_share=_in_faults(seen, reads),
        fault_commands_share=_in_faults(seen, commands),
        stolen=len(seen.noted["stolen"]),
        fenced=len(seen.noted["fenced"]),
        exact=exact.outcome is Outcome.VALID,
        switched_ms=_switched_ms(seen) if cell.arm.name == REBUILD else None,
    )
    return RunResult(row=row, series=_timeline(attempts, behind=stale, scenario=scenario))


def _quantile(attempts: Sequence[Attempt], level: float) -> float:
    """Milliseconds from asking to the answer; who got none waits for ever."""
    waits = [(one.end_us - one.begin_us) / 1000 for one in attempts if one.ok and one.end_us is not None]
    return quantile(waits, level, unanswered=len(attempts) - len(waits)) if attempts else inf


def _own(attempts: Iterable[Attempt], warm_up_us: int) -> tuple[list[Attempt], int]:
    """Reads of a key that their session had written, and how many miss that."""
    wrote: dict[tuple[str, str, int | str], tuple[int, int]] = {}
    found, missed = [], 0
    rows = [(one.begin, True, one) for one in attempts if one.f == "read"]
    rows += [(one.end, False, one) for one in attempts if one.f == "append" and one.ok]
    for _, begins, one in sorted(rows, key=lambda row: row[0]):
        place = (one.client, one.session, one.key)
        if not begins:
            wrote[place] = max(wrote.get(place, (0, 0)), (one.version or 0, one.op))
        elif place in wrote and one.begin_us >= warm_up_us:
            found.append(one)
            missed += one.ok and (one.version or 0) < wrote[place][0]
    return found, missed


def _lags(attempts: Iterable[Attempt], warm_up_us: int) -> list[float]:
    """Milliseconds from each event's acknowledgement to that of its delivery to the first version."""
    saved: dict[tuple[int | str, int], int] = {}
    acked: dict[tuple[int | str, int], int] = {}
    for one in attempts:
        if one.version is None or one.end_us is None or not one.ok:
            continue
        if one.f == "deliver" and one.session == "view-1":
            saved.setdefault((one.key, one.version), one.end_us)
        elif one.f == "append" and one.end_us >= warm_up_us:
            acked[one.key, one.version] = one.end_us
    return [max(0, saved[place] - t_us) / 1000 if place in saved else inf for place, t_us in acked.items()]


def _ages(attempts: Iterable[Attempt]) -> list[float]:
    """Milliseconds since which each answer says that it knows of nothing newer."""
    return [
        (one.begin_us - one.answer) / 1000
        for one in attempts
        if one.f == "as-of" and one.ok and isinstance(one.answer, int) and one.answer
    ]


def _in_faults(seen: Observation, attempts: Iterable[Attempt]) -> float | None:
    """Share of operations that were answered, of those that began while a fault was live."""
    spans = seen.spans
    met = [
        one.ok
        for one in attempts
        for span in spans
        if span.begin_us <= one.begin_us < (span.end_us or seen.scenario.until_us)
    ]
    return sum(met) / len(met) if met else None


def _switched_ms(seen: Observation) -> float:
    reading = seen.ledger.reading
    assert reading is not None
    times = [t_us for t_us, _, _ in seen.noted["switched"]]
    done = times and all(view.version == 2 for view in reading.views) and not reading.missing
    return (max(times) - REBUILD_US) / 1000 if done else inf


def _timeline(attempts: Sequence[Attempt], *, behind: Iterable[object], scenario: Scenario) -> dict[str, list[float]]:
    """By step in which they began, the mean staleness of reads, milliseconds; stale ones know by how much."""
    by_op = {one.read.op: one.by_us / 1000 for one in behind}  # type: ignore[attr-defined]
    steps: dict[int, list[float]] = {}
    for one in attempts:
        if one.f == "read" and one.ok:
            steps.setdefault(one.begin_us // _STEP_US, []).append(by_op.get(one.op, 0.0))
    order = sorted(steps)
    return {
        "begin_s": [step * _STEP_US / 1e6 for step in order],
        "stale_ms": [sum(steps[step]) / len(steps[step]) for step in order],
    }
