"""The master: the sum of its decisions, whatever became of its lives."""

from __future__ import annotations

from typing import Any

from models.domains.bank_account import BankAccount
from models.keyspace.directory import Line
from models.keyspace.keys import KEY_END
from models.keyspace.mastering import DECISIONS, Master, MasterOptions, Step
from models.keyspace.ring import Ring
from models.keyspace.words import Heard, MapIs, MapQuery, Report, RouteQuery
from models.raft.deployment import raft_scheme
from models.raft.options import RaftOptions
from models.raft.plan import RaftPlan
from models.store.options import MemberOptions
from sim.testing import FakeContext
from tests.models.keyspace.spaces import nodes, tablets_of

NODES = nodes(4)
FIRST = tablets_of(4, NODES[:3], 2)
BY_NUMBER = {node.number: node for node in NODES}


def master(ctx: FakeContext, placement: Any = None, *, heard: bool = True, **options: Any) -> Master:
    start = tablets_of(4, NODES[:3], 2)
    first = start if start.version >= 4 else type(start)(start.tablets, start.members, version=4)
    made = Master(
        ctx,
        MemberOptions(number=1, shard=0, home=1, scheme=raft_scheme(1, 1, "host")),
        BankAccount(),
        plan=RaftPlan(founders=(1,), raft=RaftOptions(election_us=200_000)),
        tablets=first,
        line=Line(None),
        deciding=MasterOptions(quiet_us=1, **options),
        nodes=BY_NUMBER,
        n=2,
        placement=placement,
    )
    ctx.start(made)
    if heard:
        for number in range(len(NODES)):
            ctx.deliver(made, report(number))
    return made


def report(server: int = 0, version: int = 4, **more: Any) -> Report:
    fields = {"window_us": 1_000_000, "asked": (), "hot": (), "complete": ()}
    return Report(server=server, version=version, **(fields | more))


def writing(ctx: FakeContext) -> Master:
    """A master that has written its first decision, not durably yet."""
    made = master(ctx, steps=(Step(0, NODES[3], True),), tick_us=1_000)
    while made.streams.get(DECISIONS) is None:
        ctx.advance(200)
        assert ctx.mono_us() < 100_000
    return made


def test_a_decision_is_durable_before_anybody_hears_of_it() -> None:
    ctx = FakeContext(flush_us=5_000)
    made = writing(ctx)
    assert made.state.directory.version == 4, "it is being written down"
    assert ctx.deliver(made, report()).value == Heard(version=4)
    ctx.advance(5_500)
    assert ctx.deliver(made, report()).value == MapIs(version=5, held=made.state.directory.held)


def test_the_next_life_knows_what_the_last_decided() -> None:
    ctx = FakeContext()
    made = master(ctx, steps=(Step(0, NODES[3], True), Step(600_000, NODES[0], False)), most_moving=1)
    ctx.advance(5_000_000)
    assert made.state.directory.version > 5
    later = ctx.power_loss()
    again = master(later, most_moving=1)
    later.advance(700_000)
    assert again.state.directory.held == made.state.directory.held
    assert (again.state.tablets, again.state.leaving) == (made.state.tablets, made.state.leaving)


def test_what_was_not_durable_was_not_decided() -> None:
    ctx = FakeContext(flush_us=5_000)
    writing(ctx)
    later = ctx.power_loss()
    again = master(later)
    later.advance(1)
    assert again.streams.get(DECISIONS) is None


def test_nothing_more_moves_until_what_moves_has_arrived() -> None:
    ctx = FakeContext()
    made = master(ctx, steps=(Step(0, NODES[0], False),), most_moving=1)
    ctx.advance(3_000_000)
    moving = [one for one in made.state.directory.held if one.sources]
    assert len(moving) == 1
    ctx.deliver(made, report(complete=((moving[0].group, moving[0].version),)))
    ctx.advance(500_000)
    assert len([one for one in made.state.directory.held if one.sources]) == 2


def test_who_left_is_none_of_the_nodes() -> None:
    ctx = FakeContext()
    made = master(ctx, steps=(Step(0, NODES[0], False),), most_moving=9)
    for _ in range(10):
        ctx.advance(500_000)
        ctx.deliver(made, report(complete=tuple((one.group, one.version) for one in made.state.directory.held)))
    assert made.state.tablets.nodes == (1, 2)
    assert 0 not in made.state.directory.nodes


