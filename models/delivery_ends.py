"""How what leaves a store ended, as values: what a world outside did, and what consumers of an outbox received."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

__all__ = ["Deed", "EffectFate", "Error", "OutboxEnd", "OutsideEnd", "Promise", "Receipt"]


class Deed(NamedTuple):
    """A line of the book of whoever is outside: it did something, or (receipt 0) was asked about a key.

    `at_us` is by its wall clock.
    """

    key: int
    once: int
    token: int
    receipt: int
    amount: int
    at_us: int


class Receipt(NamedTuple):
    """A message that a consumer of an outbox took: of which key, and its number among those of that key."""

    key: int
    number: int


class Error(StrEnum):
    """What an effect may have come to but what it should."""

    DUPLICATE = "duplicate"  # done more than once
    OMISSION = "omission"  # taken for done, and not done
    ORPHAN = "orphan"  # done, and not known to be done
    LEFT = "left"  # given up, in doubt, and not done
    OPEN = "open"  # neither done nor ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """The errors that may occur.

    Attributes:
        may: They; `OPEN` is never among them.
        why: What the rest rests on.
    """

    may: frozenset[Error]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectFate:
    """One effect at the end.

    Attributes:
        key: Its aggregate.
        stage: What the store says of it.
        done: How often it was done.
        latency_us: From the request to the first deed, by wall clocks; None if it was not done.
    """

    key: int
    stage: str
    done: int
    latency_us: int | None = None

    def errors(self) -> tuple[Error, ...]:
        """What is wrong with it."""
        found = [Error.DUPLICATE] if self.done > 1 else []
        if self.stage == "done":
            found += [] if self.done else [Error.OMISSION]
        elif self.stage == "left":
            found += [Error.ORPHAN if self.done else Error.LEFT]
        else:
            found += [Error.ORPHAN] if self.done else [Error.OPEN]
        return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideEnd:
    """How the world outside ended, and what was promised of it.

    Attributes:
        book: What it did; None if its host was down.
        promise: What may be wrong.
    """

    book: tuple[Deed, ...] | None
    promise: Promise

    def fates(self, requested: Iterable[tuple[int, str, int]]) -> list[EffectFate]:
        """The fate of every effect: triples of aggregate, stage, and when it was requested."""
        assert self.book is not None, "the host of the receiver was down"
        counts = Counter(deed.key for deed in self.book)
        first: dict[int, int] = {}
        for deed in self.book:
            first.setdefault(deed.key, deed.at_us)
        return [
            EffectFate(
                key=key,
                stage=stage,
                done=counts[key],
                latency_us=first[key] - asked_us if key in first else None,
            )
            for key, stage, asked_us in requested
        ]

    def strangers(self, requested: Sequence[tuple[int, str, int]]) -> tuple[int, ...]:
        """Effects that nobody requested."""
        known = {key for key, _, _ in requested}
        return tuple(sorted({deed.key for deed in self.book or ()} - known))


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxEnd:
    """How an outbox ended.

    Attributes:
        received: By topic, what its consumer took, in order; None where its host was down.
        pruned: Entries that the log of a leader has let go.
        waiting: Messages that were taken from the log and not delivered; None if the relay's host was down.
    """

    received: Mapping[str, tuple[Receipt, ...] | None]
    pruned: int
    waiting: int | None
