"""From a seed to a schedule: knobs for the run, a coin for each family, then what each family draws.

Swarm testing (Groce et al., ISSTA 2012): with every family always on, each hides what the others
would show; so each run switches whole families off by the toss of a coin. Every family draws from
a generator of its own, its coin first. A new family, or one that is switched off, therefore leaves
what the others draw as it was. Only where no coin fell on *on*, the one that came closest is on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import exp, log, log1p
from types import MappingProxyType
from typing import Final

from sim.chance import Chance, Draws
from sim.faults import Fault, Marks, Trigger, check_schedule, check_triggers
from sim.nemesis.aimed import AIMED
from sim.nemesis.cuts import CUTS
from sim.nemesis.hand import Family, Ground, Hand, selectors_for
from sim.nemesis.hosts import HOSTS, surely
from sim.nemesis.knobs import SHORTEST_WINDOW_US, Drawn, Knobs, Mode, Options
from sim.nemesis.links import LINKS
from sim.topology import Topology
from sim.wording import way_to

__all__ = ["FAMILIES", "draw"]

FAMILIES: Final[Mapping[str, Family]] = MappingProxyType(
    {family.name: family for family in (*CUTS, *LINKS, *AIMED, *HOSTS)}
)
_ON: Final = 0.5
_LASTING: Final = (0.0, 0.1, 0.3)


def draw(topology: Topology, marks: Mapping[str, Marks], seed: int, options: Options) -> Drawn:
    """Draw a schedule; a pure function of its arguments.

    Args:
        topology: The world's.
        marks: What services mark, by host path, from `sim.faults.marks_of`.
        seed: Root of all that is drawn.
        options: What the schedule shall be like.

    Raises:
        ValueError: a family or a member of the core is unknown, or nothing can be drawn here.
    """
    _check_families(options)
    chance = Chance(seed)
    ground = _ground(chance, topology, marks, options)
    wanted = [f for name, f in FAMILIES.items() if options.families is None or name in options.families]
    possible = [family for family in wanted if family.possible(ground)]
    if not possible:
        raise ValueError(f"families={[f.name for f in wanted]} need more hosts, racks, notes or points; add others")
    coins = {family.name: chance.draws(f"nemesis/{family.name}").random() for family in possible}
    closest = min(coins, key=lambda name: coins[name])
    on = [family for family in possible if coins[family.name] < _ON or family.name == closest]
    mean = chance.draws("nemesis/run/density").random()
    per_family = exp(mean * log(3)) * options.density
    faults = [fault for family in on for fault in _of_family(family, chance, ground, per_family)]
    for kind in sorted(options.surely) if ground.exposed else ():
        # Beside what families draw, which stays as it was; in the time before the core is whole, if there is one.
        hand = Hand(
            f"sure-{kind}",
            chance.draws(f"nemesis/sure/{kind}"),
            replace(ground, ends_us=ground.core_us or ground.ends_us),
        )
        surely(kind, hand)
        faults += hand.faults
    faults.sort(key=lambda fault: (_begins(fault), fault.id))
    check_schedule(faults, topology)
    check_triggers(faults, marks, topology)
    knobs = Knobs(
        seed=seed,
        mode=options.mode.value,
        begins_us=options.begins_us,
        ends_us=options.ends_us,
        until_us=options.until_us,
        core_us=ground.core_us,
        core=selectors_for(ground.core, topology),
        families=tuple(family.name for family in on),
        off=tuple(family.name for family in possible if family not in on),
        impossible=tuple(family.name for family in wanted if family not in possible),
        allow=tuple(sorted(options.allow)),
        faults_per_family=round(per_family, 3),
        length_us_median=ground.length_us_median,
        lasting=ground.lasting,
        exposed=selectors_for(ground.exposed, topology) if options.allow else (),
        faults=len(faults),
    )
    return Drawn(knobs=knobs, faults=tuple(faults))


def _of_family(family: Family, chance: Chance, ground: Ground, per_family: float) -> list[Fault]:
    """What one family draws; with a core, afresh for the time when the core is whole."""
    draws = chance.draws(f"nemesis/{family.name}")
    if ground.core_us is None:
        return _strikes(family, draws, ground, per_family)
    window_us = ground.ends_us - ground.begins_us
    share = (ground.core_us - ground.begins_us) / window_us
    before = _strikes(family, draws, replace(ground, ends_us=ground.core_us), per_family * share)
    outside = frozenset(range(len(ground.topology.hosts))) - ground.core
    after = replace(ground, begins_us=ground.core_us, free=outside)
    if ground.ends_us - ground.core_us < SHORTEST_WINDOW_US or not family.possible(after):
        return before
    later = chance.draws(f"nemesis/{family.name}/core")
    return before + _strikes(family, later, after, per_family * (1 - share), first=len(before) + 1)


def _strikes(family: Family, draws: Draws, ground: Ground, mean: float, first: int = 1) -> list[Fault]:
    hand = Hand(family.name, draws, ground, first)
    for _ in range(_count(draws, mean)):
        family.strike(hand)
    return hand.faults


def _count(draws: Draws, mean: float) -> int:
    """1 plus a geometric number, `mean` together; a mean below 1 is the chance of one."""
    uniform = draws.random()
    if mean <= 1:
        return int(uniform < mean)
    return 1 + int(log1p(-uniform) / log1p(-1 / mean))


def _ground(chance: Chance, topology: Topology, marks: Mapping[str, Marks], options: Options) -> Ground:
    window_us = options.ends_us - options.begins_us
    stretch = chance.draws("nemesis/run/length").uniform(-2, 2)
    lasting = chance.draws("nemesis/run/lasting").below(len(_LASTING))
    core = _core(chance.draws("nemesis/run/core"), topology, options) if options.mode is Mode.CORE else frozenset()
    core_us = options.core_us
    if options.mode is Mode.CORE and core_us is None:
        core_us = options.begins_us + window_us // 2
    everybody = frozenset(range(len(topology.hosts)))
    return Ground(
        topology=topology,
        marks=marks,
        free=everybody,
        core=core,
        begins_us=options.begins_us,
        ends_us=options.ends_us,
        until_us=options.until_us,
        healed_us=options.ends_us if options.mode is Mode.HEALING else None,
        core_us=core_us,
        length_us_median=max(1, round(window_us / 12 * 2**stretch)),
        lasting=0.0 if options.mode is Mode.HEALING else _LASTING[lasting],
        allow=options.allow,
        exposed=_exposed(chance.draws("nemesis/run/exposed"), topology, options, core),
    )


def _core(draws: Draws, topology: Topology, options: Options) -> frozenset[int]:
    """A majority of regions with their clients; of servers, and all clients, where regions are fewer than 3."""
    if options.core:
        return frozenset(index for name in options.core for index in topology.select(name))
    if len(topology.regions) >= 3:
        regions = _some(draws, topology.regions, len(topology.regions) // 2 + 1)
        return frozenset(index for region in regions for index in topology.select(region))
    servers = [host.path for host in topology.hosts if not host.client]
    chosen = _some(draws, servers, len(servers) // 2 + 1)
    return frozenset(host.index for host in topology.hosts if host.client or host.path in chosen)


def _exposed(draws: Draws, topology: Topology, options: Options, core: frozenset[int]) -> frozenset[int]:
    """Servers whose disks may be lost: any, a minority where all must come right, nobody of a core."""
    servers = {host.path: host.index for host in topology.hosts if not host.client}
    if options.mode is Mode.UNLIMITED:
        return frozenset(servers.values())
    if options.mode is Mode.CORE:
        return frozenset(servers.values()) - core
    if len(topology.regions) >= 3:
        regions = _some(draws, topology.regions, (len(topology.regions) - 1) // 2)
        return frozenset(host.index for region in regions for host in topology.servers(region))
    return frozenset(servers[path] for path in _some(draws, tuple(servers), (len(servers) - 1) // 2))


def _some(draws: Draws, names: tuple[str, ...] | list[str], count: int) -> frozenset[str]:
    left = list(names)
    return frozenset(left.pop(draws.below(len(left))) for _ in range(count))


def _begins(fault: Fault) -> int:
    return fault.at.since_us if isinstance(fault.at, Trigger) else fault.at


def _check_families(options: Options) -> None:
    for name in sorted(options.families or ()):
        if name not in FAMILIES:
            raise ValueError(f"{name!r} is no family of faults; {way_to(name, FAMILIES)}")
    if options.families is not None and not options.families:
        raise ValueError("families is empty; name at least one")
