"""What does not go together in a queue is refused before the run, all of it at once, with the way out."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.scenario import ScenarioError, load
from models import Site, Workload
from models.factories import Refused
from models.queue import Mode, Overflow, Parking, QueueOptions, queue
from sim.topology import grid

S = 1_000_000
SITE = Site(grid(["a"], clusters=1, hosts=3, clients=1, cores=2))
LOAD = Workload(rate_per_s=10, accounts=4, ends_us=S)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"mode": Mode.DEDUPLICATED}, "window=0 remembers no message"),
        ({"window": 5}, "is for mode 'deduplicated'"),
        ({"visibility_us": 0}, "nothing behind it in its key may go; give at least 1"),
        ({"visibility_us": 0, "ordered": False}, "it comes back at once"),
        ({"parking": Parking.ALONE}, "without a number of attempts parks nothing"),
        ({"attempts": 3}, "end in no parking"),
        ({"attempts": 3, "parking": Parking.SEQUENCED, "ordered": False}, "keeps an order that ordered=False"),
        ({"mode": Mode.AT_MOST_ONCE, "attempts": 3, "parking": Parking.ALONE}, "nothing is tried again"),
        ({"overflow": Overflow.WAIT}, "waits for room that never lacks"),
        ({"depth": -1}, "depth=-1 is negative"),
        ({"waiting": 0}, "lets nobody wait"),
        ({"counted": 0}, "sees no hot key"),
    ],
)
def test_what_does_not_go_together_is_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        QueueOptions(**wrong)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"mode": "exactly-once"}, "mode='exactly-once' is no mode"),
        ({"scheme": "multi-persist:2/9"}, "more than the 3 that hold nodes"),
        ({"placement": "circle"}, "placement='circle' is no placement"),
        ({"batch": 4}, "never meet with linger_us=0"),
        ({"linger_us": 5}, "waits for others that batch=1 does not take"),
        ({"batch": 8, "linger_us": 5, "depth": 4}, "never fit in depth=4"),
        ({"retry_us": 5}, "nothing parks"),
        ({"poison_share": 2.0}, "poison_share=2.0 is no share"),
        ({"stall_share": 0.5}, "give both or none"),
        ({"partitions": 0}, "partitions=0 is none"),
        ({"home": "b"}, "no region here"),
    ],
)
def test_a_deployment_refuses_too(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        queue(SITE, LOAD, **wrong)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ValueError, match=r"(?s)exactly-once.*take=0.*placement='circle'"):
        queue(SITE, LOAD, mode="exactly-once", take=0, placement="circle")


def test_each_mistake_is_one_line_and_none_waits_for_the_others_to_be_mended() -> None:
    wrong: dict[str, Any] = {"depth": -1, "waiting": 0, "gather_us": -5, "segment": 0, "placement": "slots", "slots": 2}
    with pytest.raises(Refused) as refused:
        queue(SITE, LOAD, **wrong)
    parts = ["depth=-1", "waiting=0", "segment=0", "gather_us=-5", "slots=2"]
    assert [part in line for part, line in zip(parts, refused.value.problems, strict=True)] == [True] * len(parts)


def test_a_scheme_that_is_too_wide_is_told_beside_a_placement_that_is_none() -> None:
    with pytest.raises(Refused) as refused:
        queue(SITE, LOAD, scheme="multi-persist:2/9", placement="circle", heartbeat_us=0, resend_us=0)
    begins = ["heartbeat_us=0", "resend_us=0", "placement='circle'", "scheme='multi-persist:2/9':"]
    assert sorted(line.partition(" ")[0] for line in refused.value.problems) == sorted(begins)


def test_a_queue_needs_a_client_host() -> None:
    with pytest.raises(ValueError, match="where the receiver would be"):
        queue(Site(grid(["a"], clusters=1, hosts=3, clients=0, cores=2)), LOAD)


def test_words_that_are_none_are_told_together_and_hide_nothing() -> None:
    wrong = {"mode": "maybe", "parking": "aside", "overflow": "burn", "visibility": "0s"}
    with pytest.raises(ScenarioError) as told:
        load("queue_calm").with_system(wrong)
    for part in ('mode = "maybe"', 'parking = "aside"', 'overflow = "burn"', 'visibility = "0 s": holds no letter'):
        assert f"system.{part}" in str(told.value)
