"""Detectors in a few words: what each means, and what is refused before the run."""

from __future__ import annotations

from typing import Any

import pytest

from models.clients import Workload
from models.deployment import majority
from models.detection import Akka, Bertier, Ewma, Fixed, Mean, Newest, NfdE, Phi, Plan, Recent
from models.detection.presets import CASSANDRA, published
from models.detection.words import detector_of, detector_of_answers
from models.keyspace.deployment import placed_store
from models.quorum import quorum
from models.raft.deployment import raft
from models.system import Site
from sim.topology import grid

SITE = Site(grid(["us-east-1", "b", "c"], clusters=1, hosts=1, cores=1))
LOAD = Workload(rate_per_s=1, ends_us=1)


@pytest.mark.parametrize(
    ("words", "plan"),
    [
        ("fixed:600ms", Fixed(timeout_us=600_000)),
        ("mean:2.5", Mean(eta_us=200, factor=2.5)),
        ("ewma:4", Ewma(eta_us=200, factor=4.0)),
        ("nfd-e:1s", NfdE(eta_us=200, alpha_us=1_000_000, window=32)),
        ("bertier:2", Bertier(eta_us=200, phi=2.0)),
        ("phi:5", Phi(eta_us=200, threshold=5.0, recent=Recent(1_000))),
        ("akka:10", Akka(threshold=10.0, first_us=200)),
        ("cassandra", CASSANDRA),
        ("mean:6 of 100", Mean(eta_us=200, factor=6.0, recent=Recent(100))),
        ("nfd-e of 5", NfdE(eta_us=200, alpha_us=200, window=5)),
        ("mean-new:2 of 9", Newest(plan=Mean(eta_us=200, factor=2.0, recent=Recent(9)))),
        ("phi-new", Newest(plan=Phi(eta_us=200, threshold=8.0, recent=Recent(1_000)))),
    ],
)
def test_words_mean_a_plan(words: str, plan: Plan) -> None:
    assert detector_of(words, 200) == plan


@pytest.mark.parametrize("name", sorted(published(200)))
def test_every_published_detector_has_a_name(name: str) -> None:
    assert detector_of(name, 200) == published(200)[name]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("fixd:1s", "'fixd' is no detector; did you mean 'fixed'"),
        ("lifeguard", "'lifeguard' is no detector; known: 2w-fd, akka"),
        ("fixed:600", "'600' is a duration without a unit; add one of us"),
        ("fixed:0s", "timeout_us=0 is no number from 1 up; give at least 1"),
        ("phi:", "'' is no threshold; write a number, as in phi:4, or phi alone"),
        ("phi:nan", "threshold=nan is not above 0"),
        ("mean:-1", "factor=-1.0 is not above 0"),
        ("fixed:1s of 9", "fixed has no window to choose; leave ` of 9` out, or take one of mean, deviation"),
        ("mean of some", "'some' is no window; write how many intervals, as in mean of 100"),
        ("phi of 0", "count=0 is not above 0"),
        ("nfd-e-new", "nfd-e goes by the numbers of heartbeats as it is; leave '-new' out"),
    ],
)
def test_words_that_mean_none_are_refused_with_the_way_out(words: str, told: str) -> None:
    with pytest.raises(ValueError, match=f"detector='{words}'") as refused:
        detector_of(words, 200)
    assert told in str(refused.value)


@pytest.mark.parametrize("words", ["nfd-e", "bertier:3", "2w-fd:1s"])
def test_answers_have_no_pace_to_go_by(words: str) -> None:
    with pytest.raises(ValueError, match="take one that measures silence: fixed, mean"):
        detector_of_answers(words, 200)


@pytest.mark.parametrize(
    ("factory", "options", "also"),
    [
        (majority, {"heartbeat_us": 0}, "heartbeat_us=0 is none"),
        (quorum, {"n": 4, "sloppy": True}, "n=4 replicas need as many servers"),
        (placed_store, {"partitions": 0}, "partitions=0 hold nothing"),
        (raft, {"members": 2}, "members=2: an even group"),
    ],
)
def test_factories_refuse_words_with_all_else(factory: Any, options: dict[str, Any], also: str) -> None:
    with pytest.raises(ValueError, match="'fhi' is no detector; did you mean 'phi'") as refused:
        factory(SITE, LOAD, detector="fhi:8", **options)
    assert also in str(refused.value)


def test_a_quorum_that_nobody_stands_in_for_has_no_use_for_one() -> None:
    with pytest.raises(ValueError, match="set sloppy = true, or fanout = 'quorum'"):
        quorum(SITE, LOAD, detector="phi:8")
