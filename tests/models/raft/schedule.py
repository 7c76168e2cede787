"""What may befall a Raft group, as a list of actions that hypothesis or a seed makes up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from models.raft.membership import Change, Membership, Step
from tests.models.raft.cluster import Cluster, Member

#: What is done, and two numbers that say to whom and how much.
Action = tuple[str, int, int]


def propose(cluster: Cluster, member: Member, n: int) -> None:
    """Every leader is asked to append, and what was committed before must be in what it answers to a read."""
    cluster.propose(1 + n % 5)
    cluster.advance(n)
    cluster.read()


def read(cluster: Cluster, member: Member, n: int) -> None:
    cluster.read()


def wait(cluster: Cluster, member: Member, n: int) -> None:
    cluster.advance(50 * n)


def isolate(cluster: Cluster, member: Member, n: int) -> None:
    cluster.sever([member.me], list(cluster.members))


def pair_off(cluster: Cluster, member: Member, n: int) -> None:
    """One keeps one other, the rest keep each other."""
    others = [one for one in cluster.members if one != member.me]
    friend = others[n % len(others)]
    cluster.sever([member.me, friend], [one for one in others if one != friend])


def bridge(cluster: Cluster, member: Member, n: int) -> None:
    """Everybody talks to one only."""
    others = [one for one in cluster.members if one != member.me]
    cluster.sever(others, others)


def deafen(cluster: Cluster, member: Member, n: int) -> None:
    cluster.sever(list(cluster.members), [member.me], both_ways=False)


def heal(cluster: Cluster, member: Member, n: int) -> None:
    cluster.cut = set()


def crash(cluster: Cluster, member: Member, n: int) -> None:
    """A short stop, or a long one."""
    if member.up:
        member.crash()
        if n % 2:
            cluster.advance(n)
            member.start()


def start(cluster: Cluster, member: Member, n: int) -> None:
    for one in cluster.members.values():
        if not one.up:
            one.start()


def strand(cluster: Cluster, member: Member, n: int) -> None:
    """A leader writes what nobody else hears of, and comes back to another."""
    heal(cluster, member, n)
    isolate(cluster, member, n)
    cluster.propose(1 + n % 5)
    cluster.advance(60 * n)
    heal(cluster, member, n)


def change(cluster: Cluster, member: Member, n: int) -> None:
    """Any change; mostly one that makes sense to the latest leader."""
    step = list(Step)[n % 3]
    members = cluster.leaders[0].core.log.membership if cluster.leaders else Membership(())
    strangers = [one for one in cluster.members if one not in members.members]
    sensible = {Step.ADD: strangers, Step.PROMOTE: members.learners, Step.REMOVE: members.members}[step]
    cluster.change(Change(step, sensible[n % len(sensible)] if sensible else member.me))


def transfer(cluster: Cluster, member: Member, n: int) -> None:
    cluster.transfer(member.me)


def compact(cluster: Cluster, member: Member, n: int) -> None:
    if member.up:
        member.compact()


DOES: Final[Mapping[str, Callable[[Cluster, Member, int], None]]] = {
    action.__name__: action
    for action in (
        propose,
        read,
        wait,
        isolate,
        pair_off,
        bridge,
        deafen,
        heal,
        strand,
        crash,
        start,
        change,
        transfer,
        compact,
    )
}
ACTIONS: Final = tuple(
    sorted([*DOES, *["propose", "wait", "heal", "start"] * 3, "crash", "change", "change", "read", "strand"])
)


def act(cluster: Cluster, name: str, a: int, b: int) -> None:
    """One action, every other time on a leader, and a moment for it to work."""
    numbers = sorted(cluster.members)
    one = numbers[a % len(numbers)]
    if a >= 30 and cluster.leaders:
        one = cluster.leaders[a % len(cluster.leaders)].me
    DOES[name](cluster, cluster.members[one], b)
    cluster.advance(1 + b % 40)


def play(cluster: Cluster, actions: list[Action]) -> None:
    """A first leader, then whatever comes."""
    cluster.advance(3_000)
    for action in actions:
        act(cluster, *action)


def random_actions(seed: int, count: int) -> list[Action]:
    """So many, by seed."""
    random = Random(seed)
    return [(random.choice(ACTIONS), random.randrange(60), random.randrange(60)) for _ in range(count)]
