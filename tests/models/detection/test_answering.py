"""Who answers: silence alone is no suspicion, a question left unanswered is, for as long as the detector agrees."""

from __future__ import annotations

from models.detection import Fixed, Mean
from models.detection.answering import Answering

PEER = 3


def test_who_has_nothing_to_say_is_not_suspected() -> None:
    watch = Answering(Fixed(timeout_us=10).make, 1_000)
    assert not watch.is_silent(PEER, 0)
    watch.answered(PEER, 0)
    assert not watch.is_silent(PEER, 500_000)


def test_an_unanswered_question_counts_once_the_detector_suspects() -> None:
    watch = Answering(Fixed(timeout_us=100).make, 1_000)
    watch.answered(PEER, 0)
    watch.lapsed(PEER, 10, 40)
    assert [watch.is_silent(PEER, now_us) for now_us in (40, 99, 100)] == [False, False, True]


def test_an_answer_clears_it_and_time_gives_another_chance() -> None:
    watch = Answering(Fixed(timeout_us=100).make, 1_000)
    watch.lapsed(PEER, 0, 200)
    assert [watch.is_silent(PEER, now_us) for now_us in (200, 1_199, 1_200)] == [True, True, False]
    watch.lapsed(PEER, 1_200, 1_400)
    watch.answered(PEER, 1_401)
    assert not watch.is_silent(PEER, 1_600)


def test_the_rhythm_of_answers_is_learnt() -> None:
    watch = Answering(Mean(eta_us=1, factor=2.0).make, 1_000_000)
    for now_us in range(0, 5_000, 500):
        watch.answered(PEER, now_us)
    watch.lapsed(PEER, 4_600, 4_700)
    assert [watch.is_silent(PEER, now_us) for now_us in (4_700, 5_499, 5_500)] == [False, False, True]


def test_each_peer_has_a_detector_of_its_own() -> None:
    watch = Answering(Fixed(timeout_us=100).make, 1_000)
    watch.lapsed(PEER, 0, 200)
    watch.answered(PEER + 1, 200)
    assert (watch.is_silent(PEER, 200), watch.is_silent(PEER + 1, 200)) == (True, False)
