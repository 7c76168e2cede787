"""Refuses, before any run, scenarios whose merge policy does not keep what it is held to on its domain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from experiments.obligations.shipped import broken_by
from experiments.scenario import Problem, Scenario
from models.merging.policy import MANDATORY
from models.merging_end import Merging

__all__ = ["refused_merges"]

#: Histories that are tried; each scenario's own property goes on from there, a seed at a time.
_SEEDS: Final = range(8)
_PROMISED: Final = ("breaks what it promises of", "repair the policy, or promise less")
_DEMANDED: Final = ("does not do what every merge must on", "repair the policy; no merge can do without this")


def refused_merges(scenarios: Iterable[Scenario]) -> Iterator[Problem]:
    """One problem for each scenario with such a policy, with the smallest counterexample.

    Raises:
        ValueError: a system cannot be laid out any more.
    """
    told: dict[tuple[str, type, tuple[int, ...]], tuple[str, str]] = {}
    for scenario in scenarios:
        merging = scenario.system.build(scenario.topology, scenario.workload).merging
        if merging is None:
            continue
        key = (merging.words, type(merging.domain), merging.sources)
        if key not in told:
            told[key] = _told(merging)
        rule, way_out = told[key]
        if rule:
            yield Problem(scenario.file, "system.merge", f'"{merging.words}"', rule, way_out)


def _told(merging: Merging) -> tuple[str, str]:
    """What is wrong, with the smallest counterexample, and the way out; nothing if nothing is."""
    broken = broken_by(merging, _SEEDS)
    if broken is None:
        return "", ""
    breaks, way_out = _DEMANDED if broken.obligation in MANDATORY else _PROMISED
    return f"{breaks} domain {merging.domain.name!r}: " + "\n".join(broken.lines()), way_out
