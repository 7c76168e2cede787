"""What is compared: three orderings under five semantics, a process and an outbox; and what a run measures.

Who dies starts again on the same host, or is gone for so long that another takes over; by a crash of the process, or
of the host's power. Processes and outboxes have two arms where another takes over: one that came back lets go and is
refused, or it goes on with what it had under way and nobody refuses it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from experiments.experiment import Arm, Row, SystemOption
from models.effects.performing import Ordering

__all__ = [
    "ARMS",
    "CALM",
    "CRASH",
    "EFFECT_ARMS",
    "FULL",
    "LABELS",
    "MOVED",
    "ORDERINGS",
    "OUTBOX",
    "OUTBOX_UNFENCED",
    "POWER",
    "POWER_MOVED",
    "QUICK",
    "SCENARIOS",
    "SEMANTICS",
    "TAKEN_OVER",
    "TRANSFER",
    "TRANSFER_UNFENCED",
    "DeliveryRow",
    "arm_name",
    "kind_of",
]

CALM: Final = "effect_calm"
CRASH: Final = "effect_crash"
MOVED: Final = "effect_moved"
POWER: Final = "effect_power"
POWER_MOVED: Final = "effect_power_moved"
SCENARIOS: Final = (CALM, CRASH, MOVED, POWER, POWER_MOVED)
#: Where whoever dies is gone for so long that another takes its place.
TAKEN_OVER: Final = frozenset({MOVED, POWER_MOVED})

#: Short names of orderings.
ORDERINGS: Final[Mapping[str, Ordering]] = MappingProxyType(
    {"act": Ordering.ACT_FIRST, "persist": Ordering.PERSIST_FIRST, "intent": Ordering.INTENT}
)
#: By name, what is promised and who is asked.
SEMANTICS: Final[Mapping[str, Mapping[str, SystemOption]]] = MappingProxyType(
    {
        "most": MappingProxyType({"semantics": "at-most-once", "receiver": "mailer"}),
        "least": MappingProxyType({"semantics": "at-least-once", "receiver": "mailer"}),
        "unfenced": MappingProxyType({"semantics": "ask-first", "receiver": "printer", "fences": False}),
        "fenced": MappingProxyType({"semantics": "ask-first", "receiver": "printer"}),
        "dedup": MappingProxyType({"semantics": "at-least-once", "receiver": "gateway", "declared": "idempotent"}),
    }
)
LABELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "most": "at most once",
        "least": "at least once",
        "unfenced": "asked first, not fenced",
        "fenced": "asked first, fenced",
        "dedup": "at least once, deduplicated",
    }
)
TRANSFER: Final = "transfer"
TRANSFER_UNFENCED: Final = "transfer-unfenced"
OUTBOX: Final = "outbox"
OUTBOX_UNFENCED: Final = "outbox-unfenced"
_EFFECTS: Final = "models.effects.deployment:effects"


def arm_name(ordering: str, semantics: str) -> str:
    """The arm of an ordering under some semantics, by their short names."""
    return f"{ordering}-{semantics}"


def kind_of(arm: str) -> str:
    """`TRANSFER` or `OUTBOX` if an arm is one of those, or else the short name of its ordering."""
    return arm.partition("-")[0]


def _effect_arm(ordering: str, semantics: str) -> Arm:
    system: dict[str, SystemOption] = {
        "factory": _EFFECTS,
        "scheme": "local-persist",
        "ordering": str(ORDERINGS[ordering]),
        **SEMANTICS[semantics],
    }
    label = f"{ORDERINGS[ordering]}, {LABELS[semantics]}"
    return Arm(name=arm_name(ordering, semantics), label=label, system=MappingProxyType(system))


def _transfer_arm(name: str, label: str, **more: SystemOption) -> Arm:
    system: dict[str, SystemOption] = {
        "factory": "models.processes.deployment:transfers",
        "purses": "local-persist",
        "orders": "local-persist",
        "shards": 1,
        "ceiling": 320,
        "patience": "400ms",
        **more,
    }
    return Arm(name=name, label=f"process manager: {label}", system=MappingProxyType(system), ranked=False)


def _outbox_arm(name: str, label: str, **more: SystemOption) -> Arm:
    system: dict[str, SystemOption] = {"factory": "models.outbox.deployment:outbox", "scheme": "local-persist", **more}
    return Arm(name=name, label=f"outbox: {label}", system=MappingProxyType(system), ranked=False)


EFFECT_ARMS: Final = tuple(_effect_arm(ordering, semantics) for ordering in ORDERINGS for semantics in SEMANTICS)
ARMS: Final = (
    *EFFECT_ARMS,
    _transfer_arm(TRANSFER, "transfer across shards"),
    _transfer_arm(TRANSFER_UNFENCED, "transfer across shards, an old owner goes on", lets_go=False),
    _outbox_arm(OUTBOX, "four lanes, two consumers"),
    _outbox_arm(OUTBOX_UNFENCED, "four lanes, two consumers, an old owner is not refused", fences=False),
)


#: By scenario, the arms of the quick size: every error that some ordering promises, and who makes once of it.
QUICK: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        CALM: ("act-fenced", "persist-fenced", "intent-fenced", TRANSFER, OUTBOX),
        CRASH: (
            *("act-most", "act-least", "act-fenced", "act-dedup"),
            *("persist-most", "persist-least", "persist-fenced", "persist-dedup"),
            *("intent-most", "intent-fenced", TRANSFER, OUTBOX),
        ),
        POWER: ("act-fenced", "act-dedup", "persist-fenced", "persist-dedup", "intent-fenced", TRANSFER, OUTBOX),
        MOVED: ("act-unfenced", "act-fenced", "intent-unfenced", "intent-fenced", TRANSFER_UNFENCED, OUTBOX),
        POWER_MOVED: ("persist-least", "intent-fenced", TRANSFER, OUTBOX_UNFENCED),
    }
)
#: By scenario, the arms of the full size: all, but that nobody is an old owner where nobody else takes over.
FULL: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        scenario: tuple(
            arm.name for arm in ARMS if scenario in TAKEN_OVER or arm.name not in (TRANSFER_UNFENCED, OUTBOX_UNFENCED)
        )
        for scenario in SCENARIOS
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRow(Row):
    """All cells of an arm under one seed; a cell is one crash point, and one run of at most 20 commands.

    Of the process a duplicate is money that came from nowhere and an omission money that is gone, a cell each; of the
    outbox, keys whose messages came twice or out of order, and keys of which messages are missing. `unpromised` counts
    what no promise allows. Latency runs from the request to the deed, over effects that were done; None where an arm
    has none.
    """

    cells: int
    struck: int
    effects: int
    duplicates: int
    omissions: int
    orphans: int
    left: int
    open: int
    unpromised: int
    latency_mean_ms: float | None
    latency_p50_ms: float | None
    latency_p99_ms: float | None
