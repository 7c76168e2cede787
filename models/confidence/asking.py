"""The way down: what is believed of one node, from its priors, the evidence below it and all that is beside the path.

The state on the way is when the path broke first, whether something on it has died, and whether something is slow. The
evidence only depends on the first and the last, so a node that died behind a cut is counted dead without being seen so.
"""

from __future__ import annotations

from math import exp, fsum
from typing import NamedTuple

from models.confidence.answer import Blame
from models.confidence.nodes import Node, at
from models.confidence.silence import UNIT, Function, Grid

__all__ = ["Posterior", "posterior"]

#: Weights by onset, from the node's first slot; the last of an unbroken path.
_Weights = list[float]


class Posterior(NamedTuple):
    """Chances of the four conditions, and of each node of the path being at fault itself."""

    up: float
    slow: float
    unreachable: float
    dead: float
    blames: tuple[Blame, ...]


class _State(NamedTuple):
    """Weights of the path so far: nothing on it died, or something did; nothing on it slow, or something."""

    alive: _Weights
    alive_slow: _Weights
    dead: _Weights
    dead_slow: _Weights


class _Odds(NamedTuple):
    """Log-likelihoods of evidence, by onset."""

    normal: list[int]
    slow: list[int]


def posterior(node: Node, now_us: int, grid: Grid, fine: Function | None) -> Posterior:
    """What is believed of a node at `now_us`.

    Args:
        node: Of whom.
        now_us: When; evidence from later counts as if it were from now.
        grid: The slots.
        fine: Its own evidence weighed to the instant, in the place of `node.own`; None if it has none.
    """
    path = [node]
    while path[-1].above is not None:
        path.append(path[-1].above)
    path.reverse()
    edges = _edges(path, fine, grid.slot(now_us - 1) + 1)
    first = edges.index(path[0].base)
    slots = len(edges) - 1 - first
    state = _State([0.0] * slots + [1.0], [0.0] * (slots + 1), [0.0] * (slots + 1), [0.0] * (slots + 1))
    blames = []
    for index, step in enumerate(path):
        state, first = _from_slot(state, edges.index(step.base) - first), edges.index(step.base)
        own_edges = edges[first:]
        below = _below(step, own_edges, fine if step is node else None)
        cuts, deaths = step.cuts(own_edges, now_us), step.deaths(own_edges, now_us)
        after = _passed(state, cuts, deaths, step.level.slow)
        blames.append(Blame(step.name, _blame(state, after, below, (cuts, deaths), step.level.slow)))
        told = None if step is node else path[index + 1].told
        state = _weighed(after, below if told is None else _beside(below, told, own_edges))
    dead = fsum(state.dead) + fsum(state.dead_slow)
    cut = fsum(state.alive[:-1]) + fsum(state.alive_slow[:-1])
    total = dead + cut + state.alive[-1] + state.alive_slow[-1]
    return Posterior(state.alive[-1] / total, state.alive_slow[-1] / total, cut / total, dead / total, tuple(blames))


def _edges(path: list[Node], fine: Function | None, end: int) -> list[int]:
    """Where anything about the path changes, from the first slot to behind the last: between, all slots are alike."""
    found = {slot for node in path for slot in range(node.base, node.base + len(node.normal))}
    found |= {node.base + 1 for node in path if node.proof_us is None}
    if fine is not None:
        found |= set(range(fine.base, fine.base + len(fine.normal)))
    # Evidence from later than now counts as if it were from now.
    last = max(end, *(node.base for node in path))
    return [*sorted(slot for slot in found if slot < last), last]


def _from_slot(state: _State, skip: int) -> _State:
    """The same from a later slot on, the first of which stands for all before; or from an earlier one, below 0."""
    if skip <= 0:
        return _State(*([0.0] * -skip + weights for weights in state))
    return _State(*([fsum(weights[: skip + 1]), *weights[skip + 1 :]] for weights in state))


def _below(node: Node, edges: list[int], fine: Function | None) -> _Odds:
    """The evidence of a node and all below it, for its slots and for an unbroken path."""
    normal = [at(node.normal, slot - node.base) for slot in edges[:-1]] + [node.normal[-1]]
    slow = [at(node.slow, slot - node.base) for slot in edges[:-1]] + [node.slow[-1]]
    if fine is not None:
        own = node.own
        for i, slot in enumerate(edges[:-1]):
            normal[i] += at(fine.normal, slot - fine.base) - at(own.normal, slot - own.base)
            slow[i] += at(fine.slow, slot - fine.base) - at(own.slow, slot - own.base)
        normal[-1] += fine.normal[-1] - own.normal[-1]
        slow[-1] += fine.slow[-1] - own.slow[-1]
    return _Odds(normal, slow)


