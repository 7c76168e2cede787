"""A belief by brute force: every way in which every node can have broken, one by one, weighed by what was heard."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import exp, inf, prod
from typing import NamedTuple

from models.confidence import Hearing, Level

SLOT = 1_000
#: In place of an onset: none.
NEVER = 10**6


@dataclass(frozen=True, kw_only=True)
class Host:
    """A leaf, and what was heard of it; the heartbeat that came was sent at the begin of a slot."""

    path: tuple[str, ...]
    hearing: Hearing
    sent: int | None
    until: int
    delays: tuple[int, ...] = ()
    alive: int | None = None


class Fate(NamedTuple):
    """What became of one node."""

    chance: float
    onset: int
    died: bool
    slow: bool
    at_fault: bool


@dataclass(kw_only=True)
class Found:
    """Chances of each condition by path, and of each node's own fault."""

    up: dict[str, float] = field(default_factory=dict)
    slow: dict[str, float] = field(default_factory=dict)
    unreachable: dict[str, float] = field(default_factory=dict)
    dead: dict[str, float] = field(default_factory=dict)
    fault: dict[str, float] = field(default_factory=dict)
    all_answer: float = 0.0


def fates(level: Level, slots: int, alive: int | None) -> list[Fate]:
    """Everything that can happen to one node up to slot `slots`, exclusive; slot -1 stands for before."""

    def onsets(before: float, mean: float) -> list[tuple[int, float]]:
        left, found = 1.0, []
        for slot in range(-1, slots):
            chance = before if slot < 0 else 1 - exp(-SLOT / mean)
            found.append((slot, left * chance))
            left *= 1 - chance
        return [*found, (NEVER, left)]

    found = []
    for (death, a), (cut, b), (slow, c) in product(
        onsets(level.dead, level.mtbf_us),
        onsets(level.cut, level.mtbc_us),
        ((False, 1 - level.slow), (True, level.slow)),
    ):
        if a * b * c > 0 and (alive is None or death * SLOT >= alive):
            found.append(Fate(a * b * c, min(death, cut), death < NEVER, slow, min(death, cut) < NEVER))
    return found


def evidence(host: Host, onset: int, slow: bool) -> float:
    """How likely what was heard of a host is, where its path broke in a slot."""
    delay = host.hearing.slow_delay if slow else host.hearing.delay
    if host.sent is not None and onset * SLOT < host.sent:
        return 0.0
    weight = prod(delay.density(us) for us in host.delays)
    sent = (0 if host.sent is None else host.sent) + host.hearing.every_us
    due = []
    while sent <= host.until:
        due.append((sent, host.hearing.loss + (1 - host.hearing.loss) * delay.beyond(host.until - sent)))
        sent += host.hearing.every_us
    if onset == NEVER:
        return weight * prod(q for _, q in due)
    # The mean over the slot, by small steps that fall between the heartbeats.
    instants = [onset * SLOT + step + 0.5 for step in range(SLOT)]
    return weight * sum(prod(q for at, q in due if at <= instant) for instant in instants) / SLOT


def enumerated(levels: dict[str, Level], hosts: Sequence[Host], slots: int) -> Found:
    """Sum over everything."""
    nodes = list(dict.fromkeys(node for host in hosts for node in host.path))
    alive = {node: _latest(host.alive for host in hosts if node in host.path) for node in nodes}
    tables = [
        {(onset, slow): evidence(host, onset, slow) for onset in (*range(-1, slots), NEVER) for slow in (False, True)}
        for host in hosts
    ]
    paths = [tuple(nodes.index(node) for node in host.path) for host in hosts]
    total = 0.0
    found = Found()
    sums: list[dict[str, float]] = [found.up, found.slow, found.unreachable, found.dead, found.fault]
    for each in sums:
        each.update(dict.fromkeys(nodes, 0.0))
    prefixes = {node: path[: path.index(number) + 1] for path in paths for number in path for node in [nodes[number]]}
    for world in product(*(fates(levels[node.split(":")[0]], slots, alive[node]) for node in nodes)):
        weight = prod(fate.chance for fate in world)
        for table, path in zip(tables, paths, strict=True):
            weight *= table[min(world[n].onset for n in path), any(world[n].slow for n in path)]
        if not weight:
            continue
        total += weight
        if not any(world[n].at_fault for path in paths for n in path):
            found.all_answer += weight
        for node, path in prefixes.items():
            on_path = [world[n] for n in path]
            found.fault[node] += weight * on_path[-1].at_fault
            if any(fate.died for fate in on_path):
                found.dead[node] += weight
            elif any(fate.at_fault for fate in on_path):
                found.unreachable[node] += weight
            elif any(fate.slow for fate in on_path):
                found.slow[node] += weight
            else:
                found.up[node] += weight
    found.all_answer /= total
    for each in sums:
        for node in nodes:
            each[node] /= total
    return found


def _latest(instants: Iterable[int | None]) -> int | None:
    latest = max((-inf if instant is None else instant for instant in instants), default=-inf)
    return None if latest == -inf else int(latest)
