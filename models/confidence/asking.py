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
    here = grid.slot(now_us - 1) + 1
    end = max(here, *(step.base + len(step.normal) - 1 for step in path))
    end_us = now_us if end == here else end * grid.slot_us
    slots = end - path[0].base
    state = _State([0.0] * slots + [1.0], [0.0] * (slots + 1), [0.0] * (slots + 1), [0.0] * (slots + 1))
    blames = []
    for index, step in enumerate(path):
        state, slots = _widened(state, end - step.base), end - step.base
        below = _below(step, slots, fine if step is node else None)
        after = _passed(step, state, slots, end_us)
        blames.append(Blame(step.name, _blame(step, state, after, below, end_us)))
        if step is node:
            state = _weighed(after, below)
        else:
            told = path[index + 1].told
            rest = _Odds(
                [value - at(told.normal, step.base + i - told.base) for i, value in enumerate(below.normal[:-1])]
                + [below.normal[-1] - told.normal[-1]],
                [value - at(told.slow, step.base + i - told.base) for i, value in enumerate(below.slow[:-1])]
                + [below.slow[-1] - told.slow[-1]],
            )
            state = _weighed(after, rest)
    dead = fsum(state.dead) + fsum(state.dead_slow)
    cut = fsum(state.alive[:-1]) + fsum(state.alive_slow[:-1])
    total = dead + cut + state.alive[-1] + state.alive_slow[-1]
    return Posterior(state.alive[-1] / total, state.alive_slow[-1] / total, cut / total, dead / total, tuple(blames))


def _widened(state: _State, slots: int) -> _State:
    """The same, with as many earlier slots as a node further down has."""
    more = [0.0] * (slots + 1 - len(state.alive))
    return state if not more else _State(*(more + weights for weights in state))


def _below(node: Node, slots: int, fine: Function | None) -> _Odds:
    """The evidence of a node and all below it, for its slots and for an unbroken path."""
    normal = [at(node.normal, i) for i in range(slots)] + [node.normal[-1]]
    slow = [at(node.slow, i) for i in range(slots)] + [node.slow[-1]]
    if fine is not None:
        own = node.own
        for i in range(slots):
            into, out = node.base + i - fine.base, node.base + i - own.base
            normal[i] += at(fine.normal, into) - at(own.normal, out)
            slow[i] += at(fine.slow, into) - at(own.slow, out)
        normal[-1] += fine.normal[-1] - own.normal[-1]
        slow[-1] += fine.slow[-1] - own.slow[-1]
    return _Odds(normal, slow)


def _passed(node: Node, state: _State, slots: int, end_us: int) -> _State:
    """The state below a node, which may have been cut off, have died or be slow itself."""
    cuts, deaths = node.cuts(slots, end_us), node.deaths(slots, end_us)
    alive, alive_slow, dead, dead_slow = (_broken(weights, cuts) for weights in state)
    kept = 1.0
    for chance in deaths:
        kept *= 1 - chance
    dead = [a + b for a, b in zip(_broken(dead, deaths), _died(alive, deaths), strict=True)]
    dead_slow = [a + b for a, b in zip(_broken(dead_slow, deaths), _died(alive_slow, deaths), strict=True)]
    alive, alive_slow = [w * kept for w in alive], [w * kept for w in alive_slow]
    slow = node.level.slow
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


def _blame(node: Node, before: _State, after: _State, below: _Odds, end_us: int) -> float:
    """The chance that a node itself has died or been cut off, given all evidence."""
    slots = len(before.alive) - 1
    kept = 1.0
    for cut, death in zip(node.cuts(slots, end_us), node.deaths(slots, end_us), strict=True):
        kept *= (1 - cut) * (1 - death)
    slow = node.level.slow
    top = max(*below.normal, *below.slow)
    spared = total = 0.0
    for i, (normal, slowed) in enumerate(zip(below.normal, below.slow, strict=True)):
        fast_odds, slow_odds = exp((normal - top) / UNIT), exp((slowed - top) / UNIT)
        whole, already = before.alive[i] + before.dead[i], before.alive_slow[i] + before.dead_slow[i]
        spared += kept * ((1 - slow) * whole * fast_odds + (slow * whole + already) * slow_odds)
        total += (after.alive[i] + after.dead[i]) * fast_odds + (after.alive_slow[i] + after.dead_slow[i]) * slow_odds
    return min(1.0, max(0.0, 1 - spared / total)) if total > 0 else 0.0
