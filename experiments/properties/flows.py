"""What flows: that service comes back after each heal, what subscribers were promised, that nothing vanishes.

A system whose clients record deliveries has `records = "subscription"`, one whose clients record
acceptances and fates has `records = "fates"`; the checkers' modules tell the words.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Final

from experiments.evidence import Evidence, Span
from experiments.scenario.property import Property, Sort, claim
from models.driver import AUDIT
from sim.checkers import Checker, Verdict, subscriptions
from sim.checkers.conservation import ConservationSpec
from sim.checkers.conservation import conserved as judge_conserved
from sim.checkers.liveness import LivenessSpec
from sim.checkers.liveness import recovers_after_each_heal as judge_recovery
from sim.checkers.subscriptions import SubscriptionSpec
from sim.faults import KINDS
from sim.history import History, Kind, Operation

__all__ = ["FLOWS"]

_SUBSCRIPTION: Final = frozenset({"subscription"})


def recovers_after_each_heal(seen: Evidence, *, within_us: int = 5_000_000) -> Verdict:
    """After each heal, not only the last, every client that asks is served again within `within`."""
    asked = [row for row in seen.history if row.kind is Kind.INVOKE and not row.session.startswith(AUDIT)]
    last_us = asked[-1].t_us if asked else 0
    # Of a heal after which nobody asks for anything, nothing can be seen; nor of a client that asks while it lasts.
    heals_us = tuple(heal_us for heal_us in _heals(seen) if heal_us < last_us)
    faults_us = tuple(sorted(span.begin_us for span in seen.spans))
    calm = {row.client for row in asked if _is_calm(row.t_us, heals_us, faults_us)}
    spec = LivenessSpec(
        heals_us=heals_us,
        bound_us=within_us,
        faults_us=faults_us,
        clients=tuple(sorted(calm)),
        # That a lock is held, or a value not as expected, is an answer.
        served=("ok", "fail") if seen.records in ("mutex", "cas-register") else ("ok",),
        until_us=seen.scenario.until_us,
    )
    return judge_recovery(_answered(seen.history), spec)


def _is_calm(t_us: int, heals_us: tuple[int, ...], faults_us: tuple[int, ...]) -> bool:
    """Whether an instant lies between a heal and the next fault; both in order."""
    healed = heals_us[: bisect_right(heals_us, t_us)]
    return bool(healed) and bisect_right(faults_us, t_us) == bisect_left(faults_us, healed[-1])


def _answered(history: History) -> History:
    """The history with what a rule denied as done: who is told no for a reason of the domain was served."""
    told = History()
    for row in history:
        # A settlement fails only where the broker tells that others have the letters by now.
        denied = row.kind is Kind.FAIL and (row.f == "settle" or str(row.value).startswith("denied:"))
        kind = Kind.OK if denied else row.kind
        told.append(row.t_us, row.client, Operation(row.op, kind, row.f, row.key, row.value, row.version, row.session))
    return told


def conserved(seen: Evidence) -> Verdict:
    """What was accepted is incorporated, superseded with a record, or compensated; nothing else is."""
    return judge_conserved(seen.history, ConservationSpec())


def _heals(seen: Evidence) -> tuple[int, ...]:
    """The instants from which on no fault was live, until the next began."""
    heals: list[int] = []
    calm_us: int | None = 0
    for span in seen.spans:
        if calm_us is not None and heals[-1:] != [calm_us] and 0 < calm_us <= span.begin_us:
            heals.append(calm_us)
        end_us = _end(span)
        calm_us = None if calm_us is None or end_us is None else max(calm_us, end_us)
    return (*heals, calm_us) if calm_us else tuple(heals)


def _end(span: Span) -> int | None:
    """When a fault was over; what strikes once and stays, such as a clock that jumped, is so as it begins."""
    rule = KINDS[span.kind]
    return span.begin_us if span.end_us is None and rule.lasting is True and rule.crash is None else span.end_us


def _subscriber(name: str, check: Checker) -> Property[Evidence]:
    def judge(seen: Evidence, *, within_us: int | None = None) -> Verdict:
        return check(seen.history, SubscriptionSpec(within_us=within_us))

    doc = (check.__doc__ or "").splitlines()[0]
    return Property(name=f"subscription_{name}", doc=doc, judge=judge, records=_SUBSCRIPTION)


FLOWS: Final = (
    claim(recovers_after_each_heal, sort=Sort.LIVENESS),
    claim(conserved, sort=Sort.LIVENESS, records=frozenset({"fates"})),
    _subscriber("ordered", subscriptions.ordered),
    _subscriber("unique", subscriptions.unique),
    _subscriber("atomic", subscriptions.atomic),
    _subscriber("reliable", subscriptions.reliable),
    _subscriber("resumable", subscriptions.resumable),
    _subscriber("bookmarkable", subscriptions.bookmarkable),
)
