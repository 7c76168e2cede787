"""One run of `merge-domains` as a row, and which way each metric should go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Final

from experiments.experiment import Better, Row

__all__ = ["BETTER", "SIDES", "MergeRow"]

SIDES: Final = ("cutoff", "rest")


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeRow(Row):
    """One run. `cutoff` is the cut-off region, `rest` the others; None where there is no cut or nothing to divide.

    What became of an acknowledged command is counted over the whole run, by side on that whose client was told yes; a
    violation on the side that accepted the event which began it. *Competing* commands are those of which a cut may let
    two sides accept too many, *harmless* ones the others. *Calm* latencies are of commands that were over before the
    cut, whatever came of them; a quantile of too few commands is None. Rights are *stranded* that the cut-off region
    has when the cut ends, or when it is declared lost, and that others asked for in vain; None where there are none.
    """

    # Service
    commands: int
    cut_s: float | None
    availability_all: float
    availability_cut: float | None
    availability_cutoff: float | None
    availability_rest: float | None
    availability_competing: float | None
    availability_harmless: float | None
    denied_without_cause: int
    goodput_per_s: float
    goodput_cut_per_s: float | None
    latency_calm_p50_ms: float
    latency_calm_p99_ms: float | None
    latency_calm_p999_ms: float | None
    latency_cutoff_p50_ms: float | None
    latency_cutoff_p99_ms: float | None
    latency_cutoff_p999_ms: float | None
    latency_rest_p50_ms: float | None
    latency_rest_p99_ms: float | None
    latency_rest_p999_ms: float | None
    # What became of a yes
    acknowledged: int
    lost: int
    set_aside: int
    superseded: int
    compensated: int
    tentative_censored: int
    regret: int
    regret_share: float
    duplicates: int
    regret_cutoff: int | None
    regret_rest: int | None
    divergent_writes: int
    address_conflicts: int
    conflicts_opened: int
    # Invariants, and making good
    violations: int
    violations_cutoff: int | None
    violations_rest: int | None
    violations_open: int
    violation_depth: int
    violation_s: float
    compensations: int
    compensation_p50_s: float | None
    compensation_max_s: float | None
    compensation_failures: int
    rework: int
    # Agreement
    stable_after_heal_s: float | None
    drained_after_heal_s: float | None
    degraded_per_cut: float | None
    lag_p50_s: float | None
    lag_p99_s: float | None
    lag_healed_p50_s: float | None
    lag_healed_p99_s: float | None
    stale_decisions: int
    staleness_p99_s: float
    session_violations: int
    waited_for_rights: int
    stranded_rights: int | None
    rights_idle_share: float | None
    linearizable: bool | None
    # What it costs
    backlog_p99_before: float
    backlog_peak: int
    wan_bytes_per_command: float
    storage_amplification: float
    utilisation_mean: float
    utilisation_max: float
    messages: int
    crossed_cut: int
    unstable_censored: int


#: Metrics that may be read either way: the load, what shows only that the cut met it, and work: a design that refuses
#: has less of it.
_EITHER_WAY: Final = (
    *("commands", "cut_s", "acknowledged", "crossed_cut", "messages", "utilisation_mean", "utilisation_max"),
    *("linearizable", "rights_idle_share"),
)
_HIGHER: Final = ("availability", "goodput")
BETTER: Final[Mapping[str, Better]] = MappingProxyType(
    {
        column.name: Better.HIGHER if column.name.startswith(_HIGHER) else Better.LOWER
        for column in fields(MergeRow)
        if column.name not in (*_EITHER_WAY, *(inherited.name for inherited in fields(Row)))
    }
)
