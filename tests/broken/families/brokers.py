"""A message queue as a family: a broken variant is `models.queue` with one thing of a broker or its lanes overridden.

Brokers with two flushed copies of three, deduplicated, in order by key, with sequenced dead letters; in one region,
or each in a region of its own with clients beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from models.queue import Broker, Lanes, queue
from models.system import Site, System

#: A small queue; some of its consumers stand still, some of its messages are poison until they are cured.
OPTIONS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "mode": "deduplicated",
        "scheme": "multi-persist:2/3",
        "partitions": 1,
        "window": 10_000,
        "visibility_us": 500_000,
        "attempts": 6,
        "parking": "sequenced",
        "take": 3,
        "stall_share": 0.1,
        "stall_us": 800_000,
        "poison_share": 0.05,
        "cured_us": 13_000_000,
        "retry_us": 14_000_000,
        "promote_after_us": 500_000,
    }
)


#: The same with a broker in each region; the people are not where the first leader is.
APART: Final[Mapping[str, Any]] = MappingProxyType(
    {**OPTIONS, "scheme": "multi-persist:2/3@region", "placement": "tablets", "home": "north"}
)

#: The same as `OPTIONS` with consumers that stand still more often.
STALLING: Final[Mapping[str, Any]] = MappingProxyType({**OPTIONS, "stall_share": 0.9, "poison_share": 0.0})
#: The same with consumers that never do, and a letter that parks at its first failure.
PARKING: Final[Mapping[str, Any]] = MappingProxyType(
    {**OPTIONS, "stall_share": 0.0, "stall_us": 0, "attempts": 1, "poison_share": 0.3}
)
#: The same with two failures before that, and nobody who mends it.
POISONED: Final[Mapping[str, Any]] = MappingProxyType({**PARKING, "attempts": 2, "cured_us": -1, "retry_us": -1})


def queue_of(wrong: type[Any], options: Mapping[str, Any] = OPTIONS) -> Callable[[Site, Any], System]:
    """A small queue whose brokers, or their lanes, are wrong."""
    kind = wrong if issubclass(wrong, Broker) else Broker
    lanes = wrong if issubclass(wrong, Lanes) else Lanes

    def system(site: Site, workload: Any) -> System:
        return queue(site, workload, kind, lanes, **options)

    return system


stalling = queue_of(Broker, STALLING)
parking = queue_of(Broker, PARKING)
apart = queue_of(Broker, APART)
poisoned = queue_of(Broker, POISONED)
