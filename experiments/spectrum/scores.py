"""What each provider's decisions cost over many runs, and how much of what an oracle saves it takes.

Between who knows nothing, and takes the one option that did best on other runs, and the oracle, who knows the present
and the request's fate, lies what there is to gain. A provider's *share* of it is 1 where it decides as the oracle does
and 0 where it might as well know nothing; it may be below. Booleans get everything that can be tuned on other runs:
which detector, which threshold, and to which option yes and no are mapped, for each ratio of costs, by all runs but
the one that is judged; beliefs get nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from experiments.results import Results
from experiments.spectrum.decisions import QUESTIONS, RATIOS
from experiments.spectrum.runs import LEVELS, SpectrumRow
from experiments.spectrum.tellers import (
    ALL_HEAVY,
    ALL_LEARNT,
    ALL_RIGHT,
    ALL_WRONG_3,
    ALL_WRONG_10,
    DETECTORS,
    OWN_LEARNT,
    OWN_RIGHT,
    OWN_WRONG_10,
)
from experiments.statistics import Interval

__all__ = [
    "ALIKE",
    "ARM",
    "BOOL_BETTER",
    "BOOL_ENOUGH",
    "CHAIN",
    "CONSUMER",
    "DETECTOR",
    "DETECTOR_TUNED",
    "HEADLINES",
    "LEARNT",
    "NOTHING",
    "OPEN",
    "ORACLE",
    "OTHERS",
    "OWN_WHOLE",
    "PROVIDERS",
    "RIGHT",
    "SOURCE",
    "SPECTRUM",
    "SPECTRUM_BETTER",
    "SPECTRUM_BOOL",
    "TITLES",
    "WRONG",
    "Costs",
    "Scores",
    "costs_of",
]

ARM: Final = "all-providers"
NOTHING: Final = "nothing"
DETECTOR: Final = "detector"
DETECTOR_TUNED: Final = "detector-tuned"
SOURCE: Final = "source"
SPECTRUM_BOOL: Final = "spectrum-bool"
CONSUMER: Final = "consumer"
OWN_WHOLE: Final = "own-whole"
SPECTRUM: Final = "spectrum"
ORACLE: Final = "oracle"
TITLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        NOTHING: "nothing known: the best single option",
        DETECTOR: "best detector, one threshold for all",
        DETECTOR_TUNED: "best detector, tuned for each ratio",
        SOURCE: "belief of own evidence, one threshold at its source",
        SPECTRUM_BOOL: "belief of all evidence, one threshold at its source",
        CONSUMER: "the chance of down, threshold at the consumer",
        OWN_WHOLE: "all four conditions, own evidence",
        SPECTRUM: "all four conditions, evidence of all: the spectrum",
        ORACLE: "oracle",
    }
)
PROVIDERS: Final = tuple(TITLES)
#: From one to the next is what the estimator, the late threshold, the four conditions and others' evidence are worth.
CHAIN: Final = (DETECTOR, SOURCE, CONSUMER, OWN_WHOLE, SPECTRUM)
LEARNT: Final = "learnt"
WRONG: Final = "wrong-10"
RIGHT: Final = "right"
#: Priors with which headlines are told: by name, the belief of own evidence and that of all.
HEADLINES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        LEARNT: (OWN_LEARNT, ALL_LEARNT),
        WRONG: (OWN_WRONG_10, ALL_WRONG_10),
        RIGHT: (OWN_RIGHT, ALL_RIGHT),
    }
)
#: Those of which only the spectrum of all evidence is shown.
OTHERS: Final[Mapping[str, str]] = MappingProxyType({RIGHT: ALL_RIGHT, "wrong-3": ALL_WRONG_3, "heavy": ALL_HEAVY})
#: What is said of a decision at a ratio.
SPECTRUM_BETTER: Final = "spectrum"
BOOL_BETTER: Final = "bool"
BOOL_ENOUGH: Final = "alike"
OPEN: Final = "open"
ALIKE: Final = 0.05
_DRAWS: Final = 2_000
#: Less than this a run is to be gained on average, in costs of being careful once, is nothing to share.
_LEAST: Final = 0.5
#: How often what a ratio asks about should have been seen.
_SEEN: Final = 10.0

Array = np.ndarray[Any, Any]
Rows = Results[SpectrumRow]


@dataclass(frozen=True, slots=True)
class Costs:
    """By provider, what every run cost: runs, decisions, ratios.

    Attributes:
        scenario: Where.
        by_provider: The costs; those of `OTHERS` by their own names.
        chosen: What the tuned detectors came to, by decision: the detector and its level at each ratio, for the first
            run.
        points: Instants of all runs together.
    """

    scenario: str
    by_provider: Mapping[str, Array]
    chosen: Mapping[str, tuple[str, ...]]
    points: int

    @property
    def averaged(self) -> int:
        """How many ratios, from the smallest, averages are over.

        To tune for a chance of one in a ratio takes ten times as many points as that, to have seen it ten times.
        """
        most = self.points / _SEEN
        return max(1, sum(ratio <= most for ratio in RATIOS))

    @property
    def runs(self) -> int:
        """How many."""
        return int(self.by_provider[ORACLE].shape[0])


def costs_of(results: Rows, scenario: str, priors: str) -> Costs | None:
    """Every provider's costs in a scenario, with beliefs of one of `HEADLINES`; None without two runs."""
    rows = results.at(scenario, ARM)
    if len(rows) < 2:
        return None
    series = [results.series(scenario, ARM, row.seed) for row in rows]
    own, everyone = HEADLINES[priors]
    found = {name: np.zeros((len(rows), len(QUESTIONS), len(RATIOS))) for name in (*PROVIDERS, *OTHERS)}
    for number, question in enumerate(QUESTIONS):
        for provider, key in (
            (ORACLE, "oracle"),
            (CONSUMER, f"number/{own}"),
            (OWN_WHOLE, f"whole/{own}"),
            (SPECTRUM, f"whole/{everyone}"),
            *((name, f"whole/{belief}") for name, belief in OTHERS.items()),
        ):
            found[provider][:, number, :] = [one[f"{question.name}/{key}"] for one in series]
    bools = {source: _bools(series, source) for source in (*DETECTORS, own, everyone)}
    points = np.array([row.points for row in rows])
    always = [_shaped(series, f"{question.name}/always", (-1, 2)) for question in QUESTIONS]
    chosen: dict[str, tuple[str, ...]] = {}
    for run in range(len(rows)):
        judge = np.arange(len(rows)) == run
        learn = ~judge
        # What is hardly ever said is mapped as if it had been said once more, at any instant.
        once = [one[learn].sum(axis=0) / points[learn].sum() for one in always]
        oracle = found[ORACLE][learn].sum(axis=0)
        for number in range(len(QUESTIONS)):
            found[NOTHING][judge, number, :] = _constant(always[number], learn, judge)
        nothing = np.stack([_constant(one, learn, learn).sum(axis=0) for one in always])
        for provider, sources in ((DETECTOR, tuple(DETECTORS)), (SOURCE, (own,)), (SPECTRUM_BOOL, (everyone,))):
            source, level = _one_for_all(bools, sources, learn, once, oracle, nothing)
            for number, some in enumerate(bools[source]):
                found[provider][judge, number, :] = _mapped(some[:, level], learn, judge, once[number])
        for number, question in enumerate(QUESTIONS):
            names = []
            for at, (source, level) in enumerate(_tuned(bools, number, learn, once[number])):
                costs = _mapped(bools[source][number][:, level], learn, judge, once[number])
                found[DETECTOR_TUNED][judge, number, at] = costs[:, at]
                names.append(f"{source} {LEVELS[source][level]:g}")
            chosen.setdefault(question.name, tuple(names))
    return Costs(scenario, MappingProxyType(found), MappingProxyType(chosen), int(points.sum()))


