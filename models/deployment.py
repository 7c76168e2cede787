"""Designs laid over a topology: each factory says which services run where.

All give every region the same hosts and shards. Shard i of a region is the store on its
i-th server; monitors and operators, where a design has them, sit on the first. A factory's
keyword arguments are its options; in a scenario file durations, rates and sizes lose their
suffix and gain a unit (`heartbeat = "200ms"` is `heartbeat_us`).
"""

from __future__ import annotations

from typing import Final, Unpack

from models.clients import Workload
from models.confidence.visible.deployment import VisibleOptions, clients_of, line_of, stating, told_to
from models.confidence.visible.outcomes import Line
from models.confidence.visible.sharing import SurvivingShard, lasts_by, surviving_of, told_apart
from models.detection.words import detector_of
from models.domains.bank_account import BankAccount
from models.factories import Reading, domain_of, noted
from models.layout import RegionLayout, maker
from models.ledger import home_ledger
from models.lines import Lines, SplitLayout, home_among, lines_of, parts_of
from models.losing import LosableShard
from models.merging.policies import CanonicalReplay, policy_for, policy_named
from models.merging_end import Merging
from models.monitor import Monitor, MonitorOptions
from models.raft.deployment import raft_scheme
from models.raft.options import RaftOptions
from models.raft.plan import RaftPlan
from models.raft.shard import RaftShard
from models.reconcile import Operator, OperatorOptions
from models.settling import Place, Settling, place_of
from models.store.group.wire import ShipOptions
from models.store.schemes import Scheme, Spread, Tier
from models.store.shard import Shard
from models.system import Site, System
from sim.host import Placement
from sim.topology import RegionName, at_service
from sim.wording import Refused

__all__ = [
    "aggregate_primary",
    "home_failover",
    "home_region",
    "majority",
    "read_only_when_cut",
    "region_split",
]

MONITOR: Final = "monitor"
OPERATOR: Final = "operator"
_HOME: Final = RegionName("us-east-1")

#: Answered when the home has flushed, shipped to the other regions at once behind the answer.
_BEHIND: Final = Scheme(name="delayed-ship", tier=Tier.DEVICE, ship_every_us=0, spread=Spread.REGION)


def home_region(
    site: Site,
    workload: Workload,
    *,
    domain: str = BankAccount.name,
    home: RegionName = _HOME,
    heartbeat_us: int = 500_000,
    resend_us: int = 1_000_000,
    **visible: Unpack[VisibleOptions],
) -> System:
    """One region owns the domain and answers when it has flushed; logs are shipped behind.

    With `states`, clients say what became of what nobody answered, by what they believe of the way to the home.
    """
    layout = _laid(site, workload, domain, heartbeat_us, resend_us, line=line_of(visible))
    system = _home(layout, _BEHIND, layout.number_of(home))
    return told_to(system, clients_of(site.topology)) if stating(visible) else system


def aggregate_primary(
    site: Site,
    workload: Workload,
    *,
    domain: str = BankAccount.name,
    heartbeat_us: int = 500_000,
    resend_us: int = 1_000_000,
) -> System:
    """As `home_region`, but each aggregate has its own home: those of shards take turns over the regions.

    A cut then takes away a part of the aggregates from each side, in place of all from one.
    """
    return _home(_laid(site, workload, domain, heartbeat_us, resend_us, taking_turns=True), _BEHIND, 0)


def read_only_when_cut(
    site: Site,
    workload: Workload,
    *,
    domain: str = BankAccount.name,
    home: RegionName = _HOME,
    heartbeat_us: int = 500_000,
    resend_us: int = 1_000_000,
) -> System:
    """The home answers when every region has flushed: in a cut all can still be read everywhere and nothing written."""
    layout = _laid(site, workload, domain, heartbeat_us, resend_us)
    regions = len(layout.numbers)
    everywhere = Scheme(name="multi-persist", tier=Tier.DEVICE, holders=regions, spread=Spread.REGION)
    return _home(layout, everywhere, layout.number_of(home))


def majority(
    site: Site,
    workload: Workload,
    *,
    domain: str = BankAccount.name,
    home: RegionName = _HOME,
    election_us: int = 1_500_000,
    heartbeat_us: int = 300_000,
    detector: str = "",
) -> System:
    """Raft across regions: the leader, first the home's, answers when a majority has flushed; whoever leads is elected.

    `election` is the minimum election time-out, above the longest round trip and one heartbeat; `detector` watches
    the leader, in the words of `models.detection.words`, a fixed time-out of `election` if empty.

    Raises:
        ValueError: whatever of the options makes no sense here, all at once.
    """
    read = Reading(site, workload)
    wanted = read.domain(domain)
    layout = RegionLayout(site.topology, workload, ShipOptions(heartbeat_us=max(1, heartbeat_us)), domain=wanted)
    numbers = tuple(layout.numbers.values())
    scheme = read.of(lambda: raft_scheme(len(numbers), len(numbers), "region"))
    watching = read.of(lambda: detector_of(detector, heartbeat_us)) if detector else None
    options = read.of(
        lambda: RaftOptions(election_us=election_us, heartbeat_us=heartbeat_us, retry_us=max(1, 2 * heartbeat_us))
    )
    read.done()
    assert scheme is not None
    assert options is not None
    plan = RaftPlan(founders=numbers, raft=options, detector=watching)
    placements = layout.stores(RaftShard, scheme, layout.number_of(home), plan=plan)
    return layout.system(placements, RaftShard, home_ledger)


