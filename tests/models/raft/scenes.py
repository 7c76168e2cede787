"""Scenes in which one rule of Raft is all that stands between a group and a wrong answer.

Each plays a group of some kind of core to its end and returns whether it came about as meant; where
something goes wrong, the group's witness raises.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from models.raft.core import Raft
from models.raft.membership import Change, Step
from tests.models.raft.cluster import OPTIONS, Cluster, Member

Scene = Callable[[int, type[Raft]], bool]
#: Without check-quorum a cut-off leader stays one for good, so that only its lease says when to stop.
LEASED = replace(OPTIONS, lease=True, drift_bound=0.1, check_quorum=False)


def cut_off_leader(seed: int, kind: type[Raft]) -> bool:
    """A leader that nobody hears any more is asked to read while another is elected and commits."""
    cluster = Cluster(seed, kind=kind, options=LEASED, drift=0.1)
    leader = first_leader(cluster)
    cluster.sever([leader.me], list(cluster.members))
    return serve_until_another(cluster, leader)


def cut_off_after_transfer(seed: int, kind: type[Raft]) -> bool:
    """The same, just after it told another to stand."""
    cluster = Cluster(seed, kind=kind, options=LEASED, drift=0.1)
    leader = first_leader(cluster)
    cluster.advance(300)
    cluster.transfer(others(cluster, leader)[0].me)
    cluster.sever([leader.me], list(cluster.members), both_ways=False)
    cluster.cut = {(one, other) for one, other in cluster.cut if one != leader.me}
    for one in others(cluster, leader):
        cluster.cut.add((one.me, leader.me))
    cluster.advance(31)
    cluster.sever([leader.me], list(cluster.members))
    return serve_until_another(cluster, leader)


def restarted_voter(seed: int, kind: type[Raft]) -> bool:
    """One that the leader's lease rests on starts again and is asked at once for its vote."""
    cluster = Cluster(seed, kind=kind, options=LEASED, drift=0.1)
    leader = first_leader(cluster)
    voter, candidate = others(cluster, leader)
    cluster.sever([candidate.me], list(cluster.members))
    cluster.advance(2_000)
    cluster.cut = set()
    cluster.sever([leader.me], list(cluster.members))
    voter.crash()
    voter.start()
    for _ in range(10):
        candidate.core.campaign(candidate.clock())
        candidate.run()
        cluster.advance(50)
        cluster.propose()
        cluster.read()
    return serve_until_another(cluster, leader)


def overtaken_entry(seed: int, kind: type[Raft]) -> bool:
    """Figure 3.7: an entry of an earlier term is with a majority, and the next leader does not have it."""
    options = replace(OPTIONS, batch=1, window=1, held=0, pre_vote=False, check_quorum=False, stickiness=False)
    cluster = Cluster(seed, (1, 2, 3, 4, 5), kind=kind, options=options)
    cluster.slowest_flush = 2
    first = first_leader(cluster)
    second, third, fourth, fifth = others(cluster, first)
    cluster.advance(500)
    cluster.sever([third.me, fourth.me, fifth.me], [first.me, second.me])
    cluster.propose()
    cluster.advance(200)
    if not elect(cluster, fifth):
        return False
    cluster.sever([fifth.me], list(cluster.members))
    cluster.cut = {one for one in cluster.cut if fifth.me in one}
    cluster.sever([fourth.me], list(cluster.members))
    known = first.core.committed
    if not elect(cluster, first):
        return False
    for _ in range(500):
        cluster.advance(1)
        if third.last > known:
            break
    # It has the entry of the first term, and will not have what came to stand after it.
    came_about = third.last == known + 1
    cluster.sever([first.me], [third.me], both_ways=False)
    cluster.advance(50)
    cluster.sever([first.me], list(cluster.members))
    cluster.cut = {one for one in cluster.cut if first.me in one}
    for _ in range(10):
        fifth.core.campaign(fifth.clock())
        fifth.run()
        cluster.advance(100)
    cluster.must_serve()
    return came_about


