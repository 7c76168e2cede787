"""Systems for the tests of check and of the decorator; workers import them by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from models.clients import Workload
from models.deployment import region_split
from models.domain import Denied, Domain, decides
from models.domains.bank_account import Account, BankAccount, Deposit, Deposited
from models.store.options import MemberOptions
from models.store.shard import Shard
from models.stores import store
from models.system import Site, System
from sim.host import Context, Placement, Service


class Raising(Service):
    """Divides by zero as soon as it lives."""

    def start(self) -> None:
        """Fail."""
        raise ZeroDivisionError("no luck")


class Silent(BankAccount, name="bank-account", number=BankAccount.number):
    """A domain of somebody who forgot to return the event."""

    @decides
    def deposit(self, state: Account, command: Deposit) -> Deposited | Denied:
        """Decide nothing."""
        return None  # type: ignore[return-value]


class SilentShard(Shard):
    """A member of a store of such accounts."""

    def __init__(self, ctx: Context, options: MemberOptions, domain: Domain[Any]) -> None:
        super().__init__(ctx, options, Silent())


def silent(site: Site, workload: Workload) -> System:
    """A store whose domain breaks its contract in every run."""
    return store(site, workload, SilentShard, scheme="local-persist")


class Exiting(Service):
    """Ends the process as soon as it lives."""

    def start(self) -> None:
        """Exit."""
        raise SystemExit(5)


def exiting(site: Site, workload: Workload) -> System:
    """A system whose every run calls `exit()`."""
    sound = region_split(site, workload)
    bad = Placement(host=site.topology.hosts[0].location, name="bad", make=Exiting, kind=Exiting)
    return replace(sound, placements=(*sound.placements, bad))


def raising(site: Site, workload: Workload) -> System:
    """A system whose every run raises."""
    sound = region_split(site, workload)
    host = site.topology.hosts[0].location
    bad = Placement(host=host, name="bad", make=Raising, kind=Raising)
    return replace(sound, placements=(*sound.placements, bad))
