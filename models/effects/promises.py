"""What an ordering, a policy and a receiver promise together.

From FACTS section 5: the ordering of act and persist only chooses the error; that nothing is done twice and
nothing is omitted takes a receiver that dedups, or one that can be asked and fences.

Asking and fencing is worth that only if whoever may not be the first to act asks before it acts, and not only after it
has heard of another: owners may be deaf to each other (`performing.Performer.may_be_others`).
"""

from __future__ import annotations

from models.delivery_ends import Error, Promise
from models.effects.outside import OutsideOptions
from models.effects.performing import Ordering
from models.effects.retrying import AskFirst, AtMostOnce, Policy
from models.effects.risk.rules import RiskRule, Rung

__all__ = ["promise_of"]


def promise_of(ordering: Ordering, policy: Policy, receiver: OutsideOptions, owners: int = 1) -> Promise:
    """The errors that may occur under any crash, pause or cut that ends.

    Args:
        ordering: What comes first.
        policy: Whether to ask again.
        receiver: What it can do.
        owners: How many may own.
    """
    if isinstance(policy, AtMostOnce):
        may = {
            Ordering.ACT_FIRST: {Error.ORPHAN, Error.LEFT},
            Ordering.PERSIST_FIRST: {Error.OMISSION},
            Ordering.INTENT: {Error.ORPHAN, Error.LEFT},
        }[ordering]
        if ordering is Ordering.ACT_FIRST and owners > 1 and not receiver.dedup:
            # No store arbitrates who acts: an owner that was paused and the one that follows it both do.
            may = may | {Error.DUPLICATE}
        return Promise(may=frozenset(may), why="nobody asks twice")
    if isinstance(policy, RiskRule):
        return _of_risk(policy, receiver)
    if receiver.dedup:
        return Promise(may=frozenset(), why="the receiver dedups, within its window")
    if isinstance(policy, AskFirst) and receiver.queryable and receiver.fences:
        return Promise(may=frozenset(), why="what was not done when asked is fenced off")
    return Promise(may=frozenset({Error.DUPLICATE}), why="the receiver does what it is asked as often as it is asked")


def _of_risk(rule: RiskRule, receiver: OutsideOptions) -> Promise:
    """What a ladder comes to under `Ordering.INTENT`: whatever it does not settle in time is parked."""
    parked = frozenset({Error.LEFT, Error.ORPHAN})
    risks = (Rung.RISK in rule.ladder and rule.why_never is None) or (Rung.QUERY in rule.ladder and not receiver.fences)
    if receiver.dedup or not risks:
        return Promise(may=parked, why="nothing is asked for again that may have been done, and in doubt it is parked")
    return Promise(may=parked | {Error.DUPLICATE}, why="it is asked for again where the costs allow the risk")
