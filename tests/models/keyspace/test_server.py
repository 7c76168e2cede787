"""A tablet server: it judges routes, passes on what is right, spreads maps, and founds what the map gives it."""

from __future__ import annotations

from typing import Any

from models.keyspace.directory import Directory, Held, Line, Source
from models.keyspace.keys import KEY_END
from models.keyspace.server import TABLET, GroupConfig, ServerOptions, TabletServer
from models.keyspace.words import (
    Coming,
    Gossip,
    Have,
    Heard,
    Hold,
    MapIs,
    MapQuery,
    NotHere,
    Report,
    Rerouted,
    Routed,
    RouteQuery,
)
from models.store.requests import Accepted, Submit
from sim.testing import FakeContext
from sim.topology import at_service
from tests.models.keyspace.wired import HALF, host, locate
from tests.models.shards import deposit

MASTER = at_service(host(80), "master")
LEFT = Held(begin=0, end=HALF, group=1, owners=(0, 1), version=2)
RIGHT = Held(begin=HALF, end=KEY_END, group=2, owners=(1, 2), version=2)
#: The right half went to nodes 2 and 0.
MOVED = Held(
    begin=HALF,
    end=KEY_END,
    group=3,
    owners=(2, 0),
    version=3,
    sources=(Source(begin=HALF, end=KEY_END, group=2, owners=(1, 2)),),
)
NEWER = MapIs(version=3, held=(LEFT, MOVED))
DONE = Accepted(command_id=7, version=1, told=1)


def server(number: int = 0, ctx: FakeContext | None = None, sure: bool = True) -> tuple[FakeContext, TabletServer]:
    ctx = ctx or FakeContext(locate(0, number))
    peers = tuple(locate(0, other) for other in range(3) if other != number)
    directory = Directory((LEFT, RIGHT), Line(None), 2)
    made = TabletServer(ctx, number, directory, ServerOptions(masters=(MASTER,)), locate, peers)
    ctx.start(made)
    ctx.advance(1)
    if sure and called(ctx, Report):
        answer(ctx, Report, Heard(version=made.directory.version))
        ctx.advance(1)
    return ctx, made


def routed(owners: tuple[int, ...], key: int = 5, version: int = 2) -> Routed:
    return Routed(version=version, owners=owners, key=key, request=deposit(7))


def called(ctx: FakeContext, kind: type) -> list[Any]:
    return [call for call in ctx.calls if isinstance(call[1], kind)]


def answer(ctx: FakeContext, kind: type, value: Any) -> Any:
    """Answer the oldest open call of a kind; returns whom it asked."""
    call = called(ctx, kind)[0]
    ctx.calls.remove(call)
    call[2].resolve(value)
    return call[0]


def test_what_came_by_a_right_route_is_passed_on_to_the_member_here() -> None:
    ctx, made = server()
    reply = ctx.deliver(made, routed((0, 1)))
    assert answer(ctx, Submit, DONE) == locate(1, 0)
    assert reply.value == DONE


def test_who_comes_by_an_old_route_is_told_the_new_one() -> None:
    ctx, made = server(1)
    ctx.deliver(made, MapIs(version=3, held=(LEFT, Held(begin=HALF, end=KEY_END, group=3, owners=(2, 0), version=3))))
    reply = ctx.deliver(made, routed((1, 2), HALF))
    assert reply.value == Rerouted(why="stale", version=3, owners=(2, 0), begin=HALF, end=KEY_END)
    assert made.stale == 1


def test_a_stale_route_to_a_member_is_left_to_the_member() -> None:
    """Its group's log says whether the key is still there; only where it is gone is the asker sent on."""
    ctx, made = server()
    reply = ctx.deliver(made, routed((2, 0), version=1))
    assert answer(ctx, Submit, DONE) == locate(1, 0)
    assert (reply.value, made.stale) == (DONE, 0)
    reply = ctx.deliver(made, routed((2, 0), version=1))
    answer(ctx, Submit, NotHere(command_id=7, reason="moved", version=3, owners=(2, 1), begin=0, end=HALF))
    assert reply.value == Rerouted(why="stale", version=3, owners=(2, 1), begin=0, end=HALF)


def test_one_whose_map_is_older_than_the_route_says_so_and_catches_up() -> None:
    ctx, made = server(0)
    reply = ctx.deliver(made, routed((2, 0), HALF, version=3))
    assert reply.value == Rerouted(why="behind", version=2)
    ctx.advance(1)
    assert answer(ctx, MapQuery, NEWER) == MASTER
    assert made.directory.version == 3


def test_while_data_are_on_their_way_it_sends_to_where_they_are() -> None:
    ctx, made = server(0)
    ctx.deliver(made, NEWER)
    reply = ctx.deliver(made, routed((2, 0), HALF, version=3))
    assert reply.value == Rerouted(why="coming", version=3, owners=(1, 2), begin=HALF, end=KEY_END)


