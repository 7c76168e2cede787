"""Who was served, by side of the cut.

*Available* is an operation that was accepted, or denied by the domain's rule on a state that
the account really had between invocation and reply in the final order. A denial on a stale
state is no service: the money was there. Refusals and silence are no service either.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from math import inf
from typing import NamedTuple

from experiments.measures.observation import Answer, Observation, Outcome

__all__ = ["Service", "answered_share", "latencies_ms", "served"]


class Service(NamedTuple):
    """Counts over some operations; `unjustified` denials are among the not available."""

    issued: int
    available: int
    unjustified: int

    @property
    def share(self) -> float | None:
        """Available over issued, None if nothing was issued."""
        return self.available / self.issued if self.issued else None


class _Balances(NamedTuple):
    """An account in the final order: state k held from instant `since[k]` on."""

    since_us: list[int]
    after: list[int]


def served(observation: Observation) -> dict[int, bool | None]:
    """By command: True if available, False if not, None if denied without cause."""
    balances = _final_balances(observation)
    opening = _Balances([0], [observation.opening_balance])
    return {answer.command_id: _served(answer, balances.get(answer.account, opening)) for answer in observation.answers}


def answered_share(verdicts: Mapping[int, bool | None], answers: Iterable[Answer]) -> Service:
    """Count the verdicts of some operations."""
    found = [verdicts[answer.command_id] for answer in answers]
    return Service(len(found), found.count(True), found.count(None))


def latencies_ms(answers: Iterable[Answer]) -> list[float]:
    """Milliseconds from the scheduled arrival, sorted; whoever got no service waits for ever.

    Refusals count as unanswered: a quick no for want of a quorum is not a quick service.
    """
    quick = (Outcome.ACCEPTED, Outcome.DENIED)
    return sorted(
        inf if a.answered_us is None or a.outcome not in quick else (a.answered_us - a.invoked_us) / 1000
        for a in answers
    )


def _served(answer: Answer, balances: _Balances) -> bool | None:
    if answer.outcome is Outcome.ACCEPTED:
        return True
    if answer.outcome is not Outcome.DENIED:
        return False
    assert answer.answered_us is not None
    first = bisect_right(balances.since_us, answer.invoked_us) - 1
    last = bisect_right(balances.since_us, answer.answered_us) - 1
    poor = any(balance + answer.amount < 0 for balance in balances.after[max(first, 0) : last + 1])
    return True if poor else None


def _final_balances(observation: Observation) -> dict[int, _Balances]:
    result: dict[int, _Balances] = {}
    for account, events in observation.ledger.final.items():
        kept = [e for e in events if e.status == "merged" and e.kind != "denied"]
        # The final order need not be the order of acceptance; a state holds from the latest
        # instant of the events that led to it.
        since = list(accumulate((e.accepted_us for e in kept), max, initial=0))
        effects: Sequence[int] = [e.amount if e.kind == "deposited" else -e.amount for e in kept]
        result[account] = _Balances(since, list(accumulate(effects, initial=observation.opening_balance)))
    return result
