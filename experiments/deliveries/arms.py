"""What is compared: three orderings under five semantics, a process and an outbox; and what a run measures."""

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
    "LABELS",
    "MOVED",
    "ORDERINGS",
    "OUTBOX",
    "POWER",
    "QUICK",
    "SCENARIOS",
    "SEMANTICS",
    "TRANSFER",
    "DeliveryRow",
    "arm_name",
]

CALM: Final = "effect_calm"
CRASH: Final = "effect_crash"
MOVED: Final = "effect_moved"
POWER: Final = "effect_power"
SCENARIOS: Final = (CALM, CRASH, MOVED, POWER)

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
OUTBOX: Final = "outbox"
_EFFECTS: Final = "models.effects.deployment:effects"


def arm_name(ordering: str, semantics: str) -> str:
    """The arm of an ordering under some semantics, by their short names."""
    return f"{ordering}-{semantics}"


def _effect_arm(ordering: str, semantics: str) -> Arm:
    system: dict[str, SystemOption] = {
        "factory": _EFFECTS,
        "scheme": "local-persist",
        "ordering": str(ORDERINGS[ordering]),
        **SEMANTICS[semantics],
    }
    label = f"{ORDERINGS[ordering]}, {LABELS[semantics]}"
    return Arm(name=arm_name(ordering, semantics), label=label, system=MappingProxyType(system))


EFFECT_ARMS: Final = tuple(_effect_arm(ordering, semantics) for ordering in ORDERINGS for semantics in SEMANTICS)
ARMS: Final = (
    *EFFECT_ARMS,
    Arm(
        name=TRANSFER,
        label="process manager: transfer across shards",
        system=MappingProxyType(
            {
                "factory": "models.processes.deployment:transfers",
                "purses": "local-persist",
                "orders": "local-persist",
                "shards": 1,
                "ceiling": 320,
                "patience": "400ms",
            }
        ),
        ranked=False,
    ),
    Arm(
        name=OUTBOX,
        label="outbox: four lanes, two consumers",
        system=MappingProxyType({"factory": "models.outbox.deployment:outbox", "scheme": "local-persist"}),
        ranked=False,
    ),
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
        MOVED: ("act-unfenced", "act-fenced", "intent-unfenced", "intent-fenced", OUTBOX),
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
