"""The store that is placed by each scheme: what clients notice of a change of membership, and of a cut.

Twelve hosts in three regions, copies on three of them wherever the placement says, two must hold an event. In one
run a host joins and another leaves; in one nothing happens; in one a region is cut off. Arms are paired: under
one seed they meet the same commands at the same instants, and share the seed of every hash.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from types import MappingProxyType
from typing import Any, Final

from experiments.experiment import Arm
from experiments.keyspace.arms import ARMS, SIZES
from experiments.measures import Answer, Observation, Outcome, latencies_ms, observe
from experiments.scenario import load
from experiments.statistics import quantile

__all__ = [
    "CHANGE",
    "CUT",
    "QUICK",
    "STORE",
    "STORE_NODES",
    "store_metrics",
]

#: The cell in which the store runs, and how many nodes it has.
STORE: Final = "store-12"
STORE_NODES: Final = 12
CHANGE: Final = "keyspace_change"
CUT: Final = "keyspace_region_cut"
#: By scenario, the arms of the quick size: every placement, and one store, whose run takes a thousand times as long.
QUICK: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {**dict.fromkeys(SIZES, tuple(arm.name for arm in ARMS)), STORE: ("ring-256",)}
)
#: The joiner's first instant, and how long what it sets in motion is watched.
_CHANGE_US: Final = (3_000_000, 15_000_000)
_CUT_US: Final = (4_000_000, 10_000_000)
_CUT_REGION: Final = "us-east-1"
_CERTAIN: Final = (Outcome.ACCEPTED, Outcome.DENIED)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A run, and its answers that count."""

    run: Observation
    answers: tuple[Answer, ...]

    def share(self, chosen: Callable[[Answer], bool] = lambda answer: True) -> float:
        """The share that was answered, yes or no by the domain's rule."""
        found = [answer.outcome in _CERTAIN for answer in self.answers if chosen(answer)]
        return sum(found) / len(found)

    @property
    def p99_ms(self) -> float:
        """Latency of nearly all, unanswered ones at infinity."""
        return quantile(latencies_ms(self.answers), 0.99)


def store_metrics(arm: Arm, seed: int, digest: Any) -> dict[str, Any]:
    """What the store of an arm does under a seed; `digest` takes in every history."""
    still = {"joins": "", "leaves": ""}
    salt = int.from_bytes(blake2b(f"{seed}/{STORE}".encode(), digest_size=4).digest(), "big")
    system = {**arm.system, "salt": salt}
    calm = _seen(CHANGE, system | still, seed, _CHANGE_US, digest)
    cut = _seen(CUT, system, seed, _CUT_US, digest)
    found = {
        "served_calm": calm.share(),
        "calm_p99_ms": calm.p99_ms,
        "served_cut_side": cut.share(lambda answer: answer.region == _CUT_REGION),
        "served_other_side": cut.share(lambda answer: answer.region != _CUT_REGION),
        "lost": _lost(calm.run) + _lost(cut.run),
        "twice": _twice(calm.run) + _twice(cut.run),
    }
    if arm.name == "slots":
        return found  # no membership changes over a table of slots
    change = _seen(CHANGE, system, seed, _CHANGE_US, digest)
    placing = change.run.ledger.placing
    assert placing is not None
    return found | {
        "served_change": change.share(),
        "change_p99_ms": change.p99_ms,
        "stretches_moved": len(placing.moves),
        "routes_refused": placing.stale,
        "lost": found["lost"] + _lost(change.run),
        "twice": found["twice"] + _twice(change.run),
    }


def _seen(name: str, system: dict[str, Any], seed: int, window: tuple[int, int], digest: Any) -> _Seen:
    run = observe(load(name).with_system(system), seed)
    for row in run.history:
        digest.update(repr((row.t_us, row.op, row.kind, row.value, row.version)).encode())
    return _Seen(run, tuple(answer for answer in run.answers if window[0] <= answer.invoked_us < window[1]))


def _lost(run: Observation) -> int:
    """Commands that were acknowledged and have no event in the end."""
    there = {event.command_id for event in run.events()}
    return sum(answer.outcome in _CERTAIN and answer.command_id not in there for answer in run.answers)


def _twice(run: Observation) -> int:
    """Commands with two events in the end."""
    commands = [event.command_id for event in run.events()]
    return len(commands) - len(set(commands))
