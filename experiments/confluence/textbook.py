"""Small systems of which the literature says whether they can do without coordination.

What a domain's own rules come to is shown by `splitting`; these are the shapes behind them, each as few lines
as it takes: names, numbers, counters with and without rights, seats, transfers, sets. Their answers are
known (Bailis et al., VLDB 2014, table 2; O'Neil, "The Escrow Transactional Method", TODS 1986; Shapiro et al.,
"A Comprehensive Study of Convergent and Commutative Replicated Data Types", 2011), and the checker is held to them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from sim.checkers.confluence import Confluence, SplitSystem

__all__ = ["TEXTBOOK", "Case"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A system and what is known of it.

    Attributes:
        title: What it is.
        system: What is checked.
        known: The answer of the literature.
    """

    title: str
    system: SplitSystem[Any, Any]
    known: Confluence


# -- names and numbers -----------------------------------------------------------------------------

Names = frozenset[tuple[str, int]]


def _unique_names() -> SplitSystem[Names, str]:
    """Whoever asks first has the name, as far as a side knows."""

    def apply(held: Names, name: str, side: int) -> Names | None:
        return None if any(name == taken for taken, _ in held) else held | {(name, side)}

    return SplitSystem(
        initial=frozenset(),
        offers=lambda held, side: ("ann", "ben"),
        apply=apply,
        merge=lambda base, left, right: left | right,
        invariant=lambda held: len({name for name, _ in held}) == len(held),
    )


Ids = tuple[tuple[int, int], ...]


def _tagged_ids() -> SplitSystem[Ids, str]:
    """An id is the side that made it and how many it had made; a merge puts together what both made."""

    def apply(held: Ids, make: str, side: int) -> Ids:
        return tuple(sorted((*held, (side, sum(tag == side for tag, _ in held)))))

    def merge(base: Ids, left: Ids, right: Ids) -> Ids:
        news = Counter(left) + Counter(right)
        news.subtract(base)
        return tuple(sorted(news.elements()))

    return SplitSystem(
        initial=(),
        offers=lambda held, side: ("mint",),
        apply=apply,
        merge=merge,
        invariant=lambda held: len(set(held)) == len(held),
    )


Invoices = frozenset[tuple[int, int]]


def _gapless() -> SplitSystem[Invoices, str]:
    """Invoices are numbered 1, 2, 3 without a gap: the next number is one more than there are."""
    return SplitSystem(
        initial=frozenset(),
        offers=lambda held, side: ("invoice",),
        apply=lambda held, _, side: held | {(len(held) + 1, side)},
        merge=lambda base, left, right: left | right,
        invariant=lambda held: sorted(number for number, _ in held) == list(range(1, len(held) + 1)),
    )


# -- counters ----------------------------------------------------------------------------------------


def _counter(start: int, steps: tuple[int, ...]) -> SplitSystem[int, int]:
    """A number that is never below 0, as far as a side knows; merged, all steps add up."""
    return SplitSystem(
        initial=start,
        offers=lambda held, side: steps,
        apply=lambda held, step, side: held + step if held + step >= 0 else None,
        merge=lambda base, left, right: left + right - base,
        invariant=lambda held: held >= 0,
    )


class Rights(NamedTuple):
    """What each side may still take, the last it was told of what the other granted it included, and what is left."""

    stock: int
    mine: tuple[int, int]


def _escrow() -> SplitSystem[Rights, str]:
    """A side takes only what it holds the right to, and grants only such rights; they arrive with the merge."""

    def apply(held: Rights, ask: str, side: int) -> Rights | None:
        if held.mine[side] == 0:
            return None
        own = tuple(right - (number == side) for number, right in enumerate(held.mine))
        if ask == "take":
            return Rights(held.stock - 1, (own[0], own[1]))
        given = tuple(right + (number != side) for number, right in enumerate(own))
        return Rights(held.stock, (given[0], given[1]))

    def merge(base: Rights, left: Rights, right: Rights) -> Rights:
        mine = tuple(a + b - before for a, b, before in zip(left.mine, right.mine, base.mine, strict=True))
        return Rights(left.stock + right.stock - base.stock, (mine[0], mine[1]))

    return SplitSystem(
        initial=Rights(3, (2, 1)),
        offers=lambda held, side: ("take", "grant"),
        apply=apply,
        merge=merge,
        invariant=lambda held: held.stock >= 0 and held.stock == sum(held.mine),
    )


# -- seats, transfers, sets ----------------------------------------------------------------------------

Holders = tuple[int, ...]


def _seat(*, winner: bool) -> SplitSystem[Holders, int]:
    """One seat that persons ask for; a merge keeps both holders, or the one of the lowest number."""

    def merge(base: Holders, left: Holders, right: Holders) -> Holders:
        both = tuple(sorted({*left, *right}))
        return both[:1] if winner else both

    def owed(base: Holders, left: tuple[int, ...], right: tuple[int, ...], merged: Holders) -> str:
        losers = [person for person in (*left, *right) if person not in merged]
        return f"person {losers[0]} was told yes and has no seat" if losers else ""

    return SplitSystem(
        initial=(),
        offers=lambda held, side: (1, 2),
        apply=lambda held, person, side: None if held else (person,),
        merge=merge,
        invariant=lambda held: len(held) <= 1,
        owed=owed,
    )


Accounts = tuple[int, int]


