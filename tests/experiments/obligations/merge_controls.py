"""Merges that are wrong on purpose, each as it has been shipped by somebody: every one must be caught.

Each has a *twin*, the same but for that one mistake, which must keep the obligation on the same seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from experiments.obligations import Case
from models.addressing import content_hash
from models.domain import Denied
from models.domains.auction import Auction, Award, Bid, Close
from models.domains.bank_account import BankAccount, Deposit, Withdraw
from models.domains.cart import Cart, Put, Remove
from models.domains.profile import Change, Profile
from models.merging import meaning_of
from models.merging.fold import MergeFold, Settled
from models.merging.policies import (
    CanonicalReplay,
    ClosingBarrier,
    Commutative,
    Escrow,
    LastWriter,
    ObservedWrites,
    SilentLastWriter,
)
from models.merging.policy import Obligation, Policy, Step
from models.merging.writes import Compensated, Merged, Opened, Write, precedes

__all__ = ["CONTROLS", "Control"]

_BANK: Final = BankAccount(opening_balance=2)
_ASKED: Final = (Deposit(amount=1), Withdraw(amount=1), Withdraw(amount=2))
_PROFILE: Final = Profile()
_NAMES: Final = tuple(Change(field="name", value=value) for value in ("a", "b"))
_CHANGES: Final = (*_NAMES, *(Change(field="mail", value=value) for value in ("a", "b")))
_CART: Final = Cart()
_BOUGHT: Final = (Put(article=1, quantity=1), Put(article=2, quantity=1), Remove(article=1))
_AUCTION: Final = Auction()
_BIDDING: Final = (Bid(bidder=1, amount=1), Bid(bidder=2, amount=2), Close(), Award(), Award())
#: More than any of these histories has writes.
_ALL: Final = 1_000_000


class Control(NamedTuple):
    """A wrong case, the obligation that it must break, and the right one."""

    wrong: Callable[[], Case]
    obligation: Obligation
    twin: Callable[[], Case]


# -- folds -----------------------------------------------------------------------------------------


class ArrivalFold(MergeFold):
    """Folds what arrives as it arrives."""

    def _take(self, write: Write) -> None:
        self._pending[write.origin].append(write)
        self._aggregate(write.instance).writes.append(write)

    def _shed(self, due: list[Write]) -> None:
        for write in due:
            found = self._aggregates[write.instance]
            found.writes.remove(write)
            found.disturb(0)


class GapsAcceptedFold(MergeFold):
    """Takes whatever comes next of a stream, though something before it has not come (pekko#2815)."""

    def _follows(self, write: Write) -> bool:
        return True


class UnaskedFold(MergeFold):
    """Takes a stream's next write, whatever its writer had seen of others."""

    def _follows(self, write: Write) -> bool:
        return write.position == self.received(write.origin) + 1


class ConcurrentFlagFold(MergeFold):
    """Opens a conflict on a write that is concurrent, which is to say: with something that happens to be here."""

    def __init__(self, policy: Policy, sources: Sequence[int]) -> None:
        super().__init__(policy, sources)
        self._flagged: set[int] = set()

    def _take(self, write: Write) -> None:
        here = self._aggregate(write.instance).writes
        if any(not precedes(one, write) for one in here):
            self._flagged.add(write.address)
        super()._take(write)

    def settle(self, cut_us: int) -> Settled | None:
        settled = super().settle(cut_us)
        if settled is None:
            return None
        flagged = [
            Opened(one.address, (one.address,)) if isinstance(one, Merged) and one.address in self._flagged else one
            for one in settled.outputs
        ]
        return settled._replace(outputs=tuple(flagged))


# -- policies --------------------------------------------------------------------------------------


class StampedRegister(CanonicalReplay):
    """One stamp for the aggregate: a write counts if it is the latest so far, in whatever order writes are folded.

    Right for events that say the whole, wrong for those that say a part: that is the trap of which Akka's documentation
    warns. Right with a tie-break, wrong without.
    """

    name = "stamped-register"

    def __init__(self, domain: Any, *, tie_break: bool = True) -> None:
        super().__init__(domain)
        self._tie_break = tie_break

    def begin(self) -> Any:
        return ((0, 0), self._first)

    def step(self, held: Any, write: Write) -> Step:
        latest, state = held
        stamp = (write.stamp_us, write.origin if self._tie_break else 0)
        if stamp < latest or write.event.__class__ is Denied:
            return Step(held, ())
        return Step((stamp, self._domain.evolve(state, write.event)), ())

    def state(self, held: Any) -> Any:
        return held[1]


class RandomKey(CanonicalReplay):
    """Gives a compensation a new key each time that it derives it."""

    name = "random-key"

    def __init__(self, domain: Any) -> None:
        super().__init__(domain)
        self._nonces = count(1)

    def step(self, held: Any, write: Write) -> Step:
        held, outputs = super().step(held, write)
        return Step(held, tuple(map(self._keyed, outputs)))

    def _keyed(self, output: Any) -> Any:
        return output._replace(key=content_hash(next(self._nonces))) if isinstance(output, Compensated) else output


class PlainSet(ObservedWrites):
    """A removal takes what it never saw."""

    name = "plain-set"

    def step(self, held: Any, write: Write) -> Step:
        return super().step(held, write._replace(seen=tuple((number, _ALL) for number in (1, 2, 3))))


# -- cases -----------------------------------------------------------------------------------------


def _bank(policy: Any = None, **more: Any) -> Case:
    return Case(domain=_BANK, policy=policy or CanonicalReplay(_BANK), commands=_ASKED, **more)


def _escrow(**more: Any) -> Case:
    """One unit for each sub-domain, so that whoever spends twice spends what is another's."""
    bank = BankAccount(opening_balance=3)
    escrow = Escrow(bank, meaning_of(bank), (1, 2, 3))
    return Case(domain=bank, policy=escrow, commands=(Deposit(amount=1), *(Withdraw(amount=1),) * 3), **more)


def _profile(policy: Any, commands: Any = _CHANGES, **more: Any) -> Case:
    return Case(domain=_PROFILE, policy=policy, commands=commands, **more)


def _register(commands: Any, *, tie_break: bool = True) -> Case:
    """Where sub-domains that write in turn have equal times."""
    skew_us = {1: 0, 2: -10, 3: -20}
    register = StampedRegister(_PROFILE, tie_break=tie_break)
    return _profile(register, commands, fold=ArrivalFold, skew_us=skew_us)


def _skewed(*, hybrid: bool) -> Case:
    return _profile(LastWriter(_PROFILE), hybrid=hybrid, skew_us={1: 0, 2: -500, 3: 300})


def _cart(policy: Callable[..., Any]) -> Case:
    return Case(domain=_CART, policy=policy(_CART, meaning_of(_CART)), commands=_BOUGHT)


def _auction(policy: Any) -> Case:
    return Case(domain=_AUCTION, policy=policy, commands=_BIDDING, instances=(1,))


#: By name. The first seven are what the comparison of policies stands on.
CONTROLS: Final[Mapping[str, Control]] = MappingProxyType(
    {
        "partial-event last writer wins": Control(
            lambda: _register(_CHANGES), Obligation.CONVERGES, lambda: _register(_NAMES)
        ),
        "a fold in order of arrival": Control(lambda: _bank(fold=ArrivalFold), Obligation.CONVERGES, _bank),
        "an output that depends on a concurrent flag": Control(
            lambda: _bank(fold=ConcurrentFlagFold), Obligation.DETERMINISTIC, _bank
        ),
        "a gap accepted": Control(lambda: _bank(fold=GapsAcceptedFold), Obligation.CONSERVED, _bank),
        "a random compensation key": Control(lambda: _bank(RandomKey(_BANK)), Obligation.COMPENSATES_ONCE, _bank),
        "a missing tie-break": Control(
            lambda: _register(_NAMES, tie_break=False), Obligation.CONVERGES, lambda: _register(_NAMES)
        ),
        "last writer wins by the wall clock, under skew": Control(
            lambda: _skewed(hybrid=False), Obligation.CAUSAL, lambda: _skewed(hybrid=True)
        ),
        "an answer without its question": Control(lambda: _bank(fold=UnaskedFold), Obligation.CAUSAL, _bank),
        "last writer wins without a word": Control(
            lambda: _profile(SilentLastWriter(_PROFILE)), Obligation.CONSERVED, lambda: _profile(LastWriter(_PROFILE))
        ),
        "a removal that takes what it never saw": Control(
            lambda: _cart(PlainSet), Obligation.COMMUTES, lambda: _cart(ObservedWrites)
        ),
        "money spent that nobody had the right to": Control(
            lambda: _bank(Commutative(_BANK, meaning_of(_BANK))), Obligation.INVARIANT, _escrow
        ),
        "a lot given away while others still bid": Control(
            lambda: _auction(Commutative(_AUCTION, meaning_of(_AUCTION))),
            Obligation.INVARIANT,
            lambda: _auction(ClosingBarrier(_AUCTION, meaning_of(_AUCTION), (1, 2, 3))),
        ),
        "rights used again after a restart": Control(lambda: _escrow(patient=False), Obligation.INVARIANT, _escrow),
    }
)
