"""The family of bad links: slow, lossy, bursty, duplicating, reordering, held."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from sim.faults import ParamValue
from sim.nemesis.hand import Family, Ground, Hand

__all__ = ["LINKS"]

_MS: Final = 1_000
_S: Final = 1_000_000


def _slow(hand: Hand) -> dict[str, ParamValue]:
    how = hand.draws.below(3)
    params: dict[str, ParamValue] = {"factor": hand.factor(2, 50), "delay": hand.duration(_MS, _S)}
    if how < 2:
        params.pop(("factor", "delay")[how])
    bandwidth = hand.chance(0.01, 0.5)
    return params | ({"bandwidth": bandwidth} if hand.happens(0.3) else {})


def _lossy(hand: Hand) -> dict[str, ParamValue]:
    return {"loss": hand.chance(0.01, 0.9)}


def _bursty(hand: Hand) -> dict[str, ParamValue]:
    good, bad = hand.duration(50 * _MS, 5 * _S), hand.duration(10 * _MS, 2 * _S)
    return {"mean_good": good, "mean_bad": bad, "loss_bad": hand.chance(0.3, 1.0)}


def _duplicating(hand: Hand) -> dict[str, ParamValue]:
    return {"chance": hand.chance(0.02, 1.0)}


def _reordering(hand: Hand) -> dict[str, ParamValue]:
    return {"chance": hand.chance(0.02, 1.0), "within": hand.duration(_MS, 2 * _S)}


def _held(hand: Hand) -> dict[str, ParamValue]:
    return {}


_KINDS: Final[Mapping[str, Callable[[Hand], dict[str, ParamValue]]]] = MappingProxyType(
    {
        "link-slow": _slow,
        "link-lossy": _lossy,
        "link-bursty": _bursty,
        "link-duplicating": _duplicating,
        "link-reordering": _reordering,
        "link-held": _held,
    }
)


def _strike(hand: Hand) -> None:
    """The links of victims to all others, to some of them, or (where everybody may be struck) all links."""
    kind = hand.one(tuple(_KINDS))
    targets = hand.victims()
    others = hand.others(targets)
    params, reach, one_way = _KINDS[kind](hand), hand.draws.below(3), hand.happens(0.5)
    if reach == 0 and hand.ground.whole:
        targets, params["to"] = ("*",), ("*",)
    elif reach == 1 and others:
        params["to"] = hand.some(others, hand.draws.between(1, len(others)))
    if one_way and targets != ("*",):
        params["one_way"] = True
    hand.strike(kind, targets, params=params)


def _possible(ground: Ground) -> bool:
    return bool(ground.sides("host"))


LINKS: Final = (
    Family(
        name="links",
        doc="Links that are slow, lossy, bursty, duplicating, reordering or held.",
        kinds=tuple(_KINDS),
        possible=_possible,
        strike=_strike,
    ),
)
