"""Three-way merge: what each write changed against what its writer saw, laid on what all the others changed.

The state that a writer saw is the common ancestor of its write and of all that it had not seen. What the write made of
that is its *change*: of a number the difference, of anything else the new value. Differences add up, whoever made them;
two values that two people gave one thing without seeing each other are a conflict, unless they are the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from models.domain import Denied, Domain, Neutral, State
from models.merging.policies.recent import Recent, concurrent_in
from models.merging.policies.siblings import Siblings
from models.merging.policy import Step
from models.merging.readings import Leaf, Meaning
from models.merging.writes import Write, precedes
from sim.tuples import made

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
        stamp_us, origin, position, address, event, event_id, seen = write
        if event.__class__ is Denied:
            return super().step(held, write)
        apart = concurrent_in(held, write)
        saw = self._without(held, apart) if apart else held.state
        changed = Changes(changes=self._between(saw, self._domain.evolve(saw, event)))
        plain = made(Write, (stamp_us, origin, position, address, changed, event_id, seen))
        return self.judged(held, plain, apart)

    def ancestor(self, held: Recent, write: Write) -> State:
        """The state that a writer saw: what only the writes that it had seen come to.

        Everything that is not held any more has been seen by everybody.
        """
        apart = concurrent_in(held, write)
        return self._without(held, apart) if apart else held.state

    def _without(self, held: Recent, apart: Sequence[int]) -> State:
        """What is held comes to without some of it, places ascending and at least one."""
        writes, lost_to, first = held.writes, held.lost_to, apart[0]
        if len(apart) == len(writes):
            return held.base
        unseen = frozenset(apart)
        later = [place for place in range(first + 1, len(writes)) if place not in unseen]
        if not any(lost_to) or not (any(lost_to[:first]) or any(lost_to[place] for place in later)):
            # What lost to nobody among all does not lose to anybody among fewer.
            state = held.states[first - 1] if first else held.base
            return self._laid(state, [change for place in later for change in _changes(writes[place])])
        saw = Recent(held.base)
        for place in (*range(first), *later):
            one = writes[place]
            saw = self.judged(saw, one, concurrent_in(saw, one)).held
        return saw.state

    def effect(self, state: State, event: Any) -> State:
        """The state with the changes laid on it."""
        return self._laid(state, event.changes)

    def _laid(self, state: State, changes: Sequence[Change]) -> State:
        if not changes:
            return state
        reading = self._leaves
        assert reading is not None, "`refusals` said that it cannot merge this domain"
        leaves = dict(reading.of(state))
        for name, by, to in changes:
            if by is not None:
                found = leaves.get(name)
                leaves[name] = by if found is None else by + (found if found.__class__ is int else int(found))
            elif to is None:
                leaves.pop(name, None)
            else:
                leaves[name] = to
        after: State = reading.state(leaves)
        return after

    def judge(self, writes: Sequence[Write], lost_to: list[int], concurrent: Sequence[int]) -> None:
        """The new one loses to the first that counts, that its writer had not seen, and that it does not agree with.

        What it was built on does not matter beyond that: its change says what it makes of anything.
        """
        event: Any = writes[-1].event
        for place in concurrent:
            if not lost_to[place]:
                other: Any = writes[place].event
                if _disagree(other.changes, event.changes):
                    lost_to[-1] = writes[place].address
                    return

    def clash(self, first: Write, second: Write) -> bool:
        """Whether they changed one thing and do not agree: not both by a difference, and not to the same value."""
        return _disagree(_changes(first), _changes(second))

    def touches(self, first: Write, second: Write) -> bool:
        """Whether they changed one thing, to whatever."""
        theirs = {other.name for other in _changes(second)}
        return any(one.name in theirs for one in _changes(first))

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
        reading = self._leaves
        assert reading is not None, "`refusals` said that it cannot merge this domain"
        old, new = reading.of(before), reading.of(after)
        changes: list[Change] = [Change(name, None) for name in old if name not in new]
        for name, now in new.items():
            was = old.get(name)
            if now == was:
                continue
            if now.__class__ is not int or (was is not None and was.__class__ is not int):
                changes.append(made(Change, (name, None, now)))
            else:
                changes.append(made(Change, (name, now - (was or 0), None)))
        return tuple(changes if len(changes) < 2 else sorted(changes))


def _disagree(first: Sequence[Change], second: Sequence[Change]) -> bool:
    for name, by, to in first:
        for other, also_by, also_to in second:
            if name == other and (by is None or also_by is None) and (by != also_by or to != also_to):
                return True
    return False


def _changes(write: Write) -> Sequence[Change]:
    """Of a write that is held; what it was written as is not held any more."""
    event: Any = write.event
    changes: Sequence[Change] = event.changes
    return changes