def home_failover(
    site: Site,
    workload: Workload,
    *,
    domain: str = BankAccount.name,
    home: RegionName = _HOME,
    heartbeat_us: int = 500_000,
    resend_us: int = 1_000_000,
    monitor_heartbeat_us: int = 500_000,
    suspect_after_us: int = 5_000_000,
    reconcile_delay_us: int = 60_000_000,
    reconcile_per_s: float = 1.0,
) -> System:
    """As `home_region`, with monitors that promote another region when the home falls silent.

    The preference is the order of the topology. Operators begin `reconcile_delay_us` after they
    find divergent entries and submit `reconcile_per_s` of them.
    """
    layout = _laid(site, workload, domain, heartbeat_us, resend_us)
    number = layout.number_of(home)
    placements = layout.stores(Shard, _BEHIND, number)
    preference = tuple(layout.numbers.values())
    for region, servers in layout.servers.items():
        others = {r: s for r, s in layout.servers.items() if r != region}
        monitor = MonitorOptions(
            region=layout.numbers[region],
            peers=tuple((layout.numbers[r], at_service(s[0], MONITOR)) for r, s in others.items()),
            stores=layout.store_locations[region],
            home=number,
            preference=preference,
            heartbeat_us=monitor_heartbeat_us,
            suspect_after_us=suspect_after_us,
        )
        operator = OperatorOptions(
            stores=layout.store_locations[region], delay_us=reconcile_delay_us, rate_per_s=reconcile_per_s
        )
        placements += [
            Placement(host=servers[0], name=MONITOR, make=maker(Monitor, monitor), kind=Monitor),
            Placement(host=servers[0], name=OPERATOR, make=maker(Operator, operator, layout.domain), kind=Operator),
        ]
    return layout.system(placements, Shard, home_ledger, operable=True)


def region_split(
    site: Site,
    workload: Workload,
    kind: type[LosableShard] = LosableShard,
    *,
    domain: str = BankAccount.name,
    merge: str = CanonicalReplay.name,
    lines: str = Lines.REGION.value,
    place: str = Place.EVERY.value,
    home: str = "",
    batch_us: int = 10_000_000,
    heartbeat_us: int = 500_000,
    resend_us: int = 1_000_000,
    **visible: Unpack[VisibleOptions],
) -> System:
    """Every region, or cluster, owns a sub-domain and accepts locally; a merge domain in each reconciles.

    `lines` says whether the parts are regions, clusters, or clusters that merge into regions (`both`). `domain` is a
    shipped one, or `package.module:attribute` of your own (`models.domains.named`). `place` says where writes get
    their final place: in `every` part, in the `home` (a part's name, the first if none is given), or in a `batch` at
    most every so long. `merge` is a policy of `models.merging.policies` or `package.module:attribute` of your own;
    `silent-last-writer` is the negative control. Stores are of a `kind`, which is no option: a subclass is a store
    that differs in that one thing. With `states`, what is accepted comes with the chance that it survives the merge.

    Raises:
        ValueError: whatever of the options makes no sense here, all at once: no such domain, lines or policy, lines
            that the topology lacks, or a policy that has no rule for something that the domain does.
    """
    problems: list[str] = []
    wanted = noted(problems, lambda: domain_of(domain, workload))
    ship = noted(problems, lambda: ShipOptions(heartbeat_us=heartbeat_us, resend_us=resend_us))
    parts = noted(problems, lambda: parts_of(site.topology, lines_of(lines)))
    where = noted(problems, lambda: place_of(place))
    number = 0 if parts is None else noted(problems, lambda: home_among(parts, home))
    if home and where not in (None, Place.HOME):
        problems.append(f"{home=} settles nothing where {place=}; leave it out, or give place='home'")
    fresh_us = 4 * max(1, heartbeat_us)
    settling = noted(
        problems,
        lambda: Settling(place=where or Place.EVERY, home=number or 0, batch_us=batch_us, fresh_us=fresh_us),
    )
    sources = (1, 2) if parts is None else tuple(part.number for part in parts)
    noted(problems, lambda: policy_named(merge) if wanted is None else policy_for(merge, wanted, sources))
    line = noted(problems, lambda: line_of(visible))
    if line is not None:
        noted(problems, lambda: surviving_of(visible, 1))
        problems += [mistake for mistake in (lasts_by(merge), told_apart(lines)) if mistake]
    if problems:
        raise Refused(problems)
    assert ship is not None
    if line is None:
        layout = SplitLayout(site.topology, workload, ship, lines_of(lines), settling, kind)
        return layout.system(Merging(domain=wanted, words=merge, sources=sources, shards=layout.shards))
    shards = len(parts[0].servers) if parts else 1
    beside = {"surviving": surviving_of(visible, max(1, workload.accounts // shards))}
    made = SurvivingShard if kind is LosableShard else kind
    stated = SplitLayout(site.topology, workload, ship, lines_of(lines), settling, made, line=line, beside=beside)
    system = stated.system(Merging(domain=wanted, words=merge, sources=sources, shards=shards))
    return told_to(system, clients_of(site.topology))


def _laid(
    site: Site,
    workload: Workload,
    domain: str,
    heartbeat_us: int,
    resend_us: int,
    *,
    taking_turns: bool = False,
    line: Line | None = None,
) -> RegionLayout:
    """Where members and clients of a design with homes are."""
    ship, wanted = ShipOptions(heartbeat_us=heartbeat_us, resend_us=resend_us), domain_of(domain, workload)
    return RegionLayout(site.topology, workload, ship, domain=wanted, taking_turns=taking_turns, line=line)


def _home(layout: RegionLayout, scheme: Scheme, home: int) -> System:
    placements = layout.stores(Shard, scheme, home)
    return layout.system(placements, Shard, home_ledger, operable=True)