def _shaped(series: Sequence[Mapping[str, Sequence[float]]], key: str, shape: tuple[int, ...]) -> Array:
    return np.array([run[key] for run in series], dtype=float).reshape((len(series), *shape))


def _bools(series: Sequence[Mapping[str, Sequence[float]]], source: str) -> list[Array]:
    """By decision: runs, levels, combinations of booleans, options, and the part and the stake."""
    return [
        _shaped(series, f"{one.name}/bool/{source}", (len(LEVELS[source]), 2 ** len(one.subjects), -1, 2))
        for one in QUESTIONS
    ]


def _at_ratios(sums: Array) -> Array:
    """Costs from parts and stakes, with ratios as the last axis."""
    ratios = np.array(RATIOS)
    costs: Array = sums[..., 0, None] + sums[..., 1, None] * ratios
    return costs


def _constant(always: Array, learn: Array, judge: Array) -> Array:
    """Costs of runs to be judged by the option that costs least on those to learn from."""
    best = _at_ratios(always[learn].sum(axis=0)).argmin(axis=0)
    costs = _at_ratios(always[judge])
    taken: Array = np.take_along_axis(costs, best[None, None, :], axis=1)[:, 0, :]
    return taken


def _mapped(some: Array, learn: Array, judge: Array, once: Array) -> Array:
    """The same of booleans, each combination mapped to its best option."""
    best = _at_ratios(some[learn].sum(axis=0) + once).argmin(axis=1)
    costs = _at_ratios(some[judge])
    taken: Array = np.take_along_axis(costs, best[None, :, None, :], axis=2)[:, :, 0, :].sum(axis=1)
    return taken


