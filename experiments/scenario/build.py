"""From a scenario and a seed to a world that can run."""

from __future__ import annotations

from experiments.scenario.operations import with_runbooks
from experiments.scenario.problems import Problem, ScenarioError
from experiments.scenario.refusals import refusals
from experiments.scenario.scenario import Scenario
from models.system import System
from sim.trace import TraceLevel
from sim.world import World

__all__ = ["build"]


def build(
    scenario: Scenario, seed: int, trace: TraceLevel = TraceLevel.OFF, *, trace_keep: int | None = None
) -> tuple[World, System]:
    """A world with its system in place, at instant 0; run it until `scenario.until_us`.

    Args:
        scenario: What to run.
        seed: Root of all randomness.
        trace: How much the world writes down; digests do not depend on it.
        trace_keep: How many of the latest rows are kept; all by default.

    Raises:
        ScenarioError: the system refuses to be laid over this topology.
    """
    world = World(
        topology=scenario.topology,
        latency=scenario.latency,
        hosts=scenario.hosts,
        connections=scenario.connections,
        seed=seed,
        faults=scenario.faults,
        trace=trace,
        trace_keep=trace_keep,
    )
    try:
        system = scenario.system.build(scenario.topology, scenario.workload)
        system = with_runbooks(system, scenario.operations, scenario.topology)
        for placement in system.placements:
            world.place(placement)
        for template in system.templates:
            world.offer(template)
    except ValueError as refused:
        found = refusals(scenario.system, refused)
        raise ScenarioError(Problem(scenario.file, *one) for one in found) from refused
    return world, system
