"""Tests as a user of the lab writes them: claims over many seeds, and over any schedule that hypothesis thinks of."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings

from experiments.evidence import Evidence
from experiments.regression import assert_holds, scenario_test
from experiments.scenario import load
from sim.faults import KINDS, Fault
from sim.history import Kind
from sim.nemesis import UNFAIR
from sim.testing.strategies import schedules
from tests.example.store import versions_grow

MENDED = load(Path(__file__).parent / "mended.toml")
FAIR = KINDS.keys() - UNFAIR


@scenario_test(
    "mended.toml",
    seeds=20,
    always=["linearizable", versions_grow],
    sometimes=["any_fault_fired"],
)
def test_the_store_keeps_what_it_acknowledged(runs: list[Evidence]) -> None:
    answered = sum(row.kind is Kind.OK for run in runs for row in run.history)
    assert answered > 1000, "too little got through to mean anything"


@settings(max_examples=25)
@given(faults=schedules(MENDED.topology, ends_us=8_000_000, heal=True, kinds=FAIR))
def test_no_schedule_of_fair_faults_breaks_it(faults: tuple[Fault, ...]) -> None:
    assert_holds(MENDED.with_faults(faults), seed=0, always=["linearizable"])
