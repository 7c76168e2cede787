"""The bench of power, piece by piece: searches, sound twins, mutants in processes of their own, and what is told."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from experiments.bench.power import _median_seeds, _seeds_in, _told_of_mutants
from experiments.power.catalogue import Search, listen, read, search
from experiments.power.designs import DESIGNS, MODULES, judged
from experiments.power.mutants import Fate, Mutant, all_mutants, chosen, score, try_out
from experiments.power.substitute import substitute

BY_NAME = {variant.name: variant for variant in read()}


def mutant_of(module: str, operator: str, before: str) -> Mutant:
    return next(
        m
        for m in all_mutants()
        if m.module == module and m.site.operator == operator and m.site.before.startswith(before)
    )


def test_a_search_ends_with_the_first_seed_that_breaks_a_claim() -> None:
    variant = BY_NAME["counter-by-total"]
    found = search(variant.scenario, variant.broken, 0, 5)
    assert found.claim is not None
    assert found.seed == found.seeds - 1 < 5
    assert listen(variant.scenario, 0, found.seeds).alarms == ()


def test_a_search_without_a_catch_says_how_far_it_went() -> None:
    variant = BY_NAME["lock-expires"]
    found = search(variant.scenario, "tests.broken.families.solo:locks", 0, 2)
    assert (found.seeds, found.claim, found.seed) == (2, None, None)


def test_a_run_that_raises_is_a_catch_and_of_a_twin_a_false_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    def gather(*_: object) -> None:
        raise AssertionError("what cannot be")

    monkeypatch.setattr("experiments.power.catalogue.gather", gather)
    variant = read()[0]
    assert search(variant.scenario, variant.broken, 3, 5)[2:] == ("no_crash", 3)
    assert listen(variant.scenario, 3, 1).alarms == ("3: no_crash",)


def test_a_catalogue_that_is_not_there_is_told(tmp_path: object) -> None:
    with pytest.raises(ValueError, match="is not there; run this in a checkout"):
        read(tmp_path / "catalogue.toml")  # type: ignore[operator]


def test_a_mutant_that_breaks_a_claim_is_caught() -> None:
    fate = try_out(
        mutant_of("models.store.group.shipping", "message-dropped", "self._ctx.send"),
        {("home", 0): ("", ("conservation",))},
    )
    assert (fate.outcome, fate.runs) == ("caught", 1)
    assert fate.by == "conservation invalid in home, seed 0"


def test_a_mutant_that_nobody_judges_survives_and_runs_only_where_it_matters() -> None:
    some, asked = (
        mutant_of("models.merging.fold", "comparison-turned", "len(held)"),
        len(MODULES["models.merging.fold"]),
    )
    fate = try_out(some, {(design, 0): ("another digest", ()) for design in DESIGNS})
    assert (fate.outcome, fate.by, fate.runs, fate.differ) == ("survived", None, asked, asked)


def test_a_mutant_that_nothing_went_by_is_told_from_one_that_nobody_convicted() -> None:
    runs = {("failover", 0): (judged("failover", 0)[0], ())}
    some = [mutant for mutant in all_mutants() if mutant.module == "models.monitor"][:6]
    fates = [fate for fate in (try_out(mutant, runs) for mutant in some) if fate.outcome != "caught"]
    assert {(fate.outcome, fate.differ) for fate in fates} == {("survived", 1), ("unseen", 0)}


def test_the_sample_is_the_same_in_whatever_order_mutants_come() -> None:
    mutants = all_mutants()
    assert len({mutant.module for mutant in mutants}) == len(MODULES)
    assert chosen(mutants, 20) == chosen(mutants[::-1], 20) == chosen(mutants, 30)[:20]


def test_the_score_leaves_out_what_could_not_be_imported() -> None:
    mutant = all_mutants()[0]
    fates = [Fate(mutant, outcome, by, 1, 0.1) for outcome, by in OUTCOMES]
    assert score(fates) == 2 / 4
    told = _told_of_mutants(fates)
    assert told["caught_by_a_claim"] == told["caught_by_an_error"] == told["survived"] == told["unborn"] == 1
    assert told["unseen"] == told["equal"] == 1
    assert told["survivors"] == [f"{mutant.name} (0 of 1 runs differ, every claim holds)"]
    assert told["unseen_mutants"] == told["equal_mutants"] == [mutant.name]
    assert score([]) == 0


OUTCOMES = (
    ("caught", "conservation invalid"),
    ("caught", "raised KeyError"),
    ("survived", None),
    ("unseen", None),
    ("equal", None),
    ("unborn", "'x'"),
)


def test_the_median_counts_a_range_without_a_catch_as_longest() -> None:
    first, second, none = Search(3, 0.1, "a", 2), Search(40, 0.2, "a", 439), Search(400, 9.0, None, None)
    assert _median_seeds([first, none, second]) == 40
    assert _median_seeds([first, none, none]) is None
    assert [_seeds_in([first, none, second], number) for number in range(3)] == [3, 40, 400]


def test_a_module_that_was_imported_is_not_substituted() -> None:
    import ast

    name = "power_test_victim"
    sys.modules[name] = ModuleType(name)
    try:
        with pytest.raises(ValueError, match="was imported already"):
            substitute(name, ast.parse("x = 1"), "nowhere.py")
    finally:
        del sys.modules[name]
