"""An API server: every request ends, its client hears where it failed, and whoever gives up sets the stages free."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from models.domains.bank_account import BankAccount, Deposit
from models.domains.counter import Add
from models.pipeline import ApiRequest, ApiServer, Broken, PipelineOptions, plan_of
from models.pipeline.options import token_of
from models.pipeline.words import Cancel
from models.store.requests import Accepted, Submit, Unavailable
from sim.host import Wait
from sim.testing import FakeContext
from sim.topology import at_service, pack_location

STORES = tuple(at_service(pack_location(1, 1, host), "store") for host in (1, 2))
PLAN = plan_of(
    "accept:1 authenticate:1 validate:1 route:1 execute:1 reply:1",
    "accept > authenticate > validate > route > execute > reply",
)
OPTIONS = PipelineOptions(plan=PLAN, members=(STORES,), stage_us=10, ask_us=10_000, respawn_us=500, secret=7)


class Scene:
    """A server, and requests of one client."""

    def __init__(self, **other: Any) -> None:
        self.ctx = FakeContext()
        self.server = ApiServer(self.ctx, replace(OPTIONS, **other), BankAccount(opening_balance=100))
        self.ctx.start(self.server)
        self.ctx.advance(1)

    def ask(self, number: int, *, token: int | None = None, patience_us: int = 5_000, wrong: bool = False) -> Wait:
        submit = Submit(command_id=number, aggregate=3, command=Add(n=1) if wrong else Deposit(amount=1))
        good = token_of(7, 1) if token is None else token
        asked = ApiRequest(number=number, request=submit, user=1, token=good, patience_us=patience_us)
        return self.ctx.deliver(self.server, asked)

    def answer(self, number: int = 1) -> None:
        self.ctx.answer(Accepted(command_id=number, version=1, told=101))

    def idle(self) -> bool:
        return self.server.held() == []


def test_a_request_goes_through_every_stage_and_its_answer_back() -> None:
    scene = Scene()
    reply = scene.ask(1)
    scene.ctx.advance(100)
    assert [(to, type(msg)) for to, msg in scene.ctx.sent] == [(STORES[0], Submit)]
    scene.answer()
    scene.ctx.advance(1)
    assert reply.value == Accepted(command_id=1, version=1, told=101)
    assert scene.idle()


def test_who_is_refused_hears_the_stage_and_the_reason_and_the_store_is_not_asked() -> None:
    scene = Scene()
    stranger = scene.ask(1, token=8)
    scene.ctx.advance(100)
    confused = scene.ask(2, wrong=True)
    scene.ctx.advance(100)
    assert stranger.value.reason == "authenticate: the token is not that user's"
    assert confused.value.reason == "validate: Add is no command of domain 'bank-account'"
    assert scene.ctx.sent == []
    assert scene.idle()


def test_a_full_pipe_refuses_at_the_door() -> None:
    scene = Scene()
    first = [scene.ask(number, patience_us=1_000_000) for number in range(1, 5)]
    scene.ctx.advance(200)
    first += [scene.ask(number, patience_us=1_000_000) for number in (5, 6)]
    scene.ctx.advance(100)
    refused = [wait.value for wait in first if wait.done]
    assert refused
    assert {answer.reason for answer in refused} == {"accept: full"}
    assert max(pipe.longest for pipe in scene.server.generations) <= 2


def test_where_it_may_wait_it_does_until_there_is_room_or_its_time_is_over() -> None:
    scene = Scene(full="wait")
    waits = [scene.ask(number, patience_us=3_000) for number in range(1, 9)]
    scene.ctx.advance(1_000)
    scene.answer()
    scene.ctx.advance(500)
    assert waits[0].value.version == 1
    assert scene.server.counts["waited"] > 0
    scene.ctx.advance(5_000)
    assert all(wait.done for wait in waits)
    assert waits[-1].value.reason.startswith("deadline: at ")
    assert scene.idle()


def test_past_its_time_the_answer_says_whether_it_may_have_happened() -> None:
    scene = Scene()
    asked = scene.ask(1, patience_us=2_000)
    scene.ctx.advance(100)
    queued = scene.ask(2, patience_us=500)
    scene.ctx.advance(3_000)
    assert asked.value == Broken(command_id=1, stage="deadline", reason="at execute")
    assert queued.value == Unavailable(command_id=2, reason="deadline: at route")
    assert scene.idle(), "who worked for them is free"


def test_who_hangs_up_gets_no_answer_and_sets_the_worker_free() -> None:
    scene = Scene()
    gone = scene.ask(1, patience_us=100_000)
    scene.ctx.advance(100)
    scene.ctx.deliver(scene.server, Cancel(number=1))
    scene.ctx.advance(1)
    assert gone.value is None
    assert scene.idle()
    late = scene.ask(2)
    scene.ctx.advance(100)
    scene.ctx.answer(Accepted(command_id=2, version=2, told=102), call=1)
    scene.ctx.advance(1)
    assert late.value.version == 2


def test_a_store_that_is_silent_is_asked_again_elsewhere_under_the_same_id() -> None:
    scene = Scene(ask_us=1_000)
    reply = scene.ask(1, patience_us=100_000)
    scene.ctx.advance(21_500)
    assert [(to, msg.command_id) for to, msg in scene.ctx.sent] == [(STORES[0], 1), (STORES[1], 1)]  # type: ignore[attr-defined]
    scene.ctx.answer(Accepted(command_id=1, version=1, told=101), call=1)
    scene.ctx.advance(1)
    assert reply.value.version == 1


def test_a_stage_that_fails_tells_all_and_the_next_pipe_opens() -> None:
    scene = Scene(fails="validate", fails_every_us=1_000)
    scene.ctx.advance(1_000)
    lost = scene.ask(1)
    scene.ctx.advance(100)
    meanwhile = scene.ask(2)
    assert lost.value.reason == "validate: its connection was taken away"
    assert meanwhile.value.reason == lost.value.reason
    scene.ctx.advance(500)
    assert scene.server.counts["opened"] == 2
    assert scene.idle()
    reply = scene.ask(3)
    scene.ctx.advance(100)
    scene.answer(3)
    scene.ctx.advance(1)
    assert reply.value.command_id == 3


def test_the_networks_own_copy_of_a_request_under_way_is_none_of_its_own() -> None:
    scene = Scene()
    reply, copy = scene.ask(1), scene.ask(1)
    scene.ctx.advance(100)
    scene.answer()
    scene.ctx.advance(1)
    assert (reply.value.version, copy.value) == (1, None)
    assert scene.server.counts["asked"] == 1
