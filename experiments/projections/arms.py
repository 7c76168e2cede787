"""The ways to keep a projection that are compared, what befalls them, and what a run measures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from experiments.experiment import Arm, Row, SystemOption

__all__ = [
    "ARMS",
    "ASYNC",
    "CALM",
    "INLINE",
    "LIVE",
    "LOAD",
    "QUICK",
    "READER_STILL",
    "REBUILD",
    "REBUILD_US",
    "SCENARIOS",
    "SMALL",
    "TOKENS",
    "WAITING",
    "WRITERS_OUT",
    "LagRow",
]

CALM: Final = "lag_calm"
TOKENS: Final = "lag_tokens"
LOAD: Final = "lag_load"
WRITERS_OUT: Final = "lag_writers_out"
READER_STILL: Final = "lag_reader_still"
SCENARIOS: Final = (CALM, TOKENS, LOAD, WRITERS_OUT, READER_STILL)

INLINE: Final = "inline"
ASYNC: Final = "async"
WAITING: Final = "async-waiting"
SMALL: Final = "async-small"
REBUILD: Final = "async-rebuild"
LIVE: Final = "live"
#: When the second version begins, where one is rebuilt.
REBUILD_US: Final = 2_000_000


def _arm(name: str, label: str, **system: SystemOption) -> Arm:
    return Arm(name=name, label=label, system=MappingProxyType(system))


ARMS: Final = (
    _arm(INLINE, "inline", mode="inline"),
    _arm(ASYNC, "async, polled every 40 ms"),
    _arm(WAITING, "async, the log answers when there is news", waits=True),
    _arm(SMALL, "async, two events a batch", batch=2, chunk=2),
    _arm(REBUILD, "async, rebuilt beside", rebuild=f"{REBUILD_US}us"),
    _arm(LIVE, "live", mode="live"),
)


#: By scenario, the arms of the quick size: those that a claim compares.
QUICK: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        CALM: tuple(arm.name for arm in ARMS),
        TOKENS: (INLINE, ASYNC, LIVE),
        LOAD: (ASYNC, SMALL),
        WRITERS_OUT: (INLINE, ASYNC),
        READER_STILL: (ASYNC, LIVE),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LagRow(Row):
    """One run; operations are those that begin after the warm-up.

    `lag` runs from the acknowledgement of an event to that of the save that has it, at least 0; None where nothing
    is saved. A read is stale if it misses an event that was acknowledged before it began, and misses its own write if
    its session made that. `own` reads are those of what the session wrote last. `stated` is the age that an answer
    states. In a fault are operations that began while one was live. `switched_ms` runs from where the second version
    begins to where the last segment shows it; infinite if one never does.
    """

    commands: int
    command_p50_ms: float
    command_p99_ms: float
    reads: int
    read_p50_ms: float
    read_p99_ms: float
    answered_share: float
    stale_share: float
    stale_p99_ms: float
    own_reads: int
    own_p50_ms: float
    own_p99_ms: float
    own_missed: int
    lag_p50_ms: float | None
    lag_p99_ms: float | None
    stated_p50_ms: float
    stated_p99_ms: float
    fault_reads_share: float | None
    fault_commands_share: float | None
    stolen: int
    fenced: int
    exact: bool
    switched_ms: float | None
