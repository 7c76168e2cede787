"""On stores: what clients are told comes true about as often as it says, over runs; and nothing is told unasked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from statistics import mean

import pytest

from experiments.measures.observation import Observation, observe
from experiments.scenario import Scenario, load
from experiments.statistics import t_interval
from models.ledger import Status
from tests.models.confidence.visible.judging import binned

SEEDS = range(3)
#: A cut's reads and acceptances hang together, so bins miss by more than chance alone.
TOGETHER = 0.12


@cache
def runs(name: str) -> tuple[Observation, ...]:
    return tuple(observe(load(name), seed) for seed in SEEDS)


def reads(seen: Observation) -> Iterator[tuple[float, bool]]:
    """Fresh is what has all that was acknowledged by then, as the writers' clocks say; all clocks agree here."""
    acknowledged = {row.op: row.t_us for row in seen.history if row.f == "append" and row.kind == "ok"}
    assert seen.ledger.visible is not None
    for said in seen.ledger.visible.reads:
        events = seen.ledger.final.get(said.freshness.key, ())
        there = sum(acknowledged.get(event.command_id, 1 << 60) <= said.freshness.at_us for event in events)
        yield said.freshness.fresh, there <= said.version


def outcomes(seen: Observation) -> Iterator[tuple[float, bool]]:
    assert seen.ledger.visible is not None
    executed = {event.command_id for event in seen.events()}
    for op, said in seen.ledger.visible.outcomes:
        yield said.happens, op in executed


def survivals(seen: Observation) -> Iterator[tuple[float, bool]]:
    assert seen.ledger.visible is not None
    status = {event.command_id: event.status for event in seen.events()}
    for op, said in seen.ledger.visible.survivals:
        if status.get(op) not in (None, Status.TENTATIVE):
            yield said.survives, status[op] is Status.MERGED


JUDGED = {"confidence_reads": reads, "confidence_commands": outcomes, "confidence_split": survivals}


@pytest.mark.parametrize("name", JUDGED)
def test_over_runs_as_much_comes_true_as_was_said(name: str) -> None:
    off = [mean(chance - true for chance, true in JUDGED[name](seen)) for seen in runs(name)]
    between = t_interval(off)
    assert between.low is not None
    assert between.high is not None
    assert between.low - 0.02 <= 0 <= between.high + 0.02


@pytest.mark.parametrize("name", JUDGED)
def test_what_is_said_to_be_likelier_is(name: str) -> None:
    pairs = [pair for seen in runs(name) for pair in JUDGED[name](seen)]
    bins = [one for one in binned(pairs) if one.count >= 12]
    assert len(bins) >= 2
    assert [one for one in bins if not one.low - TOGETHER <= one.said <= one.high + TOGETHER] == []
    base = mean(true for _, true in pairs)
    skill = 1 - sum((chance - true) ** 2 for chance, true in pairs) / sum((base - true) ** 2 for _, true in pairs)
    assert skill > 0


def test_a_read_across_a_cut_grows_old_in_its_own_words() -> None:
    """While it hears nothing, the bound grows as time does; after the heal all is fresh again."""
    seen = runs("confidence_reads")[0]
    assert seen.ledger.visible is not None
    cut = [one.freshness for one in seen.ledger.visible.reads if 9_500_000 < one.freshness.at_us < 12_000_000]
    after = [one.freshness for one in seen.ledger.visible.reads if one.freshness.at_us > 14_000_000]
    assert min(one.bound_us or 0 for one in cut) > 1_000_000
    assert max(one.bound_us or 0 for one in after) < 1_000_000
    assert mean(one.fresh for one in cut) < 0.5 < 0.8 < mean(one.fresh for one in after)


def without(scenario: Scenario) -> Scenario:
    options = {name: scenario.system.options[name] for name in ("domain", "merge")}
    return replace(scenario, system=replace(scenario.system, options=options))


def test_without_the_option_nothing_is_told() -> None:
    scenario = without(load("confidence_split"))
    seen = observe(replace(scenario, until_us=6_000_000), 1)
    assert seen.ledger.visible is None
    assert not seen.noted.get("survival")


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("confidence_split", {"merge": "last-writer-by-field"}, "lets later writes undo earlier ones"),
        ("confidence_split", {"loss": 0.0}, "a prior outside"),
        ("confidence_split", {"states": False, "loss": 0.1}, "loss is believed by nobody"),
        ("confidence_commands", {"cuts_every_us": 0}, "cuts_every"),
        ("confidence_split", {"contests": 1.0}, "a prior outside"),
        ("confidence_commands", {"give_up_us": 5_000_000}, "give_up says something of connections"),
        ("confidence_waiting", {"sent_again_us": -1}, "system.sent_again"),
        ("confidence_looks", {"looks": 0.0}, "said of answers to questions"),
        ("confidence_reads", {"mode": "live"}, "keeps no views"),
        ("confidence_reads", {"decides": "spectre"}, "no provider"),
        ("confidence_minority", {"decides": "source:level=2"}, "is no chance to wait for"),
    ],
)
def test_what_makes_no_sense_is_refused(name: str, options: dict[str, object], told: str) -> None:
    scenario = load(name)
    system = replace(scenario.system, options={**scenario.system.options, **options})
    with pytest.raises(ValueError, match=told):
        observe(replace(scenario, system=system), 1)


def short(name: str, until_us: int, **options: object) -> Observation:
    scenario = load(name)
    system = replace(scenario.system, options={**scenario.system.options, **options})
    return observe(replace(scenario, system=system, until_us=until_us), 2)


def test_a_minority_refuses_what_would_hardly_last_and_by_a_detector_whatever_comes_in_silence() -> None:
    by_cost = short("confidence_minority", 18_000_000, decides="consumer:miss=3:alarm=1")
    by_bool = short("confidence_minority", 18_000_000, decides="bool:silent=2s")
    never = short("confidence_minority", 18_000_000, decides="consumer:miss=1:alarm=500")
    refused = [len(seen.noted["hardly"]) for seen in (by_cost, by_bool, never)]
    assert refused[1] > refused[0] > 0 == refused[2]


def test_users_wait_for_what_is_fresher_as_long_as_that_may_help() -> None:
    waits = {
        words: short("confidence_reads", 11_500_000, decides=words, patience_us=500_000).noted["waited"]
        for words in ("spectrum:miss=20:alarm=1", "consumer:miss=20:alarm=1")
    }
    late = {words: [t_us for t_us, _, _ in rows if t_us > 11_000_000] for words, rows in waits.items()}
    assert all(waits.values())
    assert len(late["spectrum:miss=20:alarm=1"]) < len(late["consumer:miss=20:alarm=1"])
