"""Liveness: after each heal, not only the last, operations succeed again within a bound.

    heal at 1 s, bound 2 s
    1 write x a, begun at 1.2 s -> info
    2 write x b, begun at 2.5 s -> fail
    the next cut at 9 s: x was not served again, though the last heal at 20 s mended it

Two modes. Under faults without limit nothing can be promised but safety, so nothing is demanded. Once
a core is healed (all of the system, or the clients and keys that `LivenessSpec` names), it must serve:
for each of them, counting from the first operation that it tried after the heal, one that began after
the heal must be answered within the bound. A heal that the next fault follows sooner, or at the same
instant, demands nothing. Sources: the two phases of VOPR (TigerBeetle), safety under faults and then
liveness of a healed core; partial synchrony, Dwork, Lynch and Stockmeyer, J. ACM 35 (1988).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from sim.checkers.budget import DEFAULT_BUDGET, Budget
from sim.checkers.objects import cut
from sim.checkers.reading import Attempt, Key, given, invalid, judged, unknown
from sim.checkers.verdict import Outcome, Verdict
from sim.history import History, Kind

__all__ = ["LivenessSpec", "recovers_after_each_heal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LivenessSpec:
    """When faults end and begin, and what must work in between.

    Attributes:
        heals_us: When everything that matters here was healed, each time.
        bound_us: Within which time operations succeed again.
        faults_us: When faults that matter here began.
        clients: Who must be served; () is all who try, together, if no keys are named either.
        keys: What must be served, each.
        served: Endings that count as served: `ok`, and `fail` too where a refusal is an answer.
        only_safety: Faults are without limit; nothing is demanded.
        until_us: When the run ended; None takes the last row for it.

    Raises:
        ValueError: a bound below 1, or no ending that counts.
    """

    heals_us: tuple[int, ...]
    bound_us: int
    faults_us: tuple[int, ...] = ()
    clients: tuple[str, ...] = ()
    keys: tuple[Key, ...] = ()
    served: tuple[str, ...] = ("ok",)
    only_safety: bool = False
    until_us: int | None = None

    def __post_init__(self) -> None:
        if self.bound_us < 1:
            raise ValueError(f"bound_us={self.bound_us} is below 1; nothing is served in no time, so raise it")
        if not self.served or not set(self.served) <= {"ok", "fail"}:
            raise ValueError(f"served={self.served!r} is made of `ok` and `fail`; name one or both")


def recovers_after_each_heal(history: History, spec: object = None, budget: Budget = DEFAULT_BUDGET) -> Verdict:
    """After each heal every expected client and key is served again within the bound.

    *Unknown* if a heal should have been judged and the history ends before the bound is over, if there
    was something to judge and nobody tried, or if a client or key that is named never was: it tried
    nothing, or nobody tried it, after any heal.

    Args:
        history: What the clients recorded.
        spec: A `LivenessSpec`.
        budget: A step is a row.
    """
    options = given(spec, LivenessSpec)
    last_us = history.rows[-1].t_us if history.rows else 0
    until_us = last_us if options.until_us is None else options.until_us
    return judged(history, budget, lambda attempts, _: _judge(attempts, options, until_us))


def _judge(attempts: list[Attempt], options: LivenessSpec, until_us: int) -> Verdict:
    if options.only_safety or not (attempts or options.clients or options.keys):
        return Verdict(Outcome.VALID)
    doubt: Verdict | None = None
    expected = list(_expected(attempts, options))
    for number, heal_us in enumerate(sorted(set(options.heals_us)), 1):
        for who, some in expected:
            verdict = _after(heal_us, who, some, options, until_us)
            if verdict is not None and verdict.outcome is Outcome.INVALID:
                return verdict._replace(reason=f"after heal {number}, at {heal_us} us, {verdict.reason}")
            doubt = doubt or verdict
        next_us = _next_fault(heal_us, options)
        quiet = next_us is None or next_us > heal_us + options.bound_us
        if doubt is None and quiet and not any(_tried(heal_us, next_us, some) for _, some in expected):
            doubt = unknown(f"nobody tried anything after heal {number}, at {heal_us} us; let the load outlast it")
    return doubt or _untried(expected, options) or Verdict(Outcome.VALID)


def _untried(expected: list[tuple[str, list[Attempt]]], options: LivenessSpec) -> Verdict | None:
    """A client or key of which nothing was seen, though there was a heal to judge it by."""
    nexts = {heal_us: _next_fault(heal_us, options) for heal_us in options.heals_us}
    if any(next_us is None or next_us > heal_us + options.bound_us for heal_us, next_us in nexts.items()):
        for who, some in expected:
            if not any(_tried(heal_us, next_us, some) for heal_us, next_us in nexts.items()):
                return unknown(f"{who} was expected to be served after a heal, and was not tried after any")
    return None


def _expected(attempts: list[Attempt], options: LivenessSpec) -> Iterator[tuple[str, list[Attempt]]]:
    """Who and what must be served, with what was tried by or on it."""
    clients: defaultdict[str, list[Attempt]] = defaultdict(list)
    keys: defaultdict[Key, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        clients[attempt.client].append(attempt)
        keys[attempt.key].append(attempt)
    for client in options.clients:
        yield f"client {client}", clients[client]
    for key in options.keys:
        yield f"key {key!r}", keys[key]
    if not options.clients and not options.keys:
        yield "everybody", attempts


def _after(heal_us: int, who: str, attempts: list[Attempt], options: LivenessSpec, until_us: int) -> Verdict | None:
    """What is wrong or not known after one heal for a client or key; None if it was served or need not be."""
    next_us = _next_fault(heal_us, options)
    tried = _tried(heal_us, next_us, attempts)
    if not tried:
        return None
    deadline_us = tried[0].begin_us + options.bound_us
    served = {Kind(kind) for kind in options.served}
    if any(a.ending in served and a.end_us is not None and a.end_us <= deadline_us for a in tried):
        return None
    if next_us is not None and next_us <= deadline_us:
        return None
    if until_us < deadline_us:
        return unknown(
            f"the history ends at {until_us} us, before {who} had {options.bound_us} us to recover", *cut(tried)
        )
    within = [a for a in tried if a.begin_us <= deadline_us]
    return invalid(
        f"nothing that {who} tried from {tried[0].begin_us} us was served within {options.bound_us} us", *cut(within)
    )


def _next_fault(heal_us: int, options: LivenessSpec) -> int | None:
    faults = sorted(options.faults_us)
    at = bisect_left(faults, heal_us)
    return faults[at] if at < len(faults) else None


def _tried(heal_us: int, next_us: int | None, attempts: list[Attempt]) -> list[Attempt]:
    """What began between a heal and the next fault."""
    return [a for a in attempts if a.begin_us >= heal_us and (next_us is None or a.begin_us < next_us)]