def _levels(some: Array, learn: Array, once: Array) -> Array:
    """What each level costs on runs to learn from, with the best mapping: levels, ratios."""
    costs: Array = _at_ratios(some[learn].sum(axis=0) + once).min(axis=2).sum(axis=1)
    return costs


def _one_for_all(
    bools: Mapping[str, list[Array]],
    sources: Sequence[str],
    learn: Array,
    once: Sequence[Array],
    oracle: Array,
    nothing: Array,
) -> tuple[str, int]:
    """The source and level that take most of what there is to gain, over all decisions and ratios."""
    gap = nothing - oracle
    worth = gap > _LEAST * learn.sum()
    best: tuple[float, str, int] | None = None
    for source in sources:
        costs = np.stack([_levels(some, learn, one) for some, one in zip(bools[source], once, strict=True)], axis=1)
        regret = np.where(worth, (costs - oracle) / np.where(worth, gap, 1.0), 0.0).sum(axis=(1, 2))
        level = int(regret.argmin())
        if best is None or regret[level] < best[0]:
            best = (float(regret[level]), source, level)
    assert best is not None
    return best[1], best[2]


def _tuned(bools: Mapping[str, list[Array]], number: int, learn: Array, once: Array) -> list[tuple[str, int]]:
    """By ratio, the detector and level that cost least in one decision."""
    costs = {source: _levels(bools[source][number], learn, once) for source in DETECTORS}
    found = []
    for at in range(len(RATIOS)):
        source = min(costs, key=lambda name: float(costs[name][:, at].min()))
        found.append((source, int(costs[source][:, at].argmin())))
    return found


