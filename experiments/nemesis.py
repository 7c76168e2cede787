"""A scenario under faults drawn from a seed: the schedule is written into its document.

What comes out is a scenario like any other, whose faults stand there one by one. So a hunt runs
it, a shrinker edits it and a bundle keeps it without knowing that chance had a hand in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from experiments.scenario.nemesis import nemesis_options
from experiments.scenario.problems import Problem, ScenarioError, finding
from experiments.scenario.scenario import Scenario
from sim.faults import Fault, marks_of
from sim.nemesis import Drawn, Knobs, Mode, Options, draw
from sim.units import format_us

__all__ = ["drawn_for", "with_nemesis"]

#: The claims that want to know the core of a run, and what of it.
_CORE_CLAIMS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"core_serves": ("core", "since"), "core_converges": ("core",)}
)


def with_nemesis(scenario: Scenario, seed: int) -> tuple[Scenario, Knobs]:
    """The scenario with a drawn schedule beside its own faults, and the knobs to be told before the run.

    Args:
        scenario: Its `[nemesis]` says what to draw; without one the defaults hold. The result has none, nor
            an audit where faults may last: what replicas hold at rest can then not be asked. Claims
            about a core are told the one that was drawn.
        seed: Root of what is drawn; the run itself may bear the same.

    Raises:
        ScenarioError: the scenario leaves no time or nobody to strike.
    """
    drawn = drawn_for(scenario, seed)
    taken = {fault.id for fault in scenario.faults}
    faults = [_renamed(fault, taken) for fault in drawn.faults]
    knobs = drawn.knobs
    drawn_on = scenario if knobs.mode != Mode.UNLIMITED else scenario.without_audit()
    made = drawn_on.with_faults((*scenario.faults, *faults))
    if knobs.core_us is not None:
        known = {"core": list(knobs.core), "since": format_us(knobs.core_us)}
        for use in scenario.properties:
            if use.name in _CORE_CLAIMS:
                made = made.with_claim_params(use.name, {key: known[key] for key in _CORE_CLAIMS[use.name]})
    return made, knobs


def drawn_for(scenario: Scenario, seed: int) -> Drawn:
    """What the nemesis draws for a scenario under a seed.

    Raises:
        ScenarioError: as in `with_nemesis`.
    """
    try:
        options = _options(scenario)
        system = scenario.system.build(scenario.topology, scenario.workload)
        marks = marks_of(system.placements, scenario.topology, system.templates)
        return draw(scenario.topology, marks, seed, options)
    except ValueError as refused:
        found = finding("nemesis", scenario.document.get("nemesis", {}), str(refused))
        raise ScenarioError([Problem(scenario.file, *found)]) from refused


def _options(scenario: Scenario) -> Options:
    if scenario.nemesis is not None:
        return scenario.nemesis
    return nemesis_options({}, scenario.until_us, scenario.workload)


def _renamed(fault: Fault, taken: set[str]) -> Fault:
    name = fault.id
    while name in taken:
        name = f"nemesis-{name}"
    return fault if name == fault.id else replace(fault, id=name)
