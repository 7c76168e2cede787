"""Three-way merge: what each write changed against what its writer saw, laid on what all the others changed.

The state that a writer saw is the common ancestor of its write and of all that it had not seen. What the write made of
that is its *change*: of a number the difference, of anything else the new value. Differences add up, whoever made them;
two values that two people gave one thing without seeing each other are a conflict, unless they are the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from models.domain import Denied, Domain, Neutral, State
from models.merging.policies.recent import Recent, concurrent_with
from models.merging.policies.siblings import Siblings
from models.merging.policy import Step
from models.merging.readings import Leaf, Leaves, Meaning
from models.merging.writes import Write, precedes

__all__ = ["Change", "Changes", "ThreeWay"]


class Change(NamedTuple):
    """What became of one thing.

    Attributes:
        name: Of the leaf.
        by: The difference, where it was and is a number; an absent number is 0 to what adds to it.
        to: The new value otherwise; None is absent.
    """

    name: str
    by: int | None
    to: Leaf = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes(Neutral):
    """What a write changed, all of it; kept in the write's place as long as others may conflict with it."""

    changes: tuple[Change, ...]


class ThreeWay(Siblings):
    """Changes that do not conflict all count; of those that do the first shows, and the others wait for a person.

    A write counts whole or not at all. It suits documents: a cart, a profile, a counter. It knows no invariant and
    promises none. After the three-way merge of versions, as in Bayou's merge procedures (Terry et al., SOSP 1995) and
    in version control; there over texts, here over what people change in a state (`Meaning.leaves`).

    Args:
        domain: Whose events they are.
        meaning: What people change in its states.
    """

    name = "three-way"

    def __init__(self, domain: Domain[Any], meaning: Meaning) -> None:
        super().__init__(domain, meaning)
        self._leaves = meaning.leaves

    def step(self, held: Recent, write: Write) -> Step:
        """Take its change from what its writer saw; then as siblings have it, change by change."""
        if write.event.__class__ is Denied:
            return super().step(held, write)
        saw = self.ancestor(held, write)
        changed = Changes(changes=self._between(saw, self._domain.evolve(saw, write.event)))
        plain = Write(write.stamp_us, write.origin, write.position, write.address, changed, write.event_id, write.seen)
        return super().step(held, plain)

    def ancestor(self, held: Recent, write: Write) -> State:
        """The state that a writer saw: what only the writes that it had seen come to.

        Everything that is not held any more has been seen by everybody.
        """
        apart = concurrent_with(write, held.writes)
        if not apart:
            return held.state
        unseen = frozenset(apart)
        saw = Recent(held.base)
        for place, one in enumerate(held.writes):
            if place not in unseen:
                saw = super().step(saw, one).held
        return saw.state

    def effect(self, state: State, event: Any) -> State:
        """The state with the changes laid on it."""
        leaves = dict(self._reading.of(state))
        for name, by, to in event.changes:
            found = leaves.get(name)
            value: Leaf = to if by is None else by + (found if isinstance(found, int) else 0)
            if value is None:
                leaves.pop(name, None)
            else:
                leaves[name] = value
        after: State = self._reading.state(leaves)
        return after

    def judge(self, writes: Sequence[Write], lost_to: list[int], concurrent: Sequence[int]) -> None:
        """The new one loses to the first that counts, that its writer had not seen, and that it does not agree with.

        What it was built on does not matter beyond that: its change says what it makes of anything.
        """
        new = writes[-1]
        for place in concurrent:
            if not lost_to[place] and self.clash(writes[place], new):
                lost_to[-1] = writes[place].address
                return

    def clash(self, first: Write, second: Write) -> bool:
        """Whether they changed one thing and do not agree: not both by a difference, and not to the same value."""
        return any(one.by is None or other.by is None for one, other in _both(first, second) if one != other)

    def touches(self, first: Write, second: Write) -> bool:
        """Whether they changed one thing, to whatever."""
        return next(_both(first, second), None) is not None

    def comes_to(self, writes: Sequence[Write], counting: Collection[int]) -> State:
        """What each that counts changed, laid on one another; what its writer saw is merged anew for each."""
        state: State = self._domain.initial()
        for write in writes:
            if write.address in counting and write.event.__class__ is not Denied:
                saw = Recent(self._domain.initial())
                for one in writes:
                    if one is not write and precedes(one, write):
                        saw = self.step(saw, one).held
                after = self._domain.evolve(saw.state, write.event)
                state = self.effect(state, Changes(changes=self._between(saw.state, after)))
        return state

    def refusals(self) -> Iterable[str]:
        """A domain of which nothing says what people change."""
        if self._leaves is None:
            yield "nothing says what people change in its states; give its meaning leaves"

    def _between(self, before: State, after: State) -> tuple[Change, ...]:
        """What changed, in order of name."""
        old, new = self._reading.of(before), self._reading.of(after)
        return tuple(
            _change(name, old.get(name), new.get(name))
            for name in sorted({*old, *new})
            if old.get(name) != new.get(name)
        )

    @property
    def _reading(self) -> Leaves:
        assert self._leaves is not None, "`refusals` said that it cannot merge this domain"
        return self._leaves


def _change(name: str, old: Leaf, new: Leaf) -> Change:
    if _is_number(new) and (old is None or _is_number(old)):
        assert isinstance(new, int)
        return Change(name, new - (old if isinstance(old, int) else 0))
    return Change(name, None, new)


def _is_number(leaf: Leaf) -> bool:
    return isinstance(leaf, int) and not isinstance(leaf, bool)


def _both(first: Write, second: Write) -> Iterator[tuple[Change, Change]]:
    """Pairs of changes of one thing."""
    assert isinstance(first.event, Changes)
    assert isinstance(second.event, Changes)
    named = {one.name: one for one in first.event.changes}
    for other in second.event.changes:
        one = named.get(other.name)
        if one is not None:
            yield one, other