class Scores:
    """Shares of what there is to gain, with intervals over runs.

    Args:
        costs: Of one scenario.
    """

    def __init__(self, costs: Costs) -> None:
        self.costs = costs
        oracle, nothing = costs.by_provider[ORACLE], costs.by_provider[NOTHING]
        self._gap = nothing - oracle
        #: By decision and ratio, whether there is anything to gain.
        self.worth: Array = self._gap.mean(axis=0) > _LEAST
        key = int.from_bytes(blake2b(f"{costs.scenario}/shares".encode(), digest_size=16).digest(), "big")
        draws = np.random.Generator(np.random.PCG64(key)).integers(0, costs.runs, size=(_DRAWS, costs.runs))
        counts = np.zeros((_DRAWS, costs.runs))
        np.add.at(counts, (np.arange(_DRAWS)[:, None], draws), 1.0)
        self._counts = counts

    def share(
        self, provider: str, *, decision: int | None = None, ratio: int | None = None, most: float | None = None
    ) -> Interval | None:
        """Of what there is to gain, what a provider takes; mean over decisions and ratios not chosen, up to `most`."""
        return self._interval(self._regrets(provider), self._where(decision, ratio, most), of_one=True)

    def more(
        self,
        provider: str,
        other: str,
        *,
        decision: int | None = None,
        ratio: int | None = None,
        most: float | None = None,
    ) -> Interval | None:
        """By how much a provider's share is more than another's, on the same runs."""
        regrets = self._regrets(provider) - self._regrets(other)
        return self._interval(regrets, self._where(decision, ratio, most), of_one=False)

    def verdict(self, decision: int, ratio: int) -> str | None:
        """Whether the spectrum is surely better than the tuned boolean, or worse, or the two surely alike; else open.

        Alike is within `ALIKE` of what there is to gain. None where there is nothing to gain.
        """
        more = self.more(SPECTRUM, DETECTOR_TUNED, decision=decision, ratio=ratio)
        if more is None or more.low is None or more.high is None:
            return None
        if more.low >= -ALIKE and more.high <= ALIKE:
            return BOOL_ENOUGH
        if more.low > 0:
            return SPECTRUM_BETTER
        return BOOL_BETTER if more.high < 0 else OPEN

    def enough(self, decision: int) -> tuple[int, int]:
        """At how many ratios the boolean is not surely worse than the spectrum, and of how many."""
        found = [self.verdict(decision, ratio) for ratio in range(len(RATIOS))]
        told = [one for one in found if one is not None]
        return sum(one != SPECTRUM_BETTER for one in told), len(told)

    def cost(self, provider: str, decision: int, ratio: int) -> Interval:
        """Mean cost of a run."""
        values = self.costs.by_provider[provider][:, decision, ratio]
        drawn = self._counts @ values / self.costs.runs
        low, high = np.quantile(drawn, [0.025, 0.975])
        return Interval(estimate=float(values.mean()), low=float(low), high=float(high), n=self.costs.runs)

    def _regrets(self, provider: str) -> Array:
        regrets: Array = self.costs.by_provider[provider] - self.costs.by_provider[ORACLE]
        return regrets

    def _where(self, decision: int | None, ratio: int | None, most: float | None) -> Array:
        """Which decisions and ratios are meant, of those where there is anything to gain."""
        worth = self.worth.copy()
        if decision is not None:
            worth[[at for at in range(worth.shape[0]) if at != decision]] = False
        if ratio is None:
            worth[:, self.costs.averaged :] = False
        else:
            worth[:, [at for at in range(worth.shape[1]) if at != ratio]] = False
        if most is not None:
            worth[:, [at for at, one in enumerate(RATIOS) if one > most]] = False
        return worth

    def _interval(self, regrets: Array, worth: Array, *, of_one: bool) -> Interval | None:
        if not worth.any():
            return None
        lost, gap = regrets[:, worth], self._gap[:, worth]
        sign = 1.0 if of_one else 0.0
        estimate = sign - float((lost.sum(axis=0) / gap.sum(axis=0)).mean())
        # In units of the gap as these runs have it: one that is drawn anew may be next to nothing.
        drawn = sign - (self._counts @ lost / gap.sum(axis=0)).mean(axis=1)
        low, high = np.quantile(drawn, [0.025, 0.975])
        return Interval(estimate=estimate, low=float(low), high=float(high), n=self.costs.runs)
