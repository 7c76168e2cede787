"""One node, and several in small worlds: what is flushed, refused, handed over, compared, refilled and dropped."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from models.driver import Ask, Reply
from models.keyspace import key_space
from models.quorum import Node, Preference, QuorumOptions
from models.quorum.deployment import NODE, node_placements
from models.quorum.hints import Hints
from models.quorum.messages import Confirm, Forget, Held, Query, Store, Stored
from models.quorum.versions import NOTHING, Cell, Dot, make
from sim.faults import Fault
from sim.host import HostOptions
from sim.latency import uniform
from sim.testing.fake import FakeContext
from sim.topology import at_service, grid, pack_location
from sim.world import World

BASE = QuorumOptions(patience_us=20_000, handoff_every_us=50_000, anti_entropy_every_us=100_000)
NODES = tuple(at_service(pack_location(1, 1, host), "node") for host in range(1, 4))
SPACE = key_space(grid(["r"], clusters=1, hosts=3, cores=1), placement="rendezvous")
PREFERENCE = Preference(SPACE, 3)


def cell(value: int, *, stamp: int = 1, dead: bool = False) -> Cell:
    return make(Dot(9, value), stamp, value, dead=dead)


def alone(ctx: FakeContext, **options: Any) -> Node:
    node = Node(ctx, NODES, replace(BASE, anti_entropy_every_us=0, **options), PREFERENCE, 0)
    ctx.start(node)
    return node


def whole(ctx: FakeContext, **options: Any) -> Node:
    node = alone(ctx, **options)
    ctx.run(node.become_whole)
    ctx.advance(5_000)
    return node


def test_what_is_acknowledged_is_on_the_disk_and_survives_a_power_loss() -> None:
    ctx = FakeContext(flush_us=1_000)
    node = whole(ctx)
    stored = ctx.deliver(node, Store(key=1, cell=cell(5)))
    assert not stored.done
    ctx.advance(1_001)
    assert stored.value == Stored()
    ctx.deliver(node, Store(key=2, cell=cell(6)))
    born = ctx.power_loss(torn=True)
    again = alone(born)
    assert again.whole
    assert again.cells == {1: cell(5)}, "the second was never flushed, and its torn record goes"


def test_what_is_told_is_on_the_disk_first() -> None:
    ctx = FakeContext(flush_us=1_000)
    node = whole(ctx)
    ctx.deliver(node, Store(key=1, cell=cell(5)))
    held = ctx.deliver(node, Query(key=1))
    assert not held.done
    ctx.advance(2_001)
    assert held.value == Held(cell=cell(5))
    assert ctx.deliver(node, Query(key=1)).value == Held(cell=cell(5)), "now at once"


def test_what_comes_while_a_flush_runs_is_not_told_at_its_end() -> None:
    ctx = FakeContext(flush_us=1_000)
    node = whole(ctx)
    ctx.deliver(node, Store(key=1, cell=cell(5)))
    ctx.advance(500)
    asked = [ctx.deliver(node, kind(key=1)) for kind in (Query, Confirm)]
    stamp = 2
    while not all(wait.done for wait in asked):
        assert ctx.mono_us() < 20_000
        ctx.deliver(node, Store(key=1, cell=cell(stamp, stamp=stamp)))
        ctx.advance(100)
        stamp += 1
    told = [wait.value.cell for wait in asked]
    again = alone(ctx.power_loss())
    assert [again.merge(again.cells[1], held) for held in told] == [again.cells[1]] * 2


def test_a_tombstone_that_another_overtakes_while_it_is_flushed_stays() -> None:
    ctx = FakeContext(flush_us=50_000)
    node = whole(ctx, grace_us=1_000_000, hint_window_us=500_000)
    ctx.deliver(node, Store(key=1, cell=cell(5, dead=True)))
    second = cell(6, stamp=9, dead=True)
    for _ in range(1_000):
        ctx.advance(1_000)
        if ctx.mono_us() > 1_000_000 and node.flushing == {} and node.cells[1] != second:
            ctx.deliver(node, Store(key=1, cell=second))
    ctx.advance(300_000)
    assert node.cells == {1: second}
    assert not any(isinstance(call[1], Confirm) for call in ctx.calls), "its own grace has just begun"


def test_an_older_version_changes_nothing_and_is_acknowledged() -> None:
    ctx = FakeContext(flush_us=10)
    node = whole(ctx)
    ctx.deliver(node, Store(key=1, cell=cell(5, stamp=9)))
    ctx.advance(11)
    again = ctx.deliver(node, Store(key=1, cell=cell(4, stamp=8)))
    ctx.advance(11)
    assert again.value == Stored()
    assert node.cells[1] == cell(5, stamp=9)


def test_an_empty_disk_takes_versions_and_answers_no_query() -> None:
    ctx = FakeContext(flush_us=10)
    node = whole(ctx)
    ctx.deliver(node, Store(key=1, cell=cell(5)))
    ctx.advance(11)
    born = ctx.disk_loss()
    again = alone(born)
    assert not again.whole
    stored = born.deliver(again, Store(key=2, cell=cell(6)))
    born.advance(11)
    assert stored.value == Stored()
    assert born.deliver(again, Query(key=2)).value is None
    assert born.deliver(again, Confirm(key=2)).value is None
    assert born.deliver(again, Ask(op=1, f="read", key=2, client="audit/0")).value is None


def test_the_log_is_cut_down_to_what_is_held() -> None:
    ctx = FakeContext(flush_us=10)
    node = whole(ctx)
    for stamp in range(1_100):
        ctx.deliver(node, Store(key=1, cell=cell(5, stamp=stamp)))
        ctx.advance(11)
    ctx.advance(100)
    assert len(ctx.disk.read("cells")) < 100
    assert alone(ctx.power_loss()).cells == {1: cell(5, stamp=1_099)}


def test_hints_have_limits_of_count_and_age_and_both_are_counted() -> None:
    ctx = FakeContext(flush_us=10)
    hints = Hints(ctx.disk, 2, 1_000)
    assert [hints.take(1, key, cell(key), 100 * key) for key in (1, 2, 3)] == [True, True, False]
    assert (len(hints), hints.refused) == (2, 1)
    assert hints.drop_old(1_100) == 1
    assert (len(hints), hints.dropped) == (1, 1)
    again = Hints(ctx.disk, 2, 1_000)
    again.recall(ctx.disk.read("hints"))
    assert [hint.key for hint in again.by_home()[1]] == [2]
    again.delivered(again.by_home()[1][0])
    assert (len(again), again.handed) == (0, 1)


def test_a_hint_is_acknowledged_when_it_is_on_the_disk_and_shown_to_who_asks_in_its_replicas_stead() -> None:
    ctx = FakeContext(flush_us=10)
    node = Node(ctx, NODES, replace(BASE, n=1, anti_entropy_every_us=0), Preference(SPACE, 1), 0)
    ctx.start(node)
    ctx.run(node.become_whole)
    key = next(key for key in range(50) if node.preference.homes(key) != (0,))
    ctx.advance(100)
    stored = ctx.deliver(node, Store(key=key, cell=cell(5), hint_for=1))
    assert not stored.done
    ctx.advance(11)
    assert stored.value == Stored()
    assert ctx.deliver(node, Query(key=key)).value == Held(cell=cell(5))
    assert node.cells == {}


def buried(ctx: FakeContext) -> Node:
    node = whole(ctx, grace_us=1_000_000, hint_window_us=500_000)
    ctx.deliver(node, Store(key=1, cell=cell(5, dead=True)))
    while not any(isinstance(call[1], Confirm) for call in ctx.calls):
        assert ctx.mono_us() < 1_500_000
        ctx.advance(1_000)
    assert ctx.mono_us() > 1_000_000
    return node


def confirm(ctx: FakeContext, *answers: Cell | None) -> None:
    for answer in answers:
        at = next(index for index, call in enumerate(ctx.calls) if isinstance(call[1], Confirm))
        ctx.answer(None if answer is None else Held(cell=answer), at)


def test_a_tombstone_goes_after_its_grace_once_every_replica_has_it_or_nothing() -> None:
    ctx = FakeContext(flush_us=10)
    node = buried(ctx)
    confirm(ctx, cell(5, dead=True), NOTHING)
    assert (node.cells, node.purged) == ({}, 1)
    assert sum(isinstance(msg, Forget) for _, msg in ctx.sent) == 2


def test_a_tombstone_stays_while_a_replica_is_silent_or_holds_something_else() -> None:
    for answer in (None, cell(4)):
        ctx = FakeContext(flush_us=10)
        node = buried(ctx)
        confirm(ctx, cell(5, dead=True), answer)
        assert node.cells == {1: cell(5, dead=True)}


def test_a_second_deletion_has_a_grace_of_its_own() -> None:
    ctx = FakeContext(flush_us=10)
    node = whole(ctx, grace_us=1_000_000, hint_window_us=500_000)
    ctx.deliver(node, Store(key=1, cell=cell(5, dead=True)))
    ctx.advance(900_000)
    # It missed what was written in between.
    ctx.deliver(node, Store(key=1, cell=cell(6, stamp=9, dead=True)))
    ctx.advance(900_000)
    assert not any(isinstance(call[1], Confirm) for call in ctx.calls)


# -- several nodes ---------------------------------------------------------------------------


def world(options: QuorumOptions, *faults: Fault, hosts: int = 3) -> World:
    topology = grid(["r"], clusters=1, hosts=hosts, cores=0, clients=1)
    made = World(
        topology=topology,
        latency=uniform(["r"], between_regions_rtt_us=0, within_cluster_rtt_us=1_000),
        hosts=HostOptions(flush_us_min=100, flush_us_max=100),
        seed=1,
        faults=faults,
    )
    for placement in node_placements(topology, options):
        made.place(placement)
    return made


def node_of(made: World, number: int) -> Node:
    found: Any = made.service(at_service(made.topology.hosts[number].location, NODE))
    assert isinstance(found, Node)
    return found


def give(made: World, number: int, key: int, held: Cell) -> None:
    """A version that this node alone has, on its disk."""
    node = node_of(made, number)
    node.ctx.disk.append("cells", (key, held))
    node._know(key, held)


def test_nodes_that_differ_in_a_few_keys_exchange_those_and_little_else() -> None:
    made = world(BASE)
    made.run(50_000)
    assert all(node_of(made, number).whole for number in range(3)), "new disks have nothing to wait for"
    for key in range(500):
        for number in range(3):
            give(made, number, key, cell(5))
    give(made, 0, 7, cell(6, stamp=2))
    give(made, 1, 8, cell(7, stamp=3))
    made.run(1_500_000)
    nodes = [node_of(made, number) for number in range(3)]
    assert nodes[0].cells == nodes[1].cells == nodes[2].cells
    assert nodes[0].cells[7] == cell(6, stamp=2)
    assert nodes[0].cells[8] == cell(7, stamp=3)
    assert sum(node.shipped for node in nodes) <= 2 * 2 * 3, "each difference once or twice, both ways"
    # Some 40 comparisons: a hash each where nothing differs, two steps of sixteen and a range where something does.
    assert sum(node.compared for node in nodes) < 500
    made.network.check_conservation()


#: A node finds out when it touches its disk; here its process dies besides.
LOST = tuple(
    Fault(id=kind, kind=kind, targets=("r/c1/h1",), at=200_000, for_us=100_000, params={})
    for kind in ("disk-loss", "process-crash")
)


def test_a_page_at_a_time_a_disk_is_filled_before_its_node_answers() -> None:
    made = world(BASE, *LOST)
    made.run(100_000)
    for key in range(1_500):
        for number in range(3):
            give(made, number, key, cell(5))
    made.run(300_050)
    assert not node_of(made, 0).whole
    made.run(2_000_000)
    assert node_of(made, 0).whole
    assert len(node_of(made, 0).cells) == 1_500


def test_a_disk_is_not_whole_while_a_node_that_may_hold_the_rest_is_out_of_reach() -> None:
    away = Fault(id="a", kind="partition-full", targets=("r/c1/h3",), at=150_000, for_us=850_000, params={})
    made = world(BASE, *LOST, away)
    made.run(100_000)
    give(made, 2, 3, cell(5))  # acknowledged by the first and the third, say
    made.run(900_000)
    assert not node_of(made, 0).whole
    made.run(2_000_000)
    assert node_of(made, 0).whole
    assert node_of(made, 0).cells == {3: cell(5)}


def lost(*hosts: int, at: int = 200_000) -> list[Fault]:
    kinds = ("disk-loss", "process-crash")
    return [
        Fault(id=f"{kind}-{host}", kind=kind, targets=(f"r/c1/h{host}",), at=at, for_us=100_000, params={})
        for host in hosts
        for kind in kinds
    ]


def away(host: int, for_us: int) -> Fault:
    return Fault(id="away", kind="partition-full", targets=(f"r/c1/h{host}",), at=150_000, for_us=for_us, params={})


def test_two_empty_disks_say_nothing_to_each_other() -> None:
    made = world(replace(BASE, r=1, w=3), *lost(1, 2), away(3, 1_000_000))
    made.run(100_000)
    for number in range(3):
        give(made, number, 3, cell(5))
    made.run(1_100_000)
    assert [node_of(made, number).whole for number in range(3)] == [False, False, True]
    made.run(3_000_000)
    assert [node_of(made, number).whole for number in range(3)] == [True] * 3
    assert [node_of(made, number).cells for number in range(3)] == [{3: cell(5)}] * 3


def test_where_more_disks_are_lost_than_a_write_survives_what_is_left_is_taken_and_nobody_waits_for_ever() -> None:
    made = world(BASE, *lost(1, 2))
    made.run(100_000)
    give(made, 2, 3, cell(5))
    made.run(3_000_000)
    assert [node_of(made, number).whole for number in range(3)] == [True] * 3
    assert [node_of(made, number).cells for number in range(3)] == [{3: cell(5)}] * 3


def test_a_store_that_lost_every_disk_begins_anew() -> None:
    made = world(replace(BASE, r=1, w=3), *lost(1, 2, 3))
    made.run(3_000_000)
    assert [node_of(made, number).whole for number in range(3)] == [True] * 3


def test_a_founder_that_dies_before_it_has_compared_itself_is_no_empty_disk() -> None:
    dies = Fault(id="d", kind="process-crash", targets=("r/c1/h1",), at=1_000, for_us=10_000, params={})
    made = world(replace(BASE, r=1, w=3), dies, replace(away(3, 3_000_000), at=500))
    made.run(100_000)
    assert node_of(made, 0).whole


def test_a_hint_is_handed_over_when_its_replica_is_back() -> None:
    away = Fault(id="a", kind="process-crash", targets=("r/c1/h1",), at=100_000, for_us=500_000, params={})
    made = world(replace(BASE, n=2, anti_entropy_every_us=0), away)
    made.run(90_000)
    node = node_of(made, 1)
    node.hints.take(0, 3, cell(5), 0)
    made.run(500_000)
    assert (len(node.hints), node.hints.handed) == (1, 0)
    made.run(1_500_000)
    assert (len(node.hints), node.hints.handed) == (0, 1)
    assert node_of(made, 0).cells == {3: cell(5)}


def test_a_tombstone_is_dropped_everywhere_at_once() -> None:
    made = world(replace(BASE, grace_us=400_000, hint_window_us=300_000))
    made.run(50_000)
    for number in range(3):
        give(made, number, 3, cell(5, dead=True))
    made.run(3_000_000)
    assert [node_of(made, number).cells for number in range(3)] == [{}, {}, {}]
    assert sum(node_of(made, number).purged for number in range(3)) >= 1


def test_an_audit_is_answered_from_what_the_node_itself_holds() -> None:
    ctx = FakeContext(flush_us=10)
    node = whole(ctx)
    ctx.deliver(node, Store(key=1, cell=cell(5)))
    ctx.advance(11)
    assert ctx.deliver(node, Ask(op=1, f="read", key=1, client="audit/0")).value == Reply(op=1, value=5)
