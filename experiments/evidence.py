"""What a finished run left for judges: the clients' history, and what the faults really met.

Enough for every property that a history can answer. A system with a ledger leaves more, which
`experiments.measures.Observation` adds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from experiments.scenario.scenario import Scenario
from sim.faults import KINDS, Encounter
from sim.history import History, Value

__all__ = ["Evidence", "Span"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A fault that began: from when to when it was live, end exclusive, None at the end of the run."""

    fault: str
    kind: str
    targets: tuple[str, ...]
    begin_us: int
    end_us: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A finished run.

    Attributes:
        scenario: What was run.
        seed: Root of its randomness.
        history: What the clients recorded.
        records: What that means: the name of a sequential specification, or "".
        initial: What every key held at the beginning.
        encounters: What each fault that began has met.
        groups: By replicated shard, the hosts of its members, by index.
        anew: By host, by index, when a service of it last found that it has to begin with nothing.
        held_again: By host, by index, when a service of it last said that it holds what it must; asked for only where
            the scenario has disks lost, like `anew`.
        operations: What operators did: (instant, "ID outcome") in order of time, microseconds.
        utilisation: By server, share of core time in [0, 1].
        network: The network's totals.
        digest: Of the world.
    """

    scenario: Scenario
    seed: int
    history: History = field(default_factory=History)
    records: str = ""
    initial: Value = None
    encounters: tuple[Encounter, ...] = ()
    groups: Mapping[str, tuple[int, ...]] = field(default_factory=lambda: MappingProxyType({}))
    anew: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))
    held_again: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))
    operations: tuple[tuple[int, str], ...] = ()
    utilisation: Mapping[str, float]
    network: Mapping[str, int]
    digest: str

    @property
    def spans(self) -> tuple[Span, ...]:
        """Every fault that began, by its beginning."""
        found = [
            Span(
                fault=encounter.fault.id,
                kind=encounter.fault.kind,
                targets=encounter.fault.targets,
                begin_us=encounter.fault.at,
                end_us=encounter.ended_us,
            )
            for encounter in self.encounters
            if isinstance(encounter.fault.at, int)
        ]
        return tuple(sorted(found, key=lambda span: (span.begin_us, span.fault)))

    @property
    def unhealed(self) -> tuple[str, ...]:
        """The faults that were live at the end and whose heal was still to be waited for.

        Not those that have no end, and not lost disks: what they took does not come back with a heal.
        """
        return tuple(
            span.fault
            for span in self.spans
            if span.end_us is None and KINDS[span.kind].lasting is not True and not KINDS[span.kind].loses_disk
        )

    @property
    def calm_us(self) -> int | None:
        """From when on no fault was live; None if one was live at the end."""
        ends = [span.end_us for span in self.spans]
        return None if None in ends else max((end for end in ends if end is not None), default=0)
