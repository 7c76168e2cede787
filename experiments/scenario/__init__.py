"""Scenario files: a world, a system, a load, faults and properties, as TOML.

Read a shipped file first (`experiments/scenarios/`), then `schema` for what each key may
hold. `loader` turns a file into a frozen `Scenario`, or raises one `ScenarioError` that
tells every mistake at once, those that a factory finds in the words of the file (`refusals`);
`build` turns a scenario and a seed into a world that can run.
"""

from experiments.scenario.build import build
from experiments.scenario.loader import load, parse, shipped
from experiments.scenario.problems import Problem, ScenarioError
from experiments.scenario.property import Mode, Property, PropertyUse
from experiments.scenario.scenario import Scenario, SystemChoice

__all__ = [
    "Mode",
    "Problem",
    "Property",
    "PropertyUse",
    "Scenario",
    "ScenarioError",
    "SystemChoice",
    "build",
    "load",
    "parse",
    "shipped",
]
