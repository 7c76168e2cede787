"""The log policies that are compared, their scenarios, and what a run of one measures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from experiments.experiment import Arm, Better, Row, SystemOption

__all__ = [
    "AGE_H",
    "ARMS",
    "AWAY",
    "BETTER",
    "BOUNDED",
    "CALM",
    "EVERY",
    "MONTH",
    "QUICK",
    "RETAIN_EVENTS",
    "RETAIN_H",
    "START_MS",
    "LogRow",
]

EVERY: Final = 200
AGE_H: Final = 72
RETAIN_H: Final = 168
RETAIN_EVENTS: Final = 4_000
_CUT: Final[Mapping[str, SystemOption]] = {"snapshot_every": EVERY, "truncate": True}
_SWEEP: Final[Mapping[str, SystemOption]] = {**_CUT, "sweep": True}

ARMS: Final = (
    Arm(name="keep", label="keep everything", system={}),
    Arm(name="snapshots", label=f"snapshot every {EVERY}", system={"snapshot_every": EVERY}),
    Arm(name="load", label="snapshot where a load takes 50 ms", system={"snapshot_load": "50ms"}),
    Arm(name="cut", label=f"cut behind every {EVERY}", system=_CUT),
    Arm(name="age", label=f"cut behind every {EVERY} or {AGE_H} h", system={**_CUT, "snapshot_age": f"{AGE_H}h"}),
    Arm(name="sweep", label="cut with sweep", system=_SWEEP),
    Arm(name="retain-time", label=f"sweep, keep {RETAIN_H // 24} days", system={**_SWEEP, "retain": f"{RETAIN_H}h"}),
    Arm(
        name="retain-events",
        label=f"sweep, keep {RETAIN_EVENTS:,} events",
        system={**_SWEEP, "retain_events": RETAIN_EVENTS},
    ),
    Arm(name="archive", label="sweep into an archive", system={**_SWEEP, "archive": True}),
    Arm(name="no-denials", label="sweep, denials not stored", system={**_SWEEP, "store_denials": False}),
)
#: Of a start, what is not replaying: the flushes of recovery.
START_MS: Final = 100
CALM: Final = "log_calm"
MONTH: Final = "log_month"
AWAY: Final = "log_away"
#: Those that cut the log by a bound of their own, whatever the tail does.
BOUNDED: Final = ("age", "sweep", "retain-time", "retain-events", "archive", "no-denials")


#: By scenario, the arms of the quick size: a month takes seconds, so the other policies are for the full one.
QUICK: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {CALM: ("sweep",), MONTH: ("keep", "cut", "sweep"), AWAY: ("sweep",)}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRow(Row):
    """One run, as its leader's disk tells it; bytes, and times of the simulated host.

    `whole` is empty, or what is wrong with log and archive taken together; `state_bytes` is one snapshot of every
    aggregate, the least that any policy keeps. `load_...` are what loading would take at the end; `recovery_...` the
    time from a start after a loss of power to the first service, at the end of each week.
    """

    commands: int
    acknowledged: int
    in_doubt: int
    unavailable: int
    accounts_wrong: int
    whole: str
    appended: int
    kept: int
    kept_most: int
    dropped: int
    archived: int
    archive_bytes: int
    log_bytes: int
    snapshot_bytes: int
    window_bytes: int
    live_bytes: int
    live_bytes_most: int
    written_bytes: int
    state_bytes: int
    write_amplification: float
    space_amplification: float
    recovery_week_1_ms: float | None
    recovery_week_2_ms: float | None
    recovery_week_3_ms: float | None
    recovery_week_4_ms: float | None
    load_busy_ms: float
    load_tail_ms: float
    latency_p50_ms: float
    latency_p99_ms: float
    installs: int
    follower_lacks: int
    messages: int


BETTER: Final[Mapping[str, Better]] = MappingProxyType(
    dict.fromkeys(
        (
            *("unavailable", "accounts_wrong", "kept", "kept_most", "live_bytes", "live_bytes_most", "written_bytes"),
            *("write_amplification", "space_amplification", "recovery_week_4_ms", "load_busy_ms", "load_tail_ms"),
            *("latency_p50_ms", "latency_p99_ms"),
        ),
        Better.LOWER,
    )
)
