"""The catalogue of broken systems: each tells the bug that it is modelled on, and its sound twin stays silent."""

from __future__ import annotations

import ast
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from experiments.cli import main
from experiments.hunting import read_bundle, replay_bundle
from experiments.measures import gather
from experiments.nemesis import with_nemesis
from experiments.properties import judge
from experiments.scenario import load
from sim.checkers import Outcome

HERE = Path(__file__).parent
VARIANTS: list[dict[str, Any]] = tomllib.loads((HERE / "catalogue.toml").read_text(encoding="utf-8"))["variant"]
SCENARIOS = sorted({variant["scenario"] for variant in VARIANTS})
KEPT = HERE.parent / "regressions"
MOST_FAULTS, MOST_OPERATIONS, MOST_SERVERS = 3, 10, 3
#: Modules of the folder that are no variants.
OTHERS = {"test_catalogue", "keep"}


def source_of(variant: dict[str, Any]) -> Path:
    return HERE / f"{variant['broken'].partition(':')[0].rpartition('.')[2]}.py"


def test_every_module_is_in_the_catalogue_and_every_scenario_has_a_variant() -> None:
    assert {source_of(v).stem for v in VARIANTS} == {path.stem for path in HERE.glob("*.py")} - OTHERS
    assert set(SCENARIOS) == {path.name for path in HERE.glob("*.toml")} - {"catalogue.toml"}
    assert len({v["name"] for v in VARIANTS}) == len(VARIANTS) >= 14


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: v["name"])
def test_a_variant_names_its_bug_and_differs_in_a_line_or_two(variant: dict[str, Any]) -> None:
    tree = ast.parse(source_of(variant).read_text(encoding="utf-8"))
    assert variant["reference"] in (ast.get_docstring(tree) or "")
    (wrong,) = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    overridden = [node for node in wrong.body if isinstance(node, ast.FunctionDef)]
    assert 1 <= len(overridden) <= 2
    assert sum(len(method.body) for method in overridden) <= 2
    base = import_module(f"tests.broken.{source_of(variant).stem}")
    sound = getattr(base, wrong.name).__mro__[1]
    assert all(hasattr(sound, method.name) for method in overridden), "it overrides a decision of the sound family"


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_sound_twin_is_silent(name: str) -> None:
    scenario = load(str(HERE / name))
    for seed in range(5):
        under_faults, _ = with_nemesis(scenario, seed)
        verdicts = judge(gather(under_faults, seed), under_faults.properties)
        assert {claim: v.reason for claim, v in verdicts.items() if v.outcome is not Outcome.VALID} == {}, f"{seed=}"


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: v["name"])
def test_a_variant_is_caught_by_its_bundle_and_its_twin_is_not(variant: dict[str, Any]) -> None:
    (folder,) = KEPT.glob(f"{variant['name']}-*-[0-9]*")
    bundle = read_bundle(folder)
    assert bundle.scenario.system.factory == variant["broken"]
    assert bundle.expects is Outcome.INVALID
    assert len(bundle.scenario.faults) <= MOST_FAULTS
    assert sum(not host.client for host in bundle.scenario.topology.hosts) <= MOST_SERVERS

    seen = replay_bundle(bundle).run
    assert seen.verdict.outcome is Outcome.INVALID, seen.verdict.reason
    assert len({row.op for row in seen.history if not row.session.startswith("audit/")}) <= MOST_OPERATIONS

    sound = load(str(HERE / variant["scenario"])).system.factory
    twin = bundle.scenario.with_system({"factory": sound})
    verdict = judge(gather(twin, bundle.seed), twin.properties)[bundle.claim]
    # A run that was cut short may end before a sound system is at rest.
    assert verdict.outcome is not Outcome.INVALID, verdict.reason


def test_a_broken_system_is_hunted_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    system = "factory=tests.broken.counter_by_total:system"
    command = ["hunt", str(HERE / "tallies.toml"), "--system", system, "--seeds", "3", "--jobs", "1"]
    assert main([*command, "--shrink-runs", "20", "--out", str(tmp_path)]) == 1
    assert "durable is violated" in capsys.readouterr().out
    assert read_bundle(tmp_path / "tallies-durable-0").scenario.system.factory == system.partition("=")[2]
