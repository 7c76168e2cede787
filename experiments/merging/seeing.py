"""What decisions were made on: how stale they were, and whose sessions went back in time.

A decision is *stale* if a command of the same aggregate had been acknowledged before it was asked for, and its writer
had not seen that one: in a split by what its event says it had seen, elsewhere by the final order. A *session* is one
region's clients on one aggregate: it is violated by an operation that counts, asked for after a yes of the same region
that counts no more without anybody having been told.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from experiments.measures import Answer, Observation, Outcome
from experiments.measures.fates import Fate
from experiments.statistics import quantile
from models.ledger import FinalEvent

__all__ = ["Staleness", "session_violations", "staleness"]

_UNKNOWN = (Fate.LOST, Fate.SET_ASIDE, Fate.SUPERSEDED)


class Staleness(NamedTuple):
    """Decisions on less than was acknowledged.

    Attributes:
        decisions: How many.
        p99_s: How old what they had not seen was, 99th percentile over all decisions; 0 for one that was fresh.
    """

    decisions: int
    p99_s: float


def staleness(seen: Observation) -> Staleness:
    """Look at every decision."""
    answers = {one.command_id: one for one in seen.answers}
    sets_aside: dict[int, list[int]] = defaultdict(list)
    for event in seen.ledger.divergent:
        told = answers.get(event.command_id)
        if event.kind != "denied" and told is not None and told.outcome is Outcome.ACCEPTED:
            assert told.answered_us is not None
            sets_aside[event.account].append(told.answered_us)
    ages: list[float] = []
    for account, events in seen.ledger.final.items():
        missed = _unseen_by_streams if any(one.position and one.seen for one in events) else _unseen_by_order
        for event, since_us in missed(events, answers):
            asked = answers.get(event.command_id)
            if asked is None:
                continue
            aside = [t_us for t_us in sets_aside.get(account, ()) if t_us < asked.invoked_us]
            oldest = min([*aside, *([] if since_us is None else [since_us])], default=None)
            ages.append(0.0 if oldest is None else (asked.invoked_us - oldest) / 1e6)
    ages.sort()
    return Staleness(sum(age > 0 for age in ages), quantile(ages, 0.99) if ages else 0.0)


def _unseen_by_streams(
    events: tuple[FinalEvent, ...], answers: Mapping[int, Answer]
) -> list[tuple[FinalEvent, int | None]]:
    """By event, when the first one that its writer had not seen was acknowledged, if that was before it was asked."""
    streams: dict[int, tuple[list[int], list[int]]] = {}
    for event in sorted(events, key=lambda event: event.position):
        told = answers.get(event.command_id)
        if event.kind == "denied" or told is None or told.outcome is not Outcome.ACCEPTED:
            continue
        assert told.answered_us is not None
        positions, acked = streams.setdefault(event.origin, ([], []))
        positions.append(event.position)
        acked.append(told.answered_us)
    found: list[tuple[FinalEvent, int | None]] = []
    for event in events:
        asked = answers.get(event.command_id)
        oldest: int | None = None
        known = dict(event.seen)
        for origin, (positions, acked) in streams.items():
            if origin == event.origin or asked is None:
                continue
            at = bisect_right(positions, known.get(origin, 0))
            if at < len(acked) and acked[at] < asked.invoked_us:
                oldest = acked[at] if oldest is None else min(oldest, acked[at])
        found.append((event, oldest))
    return found


def _unseen_by_order(
    events: tuple[FinalEvent, ...], answers: Mapping[int, Answer]
) -> list[tuple[FinalEvent, int | None]]:
    """The same where one order is all that is known: what was overwritten was seen by nobody who counts."""
    gone: list[int] = []
    for event in events:
        told = answers.get(event.command_id)
        if event.status == "superseded" and told is not None and told.outcome is Outcome.ACCEPTED:
            assert told.answered_us is not None
            gone.append(told.answered_us)
    gone.sort()
    found: list[tuple[FinalEvent, int | None]] = []
    for event in events:
        asked = answers.get(event.command_id)
        early = bool(gone) and asked is not None and event.status == "merged" and gone[0] < asked.invoked_us
        found.append((event, gone[0] if early else None))
    return found


def session_violations(seen: Observation, fates: Mapping[int, Fate]) -> int:
    """Operations of a session that came after a yes of the same session which is gone, and counts itself."""
    gone_us: dict[tuple[str, int], int] = {}
    for one in seen.answers:
        if fates.get(one.command_id) in _UNKNOWN:
            assert one.answered_us is not None
            key = (one.region, one.account)
            gone_us[key] = min(one.answered_us, gone_us.get(key, one.answered_us))
    return sum(
        fates.get(one.command_id) is Fate.KEPT
        and one.invoked_us > gone_us.get((one.region, one.account), seen.scenario.until_us)
        for one in seen.answers
    )
