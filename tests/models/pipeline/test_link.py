"""Two hosts of one pipe: credit bounds what is under way, and a lease closes ends that a cut has parted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from models.domains.bank_account import BankAccount, Deposit
from models.pipeline import ApiRequest, ApiServer, Broken, FarServer, PipelineOptions, plan_of
from models.pipeline.options import token_of
from models.pipeline.words import Beat, Carry, Closed, Done, Opened
from models.store.requests import Accepted, Submit
from sim.channel import Cause
from sim.host import Wait
from sim.message import Message
from sim.testing import FakeContext
from sim.topology import at_service, pack_location

NEAR = at_service(pack_location(1, 1, 1), "api")
FAR = at_service(pack_location(2, 1, 1), "api-far")
STORE = at_service(pack_location(2, 1, 1), "store")
PLAN = plan_of(
    "accept:4 authenticate:4 validate:4 route:2 execute:1 reply:4",
    "accept > authenticate > validate > route > execute > reply",
    "route",
)
OPTIONS = PipelineOptions(
    plan=PLAN,
    members=((STORE,),),
    far=FAR,
    stage_us=10,
    ask_us=50_000,
    lease_us=5_000,
    beat_us=1_000,
    respawn_us=100,
)


class Scene:
    """Both hosts on one clock, messages between them taking 10 microseconds, unless they are cut or swallowed."""

    def __init__(self, **other: Any) -> None:
        options = replace(OPTIONS, **other)
        self.near_ctx = FakeContext(NEAR)
        self.far_ctx = FakeContext(FAR, beside=self.near_ctx)
        self.near = ApiServer(self.near_ctx, options, BankAccount())
        self.far = FarServer(self.far_ctx, options, BankAccount())
        self.cut = False
        self.swallow: set[type[Message]] = set()
        self.carried: list[Message] = []
        self._read = {NEAR: 0, FAR: 0}
        self.near_ctx.start(self.near)
        self.far_ctx.start(self.far)
        self.advance(100)

    def advance(self, us: int) -> None:
        for _ in range(0, us, 10):
            self.near_ctx.advance(10)
            for ctx, to, service, at in (
                (self.near_ctx, self.far_ctx, self.far, FAR),
                (self.far_ctx, self.near_ctx, self.near, NEAR),
            ):
                fresh = ctx.sent[self._read[at] :]
                self._read[at] += len(fresh)
                for where, msg in fresh:
                    if where == at and not self.cut and type(msg) not in self.swallow:
                        self.carried.append(msg)
                        to.deliver(service, msg, ctx.location)

    def ask(self, number: int, patience_us: int = 40_000) -> Wait:
        submit = Submit(command_id=number, aggregate=3, command=Deposit(amount=1))
        asked = ApiRequest(number=number, request=submit, user=1, token=token_of(0, 1), patience_us=patience_us)
        return self.near_ctx.deliver(self.near, asked)

    def answer(self, number: int) -> None:
        self.far_ctx.answer(Accepted(command_id=number, version=number, told=number))

    def of(self, kind: type[Message]) -> list[Any]:
        return [msg for msg in self.carried if isinstance(msg, kind)]

    def idle(self) -> bool:
        return self.near.held() == [] == self.far.held()


def test_a_request_is_carried_and_its_answer_comes_back() -> None:
    scene = Scene()
    reply = scene.ask(1)
    scene.advance(200)
    scene.answer(1)
    scene.advance(100)
    assert reply.value == Accepted(command_id=1, version=1, told=1)
    assert scene.idle()


def test_no_more_is_carried_than_there_is_room_for() -> None:
    scene = Scene()
    waits = [scene.ask(number) for number in range(1, 5)]
    scene.advance(300)
    waits += [scene.ask(number) for number in range(5, 9)]
    scene.advance(300)
    # One is at the store, one waits before that, one is with route, which cannot go on, two wait before route.
    assert len(scene.of(Carry)) == 5
    assert max(pipe.longest for pipe in scene.far.generations) <= 2
    scene.answer(1)
    scene.advance(100)
    assert len(scene.of(Carry)) == 6
    assert waits[0].done


def test_answers_find_their_own_requests_though_one_was_cancelled() -> None:
    scene = Scene()
    first = scene.ask(1, patience_us=500)
    second = scene.ask(2)
    scene.advance(700)
    assert first.value == Broken(command_id=1, stage="deadline", reason="at link")
    assert [msg.number for msg in scene.of(Carry)] == [1, 2]
    scene.far_ctx.answer(Accepted(command_id=2, version=2, told=2), call=1)  # the first call was to the cancelled one
    scene.advance(100)
    assert second.value == Accepted(command_id=2, version=2, told=2)
    assert scene.far.counts["withdrawn"] == 1


def test_ends_that_a_cut_has_parted_close_when_the_lease_is_over_and_join_again() -> None:
    scene = Scene()
    carried, waiting = scene.ask(1), None
    scene.advance(200)
    scene.cut = True
    scene.advance(100)
    waiting = scene.ask(2)
    scene.advance(7_000)
    gone = "nothing was heard of the other end for a lease"
    assert carried.value == Broken(command_id=1, stage="link", reason=gone)
    assert isinstance(waiting.value, Broken)
    assert all(epoch.closed for epoch in scene.far.epochs.values())
    assert scene.far.held() == []
    scene.cut = False
    scene.advance(7_000)
    reply = scene.ask(3)
    scene.advance(200)
    scene.far_ctx.answer(Accepted(command_id=3, version=3, told=3), call=len(scene.far_ctx.calls) - 1)
    scene.advance(100)
    assert reply.value == Accepted(command_id=3, version=3, told=3)


def test_what_comes_of_an_epoch_that_is_over_is_not_done() -> None:
    scene = Scene()
    old = Carry(
        epoch=1,
        number=1,
        request=Submit(command_id=9, aggregate=3, command=Deposit(amount=1)),
        user=1,
        token=token_of(0, 1),
        patience_us=10_000,
    )
    scene.far_ctx.deliver(scene.far, old, NEAR)
    scene.advance(100)
    assert scene.far_ctx.calls == []
    assert scene.far.counts["stale"] == 1
    assert scene.of(Closed)[-1].epoch == 1


def test_a_request_that_was_lost_on_the_way_ends_the_epoch() -> None:
    scene = Scene()
    scene.swallow.add(Carry)
    reply = scene.ask(1)
    scene.advance(1_500)
    assert reply.value == Broken(command_id=1, stage="back", reason="a request was lost on the way")


def test_an_answer_that_was_lost_on_the_way_ends_the_epoch() -> None:
    scene = Scene()
    reply = scene.ask(1)
    scene.advance(200)
    scene.swallow.add(Done)
    scene.answer(1)
    scene.advance(1_500)
    assert reply.value == Broken(command_id=1, stage="link", reason="an answer was lost on the way")


def test_a_beat_says_how_much_room_there_is_where_that_was_swallowed() -> None:
    scene = Scene()
    scene.swallow.add(Opened)
    scene.near.generations[-1].close("link", Cause("link", "by hand"))
    scene.advance(200)
    reply = scene.ask(1)
    scene.advance(300)
    assert len(scene.of(Carry)) == 0
    scene.advance(1_500)
    assert scene.of(Beat)
    assert len(scene.of(Carry)) == 1
    scene.answer(1)
    scene.advance(100)
    assert reply.value.version == 1


def test_a_stage_that_fails_on_the_second_host_is_told_of_on_the_first() -> None:
    scene = Scene(fails="execute", fails_every_us=500)
    scene.advance(500)
    reply = scene.ask(1)
    scene.advance(200)
    assert reply.value.reason == "execute: its connection was taken away"
    scene.advance(300)
    assert scene.near.counts["broken at execute"] == 1
    assert scene.near.counts["opened"] == 2
