"""What a policy may need to know of a domain beside how its events evolve, as data.

A `Meaning` says what each event writes and what makes its harm good, and may hold more ways to read a domain:
`Observed` reads events by what their writers had seen, whatever their order; `Shares` takes a state apart among
sub-domains, so that each may use up its own; `Leaves` takes it apart by what people change, so that two changes can
be laid on one another; `Barrier` says what waits until every sub-domain is done. Whoever lays a split domain under a
policy may bring a meaning of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from enum import Enum
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Final, TypeAlias, Union, get_args, get_origin, get_type_hints

from models.domain import Event, State

__all__ = ["WHOLE", "Barrier", "Leaf", "Leaves", "Meaning", "Observed", "Parts", "Repair", "Shares", "example_of"]

#: What people change: a number, of which differences add up, or any other value, which is replaced.
Leaf: TypeAlias = int | str | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What events come to if each undoes only what its writer had seen: sets, registers and maps of them.

    Source: Baquero, Almeida, Shoker, "Pure Operation-Based Replicated Data Types", 2017: `covers` and `stays` are
    their two redundancy relations.

    Attributes:
        covers: Whether an event, the first, leaves nothing of another, the second, that its writer had seen.
        stays: Whether an event says anything of its own; one that does not only covers.
        comes_to: The state that uncovered events come to, in whatever order they are given.
        joined: One event in place of two that nothing to come can tell apart; None where they stay two.
        rivals: Whether two events, uncovered and made without seeing each other, are a conflict for a person.
    """

    covers: Callable[[Any, Any], bool]
    stays: Callable[[Any], bool]
    comes_to: Callable[[Sequence[Any]], State]
    joined: Callable[[Any, Any], Event | None] = lambda first, second: None
    rivals: Callable[[Any, Any], bool] = lambda first, second: False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """How a state is held in shares, each of which keeps the domain's invariants alone, so that together they do.

    Attributes:
        apart: A state in so many shares.
        together: The state that shares come to.
        rights: What a share may still use up, at least 0.
        moved: A share with so many more rights, or fewer.
        owner: Of what is no amount but one of a kind, such as a seat, the place among so many shares whose holder alone
            decides on a command; None where any share may.
    """

    apart: Callable[[Any, int], tuple[Any, ...]]
    together: Callable[[Sequence[Any]], Any]
    rights: Callable[[Any], int]
    moved: Callable[[Any, int], Any]
    owner: Callable[[Any, int], int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaves:
    """How a state is taken apart by what people change.

    Attributes:
        of: By name, what is there; a name that is missing stands for None, and where others are numbers for 0.
        state: The state of such leaves.
    """

    of: Callable[[Any], Mapping[str, Leaf]]
    state: Callable[[Mapping[str, Leaf]], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Barrier:
    """What ends an aggregate's life in a sub-domain, and what waits until it has ended in all.

    Attributes:
        closed: The event that ends it.
        waiting: Types of the events that may be written only where all sub-domains are known to have ended.
    """

    closed: Event
    waiting: frozenset[type[Event]]


#: The part that an event writes which writes the whole aggregate.
WHOLE: Final = "*"

#: What an event writes.
Parts = Callable[[Any], Iterable[str]]
#: The event that makes good, in a state that breaks the invariant, what a write led to; None where nothing can.
Repair = Callable[[Any, Any], Event | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What policies are told of a domain.

    Attributes:
        parts: By event type, what it writes.
        repairs: By event type, how its harm is made good.
        commuting: Event types that may change places with each other, whatever the state.
        observed: What its events leave of those that their writers had seen; None where nothing is said.
        shares: How its states are held in shares; None where nothing is said.
        leaves: What people change in its states; None where nothing is said.
        barrier: What ends it in a sub-domain; None where nothing does.
    """

    parts: Mapping[type[Event], Parts] = field(default_factory=lambda: MappingProxyType({}))
    repairs: Mapping[type[Event], Repair] = field(default_factory=lambda: MappingProxyType({}))
    commuting: frozenset[type[Event]] = frozenset()
    observed: Observed | None = None
    shares: Shares | None = None
    leaves: Leaves | None = None
    barrier: Barrier | None = None

    def parts_of(self, event: Event) -> frozenset[str]:
        """What an event writes; the whole aggregate where nothing is said."""
        parts = self.parts.get(event.__class__)
        return frozenset((WHOLE,)) if parts is None else frozenset(parts(event))


def example_of(kind: type[Event]) -> Event:
    """Some event of a type: for asking what its domain says to such an event, whatever its fields hold."""
    hints = get_type_hints(kind)
    return kind(**{one.name: _example(hints[one.name]) for one in fields(kind) if one.default is MISSING})


def _example(hint: Any) -> Any:
    if get_origin(hint) in (Union, UnionType):
        return _example(next(part for part in get_args(hint) if part is not NoneType))
    if get_origin(hint) in (tuple, frozenset):
        return get_origin(hint)()
    if isinstance(hint, type) and issubclass(hint, Enum):
        return next(iter(hint))
    return {int: 1, str: "x", bool: False, float: 1.0, bytes: b"x"}.get(hint)
