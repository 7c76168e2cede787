"""Loading by how likely a snapshot is the newest: what is learnt, what each provider makes of it, and what it costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from experiments.measures.observation import Observation, observe
from experiments.properties.loadings import loaded_by_belief
from experiments.scenario import ScenarioError, load
from models.confidence import OutOfReach
from models.confidence.providing import rule_of
from models.domains.counter import Add, Added
from models.loading import LoadingOptions, Strategy
from models.loading.believing import Weighing, loading_of
from models.loading.words import Recall, Recalled
from models.store.requests import Accepted, Append, ReadStream
from sim.checkers import Outcome
from tests.models.loading.test_handler import KEEPER, OPTIONS, Log, Scene

MS, S = 1_000, 1_000_000
KEY = (0, 5)


def weighing(words: str, **more: Any) -> Weighing:
    """A handler's belief; look-ups take 100 ms and its work 40, and others write twice a second to its key."""
    options: dict[str, Any] = {"strategy": Strategy.ADAPTIVE, "rule": rule_of(words), "work_us": 40 * MS}
    made = Weighing(replace(OPTIONS, **options | {"ask_us": 400 * MS} | more))
    for second in range(101):
        made.newest(KEY, 2 * second, second * S)
    return made


def taken(words: str, *ages_ms: int, **more: Any) -> list[str]:
    made = weighing(words, **more)
    return [str(made.strategy(number, (0, 5), age * MS)) for number, age in enumerate(distinct(made, ages_ms))]


def distinct(made: Weighing, ages_ms: tuple[int, ...]) -> Iterator[int]:
    """One after the other, each done before the next comes."""
    for number, age in enumerate(ages_ms):
        yield age
        made.done(number)


def test_who_may_lose_more_by_work_in_vain_waits_for_younger_snapshots() -> None:
    """Of an age a the snapshot is stale with chance 1 - exp(-2 (a + .1)), about."""
    assert taken("consumer:miss=1:alarm=1", 0, 200, 300, 900) == ["speculative"] * 2 + ["consistent"] * 2
    assert taken("consumer:miss=4:alarm=1", 0, 50) == ["speculative", "consistent"]
    assert taken("consumer:miss=1:alarm=4", 300, 600, 900) == ["speculative", "speculative", "consistent"]


def test_a_source_has_a_level_and_a_bool_an_age() -> None:
    assert taken("source:level=0.7", 400, 600) == ["speculative", "consistent"]
    assert taken("bool:silent=250ms", 249, 250) == ["speculative", "consistent"]


def test_the_spectrum_knows_of_three_ways_and_of_what_the_work_covers() -> None:
    """Young enough, it does not even look up; where the work takes as long as the look-up, that costs no wait."""
    words = "spectrum:miss=1:alarm=1"
    assert taken(words, 0, 50, 900)[1:] == ["speculative", "consistent"]
    assert taken("spectrum:miss=1:alarm=4", 0) == ["optimistic"], "a wait is dear"
    quiet = weighing(words)
    for second in range(101):
        quiet.newest((0, 7), 3, second * S)
    assert quiet.strategy(1, (0, 7), 0) is Strategy.OPTIMISTIC
    assert taken(words, 200) == ["consistent"]
    assert taken(words, 200, work_us=100 * MS) == ["speculative"]


def test_what_it_wrote_itself_makes_no_snapshot_stale() -> None:
    own, others = weighing("source:level=0.5"), weighing("source:level=0.5")
    for second in range(101):
        own.newest((0, 8), second, second * S, own=True)
        others.newest((0, 8), second, second * S)
    assert own.strategy(1, (0, 8), S) is Strategy.SPECULATIVE
    assert others.strategy(1, (0, 8), S) is Strategy.CONSISTENT


def test_another_command_of_its_own_on_the_way_counts_by_how_often_it_came_first() -> None:
    made = weighing("source:level=0.4")
    assert made.strategy(1, (0, 7), 0) is Strategy.SPECULATIVE
    assert made.strategy(2, (0, 7), 0) is Strategy.CONSISTENT, "one of two, before anything is known"
    for number in range(3, 20):
        made.strategy(number, (0, 7), 0)
        made.turned_out(number, behind=False)
    assert made.strategy(20, (0, 7), 0) is Strategy.SPECULATIVE
    for number in range(1, 21):
        made.done(number)
    assert (made.judged, made.stale) == (17, 0)


def test_longer_look_ups_leave_more_time_to_be_overtaken() -> None:
    made = weighing("source:level=0.4")
    assert made.strategy(1, KEY, 100 * MS) is Strategy.SPECULATIVE
    made.done(1)
    for _ in range(60):
        made.looked(400 * MS)
    assert made.strategy(1, KEY, 100 * MS) is Strategy.CONSISTENT


def believing(words: str, **more: Any) -> Scene:
    return Scene(Strategy.ADAPTIVE, rule=rule_of(words), **more)


