"""Services that are provisioned, and callers that retry: a broken variant has one rule of one part overridden.

What the small system is like, and its twin's, is one of the systems at the end of this module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from models.retrying.breaker import Breaker
from models.retrying.deployment import tiers
from models.services.acts import Acts
from models.services.assignments import Assignments
from models.services.deployment import service
from models.services.directory import Directory
from models.services.plane import Kinds
from models.services.watcher import Watcher
from models.system import Site, System

#: What a part is to the system.
_PARTS: Final = ((Directory, "directory"), (Watcher, "watcher"), (Assignments, "assignments"), (Acts, "acts"))
_SMALL: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "spread": "region",
        "least": 2,
        "most": 3,
        "per_host": 2,
        "delay_us": 100_000,
        "schedulers": 2,
        "election_us": 300_000,
        "heartbeat_us": 60_000,
        "beat_us": 100_000,
        "lease_us": 400_000,
        "suspect_us": 300_000,
        "report_us": 150_000,
        "decide_us": 150_000,
        "cache_us": 300_000,
    }
)


def service_of(wrong: type[Any] | None) -> Callable[[Site, Any], System]:
    """A small service, one part of which is something wrong."""
    kinds = Kinds(**{name: wrong for part, name in _PARTS if wrong is not None and issubclass(wrong, part)})

    def system(site: Site, workload: Any) -> System:
        return service(site, workload, kinds, **_SMALL)

    return system


def callers_of(breaker: type[Breaker]) -> Callable[[Site, Any], System]:
    """One tier, and users whose breaker is of a kind."""

    def system(site: Site, workload: Any) -> System:
        return tiers(site, workload, breaker, depth=1, last_units=1, breaker=True, window=6, threshold=0.5)

    return system


provisioned = service_of(None)
calling = callers_of(Breaker)
