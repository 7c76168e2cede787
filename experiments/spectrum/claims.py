"""What is claimed of bool against spectrum, held against the rows; every interval is over runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from experiments.calibration import Said, Verdict, log_loss, verdict
from experiments.experiment import Finding
from experiments.family import shown
from experiments.results import Results
from experiments.spectrum.decisions import DECISIONS, FAILOVER, RATIOS, READ
from experiments.spectrum.runs import TELLERS, SpectrumRow
from experiments.spectrum.scores import (
    ALIKE,
    ARM,
    BOOL_ENOUGH,
    DETECTOR_TUNED,
    HEADLINES,
    LEARNT,
    OWN_WHOLE,
    RIGHT,
    SPECTRUM,
    WRONG,
    Scores,
    costs_of,
)
from experiments.spectrum.tellers import ALL_LEARNT, ALL_RIGHT, PATH, PHI
from experiments.spectrum.troubles import CALM, EVERYTHING, SCENARIOS, TITLES
from experiments.statistics import Interval, paired_difference

__all__ = ["CONFIDENCE", "DECIDES", "FEWEST", "MODEST", "WORDS", "Rows", "check", "judged", "said_of", "scores_of"]

Rows = Results[SpectrumRow]
#: That no teller who is right is called wrong, by all verdicts on a page together.
CONFIDENCE: Final = 0.995
#: Up to such ratios what is believed of rates hardly matters.
MODEST: Final = 10.0
WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {LEARNT: "learnt from ten times wrong", WRONG: "ten times wrong", RIGHT: "right"}
)
_STAKE: Final = "Where to be wrong costs up to ten times what it costs to be careful"
#: Of what an oracle saves over knowing nothing: less than this is no loss to speak of.
_MARGIN: Final = 0.1
#: From how many runs on an interval that is too wide decides.
DECIDES: Final = 30
FEWEST: Final = 12


def check(results: Rows) -> list[Finding]:
    """What a boolean lacks, what it does not, and whether what is said is true."""
    everything = {priors: scores_of(results, EVERYTHING, priors) for priors in HEADLINES}
    return [
        *(_met(results, scenario) for scenario in SCENARIOS if scenario != CALM),
        _control(results),
        _calibrated(results),
        _caught(results, PATH, "Posteriors multiplied along the path are miscalibrated, and the check finds it"),
        _caught(results, PHI, "Phi read as a probability is miscalibrated, and the check finds it"),
        _loses(
            results, "phi_log_loss", "wrong_log_loss", "Phi read as a probability says less than priors wrong tenfold"
        ),
        _loses(
            results,
            "path_log_loss",
            "right_log_loss",
            "Posteriors multiplied along the path say less than the tree with the same priors",
        ),
        _more(
            everything[RIGHT],
            SPECTRUM,
            DETECTOR_TUNED,
            f"{_STAKE}, the spectrum takes more than the best detector's bool tuned for each ratio, over all "
            f"decisions: priors {WORDS[RIGHT]}",
            most=MODEST,
        ),
        # More had been claimed of these two as well; forty worlds that nobody had looked at before could not tell.
        *(
            _no_less(
                everything[priors],
                f"{_STAKE}, the spectrum loses less than a tenth of what there is to gain against that bool: "
                f"priors {WORDS[priors]}",
            )
            for priors in (LEARNT, WRONG)
        ),
        _more(
            everything[LEARNT],
            SPECTRUM,
            OWN_WHOLE,
            f"What others heard is worth something over all decisions and ratios, priors {WORDS[LEARNT]}",
        ),
        _alike(everything[LEARNT]),
    ]


def scores_of(results: Rows, scenario: str, priors: str) -> Scores | None:
    """Shares in a scenario, with beliefs of one of the headlines; None without two runs."""
    costs = costs_of(results, scenario, priors)
    return None if costs is None else Scores(costs)


def said_of(results: Rows, scenario: str, teller: str, what: str = "down") -> list[Said]:
    """What a teller said in each run of hosts that had been silent for more than an interval, and what was so."""
    found = []
    for row in results.at(scenario, ARM):
        series = results.series(scenario, ARM, row.seed)
        found.append(
            Said(
                chances=series[f"{'said' if what == 'down' else what}/{teller}"],
                outcomes=[value > 0 for value in series[f"said/{what}"]],
                silences=series["said/silences"],
            )
        )
    return found


def judged(results: Rows, scenario: str) -> Mapping[str, Verdict]:
    """Whether what each teller said of hosts being down can be true."""
    return {name: verdict(said_of(results, scenario, name), confidence=CONFIDENCE) for name in TELLERS}


def _met(results: Rows, scenario: str) -> Finding:
    rows = results.at(scenario, ARM)
    troubled, points = sum(row.troubled for row in rows), sum(row.points for row in rows)
    return Finding(
        claim=f"The trouble met decisions: {TITLES[scenario].lower()}",
        holds=troubled > 0 if rows else None,
        detail=f"at {troubled} of {points} instants one of the four hosts was dead, cut off or slow",
        sometimes=True,
    )


def _control(results: Rows) -> Finding:
    rows = results.at(CALM, ARM)
    at = [number for number, ratio in enumerate(RATIOS) if ratio >= 10]
    moved = sum(
        results.series(CALM, ARM, row.seed)[f"{FAILOVER}/whole/{ALL_LEARNT}"][number] > 0
        for row in rows
        for number in at
    )
    down = sum(row.silent_down + row.troubled for row in rows)
    return Finding(
        claim="Control: where nothing fails nothing is down, and no lead is moved where that costs ten waits or more",
        holds=moved == down == 0 if rows else None,
        detail=f"runs and ratios with a needless move: {moved} of {len(rows) * len(at)}; hosts down: {down}",
    )


def _calibrated(results: Rows) -> Finding:
    runs = said_of(results, EVERYTHING, ALL_RIGHT)
    found = verdict(runs, confidence=CONFIDENCE)
    return Finding(
        claim="With right priors what the belief says of silent hosts can be true, all kinds of trouble together",
        holds=found.calibrated,
        detail=_told(found, runs),
    )


def _caught(results: Rows, teller: str, claim: str) -> Finding:
    runs = said_of(results, EVERYTHING, teller)
    found = verdict(runs, confidence=CONFIDENCE)
    few = len(runs) < FEWEST
    return Finding(
        claim=claim,
        # Silence of the check says nothing while there is little to check.
        holds=None if found.calibrated is None or (found.calibrated and few) else not found.calibrated,
        detail=_told(found, runs),
    )


def _told(found: Verdict, runs: Sequence[Said]) -> str:
    off = "; ".join(f"said {one.said:.3g}, came {one.came:.3g} of {one.samples}" for one in found.off)
    loss = log_loss(runs)
    return (
        f"{sum(len(run.chances) for run in runs)} samples in {len(runs)} runs, {found.judged} bins judged, off: "
        f"{off or 'none'}; log loss {'-' if loss is None else format(loss, '.3f')}"
    )


def _loses(results: Rows, worse: str, better: str, claim: str) -> Finding:
    pairs = [
        (first, second)
        for row in results.at(EVERYTHING, ARM)
        if (first := getattr(row, worse)) is not None and (second := getattr(row, better)) is not None
    ]
    more = paired_difference(*zip(*pairs, strict=True), confidence=0.975) if len(pairs) > 1 else None
    return Finding(
        claim=claim, holds=_above(more), detail=f"log loss of silent hosts more by {shown(more, '.3f')}, paired by run"
    )


def _more(
    scores: Scores | None,
    first: str,
    second: str,
    claim: str,
    *,
    decision: str | None = None,
    most: float | None = None,
) -> Finding:
    if scores is None:
        return Finding(claim=claim, holds=None, detail="no two runs to compare")
    at = None if decision is None else list(DECISIONS).index(decision)
    more = scores.more(first, second, decision=at, most=most)
    one, other = scores.share(first, decision=at, most=most), scores.share(second, decision=at, most=most)
    return Finding(
        claim=claim,
        holds=_above(more),
        detail=f"share of what an oracle saves more by {shown(more)}: {shown(one)} against {shown(other)}",
    )


def _no_less(scores: Scores | None, claim: str) -> Finding:
    if scores is None:
        return Finding(claim=claim, holds=None, detail="no two runs to compare")
    more = scores.more(SPECTRUM, DETECTOR_TUNED, most=MODEST)
    low = None if more is None else more.low
    return Finding(
        claim=claim,
        holds=None
        if more is None or low is None or more.n < (FEWEST if low > -_MARGIN else DECIDES)
        else low > -_MARGIN,
        detail=f"share of what an oracle saves more by {shown(more)}",
    )


def _alike(scores: Scores | None) -> Finding:
    """That where no evidence changes what is best, a boolean is enough."""
    claim = "A bool is enough, since one asks anyway, where a stale read costs three hundred round trips or a thousand"
    if scores is None:
        return Finding(claim=claim, holds=None, detail="no two runs to compare")
    decision = list(DECISIONS).index(READ)
    found = [scores.verdict(decision, RATIOS.index(ratio)) for ratio in (300.0, 1000.0)]
    return Finding(
        claim=claim,
        holds=None if scores.costs.runs < DECIDES and BOOL_ENOUGH not in found else set(found) == {BOOL_ENOUGH},
        detail=f"spectrum and tuned bool: {', '.join(map(str, found))}; alike is within {ALIKE:g} of the gain",
    )


def _above(more: Interval | None) -> bool | None:
    """Whether it is surely above zero; None while too few runs cannot tell.

    Of less than `FEWEST` runs nothing is told: drawn again and again, a handful shows less spread than there is.
    """
    if more is None or more.low is None or more.high is None or more.n < FEWEST:
        return None
    if more.low <= 0 < more.high and more.n < DECIDES:
        return None
    return more.low > 0
