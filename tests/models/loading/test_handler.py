"""A handler, by strategy: what it asks, in what order, when it answers, and what it remembers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from models.addressing import mint
from models.domains.counter import Add, Added, Counter
from models.domains.username import Claim, Claimed, Username
from models.loading import Handler, Image, LoadingOptions, Strategy
from models.loading.images import Rates, blank
from models.loading.words import Fetch, Fetched, Keep
from models.store.log.entries import Entry, tip_after
from models.store.requests import (
    Accepted,
    Append,
    Conflict,
    ReadStream,
    Refused,
    StreamSlice,
    Submit,
    Unavailable,
)
from sim.host import Wait
from sim.message import Message
from sim.testing import FakeContext
from sim.topology import at_service, pack_location

STORES = tuple(at_service(pack_location(1, 1, host), "store") for host in (1, 2))
KEEPER = at_service(pack_location(1, 1, 3), "keeper")
OPTIONS = LoadingOptions(strategy=Strategy.CONSISTENT, members=(STORES,), cache=4, work_us=100, ask_us=10_000)


class Log:
    """What a store has of one aggregate, as a slice of it is answered."""

    def __init__(self, *events: tuple[int, Any]) -> None:
        self.entries: list[Entry] = []
        for event_id, event in events:
            self.add(event_id, event)

    def add(self, event_id: int, event: Any) -> None:
        version = len(self.entries) + 1
        tip = tip_after(self.entries[-1].tip if self.entries else 0, version, event_id, event)
        self.entries.append(Entry(0, 1, version, 1, 0, mint(1 << 28, 5, version), event_id, 0, event, None, tip, 0, 0))

    def slice(self, after: int = 0) -> StreamSlice:
        return StreamSlice(aggregate=5, entries=tuple(self.entries[after:]), first=1, version=len(self.entries))


class Scene:
    """A handler and whom it asks."""

    def __init__(self, strategy: Strategy, domain: Any = None, **other: Any) -> None:
        self.ctx = FakeContext()
        self.domain: Any = domain or Counter()
        self.handler = Handler(self.ctx, replace(OPTIONS, strategy=strategy, **other), self.domain)

    def ask(self, command: Any, number: int = 7) -> Wait:
        return self.ctx.deliver(self.handler, Submit(command_id=number, aggregate=5, command=command))

    def knows(self, log: Log) -> None:
        """It remembers the aggregate as the log has it."""
        image = blank(self.domain)
        for entry in log.entries:
            version = image.version + 1
            state = self.domain.evolve(image.state, entry.event)
            image = Image(
                version=version, tip=entry.tip, state=state, recent=(*image.recent, (entry.event_id, version))
            )
        self.handler.memory.keep((0, 5), image)

    @property
    def asked(self) -> list[type[Message]]:
        return [type(msg) for _, msg in self.ctx.sent]

    def append(self) -> Append:
        found = self.ctx.sent[-1][1]
        assert isinstance(found, Append)
        return found


def test_consistent_loading_looks_up_then_works_then_appends_then_answers() -> None:
    scene = Scene(Strategy.CONSISTENT)
    reply = scene.ask(Add(n=2))
    assert scene.asked == [ReadStream]
    scene.ctx.answer(Log((1, Added(n=3))).slice())
    assert scene.asked == [ReadStream], "it works"
    scene.ctx.advance(101)
    assert (scene.append().expected, scene.append().event) == (1, Added(n=2))
    assert not reply.done
    scene.ctx.answer(Accepted(command_id=7, version=2, told=5))
    assert reply.value == Accepted(command_id=7, version=2, told=5)
    assert scene.handler.memory.get((0, 5)).state.total == 5  # type: ignore[union-attr]


def test_speculative_loading_works_beside_the_look_up_and_says_nothing_before_it() -> None:
    scene, log = Scene(Strategy.SPECULATIVE), Log((1, Added(n=3)))
    scene.knows(log)
    reply = scene.ask(Add(n=2))
    scene.ctx.advance(500)
    assert scene.asked == [ReadStream], "the decision waits for its confirmation"
    assert scene.ctx.points == ["H1"]
    scene.ctx.answer(log.slice())
    assert scene.asked == [ReadStream, Append], "no more work: the snapshot was the newest"
    scene.ctx.answer(Accepted(command_id=7, version=2, told=5))
    assert reply.value.version == 2
    assert scene.handler.counts["matched"] == 1


def test_an_equal_decision_on_the_newer_state_keeps_the_work() -> None:
    scene, log = Scene(Strategy.SPECULATIVE), Log((1, Added(n=3)))
    scene.knows(log)
    scene.ask(Add(n=2))
    scene.ctx.advance(500)
    log.add(2, Added(n=4))
    scene.ctx.answer(log.slice())
    assert scene.append().expected == 2
    assert (scene.handler.counts["equal"], scene.handler.counts["worked"]) == (1, 1)


def test_another_decision_on_the_newer_state_is_worked_out_anew() -> None:
    scene, log = Scene(Strategy.SPECULATIVE, Username()), Log()
    scene.knows(log)
    scene.handler.memory.keep((0, 5), blank(scene.domain))
    reply = scene.ask(Claim(person=1))
    scene.ctx.advance(500)
    log.add(2, Claimed(person=2))
    scene.ctx.answer(log.slice())
    assert scene.asked == [ReadStream]
    scene.ctx.advance(101)
    assert type(scene.append().event).__name__ == "Denied"
    scene.ctx.answer(Accepted(command_id=7, version=2, told=None))
    assert isinstance(reply.value, Refused)
    assert (scene.handler.counts["redone"], scene.handler.counts["worked"]) == (1, 2)


def test_optimistic_loading_appends_without_a_look_up_and_decides_again_on_a_conflict() -> None:
    scene, log = Scene(Strategy.OPTIMISTIC), Log((1, Added(n=3)))
    scene.knows(log)
    reply = scene.ask(Add(n=2))
    scene.ctx.advance(101)
    assert scene.asked == [Append]
    log.add(2, Added(n=4))
    scene.ctx.answer(Conflict(command_id=7, expected=1, current=2))
    scene.ctx.answer(log.slice())
    assert scene.append().expected == 2
    scene.ctx.answer(Accepted(command_id=7, version=3, told=9))
    assert reply.value == Accepted(command_id=7, version=3, told=9)


def test_who_loses_every_race_says_that_nothing_was_done() -> None:
    scene, log = Scene(Strategy.OPTIMISTIC, attempts=2), Log((1, Added(n=3)))
    scene.knows(log)
    reply = scene.ask(Add(n=2))
    scene.ctx.advance(101)
    for number in (2, 3):
        log.add(number, Added(n=4))
        scene.ctx.answer(Conflict(command_id=7, expected=0, current=0))
        scene.ctx.answer(log.slice())
    assert reply.value == Unavailable(command_id=7, reason="others were faster each time")


@pytest.mark.parametrize("strategy", [Strategy.CONSISTENT, Strategy.SPECULATIVE, Strategy.OPTIMISTIC])
def test_a_command_that_was_done_before_is_answered_as_the_first_time(strategy: Strategy) -> None:
    scene, log = Scene(strategy), Log((1, Added(n=3)), (7, Added(n=2)), (2, Added(n=1)))
    scene.knows(log)
    reply = scene.ask(Add(n=2))
    while not reply.done:
        looked = scene.ctx.calls[-1][1]
        assert isinstance(looked, ReadStream)
        scene.ctx.answer(log.slice(looked.after), call=len(scene.ctx.calls) - 1)
    assert reply.value.version == 2
    assert Append not in scene.asked


def test_an_append_that_nobody_answers_is_answered_by_nobody() -> None:
    scene, log = Scene(Strategy.OPTIMISTIC), Log((1, Added(n=3)))
    scene.knows(log)
    reply = scene.ask(Add(n=2))
    scene.ctx.advance(20_000)
    assert (reply.done, reply.value) == (True, None)
    scene.ask(Add(n=2))
    scene.ctx.advance(101)
    assert scene.ctx.sent[-1][0] == STORES[1], "the next member is asked from now on"


def test_an_image_of_what_the_store_gave_up_is_thrown_away() -> None:
    scene = Scene(Strategy.SPECULATIVE)
    scene.knows(Log((1, Added(n=3)), (2, Added(n=50))))
    truth = Log((1, Added(n=3)), (3, Added(n=4)))
    scene.ask(Add(n=2))
    scene.ctx.advance(500)
    scene.ctx.answer(truth.slice(1))
    scene.ctx.answer(truth.slice())
    assert scene.append().expected == 2
    assert scene.handler.memory.get((0, 5)).state.total == 7  # type: ignore[union-attr]


def test_a_snapshot_comes_from_the_keeper_and_goes_back_once_it_is_so_much_newer() -> None:
    scene, log = Scene(Strategy.CONSISTENT, keeper=KEEPER, snapshot_every=2, cache=0), Log((1, Added(n=3)))
    scene.ask(Add(n=2))
    assert scene.asked == [Fetch]
    scene.ctx.answer(Fetched(image=None))
    scene.ctx.answer(log.slice())
    scene.ctx.advance(101)
    scene.ctx.answer(Accepted(command_id=7, version=2, told=5))
    kept = scene.ctx.sent[-1][1]
    assert isinstance(kept, Keep)
    assert (kept.image.version, kept.image.recent) == (2, ((1, 1), (7, 2)))


def test_what_adapts_follows_how_often_snapshots_were_behind() -> None:
    rates = Rates(replace(OPTIONS, strategy=Strategy.ADAPTIVE, weight=0.5))
    seen = [rates.strategy((0, 1))]
    for behind in (False, False, True, True, True, True, True):
        rates.saw((0, 1), behind=behind)
        seen.append(rates.strategy((0, 1)))
    assert seen[:3] == [Strategy.SPECULATIVE, Strategy.OPTIMISTIC, Strategy.OPTIMISTIC]
    assert seen[-1] == Strategy.CONSISTENT
    assert rates.strategy((0, 2)) == Strategy.CONSISTENT, "of another, what was seen of all is the best guess"
