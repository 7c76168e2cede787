"""What is claimed of retries under risk: closed forms first, then what each rule comes to where the network is cut."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import fsum
from typing import Final

from experiments.calibration import Verdict, verdict
from experiments.experiment import Finding
from experiments.family import Family, shown
from experiments.judging import VERDICTS, Judged, interval_of, span_told
from experiments.results import Results
from experiments.risks.arms import (
    ARMS,
    BACK,
    CALM,
    CHANCE,
    CHANCE_BACK,
    CUT,
    EVEN,
    FENCE,
    GIVE_UP_US,
    ONCE,
    ONE_WAY_US,
    QUERY,
    SAME_KEY,
    SCENARIOS,
    SILENCE,
    STREAM,
    TIME,
    TIMED,
    UNEVEN,
    UNIFORM,
    UNIFORM_ACT_US,
    WRONG,
    RiskRow,
    losses_of,
    rules_of,
)
from experiments.risks.runs import CALIBRATED, TABLE, said_of, silent_after_us
from models.confidence import (
    Costs,
    Erlang,
    Never,
    Patience,
    Request,
    executed_for_ever,
    executed_if_silent,
    patience,
)
from models.effects.risk import RiskRule, SilenceIsFailure, Sums, TimedPolicy, sums_of

__all__ = ["FAMILY", "Form", "Told", "calibration", "check", "forms", "judged", "predicted", "tolds"]

Rows = Results[RiskRow]
FAMILY: Final = Family(compared=6, fewest=8)
_EXACT: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A row of the table: what a closed form says of a metric of a cell, and how narrow its interval has to be."""

    title: str
    cell: str
    arm: str
    metric: str
    value: float
    limit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A row that needs no world: how long to wait, or that no waiting does.

    Attributes:
        request_loss: p_req.
        reply_loss: p_rep.
        ratio: C_dup / C_loss.
        found: T*, or why not.
        printed_ms: T* as printed; None where the print says never, or nothing.
        printed: Whether the row is printed.
    """

    request_loss: float
    reply_loss: float
    ratio: float
    found: Patience | Never
    printed_ms: float | None
    printed: bool

    @property
    def agrees(self) -> bool:
        """Whether it is as printed, to the digits that are."""
        if isinstance(self.found, Never):
            return self.printed_ms is None
        return self.printed_ms is None or f"{self.found.us / 1_000:.1f}" == f"{self.printed_ms:.1f}"

    @property
    def ratio_max(self) -> float:
        """The largest ratio at which waiting does."""
        return self.request_loss / ((1 - self.request_loss) * self.reply_loss)


def forms() -> list[Form]:
    """Printed rows, then others, just below and above the border among them."""
    rows = [_form(p_req, p_rep, ratio, told, printed=True) for p_req, p_rep, ratio, told in TABLE]
    for p_req, p_rep in ((0.01, 0.01), (0.2, 0.001), (0.001, 0.02)):
        border = p_req / ((1 - p_req) * p_rep)
        rows += [_form(p_req, p_rep, border * share, None, printed=False) for share in (0.01, 0.5, 0.99, 1.01)]
    return rows


def _form(p_req: float, p_rep: float, ratio: float, told: float | None, *, printed: bool) -> Form:
    found = patience(_request(p_req, p_rep), Costs(lost=1.0, duplicate=ratio))
    return Form(request_loss=p_req, reply_loss=p_rep, ratio=ratio, found=found, printed_ms=told, printed=printed)


def _request(p_req: float, p_rep: float) -> Request:
    return Request(request_loss=p_req, reply_loss=p_rep, round_trip=Erlang(mean_us=2.0 * ONE_WAY_US, stages=2))


def predicted(scenario: str, arm: str) -> Sums:
    """What a rule on time alone comes to under independent losses, averaged over the ratios of costs."""
    request = _request(*losses_of(scenario))
    instants = [_instants(rule) for rule in rules_of(scenario, arm)]
    each = {some: sums_of(request, some, GIVE_UP_US) for some in dict.fromkeys(instants)}
    found = [each[some] for some in instants]
    return Sums(*(fsum(values) / len(found) for values in zip(*found, strict=True)))


def _instants(rule: TimedPolicy) -> tuple[int, ...]:
    if isinstance(rule, SilenceIsFailure):
        return tuple(rule.pause_us * number for number in range(1, rule.most))
    assert isinstance(rule, RiskRule)
    return rule.instants_us if rule.ladder else ()


def tolds() -> list[Told]:
    """Every row that worlds are held to."""
    rows: list[Told] = []
    for scenario in (EVEN, UNEVEN):
        request = _request(*losses_of(scenario))
        waited_us = silent_after_us(scenario)
        rows.append(
            Told(
                title=f"P(executed | silent for T* = {waited_us / 1_000:.1f} ms)",
                cell=scenario,
                arm=ONCE,
                metric="silent_executed",
                value=executed_if_silent(request, waited_us),
                limit=0.5,
            )
        )
    lost, _ = losses_of(EVEN)
    rows.append(
        Told(
            title="P(executed | silent to the end): (1 - p) / (2 - p)",
            cell=EVEN,
            arm=ONCE,
            metric="parked_executed_share",
            value=(1 - lost) / (2 - lost),
            limit=0.25,
        )
    )
    met = executed_for_ever(float(ONE_WAY_US), float(UNIFORM_ACT_US), float(ONE_WAY_US))
    for title, metric, value in (
        ("P(executed | silent for ever), cut after the send", "during_executed", met),
        ("the same, cut before the send", "before_executed", 0.0),
    ):
        rows.append(Told(title=title, cell=UNIFORM, arm=ONCE, metric=metric, value=value, limit=0.1))
    for scenario in (CALM, EVEN, UNEVEN):
        for arm in TIMED:
            rows += _sums_told(scenario, arm, predicted(scenario, arm))
    return rows


def _sums_told(scenario: str, arm: str, said: Sums) -> Iterable[Told]:
    for title, metric, value, limit in (
        ("duplicates of 1,000", "duplicates", 1_000 * said.duplicates, 0.3 if said.duplicates > 1e-3 else 1.0),
        ("omissions of 1,000", "omissions", 1_000 * said.omitted, 0.3),
        ("waiting, ms", "waiting_ms", said.waiting_us / 1_000, 0.15),
    ):
        yield Told(title=title, cell=scenario, arm=arm, metric=metric, value=value, limit=limit)


def judged(results: Rows) -> list[Judged[Told]]:
    """Every row against its worlds; rows whose cell was not run are left out."""
    rows = results.once(tolds)
    confidence = 1 - 0.05 / len(rows)
    found = []
    for told in rows:
        values = results.values(told.metric, scenario=told.cell, arm=told.arm)
        if any(value is not None for value in values):
            interval = interval_of(results, told, told.arm, confidence)
            # What hardly ever happens did not; its bound is that of the count, which is far above what is said.
            rare = told.value < 1e-3 and all(value == 0 for value in values if value is not None)
            found.append(Judged(told, interval, 1e-3 if rare else _EXACT))
    return found


def check(results: Rows) -> list[Finding]:
    """Closed forms, then what each rule comes to."""
    return [
        _table(),
        _border(),
        *(_said(row) for row in judged(results)),
        *(_calibrated(results, scenario) for scenario in CALIBRATED),
        _none_wrong(results),
        _calm(results),
        _stream(results),
        _stream_waits(results),
        *(
            _more(results, CUT, worse, better, metric, claim)
            for worse, better, metric, claim in (
                (TIME, CHANCE, "omissions", "Under cuts a threshold on T retries into the cut and omits more than P"),
                (SILENCE, CHANCE, "duplicates", "Under cuts silence read as failure duplicates more than P"),
                (TIME, CHANCE, "cost", "Under cuts a threshold on P that heeds heartbeats costs less than one on T"),
                (TIME, WRONG, "cost", "So it does where what it believes is wrong tenfold"),
            )
        ),
        _more(
            results,
            BACK,
            CHANCE,
            CHANCE_BACK,
            "duplicates",
            "Where cuts are of the way back, who takes them for cuts of both ways repeats more than who allows for it",
        ),
        _more(
            results,
            CUT,
            CHANCE_BACK,
            CHANCE,
            "omissions",
            "Where cuts are of both ways, who allows for cuts of the way back omits more: heartbeats do not tell which",
        ),
        _independent(results),
        _unfenced(results),
    ]


def _table() -> Finding:
    rows = forms()
    printed = [row for row in rows if row.printed]
    return Finding(
        claim="T* is as printed: 586.7 ms, never, 439.1 ms",
        holds=all(row.agrees for row in printed),
        detail="; ".join(
            f"({row.request_loss:g}, {row.reply_loss:g}, {row.ratio:g}) "
            + ("never" if isinstance(row.found, Never) else f"{row.found.us / 1_000:.2f} ms")
            for row in printed
        ),
    )


def _border() -> Finding:
    rows = forms()
    right = [isinstance(row.found, Never) == (row.ratio > row.ratio_max) for row in rows]
    return Finding(
        claim="Waiting alone does if and only if C_dup / C_loss <= p_req / ((1 - p_req) p_rep)",
        holds=all(right),
        detail=f"{sum(right)} of {len(rows)} rows, 1 % to either side of the border among them",
    )


def _said(row: Judged[Told]) -> Finding:
    told = row.claim
    return Finding(
        claim=f"{told.title}: {told.cell}, {told.arm}",
        holds=row.holds,
        detail=f"closed form {told.value:.5g}, measured {row.interval.estimate:.5g} "
        f"[{span_told(row.interval, row.half_width)}], {VERDICTS[row.holds]}",
    )


def calibration(results: Rows, scenario: str) -> tuple[Verdict, int]:
    """What the posterior says of silent charges, held against the truth, and of how many charges."""
    runs = said_of(results, scenario)
    return verdict(runs, confidence=0.995), sum(len(run.chances) for run in runs)


def _calibrated(results: Rows, scenario: str) -> Finding:
    found, count = calibration(results, scenario)
    off = "; ".join(f"said {one.said:.3g}, came {one.came:.3g} of {one.samples}" for one in found.off)
    return Finding(
        claim=f"What losses, delays and heartbeats say of silent charges comes true as often as said: {scenario}",
        holds=found.calibrated,
        detail=f"{count} charges, {found.judged} bins judged, off: {off or 'none'}",
    )


def _none_wrong(results: Rows) -> Finding:
    rows = [row for scenario in SCENARIOS for arm in (FENCE, SAME_KEY) for row in results.at(scenario, arm)]
    charges = sum(row.charges for row in rows)
    wrong = sum(round((row.duplicates + row.omissions) * row.charges / 1_000) for row in rows)
    return Finding(
        claim="A receiver that fences when it is asked, or dedups by key, leaves no duplicate and no omission",
        holds=wrong == 0 if rows else None,
        detail=f"{wrong} of {charges} charges in {len(rows)} runs, all worlds together",
    )


def _calm(results: Rows) -> Finding:
    by_arm = [results.at(CALM, arm.name) for arm in ARMS if arm.name != SILENCE]
    rows = [row for some in by_arm for row in some]
    worst = max((row.omissions + row.parked for row in rows), default=0.0)
    most = max((fsum(row.duplicates for row in some) / len(some) for some in by_arm if some), default=0.0)
    return Finding(
        claim="Where nothing fails nothing is omitted or parked, and at most one in a thousand done twice but by who "
        "takes silence for failure",
        holds=worst == 0 and most <= 1.0 if rows else None,
        detail=f"omitted or parked {worst:g}, duplicates {most:.3f} of 1,000 for a rule at most, in {len(rows)} runs",
    )


def _stream(results: Rows) -> Finding:
    rows = [row for row in results.at(STREAM, ONCE) if row.before_executed is not None]
    least = min((row.before_executed or 0.0 for row in rows), default=0.0)
    return Finding(
        claim="On a connection what is sent into a cut is executed after the heal: none is lost, so never by waiting",
        holds=least == 1.0 if rows else None,
        detail=f"executed in the end, of {sum(row.before for row in rows)} sent into cuts: {least:.4f} at least",
    )


def _stream_waits(results: Rows) -> Finding:
    rows, naive = results.at(STREAM, CHANCE), results.at(STREAM, SILENCE)
    worst = max((row.duplicates + row.omissions for row in rows), default=0.0)
    least = min((row.duplicates for row in naive), default=0.0)
    return Finding(
        claim="There a rule on P waits for the late answer and errs in nothing, where silence as failure multiplies",
        holds=worst == 0 and least > 100 if rows and naive else None,
        detail=f"duplicates and omissions of 1,000: {worst:.2f} at most; silence as failure {least:.0f} at least",
    )


def _more(results: Rows, scenario: str, worse: str, better: str, metric: str, claim: str) -> Finding:
    more = FAMILY.difference(results, scenario, worse, better, metric)
    return Finding(
        claim=claim, holds=FAMILY.above(more), detail=f"more of 1,000 by {shown(more, '.1f')}, runs paired by seed"
    )


def _independent(results: Rows) -> Finding:
    """That averages over cuts, taken for independent losses, promise what does not come."""
    rows = results.at(CUT, TIME)
    least = min((row.omissions for row in rows), default=0.0)
    rule_sums = [
        sums_of(rule.route.request, rule.instants_us, GIVE_UP_US)
        for rule in rules_of(CUT, TIME)
        if isinstance(rule, RiskRule)
    ]
    said = 1_000 * fsum(one.omitted for one in rule_sums) / len(rule_sums)
    return Finding(
        claim="Losses that a cut correlates are not what their average says: omissions are twice the sums and more",
        holds=least > 2 * said if rows else None,
        detail=f"of 1,000: the sums say {said:.1f}, least of {len(rows)} runs {least:.1f}",
    )


def _unfenced(results: Rows) -> Finding:
    rows = [row for scenario in (EVEN, UNEVEN, CUT) for row in results.at(scenario, QUERY)]
    count = sum(round(row.duplicates * row.charges / 1_000) for row in rows)
    return Finding(
        claim="A not done that is not fenced can turn into done: some charge is done twice",
        holds=count > 0 if rows else None,
        detail=f"{count} duplicates in {len(rows)} runs",
        sometimes=True,
    )
