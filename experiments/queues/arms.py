"""The queues that are compared, what befalls them, and what a run measures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

from experiments.experiment import Arm, Row, SystemOption

__all__ = [
    "ARMS",
    "BATCHES",
    "BUSY",
    "CALM",
    "CRASH",
    "CUT",
    "DEDUP",
    "DESIGNS",
    "DISK",
    "FAILURES",
    "LEAST",
    "MODES",
    "MOST",
    "POWER",
    "QUICK",
    "SCENARIOS",
    "SCHEMES",
    "Design",
    "QueueRow",
    "name_of",
]

CALM: Final = "queue_calm"
CRASH: Final = "queue_crash"
POWER: Final = "queue_power"
DISK: Final = "queue_disk"
CUT: Final = "queue_cut"
BUSY: Final = "queue_busy"
#: By scenario, what befalls the broker that leads one of two shards.
FAILURES: Final[Mapping[str, str]] = MappingProxyType(
    {
        CRASH: "its process dies",
        POWER: "its host loses power",
        DISK: "its disk is lost",
        CUT: "its host is cut off",
    }
)
SCENARIOS: Final = (CALM, *FAILURES, BUSY)

MOST: Final = "most"
LEAST: Final = "least"
DEDUP: Final = "dedup"
#: By short name, the mode as scenario files write it, and what it needs.
MODES: Final[Mapping[str, Mapping[str, SystemOption]]] = MappingProxyType(
    {
        MOST: {"mode": "at-most-once"},
        LEAST: {"mode": "at-least-once"},
        DEDUP: {"mode": "deduplicated", "window": 10_000},
    }
)
#: By short name, the persistence scheme, from the quickest.
SCHEMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "mem": "local-mem",
        "periodic": "local-persist-periodic+500ms",
        "persist": "local-persist",
        "ship": "delayed-ship@host+500ms",
        "multi-mem": "multi-mem:2/3",
        "multi-persist": "multi-persist:2/3",
    }
)
#: Whether messages go one by one, or up to eight together on both sides.
BATCHES: Final[Mapping[str, Mapping[str, SystemOption]]] = MappingProxyType(
    {"one": {}, "eight": {"batch": 8, "linger": "5ms", "take": 8}}
)


class Design(NamedTuple):
    """What an arm is made of, by short names."""

    mode: str
    scheme: str
    batch: str


def name_of(mode: str, scheme: str, batch: str = "one") -> str:
    """The arm of these three."""
    return f"{mode}-{scheme}-{batch}"


#: By arm.
DESIGNS: Final[Mapping[str, Design]] = MappingProxyType(
    {name_of(m, s, b): Design(m, s, b) for m in MODES for s in SCHEMES for b in BATCHES}
)


def _arm(name: str, design: Design) -> Arm:
    mode, batch = MODES[design.mode], BATCHES[design.batch]
    together = "eight together" if batch else "one by one"
    return Arm(
        name=name,
        label=f"{mode['mode']}, {SCHEMES[design.scheme]}, {together}",
        system=MappingProxyType({"scheme": SCHEMES[design.scheme], **mode, **batch}),
    )


ARMS: Final = tuple(_arm(name, design) for name, design in DESIGNS.items())


_COPIES: Final = "multi-persist"
_STRUCK: Final = (
    *(name_of(mode, _COPIES) for mode in MODES),
    *(name_of(DEDUP, scheme) for scheme in ("mem", "periodic", "persist")),
    name_of(LEAST, "mem"),
)
#: By scenario, the arms of the quick size: each mode on two copies, each tier under one mode, and batches.
QUICK: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        CALM: (*_STRUCK, name_of(DEDUP, _COPIES, "eight")),
        CRASH: _STRUCK,
        POWER: _STRUCK,
        DISK: tuple(name_of(mode, _COPIES) for mode in MODES),
        CUT: tuple(name_of(mode, _COPIES) for mode in MODES),
        BUSY: (name_of(DEDUP, _COPIES), name_of(DEDUP, _COPIES, "eight")),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRow(Row):
    """One run. Messages are those that were sent; latency is from when one was due to its first effect.

    `lost` are messages whose producer was told that they are stored, that had no effect and are not in the queue at
    the end; None if a shard did not tell what is in it. `duplicated` had their effect more than once, `extra_effects`
    is how often in all; `out_of_order` were overtaken by a later one of their key. `effects_per_s` is first effects a
    second, from the first message to the last effect. `settled_late` counts settlements that were refused, `repeated`
    the messages that came again and were known to a broker, `known` those known to the receiver.
    """

    messages: int
    acknowledged: int
    effected_share: float
    latency_p50_ms: float
    latency_p99_ms: float
    effects_per_s: float
    lost: int | None
    duplicated: int
    extra_effects: int
    out_of_order: int
    settled_late: int
    timed_out: int
    repeated: int
    known: int
    network_messages: float
    utilisation_busiest: float
    hottest_share: float
