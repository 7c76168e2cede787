"""Simpler scenarios: what a shrinker may try, as edits of a document.

Every function takes a document (a TOML file as plain values, its faults written out one by one)
and yields others, the boldest first. An edit goes one way only, to fewer, shorter, rounder or
plainer, so that trying again until nothing helps comes to an end. Whether a document is still a
right scenario is not decided here: the loader refuses what is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from types import MappingProxyType
from typing import Any, Final

from sim.faults import HERE, KINDS
from sim.topology import Topology, grid
from sim.units import duration_us, format_us, rate_per_s

__all__ = [
    "Document",
    "other_delays",
    "plainer_worlds",
    "rounder_faults",
    "shorter_faults",
    "simpler_faults",
    "smaller_topologies",
    "with_",
]

Document = dict[str, Any]

#: A kind of fault, and the plainer ones that often do the same harm.
_PLAINER: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "region-destroyed": ("power-loss", "process-crash"),
        "cluster-power": ("power-loss", "process-crash"),
        "rack": ("power-loss", "process-crash"),
        "power-loss": ("process-crash",),
        "disk-loss": ("process-crash",),
        "region-unreachable": ("partition-full",),
        "partition-flapping": ("partition-full",),
        "partition-swizzled": ("partition-full",),
        "partition-bridge": ("partition-full",),
        "partition-ring": ("partition-full",),
        "link-bursty": ("partition-full", "link-lossy"),
        "link-lossy": ("partition-full",),
        "link-held": ("partition-full",),
        "clock-drift": ("clock-offset",),
    }
)
_UNITS_US: Final = (60_000_000, 10_000_000, 1_000_000, 500_000, 100_000, 50_000, 10_000, 1_000)
#: What lasts less than this is hard to see in a picture.
_SHORTEST_US: Final = 50_000
_SHAKES: Final = (0.5, 1.5, 0.75, 1.25, 0.9, 1.1, 2.0)
#: Of `[latency]`, what says where the delays come from; everything else makes them less even.
_DELAYS: Final = ("table", "between_regions")


def with_(document: Document, section: str, **values: Any) -> Document:
    """The document with keys of a section set anew; None takes a key away."""
    edited = deepcopy(document)
    edited[section] = {key: value for key, value in (edited.get(section, {}) | values).items() if value is not None}
    return edited


# -- faults ------------------------------------------------------------------------------------


def simpler_faults(document: Document) -> Iterator[Document]:
    """One fault of a plainer kind, without a parameter that it can do without, or with fewer targets."""
    topology = topology_of(document)
    for number, fault in enumerate(document.get("fault", [])):
        for simpler in (*_plainer(fault), *_narrower(fault, topology)):
            yield _with_fault(document, number, simpler)


def shorter_faults(document: Document) -> Iterator[Document]:
    """One fault that ends earlier or begins later."""
    for number, fault in enumerate(document.get("fault", [])):
        if "for" not in fault:
            continue
        lasts = duration_us(fault["for"])
        for shorter in (lasts // 10, lasts // 4, lasts // 2, lasts * 3 // 4):
            rounded = _rounded(shorter)
            if not _SHORTEST_US <= rounded < lasts:
                continue
            yield _with_fault(document, number, fault | {"for": format_us(rounded)})
            if isinstance(fault["at"], str):
                later = format_us(duration_us(fault["at"]) + lasts - rounded)
                yield _with_fault(document, number, fault | {"at": later, "for": format_us(rounded)})


def rounder_faults(document: Document) -> Iterator[Document]:
    """One fault whose beginning or length is a rounder number; a length gets shorter by that."""
    for number, fault in enumerate(document.get("fault", [])):
        if isinstance(fault["at"], str):
            at = duration_us(fault["at"])
            for unit in _coarser(at):
                for rounder in {at // unit * unit: None, -(-at // unit) * unit: None}:
                    yield _with_fault(document, number, fault | {"at": format_us(rounder)})
        if "for" in fault:
            lasts = duration_us(fault["for"])
            for unit in _coarser(lasts):
                if lasts >= unit:
                    yield _with_fault(document, number, fault | {"for": format_us(lasts // unit * unit)})


def _plainer(fault: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for kind in _PLAINER.get(fault["kind"], ()):
        yield {key: value for key, value in fault.items() if key != "params"} | {"kind": kind}
    params = fault.get("params", {})
    for name in params:
        if not KINDS[fault["kind"]].params[name].required:
            yield dict(fault) | {"params": {key: value for key, value in params.items() if key != name}}
    if isinstance(fault["at"], Mapping):
        for key in ("until", "since", "nth", "host"):
            if key in fault["at"]:
                yield dict(fault) | {"at": {name: value for name, value in fault["at"].items() if name != key}}


def _narrower(fault: Mapping[str, Any], topology: Topology) -> Iterator[dict[str, Any]]:
    for targets in _fewer(fault["targets"], topology):
        yield dict(fault) | {"targets": targets}
    for name, value in fault.get("params", {}).items():
        if isinstance(value, list):
            for targets in _fewer(value, topology):
                yield dict(fault) | {"params": fault["params"] | {name: targets}}


def _fewer(targets: Sequence[str], topology: Topology) -> Iterator[list[str]]:
    """Lists of selectors that name fewer hosts: one left out, or one taken apart into its hosts."""
    if len(targets) > 1:
        for number in range(len(targets)):
            yield [target for place, target in enumerate(targets) if place != number]
    for number, target in enumerate(targets):
        hosts = [] if target == HERE else topology.select(target)
        if len(hosts) > 1:
            for host in hosts:
                yield [*targets[:number], topology.hosts[host].path, *targets[number + 1 :]]


def _with_fault(document: Document, number: int, fault: dict[str, Any]) -> Document:
    faults = list(document["fault"])
    faults[number] = fault
    return {**document, "fault": faults}


def _coarser(us: int) -> list[int]:
    """The round units that a time is no multiple of, coarsest first, down to the finest that it misses."""
    return [unit for unit in _UNITS_US if us % unit]


def _rounded(us: int) -> int:
    """A time cut down to two digits or so."""
    unit = next((unit for unit in _UNITS_US if us >= 10 * unit), 1)
    return us // unit * unit


# -- topology ----------------------------------------------------------------------------------


def smaller_topologies(document: Document) -> Iterator[Document]:
    """A region, or of each region a cluster, host, client or rack less; faults that lose their targets go with them.

    Clients keep their own rate, so that what one of them asks for stays as it was.
    """
    shape = {"clusters": 1, "clients": 1, "racks": 0} | document["topology"]
    for region in reversed(shape["regions"] if len(shape["regions"]) > 1 else []):
        yield _refitted(document, regions=[name for name in shape["regions"] if name != region])
    for key, least in (("clusters", 1), ("hosts", 1), ("clients", 1), ("racks", 0)):
        for count in {least: None, shape[key] // 2: None, shape[key] - 1: None}:
            if least <= count < shape[key]:
                yield _refitted(document, **{key: count})


def topology_of(document: Document) -> Topology:
    """The topology of a document that was read before."""
    shape = document["topology"]
    return grid(
        shape["regions"],
        clusters=shape.get("clusters", 1),
        hosts=shape["hosts"],
        cores=1,
        clients=shape.get("clients", 1),
        racks=min(shape.get("racks", 0), shape["hosts"]),
    )


def _refitted(document: Document, **shape: Any) -> Document:
    before = topology_of(document)
    edited = with_(document, "topology", **shape)
    if edited["topology"].get("racks", 0) > edited["topology"]["hosts"]:
        edited["topology"]["racks"] = edited["topology"]["hosts"]
    after = topology_of(edited)
    faults = (_fitted(fault, after) for fault in edited.get("fault", []))
    edited["fault"] = [fault for fault in faults if fault is not None]
    clients = [sum(host.client for host in topology.hosts) for topology in (before, after)]
    rate = rate_per_s(edited["workload"]["rate"]) * clients[1] / clients[0]
    edited["workload"]["rate"] = f"{rate:.12g}/s"
    return edited


def _fitted(fault: dict[str, Any], topology: Topology) -> dict[str, Any] | None:
    """The fault without the selectors that name nothing any more; None if it cannot do without them."""
    targets = [target for target in fault["targets"] if _names_some(target, topology)]
    at = fault["at"]
    if not targets or (isinstance(at, Mapping) and not _names_some(at.get("host", "*"), topology)):
        return None
    params = {}
    for name, value in fault.get("params", {}).items():
        kept = [item for item in value if _names_some(item, topology)] if isinstance(value, list) else value
        if kept == []:
            return None
        params[name] = kept
    return fault | {"targets": targets} | ({"params": params} if params else {})


def _names_some(selector: str, topology: Topology) -> bool:
    if selector == HERE:
        return True
    try:
        return bool(topology.select(selector))
    except ValueError:
        return False


def other_delays(document: Document) -> Iterator[Document]:
    """The same with more or less jitter: the draws are the same, others answer first; none where delays are even."""
    jitter = document.get("latency", {}).get("jitter", 0)
    for factor in _SHAKES if jitter else ():
        yield with_(document, "latency", jitter=round(min(1.0, jitter * factor), 6))


# -- the rest ----------------------------------------------------------------------------------


def plainer_worlds(document: Document) -> Iterator[Document]:
    """Even delays, hosts and connections of the usual make, fewer keys."""
    for section, kept in (("latency", _DELAYS), ("hosts", ()), ("connections", ())):
        there = document.get(section, {})
        extra = [key for key in there if key not in kept]
        if extra:
            yield with_(document, section, **dict.fromkeys(extra))
        if len(extra) > 1:
            for key in extra:
                yield with_(document, section, **{key: None})
    keys = document["workload"]["accounts"]
    for fewer in {1: None, 2: None, keys // 2: None}:
        if 0 < fewer < keys:
            yield with_(document, "workload", accounts=fewer)
