"""The ways to serve layers that are compared, what befalls them, and what a run measures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

from experiments.experiment import Arm, Row
from experiments.scenario import Scenario

__all__ = [
    "ARMS",
    "CALM",
    "CAPPED",
    "CAP_SHARE",
    "FAILOVER",
    "FIFO",
    "HOSTS",
    "LINKS",
    "PRIORITY",
    "QUICK",
    "SCENARIOS",
    "SPANS",
    "STORM",
    "LayerRow",
    "Span",
    "under",
]

CALM: Final = "layers_calm"
HOSTS: Final = "layers_hosts"
LINKS: Final = "layers_links"
FAILOVER: Final = "layers_failover"
STORM: Final = "control_plane_storm"
SCENARIOS: Final = (CALM, HOSTS, LINKS, FAILOVER, STORM)

FIFO: Final = "fifo"
PRIORITY: Final = "priority"
CAPPED: Final = "capped"
#: Of the cores, and of the slowest link, that region traffic may use where it is capped.
CAP_SHARE: Final = 0.3


class Span(NamedTuple):
    """The commands that are judged: issued from when to when, microseconds, end exclusive."""

    from_us: int
    until_us: int


#: Where something is short all the time, after the warm-up; from a crash, or during a storm, else.
SPANS: Final[Mapping[str, Span]] = MappingProxyType(
    {
        CALM: Span(1_000_000, 9_000_000),
        HOSTS: Span(1_000_000, 9_000_000),
        LINKS: Span(1_000_000, 9_000_000),
        FAILOVER: Span(4_000_000, 9_000_000),
        STORM: Span(3_000_000, 7_000_000),
    }
)


def _arm(name: str, label: str) -> Arm:
    return Arm(name=name, label=label, system=MappingProxyType({}))


ARMS: Final = (
    _arm(FIFO, "one queue for all"),
    _arm(PRIORITY, "strict priority"),
    _arm(CAPPED, "priority, region layer capped"),
)


#: By scenario, the arms of the quick size: those that a claim compares.
QUICK: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        CALM: (FIFO, PRIORITY, CAPPED),
        HOSTS: (FIFO, PRIORITY),
        LINKS: (FIFO, PRIORITY),
        FAILOVER: (FIFO, PRIORITY),
        STORM: (PRIORITY, CAPPED),
    }
)


def under(scenario: Scenario, arm: str) -> Scenario:
    """A scenario whose hosts and links serve layers as an arm says."""
    if arm == FIFO:
        off = {"priority": False}
        return scenario.with_section("hosts", off).with_section("latency", off)
    if arm == CAPPED:
        slowest = min(scenario.latency.bytes_per_s.values())
        capped = scenario.with_section("hosts", {"layer_caps": {"region": CAP_SHARE}})
        return capped.with_section("latency", {"layer_caps": {"region": f"{int(CAP_SHARE * slowest)}B/s"}})
    assert arm == PRIORITY, arm
    return scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerRow(Row):
    """One run; commands are those issued in the scenario's span, and a denial by the domain's rule is an answer.

    `false_failovers` counts promotions of somebody else while the leader was up; `unled` how often the operator
    took nobody for the leader, after the warm-up. `led_again_ms` and `served_again_ms` run from the crash, where
    there is one, to a promotion and to an answer; infinite if neither came.
    """

    commands: int
    answered_share: float
    latency_p50_ms: float
    latency_p99_ms: float
    unled: int
    false_failovers: int
    led_again_ms: float | None
    served_again_ms: float | None
    overflowed: int
    utilisation_busiest: float
    messages_region: int
    messages_cluster: int
    messages_host: int
    messages_service: int
    bytes_region: int
    bytes_cluster: int
    bytes_host: int
    bytes_service: int
