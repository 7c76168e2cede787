"""What factories read alike: where things are, what is stored, how logs are kept; and all that is wrong, told at once.

A factory (`[system] factory` in a scenario) has its own options in its signature. Those of every store whose
members keep a log are `KeptOptions`, which it takes as `**kept: Unpack[KeptOptions]`: the loader checks
them as it checks its own. It reads both through a `Reading`, which goes on after a mistake, and builds nothing
before `done` has refused them all together:

    read = Reading(site, workload)
    domain, place = read.domain(domain_name), read.home(home)
    member = read.member(kept, ship=ShipOptions())
    read.at_least(1, partitions=partitions)
    read.done()

In the words of scenario files 0 stands for never, or for all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypedDict, TypeVar, Unpack, get_type_hints

from models.clients import BankMix, Mix, Workload
from models.demand import ContendedMix
from models.domain import Domain
from models.domains import shipped
from models.domains.auction import Auction
from models.domains.bank_account import BankAccount
from models.domains.floored_counter import FlooredCounter
from models.domains.household import Household
from models.domains.named import domain_named
from models.mixes import requests_of
from models.store.group.wire import ShipOptions
from models.store.log.snapshots import SnapshotPolicy
from models.store.options import InDoubt, LogPolicy, MemberOptions
from models.store.schemes import Scheme
from models.store.words import scheme_of
from models.system import Site
from sim.topology import HostSpec, Topology
from sim.wording import Refused, way_to

__all__ = ["KeptOptions", "LogOptions", "Reading", "Refused", "domain_of", "home_of", "log_policy", "mix_of", "noted"]

T = TypeVar("T")


class LogOptions(TypedDict, total=False):
    """How a log is kept from growing for ever (`models.store.options.LogPolicy`).

    Attributes:
        segment: Entries in a file, 1000.
        snapshot_every: Events of an aggregate between snapshots, 0.
        snapshot_age_us: A snapshot at the latest so long after an event, 0.
        snapshot_load_us: A snapshot of what takes so long to load, 0.
        truncate: Whether the head goes once snapshots cover it, false.
        sweep: Whether a snapshot is taken of whatever alone holds the oldest segment back, false.
        retain_us: Entries younger than this stay, 0.
        retain_events: So many of the latest stay, 0.
        peer_patience: Entries kept for a peer that does not have them yet, 100000.
        keep_every_us: Between looks, a second.
    """

    segment: int
    snapshot_every: int
    snapshot_age_us: int
    snapshot_load_us: int
    truncate: bool
    sweep: bool
    retain_us: int
    retain_events: int
    peer_patience: int
    keep_every_us: int


class KeptOptions(LogOptions, total=False):
    """What every member of a store is told (`models.store.options.MemberOptions`), and how its log is kept.

    Attributes:
        store_denials: Whether a denied command leaves an event, true.
        window: Commands remembered, 100000.
        cache: States in memory, 0.
        replay_us: Host time that replaying one event takes, 0.
        in_doubt: What becomes of what stays in doubt, "block".
        doubt_us: For how long before that is asked, a second.
    """

    store_denials: bool
    window: int
    cache: int
    replay_us: int
    in_doubt: InDoubt
    doubt_us: int


class Reading:
    """The options of a factory, being read.

    Args:
        site: Where the system will be.
        workload: What its clients will do.

    Attributes:
        problems: What is wrong so far.
    """

    def __init__(self, site: Site, workload: Workload) -> None:
        self.problems: list[str] = []
        self._topology = site.topology
        self._workload = workload

    def of(self, make: Callable[[], T]) -> T | None:
        """What a callable makes; None, and its problems more, if it refuses."""
        made: T | None = noted(self.problems, make)
        return made

    def home(self, region: str) -> str | None:
        """The home region, the first where none is named."""
        return self.of(lambda: home_of(self._topology, region))

    def domain(self, name: str) -> Domain[Any] | None:
        """A shipped domain by its name, or a user's own."""
        return self.of(lambda: domain_of(name, self._workload))

    def scheme(self, words: str) -> Scheme | None:
        """A persistence scheme by its words."""
        return self.of(lambda: scheme_of(words))

    def member(
        self, kept: KeptOptions, *, ship: Callable[[], ShipOptions] = ShipOptions, **more: Any
    ) -> MemberOptions | None:
        """What every member is told; who each is comes later, by `replace`.

        Args:
            kept: How logs are kept.
            ship: How they are shipped; what it refuses is told with the rest.
            more: Other fields of the options.

        Raises:
            TypeError: an option that no member has.
        """
        known = get_type_hints(KeptOptions)
        unknown = sorted(kept.keys() - known.keys())
        if unknown:
            raise TypeError(f"{unknown[0]!r} is no option; {way_to(unknown[0], known)}")
        log = self.of(lambda: log_policy(**{name: kept[name] for name in get_type_hints(LogOptions) if name in kept}))  # type: ignore[literal-required]
        doubt = self.of(lambda: _doubt(kept.get("in_doubt", InDoubt.BLOCK)))
        shipped_so = self.of(ship)
        return self.of(
            lambda: MemberOptions(
                number=0,
                shard=0,
                home=0,
                ship=shipped_so or ShipOptions(),
                log=log or LogPolicy(),
                window=kept.get("window", 100_000),
                cache=kept.get("cache", 0) or None,
                store_denials=kept.get("store_denials", True),
                in_doubt=doubt or InDoubt.BLOCK,
                doubt_us=kept.get("doubt_us", 1_000_000),
                forward_timeout_us=self._workload.attempt_timeout_us,
                replay_us=kept.get("replay_us", 0),
                **more,
            )
        )

    def tenants(self, tenants: int) -> None:
        """Note a number of tenants that is none."""
        if tenants < 1:
            self.problems.append(f"{tenants=} is nobody; give at least 1")

    def at_least(self, least: int, **values: float) -> None:
        """Note every value that is less."""
        what = "negative" if least == 0 else "none"
        self.problems += [
            f"{name}={value} is {what}; give at least {least}" for name, value in values.items() if value < least
        ]

    def never_or(self, **times: int) -> None:
        """Note every time, of which 0 stands for never, that is less than that."""
        self.problems += [
            f"{name}={us} is no time; give at least 1, or 0 for never" for name, us in times.items() if us < 0
        ]

    def desk(self, region: str) -> HostSpec:
        """Where people of a region sit: its first client host, if it has one."""
        return (*self._topology.clients(region), *self._topology.servers(region))[0]

    def done(self) -> None:
        """Refuse all that was wrong, if anything was, as `Refused`."""
        if self.problems:
            raise Refused(self.problems)


