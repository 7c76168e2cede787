"""Each rung of the ladder, what costs allow, and what is refused or warned of."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from math import inf
from typing import Any

import pytest

from models.confidence import Costs, Erlang, OutOfReach, Request, executed_if_silent
from models.effects.outside import receiver_of
from models.effects.retrying import Attempt, Gap, Known, Move
from models.effects.risk import (
    RiskRule,
    Route,
    Rung,
    SilenceIsFailure,
    on_time,
    retry_instants,
    sums_of,
    warn_if_never,
)

ROUND_TRIP = Erlang(mean_us=100_000, stages=2)
EVEN = Request(request_loss=0.01, reply_loss=0.01, round_trip=ROUND_TRIP)
UNEVEN = Request(request_loss=0.2, reply_loss=0.001, round_trip=ROUND_TRIP)


def rule(request: Request = EVEN, ratio: float = 1.0, **more: object) -> RiskRule:
    one_way = Erlang(mean_us=50_000)
    route = Route(request=request, arrival=one_way, beat_us=100_000, beat_loss=0.01, beat_delay=one_way, mtbc_us=2e7)
    values: dict[str, object] = {"costs": Costs(lost=1.0, duplicate=ratio), "route": route}
    return RiskRule(**values | more)  # type: ignore[arg-type]


def known(*silences_us: int, undone: bool = False, hears: bool = True, gap: Gap | None = None) -> Known:
    tries = tuple(Attempt(silence_us=one, gap=gap) for one in silences_us)
    return Known(
        may_have_acted=bool(tries),
        attempts=len(tries),
        silence_us=tries[-1].silence_us if tries else 0,
        undone=undone,
        tries=tries,
        hears=hears,
    )


def test_what_nobody_has_touched_is_acted_on() -> None:
    assert rule().move(known()) is Move.ACT


def test_a_threshold_on_time_is_one_on_the_chance() -> None:
    timed = on_time(rule(UNEVEN, 100.0))
    assert round(timed.instants_us[0] / 1_000, 1) == 439.1
    before, after = timed.instants_us[0] - 1, timed.instants_us[0]
    assert timed.move(known(before)) is Move.WAIT
    assert timed.next_us(known(before)) == 1
    assert timed.move(known(after)) is Move.ACT
    assert executed_if_silent(UNEVEN, after) <= timed.costs.threshold < executed_if_silent(UNEVEN, before)


def test_each_retry_takes_a_longer_silence_and_some_is_the_last() -> None:
    instants = retry_instants(UNEVEN, Costs(lost=1.0, duplicate=100.0), most=10)
    assert len(instants) == 2
    gaps = [b - a for a, b in pairwise((0, *instants))]
    assert gaps == sorted(gaps)


def test_never_by_waiting_alone_says_so_with_the_condition() -> None:
    never = on_time(rule(EVEN, 2.0))
    assert never.instants_us == ()
    assert never.move(known(7_999_999)) is Move.WAIT
    assert never.move(known(8_000_000)) is Move.LEAVE
    why = never.why_never
    assert why is not None
    assert (round(why.limit, 4), round(why.ratio_max, 4)) == (0.4975, 1.0101)
    assert rule(EVEN, 1.0).why_never is None


def test_a_threshold_out_of_reach_is_warned_of_with_the_nearest() -> None:
    with pytest.warns(OutOfReach, match=r"never reached by waiting.*at most 1\.01 times.*nearest.* is 0\.4975"):
        warn_if_never(on_time(rule(EVEN, 2.0)))
    warn_if_never(on_time(rule(EVEN, 1.0)))
    warn_if_never(rule(EVEN, 2.0))
    warn_if_never(on_time(rule(EVEN, 2.0, ladder=(Rung.FENCE, Rung.RISK))))


@pytest.mark.parametrize(
    ("more", "way_out"),
    [
        ({"mtbc_us": inf}, r"is 0\.4975, or heed heartbeats and believe in cuts, or let it ask"),
        ({"queued": True}, r"is 0\.99, or let it ask"),
    ],
)
def test_heartbeats_that_can_tell_of_no_cut_are_no_way_out(more: dict[str, Any], way_out: str) -> None:
    heeding = rule(EVEN, 2.0)
    with pytest.warns(OutOfReach, match=way_out):
        warn_if_never(replace(heeding, route=replace(heeding.route, **more)))


def test_on_a_connection_it_is_never_unless_a_duplicate_costs_nothing() -> None:
    route = Route(request=EVEN, arrival=Erlang(mean_us=50_000), queued=True)
    dear = on_time(RiskRule(costs=Costs(lost=1.0, duplicate=1.0), route=route, heeds=False))
    assert dear.instants_us == ()
    assert dear.why_never is not None
    assert "on a connection" in dear.why_never.reason
    free = RiskRule(costs=Costs(lost=1.0, duplicate=0.001), route=route, heeds=False)
    assert free.why_never is None


def test_heartbeats_before_the_send_allow_a_retry_once_the_receiver_is_heard() -> None:
    due = tuple(range(-250_000, 2_900_000, 100_000))
    gap = Gap(since_us=-300_000, missing_us=due, until_us=3_100_000, back_us=3_000_000)
    heeding = rule(EVEN, 10.0)
    assert heeding.move(known(3_200_000, gap=gap)) is Move.ACT
    assert heeding.move(known(3_200_000, gap=gap, hears=False)) is Move.WAIT
    after = Gap(since_us=300_000, missing_us=due[6:], until_us=3_100_000, back_us=3_000_000)
    assert heeding.move(known(3_200_000, gap=after)) is Move.WAIT


def test_both_thresholds_must_be_passed() -> None:
    both = rule(UNEVEN, 1.0, least_us=600_000)
    gap = Gap(since_us=590_000, missing_us=(), until_us=599_999)
    assert both.move(known(599_999, gap=gap)) is Move.WAIT
    assert both.next_us(known(599_999)) == 1
    assert both.move(known(600_000, gap=gap)) is Move.ACT


def test_the_fence_makes_a_no_final() -> None:
    fenced = rule(ladder=(Rung.FENCE,), least_us=300_000)
    assert fenced.move(known(299_999)) is Move.WAIT
    assert fenced.move(known(300_000)) is Move.ASK
    assert fenced.move(known(300_000, hears=False)) is Move.WAIT
    assert fenced.move(known(300_000, undone=True)) is Move.ACT


def test_a_no_without_a_fence_is_weighed() -> None:
    asking = rule(EVEN, 10.0, ladder=(Rung.QUERY,), least_us=300_000)
    assert asking.move(known(310_000, undone=True)) is Move.WAIT
    assert asking.move(known(700_000, undone=True)) is Move.ACT


def test_the_same_key_needs_no_risk_and_an_empty_ladder_parks() -> None:
    assert rule(EVEN, 100.0, ladder=(Rung.SAME_KEY,), least_us=300_000).move(known(300_000)) is Move.ACT
    parks = rule(ladder=())
    assert parks.move(known(100)) is Move.WAIT
    assert parks.next_us(known(100)) == 7_999_900


def test_each_rung_stands_for_its_time_and_leaves_the_rest_to_the_next() -> None:
    climbs = rule(ladder=(Rung.QUERY, Rung.FENCE, Rung.SAME_KEY), heeds=False, rung_us=1_000_000, give_up_us=4_000_000)
    moves = [climbs.move(known(us)) for us in (0, 999_999, 1_000_000, 1_999_999, 2_000_000, 2_999_999, 3_000_000)]
    assert moves == [Move.ASK] * 4 + [Move.ACT] * 2 + [Move.WAIT]
    assert climbs.move(known(4_000_000)) is Move.LEAVE
    assert [climbs.next_us(known(us)) for us in (999_999, 2_999_000)] == [1, 1_000]


def test_rungs_that_never_get_their_time_are_refused() -> None:
    with pytest.raises(ValueError, match=r"rung_us=2 for each of 2 rungs is more than give_up_us=3"):
        rule(ladder=(Rung.QUERY, Rung.FENCE), rung_us=2, give_up_us=3)


def test_of_an_earlier_owners_attempt_nothing_is_risked() -> None:
    inherited = Known(may_have_acted=True, attempts=0, silence_us=0, undone=False)
    assert rule(EVEN, 0.01).move(inherited) is Move.LEAVE
    assert rule(ladder=(Rung.FENCE,), least_us=300_000).move(inherited) is Move.ASK


def test_silence_as_failure_asks_again_and_again() -> None:
    naive = SilenceIsFailure(pause_us=300_000, most=3, give_up_us=2_000_000)
    assert naive.move(known(299_999)) is Move.WAIT
    assert naive.move(known(300_000)) is Move.ACT
    assert naive.move(known(900_000, 600_000, 300_000)) is Move.WAIT
    assert naive.next_us(known(900_000, 600_000, 300_000)) == 1_100_000
    assert naive.move(known(2_000_000)) is Move.LEAVE


def test_a_ladder_asks_of_a_receiver_what_it_can_do() -> None:
    every = rule(ladder=(Rung.SAME_KEY, Rung.FENCE, Rung.QUERY))
    told = "; ".join(every.problems(receiver_of("mailer")))
    for part in ("'same-key'", "'fence'", "'query'", "cannot be asked"):
        assert part in told
    assert every.problems(receiver_of("gateway")) == []


def test_everything_wrong_with_a_rule_is_told_at_once() -> None:
    with pytest.raises(ValueError, match=r"most=0.*least_us=9 is not below give_up_us=5.*has a rung twice"):
        rule(most=0, least_us=9, give_up_us=5, ladder=(Rung.FENCE, Rung.FENCE))
    with pytest.raises(ValueError, match=r"lost=-1.*duplicate"):
        Costs(lost=-1.0, duplicate=float("nan"))
    with pytest.raises(ValueError, match="both costs are 0"):
        Costs(lost=0.0, duplicate=0.0)


def test_sums_of_one_attempt_and_of_two() -> None:
    alone = sums_of(EVEN, (), 8_000_000)
    assert alone.duplicates == pytest.approx(0.0, abs=1e-12)
    assert (alone.omitted, alone.attempts) == pytest.approx((0.01, 1.0))
    # A hundredth and .99 of a hundredth wait to the end, the others for a round trip of 100 ms.
    assert alone.waiting_us == pytest.approx(0.0199 * 8e6 + 0.9801 * 1e5, rel=1e-6)
    two = sums_of(EVEN, (8_000_000 - 1,), 8_000_000)
    assert two.omitted == pytest.approx(1e-4)
    assert two.duplicates == pytest.approx(0.99 * 0.0199 - (0.01 - 1e-4), rel=1e-6)