def _transfer(*, above_zero: bool) -> SplitSystem[Accounts, Accounts]:
    """Two accounts and transfers, each one event that takes and gives; merged, they add up."""
    start = (1, 1)

    def apply(held: Accounts, move: Accounts, side: int) -> Accounts | None:
        after = (held[0] + move[0], held[1] + move[1])
        return after if min(after) >= 0 else None

    def merge(base: Accounts, left: Accounts, right: Accounts) -> Accounts:
        return (left[0] + right[0] - base[0], left[1] + right[1] - base[1])

    return SplitSystem(
        initial=start,
        offers=lambda held, side: ((-1, 1), (1, -1)),
        apply=apply,
        merge=merge,
        invariant=lambda held: sum(held) == sum(start) and (not above_zero or min(held) >= 0),
    )


class Tags(NamedTuple):
    """An observed-remove set: additions by a tag of their own, tags that were removed, and how many each side made."""

    added: frozenset[tuple[str, int, int]] = frozenset()
    removed: frozenset[tuple[str, int, int]] = frozenset()
    made: tuple[int, int] = (0, 0)

    def members(self) -> frozenset[str]:
        """What is in the set."""
        return frozenset(member for member, _, _ in self.added - self.removed)


Change = tuple[str, str]
_CHANGES: Final[tuple[Change, ...]] = (("add", "x"), ("remove", "x"), ("add", "y"))


def _observed_remove() -> SplitSystem[Tags, Change]:
    """A removal removes the additions that its side has seen, and no other."""

    def apply(held: Tags, change: Change, side: int) -> Tags:
        verb, member = change
        if verb == "remove":
            return Tags(held.added, held.removed | {tag for tag in held.added if tag[0] == member}, held.made)
        tag = (member, side, held.made[side])
        made = tuple(count + (number == side) for number, count in enumerate(held.made))
        return Tags(held.added | {tag}, held.removed, (made[0], made[1]))

    def merge(base: Tags, left: Tags, right: Tags) -> Tags:
        made = (max(left.made[0], right.made[0]), max(left.made[1], right.made[1]))
        return Tags(left.added | right.added, left.removed | right.removed, made)

    return SplitSystem(
        initial=Tags(),
        offers=lambda held, side: _CHANGES,
        apply=apply,
        merge=merge,
        invariant=lambda held: held.removed <= held.added,
        owed=lambda base, left, right, merged: _missing(left, right, merged.members()),
    )


Members = frozenset[str]


def _plain_set() -> SplitSystem[Members, Change]:
    """Members are what either side has, less what either removed: a removal takes with it what it never saw."""

    def apply(held: Members, change: Change, side: int) -> Members:
        verb, member = change
        return held - {member} if verb == "remove" else held | {member}

    def merge(base: Members, left: Members, right: Members) -> Members:
        return (left | right) - ((base - left) | (base - right))

    return SplitSystem(
        initial=frozenset({"x"}),
        offers=lambda held, side: _CHANGES,
        apply=apply,
        merge=merge,
        invariant=lambda held: True,
        owed=lambda base, left, right, merged: _missing(left, right, merged),
    )


def _missing(left: tuple[Change, ...], right: tuple[Change, ...], members: Members) -> str:
    """An addition that its own side did not take back, and that is gone."""
    for side, changes in enumerate((left, right)):
        last = {member: verb for verb, member in changes}
        gone = sorted(member for member, verb in last.items() if verb == "add" and member not in members)
        if gone:
            return f"side {side} was told that {gone[0]!r} is in the set, removed nothing, and it is gone"
    return ""


#: By name, every case with its known answer.
TEXTBOOK: Final[Mapping[str, Case]] = MappingProxyType(
    {
        "unique-name": Case(
            title="a unique name that the client chooses", system=_unique_names(), known=Confluence.BROKEN
        ),
        "tagged-id": Case(title="a unique id tagged by its replica", system=_tagged_ids(), known=Confluence.CONFLUENT),
        "gapless-sequence": Case(title="numbers without a gap", system=_gapless(), known=Confluence.BROKEN),
        "counter-up": Case(title="a counter that only grows", system=_counter(0, (1, 2)), known=Confluence.CONFLUENT),
        "counter-down": Case(
            title="a counter never below 0, with decrements", system=_counter(1, (-1, 1)), known=Confluence.BROKEN
        ),
        "escrow": Case(
            title="the same with escrowed rights, which may be granted", system=_escrow(), known=Confluence.CONFLUENT
        ),
        "seat": Case(title="one holder a seat, both kept", system=_seat(winner=False), known=Confluence.BROKEN),
        "seat-winner": Case(
            title="one holder a seat, a deterministic winner", system=_seat(winner=True), known=Confluence.OWED
        ),
        "transfer-sum": Case(
            title="a transfer as one event: the sum stays",
            system=_transfer(above_zero=False),
            known=Confluence.CONFLUENT,
        ),
        "transfer-above-zero": Case(
            title="a transfer as one event: no account below 0",
            system=_transfer(above_zero=True),
            known=Confluence.BROKEN,
        ),
        "observed-remove-set": Case(
            title="a set with observed removes", system=_observed_remove(), known=Confluence.CONFLUENT
        ),
        "plain-set": Case(
            title="a set whose removals take what they never saw", system=_plain_set(), known=Confluence.OWED
        ),
    }
)
