"""Links that work badly: slow, lossy, bursty, duplicating, reordering, held."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from sim.effects import Burst, LinkEffect
from sim.faults.fault import Fault
from sim.faults.kinds import FaultKind, Group, chosen
from sim.faults.params import FaultProblem, ParamRule, duration, number, selectors, shown
from sim.faults.partitions import against_the_rest
from sim.topology import Topology

__all__ = ["LINKS"]


def _ends(fault: Fault, topology: Topology) -> tuple[frozenset[int], frozenset[int]]:
    if "to" not in fault.params:
        return against_the_rest(fault, topology)
    return chosen(fault.targets, topology), chosen(selectors(fault, "to"), topology)


def _bad_ends(fault: Fault, topology: Topology) -> Iterable[FaultProblem]:
    src, dst = _ends(fault, topology)
    shown_targets = shown(fault.targets)
    if not dst:
        yield FaultProblem("targets", shown_targets, "nobody is at the other end", "name fewer targets, or add `to`")
    elif src == dst and len(src) == 1:
        rule = f"{topology.hosts[min(src)].path} has no link to itself"
        yield FaultProblem("targets", shown_targets, rule, "name another end")
    elif src & dst and src != dst:
        rule = f"{topology.hosts[min(src & dst)].path} is at both ends, and others are not"
        yield FaultProblem("targets", shown_targets, rule, "name equal ends, or ends that share nobody")


def _effects(make: Callable[[Fault], Mapping[str, Any]], fault: Fault, topology: Topology) -> tuple[LinkEffect, ...]:
    src, dst = _ends(fault, topology)
    does = make(fault)
    there = LinkEffect(src=src, dst=dst, **does)
    # Equal ends are one set of links: a second effect would apply everything twice.
    if fault.params.get("one_way", False) or src == dst:
        return (there,)
    return there, LinkEffect(src=dst, dst=src, **does)


def _slow(fault: Fault) -> Mapping[str, Any]:
    return {
        "delay_factor": number(fault, "factor", 1.0),
        "delay_us": duration(fault, "delay"),
        "bandwidth_factor": number(fault, "bandwidth", 1.0),
    }


def _bad_slow(fault: Fault, topology: Topology) -> Iterable[FaultProblem]:
    yield from _bad_ends(fault, topology)
    if not {"factor", "delay", "bandwidth"} & set(fault.params):
        yield FaultProblem("params", "(nothing)", "slower in no way", "give `factor`, `delay` or `bandwidth`")


def _lossy(fault: Fault) -> Mapping[str, Any]:
    return {"loss": number(fault, "loss", 0.0)}


def _bursty(fault: Fault) -> Mapping[str, Any]:
    burst = Burst(
        mean_good_us=duration(fault, "mean_good"),
        mean_bad_us=duration(fault, "mean_bad"),
        loss_good=number(fault, "loss_good", 0.0),
        loss_bad=number(fault, "loss_bad", 1.0),
    )
    return {"burst": burst}


def _duplicating(fault: Fault) -> Mapping[str, Any]:
    return {"duplicate": number(fault, "chance", 0.0)}


def _reordering(fault: Fault) -> Mapping[str, Any]:
    return {"reorder": number(fault, "chance", 0.0), "reorder_us": duration(fault, "within")}


def _held(fault: Fault) -> Mapping[str, Any]:
    return {"hold": True}


def _kind(
    name: str,
    doc: str,
    make: Callable[[Fault], Mapping[str, Any]],
    evidence: str,
    check: Callable[[Fault, Topology], Iterable[FaultProblem]] = _bad_ends,
    **params: ParamRule,
) -> FaultKind:
    ends = {
        "to": ParamRule("selectors", False, "the other end; everything else where it is left out"),
        "one_way": ParamRule("bool", False, "only what the targets send"),
    }
    return FaultKind(
        name=name,
        group=Group.LINK,
        doc=doc,
        params=MappingProxyType({**ends, **params}),
        links=partial(_effects, make),
        check=check,
        evidence=(evidence,),
    )


LINKS: Final = (
    _kind(
        "link-slow",
        "Messages between the targets and `to` take `factor` times as long, and `delay` more, on `bandwidth`.",
        _slow,
        "slowed",
        _bad_slow,
        factor=ParamRule("factor", False, "multiplies the delay"),
        delay=ParamRule("duration", False, "adds to the delay"),
        bandwidth=ParamRule("share", False, "multiplies the bandwidth"),
    ),
    _kind(
        "link-lossy",
        "Each message between the targets and `to` is lost with chance `loss`, whatever happens to the others.",
        _lossy,
        "lost by chance",
        loss=ParamRule("chance", True, "chance that a message is lost"),
    ),
    _kind(
        "link-bursty",
        "Messages between the targets and `to` are lost in bursts: Gilbert-Elliott, with exponential spells.",
        _bursty,
        "lost in a burst",
        mean_good=ParamRule("duration", True, "mean length of a good spell"),
        mean_bad=ParamRule("duration", True, "mean length of a bad spell"),
        loss_good=ParamRule("chance or 0", False, "chance of loss in a good spell; 0 where it is left out"),
        loss_bad=ParamRule("chance or 0", False, "chance of loss in a bad spell; 1 where it is left out"),
    ),
    _kind(
        "link-duplicating",
        "Each datagram between the targets and `to` arrives twice with chance `chance`, each time with its own delay.",
        _duplicating,
        "duplicated",
        chance=ParamRule("chance", True, "chance of a second copy"),
    ),
    _kind(
        "link-reordering",
        "Messages between the targets and `to` are late by up to `within` with chance `chance`: others overtake.",
        _reordering,
        "overtook",
        chance=ParamRule("chance", True, "chance of being late"),
        within=ParamRule("duration", True, "by how much at most"),
    ),
    _kind(
        "link-held",
        "Messages between the targets and `to` wait at the link until it ends, then go on in their order.",
        _held,
        "held",
    ),
)
