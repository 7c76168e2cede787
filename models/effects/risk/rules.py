"""Whether to ask again for what must not be done twice: by a threshold on time, on the chance of execution, or both.

A retry costs less than none, on average, while P(executed) is at most C_loss / (C_loss + C_dup). A rule is a ladder of
what may be done about silence, tried from the first rung on: ask again under the same key, where the receiver dedups;
ask what became of it, and believe a *not done* for good where the receiver fences, else for what it is worth; ask again
at a risk that the costs allow. If nothing does before `give_up_us` the effect is parked: it stays in doubt, for a merge
to settle. Where no rung but the last is there and the limit of P(executed) is above the threshold, waiting never
allows a retry, and the rule says so with the condition (`why_never`).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from enum import StrEnum
from math import ceil, inf
from typing import Final, Protocol

from models.confidence.reach import OutOfReach
from models.confidence.unanswered import Costs, Never, Request, executed_if_silent, patience
from models.detection.refusals import at_least, refuse
from models.effects.outside import OutsideOptions
from models.effects.retrying import Known, Move, Policy
from models.effects.risk.posterior import Route, arrives_yet, executed, limit

__all__ = ["RiskRule", "Rung", "SilenceIsFailure", "TimedPolicy", "on_time", "retry_instants", "warn_if_never"]

_HALVINGS: Final = 60


class Rung(StrEnum):
    """A step of the ladder."""

    SAME_KEY = "same-key"  # ask again; the receiver knows the key
    FENCE = "fence"  # ask what became of it; what was not done then is refused from then on
    QUERY = "query"  # ask what became of it; what was not done may be under way
    RISK = "risk"  # ask again where the costs allow it


class TimedPolicy(Policy, Protocol):
    """A policy that knows when it should be asked again."""

    def next_us(self, known: Known) -> int:
        """After how long, at least 1, where it said to wait."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceIsFailure:
    """Takes silence for failure and asks again, as many do: the control that duplicates."""

    pause_us: int
    most: int
    give_up_us: int

    def __post_init__(self) -> None:
        refuse(
            (
                at_least("pause_us", self.pause_us, 1),
                at_least("most", self.most, 1),
                at_least("give_up_us", self.give_up_us, 1),
            )
        )

    def move(self, known: Known) -> Move:
        """Act again after every pause."""
        if not known.may_have_acted:
            return Move.ACT
        if _since_first_us(known) >= self.give_up_us:
            return Move.LEAVE
        return Move.ACT if known.attempts < self.most and known.silence_us >= self.pause_us else Move.WAIT

    def next_us(self, known: Known) -> int:
        """To the end of the pause, or of all."""
        left_us = self.give_up_us - _since_first_us(known)
        return max(1, min(left_us, self.pause_us - known.silence_us) if known.attempts < self.most else left_us)


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskRule:
    """A ladder, what is believed, and what mistakes cost.

    Attributes:
        costs: Of a duplicate and of a loss; they set the threshold on P.
        route: What is believed of the way.
        ladder: Rungs, tried in turn; none leaves what was not answered, as at-most-once does.
        heeds: Whether what is heard of the receiver counts; else silence alone, which is a threshold on time.
        least_us: Threshold on time, before anything is done about silence.
        most: Attempts, at most.
        give_up_us: From the first attempt until it is parked.
        rung_us: For how long each rung stands, from the first attempt: after one such time the first is given up, after
            two the second, so that what one does not settle is left to the next. 0 is for ever.
        instants_us: When silence alone allows each retry, from the first attempt (`retry_instants`); a rule that heeds
            nothing else goes by them, and `on_time` makes one.

    Raises:
        ValueError: whatever of it makes no sense, all at once.
    """

    costs: Costs
    route: Route
    ladder: tuple[Rung, ...] = (Rung.RISK,)
    heeds: bool = True
    least_us: int = 0
    most: int = 4
    give_up_us: int = 8_000_000
    rung_us: int = 0
    instants_us: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        refuse(
            (
                at_least("least_us", self.least_us, 0),
                at_least("most", self.most, 1),
                at_least("give_up_us", self.give_up_us, 1),
                at_least("rung_us", self.rung_us, 0),
                None
                if self.rung_us * len(self.ladder) <= self.give_up_us
                else f"rung_us={self.rung_us} for each of {len(self.ladder)} rungs is more than "
                f"give_up_us={self.give_up_us}, so the last would not stand as long; lower it",
                None
                if self.least_us < self.give_up_us
                else f"least_us={self.least_us} is not below give_up_us={self.give_up_us}; lower it",
                None
                if len(set(self.ladder)) == len(self.ladder)
                else f"ladder={[str(rung) for rung in self.ladder]} has a rung twice; name each once",
                None
                if not (self.heeds and Rung.RISK in self.ladder) or self.route.beat_us
                else "heeds=True, and route.beat_us=0 has no heartbeats to heed; give an interval, or heeds=False",
            )
        )

    @property
    def why_never(self) -> Never | None:
        """Why silence alone never allows a retry; None where it does."""
        if not self.route.queued:
            found = patience(self.route.request, self.costs)
            return found if isinstance(found, Never) else None
        chance, threshold = 1 - self.route.request.request_loss, self.costs.threshold
        if chance <= threshold:
            return None
        ratio_max = (1 - chance) / chance
        reason = (
            f"on a connection a request that waits is executed after the heal, so P(executed) stays {chance:.4g} "
            f"however long one waits, and the costs ask for {threshold:.4g}; waiting does where a duplicate costs at "
            f"most {ratio_max:.4g} times a loss"
        )
        return Never(limit=chance, threshold=threshold, ratio_max=ratio_max, reason=reason)

    def problems(self, receiver: OutsideOptions) -> list[str]:
        """What the ladder asks of a receiver that it cannot do."""
        found = []
        kind = repr(receiver.kind)
        if Rung.SAME_KEY in self.ladder and not receiver.dedup:
            found.append(f"rung 'same-key', and receiver {kind} has no dedup; leave it out or give it `dedup`")
        if Rung.FENCE in self.ladder and not (receiver.queryable and receiver.fences):
            found.append(f"rung 'fence', and receiver {kind} does not tell and fence; take 'query' or 'risk'")
        if Rung.QUERY in self.ladder and not receiver.queryable:
            found.append(f"rung 'query', and receiver {kind} cannot be asked; leave it out")
        return found

    def move(self, known: Known) -> Move:
        """What to do next about one effect."""
        if not known.may_have_acted:
            return Move.ACT
        waited_us = _since_first_us(known)
        if waited_us >= self.give_up_us:
            return Move.LEAVE
        if not known.tries or waited_us >= self.least_us:
            for rung in self.ladder[waited_us // self.rung_us if self.rung_us else 0 :]:
                move = self._step(rung, known, waited_us)
                if move is not None:
                    return move
        return Move.WAIT if known.tries else Move.LEAVE

    def next_us(self, known: Known) -> int:
        """At the next threshold on time; with heartbeats, more seldom the longer the silence."""
        waited_us = _since_first_us(known)
        left_us = self.give_up_us - waited_us
        if self.rung_us and waited_us < self.rung_us * len(self.ladder):
            left_us = min(left_us, self.rung_us - waited_us % self.rung_us)
        if not self.ladder:
            return max(1, left_us)
        if waited_us < self.least_us:
            return max(1, min(left_us, self.least_us - waited_us))
        if self.heeds or self.ladder[0] is not Rung.RISK:
            return max(1, min(left_us, max(self.route.beat_us, known.silence_us // 4, 1_000)))
        due = self.instants_us[known.attempts - 1 : known.attempts]
        return max(1, min(left_us, due[0] - waited_us) if due else left_us)

    def chance(self, known: Known) -> float:
        """P(some attempt was executed, or will be), each by its own silence and gap."""
        none = 1.0
        for attempt in known.tries:
            none *= 1 - executed(self.route, attempt.silence_us, attempt.gap if self.heeds else None)
        return 1 - none

    def _step(self, rung: Rung, known: Known, waited_us: int) -> Move | None:
        """What one rung says; None leaves it to the next."""
        match rung:
            case Rung.SAME_KEY:
                again = not known.tries or known.silence_us >= self.least_us
                return Move.ACT if again and known.hears else None
            case Rung.FENCE:
                return Move.ACT if known.undone else Move.ASK if known.hears else None
            case Rung.QUERY:
                if known.undone:
                    worth = max((arrives_yet(self.route, one.silence_us) for one in known.tries), default=1.0)
                    return Move.ACT if worth <= self.costs.threshold and known.attempts < self.most else None
                return Move.ASK if known.hears else None
            case Rung.RISK:
                return Move.ACT if self._allows(known, waited_us) else None

    def _allows(self, known: Known, waited_us: int) -> bool:
        if not known.tries or known.attempts >= self.most:
            return False  # of an earlier owner's attempt nobody knows when it was
        if not self.heeds:
            due = self.instants_us[known.attempts - 1 : known.attempts]
            return bool(due) and waited_us >= due[0]
        # Into a cut a retry is lost as well: it waits until the receiver is heard.
        return known.hears and self.chance(known) <= self.costs.threshold


def on_time(rule: RiskRule) -> RiskRule:
    """The same rule by silence alone: a threshold on time, at the instants that its costs and its route say."""
    instants_us = retry_instants(
        rule.route.request, rule.costs, least_us=rule.least_us, most=rule.most, within_us=rule.give_up_us
    )
    return replace(rule, heeds=False, instants_us=() if rule.route.queued else instants_us)


def retry_instants(
    request: Request, costs: Costs, *, least_us: int = 0, most: int = 4, within_us: float = inf
) -> tuple[int, ...]:
    """When silence alone allows each retry, microseconds from the first attempt, rounded up.

    The first is T*. Each attempt that nobody answers may have been executed too, so the next needs a longer silence,
    and some number of them is the last. Empty where the first is never.

    Args:
        request: What is believed.
        costs: What mistakes cost.
        least_us: Before any.
        most: Attempts, the first among them.
        within_us: Later ones are left out.
    """
    sent_us: list[int] = [0]
    while len(sent_us) < most:
        if 1 - (1 - limit(request)) ** len(sent_us) > costs.threshold:
            break
        low_us = high_us = max(float(sent_us[-1]), least_us - 1.0)
        while _some_executed(request, sent_us, high_us) > costs.threshold and high_us < within_us:
            low_us, high_us = high_us, max(1.0, 2 * high_us)
        for _ in range(_HALVINGS):
            middle_us = (low_us + high_us) / 2
            above = _some_executed(request, sent_us, middle_us) > costs.threshold
            low_us, high_us = (middle_us, high_us) if above else (low_us, middle_us)
        due_us = max(least_us, ceil(high_us))
        if due_us >= within_us:
            break
        sent_us.append(due_us)
    return tuple(sent_us[1:])


def warn_if_never(rule: RiskRule) -> None:
    """Warn where silence alone never allows a retry, and nothing else is on the ladder; the reason, and the nearest.

    Heartbeats are something else only where they may tell of a cut: on a connection they say nothing of a request that
    waits, and whoever believes in no cuts takes those that are missing for lost.
    """
    never, route = rule.why_never, rule.route
    told = not route.queued and route.mtbc_us < inf
    if never is not None and rule.ladder == (Rung.RISK,) and not (rule.heeds and told):
        believe = "" if route.mtbc_us < inf else " and believe in cuts"
        heed = "" if route.queued else f", or heed heartbeats{believe}"
        warnings.warn(
            f"threshold {never.threshold:.4g} on P(executed) is never reached by waiting: {never.reason}; the nearest "
            f"that can be reached is {never.limit:.4g}{heed}, or let it ask what became of it",
            OutOfReach,
            stacklevel=2,
        )


def _some_executed(request: Request, sent_us: list[int], now_us: float) -> float:
    none = 1.0
    for one_us in sent_us:
        none *= 1 - executed_if_silent(request, now_us - one_us)
    return 1 - none


def _since_first_us(known: Known) -> int:
    return known.tries[0].silence_us if known.tries else known.silence_us
