"""A domain under a merge policy as the confluence checker wants it: the fold that is deployed, and its local rule.

`splitting` has rules that are easy to read; here the very policy of `models.merging` is asked. A side decides on its
own view by the policy's local rule where there is one, else by the domain's; after the heal what both wrote is folded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from models.addressing import Scope, mint, pack_type
from models.domain import Command, Denied, Domain, Event
from models.merging import Policy, Write, fit
from models.merging.policy import LocalRule, OwnReading
from models.merging.writes import Compensated, Merged, Opened, Output, Superseded
from sim.checkers.confluence import SplitSystem

__all__ = ["SOURCES", "Side", "split_policy"]

#: Numbers of the two sub-domains: sides 0 and 1.
SOURCES: Final = (1, 2)
_INSTANCE: Final = 1


class Side(NamedTuple):
    """What a side has.

    Attributes:
        state: The aggregate as this side shows it.
        held: What the policy holds after all that it knows.
        common: The same after the last heal, or at first.
        vector: By side, how many writes the last heal knew of.
        since: What it wrote since, in order.
        clock_us: Of its latest write, or of any at the last heal.
    """

    state: Any
    held: Any
    common: Any
    vector: tuple[int, int] = (0, 0)
    since: tuple[Write, ...] = ()
    clock_us: int = 0


def split_policy(domain: Domain[Any], commands: Sequence[Command], policy: Policy) -> SplitSystem[Side, Command]:
    """Two sides of one aggregate whose writes a policy merges.

    Args:
        domain: Whose rules and invariants hold.
        commands: What somebody may ask of either side, at any time; what a local rule asks for comes on top.
        policy: For `SOURCES`.

    Raises:
        ValueError: no commands.
        UnfitPolicy: the policy has no rule for something that the domain does.
    """
    if not commands:
        raise ValueError("no commands are given, so that nothing can go wrong; give those that somebody may ask")
    fit(policy, domain, asked=True)
    split = _Split(domain, tuple(commands), policy)
    first = policy.begin()
    return SplitSystem(
        initial=Side(policy.state(first), first, first),
        offers=split.offers,
        apply=split.apply,
        merge=split.merge,
        invariant=lambda held: not domain.violated(held.state),
        owed=split.owed,
    )


class _Split:
    """The functions of a `SplitSystem`."""

    def __init__(self, domain: Domain[Any], commands: tuple[Command, ...], policy: Policy) -> None:
        self._domain = domain
        self._commands = commands
        self._policy = policy
        self._rule = policy if isinstance(policy, LocalRule) else None
        self._types = [
            pack_type(Scope.SERVICE, command=False, domain=domain.number, incarnation=number) for number in SOURCES
        ]

    def offers(self, held: Side, side: int) -> tuple[Command, ...]:
        return self._commands if self._rule is None else (*self._commands, *self._rule.asks(SOURCES[side]))

    def apply(self, held: Side, command: Command, side: int) -> Side | None:
        if self._rule is None:
            event: Event | None = self._domain.decide(held.state, command)
        else:
            event = self._rule.decide(held.held, SOURCES[side], command)
        if event is None or event.__class__ is Denied:
            return None
        position = held.vector[side] + len(held.since) + 1
        stamp_us = held.clock_us + 1
        seen = ((SOURCES[1 - side], held.vector[1 - side]),)
        address = mint(self._types[side], _INSTANCE, position)
        write = Write(stamp_us, SOURCES[side], position, address, event, 0, seen)
        after = self._policy.step(held.held, write).held
        return Side(self._policy.state(after), after, held.common, held.vector, (*held.since, write), stamp_us)

    def merge(self, base: Side, left: Side, right: Side) -> Side:
        held, _ = self._folded(base, left, right)
        counts = {write.origin: write.position for one in (left, right) for write in one.since}
        vector = [counts.get(number, base.vector[side]) for side, number in enumerate(SOURCES)]
        # Both sides know everything now, so that nothing to come is concurrent with it.
        held = self._policy.forget(held, tuple(zip(SOURCES, vector, strict=True)))
        clock_us = max(left.clock_us, right.clock_us)
        return Side(self._policy.state(held), held, held, (vector[0], vector[1]), (), clock_us)

    def owed(self, base: Side, left: tuple[Command, ...], right: tuple[Command, ...], after: Side) -> str:
        sides, asked = [base, base], dict[int, str]()
        for side, own in enumerate((left, right)):
            for command in own:
                now = self.apply(sides[side], command, side)
                assert now is not None, f"{command} was accepted before"
                asked[now.since[-1].address] = f"side {side} was told yes to {command}"
                sides[side] = now
        _, outputs = self._folded(base, *sides)
        undone = _undone(outputs)
        if undone:
            return ", ".join(told for address, told in asked.items() if address in undone)
        return self._untold(base, sorted((*sides[0].since, *sides[1].since)), after)

    def _folded(self, base: Side, left: Side, right: Side) -> tuple[Any, list[Output]]:
        held, outputs = base.common, list[Output]()
        for write in sorted((*left.since, *right.since)):
            held, more = self._policy.step(held, write)
            outputs += more
        return held, outputs

    def _untold(self, base: Side, writes: Sequence[Write], after: Side) -> str:
        """What is gone though all is said to count."""
        if isinstance(self._policy, OwnReading):
            return ""  # it says itself what its writes come to, and is held to it by its obligations
        comes_to = self._domain.replay((write.event for write in writes), base.state)
        return "" if comes_to == after.state else f"all that was accepted comes to {comes_to}, and nobody was told"


def _undone(outputs: Sequence[Output]) -> set[int]:
    """Addresses whose last word is that they do not count, or that somebody must decide or make good."""
    counts: dict[int, bool] = {}
    owed: set[int] = set()
    for output in outputs:
        if isinstance(output, Merged | Superseded):
            counts[output.address] = isinstance(output, Merged)
        elif isinstance(output, Opened):
            # Of two that are open, one may count until then.
            counts = dict.fromkeys(output.addresses, False) | counts
        elif isinstance(output, Compensated):
            owed.add(output.address)
    return owed | {address for address, does in counts.items() if not does}
