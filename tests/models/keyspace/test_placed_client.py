"""A client of the placed store: it asks by its routes, goes where it is sent, and keeps what it learns."""

from __future__ import annotations

from typing import Any

from models.clients import BankMix, Drawn, Workload
from models.detection import Fixed, Plan
from models.domains.bank_account import Deposit
from models.keyspace.client import PlacedClient
from models.keyspace.directory import Directory, Line
from models.keyspace.keys import KEY_END, pack_key
from models.keyspace.words import Rerouted, Routed, RouteQuery
from models.store.requests import Accepted, Submit
from sim.host import Wait
from sim.testing import FakeContext
from tests.models.keyspace.test_server import LEFT, RIGHT
from tests.models.keyspace.wired import locate

WORKLOAD = Workload(rate_per_s=1.0, accounts=4, ends_us=1)
KEY = pack_key(3, domain=1)
DONE = Accepted(command_id=1, version=1, told=1)


class Asked:
    """One attempt of a client, whose questions a test answers."""

    def __init__(self, client: PlacedClient, ctx: FakeContext, attempt: int = 0) -> None:
        self.ctx, self.client = ctx, client
        ctx.calls.clear()
        self.answer = Wait()
        request = Submit(command_id=1, aggregate=3, command=Deposit(amount=1))
        ctx.run(self._ask, request, attempt)

    def _ask(self, request: Submit, attempt: int) -> Any:
        answer = yield from self.client._ask(request, attempt, 500_000)
        self.answer.resolve(answer)

    def answered(self, message: Any) -> Any:
        """Answer the open question; returns whom it went to, and what it was."""
        ((whom, asked, wait),) = self.ctx.calls
        self.ctx.calls.clear()
        wait.resolve(message)
        return whom, asked


def client(detector: Plan | None = None) -> tuple[FakeContext, PlacedClient]:
    ctx = FakeContext()
    made = PlacedClient(
        ctx,
        WORKLOAD,
        share=1.0,
        first_id=1,
        mix=BankMix(WORKLOAD),
        directory=Directory((LEFT, RIGHT), Line(None), 2),
        domain=1,
        server_of=lambda number: locate(0, number),
        nearest=(locate(0, 2), locate(0, 0)),
        routes=4,
        detector=detector,
    )
    return ctx, made


def owned(why: str, *owners: int, version: int = 2) -> Rerouted:
    return Rerouted(why=why, version=version, owners=owners, begin=0, end=KEY_END)


def knowing(detector: Plan | None = None) -> tuple[FakeContext, PlacedClient]:
    """One that has a route to nodes 0 and 1."""
    ctx, made = client(detector)
    first = Asked(made, ctx)
    assert first.answered(owned("stale", 0, 1)) == (locate(0, 2), RouteQuery(point=KEY))
    whom, asked = first.answered(DONE)
    assert whom == locate(0, 0)
    assert isinstance(asked, Routed)
    assert (asked.version, asked.owners, asked.key) == (2, (0, 1), KEY)
    assert first.answer.value == DONE
    return ctx, made


def test_it_asks_for_a_route_once_and_then_by_it() -> None:
    ctx, made = knowing()
    again = Asked(made, ctx)
    assert again.answered(DONE)[0] == locate(0, 0)
    assert again.answer.value == DONE


def test_a_stale_route_is_replaced_and_the_right_server_asked_in_the_same_attempt() -> None:
    ctx, made = knowing()
    asked = Asked(made, ctx)
    asked.answered(owned("stale", 2, 0, version=3))
    whom, message = asked.answered(DONE)
    assert (whom, message.version, message.owners) == (locate(0, 2), 3, (2, 0))
    assert (made.refreshed, made.routes.stale) == (1, 1)


def test_one_that_is_behind_leaves_it_to_the_next_owner() -> None:
    ctx, made = knowing()
    asked = Asked(made, ctx)
    asked.answered(Rerouted(why="behind", version=1))
    assert asked.answered(DONE)[0] == locate(0, 1)


def test_where_data_are_still_to_come_it_asks_the_giver_for_this_once() -> None:
    ctx, made = knowing()
    asked = Asked(made, ctx)
    asked.answered(owned("coming", 2, version=3))
    assert asked.answered(DONE)[0] == locate(0, 2)
    assert [route.owners for route in made.routes.routes()] == [(0, 1)]


def test_who_is_sent_from_pillar_to_post_gives_up_the_attempt_without_effect() -> None:
    ctx, made = knowing()
    asked = Asked(made, ctx)
    for turn in range(5):
        asked.answered(owned("stale", turn % 2, version=3))
    assert asked.answer.value.reason == "no right route"


def test_a_route_whose_owners_are_all_silent_is_asked_for_anew() -> None:
    ctx, made = knowing()
    for attempt in (0, 1):
        asked = Asked(made, ctx, attempt)
        assert asked.answered(None)[0] == locate(0, attempt)
        assert asked.answer.value is None
    asked = Asked(made, ctx, 2)
    assert isinstance(asked.answered(owned("stale", 1))[1], RouteQuery)


def test_an_owner_that_its_detector_suspects_is_asked_after_the_others() -> None:
    ctx, made = knowing(Fixed(timeout_us=100_000))
    first = Asked(made, ctx)
    ctx.advance(200_000)
    assert first.answered(None)[0] == locate(0, 0)
    assert Asked(made, ctx).answered(DONE)[0] == locate(0, 1)
    ctx.advance(2_000_000)
    assert Asked(made, ctx).answered(DONE)[0] == locate(0, 0), "it is given another chance"


def test_where_all_owners_are_suspected_they_are_asked_in_turn_and_then_a_new_route_is() -> None:
    ctx, made = knowing(Fixed(timeout_us=100_000))
    for attempt in (0, 1):
        asked = Asked(made, ctx, attempt)
        ctx.advance(200_000)
        assert asked.answered(None)[0] == locate(0, attempt)
    assert isinstance(Asked(made, ctx, 2).answered(owned("stale", 1))[1], RouteQuery)


def test_if_nobody_tells_a_route_nothing_was_asked_and_nothing_happened() -> None:
    ctx, made = client()
    asked = Asked(made, ctx)
    assert asked.answered(None)[0] == locate(0, 2)
    asked.answered(None)
    assert asked.answer.value.reason == "no right route"


def test_a_whole_operation_is_recorded_as_any_clients_is() -> None:
    ctx, made = knowing()
    ctx.run(made._operate, 9, Drawn(3, Deposit(amount=1), "deposit", 1))
    ((_, _, wait),) = ctx.calls
    wait.resolve(DONE)
    assert [one.kind for one in ctx.operations] == ["invoke", "ok"]
