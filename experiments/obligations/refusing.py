"""Refuses, before any run, scenarios whose merge policy does not keep what it promises of its domain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from experiments.obligations.shipped import broken_by
from experiments.scenario import Problem, Scenario

__all__ = ["refused_merges"]

#: Histories that are tried; each scenario's own property goes on from there, a seed at a time.
_SEEDS: Final = range(8)
_WAY_OUT: Final = "repair the policy, or promise less"


def refused_merges(scenarios: Iterable[Scenario]) -> Iterator[Problem]:
    """One problem for each scenario with such a policy, with the smallest counterexample.

    Raises:
        ValueError: a system cannot be laid out any more.
    """
    told: dict[tuple[str, str, tuple[int, ...]], str] = {}
    for scenario in scenarios:
        merging = scenario.system.build(scenario.topology, scenario.workload).merging
        if merging is None:
            continue
        key = (merging.words, merging.domain.name, merging.sources)
        if key not in told:
            broken = broken_by(merging, _SEEDS)
            told[key] = "" if broken is None else "\n".join(broken.lines())
        if told[key]:
            rule = f"breaks what it promises of domain {merging.domain.name!r}: {told[key]}"
            yield Problem(scenario.file, "system.merge", f'"{merging.words}"', rule, _WAY_OUT)
