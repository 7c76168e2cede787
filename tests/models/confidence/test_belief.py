"""What a belief does with evidence: order and repetition change nothing, only what is heard heals, slow is its own."""

from __future__ import annotations

from itertools import permutations

import pytest

from models.confidence import (
    Belief,
    Erlang,
    Evidence,
    Grid,
    Hearing,
    Level,
    Pareto,
    Priors,
    Threshold,
    frechet_all,
    together,
    tree_of,
)
from models.confidence.tree import region_of
from sim.topology import Location, grid, pack_location

S = 1_000_000
DAY = 86_400.0 * S
ME, WITNESS, THIRD = (pack_location(9, 1, n) for n in (1, 2, 3))
TOPOLOGY = grid(["a", "b"], clusters=2, hosts=3, cores=1, clients=0)
HOSTS = tuple(host.location for host in TOPOLOGY.hosts)
FIRST, SECOND = HOSTS[0], HOSTS[1]
HEARING = Hearing(
    every_us=S, loss=0.01, delay=Erlang(mean_us=20_000.0, stages=2), round_trip=Erlang(mean_us=40_000.0, stages=4)
)
PRIORS = Priors(
    levels={
        "region": Level(mtbf_us=3_000 * DAY, mtbc_us=30 * DAY, slow=0.001),
        "cluster": Level(mtbf_us=300 * DAY, mtbc_us=300 * DAY, slow=0.001),
        "host": Level(mtbf_us=30 * DAY, mtbc_us=90 * DAY, slow=0.01),
    }
)