def test_a_handler_that_trusts_its_snapshot_works_beside_the_look_up() -> None:
    scene, log = believing("source:level=0.9"), Log((1, Added(n=3)))
    scene.knows(log)
    reply = scene.ask(Add(n=2))
    scene.ctx.advance(101)
    assert scene.asked == [ReadStream], "it has worked, and confirms nothing before the look-up"
    scene.ctx.answer(log.slice())
    assert scene.append().event == Added(n=2)
    scene.ctx.answer(Accepted(command_id=7, version=2, told=5))
    assert reply.value == Accepted(command_id=7, version=2, told=5)
    assert (scene.handler.counts["trusted"], scene.handler.counts["matched"]) == (1, 1)


def test_a_handler_that_doubts_its_snapshot_looks_up_before_the_work() -> None:
    scene, log = believing("bool:silent=1ms"), Log((1, Added(n=3)))
    scene.knows(log)
    assert scene.handler.weighing is not None
    scene.handler.weighing.newest(KEY, 1, 0)
    scene.ctx.advance(2 * MS)
    scene.ask(Add(n=2))
    scene.ctx.answer(log.slice())
    assert Append not in scene.asked, "it works now"
    scene.ctx.advance(101)
    assert scene.append().expected == 1
    assert scene.handler.counts["doubted"] == 1


def test_what_others_keep_comes_with_its_age_and_nothing_at_all_is_looked_up() -> None:
    scene, log = believing("bool:silent=500ms", keeper=KEEPER, snapshot_every=3), Log((1, Added(n=3)))
    scene.knows(log)
    image = scene.handler.memory.get(KEY)
    scene.handler.memory.forget(KEY)
    scene.ask(Add(n=2), number=7)
    scene.ctx.answer(Recalled(image=image, age_us=S))
    scene.ask(Add(n=2), number=8)
    scene.ctx.answer(Recalled(image=None), call=-1)
    assert scene.asked.count(Recall) == 2
    assert scene.asked.count(ReadStream) == 2
    assert (scene.handler.counts["doubted"], scene.handler.counts["cold"]) == (1, 1)


@cache
def seen(seed: int, words: str = "") -> Observation:
    scenario = load("confidence_load")
    options = {**scenario.system.options, **({"strategy": words} if words else {})}
    return observe(replace(scenario, system=replace(scenario.system, options=options)), seed)


def counts(words: str = "", seed: int = 1) -> Any:
    loading = seen(seed, words).ledger.loading
    assert loading is not None
    return loading.counts


def test_as_many_snapshots_are_stale_as_were_said_to_be() -> None:
    said = sum(counts(seed=seed)["said_ppm"] for seed in range(1, 4)) / 1e6
    judged = sum(counts(seed=seed)["judged"] for seed in range(1, 4))
    stale = sum(counts(seed=seed)["were_stale"] for seed in range(1, 4))
    assert judged > 450
    assert abs(said - stale) / judged < 0.07


def test_dearer_waste_makes_for_more_waits_and_less_waste() -> None:
    cheap, dear = counts("belief:consumer:miss=1:alarm=3"), counts("belief:consumer:miss=9:alarm=1")
    assert cheap["doubted"] < dear["doubted"]
    assert cheap["trusted"] - cheap["matched"] > dear["trusted"] - dear["matched"]


def test_that_belief_chose_is_told() -> None:
    assert loaded_by_belief(seen(1)).outcome is Outcome.VALID
    assert loaded_by_belief(seen(1), trusted=9_999).outcome is Outcome.INVALID
    assert loaded_by_belief(seen(1, "adaptive")).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"strategy": "belief:spectre:miss=1"}, "'spectre' is no provider; did you mean 'spectrum'"),
        ({"strategy": "belief:consumer:miss=-1:alarm=2"}, "miss=-1.0 is no number from 0 up"),
        (
            {"strategy": "belief:spectrum:miss=0:alarm=0", "cache": -1},
            r"(?s)strategy = \"belief:spectrum:miss=0:alarm=0\": .*both 0, so.*cache = -1: negative",
        ),
        ({"strategy": "belief:source:level=0"}, "level=0.0 is no chance to wait for"),
        ({"strategy": "belief:source", "cache": 0, "snapshot_every": 0}, "works on snapshots, and there are none"),
    ],
)
def test_what_makes_no_sense_is_refused_before_the_run(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ScenarioError, match=told):
        load("confidence_load").with_system(wrong)


def test_a_rule_needs_something_to_decide() -> None:
    with pytest.raises(ValueError, match="consistent loading has nothing to decide by a rule"):
        LoadingOptions(strategy=Strategy.CONSISTENT, members=OPTIONS.members, rule=rule_of("source"))
    with pytest.raises(ValueError, match="is a prior that no write moves"):
        replace(OPTIONS, others_per_s=0.0)


def test_a_level_that_no_age_reaches_is_warned_of() -> None:
    with pytest.warns(OutOfReach, match=r"acts from 1 on[\s\S]*a day old may still be the newest; the nearest"):
        loading_of("belief:consumer:miss=0:alarm=1", 0.5)
    assert loading_of("adaptive", 0.5) is None
