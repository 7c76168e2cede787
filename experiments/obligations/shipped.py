"""The case of a split domain: its policy on the few commands that bring it to its limits."""

from __future__ import annotations

from collections.abc import Iterable

from experiments.confluence import trial_of
from experiments.obligations.proving import Broken, broken_obligation
from experiments.obligations.writing import Case
from models.merging_end import Merging

__all__ = ["broken_by", "case_of"]


def case_of(merging: Merging) -> Case | None:
    """What a policy is tried on; None of a domain of which nobody knows what to ask: neither shipped nor `Asked`."""
    trial = trial_of(merging.domain)
    if trial is None:
        return None
    policy = merging.policy(trial.domain, merging.sources)
    return Case(domain=trial.domain, policy=policy, commands=trial.commands, sources=merging.sources)


def broken_by(merging: Merging, seeds: Iterable[int]) -> Broken | None:
    """The first obligation that the policy of a split domain breaks, shrunk; None if it keeps all."""
    case = case_of(merging)
    return None if case is None else broken_obligation(case, seeds)
