"""Hypothesis strategies for topologies, faults and schedules: valid by construction, small when they shrink.

    @given(st.data())
    def test_nothing_is_lost(data):
        topology = data.draw(topologies(max_regions=3))
        faults = data.draw(schedules(topology, ends_us=10_000_000, heal=True))

They shrink to fewer faults, shorter and earlier ones, single hosts, plain kinds (a pause before a
swizzled cut) and default parameters. A nemesis (`sim.nemesis`) draws likely schedules from a seed;
these strategies reach every valid corner, and what breaks comes back small.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from sim.faults import HERE, KINDS, Fault, FaultKind, Group, Marks, ParamValue, Trigger
from sim.nemesis.hand import selectors_for
from sim.topology import Topology, grid
from sim.units import format_us

__all__ = ["faults", "schedules", "topologies"]

T = TypeVar("T")

NO_MARKS: Final[Mapping[str, Marks]] = MappingProxyType({})
REGIONS: Final = ("a", "b", "c", "d", "e", "f", "g")
#: What a person understands at a glance comes first: this is what a failure shrinks to.
_PLAIN_FIRST: Final = (
    "host-pause",
    "process-crash",
    "power-loss",
    "partition-full",
    "partition-partial",
    "partition-one-way",
    *(name for name in KINDS if name.startswith("link-")),
)
#: Kinds that change while they live need time for it, microseconds.
_SHORTEST_US: Final[Mapping[str, int]] = MappingProxyType({"partition-flapping": 30, "partition-swizzled": 1_000})
#: A swizzled cut heals at most so many hosts' links one by one, each in a microsecond at least.
_SWIZZLED: Final = 20


@st.composite
def topologies(
    draw: DrawFn,
    *,
    max_regions: int = 7,
    max_clusters: int = 3,
    max_hosts: int = 5,
    max_clients: int = 1,
    racks: bool = True,
) -> Topology:
    """Equal regions as `sim.topology.grid` makes them; the smallest is one host, without clients or racks.

    Args:
        draw: Given by hypothesis.
        max_regions: Most regions, at most 7.
        max_clusters: Most clusters of a region.
        max_hosts: Most servers of a cluster.
        max_clients: Most client hosts of a region.
        racks: Whether clusters may have racks.
    """
    hosts = draw(st.integers(1, max_hosts))
    return grid(
        REGIONS[: draw(st.integers(1, max_regions))],
        clusters=draw(st.integers(1, max_clusters)),
        hosts=hosts,
        cores=1,
        clients=draw(st.integers(0, max_clients)),
        racks=draw(st.integers(0, hosts)) if racks else 0,
    )


def schedules(
    topology: Topology,
    *,
    ends_us: int,
    begins_us: int = 0,
    heal: bool = False,
    marks: Mapping[str, Marks] = NO_MARKS,
    kinds: Collection[str] | None = None,
    max_faults: int = 6,
) -> SearchStrategy[tuple[Fault, ...]]:
    """Overlapping faults named f0, f1, ...; the smallest schedule is empty. Arguments as in `faults`."""
    one = faults(topology, ends_us=ends_us, begins_us=begins_us, heal=heal, marks=marks, kinds=kinds)
    # A fault is many choices, too many for the shrinker to delete at once; one that is left out is a single one.
    return st.lists(st.none() | one, max_size=max_faults).map(_numbered)


def _numbered(found: Sequence[Fault | None]) -> tuple[Fault, ...]:
    kept = [fault for fault in found if fault is not None]
    return tuple(replace(fault, id=f"f{number}") for number, fault in enumerate(kept))


def faults(
    topology: Topology,
    *,
    ends_us: int,
    begins_us: int = 0,
    heal: bool = False,
    marks: Mapping[str, Marks] = NO_MARKS,
    kinds: Collection[str] | None = None,
) -> SearchStrategy[Fault]:
    """One fault that is valid on a topology.

    Args:
        topology: The world's.
        ends_us: No fault begins from here on.
        begins_us: None begins before; at least 2 ms earlier.
        heal: Whether every fault has ended by `ends_us`, so that kinds without end are left out.
        marks: By host path, what its services mark, from `sim.faults.marks_of`; then some faults
            begin at a point or a note.
        kinds: Kinds that may be drawn; None is all. Those that make no sense here are left out.

    Raises:
        ValueError: none of these kinds makes sense here, or there is no time.
    """
    if ends_us - begins_us < 2 * max(_SHORTEST_US.values()):
        raise ValueError(f"{begins_us=}, {ends_us=} leave no time for faults; give them 2 ms")
    known = [name for name in dict.fromkeys((*_PLAIN_FIRST, *KINDS)) if kinds is None or name in kinds]
    here = [name for name in known if _makes_sense(KINDS[name], topology) and not (heal and KINDS[name].lasting)]
    if not here:
        raise ValueError(f"kinds={known} make no sense here; allow others, or use more hosts")
    triggers = _triggers(marks, begins_us, ends_us)
    return st.sampled_from(here).flatmap(lambda name: _fault(KINDS[name], topology, triggers, begins_us, ends_us, heal))


@st.composite
def _fault(
    draw: DrawFn,
    kind: FaultKind,
    topology: Topology,
    triggers: SearchStrategy[Trigger | None],
    begins_us: int,
    ends_us: int,
    heal: bool,
) -> Fault:
    shortest_us = _SHORTEST_US.get(kind.name, 1)
    trigger = draw(triggers)
    begin_us = draw(st.integers(begins_us, ends_us - shortest_us)) if trigger is None else trigger.since_us
    room_us = ends_us - begin_us
    for_us = draw(st.integers(shortest_us, max(shortest_us, room_us if trigger is None else room_us // 2)))
    targets, sides = draw(_targets(kind, topology, trigger))
    params = draw(_params(kind, for_us, ends_us - begins_us)) | sides
    if trigger is not None and heal:
        trigger = replace(trigger, until_us=ends_us - for_us)
    endless = kind.lasting is True or (not heal and kind.lasting is None and draw(st.integers(0, 4)) == 4)
    return Fault(
        id="f",
        kind=kind.name,
        targets=targets,
        at=begin_us if trigger is None else trigger,
        for_us=None if endless else for_us,
        params=params,
    )


def _makes_sense(kind: FaultKind, topology: Topology) -> bool:
    """Whether there are hosts, regions and racks enough for it."""
    if kind.level is not None:
        return len(topology.names(kind.level)) >= (2 if kind.sides else 1)
    if kind.group in (Group.PARTITION, Group.LINK):
        least = {"partition-ring": 4, "partition-bridge": 3}
        return len(topology.hosts) >= least.get(kind.name, 2)
    return kind.name != "host-slow" or any(host.cores for host in topology.hosts)


def _works(name: str, topology: Topology) -> bool:
    """Whether a host of it has cores, which one can be slow at."""
    return any(topology.hosts[index].cores for index in topology.select(name))


def _triggers(marks: Mapping[str, Marks], begins_us: int, ends_us: int) -> SearchStrategy[Trigger | None]:
    """No trigger in two of three; it counts from at least half of the time before the end."""
    found = sorted({(path, "point", mark) for path, m in marks.items() for mark in m.points})
    found += sorted({(path, "note", mark) for path, m in marks.items() for mark in m.notes})
    if not found:
        return st.none()
    since = st.integers(begins_us, (begins_us + ends_us) // 2 - 1)
    one = st.builds(_trigger, st.sampled_from(found), st.booleans(), st.integers(1, 9), since)
    return st.one_of(st.none(), st.none(), one)


def _trigger(found: tuple[str, str, str], there: bool, nth: int, since_us: int) -> Trigger:
    path, what, mark = found
    host = path if there else None
    if what == "point":
        return Trigger(point=mark, nth=nth, host=host, since_us=since_us)
    return Trigger(note=mark, nth=nth, host=host, since_us=since_us)


@st.composite
def _targets(
    draw: DrawFn, kind: FaultKind, topology: Topology, trigger: Trigger | None
) -> tuple[tuple[str, ...], dict[str, ParamValue]]:
    """Whom it strikes, and the parameters that say who is on the other side."""
    if kind.level is not None:
        names = topology.names(kind.level)
        return tuple(draw(_some(names, 1, len(names) - 1 if kind.sides else len(names)))), {}
    paths = [host.path for host in topology.hosts]
    if kind.name == "partition-ring":
        return tuple(draw(_some(paths, 4, len(paths)))), {}
    if kind.name == "partition-bridge":
        bridge, *rest = draw(st.permutations(paths))
        inside = rest[: draw(st.integers(1, len(rest) - 1))]
        return tuple(inside), {"bridge": (bridge,)}
    if kind.group not in (Group.PARTITION, Group.LINK):
        named = [HERE] if trigger is not None else [*paths, *_units(topology)]
        if kind.name == "host-slow":
            named = [name for name in named if name == HERE or _works(name, topology)]
        return tuple(draw(_some(named, 1, 1 if trigger is not None else 2))), {}
    most = min(_SWIZZLED, len(paths) - 1) if kind.name == "partition-swizzled" else len(paths) - 1
    inside = draw(st.one_of(_some(paths, 1, min(3, most)), _some(paths, 1, most)))
    return tuple(inside), draw(_other_side(kind, topology, inside))


@st.composite
def _other_side(draw: DrawFn, kind: FaultKind, topology: Topology, inside: Sequence[str]) -> dict[str, ParamValue]:
    name = next((name for name in ("against", "to") if name in kind.params), None)
    few = kind.name == "partition-swizzled" and len(inside) * len(topology.hosts) > _SWIZZLED**2
    if name is None or not (few or kind.params[name].required or draw(st.booleans())):
        return {}
    outside = [host.path for host in topology.hosts if host.path not in inside]
    if draw(st.booleans()) or few:
        return {name: tuple(draw(_some(outside, 1, min(_SWIZZLED, len(outside)))))}
    # Everybody there is, by the shortest names: selectors of regions are used as well.
    return {name: selectors_for({topology.host(path).index for path in outside}, topology)}


def _units(topology: Topology) -> list[str]:
    return [name for level in ("rack", "cluster", "region", "world") for name in topology.names(level)]


def _some(names: Sequence[str], least: int, most: int) -> SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(names), min_size=least, max_size=max(least, most), unique=True)


@st.composite
def _params(draw: DrawFn, kind: FaultKind, for_us: int, window_us: int) -> dict[str, ParamValue]:
    """All parameters but the sides; optional ones are there or not."""
    if kind.name == "partition-flapping":
        period_us = draw(st.integers(10, max(10, for_us // 2 - 1)))
        return {"period": format_us(period_us), "duty": draw(st.integers(1, 9)) / 10}
    if kind.name == "partition-swizzled":
        heal = format_us(draw(st.integers(_SHORTEST_US[kind.name], for_us)))
        return {"heal": heal, "order": draw(st.integers(0, 9))}
    chosen = {
        name: draw(_VALUES[rule.type](window_us))
        for name, rule in kind.params.items()
        if rule.type != "selectors" and name != "reach" and (rule.required or draw(st.booleans()))
    }
    if kind.name == "link-slow" and not chosen.keys() & {"factor", "delay", "bandwidth"}:
        chosen["factor"] = 2
    return chosen


def _durations(window_us: int) -> SearchStrategy[Any]:
    return st.integers(1, window_us).map(format_us)


_VALUES: Final[Mapping[str, Callable[[int], SearchStrategy[Any]]]] = MappingProxyType(
    {
        "bool": lambda _: st.booleans(),
        "chance": lambda _: st.integers(1, 20).map(lambda n: n / 20),
        "chance or 0": lambda _: st.integers(0, 20).map(lambda n: n / 20),
        "share": lambda _: st.integers(1, 19).map(lambda n: n / 20),
        "factor": lambda _: st.integers(2, 100),
        "order": lambda _: st.integers(0, 9),
        "ppm": lambda _: st.integers(1, 100_000) | st.integers(-100_000, -1),
        "duration": _durations,
        "signed duration": lambda us: _durations(us) | _durations(us).map(lambda text: f"-{text}"),
    }
)
