"""What may change about a network, or about the hosts at its ends: parts that are put together.

Times are microseconds. Each part acts from the instant at which the network changes. A heartbeat meets them in the
order in which it travels: the sender's pauses, what loses it, what delays it, copies and detours, what holds it
back, the monitor's pauses, the monitor's clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from models.detection.refusals import at_least, refuse

__all__ = [
    "Bursts",
    "Changing",
    "Congestion",
    "Copies",
    "Cuts",
    "Detour",
    "Diurnal",
    "Drift",
    "Loss",
    "Part",
    "Pauses",
    "Routes",
    "Stalls",
    "Step",
    "Whose",
]

#: Clocks that differ by more are broken.
_MOST_PPM: Final = 100_000


def _share(name: str, value: float) -> str | None:
    return None if 0 <= value <= 1 else f"{name}={value!r} is no share; give a number from 0 to 1"


def _lengths(every_us: int, least_us: int, most_us: int) -> tuple[str | None, ...]:
    order = None
    if not 1 <= least_us <= most_us:
        order = f"{least_us=} and {most_us=} are no range; give 1 <= least_us <= most_us"
    elif 2 * every_us <= least_us + most_us:
        order = f"{every_us=} leaves no time between spells of {least_us} to {most_us} us; make it longer"
    return (at_least("every_us", every_us, 1), order)


class Whose(StrEnum):
    """At which end something stands still."""

    SENDER = "sender"
    MONITOR = "monitor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Delay grows once, and stays."""

    extra_us: int

    def __post_init__(self) -> None:
        refuse((at_least("extra_us", self.extra_us, 0),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Diurnal:
    """Delay swings between none and `extra_us` more, once in `period_us`, as a raised cosine."""

    period_us: int
    extra_us: int

    def __post_init__(self) -> None:
        refuse((at_least("period_us", self.period_us, 64), at_least("extra_us", self.extra_us, 0)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """Another route every `every_us` at a mean, up to `extra_us_max` longer; nothing arrives for `blind_us` before."""

    every_us: int
    extra_us_max: int
    blind_us: int

    def __post_init__(self) -> None:
        late = None
        if self.blind_us >= self.every_us:
            late = f"{self.blind_us=} is not below {self.every_us=}; a route must serve before it changes again"
        refuse(
            (
                at_least("every_us", self.every_us, 1),
                at_least("extra_us_max", self.extra_us_max, 0),
                at_least("blind_us", self.blind_us, 1),
                late,
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """So many more are lost, each on its own."""

    share: float

    def __post_init__(self) -> None:
        refuse((_share("share", self.share),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bursts:
    """Gilbert and Elliott's: a bad state of `mean_us` every `every_us`, in which the share `loss` is lost."""

    every_us: int
    mean_us: int
    loss: float

    def __post_init__(self) -> None:
        refuse(
            (
                at_least("mean_us", self.mean_us, 1),
                at_least("every_us", self.every_us, self.mean_us + 1),
                _share("loss", self.loss),
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cuts:
    """Nothing gets from the subject to the monitor by the direct way; what is in flight is lost when a cut begins.

    A cut in the other direction alone leaves heartbeats as they are, which is a trouble of its own: a scenario of the
    world has it.
    """

    every_us: int
    least_us: int
    most_us: int

    def __post_init__(self) -> None:
        refuse(_lengths(self.every_us, self.least_us, self.most_us))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stalls:
    """Now and then the way stands still, and what arrives meanwhile comes at the end: delays that are correlated."""

    every_us: int
    least_us: int = 20_000
    most_us: int = 250_000

    def __post_init__(self) -> None:
        refuse(_lengths(self.every_us, self.least_us, self.most_us))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pauses:
    """A process stands still, as in a collection of garbage; what it would have sent, or heard, comes at the end."""

    every_us: int
    least_us: int
    most_us: int
    whose: Whose

    def __post_init__(self) -> None:
        refuse(_lengths(self.every_us, self.least_us, self.most_us))


@dataclass(frozen=True, slots=True, kw_only=True)
class Congestion:
    """A queue on the way that is offered `load` times what it can carry, for `lasts_us` every `every_us` at a mean.

    It is a fluid: it fills at load - 1 and drains at 1 - `calm_load`. What finds no room in a buffer of `buffer_us` is
    lost, each with the same chance.
    """

    every_us: int
    lasts_us: int
    load: float
    buffer_us: int
    calm_load: float = 0.5

    def __post_init__(self) -> None:
        refuse(
            (
                at_least("lasts_us", self.lasts_us, 1),
                at_least("every_us", self.every_us, self.lasts_us + 1),
                None if 1 < self.load <= 100 else f"load={self.load!r} fills no queue; give more than 1, up to 100",
                at_least("buffer_us", self.buffer_us, 1),
                None if 0 <= self.calm_load < 1 else f"calm_load={self.calm_load!r} drains no queue; give below 1",
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """The share of those that arrive that do so twice, the second time up to `extra_us` later."""

    share: float
    extra_us: int

    def __post_init__(self) -> None:
        refuse((_share("share", self.share), at_least("extra_us", self.extra_us, 1)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Detour:
    """Every heartbeat also goes by a relay, which cuts spare: `delay_us` and exponential `jitter_us` on that way."""

    delay_us: int
    jitter_us: int
    loss: float

    def __post_init__(self) -> None:
        refuse(
            (
                at_least("delay_us", self.delay_us, 0),
                at_least("jitter_us", self.jitter_us, 0),
                _share("loss", self.loss),
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """The monitor's clock runs fast by `ppm` millionths, or slow."""

    ppm: int

    def __post_init__(self) -> None:
        wrong = None
        if abs(self.ppm) > _MOST_PPM:
            wrong = f"ppm={self.ppm} is no clock; give at most {_MOST_PPM} either way"
        refuse((wrong,))


Part = Step | Diurnal | Routes | Loss | Bursts | Cuts | Stalls | Pauses | Congestion | Copies | Detour | Drift


@dataclass(frozen=True, slots=True, kw_only=True)
class Changing:
    """A network, and what becomes of it.

    Attributes:
        parts: What happens from the change on; none for a network that stays as it is.
        delay_us: Least delay, before and after.
        jitter_us: Mean of what is added to it, exponential, each on its own.
        loss: Chance that a heartbeat is lost, each on its own.
    """

    parts: tuple[Part, ...] = ()
    delay_us: int = 20_000
    jitter_us: int = 10_000
    loss: float = 0.01

    def __post_init__(self) -> None:
        several = [kind.__name__ for kind in (Detour, Drift) if sum(isinstance(one, kind) for one in self.parts) > 1]
        refuse(
            (
                at_least("delay_us", self.delay_us, 0),
                at_least("jitter_us", self.jitter_us, 0),
                _share("loss", self.loss),
                f"there is more than one {' and '.join(several)}; give one of a kind" if several else None,
            )
        )
