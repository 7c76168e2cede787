"""Whether an overload ends, who is to blame for it, that nobody waits for ever while it lasts, and hedged calls."""

from __future__ import annotations

from collections import Counter
from math import inf
from typing import Final

from experiments.evidence import Evidence
from experiments.measures.observation import Observation
from experiments.scenario.property import Sort, claim
from sim.checkers import Outcome, Verdict
from sim.faults import KINDS
from sim.history import Kind

__all__ = ["RETRIES"]


def goodput_recovers(seen: Evidence, *, share: float = 0.9, within_us: int = 10_000_000) -> Verdict:
    """From `within` after the last heal on, at least `share` of the requests issued are done in time."""
    calm_us = _healed_us(seen)
    if calm_us is None:
        return Verdict(Outcome.UNKNOWN, (), "a fault was live at the end")
    done, lost = _since(seen, calm_us + within_us)
    if not done and not lost:
        return Verdict(Outcome.UNKNOWN, (), "nothing was asked for so long after the last heal; let the load go on")
    good = len(done) >= share * (len(done) + len(lost))
    told = f"{len(done)} of {len(done) + len(lost)} requests done, from {within_us / 1e6:g} s after the last heal on"
    return Verdict(Outcome.VALID if good else Outcome.INVALID, () if good else tuple(lost[:10]), told)


def metastable(seen: Evidence, *, share: float = 0.5, after_us: int = 10_000_000) -> Verdict:
    """From `after` the last heal to the end of the load, fewer than `share` of the requests are done."""
    calm_us = _healed_us(seen)
    if calm_us is None:
        return Verdict(Outcome.UNKNOWN, (), "a fault was live at the end")
    done, lost = _since(seen, calm_us + after_us)
    told = f"{len(done)} of {len(done) + len(lost)} requests done, from {after_us / 1e6:g} s after the last heal on"
    return Verdict(Outcome.VALID if len(done) < share * (len(done) + len(lost)) else Outcome.INVALID, (), told)


def ended_by_deadline(seen: Evidence) -> Verdict:
    """Every request is ended by its deadline, done or not: nobody is kept waiting, however full the queues are."""
    deadline_us, until_us = seen.scenario.workload.deadline_us, seen.scenario.until_us
    late = [
        begun.op
        for begun, ended in seen.history.pairs()
        if (begun.t_us + deadline_us < until_us if ended is None else ended.t_us > begun.t_us + deadline_us)
    ]
    told = f"{len(late)} requests ended more than {deadline_us / 1e6:g} s after they began, or never"
    return Verdict(Outcome.INVALID if late else Outcome.VALID, tuple(late[:10]), told)


def served_until_struck(seen: Evidence, *, share: float = 0.99) -> Verdict:
    """Once warm, at least `share` of what can end before the first fault is done: load alone is no overload."""
    struck_us = min((span.begin_us for span in seen.spans), default=seen.scenario.until_us)
    from_us, end_us = seen.scenario.warm_up_us, struck_us - seen.scenario.workload.deadline_us
    done, lost = _since(seen, from_us, end_us)
    if not done and not lost:
        return Verdict(Outcome.UNKNOWN, (), "nothing was asked long enough before the first fault; let it strike later")
    good = len(done) >= share * (len(done) + len(lost))
    told = f"{len(done)} of {len(done) + len(lost)} requests done that could end before the first fault"
    return Verdict(Outcome.VALID if good else Outcome.INVALID, () if good else tuple(lost[:10]), told)


def answered_once(seen: Evidence) -> Verdict:
    """Every request that ended did so once, however many copies of it were answered."""
    counts = Counter(row.op for row in seen.history if row.kind is not Kind.INVOKE)
    again = sorted(op for op, count in counts.items() if count > 1)
    told = f"{len(again)} of {len(counts)} requests ended more than once"
    return Verdict(Outcome.INVALID if again else Outcome.VALID, tuple(again[:10]), told)


def done_once(seen: Observation) -> Verdict:
    """No request has its effect twice, and whoever was told that it is done has one."""
    end = seen.ledger.retrying
    if end is None or end.book is None:
        return Verdict(Outcome.UNKNOWN, (), "there is none, or its host was down at the end: the world outside")
    deeds = Counter(deed.key for deed in end.book)
    told = {row.op for row in seen.history if row.kind is Kind.OK}
    twice = sorted(op for op, count in deeds.items() if count > 1)
    never = sorted(told - deeds.keys())
    reason = f"of {len(deeds)} effects {len(twice)} were done twice; {len(never)} of {len(told)} told of have none"
    bad = [*twice, *never]
    return Verdict(Outcome.INVALID if bad else Outcome.VALID, tuple(bad[:10]), reason)


def hedge_won(seen: Observation) -> Verdict:
    """Some call was answered by another copy than the first."""
    end = seen.ledger.retrying
    if end is None:
        return Verdict(Outcome.UNKNOWN, (), "nobody hedges")
    told = f"{end.won} of {end.calls} calls were answered by another of {end.copies} copies; {end.held} were held back"
    return Verdict(Outcome.VALID if end.won else Outcome.INVALID, (), told)


def hedge_held(seen: Observation) -> Verdict:
    """A budget held some copy back."""
    end = seen.ledger.retrying
    if end is None:
        return Verdict(Outcome.UNKNOWN, (), "nobody hedges")
    told = f"copies of {end.held} of {end.calls} calls were held back"
    return Verdict(Outcome.VALID if end.held else Outcome.INVALID, (), told)


def _healed_us(seen: Evidence) -> int | None:
    """When the last fault was over; what strikes once and stays, such as a clock that jumped, is so as it begins."""
    ends = [
        span.begin_us
        if span.end_us is None and KINDS[span.kind].lasting is True and KINDS[span.kind].crash is None
        else span.end_us
        for span in seen.spans
    ]
    return None if None in ends else max((end for end in ends if end is not None), default=0)


def _since(seen: Evidence, from_us: int, until_us: float = inf) -> tuple[list[int], list[int]]:
    """The requests issued from an instant on, and before another: those that were done, and the others."""
    done: list[int] = []
    lost: list[int] = []
    for begun, ended in seen.history.pairs():
        if from_us <= begun.t_us < until_us:
            (done if ended is not None and ended.kind is Kind.OK else lost).append(begun.op)
    return done, lost


RETRIES: Final = (
    claim(goodput_recovers, sort=Sort.LIVENESS),
    claim(metastable, sort=Sort.EVIDENCE),
    claim(ended_by_deadline),
    claim(served_until_struck, scheduled=True),
    claim(answered_once),
    claim(done_once, ledger=True),
    claim(hedge_won, ledger=True, sort=Sort.EVIDENCE),
    claim(hedge_held, ledger=True, sort=Sort.EVIDENCE),
)
