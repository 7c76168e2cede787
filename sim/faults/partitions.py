"""Partitions: kinds of fault that are unions of cuts.

After the catalogues of Jepsen (majorities ring, bridge) and FoundationDB (swizzling). The ring
here is of whatever the targets name, regions as well as hosts; the swizzled cut begins whole
and only its heal goes link by link.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from sim.faults.fault import Fault
from sim.faults.kinds import Cut, FaultKind, Group, Order, between, chosen
from sim.faults.params import FaultProblem, ParamRule, duration, number, selectors, shown, whole
from sim.topology import Topology
from sim.units import format_us

__all__ = ["PARTITIONS", "against_the_rest"]

#: One change a link: beyond this a swizzled heal would cost more than the run it is part of.
_MOST_LINKS: Final = 2_000
_LOST: Final = ("dropped: cut at send", "dropped: cut in flight", "missed: cut at send", "missed: cut in flight")
_AGAINST: Final = ParamRule("selectors", False, "the other side; everything else where it is left out")


def against_the_rest(fault: Fault, topology: Topology) -> tuple[frozenset[int], frozenset[int]]:
    """The targets, and everything else."""
    inside = chosen(fault.targets, topology)
    return inside, frozenset(range(len(topology.hosts))) - inside


def _against_some(fault: Fault, topology: Topology) -> tuple[frozenset[int], frozenset[int]]:
    return _towards(fault, topology, "against")


def _to_some(fault: Fault, topology: Topology) -> tuple[frozenset[int], frozenset[int]]:
    return _towards(fault, topology, "to")


def _towards(fault: Fault, topology: Topology, name: str) -> tuple[frozenset[int], frozenset[int]]:
    if name not in fault.params:
        return against_the_rest(fault, topology)
    return chosen(fault.targets, topology), chosen(selectors(fault, name), topology)


def _around_the_bridge(fault: Fault, topology: Topology) -> tuple[frozenset[int], frozenset[int]]:
    bridge = chosen(selectors(fault, "bridge"), topology)
    inside, outside = against_the_rest(fault, topology)
    return inside - bridge, outside - bridge


def _bad_bridge(fault: Fault, topology: Topology) -> Iterable[FaultProblem]:
    inside, _ = _around_the_bridge(fault, topology)
    if not inside:
        rule = "the bridge holds all the targets, so nothing is cut"
        yield FaultProblem("params.bridge", shown(fault.params["bridge"]), rule, "name fewer hosts")


# -- ring --------------------------------------------------------------------------------------


def _ring_cuts(fault: Fault, topology: Topology, after_us: int, order: Order) -> tuple[Cut, ...]:
    members = [chosen((target,), topology) for target in fault.targets]
    reach, count = whole(fault, "reach", 1), len(members)
    cuts: list[Cut] = []
    for place, member in enumerate(members):
        beyond = [members[(place + step) % count] for step in range(reach + 1, count - reach)]
        if beyond:
            cuts.append(Cut(member, frozenset().union(*beyond)))
    return tuple(cuts)


def _bad_ring(fault: Fault, topology: Topology) -> Iterable[FaultProblem]:
    members = [chosen((target,), topology) for target in fault.targets]
    if sum(map(len, members)) > len(frozenset().union(*members)):
        yield FaultProblem("targets", shown(fault.targets), "a host has two places in the ring", "name it once")
    least = 2 * whole(fault, "reach", 1) + 2
    if len(members) < least:
        rule = f"a ring of {len(members)} in which everybody reaches everybody"
        yield FaultProblem("targets", shown(fault.targets), rule, f"name at least {least}, or lower `reach`")


# -- flapping ----------------------------------------------------------------------------------


def _closed_us(fault: Fault) -> tuple[int, int]:
    """The period, and how long the cut is closed in each, microseconds."""
    period_us = duration(fault, "period")
    return period_us, round(period_us * number(fault, "duty", 0.5))


def _flapping_cuts(fault: Fault, topology: Topology, after_us: int, order: Order) -> tuple[Cut, ...]:
    period_us, closed_us = _closed_us(fault)
    return between(*_against_some(fault, topology)) if after_us % period_us < closed_us else ()


def _next_flap(fault: Fault, topology: Topology, after_us: int) -> int:
    period_us, closed_us = _closed_us(fault)
    begun_us = after_us - after_us % period_us
    return begun_us + closed_us if after_us < begun_us + closed_us else begun_us + period_us


def _bad_flapping(fault: Fault, topology: Topology) -> Iterable[FaultProblem]:
    period_us, closed_us = _closed_us(fault)
    if not 0 < closed_us < period_us:
        rule = f"a period of {format_us(period_us)} is too short for a share of it"
        yield FaultProblem("params.period", shown(fault.params["period"]), rule, "give a longer one")
    elif fault.for_us is not None and fault.for_us <= period_us:
        rule = f"lasts one period of {format_us(period_us)} or less, so it never flaps"
        yield FaultProblem("for", shown(format_us(fault.for_us)), rule, "lengthen it or shorten the period")


# -- swizzled ----------------------------------------------------------------------------------


def _swizzled_links(fault: Fault, topology: Topology) -> list[tuple[int, int]]:
    """The ordered pairs of hosts that the cut separates, in order of the hosts."""
    src, dst = _against_some(fault, topology)
    return sorted([(a, b) for a in src for b in dst] + [(b, a) for a in src for b in dst])


def _healed(fault: Fault, count: int, after_us: int) -> int:
    """How many of `count` links have healed: evenly over the last `heal` of the fault."""
    assert fault.for_us is not None
    heal_us = duration(fault, "heal")
    return max(0, (after_us - (fault.for_us - heal_us)) * count // heal_us)


def _swizzled_cuts(fault: Fault, topology: Topology, after_us: int, order: Order) -> tuple[Cut, ...]:
    links = _swizzled_links(fault, topology)
    sinks: dict[int, list[int]] = {}
    for place in order(len(links))[_healed(fault, len(links), after_us) :]:
        src, dst = links[place]
        sinks.setdefault(src, []).append(dst)
    return tuple(Cut(frozenset({src}), frozenset(sinks[src])) for src in sorted(sinks))


def _next_heal(fault: Fault, topology: Topology, after_us: int) -> int | None:
    assert fault.for_us is not None
    src, dst = _against_some(fault, topology)
    count, heal_us = 2 * len(src) * len(dst), duration(fault, "heal")
    nth = _healed(fault, count, after_us) + 1
    return None if nth > count else fault.for_us - heal_us + -(-nth * heal_us // count)


def _bad_swizzle(fault: Fault, topology: Topology) -> Iterable[FaultProblem]:
    src, dst = _against_some(fault, topology)
    heal_us, links = duration(fault, "heal"), 2 * len(src) * len(dst)
    heal = shown(fault.params["heal"])
    if fault.for_us is not None and heal_us > fault.for_us:
        rule = f"is longer than the fault itself, {format_us(fault.for_us)}"
        yield FaultProblem("params.heal", heal, rule, "shorten it or lengthen `for`")
    if links > _MOST_LINKS:
        rule = f"separates {links:,} links, and each heals on its own: more than {_MOST_LINKS:,}"
        yield FaultProblem("targets", shown(fault.targets), rule, "cut fewer hosts, or use `against`")
    elif heal_us < links:
        yield FaultProblem("params.heal", heal, f"too short for {links} links to heal one by one", "lengthen it")


def _params(**rules: ParamRule) -> Mapping[str, ParamRule]:
    return MappingProxyType(rules)


PARTITIONS: Final = (
    FaultKind(
        name="partition-full",
        group=Group.PARTITION,
        doc="The targets, still joined to each other, lose everything else, both ways.",
        sides=against_the_rest,
        evidence=_LOST,
    ),
    FaultKind(
        name="partition-partial",
        group=Group.PARTITION,
        doc="The targets and `against` lose each other, both ways; third parties reach both.",
        params=_params(against=ParamRule("selectors", True, "the other side")),
        sides=_against_some,
        evidence=_LOST,
    ),
    FaultKind(
        name="partition-bridge",
        group=Group.PARTITION,
        doc="The targets and everything else lose each other, but for the `bridge`, which reaches both.",
        params=_params(bridge=ParamRule("selectors", True, "who still reaches both sides")),
        sides=_around_the_bridge,
        check=_bad_bridge,
        evidence=_LOST,
    ),
    FaultKind(
        name="partition-ring",
        group=Group.PARTITION,
        doc="The targets stand in a ring, in their order; each reaches only the `reach` next to it on either side.",
        params=_params(reach=ParamRule("count", False, "neighbours reached on either side; 1 where it is left out")),
        cuts_after=_ring_cuts,
        check=_bad_ring,
        evidence=_LOST,
    ),
    FaultKind(
        name="partition-one-way",
        group=Group.PARTITION,
        doc="What the targets send to `to` (or to everything else) is lost; the way back is open.",
        params=_params(to=ParamRule("selectors", False, "who hears nothing")),
        sides=_to_some,
        two_way=False,
        evidence=_LOST,
    ),
    FaultKind(
        name="partition-flapping",
        group=Group.PARTITION,
        doc="The targets lose `against` (or everything else) for the first `duty` of every `period`.",
        params=_params(
            against=_AGAINST,
            period=ParamRule("duration", True, "from one closing to the next"),
            duty=ParamRule("share", False, "share of the period that is cut; 0.5 where it is left out"),
        ),
        sides=_against_some,
        cuts_after=_flapping_cuts,
        next_change=_next_flap,
        check=_bad_flapping,
        evidence=_LOST,
    ),
    FaultKind(
        name="partition-swizzled",
        group=Group.PARTITION,
        doc="The targets lose `against` (or everything else); over the last `heal` links heal one by one, shuffled.",
        params=_params(
            against=_AGAINST,
            heal=ParamRule("duration", True, "how long the heal takes"),
            order=ParamRule("order", False, "which shuffled order; 0 where it is left out"),
        ),
        sides=_against_some,
        cuts_after=_swizzled_cuts,
        next_change=_next_heal,
        lasting=False,
        check=_bad_swizzle,
        evidence=_LOST,
    ),
)