def belief(priors: Priors = PRIORS, hearing: Hearing = HEARING) -> Belief:
    """Of two regions of two clusters of three hosts, which all beat at 10 s and 20 ms later were heard."""
    found = Belief(observer=ME, tree=tree_of(TOPOLOGY.hosts, hearing), priors=priors, grid=Grid(slot_us=S // 2))
    beat(found, 10)
    return found


def beat(one: Belief, second: int, without: tuple[Location, ...] = (), delay_us: int = 20_000) -> None:
    for host in HOSTS:
        if host not in without:
            one.heard(host, second * S, second * S + delay_us)


def silent_until(second: int, *silent: Location) -> Belief:
    found = belief()
    for now in range(11, second + 1):
        beat(found, now, without=silent)
        found.look(now * S + 100_000)
    return found


def test_the_four_conditions_sum_to_one() -> None:
    found = silent_until(13, FIRST, SECOND)
    for host in HOSTS:
        answer = found.answer(host, 13 * S + 200_000)
        assert answer.up + answer.slow + answer.unreachable + answer.dead == pytest.approx(1, abs=1e-12)


def test_one_silent_host_among_many_is_to_blame_itself() -> None:
    answer = silent_until(16, FIRST).answer(FIRST, 16 * S + 200_000)
    assert answer.blamed(FIRST) > 0.999
    # Silence cannot tell dead from cut off: these are the priors' shares.
    assert answer.dead / answer.down == pytest.approx(0.75, abs=1e-3)


def test_a_whole_region_silent_is_blamed_on_the_region() -> None:
    region = region_of(FIRST)
    silent = tuple(host for host in HOSTS if region_of(host) == region)
    answer = silent_until(16, *silent).answer(FIRST, 16 * S + 200_000)
    assert answer.blamed(region) > 0.999
    assert answer.blamed(FIRST) < 1e-4
    assert answer.unreachable > 0.98


def test_what_is_heard_again_is_up() -> None:
    found = silent_until(16, FIRST)
    found.heard(FIRST, 17 * S, 17 * S + 20_000)
    assert found.answer(FIRST, 17 * S + 30_000).up > 0.999


def test_only_what_is_heard_heals() -> None:
    found = silent_until(14, FIRST)
    chances = [found.answer(FIRST, now * S).down for now in range(15, 25)]
    assert chances == sorted(chances)


def test_slow_is_told_from_dead_by_what_still_comes() -> None:
    found = belief()
    for now in range(11, 15):
        beat(found, now, without=(FIRST,))
        found.heard(FIRST, now * S, now * S + 260_000)
    answer = found.answer(FIRST, 14 * S + 300_000)
    assert answer.slow > 0.99
    assert answer.down < 1e-3


def test_a_slow_region_explains_its_slow_hosts_away() -> None:
    region = region_of(FIRST)
    near = tuple(host for host in HOSTS if region_of(host) == region)
    found = belief()
    for now in range(11, 15):
        beat(found, now, without=near)
        for host in near:
            found.heard(host, now * S, now * S + 260_000)
    assert found.answer(region, 14 * S + 300_000).slow > 0.99


def test_a_late_heartbeat_is_no_sign_of_trouble_where_delays_have_heavy_tails() -> None:
    heavy = Hearing(every_us=S, loss=0.01, delay=Pareto(least_us=10_000.0, alpha=0.5))
    chances = []
    for hearing in (HEARING, heavy):
        found = belief(hearing=hearing)
        chances.append(found.answer(FIRST, 12 * S + 500_000).down)
    assert chances[1] < chances[0] / 10


def test_the_way_it_was_heard_changes_nothing() -> None:
    """Evidence of several subjects in any order, each piece twice: the same belief to the last bit."""
    pieces = [
        Evidence(subject=FIRST, origin=ME, sent_us=12 * S, looked_us=12 * S, delays_us=(20_000, 30_000)),
        Evidence(subject=FIRST, origin=ME, sent_us=11 * S, looked_us=15 * S, delays_us=(20_000,)),
        Evidence(subject=SECOND, origin=ME, sent_us=11 * S, looked_us=16 * S),
        Evidence(subject=SECOND, origin=WITNESS, sent_us=14 * S, looked_us=14 * S),
    ]
    answers = set()
    for order in permutations(pieces):
        found = belief()
        for piece in (*order, *order):
            found.learn(piece)
        answers.add(tuple((a.up, a.slow, a.unreachable, a.dead) for a in (found.answer(h, 17 * S) for h in HOSTS)))
    assert len(answers) == 1


def test_what_a_witness_heard_leaves_only_the_cut() -> None:
    found = silent_until(16, FIRST)
    found.learn(Evidence(subject=FIRST, origin=WITNESS, sent_us=16 * S, looked_us=16 * S))
    answer = found.answer(FIRST, 16 * S + 200_000)
    assert answer.dead < 0.01
    assert answer.unreachable > 0.98


def test_what_a_witness_did_not_hear_is_not_counted() -> None:
    found, without = silent_until(16, FIRST), silent_until(16, FIRST)
    found.learn(Evidence(subject=FIRST, origin=WITNESS, sent_us=9 * S, looked_us=16 * S))
    now_us = 16 * S + 200_000
    assert found.answer(FIRST, now_us).dead == without.answer(FIRST, now_us).dead


def test_two_who_exchange_evidence_for_ever_gain_nothing_by_it() -> None:
    one, other = silent_until(13, FIRST), silent_until(13, FIRST)
    before = one.answer(FIRST, 14 * S)
    for _ in range(5):
        for piece in one.evidence():
            other.learn(piece)
        for piece in other.evidence():
            one.learn(piece)
    after = one.answer(FIRST, 14 * S)
    assert (before.up, before.dead) == (after.up, after.dead)


def test_a_request_without_reply_is_evidence_and_a_reply_a_proof() -> None:
    plain, asked = belief(), belief()
    asked.asked(FIRST, 11 * S)
    now_us = 11 * S + 500_000
    assert asked.answer(FIRST, now_us).down > 10 * plain.answer(FIRST, now_us).down
    asked.replied(FIRST, 11 * S)
    assert asked.answer(FIRST, now_us).down < plain.answer(FIRST, now_us).down


def test_other_priors_give_what_they_would_have_given_from_the_begin() -> None:
    wrong = PRIORS.wrong_by(10)
    late, early = silent_until(13, FIRST), belief(wrong)
    late.reconsider(wrong)
    for now in range(11, 14):
        beat(early, now, without=(FIRST,))
        early.look(now * S + 100_000)
    now_us = 13 * S + 200_000
    for host in HOSTS[:2]:
        assert late.answer(host, now_us).dead == pytest.approx(early.answer(host, now_us).dead, rel=1e-9)


def test_an_answer_says_how_old_its_news_is() -> None:
    answer = silent_until(16, FIRST).answer(FIRST, 16 * S + 200_000)
    assert answer.age_us == 6 * S + 200_000
    assert [piece.sent_us for piece in answer.basis] == [10 * S]


def test_the_same_answer_is_yes_to_one_and_no_to_another() -> None:
    answer = silent_until(13, FIRST).answer(FIRST, 13 * S + 200_000)
    assert 0.05 < answer.down < 0.95
    assert Threshold(miss=100, alarm=1).crossed(answer.down)
    assert not Threshold(miss=1, alarm=100).crossed(answer.down)


def test_hosts_that_share_a_region_converge_as_slots_become_fine() -> None:
    """Phases of heartbeats differ, so onsets within a slot are not told apart by all hosts together."""
    region = region_of(FIRST)
    near = [host for host in HOSTS if region_of(host) == region]

    def blamed(slots: int) -> float:
        found = Belief(
            observer=ME,
            tree=tree_of(TOPOLOGY.hosts, HEARING),
            priors=PRIORS,
            grid=Grid(slot_us=S // slots, window=8 * slots),
        )
        for number, host in enumerate(near):
            found.heard(host, 10 * S + number * 150_000, 10 * S + number * 150_000 + 20_000)
        now_us = 11 * S + 900_000
        found.look(now_us)
        return found.answer(region, now_us).down

    fine = blamed(40)
    errors = [abs(blamed(slots) / fine - 1) for slots in (1, 2, 4, 8)]
    assert errors[3] < 0.1
    assert errors[3] < errors[0]


def test_pieces_of_evidence_of_one_origin_are_put_together_by_taking_the_newer() -> None:
    pieces = [
        Evidence(subject=FIRST, origin=ME, sent_us=sent, looked_us=looked)
        for sent, looked in ((None, 5), (3, 4), (3, 9), (7, 8))
    ]
    results = set()
    for order in permutations(pieces):
        found = order[0]
        for piece in order[1:]:
            found = together(found, piece)
        results.add(together(found, found))
    assert results == {Evidence(subject=FIRST, origin=ME, sent_us=7, looked_us=9)}


def test_pieces_of_two_origins_stay_apart() -> None:
    one, other = (Evidence(subject=FIRST, origin=who, sent_us=1, looked_us=1) for who in (ME, THIRD))
    with pytest.raises(ValueError, match="keep them apart"):
        together(one, other)


def test_hosts_of_one_region_answer_together_more_often_than_each_by_itself_would_say() -> None:
    region = region_of(FIRST)
    near = tuple(host for host in HOSTS if region_of(host) == region)
    found = silent_until(12, *near)
    now_us = 12 * S + 200_000
    answers = [found.answer(host, now_us).answers for host in near]
    both = found.all_answer(near, now_us)
    product = 1.0
    for chance in answers:
        product *= chance
    assert both > 2 * product
    assert frechet_all(answers).low <= both <= frechet_all(answers).high


def test_a_question_about_several_leaves_the_belief_as_it_was() -> None:
    found = silent_until(13, FIRST)
    now_us = 13 * S + 200_000
    before = [found.answer(host, now_us) for host in HOSTS]
    found.all_answer(HOSTS, now_us)
    assert [found.answer(host, now_us) for host in HOSTS] == before


def test_whether_one_answers_is_the_same_question_alone() -> None:
    found = silent_until(13, FIRST)
    now_us = 13 * S + 500_000
    assert found.all_answer([FIRST], now_us) == pytest.approx(found.answer(FIRST, now_us).answers, rel=1e-3)


def test_a_year_of_silence_is_answered_as_any_other() -> None:
    found = silent_until(16, FIRST)
    year_us = round(365 * DAY)
    beat(found, year_us // S, without=(FIRST,))
    answer = found.answer(FIRST, year_us + 100_000)
    assert answer.down > 0.999999
    # Of those cut off first, nearly all have died since.
    assert answer.dead > 0.98
    assert 0 <= found.all_answer([FIRST, SECOND], year_us + 100_000) < 1e-5
    assert found.answer(SECOND, year_us + 100_000).up > 0.999


def test_who_begins_late_takes_old_news_for_old() -> None:
    """An observer that restarted is told of a host last heard an hour before, and of its neighbours just now."""
    hour_us = 3_600 * S
    tree = tree_of(TOPOLOGY.hosts, HEARING)
    origins = dict.fromkeys(HOSTS, WITNESS)
    found = Belief(
        observer=ME, tree=tree, priors=PRIORS, grid=Grid(slot_us=S // 2), begin_us=hour_us + 10 * S, origins=origins
    )
    now_us = hour_us + 12 * S
    for host in HOSTS:
        sent_us = 10 * S if host == FIRST else now_us - 100_000
        found.learn(Evidence(subject=host, origin=WITNESS, sent_us=sent_us, looked_us=now_us))
    lost, well = found.answer(FIRST, now_us), found.answer(SECOND, now_us)
    assert lost.down > 0.999
    assert lost.blamed(FIRST) > 0.999
    assert well.answers > 0.999


def test_the_order_of_old_and_new_news_makes_no_difference_to_who_begins_late() -> None:
    hour_us, answers = 3_600 * S, []
    pieces = [
        Evidence(subject=FIRST, origin=WITNESS, sent_us=10 * S, looked_us=hour_us),
        Evidence(subject=SECOND, origin=WITNESS, sent_us=hour_us - S, looked_us=hour_us),
        Evidence(subject=HOSTS[3], origin=WITNESS, sent_us=50 * S, looked_us=60 * S),
    ]
    for order in permutations(pieces):
        found = Belief(
            observer=ME,
            tree=tree_of(TOPOLOGY.hosts, HEARING),
            priors=PRIORS,
            grid=Grid(slot_us=S // 2),
            begin_us=hour_us - 2 * S,
            origins=dict.fromkeys(HOSTS, WITNESS),
        )
        for piece in order:
            found.learn(piece)
        answers.append([found.answer(host, hour_us).down for host in HOSTS])
    for other in answers[1:]:
        assert other == pytest.approx(answers[0], rel=1e-9)