def _beside(below: _Odds, told: Function, edges: list[int]) -> _Odds:
    """The evidence without what the next node of the path told."""
    return _Odds(
        [value - at(told.normal, slot - told.base) for value, slot in zip(below.normal, edges[:-1], strict=False)]
        + [below.normal[-1] - told.normal[-1]],
        [value - at(told.slow, slot - told.base) for value, slot in zip(below.slow, edges[:-1], strict=False)]
        + [below.slow[-1] - told.slow[-1]],
    )


def _passed(state: _State, cuts: list[float], deaths: list[float], slow: float) -> _State:
    """The state below a node, which may have been cut off, have died or be slow itself."""
    alive, alive_slow, dead, dead_slow = (_broken(weights, cuts) for weights in state)
    kept = 1.0
    for chance in deaths:
        kept *= 1 - chance
    dead = [a + b for a, b in zip(_broken(dead, deaths), _died(alive, deaths), strict=True)]
    dead_slow = [a + b for a, b in zip(_broken(dead_slow, deaths), _died(alive_slow, deaths), strict=True)]
    alive, alive_slow = [w * kept for w in alive], [w * kept for w in alive_slow]
    return _State(
        [w * (1 - slow) for w in alive],
        [b + slow * a for a, b in zip(alive, alive_slow, strict=True)],
        [w * (1 - slow) for w in dead],
        [b + slow * a for a, b in zip(dead, dead_slow, strict=True)],
    )


def _broken(weights: _Weights, chances: list[float]) -> _Weights:
    """Weights by the earlier of the path's onset and one's own."""
    later = fsum(weights)
    left = 1.0
    found = []
    for weight, chance in zip(weights, chances, strict=False):
        later -= weight
        found.append(weight * left + left * chance * later)
        left *= 1 - chance
    found.append(weights[-1] * left)
    return found


def _died(weights: _Weights, chances: list[float]) -> _Weights:
    """The same, of deaths that did occur, before or after the path broke."""
    firsts, left = [], 1.0
    for chance in chances:
        firsts.append(left * chance)
        left *= 1 - chance
    ever = [0.0] * (len(firsts) + 1)
    for i in range(len(firsts) - 1, -1, -1):
        ever[i] = ever[i + 1] + firsts[i]
    later = fsum(weights)
    found = []
    for i, first in enumerate(firsts):
        later -= weights[i]
        found.append(weights[i] * ever[i] + first * later)
    found.append(0.0)
    return found


def _weighed(state: _State, odds: _Odds) -> _State:
    """The state times a likelihood, to some scale."""
    top = max(*odds.normal, *odds.slow)
    normal = [exp((value - top) / UNIT) for value in odds.normal]
    slow = [exp((value - top) / UNIT) for value in odds.slow]
    found = _State(
        *(
            [w * o for w, o in zip(weights, by, strict=True)]
            for weights, by in zip(state, (normal, slow, normal, slow), strict=True)
        )
    )
    scale = fsum(fsum(weights) for weights in found)
    return _State(*([w / scale for w in weights] for weights in found)) if scale > 0 else found


def _blame(
    before: _State, after: _State, below: _Odds, failures: tuple[list[float], list[float]], slow: float
) -> float:
    """The chance that a node itself has died or been cut off, given all evidence."""
    kept = 1.0
    for cut, death in zip(*failures, strict=True):
        kept *= (1 - cut) * (1 - death)
    top = max(*below.normal, *below.slow)
    spared = total = 0.0
    for i, (normal, slowed) in enumerate(zip(below.normal, below.slow, strict=True)):
        fast_odds, slow_odds = exp((normal - top) / UNIT), exp((slowed - top) / UNIT)
        whole, already = before.alive[i] + before.dead[i], before.alive_slow[i] + before.dead_slow[i]
        spared += kept * ((1 - slow) * whole * fast_odds + (slow * whole + already) * slow_odds)
        total += (after.alive[i] + after.dead[i]) * fast_odds + (after.alive_slow[i] + after.dead_slow[i]) * slow_odds
    return min(1.0, max(0.0, 1 - spared / total)) if total > 0 else 0.0
