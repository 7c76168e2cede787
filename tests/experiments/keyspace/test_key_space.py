"""The claims of `key-space`: right values pass, wrong ones are found, and runs are functions of cell and seed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from experiments.experiment import Cell, Finding, ReportContext
from experiments.key_space import EXPERIMENT
from experiments.keyspace import ARMS, CLAIMS, SIZES, STORE, KeySpaceRow, check, judge, run_once
from experiments.keyspace.arms import KEYS_A_NODE
from experiments.keyspace.claims import CONFIDENCE
from experiments.keyspace.formulas import apart, joined, left, spread_of_keys, zipf
from experiments.provenance import Provenance
from experiments.registry import find
from experiments.results import Results
from experiments.rows import columns
from experiments.scenario import shipped

_OF_THE_STORE = ("served_change", "served_cut_side", "lost", "twice")
SOURCE = Provenance(commit=None, clean=None, lock="l", python="3", command="./lab run key-space", seeds=6)


def rows(runs: int = 6, **wrong: float) -> list[KeySpaceRow]:
    """Runs of every cell that scatter around closed forms, in place of which `wrong` values stand by metric."""
    made = []
    for scenario, count in {**SIZES, STORE: 12}.items():
        for arm in (arm.name for arm in ARMS):
            forms = {claim.metric: claim.value for claim in CLAIMS if (claim.scenario, claim.arm) == (scenario, arm)}
            base = {column.name: 0.5 for column in columns(KeySpaceRow) if column.kind is float}
            base = {name: value for name, value in base.items() if not name.startswith(("served", "calm", "change"))}
            base |= {"keys_max": 1.1, "needless_join": 0.0, "hot_key": 100.0 / count, "hot_max": 100.0}
            base |= {"majority_cut_region": 0.0, "any_cut_region": 1.0}
            base |= {"majority_rest_region": 1.0, "any_rest_region": 1.0, **forms}
            if scenario == STORE:
                base |= {"served_calm": 1.0, "served_cut_side": 0.4, "served_other_side": 0.7, "lost": 0, "twice": 0}
                base |= {"served_change": 0.99, "stretches_moved": 9} if arm != "slots" else {}
            base |= {name: value for name, value in wrong.items() if name not in _OF_THE_STORE or scenario == STORE}
            if arm != "tablets":
                del base["hot_split"]
            for seed in range(runs):
                off = {name: value * (1 + 0.01 * (seed % 5 - 2)) for name, value in base.items() if name in forms}
                exact = {name: value for name, value in off.items() if not name.endswith("_region")}
                values = base | exact
                values.setdefault("hot_split", None)  # type: ignore[arg-type]
                made.append(
                    KeySpaceRow(scenario=scenario, arm=arm, seed=seed, digest="d", hot_wrong=0, **values)  # type: ignore[arg-type]
                )
    return made


def findings(made: list[KeySpaceRow]) -> list[Finding]:
    return list(check(Results(made, Path("none"))))


def test_the_experiment_is_registered_and_no_headline() -> None:
    assert find("key-space") is EXPERIMENT
    assert not EXPERIMENT.headline
    assert set(EXPERIMENT.scenarios).isdisjoint(shipped())


def test_right_values_hold() -> None:
    assert [finding.holds for finding in findings(rows())] == [True] * 12


@pytest.mark.parametrize(
    ("wrong", "which"),
    [
        ({"keys_cv2": 0.5}, 0),
        ({"moved_join": 0.4}, 1),
        ({"any_cut_host": 0.9}, 2),
        ({"probes_hit_90": 9.0}, 3),
        ({"needless_join": 0.01}, 4),
        ({"keys_max": 1.2}, 5),
        ({"hot_max": 0.1}, 6),
        ({"hot_split": 40.0}, 6),
        ({"majority_rest_region": 0.99}, 8),
        ({"lost": 1}, 9),
        ({"twice": 1}, 9),
        ({"served_change": 0.9}, 10),
        ({"served_cut_side": 0.9}, 11),
    ],
)
def test_a_wrong_value_is_found(wrong: dict[str, float], which: int) -> None:
    assert findings(rows(**wrong))[which].holds is False


def test_a_counter_that_lies_is_found() -> None:
    made = rows()
    made[0] = replace(made[0], hot_wrong=1)
    assert findings(made)[7].holds is False


def test_one_run_tells_of_no_closed_form() -> None:
    assert [finding.holds for finding in findings(rows(runs=1))][:4] == [None] * 4


def test_intervals_hold_all_at_once() -> None:
    assert (1 - CONFIDENCE) * len(CLAIMS) == pytest.approx(0.01)
    assert len({claim[1:4] for claim in CLAIMS}) == len(CLAIMS)
    assert len(judge(Results(rows(), Path("none")))) == len(CLAIMS)


@pytest.mark.parametrize("arm", ARMS, ids=lambda arm: arm.name)
def test_a_run_is_a_function_of_cell_and_seed(arm: object) -> None:
    cell = Cell(scenario="nodes-12", arm=arm)  # type: ignore[arg-type]
    first, again, other = (run_once(cell, seed).row for seed in (1, 1, 2))
    assert first == again
    assert isinstance(first, KeySpaceRow)
    assert first.digest != other.digest or first.arm == "tablets"  # which nothing random decides
    assert first.hot_wrong == 0
    assert (first.hot_split is None) == (first.arm != "tablets")
    assert (first.probes_hit_50 is None) == (first.arm != "slots")


def test_closed_forms_by_hand() -> None:
    assert apart(3, 1, 3, 2) == 0.0
    assert apart(3, 1, 3, 1) == 1.0
    assert apart(6, 2, 3, 2) == pytest.approx(4 / 20)
    assert apart(6, 4, 3, 1) == 1.0
    assert joined("modulo", 4) == pytest.approx(0.8)
    assert left("jump", 2) == pytest.approx(0.5)
    assert joined("tablets", 4) is left("slots", 4) is None
    assert spread_of_keys("jump", 2, 10, None) == pytest.approx(0.1)
    assert spread_of_keys("ring-1", 2, 10**9, 1) == pytest.approx(1 / 3)
    assert spread_of_keys("tablets", 2, 10, None) is None
    assert zipf(3, 1.0) == pytest.approx([6 / 11, 3 / 11, 2 / 11])


def test_the_page_says_what_was_found(tmp_path: Path) -> None:
    results = Results(rows(), tmp_path)
    context = ReportContext(question="q?", size="quick", provenance=SOURCE, findings=tuple(check(results)))
    answer = EXPERIMENT.report(results, tmp_path, context)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert answer.startswith(f"{len(CLAIMS)} of {len(CLAIMS)} closed forms lie inside")
    assert str(KEYS_A_NODE) in answer
    for name in ("balance.svg", "moved.svg", "hot.svg", "cut.svg"):
        assert name in page
        assert (tmp_path / name).is_file()
    for arm in ARMS:
        assert arm.label in page


def test_a_page_can_be_made_of_one_run(tmp_path: Path) -> None:
    results = Results(rows(runs=1), tmp_path)
    context = ReportContext(question="q?", size="quick", provenance=SOURCE, findings=tuple(check(results)))
    assert EXPERIMENT.report(results, tmp_path, context).startswith("0 of ")


def test_the_store_runs_where_it_should() -> None:
    cell = Cell(scenario=STORE, arm=next(arm for arm in ARMS if arm.name == "slots"))
    first = run_once(cell, 1).row
    assert isinstance(first, KeySpaceRow)
    assert (first.lost, first.twice) == (0, 0)
    assert first.served_change is None, "no membership changes over a table of slots"
    assert first.served_calm is not None
    assert first.served_calm > 0.98
