"""The rules that are compared, what they believe in each world, and what a run measures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import inf
from types import MappingProxyType
from typing import Final

from experiments.experiment import Arm, Row
from models.confidence import Costs, Erlang, Request
from models.effects.outside import RECEIVERS, OutsideOptions
from models.effects.risk import RiskRule, Route, Rung, SilenceIsFailure, TimedPolicy, on_time

__all__ = [
    "ARMS",
    "BACK",
    "BEAT_US",
    "BOTH",
    "CALM",
    "CHANCE",
    "CHANCE_BACK",
    "CUT",
    "CUT_US",
    "EVEN",
    "FENCE",
    "GIVE_UP_US",
    "LEAST_US",
    "ONCE",
    "ONE_WAY_US",
    "PAUSE_US",
    "PERIOD_US",
    "QUERY",
    "RATIOS",
    "SAME_KEY",
    "SCENARIOS",
    "SILENCE",
    "STREAM",
    "TIME",
    "TIMED",
    "UNEVEN",
    "UNIFORM",
    "UNIFORM_ACT_US",
    "UNIFORM_CUT_US",
    "UNIFORM_PERIOD_US",
    "WRONG",
    "RiskRow",
    "losses_of",
    "receiver_of",
    "route_of",
    "rules_of",
]

CALM: Final = "nothing-fails"
EVEN: Final = "losses-even"
UNEVEN: Final = "losses-uneven"
CUT: Final = "cuts-datagram"
STREAM: Final = "cuts-connection"
BACK: Final = "cuts-back"
UNIFORM: Final = "cuts-uniform"
SCENARIOS: Final = (CALM, EVEN, UNEVEN, CUT, BACK, STREAM, UNIFORM)

ONCE: Final = "once"
SILENCE: Final = "silence"
TIME: Final = "time"
CHANCE: Final = "chance"
BOTH: Final = "both"
WRONG: Final = "chance-wrong"
CHANCE_BACK: Final = "chance-back"
QUERY: Final = "query"
FENCE: Final = "fence"
SAME_KEY: Final = "same-key"

ARMS: Final = tuple(
    Arm(name=name, label=label, system=MappingProxyType({}), ranked=name != SILENCE)
    for name, label in (
        (ONCE, "never again, parked"),
        (SILENCE, "silence is failure: again after 300 ms"),
        (TIME, "threshold on T, from silence alone"),
        (CHANCE, "threshold on P, heartbeats heeded"),
        (BOTH, "thresholds on both"),
        (WRONG, "threshold on P, what is believed wrong tenfold"),
        (CHANCE_BACK, "threshold on P, half of the cuts of the way back"),
        (QUERY, "asks for the outcome, not fenced"),
        (FENCE, "asks for the outcome, fenced"),
        (SAME_KEY, "again under the same key"),
    )
)
#: Those whose instants are fixed, so that closed sums say what they come to under independent losses.
TIMED: Final = (ONCE, SILENCE, TIME)

#: Costs of a duplicate, in costs of a loss; charges take them in turns.
RATIOS: Final = (0.1, 1.0, 2.0, 10.0, 100.0)
ONE_WAY_US: Final = 50_000
BEAT_US: Final = 100_000
PAUSE_US: Final = 300_000
LEAST_US: Final = 600_000
GIVE_UP_US: Final = 8_000_000
#: Cuts in a world of cuts: how often, from begin to begin, and how long.
PERIOD_US: Final = 12_000_000
CUT_US: Final = 3_000_000
#: The same where the formula of a cut that begins at any instant is measured, and the time that a deed takes there.
UNIFORM_PERIOD_US: Final = 2_500_000
UNIFORM_CUT_US: Final = 1_500_000
UNIFORM_ACT_US: Final = 50_000
#: What callers believe of cuts: from an outage report, not from the schedule.
_MTBC_US: Final = 15_000_000.0
_CUT_BELIEVED_US: Final = 5_000_000.0
_WRONG: Final = 10.0
_LOSSES: Final[Mapping[str, tuple[float, float]]] = MappingProxyType({EVEN: (0.01, 0.01), UNEVEN: (0.2, 0.001)})


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskRow(Row):
    """One run, over all charges; counts are per 1,000 of them.

    `waiting_ms` runs from the first attempt to an answer, or to where it is parked. `cost` is what duplicates and
    omissions come to, in losses a thousand, each charge by its own ratio. `silent_...` is of first attempts that were
    silent for as long as the table's T*, or to the end: how many, and which share was executed; `during_...` of those
    that a cut met on their way, `before_...` of those sent into one. None where there was none.
    """

    charges: int
    duplicates: float
    omissions: float
    parked: float
    parked_executed: float
    parked_executed_share: float | None
    waiting_ms: float
    attempts: float
    cost: float
    silent: int
    silent_executed: float | None
    during: int
    during_executed: float | None
    before: int
    before_executed: float | None


def losses_of(scenario: str) -> tuple[float, float]:
    """Chances that a request and that a reply is lost by itself."""
    return _LOSSES.get(scenario, (0.0, 0.0))


def receiver_of(scenario: str, arm: str) -> OutsideOptions:
    """Whoever takes the charges; what it can do is part of the arm."""
    found = {
        QUERY: replace(RECEIVERS["printer"], fences=False),
        FENCE: RECEIVERS["printer"],
        SAME_KEY: replace(RECEIVERS["gateway"], dedup=10_000),
    }.get(arm, RECEIVERS["mailer"])
    return replace(found, act_us=UNIFORM_ACT_US if scenario == UNIFORM else 0)


def averages_of(scenario: str) -> tuple[float, float]:
    """Losses of requests and replies as a caller finds them that counts all over time, cuts among them."""
    if scenario == BACK:
        # All is done; unanswered is what comes to its answer while that way is cut.
        return 1e-4, (CUT_US + ONE_WAY_US) / PERIOD_US
    if scenario == CUT:
        # Sent into the cut, or met by it on the way there; met on the way back.
        return (CUT_US + ONE_WAY_US) / PERIOD_US, ONE_WAY_US / PERIOD_US
    if scenario == STREAM:
        # Nearly nothing is lost for good on connections.
        return 1e-4, 1e-4
    lost, unanswered = losses_of(scenario)
    return max(lost, 1e-4), max(unanswered, 1e-4)


def route_of(scenario: str, arm: str) -> Route:
    """What callers under an arm believe in a world, from configuration."""
    round_trip = Erlang(mean_us=2.0 * ONE_WAY_US, stages=2)
    one_way = Erlang(mean_us=1.0 * ONE_WAY_US)
    if arm in TIMED:
        lost, unanswered = averages_of(scenario)
        request = Request(request_loss=lost, reply_loss=unanswered, round_trip=round_trip)
        return Route(request=request, arrival=one_way)
    lost, unanswered = losses_of(scenario)
    off = _WRONG if arm == WRONG else 1.0
    request = Request(request_loss=max(lost, 1e-4) / off, reply_loss=max(unanswered, 1e-4) / off, round_trip=round_trip)
    return Route(
        request=request,
        arrival=one_way,
        beat_us=BEAT_US,
        beat_loss=request.reply_loss,
        beat_delay=one_way,
        mtbc_us=_MTBC_US * off if scenario in (CUT, BACK, STREAM) else inf,
        back_share=0.5 if arm == CHANCE_BACK else 0.0,
        cut_us=_CUT_BELIEVED_US,
        queued=scenario == STREAM,
    )


def rules_of(scenario: str, arm: str) -> tuple[TimedPolicy, ...]:
    """The rule of each ratio of costs, in their order."""
    route = route_of(scenario, arm)

    def rule(ratio: float, ladder: tuple[Rung, ...], *, least_us: int = 0, heeds: bool = True) -> RiskRule:
        costs = Costs(lost=1.0, duplicate=ratio)
        return RiskRule(costs=costs, route=route, ladder=ladder, heeds=heeds, least_us=least_us, give_up_us=GIVE_UP_US)

    naive = SilenceIsFailure(pause_us=PAUSE_US, most=100, give_up_us=GIVE_UP_US)
    make: Mapping[str, Callable[[float], TimedPolicy]] = {
        ONCE: lambda ratio: rule(ratio, ()),
        SILENCE: lambda ratio: naive,
        TIME: lambda ratio: on_time(rule(ratio, (Rung.RISK,), heeds=False)),
        CHANCE: lambda ratio: rule(ratio, (Rung.RISK,)),
        WRONG: lambda ratio: rule(ratio, (Rung.RISK,)),
        CHANCE_BACK: lambda ratio: rule(ratio, (Rung.RISK,)),
        BOTH: lambda ratio: rule(ratio, (Rung.RISK,), least_us=LEAST_US),
        QUERY: lambda ratio: rule(ratio, (Rung.QUERY,), least_us=PAUSE_US),
        FENCE: lambda ratio: rule(ratio, (Rung.FENCE,), least_us=PAUSE_US),
        SAME_KEY: lambda ratio: rule(ratio, (Rung.SAME_KEY,), least_us=PAUSE_US),
    }
    return tuple(make[arm](ratio) for ratio in RATIOS)