def test_one_that_is_giver_and_taker_asks_both_members() -> None:
    ctx, made = server(2)
    ctx.deliver(made, NEWER)
    ctx.advance(1)
    call = next(call for call in called(ctx, Hold) if call[0] == locate(3, 2))
    ctx.calls.remove(call)
    call[2].resolve(Have(version=3, complete=False, leads=True))
    reply = ctx.deliver(made, routed((2, 0), HALF, version=3))
    gone = NotHere(command_id=7, reason="moved", version=3, owners=(2, 0), begin=HALF, end=KEY_END)
    assert answer(ctx, Submit, gone) == locate(2, 2), "the giver first, as long as it may have it"
    assert answer(ctx, Submit, Coming(command_id=7, reason="not here yet")) == locate(3, 2)
    assert isinstance(reply.value, Coming), "for a moment neither has it"


def test_a_log_that_knows_of_a_later_decision_than_the_map_is_believed() -> None:
    ctx, made = server(1)
    reply = ctx.deliver(made, routed((1, 2), HALF))
    answer(ctx, Submit, NotHere(command_id=7, reason="moved", version=3, owners=(2, 0), begin=HALF, end=KEY_END))
    assert reply.value == Rerouted(why="stale", version=3, owners=(2, 0), begin=HALF, end=KEY_END)
    ctx.advance(1)
    assert answer(ctx, MapQuery, NEWER) == locate(0, 2)
    assert made.directory.version == 3


def test_a_map_that_is_not_newer_changes_nothing() -> None:
    ctx, made = server()
    ctx.deliver(made, NEWER)
    ctx.deliver(made, MapIs(version=2, held=(LEFT, RIGHT)))
    ctx.deliver(made, MapIs(version=3, held=(LEFT, RIGHT)))
    assert made.directory.held == (LEFT, MOVED)


def test_the_next_life_begins_with_the_map_of_the_last() -> None:
    ctx, made = server()
    ctx.deliver(made, NEWER)
    ctx.advance(5_000)
    _, again = server(0, ctx.power_loss())
    assert again.directory.version == 3


def test_of_two_servers_that_gossip_the_older_map_gives_way() -> None:
    ctx, made = server()
    ctx.deliver(made, NEWER)
    ctx.sent.clear()
    ctx.deliver(made, Gossip(version=2), locate(0, 1))
    assert ctx.sent[-1] == (locate(0, 1), NEWER)
    ctx.deliver(made, Gossip(version=4), locate(0, 1))
    ctx.advance(1)
    assert [call[0] for call in called(ctx, MapQuery)] == [locate(0, 1)]


def test_it_founds_the_members_that_the_map_gives_it_and_those_that_still_have_to_give() -> None:
    ctx, made = server(2)
    assert [config for _, _, config, _ in ctx.provisioned] == [GroupConfig(group=2, owners=(1, 2))]
    ctx.deliver(made, NEWER)
    ctx.advance(1)
    asked = [(at, template, config) for at, template, config, _ in ctx.provisioned]
    assert asked[1:] == [(host(2), TABLET, GroupConfig(group=3, owners=(2, 0)))]


def test_one_that_could_not_be_founded_is_asked_for_again() -> None:
    ctx, _ = server(2)
    ctx.provisioned[0][3].resolve(None)
    ctx.advance(300_000)
    assert [config for _, _, config, _ in ctx.provisioned] == [GroupConfig(group=2, owners=(1, 2))] * 2


def test_it_reports_what_was_asked_for_and_what_is_complete() -> None:
    ctx, made = server()
    for call in called(ctx, Hold):
        ctx.calls.remove(call)
        call[2].resolve(Have(version=2, complete=True, leads=True))
    ctx.calls.clear()
    for _ in range(3):
        ctx.deliver(made, routed((0, 1)))
    ctx.advance(250_000)
    report = called(ctx, Report)[-1][1]
    assert (report.asked, report.hot, report.complete) == (((0, 3),), ((5, 3),), ((1, 2),))
    assert report.window_us == 250_000


def test_it_tells_who_owns_a_point() -> None:
    ctx, made = server()
    assert ctx.deliver(made, RouteQuery(point=HALF)).value == Rerouted(
        why="stale", version=2, owners=(1, 2), begin=HALF, end=KEY_END
    )


def test_one_that_knows_no_map_but_the_first_founds_nothing_until_it_hears_of_the_master() -> None:
    ctx, _ = server(2, sure=False)
    ctx.advance(1_000_000)
    assert ctx.provisioned == []
    assert called(ctx, Hold) == []
    called(ctx, Report)[-1][2].resolve(Heard(version=2))
    ctx.advance(1)
    assert [config for _, _, config, _ in ctx.provisioned] == [GroupConfig(group=2, owners=(1, 2))]


def test_one_that_lost_its_disk_does_not_go_by_the_first_map() -> None:
    ctx, made = server(2)
    ctx.deliver(made, NEWER)
    ctx.advance(5_000)
    later, again = server(2, ctx.disk_loss(), sure=False)
    assert called(later, Hold) == []
    answer(later, Report, NEWER)
    later.advance(1)
    assert again.directory.version == 3
    assert {call[1].version for call in called(later, Hold)} == {3}
