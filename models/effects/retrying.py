"""Whether to ask outside once more: small policies that decide on what may be known, and on nothing else.

What may be known of an effect that got no answer: whether it may have been asked for before, how often
this owner has asked, for how long nobody has answered, and what the receiver said when it was asked
what became of it. A policy is a value, chosen by the scenario; one that weighs risks can take its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Protocol

from sim.wording import way_to

__all__ = [
    "SEMANTICS",
    "AskFirst",
    "AtLeastOnce",
    "AtMostOnce",
    "Attempt",
    "Gap",
    "Known",
    "Move",
    "Policy",
    "policy_of",
]


class Move(StrEnum):
    """What to do next."""

    ACT = "act"
    ASK = "ask"  # what became of it
    WAIT = "wait"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """What was not heard of a receiver that sends heartbeats; instants are relative to the send of an attempt.

    Attributes:
        since_us: When something last arrived from it, before what is missing; below 0 if before the send.
        missing_us: When the heartbeats were due to be sent that did not come.
        until_us: Up to when they might have come: now, or when one was heard again.
        back_us: When that one was sent; None while none was.
    """

    since_us: int
    missing_us: tuple[int, ...]
    until_us: int
    back_us: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt without an answer: for how long, and what was heard of the receiver around it, if anybody listens."""

    silence_us: int
    gap: Gap | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """All that may be known.

    Attributes:
        may_have_acted: Whether anybody may have asked for it before.
        attempts: How often this owner has asked for it.
        silence_us: Since the latest attempt of this owner, without an answer.
        undone: Whether the receiver said that it was not done, and nobody has asked for it since.
        tries: This owner's attempts, in order.
        hears: Whether the receiver is heard of at present, as far as anybody listens.
        others: Whether another may have asked for it, or may yet, of whom this owner need not have heard.
    """

    may_have_acted: bool
    attempts: int
    silence_us: int
    undone: bool
    tries: tuple[Attempt, ...] = ()
    hears: bool = True
    others: bool = False


class Policy(Protocol):
    """Decides on one effect."""

    def move(self, known: Known) -> Move:
        """What to do next; `WAIT` is asked again a little later."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AtMostOnce:
    """Asks once, waits for a late answer no longer, and leaves what may have been done."""

    def move(self, known: Known) -> Move:
        """Act on what nobody has touched."""
        return Move.LEAVE if known.may_have_acted else Move.ACT


@dataclass(frozen=True, slots=True, kw_only=True)
class AtLeastOnce:
    """Asks until it is answered, each time a pause after the last."""

    pause_us: int = 100_000

    def move(self, known: Known) -> Move:
        """Act again after the pause."""
        return Move.WAIT if known.attempts and known.silence_us < self.pause_us else Move.ACT


@dataclass(frozen=True, slots=True, kw_only=True)
class AskFirst:
    """Asks what became of an effect before it asks for it again."""

    pause_us: int = 100_000

    def move(self, known: Known) -> Move:
        """Act on what nobody can have touched, or what the receiver says it never did."""
        if known.undone or not (known.may_have_acted or known.others):
            return Move.ACT
        return Move.WAIT if known.attempts and known.silence_us < self.pause_us else Move.ASK


#: By the words of scenarios.
SEMANTICS: Final[Mapping[str, Policy]] = MappingProxyType(
    {"at-most-once": AtMostOnce(), "at-least-once": AtLeastOnce(), "ask-first": AskFirst()}
)


def policy_of(semantics: str) -> Policy:
    """The policy of a name; ValueError for another."""
    if semantics not in SEMANTICS:
        raise ValueError(f"semantics={semantics!r} is nothing that can be promised; {way_to(semantics, SEMANTICS)}")
    return SEMANTICS[semantics]
