"""The shipped domains, each with the few commands that bring out what a cut does to it, and the merge rules to try."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from experiments.confluence.splitting import MergeRule, apply_all, replay
from models.domain import Command, Domain
from models.domains import (
    auction,
    bank_account,
    cart,
    counter,
    floored_counter,
    household,
    inventory,
    profile,
    seats,
    transfer,
    username,
)
from models.domains.named import Asked

__all__ = ["DOMAINS", "RULES", "Trial", "trial_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A domain and what is asked of it on both sides.

    Attributes:
        domain: With options so small that a few commands reach their limits.
        commands: What somebody may ask of either side at any time.
    """

    domain: Domain[Any]
    commands: tuple[Command, ...]


#: What two sides' events may be merged by.
RULES: Final[Mapping[str, MergeRule]] = MappingProxyType({"apply-all": apply_all, "replay": replay})

#: By the domain's name.
DOMAINS: Final[Mapping[str, Trial]] = MappingProxyType(
    {
        trial.domain.name: trial
        for trial in (
            Trial(
                domain=bank_account.BankAccount(opening_balance=1),
                commands=(bank_account.Deposit(amount=1), bank_account.Withdraw(amount=1)),
            ),
            Trial(
                domain=transfer.Transfer(),
                commands=(
                    transfer.Order(source=1, target=2, amount=1),
                    transfer.RecordDebit(),
                    transfer.RecordCredit(),
                    transfer.Abandon(),
                    transfer.RecordRefund(),
                ),
            ),
            Trial(
                domain=household.Household(accounts=2, opening_balance=1),
                commands=(
                    household.Move(source=0, target=1, amount=1),
                    household.Move(source=1, target=0, amount=1),
                    household.Move(source=0, target=1, amount=2),
                    household.Even(account=0),
                ),
            ),
            Trial(
                domain=inventory.Inventory(),
                commands=(
                    inventory.Receive(quantity=1),
                    inventory.Reserve(order=1, quantity=1),
                    inventory.Reserve(order=2, quantity=1),
                    inventory.Cancel(order=1),
                    inventory.Ship(order=1),
                ),
            ),
            Trial(
                domain=seats.Seats(seats=1),
                commands=(
                    seats.Take(seat=1, person=1),
                    seats.Take(seat=1, person=2),
                    seats.GiveBack(seat=1, person=1),
                ),
            ),
            Trial(
                domain=cart.Cart(),
                commands=(cart.Put(article=1, quantity=1), cart.Remove(article=1), cart.CheckOut()),
            ),
            Trial(
                domain=username.Username(),
                commands=(username.Claim(person=1), username.Claim(person=2), username.Release(person=1)),
            ),
            Trial(domain=counter.Counter(), commands=(counter.Add(n=1), counter.Add(n=-1))),
            Trial(domain=floored_counter.FlooredCounter(start=1), commands=(counter.Add(n=1), counter.Add(n=-1))),
            Trial(
                domain=auction.Auction(),
                commands=(
                    auction.Bid(bidder=1, amount=1),
                    auction.Bid(bidder=2, amount=2),
                    auction.Close(),
                    auction.Award(),
                ),
            ),
            Trial(
                domain=profile.Profile(),
                commands=(
                    profile.Change(field="name", value="Ann"),
                    profile.Change(field="name", value="Ben"),
                    profile.Change(field="name", value=None),
                    profile.Change(field="mail", value="a@b"),
                ),
            ),
        )
    }
)


def trial_of(domain: Domain[Any]) -> Trial | None:
    """What is asked of a domain: of a shipped one as above, with the options there; of any other what it asks for.

    None of one that says nothing of that.
    """
    trial = DOMAINS.get(domain.name)
    if trial is not None and type(trial.domain) is type(domain):
        return trial
    return Trial(domain=domain, commands=domain.asks()) if isinstance(domain, Asked) else None
