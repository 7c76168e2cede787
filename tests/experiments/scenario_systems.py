"""Factories for the tests of the scenario loader; none of them places anything that acts."""

from dataclasses import replace
from enum import StrEnum
from typing import Literal, Required, TypedDict, Unpack

from models.clients import Workload
from models.ledger import Ledger
from models.processes import transfer_process
from models.system import Site, System
from sim.host import Placement, Service
from sim.topology import Location, RegionName

HOME = RegionName("a")


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


def _empty() -> System:
    def no_ledger(service_of: object) -> Ledger:
        raise NotImplementedError

    return System(placements=(), stores={}, entry=lambda region, account: Location(0), ledger=no_ledger)


def everything(
    site: Site,
    workload: Workload,
    *,
    needed: int,
    ship_every_us: int = 200_000,
    repair_per_s: float = 1.0,
    buffer_bytes: int = 65_536,
    home: RegionName = HOME,
    quorum: tuple[RegionName, ...] = (),
    mode: Literal["fast", "safe"] = "safe",
    colour: Colour = Colour.RED,
    share: float = 0.5,
    limit: int | None = None,
    loud: bool = False,
) -> System:
    """Every type that an option may have."""
    return _empty()


class Shared(TypedDict, total=False):
    """Options of several factories."""

    depth: Required[int]
    keep_us: int
    seat: RegionName


def sharing(site: Site, workload: Workload, *, own: int = 1, **shared: Unpack[Shared]) -> System:
    """Takes options that it shares with others."""
    return _empty()


def picky(site: Site, workload: Workload, *, shards: int = 1) -> System:
    """Refuses what its signature cannot tell."""
    if shards > 2:
        raise ValueError(f"{shards=} is more than there are hosts; lower it")
    return _empty()


def hasty(site: Site) -> System:
    """Takes too little."""
    return _empty()


def broken(site: Site, workload: Workload) -> System:
    """Raises what no factory should."""
    raise KeyError("no\nlicence")


def leaving(site: Site, workload: Workload) -> System:
    """Would take the lab along."""
    raise SystemExit(0)


def uncompensated(site: Site, workload: Workload) -> System:
    """Manages a process that takes nothing back, and has no patience either."""
    debit, credit, _ = transfer_process().steps
    replace(transfer_process(), steps=(replace(debit, patience_us=-1), credit))
    return _empty()


def forgetful(site: Site, workload: Workload) -> System:
    """Returns nothing."""
    return None  # type: ignore[return-value]


def littering(site: Site, workload: Workload) -> System:
    """Places what is no placement."""
    return System(placements=("store",))  # type: ignore[arg-type]


def doubling(site: Site, workload: Workload) -> System:
    """Places two services of one name on a host."""
    host = site.topology.hosts[0].location
    return System(placements=(Placement(host=host, name="store", make=Service),) * 2)


class Opaque:
    """No value of a file is one of these."""


def picked(site: Site, workload: Workload, *, opaque: Opaque | None = None) -> System:
    """Has an option that no file can give."""
    return _empty()


def misspelt(site: Site, workload: Workload, *, shards: "1 +" = 1) -> System:  # type: ignore # noqa: F722 - the point
    """Has an annotation that is no expression."""
    return _empty()


class Configured:
    """A factory may be an object."""

    def __call__(self, site: Site, workload: Workload, *, shards: int = 1) -> System:
        return _empty()


configured = Configured()
not_callable = 7
