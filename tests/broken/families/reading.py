"""A store with a read side on three hosts: what the catalogue's consumers and views are sound twins of."""

from __future__ import annotations

from typing import Any, Final

from models.reading import GlobalFeed, Projector, Views, reading
from models.reading.gateway import Gateway
from models.system import Site, System

#: One host writes, two read; two consumers share two segments.
_SHARED: Final = {
    "scheme": "local-persist",
    "views": "local-persist",
    "shards": 1,
    "readers": 2,
    "segments": 2,
    "consumers": 2,
    "idempotent": False,
    "reads": 0.1,
    "selects": 0.0,
    "tokens": False,
    "poll_us": 400_000,
    "chunk": 1,
    "project_us": 20_000,
}


def views(site: Site, workload: Any, kind: type[Projector] = Projector, rules: type[Views] = Views) -> System:
    """Two consumers that share two segments, and save chunks of two events."""
    return reading(site, workload, kind, rules, **_SHARED)  # type: ignore[arg-type]


def poisoned(site: Site, workload: Any, kind: type[Projector] = Projector) -> System:
    """The same with a projection that raises on one amount in five, until it is mended."""
    more = {**_SHARED, "poison_every": 5, "mended_us": 4_000_000}
    return reading(site, workload, kind, **more)  # type: ignore[arg-type]


def lagging(site: Site, workload: Any, kind: type[Projector] = Projector) -> System:
    """Two hosts write, and the second has what the first acknowledged later; one reads."""
    more = {**_SHARED, "scheme": "delayed-ship:1/2@host+2s", "readers": 1, "consumers": 1, "poll_us": 20_000}
    return reading(site, workload, kind, **more)  # type: ignore[arg-type]


def sequenced(site: Site, workload: Any, feed: type[GlobalFeed] = GlobalFeed) -> System:
    """Two shards on two hosts, followed by their global sequence."""
    more = {**_SHARED, "shards": 2, "readers": 1, "consumers": 1, "global_sequence": True, "poll_us": 20_000}
    return reading(site, workload, feed=feed, **more)  # type: ignore[arg-type]


def asked(site: Site, workload: Any, door: type[Gateway] = Gateway) -> System:
    """The same two segments, asked for accounts by band, in sessions that know what they wrote."""
    more = {**_SHARED, "poll_us": 20_000, "selects": 0.5, "tokens": True, "band": 500, "idempotent": True}
    return reading(site, workload, door=door, **more)  # type: ignore[arg-type]
