"""`confidence-spectrum`: providers are weighed as tables do, on the same points, by thresholds of other runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from experiments.confidence_spectrum import EXPERIMENT
from experiments.experiment import Cell, ReportContext, Series
from experiments.provenance import Provenance
from experiments.registry import find
from experiments.results import Results
from experiments.spectrum import ARM, CALM, EVERYTHING, SpectrumRow, check
from experiments.spectrum.decisions import DECISIONS, MINORITY, QUESTIONS, RATIOS, chances_of, flattened, shares_of
from experiments.spectrum.runs import LEVELS, Point, points_of, run_once, scored
from experiments.spectrum.scores import (
    CHAIN,
    DETECTOR_TUNED,
    NOTHING,
    ORACLE,
    PROVIDERS,
    SPECTRUM,
    Scores,
    costs_of,
)
from experiments.spectrum.tellers import ALL_LEARNT, ALL_RIGHT, DETECTORS, OWN_LEARNT, PATH, PHI
from experiments.spectrum.troubles import ONE_WAY, TOGETHER, drawn, priors
from experiments.spectrum.truths import condition_of
from experiments.spectrum.worlds import NEAR, ONE, OTHER, SUBJECTS, THIRD, Staged, staged
from sim.faults import Fault

SOURCE = Provenance(commit=None, clean=None, lock="l", python="3", command="./lab run confidence-spectrum", seeds=4)
S = 1_000_000
SEEDS = range(4)


class Kept(Results[SpectrumRow]):
    """Results whose timelines are in memory."""

    def __init__(self, rows: list[SpectrumRow], kept: Mapping[str, Series]) -> None:
        super().__init__(rows, Path("none"))
        self.kept = kept

    def series(self, scenario: str, arm: str, seed: int) -> Mapping[str, list[float]]:
        return {name: list(values) for name, values in self.kept[f"{scenario}/{arm}/{seed}"].items()}


@pytest.fixture(scope="module")
def found() -> Kept:
    cells = [(EVERYTHING, seed) for seed in SEEDS] + [(CALM, 0)]
    results = [run_once(Cell(scenario=scenario, arm=EXPERIMENT.arm(ARM)), seed) for scenario, seed in cells]
    return Kept(
        [one.row for one in results if isinstance(one.row, SpectrumRow)],
        {one.row.key: one.series for one in results},
    )


@pytest.fixture(scope="module")
def world() -> tuple[Staged, list[Point]]:
    ready = staged(TOGETHER, 1)
    return ready, points_of(ready)


def test_it_is_found_by_its_name() -> None:
    assert find("confidence-spectrum") is EXPERIMENT


# -- what is compared ----------------------------------------------------------------------


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda one: one.name)
def test_sums_are_those_of_the_tables_point_by_point(question, world: tuple[Staged, list[Point]]) -> None:  # type: ignore[no-untyped-def]
    ready, points = world
    sums = scored(question, points, ready)
    for at, ratio in enumerate(RATIOS):
        table = question.table(ratio)
        whole = oracle = 0.0
        for point in points:
            was = dict.fromkeys(table.states, 0.0) | dict.fromkeys(question.states(point.truth), 1.0)
            chosen = table.by_chances(chances_of(question, point.said, ALL_LEARNT, ready.places))
            whole += chosen.expected(was)
            oracle += min(option.expected(was) for option in table.options)
        assert sums[f"{question.name}/whole/{ALL_LEARNT}"][at] == pytest.approx(whole)
        assert sums[f"{question.name}/oracle"][at] == pytest.approx(oracle)


def test_chances_of_states_of_one_subject_sum_to_one(world: tuple[Staged, list[Point]]) -> None:
    ready, points = world
    for question in QUESTIONS:
        for point in points[::7]:
            chances = chances_of(question, point.said, ALL_RIGHT, ready.places)
            parts = len(question.subjects) if question.name == "route" else 1
            assert sum(chances.values()) == pytest.approx(parts)


def test_a_number_keeps_the_chance_of_down_and_nothing_else(world: tuple[Staged, list[Point]]) -> None:
    ready, points = world
    shares = shares_of(ready.places)
    answer = points[-1].said.answers[OWN_LEARNT][ready.places[ONE]]
    flat = flattened(answer, shares[ONE])
    assert flat.down == pytest.approx(answer.down)
    assert flat.unreachable == pytest.approx(answer.down * shares[ONE].cut)
    assert shares[NEAR].cut < shares[ONE].cut


def test_nobody_costs_less_than_the_oracle_in_any_run(found: Kept) -> None:
    costs = costs_of(found, EVERYTHING, "learnt")
    assert costs is not None
    for provider in PROVIDERS:
        assert (costs.by_provider[provider] >= costs.by_provider[ORACLE] - 1e-6).all()


# -- tuning is fair ------------------------------------------------------------------------


def test_what_a_boolean_is_tuned_by_is_not_what_it_is_judged_by(found: Kept) -> None:
    """A judged run that favours another threshold changes nothing of how it is decided in it."""
    costs = costs_of(found, EVERYTHING, "learnt")
    kept = dict(found.kept)
    key = f"{EVERYTHING}/{ARM}/0"
    other = {name: list(values) for name, values in kept[key].items()}
    question = DECISIONS[MINORITY]
    for source in DETECTORS:
        shape = (len(LEVELS[source]), 4, 2, 2)
        sums = np.array(other[f"{question.name}/bool/{source}"]).reshape(shape)
        # What it did is done ten times over: its own sums grow tenfold, whatever is chosen.
        other[f"{question.name}/bool/{source}"] = (10 * sums).ravel().tolist()
    kept[key] = other
    again = costs_of(Kept(list(found.rows), kept), EVERYTHING, "learnt")
    assert costs is not None
    assert again is not None
    number = list(DECISIONS).index(MINORITY)
    before, after = (one.by_provider[DETECTOR_TUNED][0, number] for one in (costs, again))
    assert after == pytest.approx(10 * before)


def test_a_boolean_that_knows_the_truth_is_as_good_as_its_mapping_lets_it(found: Kept) -> None:
    """Had a detector said just what was so, the tuned one would decide as the oracle does, where there is enough."""
    kept = {}
    for key, series in found.kept.items():
        changed = {name: list(values) for name, values in series.items()}
        always = np.array(changed[f"{MINORITY}/always"]).reshape(2, 2)
        minority = always[0, 1]  # the stake of always accepting counts just the points in a minority
        points = always[1, 0]  # refusing costs 1 a point
        sums = np.zeros((len(LEVELS["fixed"]), 4, 2, 2))
        sums[:, 0, 1, 0] = points - minority
        sums[:, 3, 0, 1] = minority
        sums[:, 3, 1, 0] = minority
        changed[f"{MINORITY}/bool/fixed"] = sums.ravel().tolist()
        kept[key] = changed
    costs = costs_of(Kept(list(found.rows), kept), EVERYTHING, "learnt")
    assert costs is not None
    number = list(DECISIONS).index(MINORITY)
    tuned, oracle = (costs.by_provider[name][:, number, : costs.averaged] for name in (DETECTOR_TUNED, ORACLE))
    assert tuned == pytest.approx(oracle)


def test_shares_lie_between_nothing_and_the_oracle_and_steps_add_up(found: Kept) -> None:
    costs = costs_of(found, EVERYTHING, "learnt")
    assert costs is not None
    scores = Scores(costs)

    def of(provider: str) -> float:
        share = scores.share(provider)
        assert share is not None
        return share.estimate

    assert of(ORACLE) == 1
    assert of(NOTHING) == 0
    steps = [scores.more(after, before) for before, after in pairwise(CHAIN)]
    assert sum(one.estimate for one in steps if one is not None) == pytest.approx(of(SPECTRUM) - of(CHAIN[0]))


# -- what was so ---------------------------------------------------------------------------


def test_the_condition_of_a_host_is_that_of_the_faults_that_are_live() -> None:
    def fault(kind: str, *targets: str, **params: object) -> Fault:
        return Fault(id=kind, kind=kind, targets=targets, at=10 * S, for_us=10 * S, params=params)  # type: ignore[arg-type]

    def told(one: Fault, at_us: int = 15 * S) -> dict[str, str]:
        return {path: found for path in SUBJECTS if (found := condition_of(path, [one], at_us)) != "up"}

    assert told(fault("process-crash", ONE)) == {ONE: "dead"}
    assert told(fault("cluster-power", "b/c1")) == {ONE: "dead"}
    assert told(fault("partition-full", "a")) == dict.fromkeys((ONE, OTHER, THIRD), "unreachable")
    assert told(fault("partition-full", "b/c2")) == {OTHER: "unreachable"}
    assert told(fault("partition-partial", "b", against=("c",))) == {}
    assert told(fault("partition-partial", "a", against=("c",))) == {THIRD: "unreachable"}
    assert told(fault("partition-one-way", "b", to=("a",))) == dict.fromkeys((ONE, OTHER), "unreachable")
    assert told(fault("partition-one-way", "b", to=("c",))) == {}
    assert told(fault("link-slow", "a", factor=10.0, to=("c",))) == {THIRD: "slow"}
    assert told(fault("link-slow", ONE, factor=10.0)) == {ONE: "slow"}
    assert told(fault("process-crash", ONE), at_us=20 * S) == {}


def test_troubles_come_as_often_as_right_priors_say() -> None:
    runs, span_s = 150, 90
    crashes = sum(
        fault.kind == "process-crash"
        for seed in range(runs)
        for fault in drawn(EVERYTHING, seed, 10 * S, (10 + span_s) * S)
    )
    # Of ten hosts, each out of the game for what it lasts.
    mtbf_s = priors().of("host").mtbf_us / S
    wanted = runs * 10 * span_s / (mtbf_s + 20.0)
    assert abs(crashes - wanted) < 4 * wanted**0.5 + 0.1 * wanted


def test_a_way_out_that_is_cut_is_told_by_who_no_longer_hears_one() -> None:
    def long_cuts(seed: int) -> list[Fault]:
        faults = drawn(ONE_WAY, seed, 8 * S, 60 * S)
        return [one for one in faults if one.targets == ("a",) and one.for_us is not None and one.for_us > 12 * S]

    seed = next(seed for seed in range(40) if long_cuts(seed))
    way, *_ = long_cuts(seed)
    ready = staged(ONE_WAY, seed)
    far = ONE if way.params["to"] == ("b",) else THIRD
    place = ready.places[far]
    assert isinstance(way.at, int)
    assert way.for_us is not None
    points = [
        one
        for one in points_of(ready)
        if way.at + 5 * S < one.at_us < way.at + way.for_us and one.said.silent_us[place] < 2 * S
    ]
    assert points
    assert {one.truth.fate[far] for one in points} == {"unreachable"}
    # Its heartbeats come, so no detector doubts it, nor does who has nothing but them.
    assert max(one.said.suspicions["fixed"][place] for one in points) < 2
    assert max(one.said.answers[OWN_LEARNT][place].down for one in points) < 0.5
    assert min(one.said.answers[ALL_RIGHT][place].down for one in points) > 0.5


# -- claims and page -----------------------------------------------------------------------


def test_no_claim_fails_in_few_runs(found: Kept) -> None:
    failed = [finding for finding in check(found) if finding.holds is False and not finding.sometimes]
    assert failed == []


def repeated(found: Kept, said_as: Mapping[str, str]) -> Kept:
    """The runs of all troubles four times over, with what some tellers said put in others' mouths."""
    rows, kept = [], {}
    for row in found.at(EVERYTHING, ARM):
        for again in range(4):
            one = replace(row, seed=row.seed + 100 * again)
            series = found.series(EVERYTHING, ARM, row.seed)
            rows.append(one)
            kept[one.key] = {**series, **{f"said/{into}": series[f"said/{of}"] for into, of in said_as.items()}}
    return Kept(rows, kept)


def test_who_says_what_cannot_be_true_is_caught(found: Kept) -> None:
    honest = {one.claim: one.holds for one in check(repeated(found, {}))}
    lying = {one.claim: one.holds for one in check(repeated(found, {ALL_RIGHT: PHI}))}
    name = next(claim for claim in honest if claim.startswith("With right priors what the belief says"))
    assert lying[name] is False
    phi = next(claim for claim in honest if claim.startswith("Phi read as a probability is miscalibrated"))
    assert honest[phi] is True


def test_the_page_answers_and_shows_every_decision(found: Kept, tmp_path: Path) -> None:
    context = ReportContext(question=EXPERIMENT.question, size="quick", provenance=SOURCE, findings=tuple(check(found)))
    answer = EXPERIMENT.report(found, tmp_path, context)
    assert "Of what an oracle would save" in answer
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    for question in QUESTIONS:
        assert question.title in page
    assert {path.name for path in tmp_path.glob("*.svg")} == {"costs.svg", "gains.svg", "reliability.svg"}
    assert PATH not in answer
