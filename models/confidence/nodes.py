"""One node of a belief: what the evidence below it says, and what that says of the node above.

Each node may break by itself, in some slot, and so silence all below it; or be slow, and slow all below. With B(z) the
likelihood of all evidence below if the way down to here breaks at z, what goes up is the mean of B(min(z, own onset))
over the own onset, for each z of the way above. Products over children stand in B as sums, and one child's part is
exchanged at no cost for the others. This is Pearl's propagation on a tree, whose variables are onsets.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import exp, log
from typing import Final

from models.confidence.priors import Level, failing
from models.confidence.silence import LEAST, UNIT, Function, Grid, constant
from sim.topology import Location

__all__ = ["Node", "at"]

#: What is impossible, beside anything that has a likelihood; in units.
_NEVER: Final = -100_000 * UNIT
_A_UNIT: Final = 1 / UNIT
_WINDOWS: Final = 8


class _Message:
    """What was last told, of what, and how far each slot had come."""

    __slots__ = ("base", "chance", "done", "failures", "top")

    def __init__(self, base: int, top: int, chance: float, failures: list[float], done: _Done) -> None:
        self.base = base
        self.top = top
        self.chance = chance
        self.failures = failures
        self.done = done

    def same(self, changed: int, base: int, top: int, chance: float, failures: list[float]) -> int:
        """The first slots, so many, of which the same would be told, where values changed from a slot on."""
        if base != self.base or top != self.top or chance != self.chance:
            return 0
        count = min(changed, len(self.failures), len(failures))
        while failures[:count] != self.failures[:count]:
            count -= 1
        return count

    def kept(self, same: int) -> _Done:
        """What may stay of it."""
        normals, slows, states = self.done
        return normals[:same], slows[:same], states[: same + 1]


#: What was told by slot, where nothing is slow and where something is, and what each slot began with.
_Done = tuple[list[int], list[int], list[tuple[float, float, float]]]


def at(values: list[int], index: int) -> int:
    """The value of a slot; of all after the last the same, and of all before the first."""
    return values[max(index, 0)] if index < len(values) else values[-1]


class Node:
    """A subject's place in a belief.

    Args:
        name: Its location.
        level: How it fails by itself.
        above: What it stands in; None at the top.
        grid: The slots.
        begin_us: When the observer began to listen.

    Attributes:
        leaf: Whether nothing stands in it, so that its own evidence is all.
        may_be_slow: Whether it, or anything that it stands in, can be slow.
        base: The first slot in which its way can have broken: that of the last proof, or the one that stands for all
            time before the begin.
        proof_us: An instant at which the whole way to it was seen whole; None so far.
        alive_us: An instant at which others saw it alive, whatever the way from here; None so far.
        normal: Log-likelihood of all evidence below, by onset, from `base`; the last of all later onsets and of none.
        slow: The same where something on the way down to here is slow.
        told: What it last told the node above.
        same: Of how many of the first slots it told then what it had told before.
        own: Its own evidence's part.
    """

    __slots__ = (
        "_at_proof",
        "_begin_us",
        "_changed",
        "_full",
        "_grid",
        "_last",
        "_longest",
        "_place",
        "above",
        "alive_us",
        "base",
        "leaf",
        "level",
        "may_be_slow",
        "name",
        "normal",
        "own",
        "proof_us",
        "same",
        "slow",
        "told",
    )

    def __init__(self, name: Location, level: Level, above: Node | None, grid: Grid, begin_us: int) -> None:
        self.name = name
        self.above = above
        self.level = level
        self.may_be_slow: bool = level.slow > 0 or (above is not None and above.may_be_slow)
        self._longest = _WINDOWS * grid.window
        self._full = _within_a_slot(level, grid)
        self._last: _Message | None = None
        #: Of which proof the chance is known that it broke in its slot.
        self._place: tuple[int, int | None, int | None] | None = None
        self._at_proof = 0.0
        #: The first slot whose value has changed since it told.
        self._changed = 0
        self.same = 0
        self.leaf = True
        if above is not None:
            above.leaf = False
        self.base = grid.slot(begin_us) - 1
        self.proof_us: int | None = None
        self.alive_us: int | None = None
        self.normal, self.slow = [0], [0]
        self.told = constant(self.base)
        self.own = constant(self.base)
        self._grid = grid
        self._begin_us = begin_us

    def fails_by(self, level: Level) -> None:
        """Take over how it fails by itself; whoever calls goes from the top down."""
        self.level = level
        self.may_be_slow = level.slow > 0 or (self.above is not None and self.above.may_be_slow)
        self._full = _within_a_slot(level, self._grid)
        self._place = None
        self._last = None
        self._changed = 0

    def seen_whole(self, at_us: int) -> None:
        """The way to it was whole at an instant, so it cannot have broken before."""
        if self.proof_us is not None and at_us <= self.proof_us:
            return
        gone = self._grid.slot(at_us) - self.base
        if self.proof_us is None and gone < 0:
            # News from before the begin, of somebody who listened longer: what stood for all time before is told apart.
            self.normal = [self.normal[0]] * -gone + self.normal
            self.slow = [self.slow[0]] * -gone + self.slow
            self.base += gone
        self.proof_us = at_us
        if gone > 0:
            self._changed = 0
            self.base += gone
            keep = min(gone, len(self.normal) - 1)
            del self.normal[:keep], self.slow[:keep]

    def seen_alive(self, at_us: int) -> None:
        """Others heard of it at an instant: it had not died before, but may be cut off from here."""
        self.alive_us = at_us if self.alive_us is None else max(self.alive_us, at_us)

    def exchange(self, old: Function, new: Function, same: int = 0) -> None:
        """Put one part of the product in the place of another.

        Args:
            old: The one.
            new: The other.
            same: Of so many of their first slots both say the same, where they begin together.
        """
        base, count = self.base, len(self.normal)
        if count == len(new.normal) == len(old.normal) == 1:
            self._changed = 0
            self.normal[0] += new.normal[0] - old.normal[0]
            self.slow[0] += new.slow[0] - old.slow[0]
            return
        missing = new.base + len(new.normal) - base - count
        if missing > 0:
            self.normal += [self.normal[-1]] * missing
            self.slow += [self.slow[-1]] * missing
            count += missing
        # What is before is as it was, and all that is behind may change: the last of a part stands for all later ones.
        first = min(max(0, new.base + same - base), count - 1) if old.base == new.base else 0
        self._changed = min(self._changed, first)
        old, new = _reaching(old, base + first), _reaching(new, base + first)
        out, into = base - old.base, base - new.base
        for now, before, after in ((self.normal, old.normal, new.normal), (self.slow, old.slow, new.slow)):
            had, has = len(before) - out, len(after) - into
            for index in range(first, count):
                now[index] += after[index + into if index < has else -1] - before[index + out if index < had else -1]

    def replace(self, new: Function, same: int = 0) -> None:
        """As `exchange` does with all there is, its own evidence, of a leaf."""
        if new.base != self.base or len(new.normal) < len(self.normal):
            self.exchange(self.own, new, same)
            return
        self._changed = min(self._changed, same)
        self.normal, self.slow = list(new.normal), list(new.slow)

    def message(self) -> Function:
        """What the evidence below says of the way above, by its onset.

        As silence goes on, only the latest slots change; so it goes on from where the last one was the same.
        """
        normal, slow = self.normal, self.slow
        chance = self.level.slow
        if len(normal) == 1:
            self._changed = self.same = 0
            self._last = None
            return Function(self.base, [_mixed(normal[0], slow[0], chance)], [slow[0]])
        # Later onsets are never likelier, but by a rounding.
        top = max(normal[0], slow[0], normal[-1], slow[-1])
        failures = self.failures(len(normal) - 1)
        last = self._last
        same = 0 if last is None else last.same(self._changed, self.base, top, chance, failures)
        normals, slows, states = ([], [], []) if last is None or not same else last.kept(same)
        spent, slow_spent, left = states.pop() if same else (0.0, 0.0, 1.0)
        fast, later = 1 - chance, (*failures[same:], 0.0)
        least, unit, a_unit = LEAST, UNIT, _A_UNIT
        for value, slow_value, failure in zip(normal[same:], slow[same:], later, strict=True):
            states.append((spent, slow_spent, left))
            here = exp((value - top) * a_unit)
            slow_here = here if slow_value == value else exp((slow_value - top) * a_unit)
            slowed = slow_spent + left * slow_here
            whole = fast * (spent + left * here) + chance * slowed
            normals.append(top + int(log(whole if whole > least else least) * unit))
            slows.append(top + int(log(slowed if slowed > least else least) * unit))
            failed = left * failure
            spent += failed * here
            slow_spent += failed * slow_here
            left -= failed
        self._last = _Message(self.base, top, chance, failures, (normals, slows, states))
        self._changed, self.same = len(normal), same
        return Function(self.base, normals, slows)

    @property
    def top(self) -> Node:
        """The topmost node that it stands in, or it itself."""
        return self if self.above is None else self.above.top

    def unbroken(self, now_us: int) -> Function:
        """Its own evidence, and that the way to it is whole up to now.

        After a silence many windows long, breaks since then are left out: that it is whole is unlikely beyond measure.
        """
        own, slots = self.own, min(max(0, self._grid.slot(now_us - 1) + 1 - self.base), self._longest)
        never = own.normal[-1] + _NEVER
        return Function(self.base, [never] * slots + [own.normal[-1]], [never] * slots + [own.slow[-1]])

    def total(self, now_us: int) -> int:
        """The log-likelihood of all evidence below, whatever became of it and all below up to now; in units."""
        slots = min(max(0, self._grid.slot(now_us - 1) + 2 - self.base - len(self.normal)), self._longest)
        self.normal += [self.normal[-1]] * slots
        self.slow += [self.slow[-1]] * slots
        return self.message().normal[-1]

    def failures(self, slots: int) -> list[float]:
        """Chance that its own part of the way breaks in a slot, if it did not before; for so many slots from `base`."""
        known = self.proof_us is not None and (self.alive_us is None or self.alive_us <= self.proof_us)
        if not known:
            return self._either(slots)
        # Where nothing was heard since it was seen whole, only the slot of that is another one.
        place = (self.base, self.proof_us, self.alive_us)
        if place != self._place:
            self._place, self._at_proof = place, self._either(1)[0]
        return [self._at_proof] + [self._full] * (slots - 1)

    def _either(self, slots: int) -> list[float]:
        edges = range(self.base, self.base + slots + 1)
        return [a + b - a * b for a, b in zip(self.deaths(edges), self.cuts(edges), strict=True)]

    def deaths(self, edges: Sequence[int], end_us: int | None = None) -> list[float]:
        """Chance that it dies between two slots, if it did not before; nothing counts after `end_us`."""
        level = self.level
        seen = [us for us in (self.proof_us, self.alive_us) if us is not None]
        before = level.dead if self.alive_us is None else 0.0
        return self._by_slot(edges, level.mtbf_us, before, max(seen, default=None), end_us)

    def cuts(self, edges: Sequence[int], end_us: int | None = None) -> list[float]:
        """Chance that it is cut off between two slots, if it was not before."""
        return self._by_slot(edges, self.level.mtbc_us, self.level.cut, self.proof_us, end_us)

    def _by_slot(
        self, edges: Sequence[int], mean_us: float, before: float, known_us: int | None, end_us: int | None
    ) -> list[float]:
        slot_us = self._grid.slot_us
        begin_us = self._begin_us if known_us is None else known_us
        full = -1.0
        found = []
        for first, after in pairwise(edges):
            from_us, until_us = first * slot_us, after * slot_us
            if end_us is not None and until_us > end_us:
                until_us = max(end_us, from_us)
            if from_us >= begin_us and until_us - from_us == slot_us:
                if full < 0:
                    full = failing(mean_us, slot_us)
                found.append(full)
            else:
                found.append(failing(mean_us, until_us - max(from_us, begin_us)))
        if found and self.proof_us is None:
            # The slot before the begin stands for all time before.
            found[0] = before
        return found


def _within_a_slot(level: Level, grid: Grid) -> float:
    """Chance that something of a level breaks in a whole slot."""
    dead, cut = failing(level.mtbf_us, grid.slot_us), failing(level.mtbc_us, grid.slot_us)
    return dead + cut - dead * cut


def _reaching(part: Function, base: int) -> Function:
    """The same from an earlier slot on, if it begins later: the first value stands for all before."""
    missing = part.base - base
    if missing <= 0:
        return part
    return Function(base, [part.normal[0]] * missing + part.normal, [part.slow[0]] * missing + part.slow)


def _mixed(normal: int, slow: int, chance: float) -> int:
    """The logarithm of (1 - chance) normal + chance slow."""
    if chance == 0 or normal == slow:
        return normal
    top = max(normal, slow)
    value = (1 - chance) * exp((normal - top) / UNIT) + chance * exp((slow - top) / UNIT)
    return top + round(log(value if value > LEAST else LEAST) * UNIT)
