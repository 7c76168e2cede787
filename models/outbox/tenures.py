"""Who does a job that only one at a time should: an aggregate of which each tenure is an event.

A tenure is the fence: a number that grows with each owner, or each life of one, and that goes with all that is asked
of those who know nothing of the log.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.domain import Command, Denied, Domain, Event, State, decides, evolves

__all__ = ["Owners", "TakeOver", "TakenOver", "Tenure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOver(Command):
    """A request of `owner` to have the tenure after `after`, of a number above `above` as well.

    Where tenures were taken back, others still know of numbers that the log has forgotten: receivers that fence, and
    effects that were intended under them.
    """

    owner: int
    after: int
    above: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenOver(Event):
    """`owner` has the tenure of this number."""

    owner: int
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Owners(State):
    """Who has the latest tenure, 0 for nobody, and its number."""

    owner: int = 0
    number: int = 0


class Tenure(Domain[Owners], name="tenure", number=27):
    """Who does the job: one owner a tenure."""

    def initial(self) -> Owners:
        """Nobody."""
        return Owners()

    @decides
    def take_over(self, state: Owners, command: TakeOver) -> TakenOver | Denied:
        """Whoever knows the latest tenure may have the next: of two that ask for one, one gets it."""
        if command.after != state.number:
            return Denied(reason=f"tenure {state.number} is that of {state.owner}")
        return TakenOver(owner=command.owner, number=max(state.number, command.above) + 1)

    @evolves
    def taken_over(self, state: Owners, event: TakenOver) -> Owners:
        """The next."""
        return Owners(owner=event.owner, number=event.number)

    def told(self, state: Owners) -> int:
        """The number of the latest."""
        return state.number

    def again(self, event: Event) -> Command | None:
        """None: a tenure that was set aside is nobody's."""
        return None
