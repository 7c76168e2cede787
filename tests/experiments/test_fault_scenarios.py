"""Every kind of fault has a scenario that shows it, a row in the README, and a claim that can fail."""

from __future__ import annotations

import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from experiments.commands.check import check
from experiments.measures import observe
from experiments.properties import PROPERTIES
from experiments.scenario import Mode, Scenario, load, parse, shipped
from sim.checkers import Outcome
from sim.faults import KINDS

README = Path(__file__).parents[2] / "README.md"
SCENARIOS = {kind: f"fault_{kind.replace('-', '_')}" for kind in KINDS}
SHOWN = (*SCENARIOS.values(), "fault_crash_point", "fault_note")


def variant(name: str, **changes: Any) -> Scenario:
    """A shipped scenario with keys of its first and later faults replaced, as `{number: {key: value}}`."""
    document = deepcopy(dict(load(name).document))
    for number, values in changes.pop("faults", {}).items():
        document["fault"][number].update(values)
    document.update(changes)
    return parse(document, name=name)


def test_the_readme_lists_every_kind_with_what_it_does_and_its_scenario() -> None:
    rows = re.findall(
        r"^\| `([\w-]+)` \| (.*) \| \[`(fault_\w+)`\]\(experiments/scenarios/\w+\.toml\) \|$",
        README.read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert rows == [(name, kind.doc, SCENARIOS[name]) for name, kind in KINDS.items()]


@pytest.mark.parametrize("name", SHOWN)
def test_a_scenario_of_a_kind_shows_it_small_and_claims_both_ways(name: str) -> None:
    scenario = load(name)
    kinds = {fault.kind for fault in scenario.faults}
    assert name in ("fault_crash_point", "fault_note") or any(SCENARIOS[kind] == name for kind in kinds)
    modes = {use.name: use.mode for use in scenario.properties}
    assert modes["fault_fired"] is Mode.SOMETIMES
    assert Mode.ALWAYS in modes.values()
    assert scenario.until_us <= 30_000_000
    assert scenario.workload.rate_per_s * scenario.workload.ends_us / 1e6 <= 300


def test_no_scenario_of_a_kind_is_forgotten() -> None:
    assert {name for name in shipped() if name.startswith("fault_")} == set(SHOWN)


def fails(scenario: Scenario, name: str) -> bool:
    return PROPERTIES[name].holds(observe(scenario, 0)).outcome is Outcome.INVALID


def test_a_power_loss_before_the_disk_is_honest_again_loses_what_was_acknowledged() -> None:
    lie, dark = dict(load("fault_fsync_lies").document)["fault"]
    cut = {"id": "cut", "kind": "partition-full", "targets": ["us-east-1"], "at": "4s", "for": "2s"}
    early = dark | {"at": "5s"}
    assert not fails(variant("fault_fsync_lies", fault=[lie, early]), "no_acknowledged_loss"), "others had heard of it"
    assert fails(variant("fault_fsync_lies", fault=[lie, early, cut]), "no_acknowledged_loss")


def test_a_destroyed_home_takes_along_what_it_acknowledged_alone() -> None:
    home = {0: {"targets": ["us-east-1"]}}
    cut = {"id": "cut", "kind": "partition-full", "targets": ["us-east-1"], "at": "4s", "for": "2s"}
    gone = dict(load("fault_region_destroyed").document)["fault"][0] | home[0]
    assert not fails(variant("fault_region_destroyed", fault=[gone, cut]), "no_acknowledged_loss")
    alone = {"factory": "models.deployment:home_region"}
    assert fails(variant("fault_region_destroyed", fault=[gone, cut], system=alone), "no_acknowledged_loss")


def test_a_fault_that_meets_nothing_has_not_fired() -> None:
    after_the_load = variant("fault_disk_full", faults={0: {"at": "29s", "for": "100ms"}})
    assert fails(after_the_load, "fault_fired")


def test_a_fault_whose_trigger_is_never_reached_has_not_fired() -> None:
    never = variant("fault_crash_point", faults={0: {"at": {"point": "C6", "nth": 100_000}}})
    verdict = PROPERTIES["fault_fired"].holds(observe(never, 0))
    assert verdict.reason == "times met: at-C6: never"


def test_check_says_that_a_schedule_destroys_every_copy_and_runs_it(tmp_path: Path) -> None:
    text = load("fault_region_destroyed").text
    everything = text.replace('targets = ["eu-west-1"]', 'targets = ["us-east-1", "us-west-2", "eu-west-1"]')
    file = tmp_path / "doom.toml"
    file.write_text(everything, encoding="utf-8")
    ran = CliRunner().invoke(check, [str(file), "--seeds", "1"], standalone_mode=False)
    warning = "doom: warning: every copy of shard 0 is destroyed at 6 s: all its disks are gone at once"
    assert warning in ran.output.splitlines()
    assert any(line.startswith("doom: no_acknowledged_loss") for line in ran.output.splitlines())