def mix_of(domain: Domain[Any], workload: Workload) -> Mix:
    """What clients do with one domain."""
    if isinstance(domain, BankAccount):
        return BankMix(workload)
    if workload.contended:
        return ContendedMix(domain, workload)
    return requests_of(domain, workload.accounts)


def domain_of(name: str, workload: Workload) -> Domain[Any]:
    """A shipped domain by its name, or a user's own by `package.module:attribute`.

    Raises:
        ValueError: there is none by that name, or nobody can tell what clients ask of it; every reason at once.
    """
    if ":" in name:
        return domain_named(name)
    if name == BankAccount.name:
        return BankAccount(opening_balance=workload.opening_balance)
    if name == FlooredCounter.name:
        return FlooredCounter(start=workload.opening_balance)
    if name == Household.name:
        if not workload.contended:
            raise ValueError(f"domain={name!r} has requests in contended demand alone; give contended=true")
        return Household(opening_balance=workload.opening_balance)
    domains: dict[str, Domain[Any]] = dict(shipped().domains)
    domains.update((one.name, one) for one in (Household(), Auction(), FlooredCounter()))
    if name not in domains:
        own = ', or name your own, "package.module:attribute"'
        raise ValueError(f"domain={name!r} is none that is shipped; {way_to(name, list(domains))}{own}")
    return domains[name]


def home_of(topology: Topology, home: str, option: str = "home") -> str:
    """The region that an option names, the first where none is named; ValueError for an unknown one."""
    if not home:
        return topology.regions[0]
    if home not in topology.regions:
        raise ValueError(f"{option}={home!r} is no region here; {way_to(home, list(topology.regions))}")
    return home


def log_policy(**words: Unpack[LogOptions]) -> LogPolicy:
    """How logs are managed, in the words of scenario files."""
    try:
        return LogPolicy(
            segment=words.get("segment", 1_000),
            snapshots=SnapshotPolicy(
                every=words.get("snapshot_every", 0) or None,
                age_us=words.get("snapshot_age_us", 0) or None,
                load_us=words.get("snapshot_load_us", 0) or None,
            ),
            truncate=words.get("truncate", False),
            sweep=words.get("sweep", False),
            retain_us=words.get("retain_us", 0),
            retain_events=words.get("retain_events", 0),
            peer_patience=words.get("peer_patience", 100_000),
            every_us=words.get("keep_every_us", 1_000_000),
        )
    except Refused as refused:
        # Beside the other options of a factory it has to say what is done so often.
        told = [f"keep_{one}" if one.startswith("every_us=") else one for one in refused.problems]
        raise Refused(told) from None


def noted(problems: list[str], make: Callable[[], Any]) -> Any:
    """What a callable makes; None, and its problems more, if it refuses: `Reading.of`, for a list of one's own."""
    try:
        return make()
    except Refused as refused:
        problems.extend(refused.problems)
    except ValueError as refused:
        problems.append(str(refused))
    return None


def _doubt(word: str) -> InDoubt:
    if word not in [str(one) for one in InDoubt]:
        raise ValueError(f"in_doubt={word!r} is no policy; choose one of {', '.join(InDoubt)}")
    return InDoubt(word)
