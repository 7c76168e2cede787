"""How long an instance takes to start and how many are spare, what befalls the service, and what a run measures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

from experiments.experiment import Arm, Row

__all__ = [
    "ARMS",
    "CALM",
    "CRASH",
    "CUTS",
    "DELAYS",
    "MONITORS",
    "QUICK",
    "REGION",
    "REGISTRY",
    "SCALE",
    "SCENARIOS",
    "SCHEDULER",
    "SPANS",
    "SPARE",
    "ProvisionRow",
    "Span",
]

CALM: Final = "services_calm"
CRASH: Final = "services_crash"
REGION: Final = "services_region"
SCHEDULER: Final = "services_scheduler_cut"
REGISTRY: Final = "services_registry_cut"
MONITORS: Final = "services_monitors"
SCALE: Final = "services_scale"
SCENARIOS: Final = (CALM, CRASH, REGION, SCHEDULER, REGISTRY, MONITORS, SCALE)
#: In which nobody can replace what is lost until a heal.
CUTS: Final = (SCHEDULER, REGISTRY, MONITORS)


class Span(NamedTuple):
    """The requests that are judged: from the loss of an instance (or the load's begin) to the end of the load.

    Attributes:
        from_us: When the instance is lost, or the load begins.
        until_us: End, exclusive.
        cut_until_us: When the control plane is whole again; None where it is throughout.
    """

    from_us: int
    until_us: int
    cut_until_us: int | None = None


SPANS: Final[Mapping[str, Span]] = MappingProxyType(
    {
        CALM: Span(2_000_000, 48_000_000),
        CRASH: Span(12_000_000, 48_000_000),
        REGION: Span(12_000_000, 48_000_000),
        SCHEDULER: Span(12_000_000, 48_000_000, 28_000_000),
        REGISTRY: Span(12_000_000, 48_000_000, 28_000_000),
        MONITORS: Span(12_000_000, 48_000_000, 28_000_000),
        SCALE: Span(2_000_000, 48_000_000),
    }
)


def _arm(name: str, label: str, delay: str, spare: int) -> Arm:
    return Arm(name=name, label=label, system=MappingProxyType({"delay": delay, "spare": spare}))


#: Arms without a spare instance, by delay.
DELAYS: Final = ("100ms", "3s", "20s", "2min")
#: By arm with a spare one, its like without.
SPARE: Final[Mapping[str, str]] = MappingProxyType({"3s-spare": "3s", "2min-spare": "2min"})
ARMS: Final = (
    _arm("100ms", "starts in 100 ms", "100ms", 0),
    _arm("3s", "starts in 3 s", "3s", 0),
    _arm("20s", "starts in 20 s", "20s", 0),
    _arm("2min", "starts in 2 min", "120s", 0),
    _arm("3s-spare", "3 s, one spare", "3s", 1),
    _arm("2min-spare", "2 min, one spare", "120s", 1),
)


#: By scenario, the arms of the quick size: both ends of the delay, and who has a spare one.
QUICK: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        CALM: ("100ms", "2min-spare"),
        CRASH: ("100ms", "3s", "20s", "2min", "2min-spare"),
        REGION: ("100ms", "2min", "2min-spare"),
        SCHEDULER: ("3s", "3s-spare"),
        REGISTRY: ("3s-spare",),
        MONITORS: ("3s-spare",),
        SCALE: ("100ms", "20s"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionRow(Row):
    """One run; requests are those issued in the scenario's span.

    `short_s` runs from the loss of the instance, or the load's begin, to the first instance that a scheduler started
    afterwards and that acts: infinite, and counted in `short_censored`, if none did; None where none was needed.
    `cut_served` is the share served while the control plane was cut off, None where it was not, and `cut_changes` how
    many slots changed hands meanwhile. `false_replacements` counts replacements without a loss.
    """

    requests: int
    served_share: float
    unserved: int
    short_s: float | None
    short_censored: int
    cut_served: float | None
    cut_changes: int
    replaced: int
    false_replacements: int
    instances_most: int
    strangers_acted: int
