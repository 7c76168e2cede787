"""What instances do, as a domain: the store that they write to, which fences those that were replaced.

A service without state acts on something that has some. Its acts bear the epoch of its slot, and the store refuses
an older epoch than it has seen opened: a fencing token (Kleppmann, "How to do distributed locking", 2016). So an
instance that was only cut off, or stood still, may believe what it likes: once its successor has opened the next
epoch it acts no more. Until then it may go on, with no registry in reach; nobody else acts for the slot.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.domain import Command, Denied, Domain, Event, State, decides, evolves

__all__ = ["FENCED", "Act", "Acted", "Acts", "Open", "Opened", "Term"]

#: Why an act is denied.
FENCED = "fenced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Open(Command):
    """An instance's request to act for the slot from now on; `instance` is its host."""

    epoch: int
    instance: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened(Event):
    """It acts for the slot now, and nobody of an earlier epoch."""

    epoch: int
    instance: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Act(Command):
    """One act of an instance, for a client's operation."""

    epoch: int
    instance: int
    op: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Acted(Event):
    """It took place."""

    epoch: int
    instance: int
    op: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Term(State):
    """Who acts for the slot, and how much was done for it."""

    epoch: int = 0
    instance: int = -1
    acts: int = 0


class Acts(Domain[Term], name="acts", number=51):
    """Logs of acts, one for each slot."""

    def initial(self) -> Term:
        """Nobody acts."""
        return Term()

    @decides
    def open(self, state: Term, command: Open) -> Opened | Denied:
        """A later epoch, or the same instance once more, after a restart."""
        if self.fenced(state, command.epoch, command.instance):
            return Denied(reason=FENCED)
        return Opened(epoch=command.epoch, instance=command.instance)

    @decides
    def act(self, state: Term, command: Act) -> Acted | Denied:
        """Only who has opened the latest epoch."""
        if self.fenced(state, command.epoch, command.instance) or command.epoch > state.epoch:
            return Denied(reason=FENCED)
        return Acted(epoch=command.epoch, instance=command.instance, op=command.op)

    def fenced(self, state: Term, epoch: int, instance: int) -> bool:
        """Whether a later epoch was opened, or this one by another instance."""
        return epoch < state.epoch or (epoch == state.epoch and instance != state.instance)

    @evolves
    def opened(self, state: Term, event: Opened) -> Term:
        """A new term, or the same again."""
        return Term(epoch=event.epoch, instance=event.instance, acts=state.acts)

    @evolves
    def acted(self, state: Term, event: Acted) -> Term:
        """One act more, by whom it says."""
        return Term(epoch=event.epoch, instance=event.instance, acts=state.acts + 1)

    def told(self, state: Term) -> str:
        """Epoch and instance that act."""
        return f"{state.epoch} {state.instance}"
