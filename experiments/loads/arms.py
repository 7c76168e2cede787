"""Strategies of loading by domain, what regions contend for, and what a run measures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from experiments.experiment import Arm, Row

__all__ = [
    "ADAPTIVE",
    "ARMS",
    "CALM",
    "CONSISTENT",
    "CUT",
    "DOMAINS",
    "HOT",
    "OPTIMISTIC",
    "QUICK",
    "QUIET",
    "SCENARIOS",
    "SLOW",
    "SPECULATIVE",
    "STRATEGIES",
    "LoadRow",
    "arm_of",
]

#: By contention, then by what befalls: one command in twenty is to an aggregate that both regions ask for, four in ten,
#: all of them and to few; four in ten with a slow link to the leader, or a cut.
QUIET: Final = "loading_quiet"
CALM: Final = "loading_calm"
HOT: Final = "loading_hot"
SLOW: Final = "loading_slow"
CUT: Final = "loading_cut"
SCENARIOS: Final = (QUIET, CALM, HOT, SLOW, CUT)

CONSISTENT: Final = "consistent"
SPECULATIVE: Final = "speculative"
OPTIMISTIC: Final = "optimistic"
ADAPTIVE: Final = "adaptive"
STRATEGIES: Final = (CONSISTENT, SPECULATIVE, OPTIMISTIC, ADAPTIVE)

#: From the one whose decisions least depend on the state to the one whose do most.
DOMAINS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "counter": "counter: nearly every decision is the same on any state",
        "bank-account": "bank account: a decision changes where money is short",
        "username": "user name: a decision changes with each event before it",
    }
)


def arm_of(strategy: str, domain: str) -> str:
    """The name of an arm."""
    return f"{strategy}-{domain}"


ARMS: Final = tuple(
    Arm(
        name=arm_of(strategy, domain),
        label=f"{strategy}, {domain}",
        system=MappingProxyType({"strategy": strategy, "domain": domain}),
    )
    for domain in DOMAINS
    for strategy in STRATEGIES
)


_ENDS: Final = ("counter", "username")
#: By scenario, the arms of the quick size: the domains at both ends, and of the third what is claimed of it alone.
QUICK: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        QUIET: tuple(arm_of(strategy, domain) for domain in _ENDS for strategy in STRATEGIES),
        CALM: tuple(arm_of(strategy, domain) for domain in _ENDS for strategy in STRATEGIES),
        HOT: (
            *(arm_of(strategy, domain) for domain in _ENDS for strategy in STRATEGIES),
            arm_of(SPECULATIVE, "bank-account"),
        ),
        SLOW: (arm_of(CONSISTENT, "counter"), arm_of(SPECULATIVE, "counter")),
        CUT: tuple(arm_of(strategy, "username") for strategy in STRATEGIES),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRow(Row):
    """One run; latencies and the share answered are of commands from regions other than the leader's, once warm.

    What handlers did is of the whole run and of all of them: `stale_share` of the snapshots that were compared with the
    newest were behind, by `behind_mean` events on average over all compared; of the decisions that were taken again,
    `equal_share` came out the same (None if there were none); `worked`, `looked` and `appended` are decisions worked
    out, look-ups and appends for one command; `refused_share` of the appends met a conflict. `untrue` counts answers
    that no event says, and images that are not what their events came to.
    """

    commands: int
    answered_share: float
    latency_p50_ms: float
    latency_p95_ms: float
    stale_share: float
    behind_mean: float
    equal_share: float | None
    redone: float
    worked: float
    looked: float
    appended: float
    refused_share: float
    untrue: int
