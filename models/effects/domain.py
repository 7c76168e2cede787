"""What the store knows of effects: an aggregate for each.

An effect is requested; it may be intended, by an owner of a tenure; it ends done or left. Done says only that
somebody wrote that down: whether the world outside did it, and how often, the world outside knows. Who has which
tenure is another aggregate's to say (`models.outbox.tenures`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from models.domain import Command, Denied, Domain, Event, State, decides, evolves, invariant

__all__ = [
    "Complete",
    "Completed",
    "Effect",
    "EffectState",
    "Intend",
    "Intended",
    "Leave",
    "Left",
    "Request",
    "Requested",
    "Stage",
    "intended_under",
]


def intended_under(tenure: int) -> str:
    """Why an intent is denied that comes too late; who hears its own tenure there shares it with another."""
    return f"intended under tenure {tenure}"


class Stage(StrEnum):
    """How far an effect is, as the store knows it."""

    NEW = "new"
    REQUESTED = "requested"
    INTENDED = "intended"
    DONE = "done"
    LEFT = "left"  # given up, since it may have been done and must not be done twice


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Command):
    """A request to have `amount` paid, mailed or printed outside."""

    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Intend(Command):
    """The owner of a tenure is about to ask for it."""

    tenure: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Complete(Command):
    """It is done, says the owner of a tenure; `receipt` is what it was told outside, 0 for nothing."""

    tenure: int
    receipt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave(Command):
    """Nobody will ask for it any more."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested(Event):
    """It is wanted."""

    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Intended(Event):
    """From here on it may have been asked for."""

    tenure: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed(Event):
    """Somebody wrote down that it is done."""

    tenure: int
    receipt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Left(Event):
    """It was given up."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectState(State):
    """What the store knows of an effect; `intents` counts the tenures that intended it."""

    stage: Stage = Stage.NEW
    amount: int = 0
    tenure: int = 0
    intents: int = 0


class Effect(Domain[EffectState], name="effect", number=26):
    """Effects on a world outside."""

    def initial(self) -> EffectState:
        """Nobody wants it."""
        return EffectState()

    @decides
    def request(self, state: EffectState, command: Request) -> Requested | Denied:
        """Once."""
        if state.stage is not Stage.NEW:
            return Denied(reason="requested before")
        return Requested(amount=command.amount) if command.amount > 0 else Denied(reason="amount not positive")

    @decides
    def intend(self, state: EffectState, command: Intend) -> Intended | Denied:
        """Each tenure once, and none that an other has followed."""
        if state.stage not in (Stage.REQUESTED, Stage.INTENDED):
            return Denied(reason=f"is {state.stage}")
        if command.tenure <= state.tenure:
            return Denied(reason=intended_under(state.tenure))
        return Intended(tenure=command.tenure)

    @decides
    def complete(self, state: EffectState, command: Complete) -> Completed | Denied:
        """What is wanted and not over."""
        if state.stage not in (Stage.REQUESTED, Stage.INTENDED):
            return Denied(reason=f"is {state.stage}")
        return Completed(tenure=command.tenure, receipt=command.receipt)

    @decides
    def leave(self, state: EffectState, command: Leave) -> Left | Denied:
        """What is wanted and not over."""
        if state.stage not in (Stage.REQUESTED, Stage.INTENDED):
            return Denied(reason=f"is {state.stage}")
        return Left(reason=command.reason)

    @evolves
    def requested(self, state: EffectState, event: Requested) -> EffectState:
        """Wanted."""
        return EffectState(stage=Stage.REQUESTED, amount=event.amount)

    @evolves
    def intended(self, state: EffectState, event: Intended) -> EffectState:
        """In doubt until it ends."""
        return replace(state, stage=Stage.INTENDED, tenure=event.tenure, intents=state.intents + 1)

    @evolves
    def completed(self, state: EffectState, event: Completed) -> EffectState:
        """Over."""
        return replace(state, stage=Stage.DONE, tenure=event.tenure)

    @evolves
    def left(self, state: EffectState, event: Left) -> EffectState:
        """Over, and in doubt for good."""
        return replace(state, stage=Stage.LEFT)

    @invariant
    def intended_means_wanted(self, state: EffectState) -> bool:
        """Nothing is intended that nobody wants."""
        return state.intents == 0 or state.amount > 0

    def told(self, state: EffectState) -> str:
        """How far it is, and how many tenures have intended it."""
        return f"{state.stage} {state.intents}"

    def again(self, event: Event) -> Command | None:
        """The request for the same once more."""
        match event:
            case Requested():
                return Request(amount=event.amount)
            case Intended():
                return Intend(tenure=event.tenure)
            case Completed():
                return Complete(tenure=event.tenure, receipt=event.receipt)
            case Left():
                return Leave(reason=event.reason)
            case _:
                return None
