"""What the bench of beliefs counts: layers that add little to a store's messages, and hosts that all are updated."""

from __future__ import annotations

from experiments.bench.confidence import HOSTS, Crowd, added


def test_pulses_and_reports_add_less_than_a_twentieth_to_the_messages_of_a_store() -> None:
    share, messages = added()
    assert 0 < share < 0.05
    assert messages["reports"] < messages["pulses"] < messages["store"]


def test_every_host_of_the_crowd_is_heard_and_answered_for() -> None:
    crowd = Crowd()
    crowd.beat(crowd.hosts)
    crowd.beat(crowd.hosts[: HOSTS // 2])
    crowd.look(HOSTS, 999_999)
    answers = [crowd.belief.answer(host, crowd.now_us + 999_999) for host in (crowd.hosts[0], crowd.hosts[-1])]
    assert answers[0].answers > 0.999
    assert answers[1].down > answers[0].down * 100
