"""What theory says of balance, of movement and of who is on which side of a cut."""

from __future__ import annotations

from math import comb
from typing import Final

__all__ = ["apart", "joined", "left", "spread_of_keys", "zipf"]

#: Arms whose nodes have equal chances at every key.
_EVEN: Final = ("rendezvous", "jump", "modulo")


def spread_of_keys(arm: str, nodes: int, keys: int, vnodes: int | None) -> float | None:
    """The expected squared coefficient of variation of keys a node; None where there is no closed form.

    Of shares it is (n - 1) / (nv + 1) on a ring and 0 with equal chances; keys that fall by them add (n - 1) / keys.
    """
    if vnodes is None and arm not in _EVEN:
        return None
    shares = 0.0 if vnodes is None else (nodes - 1) / (nodes * vnodes + 1)
    return shares * (1 - 1 / keys) + (nodes - 1) / keys


def joined(arm: str, nodes: int) -> float | None:
    """The expected share of keys that change their first owner when one joins `nodes`."""
    if arm in ("tablets", "slots"):
        return None
    return nodes / (nodes + 1) if arm == "modulo" else 1 / (nodes + 1)


def left(arm: str, nodes: int) -> float | None:
    """The same when the first of `nodes` leaves."""
    if arm in ("tablets", "slots"):
        return None
    if arm == "modulo":
        return 1 - 1 / nodes
    return (2 - 1 / (nodes - 1)) / nodes if arm == "jump" else 1 / nodes


def apart(zones: int, inside: int, copies: int, need: int) -> float:
    """The chance that at least `need` of a key's copies are on the side of a cut that has `inside` of all zones.

    Copies are in different zones, any as likely as any other: hypergeometric.
    """
    outside = zones - inside
    ways = sum(
        comb(inside, there) * comb(outside, copies - there)
        for there in range(need, copies + 1)
        if copies - there <= outside
    )
    return ways / comb(zones, copies)


def zipf(keys: int, exponent: float) -> list[float]:
    """The shares of the load that keys have by rank."""
    weights = [rank**-exponent for rank in range(1, keys + 1)]
    total = sum(weights)
    return [weight / total for weight in weights]
