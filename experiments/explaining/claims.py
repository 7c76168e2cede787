"""What is claimed of beliefs on the tree, held against closed forms and against worlds whose truth is known."""

from __future__ import annotations

from collections.abc import Mapping
from math import fsum
from typing import Final

from experiments.calibration import Said, Verdict, log_loss, verdict
from experiments.experiment import Finding
from experiments.explaining.forms import forms
from experiments.explaining.runs import ExplainingRow, said_of, silent_regions
from experiments.explaining.tellers import ARMS, LEARNT, PHI, PRODUCT, TREE, WRONG_10
from experiments.explaining.worlds import BEFORE, CALM, MOST_HOSTS, SCENARIOS, SINCE, setting_of
from experiments.family import Family, shown
from experiments.results import Results
from experiments.statistics import Interval, clopper_pearson
from models.confidence import explaining_away

__all__ = ["CONFIDENCE", "FAMILY", "all_judged", "check", "frequencies", "judged"]

FAMILY: Final = Family(compared=4)
#: That no teller who is right is called wrong, by all verdicts on a page together.
CONFIDENCE: Final = 0.995
_PUBLISHED: Final = ((1, 0.0909, 0.909), (2, 0.9901, 0.0109), (3, 0.99999, 0.00101))
_EXACT: Final = 1e-9
_NAMES: Final = ("host", "region")
Rows = Results[ExplainingRow]


def check(results: Rows) -> list[Finding]:
    """Closed forms, calibration, and what the tree is worth."""
    return [
        _forms(),
        *(_frequency(results, silent) for silent in range(1, MOST_HOSTS + 1)),
        *(_calibrated(results, scenario, name) for scenario in (BEFORE, SINCE) for name in _NAMES),
        _caught(results, PRODUCT, "host", "Scores of hosts judged alone are miscalibrated, and the check finds it"),
        _caught(results, PHI, "host", "Phi read as a probability is miscalibrated, and the check finds it"),
        _loses(
            results, PRODUCT, WRONG_10, "host", "Priors ten times wrong on the tree lose less than right ones without"
        ),
        _loses(results, PRODUCT, TREE, "region", "Of regions, multiplied scores lose more than the belief on the tree"),
        _loses(results, WRONG_10, TREE, "host", "Priors ten times wrong lose more than right ones"),
        _loses(
            results, WRONG_10, LEARNT, "host", "Priors that are learnt, from ten times wrong, lose less than if kept"
        ),
        _calm(results),
    ]


def judged(results: Rows, scenario: str, arm: str, name: str) -> Verdict:
    """Whether what one teller said of silent hosts or regions can be true."""
    return verdict(said_of(results, scenario, arm, name), confidence=CONFIDENCE)


def all_judged(results: Rows) -> Mapping[tuple[str, str, str], Verdict]:
    """The same of every scenario, teller, and hosts and regions; for a page, which shows all."""
    return {
        (scenario, arm.name, name): judged(results, scenario, arm.name, name)
        for scenario in SCENARIOS
        for arm in ARMS
        for name in _NAMES
    }


def _forms() -> Finding:
    rows = forms()
    worst = max(row.gap for row in rows)
    published = {row.silent: row for row in rows if (row.region_prior, row.host_prior) == (1e-4, 1e-3)}
    told = all(
        f"{published[k].region_believed:.{_digits(region)}f}" == f"{region:.{_digits(region)}f}"
        and f"{published[k].host_believed:.3g}" == f"{host:.3g}"
        for k, region, host in _PUBLISHED
    )
    return Finding(
        claim="The belief on the tree is the closed form of explaining away, in printed and unprinted rows",
        holds=worst <= _EXACT and told,
        detail=f"{len(rows)} rows, the largest relative difference {worst:.1e}; printed ones to their digits: {told}",
    )


def _digits(value: float) -> int:
    return len(repr(value).partition(".")[2])


def frequencies(results: Rows, silent: int) -> tuple[Interval | None, float, float | None]:
    """Of regions of which all of so many hosts were silent: how many were cut off, the closed form, and what was said.

    Regions of one run have fates of their own there, so the proportion's interval is the exact one.
    """
    runs = silent_regions(results, BEFORE, TREE, silent)
    count, came = sum(len(run.chances) for run in runs), sum(sum(run.outcomes) for run in runs)
    priors = setting_of(BEFORE).priors
    wanted = explaining_away(priors.of("region").cut, priors.of("host").dead, silent).region
    if not count:
        return None, wanted, None
    said = fsum(fsum(run.chances) for run in runs) / count
    return clopper_pearson(came, count, confidence=1 - (1 - CONFIDENCE) / MOST_HOSTS), wanted, said


def _frequency(results: Rows, silent: int) -> Finding:
    interval, wanted, said = frequencies(results, silent)
    claim = f"With {silent} of {silent} hosts silent a region is cut off as often as the closed form says"
    if interval is None or interval.low is None or interval.high is None or said is None:
        return Finding(claim=claim, holds=None, detail="no such region in these runs")
    return Finding(
        claim=claim,
        holds=interval.low <= wanted <= interval.high,
        detail=f"closed form {wanted:.4f}, said {said:.4f}, so in {interval.estimate:.4f} of {interval.n} "
        f"[{interval.low:.4f}, {interval.high:.4f}]",
    )


def _calibrated(results: Rows, scenario: str, name: str) -> Finding:
    found = judged(results, scenario, TREE, name)
    return Finding(
        claim=f"The belief with right priors is calibrated: {name}s, {scenario}",
        holds=found.calibrated,
        detail=_told(found, said_of(results, scenario, TREE, name)),
    )


def _caught(results: Rows, arm: str, name: str, claim: str) -> Finding:
    found = judged(results, SINCE, arm, name)
    few = len(results.at(SINCE, arm)) < FAMILY.fewest
    return Finding(
        claim=claim,
        # Silence of the check says nothing while there is little to check.
        holds=None if found.calibrated is None or (found.calibrated and few) else not found.calibrated,
        detail=_told(found, said_of(results, SINCE, arm, name)),
    )


def _told(found: Verdict, runs: list[Said]) -> str:
    count = sum(len(run.chances) for run in runs)
    loss = log_loss(runs)
    off = "; ".join(f"said {one.said:.3g}, came {one.came:.3g} of {one.samples}" for one in found.off)
    return (
        f"{count} samples in {len(runs)} runs, {found.judged} bins judged, off: {off or 'none'}; log loss "
        f"{'-' if loss is None else format(loss, '.4f')}"
    )


def _loses(results: Rows, worse: str, better: str, name: str, claim: str) -> Finding:
    more = FAMILY.difference(results, SINCE, worse, better, f"{name}_log_loss")
    return Finding(
        claim=claim, holds=FAMILY.above(more), detail=f"log loss more by {shown(more, '.4f')}, runs paired by seed"
    )


def _calm(results: Rows) -> Finding:
    rows = results.at(CALM, TREE)
    said = [chance for row in rows for chance in results.series(CALM, TREE, row.seed)["region_said"]]
    mean = fsum(said) / len(said) if said else 0.0
    downs = sum(row.hosts_down + row.regions_down for row in rows)
    return Finding(
        claim="Where nothing fails, regions are said to be down with a chance of one in fifty at most, on average",
        holds=None if not said else mean <= 0.02 and downs == 0,
        detail=f"mean of {len(said)} answers {mean:.4f}; down in truth: {downs}",
    )
