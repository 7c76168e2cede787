"""Families of partitions: halves, isolate one, majorities ring, bridge, one-way, flapping, swizzled heal.

After the catalogues of Jepsen (halves, ring, bridge) and FoundationDB (swizzling). A cut of hosts
leaves each client on a drawn side; a cut of regions takes their clients along.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sim.faults import ParamValue
from sim.nemesis.hand import PARTIAL, Family, Ground, Hand, selectors_for
from sim.units import format_us

__all__ = ["CUTS"]

#: Links that a swizzled heal may heal one by one, as `partition-swizzled` has it.
_MOST_LINKS: Final = 2_000
#: Share of a swizzled cut that its heal takes, at least.
_LEAST_SHARE: Final = 0.3


def _levels(ground: Ground, least: int) -> tuple[str, ...]:
    """Levels at which there are at least so many units to tell apart."""
    return tuple(level for level in ("region", "cluster", "host") if len(ground.units(level)) >= least)


def _clients(hand: Hand, level: str) -> tuple[str, ...]:
    """The clients that a cut at a level takes along: their region does that by itself."""
    if level == "region":
        return ()
    return tuple(client for client in hand.ground.clients if hand.happens(0.5))


def _halves(hand: Hand) -> None:
    level = hand.one(_levels(hand.ground, 2))
    units = hand.ground.units(level)
    mixed = hand.some(units, len(units))
    half, rest = mixed[: len(mixed) // 2], mixed[len(mixed) // 2 :]
    if hand.happens(PARTIAL) and level != "region":
        # Clients reach both halves, which therefore both go on answering.
        hand.strike("partition-partial", half, params={"against": rest})
    else:
        hand.strike("partition-full", (*half, *_clients(hand, level)))


def _isolate(hand: Hand) -> None:
    ground = hand.ground
    level = hand.one([level for level in ("region", "cluster", "host", "host") if ground.sides(level)])
    unit = hand.one(ground.sides(level))
    others = hand.others((unit,))
    if others and hand.happens(PARTIAL):
        some = hand.some(others, hand.draws.between(1, len(others)))
        hand.strike("partition-partial", (unit,), params={"against": some})
    else:
        hand.strike("partition-full", (unit,))


def _ring(hand: Hand) -> None:
    """Each unit reaches the nearest few on either side: just a majority, and no two the same."""
    level = hand.one(_levels(hand.ground, 4))
    units = hand.ground.units(level)
    reach = (len(units) // 2 + 1) // 2
    hand.strike("partition-ring", hand.some(units, len(units)), params={"reach": reach})


def _bridge(hand: Hand) -> None:
    level = hand.one(_levels(hand.ground, 3))
    units = hand.ground.units(level)
    bridge, *mixed = hand.some(units, len(units))
    half = tuple(mixed[: len(mixed) // 2])
    hand.strike("partition-bridge", (*half, *_clients(hand, level)), params={"bridge": (bridge,)})


def _one_way(hand: Hand) -> None:
    ground, victims = hand.ground, hand.victims()
    others = hand.others(victims)
    some = hand.some(others, hand.draws.between(1, len(others))) if others and hand.happens(PARTIAL) else ()
    if hand.happens(0.5):
        hand.strike("partition-one-way", victims, params={"to": some} if some else {})
    else:
        inside = {index for victim in victims for index in ground.topology.select(victim)}
        everybody = frozenset(range(len(ground.topology.hosts)))
        hand.strike(
            "partition-one-way", some or selectors_for(everybody - inside, ground.topology), params={"to": victims}
        )


def _flapping(hand: Hand) -> None:
    victims = hand.victims()
    others = hand.others(victims)
    some = hand.some(others, hand.draws.between(1, len(others))) if others and hand.happens(PARTIAL) else ()
    against = {"against": some} if some else {}
    times, duty = hand.draws.between(2, 20), round(hand.draws.uniform(0.2, 0.8), 2)

    def shape(us: int) -> Mapping[str, ParamValue]:
        # At least 5 us, so that any share of a period is neither nothing nor all of it.
        return {"period": format_us(max(5, us // times)), "duty": duty, **against}

    hand.strike("partition-flapping", victims, params=shape)


def _swizzle(hand: Hand) -> None:
    ground = hand.ground
    most = max(1, len(ground.servers) // 2)
    victims = hand.some(ground.servers, hand.draws.between(1, most))
    share, order = hand.draws.uniform(_LEAST_SHARE, 1.0), hand.draws.below(1_000)
    # A microsecond a link at least, however short the fault becomes.
    links = min(_MOST_LINKS, int(hand.shortest_us * _LEAST_SHARE))
    victims = victims[: max(1, links // (2 * len(ground.topology.hosts)))]
    others = hand.others(victims, clients=True)
    against = {} if 2 * len(victims) * len(others) <= links else {"against": others[: links // (2 * len(victims))]}

    def shape(us: int) -> Mapping[str, ParamValue]:
        return {"heal": format_us(max(1, round(us * share))), "order": order, **against}

    hand.strike("partition-swizzled", victims, must_end=True, params=shape)


def _has_others(ground: Ground) -> bool:
    return bool(ground.sides("host"))


CUTS: Final = (
    Family(
        name="halves",
        doc="Regions, clusters or hosts are parted in two halves.",
        kinds=("partition-full", "partition-partial"),
        possible=lambda ground: ground.whole and bool(_levels(ground, 2)),
        strike=_halves,
    ),
    Family(
        name="isolate",
        doc="One host, cluster or region loses all others, or some of them.",
        kinds=("partition-full", "partition-partial"),
        possible=_has_others,
        strike=_isolate,
    ),
    Family(
        name="ring",
        doc="Everybody reaches a majority, and no two the same.",
        kinds=("partition-ring",),
        possible=lambda ground: ground.whole and bool(_levels(ground, 4)),
        strike=_ring,
    ),
    Family(
        name="bridge",
        doc="Two halves that only one host, cluster or region between them reaches.",
        kinds=("partition-bridge",),
        possible=lambda ground: ground.whole and bool(_levels(ground, 3)),
        strike=_bridge,
    ),
    Family(
        name="one-way",
        doc="Somebody is heard and does not hear, or hears and is not heard.",
        kinds=("partition-one-way",),
        possible=_has_others,
        strike=_one_way,
    ),
    Family(
        name="flapping",
        doc="A cut that closes and opens from 2 to 20 times.",
        kinds=("partition-flapping",),
        possible=_has_others,
        strike=_flapping,
    ),
    Family(
        name="swizzle",
        doc="Up to half of the servers are cut off from all, and their links heal one by one in a drawn order.",
        kinds=("partition-swizzled",),
        possible=_has_others,
        strike=_swizzle,
    ),
)
