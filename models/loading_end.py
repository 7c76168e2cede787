"""What handlers and keepers of snapshots came to by the end of a run, as values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from models.domain import Domain, State
from models.store.log.entries import Entry

__all__ = ["LoadingEnd", "loading_end"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadingEnd:
    """The handlers at the end; counts are those of their last lives.

    Attributes:
        counts: What they did, as `Handler.counts`, and `looked` and `appends`, what they asked of the store; where they
            load by a rule, also `said_ppm`, `judged` and `were_stale`, as `Weighing` has them.
        behind: Events by which snapshots were behind, summed.
        compared: Over how many.
        images: Images of keepers and handlers that could be held against the log.
        wrong: Of these, what is not what the log's events came to at their version.
    """

    counts: Mapping[str, int]
    behind: int
    compared: int
    images: int
    wrong: tuple[str, ...]


def loading_end(
    handlers: Iterable[Any],
    images: Iterable[tuple[str, int, int, int, State]],
    streams: Mapping[int, tuple[Entry, ...]],
    domain: Domain[Any],
) -> LoadingEnd:
    """Look at handlers, and hold images against what the log came to.

    Args:
        handlers: Those that are up (`models.loading.handler.Handler`).
        images: Who has it, of which aggregate, at which version, with which chain's tip, what it says.
        streams: By aggregate, its whole stream; none where the log does not begin at the beginning.
        domain: Whose.
    """
    counts: Counter[str] = Counter()
    behind = compared = looked = 0
    for handler in handlers:
        counts.update(handler.counts)
        counts.update({"looked": handler.store.looked, "appends": handler.store.appends})
        if (weighing := handler.weighing) is not None:
            counts.update(said_ppm=weighing.said_ppm, judged=weighing.judged, were_stale=weighing.stale)
        behind += handler.behind
        compared += handler.compared
    wrong = []
    for who, aggregate, version, tip, state in images:
        entries = streams.get(aggregate, ())
        if version > len(entries):
            continue  # given up by a failover, or cut off the log
        if version and entries[version - 1].tip != tip:
            continue  # of a lineage that was given up; a look-up will show it
        looked += 1
        if domain.replay(entry.event for entry in entries[:version]) != state:
            wrong.append(f"{who} has aggregate {aggregate} at version {version} as {state}")
    return LoadingEnd(counts=dict(counts), behind=behind, compared=compared, images=looked, wrong=tuple(wrong))
