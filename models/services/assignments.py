"""Who runs what, as a domain: each slot of the service is an aggregate, and giving it to a host is an event.

A slot is given away under a new epoch, one more than the last, so of two schedulers that decide at once, or of one
that asks twice, the log lets one through (optimistic concurrency over shared state, as in Omega: Schwarzkopf et al.,
EuroSys 2013). No scheduler has to be the only one for an epoch to belong to one instance.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.domain import Command, Denied, Domain, Event, State, decides, evolves

__all__ = ["Assign", "Assigned", "Assignment", "Assignments", "Retire", "Retired", "read_told"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assign(Command):
    """A request to give the slot to a host, under an epoch."""

    epoch: int
    host: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned(Event):
    """The slot is the host's, under this epoch."""

    epoch: int
    host: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Retire(Command):
    """A request to let nobody have the slot any more, as long as it is under this epoch."""

    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Retired(Event):
    """Nobody has the slot."""

    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment(State):
    """The latest epoch (0 before the first), whose it is (the host's topology index), and whether it still counts."""

    epoch: int = 0
    host: int = -1
    live: bool = False


class Assignments(Domain[Assignment], name="assignments", number=50):
    """Slots, of which nobody has any at first."""

    def initial(self) -> Assignment:
        """Nobody's."""
        return Assignment()

    @decides
    def assign(self, state: Assignment, command: Assign) -> Assigned | Denied:
        """Only under the next epoch."""
        if command.epoch != state.epoch + 1:
            return Denied(reason="epoch")
        return Assigned(epoch=command.epoch, host=command.host)

    @decides
    def retire(self, state: Assignment, command: Retire) -> Retired | Denied:
        """Only what counts, and is under that epoch."""
        if command.epoch != state.epoch or not state.live:
            return Denied(reason="epoch")
        return Retired(epoch=command.epoch)

    @evolves
    def assigned(self, state: Assignment, event: Assigned) -> Assignment:
        """The host's."""
        return Assignment(epoch=event.epoch, host=event.host, live=True)

    @evolves
    def retired(self, state: Assignment, event: Retired) -> Assignment:
        """Nobody's, and the epoch is used up."""
        return Assignment(epoch=event.epoch, host=state.host, live=False)

    def told(self, state: Assignment) -> str:
        """Epoch, host and whether it counts, for `read_told`."""
        return f"{state.epoch} {state.host} {int(state.live)}"


def read_told(told: int | str | None) -> Assignment:
    """What a `Look` at a slot told."""
    if not told:
        return Assignment()
    epoch, host, live = str(told).split()
    return Assignment(epoch=int(epoch), host=int(host), live=live == "1")
