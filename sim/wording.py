"""Words for people: the name that somebody most likely meant, counts, and all that is wrong at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

__all__ = ["Refused", "counted", "nearest", "way_to"]


class Refused(ValueError):
    """Options that make no sense, with every reason found; whoever prints it gives each its line.

    Attributes:
        problems: At least one.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problems,)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like `word`, None if nothing is much like it."""
    by_folded = {name.casefold(): name for name in sorted(known)}
    close = get_close_matches(word.casefold(), list(by_folded), n=1, cutoff=0.5)
    return by_folded[close[0]] if close else None


def counted(number: int, noun: str) -> str:
    """`1 fault`, `2 faults`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def way_to(word: str, known: Iterable[str]) -> str:
    """The way out of an unknown word: the nearest known one, or a list of all."""
    names = sorted({str(name) for name in known})
    guess = nearest(word, names)
    if guess is not None:
        return f"did you mean {guess!r}?"
    return f"known: {', '.join(names)}" if names else "none is known here"
