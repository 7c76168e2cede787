"""Merges that are wrong on purpose, each as it has been shipped by somebody: every one must be caught."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from itertools import count
from types import MappingProxyType
from typing import Any, Final

from experiments.obligations import Case
from models.domains.bank_account import BankAccount, Deposit, Withdraw
from models.domains.profile import Change, Profile
from models.merging.fold import MergeFold
from models.merging.policies import CanonicalReplay, LastWriter, SilentLastWriter
from models.merging.policy import Obligation, Step
from models.merging.writes import Compensated, Write, seen_of

__all__ = ["CONTROLS"]

_BANK: Final = BankAccount(opening_balance=2)
_ASKED: Final = (Deposit(amount=1), Withdraw(amount=1), Withdraw(amount=2))
_PROFILE: Final = Profile()
_CHANGES: Final = tuple(Change(field=field, value=value) for field in ("name", "mail") for value in ("a", "b"))


class ArrivalFold(MergeFold):
    """Folds what arrives as it arrives."""

    def _take(self, write: Write) -> None:
        self._pending[write.origin].append(write)
        found = self._aggregate(write.instance)
        found.writes.append(write)


class ByStampFold(MergeFold):
    """Orders by time alone; of equal times the one that came first is first."""

    def _take(self, write: Write) -> None:
        self._pending[write.origin].append(write)
        found = self._aggregate(write.instance)
        at = bisect_right([one.stamp_us for one in found.writes], write.stamp_us)
        found.writes.insert(at, write)
        found.disturb(at)


class GapsAcceptedFold(MergeFold):
    """Takes a stream's next write, whatever it waits for (pekko#2815)."""

    def _follows(self, write: Write) -> bool:
        return write.position == self.received(write.origin) + 1


class ConcurrentFlagFold(MergeFold):
    """Drops a write that is concurrent, which is to say: with something that happens to be here."""

    def _take(self, write: Write) -> None:
        found = self._aggregate(write.instance)
        if any(seen_of(write, one.origin) < one.position for one in found.writes if one.origin != write.origin):
            self._pending[write.origin].append(write)
            return
        super()._take(write)

    def _shed(self, due: list[Write]) -> None:
        for write in due:
            found = self._aggregates[write.instance]
            if write in found.writes:
                found.writes.remove(write)
                found.disturb(0)


class PartialLastWriter(CanonicalReplay):
    """One stamp for the aggregate, and events that say a part of it: the trap that Akka's documentation warns of."""

    name = "partial-last-writer"

    def begin(self) -> Any:
        return (0, self._first)

    def step(self, held: Any, write: Write) -> Step:
        last_us, state = held
        if write.stamp_us < last_us:
            return Step(held, ())
        return Step((write.stamp_us, self._domain.evolve(state, write.event)), ())

    def state(self, held: Any) -> Any:
        return held[1]


class RandomKey(CanonicalReplay):
    """Gives a compensation a new key each time that it derives it."""

    name = "random-key"

    def __init__(self, domain: Any) -> None:
        super().__init__(domain)
        self._keys = count(1)

    def step(self, held: Any, write: Write) -> Step:
        held, outputs = super().step(held, write)
        return Step(
            held,
            tuple(one._replace(key=next(self._keys)) if isinstance(one, Compensated) else one for one in outputs),
        )


def _bank(policy: Any = None, **more: Any) -> Case:
    return Case(domain=_BANK, policy=policy or CanonicalReplay(_BANK), commands=_ASKED, **more)


def _profile(policy: Any, **more: Any) -> Case:
    return Case(domain=_PROFILE, policy=policy, commands=_CHANGES, **more)


#: By name, a case and an obligation that it must break.
CONTROLS: Final[Mapping[str, tuple[Callable[[], Case], Obligation]]] = MappingProxyType(
    {
        "partial-event last writer wins": (
            lambda: _profile(PartialLastWriter(_PROFILE), fold=ArrivalFold),
            Obligation.CONVERGES,
        ),
        "a fold in order of arrival": (lambda: _bank(fold=ArrivalFold), Obligation.CONVERGES),
        "an output that depends on a concurrent flag": (
            lambda: _bank(fold=ConcurrentFlagFold),
            Obligation.CONVERGES,
        ),
        "a gap accepted": (lambda: _bank(fold=GapsAcceptedFold), Obligation.CAUSAL),
        "a random compensation key": (lambda: _bank(RandomKey(_BANK)), Obligation.REPLAYS),
        "a missing tie-break": (
            lambda: _profile(LastWriter(_PROFILE), fold=ByStampFold, skew_us={1: 0, 2: -10, 3: -20}),
            Obligation.CONVERGES,
        ),
        "last writer wins by the wall clock, under skew": (
            lambda: _profile(LastWriter(_PROFILE), hybrid=False, skew_us={1: 0, 2: -500, 3: 300}),
            Obligation.CAUSAL,
        ),
        "last writer wins without a word": (
            lambda: _profile(SilentLastWriter(_PROFILE)),
            Obligation.CONSERVED,
        ),
    }
)
