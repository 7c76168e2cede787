"""What a live fault does to links: the words that faults and the network share.

A fault does not act on a link; while it lives it *contributes* effects, and the network
judges each link afresh by all that contribute now. So overlapping faults compose and
nothing saves an old value to put back: factors multiply, delays add, independent chances
`p` of loss combine as 1 - prod(1 - p), and a link is held while any effect holds it.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Burst", "LinkEffect"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """Bursty loss: a link is in a good or a bad state for exponentially long times.

    The state is a function of seed, link and time, however many messages are sent, so two
    arms under one seed meet the same bursts.

    Attributes:
        mean_good_us: Mean length of a good spell, microseconds, > 0.
        mean_bad_us: Mean length of a bad spell, microseconds, > 0.
        loss_good: Chance in [0, 1] that a message sent in a good spell is lost.
        loss_bad: The same in a bad spell.

    Source: Gilbert, BSTJ 1960, and Elliott, BSTJ 1963; theirs steps once a symbol, this one
    runs in continuous time, since messages are not evenly spaced.
    """

    mean_good_us: int
    mean_bad_us: int
    loss_good: float = 0.0
    loss_bad: float = 1.0

    def __post_init__(self) -> None:
        for name, mean_us in (("mean_good_us", self.mean_good_us), ("mean_bad_us", self.mean_bad_us)):
            if mean_us.__class__ is not int or mean_us < 1:
                raise ValueError(f"{name}={mean_us!r} is no mean length; give whole microseconds >= 1")
        _check_chance("loss_good", self.loss_good)
        _check_chance("loss_bad", self.loss_bad)

    @property
    def bad_share(self) -> float:
        """The share of time that the link is in its bad state, in the long run."""
        return self.mean_bad_us / (self.mean_good_us + self.mean_bad_us)

    @property
    def loss(self) -> float:
        """The chance that a message sent at a random instant is lost."""
        return (1 - self.bad_share) * self.loss_good + self.bad_share * self.loss_bad


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkEffect:
    """What one live fault does to messages from any host of `src` to any other of `dst`.

    A host's messages to itself cross no link and are spared.

    Attributes:
        src: Indices of the sending hosts.
        dst: Indices of the receiving hosts.
        delay_factor: Multiplies the one-way delay, > 0.
        delay_us: Adds to it, microseconds, >= 0.
        bandwidth_factor: Multiplies the bandwidth, > 0; an unlimited link stays unlimited.
        loss: Chance in [0, 1] that a message is lost, independent of the others.
        burst: Bursty loss besides.
        duplicate: Chance in [0, 1] that a datagram arrives twice, each copy with a delay of
            its own. Connections number their segments and throw copies away.
        reorder: Chance in [0, 1] that a message is delayed by up to `reorder_us` more, and so
            overtaken; on a connection it then holds up what was sent after it.
        reorder_us: Longest such delay, microseconds; it is uniform in [0, `reorder_us`].
        hold: Messages sent wait at the link until no live effect holds it, then go on in order.
    """

    src: frozenset[int]
    dst: frozenset[int]
    delay_factor: float = 1.0
    delay_us: int = 0
    bandwidth_factor: float = 1.0
    loss: float = 0.0
    burst: Burst | None = None
    duplicate: float = 0.0
    reorder: float = 0.0
    reorder_us: int = 0
    hold: bool = False

    def __post_init__(self) -> None:
        for name, factor in (("delay_factor", self.delay_factor), ("bandwidth_factor", self.bandwidth_factor)):
            if not 0 < factor < float("inf"):
                raise ValueError(f"{name}={factor!r} is no factor; give a finite number above 0")
        for name, us in (("delay_us", self.delay_us), ("reorder_us", self.reorder_us)):
            if us.__class__ is not int or us < 0:
                raise ValueError(f"{name}={us!r} is no delay; give whole microseconds >= 0")
        for name, chance in (("loss", self.loss), ("duplicate", self.duplicate), ("reorder", self.reorder)):
            _check_chance(name, chance)


def _check_chance(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"{name}={value!r} is no chance; give 0 to 1")