def unknowing_leader(seed: int, kind: type[Raft]) -> bool:
    """A new leader has what was committed, and is asked to read before it can know that it was."""
    cluster = Cluster(seed, kind=kind, options=replace(OPTIONS, stickiness=False))
    leader = first_leader(cluster)
    cluster.propose()
    while leader.core.committed < leader.last:
        cluster.advance(1)
    cluster.sever([leader.me], list(cluster.members))
    successor = max(others(cluster, leader), key=lambda one: one.last)
    cluster.slowest_flush = 400
    elected = elect(cluster, successor)
    for _ in range(100):
        cluster.read()
        cluster.advance(5)
    return elected


def unflushed_leader(seed: int, kind: type[Raft]) -> bool:
    """As soon as the leader takes an entry for committed, all but one follower lose what they had not flushed."""
    cluster = Cluster(seed, kind=kind)
    cluster.slowest_flush = 400
    leader = first_leader(cluster)
    cluster.propose()
    for _ in range(400):
        cluster.advance(1)
        if leader.core.committed == leader.last:
            break
    last = leader.last
    holders = [one for one in others(cluster, leader) if one.core.log.durable == last]
    cluster.sever([holders[0].me], list(cluster.members))
    for one in others(cluster, holders[0]):
        del one.operations[one.safe :]
        one.crash()
        one.start()
    cluster.advance(5_000)
    cluster.propose()
    cluster.advance(1_000)
    cluster.must_serve()
    return True


def many_changes(seed: int, kind: type[Raft]) -> bool:
    """A leader with one follower of four is told to remove the other three."""
    cluster = Cluster(seed, (1, 2, 3, 4, 5), kind=kind, options=replace(OPTIONS, check_quorum=False))
    leader = first_leader(cluster)
    rest = [one.me for one in others(cluster, leader)[1:]]
    cluster.sever(rest, [one for one in cluster.members if one not in rest])
    for me in rest:
        leader.core.change(leader.clock(), Change(Step.REMOVE, me))
        leader.run()
    for _ in range(10):
        cluster.advance(500)
        cluster.propose()
    cluster.must_serve()
    return True


def change_before_commit(seed: int, kind: type[Raft]) -> bool:
    """Ongaro's counter-example of 2015: two leaders that begin with a change each, from memberships two steps apart."""
    cluster = Cluster(seed, (1, 2, 3, 4), (5,), kind=kind, options=replace(OPTIONS, stickiness=False))
    first = first_leader(cluster)
    first.core.change(first.clock(), Change(Step.ADD, 5))
    first.run()
    cluster.advance(500)
    cluster.sever([first.me], list(cluster.members))
    promoted = first.core.change(first.clock(), Change(Step.PROMOTE, 5))
    first.run()
    second, third, fourth, _ = others(cluster, first)
    elect(cluster, second)
    # What it wrote at its election may be with the fourth already; only what is not makes the scene.
    cluster.sever([fourth.me, 5], list(cluster.members))
    second.core.change(second.clock(), Change(Step.REMOVE, first.me))
    second.run()
    cluster.advance(300)
    cluster.cut = set()
    cluster.sever([second.me, third.me], [first.me, fourth.me, 5])
    for _ in range(20):
        first.core.campaign(first.clock())
        first.run()
        cluster.advance(100)
        cluster.propose()
    cluster.must_serve()
    return promoted is None


# -- what scenes are made of -----------------------------------------------------------------


def first_leader(cluster: Cluster) -> Member:
    """The first leader, with something committed."""
    while not cluster.leaders:
        cluster.advance(100)
    cluster.advance(300)
    cluster.propose()
    cluster.advance(600)
    return cluster.leaders[0]


def elect(cluster: Cluster, member: Member) -> bool:
    """Have a member stand until it leads a new term; returns whether it does."""
    before = member.core.term
    for _ in range(20):
        member.core.campaign(member.clock())
        member.run()
        for _ in range(20):
            cluster.advance(5)
            if member in cluster.leaders and member.core.term > before:
                return True
    return False


def others(cluster: Cluster, member: Member) -> list[Member]:
    return [one for one in cluster.members.values() if one is not member]


def serve_until_another(cluster: Cluster, leader: Member) -> bool:
    """Write and read wherever somebody takes itself for the leader; returns whether another came to lead."""
    for _ in range(200):
        cluster.advance(20)
        cluster.propose()
        cluster.read()
    return cluster.leaders[0] is not leader
