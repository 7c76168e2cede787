"""What a member holds to be true of the others, and which word overrides which.

Alive at an incarnation overrides everything older. Suspect overrides alive at the same
incarnation, dead overrides both. Only the member itself raises its incarnation, so a word about
a younger one than it knows is nothing to anybody. Source: SWIM, section 4.2, as memberlist has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from models.detection.swim.words import Rumour, State

__all__ = ["Known", "Roster", "Rumours"]


class Known(NamedTuple):
    """One member as another knows it."""

    state: State
    incarnation: int
    since_us: int


_AT_FIRST: Final = Known(State.ALIVE, 0, 0)


class Roster:
    """The states of a group's members, all alive at incarnation 0 at first.

    Args:
        size: Members, numbered from 0.
        me: The number of who holds it.

    Attributes:
        dead: How many are held to be dead.
    """

    __slots__ = ("_known", "_me", "dead", "size")

    def __init__(self, size: int, me: int) -> None:
        self.size = size
        self.dead = 0
        self._me = me
        self._known: dict[int, Known] = {}

    def __getitem__(self, member: int) -> Known:
        return self._known.get(member, _AT_FIRST)

    def set(self, member: int, state: State, incarnation: int, now_us: int) -> None:
        """Hold something else to be true."""
        self.dead += (state is State.DEAD) - (self[member].state is State.DEAD)
        self._known[member] = Known(state, incarnation, now_us)

    def overridden(self, word: Rumour) -> bool:
        """Whether a word about another member says more than is known."""
        state, subject, incarnation, _ = word
        held, known, _ = self._known.get(subject, _AT_FIRST)
        if state is State.ALIVE:
            return incarnation > known
        return incarnation >= known and state > held

    def is_dead(self, member: int) -> bool:
        """Whether it is held to be dead."""
        known = self._known.get(member)
        return known is not None and known[0] is State.DEAD

    def told(self) -> Iterator[Rumour]:
        """All that differs from the beginning, in order of members."""
        for member in sorted(self._known):
            known = self._known[member]
            yield Rumour(known.state, member, known.incarnation, self._me)


class Rumours:
    """What a member still has to tell: the least told first, each so often, and of a subject only the latest."""

    __slots__ = ("_count", "_told")

    def __init__(self) -> None:
        self._told: dict[int, tuple[int, int, Rumour]] = {}
        self._count = 0

    def __bool__(self) -> bool:
        return bool(self._told)

    def add(self, rumour: Rumour) -> None:
        """Take up a rumour in the place of an older one of the same subject."""
        self._count += 1
        self._told[rumour.subject] = (0, -self._count, rumour)

    def take(self, most: int, limit: int) -> tuple[Rumour, ...]:
        """The next at most `most`; what was told `limit` times is let go."""
        if not self._told:
            return ()
        chosen = sorted(self._told.values())[:most] if len(self._told) > 1 else list(self._told.values())
        for told, order, rumour in chosen:
            if told + 1 >= limit:
                del self._told[rumour.subject]
            else:
                self._told[rumour.subject] = (told + 1, order, rumour)
        return tuple([rumour for _, _, rumour in chosen])