def test_who_joined_and_left_does_not_join_again() -> None:
    ctx = FakeContext()
    made = master(ctx, steps=(Step(0, NODES[3], True), Step(1_000_000, NODES[3], False)), most_moving=9)
    for _ in range(10):
        ctx.advance(500_000)
        ctx.deliver(made, report(complete=tuple((one.group, one.version) for one in made.state.directory.held)))
    taken = made.state.taken
    assert (taken["joined"], taken["leaving"], taken["left"]) == (1, 1, 1)
    assert made.state.tablets.nodes == (0, 1, 2)


def test_a_hot_tablet_is_split_by_what_servers_report() -> None:
    ctx = FakeContext()
    made = master(ctx, heard=False, split_above=50.0)
    for server in (2, 3):
        ctx.deliver(made, report(server))
    ctx.deliver(made, report(asked=((0, 60),), hot=((10, 30), (20, 30))))
    ctx.deliver(made, report(1, asked=((KEY_END // 4, 40),), hot=((KEY_END // 4, 40),)))
    ctx.advance(600_000)
    assert [one.begin for one in made.state.directory.held][:3] == [0, 10, KEY_END // 4]


def test_a_placement_decides_where_partitions_go_when_a_node_joins() -> None:
    ring = Ring(NODES[:3], vnodes=16)
    ctx = FakeContext()
    made = master(ctx, ring, steps=(Step(0, NODES[3], True),), most_moving=9)
    for _ in range(4):
        ctx.advance(500_000)
        ctx.deliver(made, report(complete=tuple((one.group, one.version) for one in made.state.directory.held)))
    joined = ring.join(NODES[3])
    assert [one.owners for one in made.state.directory.held] == [joined.owners(part, 2) for part in range(4)]


def test_one_that_lost_its_disk_takes_the_newest_map_of_a_server() -> None:
    ctx = FakeContext()
    made = master(ctx, steps=(Step(0, NODES[3], True), Step(0, NODES[0], False)), most_moving=2)
    ctx.advance(3_000_000)
    newest = ctx.deliver(made, MapQuery(version=4)).value
    later = ctx.disk_loss()
    again = master(later)
    later.advance(300_000)
    assert later.deliver(again, report(version=newest.version)).value == Heard(version=4)
    later.deliver(again, newest)
    later.advance(500_000)
    assert again.state.directory.version == newest.version
    assert again.state.directory.held == newest.held


def test_who_knows_what_it_decided_decides_once_most_servers_have_said_that_they_know_of_no_newer_map() -> None:
    ctx = FakeContext()
    made = master(ctx, steps=(Step(0, NODES[3], True), Step(0, NODES[0], False)), most_moving=1)
    ctx.advance(3_000_000)
    version = made.state.directory.version
    later = ctx.power_loss()
    again = master(later, heard=False, steps=(Step(0, NODES[1], False),), most_moving=3)
    for server, known in ((0, version), (1, version), (2, version + 9)):
        later.deliver(again, report(server, known))
        later.advance(2_000_000)
        assert again.state.leaving == [0]
    later.deliver(again, report(3, version))
    later.advance(500_000)
    assert again.state.leaving == [0, 1]


def test_one_that_may_have_forgotten_decides_nothing_before_every_server_has_said_what_it_knows() -> None:
    ctx = FakeContext()
    made = master(ctx, steps=(Step(0, NODES[3], True),), most_moving=2)
    ctx.advance(3_000_000)
    newest = ctx.deliver(made, MapQuery(version=4)).value
    later = ctx.disk_loss()
    again = master(later, heard=False, steps=(Step(0, NODES[3], True), Step(0, NODES[0], False)))
    for server in (0, 1, 2):
        later.deliver(again, report(server))
        later.advance(2_000_000)
        assert again.state.directory.version == 4, "the one that heard what was decided may be cut off still"
    later.deliver(again, report(3, newest.version))
    later.advance(2_000_000)
    assert again.state.directory.version == 4, "it has said that there is a newer map, and not yet which"
    later.deliver(again, newest)
    later.advance(500_000)
    assert again.state.taken["adopted"] == 1
    assert again.state.taken["joined"] == 0, "who has joined by that map need not join again"
    assert again.state.directory.version > newest.version
    assert again.state.leaving == [0]


def test_it_answers_who_asks_for_a_route_and_who_has_its_map_already() -> None:
    ctx = FakeContext()
    made = master(ctx)
    ctx.advance(300_000)
    assert ctx.deliver(made, MapQuery(version=4)).value is None
    assert ctx.deliver(made, report()).value == Heard(version=4)
    found = ctx.deliver(made, RouteQuery(point=5)).value
    assert (found.owners, found.begin, found.end) == (made.state.directory.at(5).owners, 0, KEY_END // 4)
