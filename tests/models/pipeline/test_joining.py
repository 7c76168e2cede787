"""A generation of stages: requests pass in order, and an end anywhere ends all of it, with its cause."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from models.domains.bank_account import Deposit
from models.pipeline.joining import Generation, Handle, OneWay
from models.pipeline.plan import StagePlan
from models.pipeline.ticket import Ticket
from models.store.requests import Submit
from sim.channel import Cause, StageFailed
from sim.host import Wait
from sim.testing import FakeContext

STAGES = (StagePlan("a", 1), StagePlan("b", 1), StagePlan("c", 1))


class Scene:
    """Three stages, of which one fails at a request of its own, and what was told of requests."""

    def __init__(self, kind: type[Generation] = Generation, fails: str = "", slow: str = "") -> None:
        self.ctx = FakeContext()
        self.passed: list[tuple[str, int]] = []
        self.told: list[tuple[int, str, str]] = []
        self.causes: list[Cause] = []
        self._fails, self._slow = fails, slow
        self.pipe = kind(self.ctx, STAGES, self.handle, self.causes.append)
        self.ctx.advance(1)

    def handle(self, name: str) -> Handle:
        def work(ticket: Ticket) -> Generator[Wait, Any, bool]:
            if name == self._slow:
                yield self.ctx.sleep(100)
            if name == self._fails:
                raise StageFailed("broke")
            self.passed.append((name, ticket.key))
            yield from ()
            return True

        return work

    def send(self, *numbers: int) -> None:
        for number in numbers:
            request = Submit(command_id=number, aggregate=0, command=Deposit(amount=1))
            ctx = self.ctx
            told = lambda ticket, stage, why: self.told.append((ticket.key, stage, why))  # noqa: E731
            self.pipe.inlet.send(Ticket(number, request, 0, 0, 1_000_000, ctx.wait(), ctx.wait(), told))

    def open_stages(self) -> list[str]:
        return [what for what, _ in self.pipe.held()]


def test_requests_pass_every_stage_in_order() -> None:
    scene = Scene()
    scene.send(1)
    scene.ctx.advance(1)
    assert scene.passed == [("a", 1), ("b", 1), ("c", 1)]
    assert scene.open_stages() == [], "all wait for the next"


def test_a_failure_ends_all_stages_and_tells_every_request_where_and_why() -> None:
    scene = Scene(fails="c", slow="c")
    scene.send(1)
    scene.ctx.advance(1)  # c works on 1, then 2 waits before it, b holds 3, 4 waits before that, 5 at a
    for number in (2, 3, 4, 5):
        scene.send(number)
        scene.ctx.advance(1)
    scene.ctx.advance(200)
    assert scene.causes == [Cause("c", "broke")]
    assert sorted(scene.told) == [(number, "c", "broke") for number in (1, 2, 3, 4, 5)]
    assert scene.pipe.over


def test_stages_that_are_idle_upstream_end_too() -> None:
    scene = Scene(fails="c")
    scene.send(1)
    scene.ctx.advance(1)
    assert scene.pipe.over
    assert scene.ctx.channels == []


def test_what_came_through_before_still_drains() -> None:
    scene = Scene(fails="b", slow="c")
    scene.pipe.channels[2].send(_ticket(scene, 9))
    scene.ctx.advance(1)
    scene.send(1)
    scene.ctx.advance(300)
    assert scene.passed == [("a", 1), ("c", 9)]
    assert scene.told == [(1, "b", "broke")]
    assert scene.pipe.over


def test_an_end_from_outside_travels_both_ways() -> None:
    scene = Scene()
    scene.pipe.close("b", Cause("link", "cut"))
    scene.ctx.advance(1)
    assert scene.causes == [Cause("link", "cut")]
    assert scene.pipe.over


def test_with_closes_one_way_who_is_upstream_stays_for_ever() -> None:
    scene = Scene(OneWay, fails="b", slow="b")
    scene.send(1, 2)
    scene.ctx.advance(1_000_000)
    assert scene.told == [(1, "b", "broke")], "what waits before it is told nothing"
    assert [what.split()[0] for what in scene.open_stages()] == ["a"]


def test_a_request_that_is_over_is_passed_over() -> None:
    scene = Scene(slow="a")
    scene.send(1)
    scene.ctx.advance(1)
    gone = _ticket(scene, 2)
    scene.pipe.inlet.send(gone)
    gone.end()
    scene.ctx.advance(300)
    assert ("a", 2) not in scene.passed
    assert scene.pipe.dropped == 1


def _ticket(scene: Scene, number: int) -> Ticket:
    request = Submit(command_id=number, aggregate=0, command=Deposit(amount=1))
    told = lambda ticket, stage, why: scene.told.append((ticket.key, stage, why))  # noqa: E731
    return Ticket(number, request, 0, 0, 1_000_000, scene.ctx.wait(), scene.ctx.wait(), told)
