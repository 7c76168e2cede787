"""Freshness points: Chen's NFD-S, NFD-U and NFD-E, and what was built on them: Bertier's, and 2W-FD.

Heartbeats bear numbers and are sent every `eta`. Heartbeat l makes the subject trusted until
the freshness point of the next one: what is due then, or something newer, must have arrived. So
a heartbeat that was late does not move the point at which the next is missed, as it does with a
time-out; and only heartbeats newer than all before count.

Sources: Chen, Toueg and Aguilera, IEEE Transactions on Computers 51, 2002 (NFD); Bertier, Marin
and Sens, DSN 2002; Tomsic, Sens, Garcia, Arantes and Sopena, 2W-FD, IPDPS 2015. Departure: a word of
the subject that bears no number counts as if it were the heartbeat due then.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from models.detection.recent import MOST, Recent, Window
from models.detection.refusals import at_least, refuse, within

__all__ = [
    "Bertier",
    "BertierDetector",
    "FreshnessDetector",
    "NfdE",
    "NfdEDetector",
    "NfdS",
    "NfdSDetector",
    "NfdU",
    "TwoWindows",
    "TwoWindowsDetector",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class NfdS:
    """NFD-S, for synchronised clocks: heartbeat i, sent at origin + i eta, is missed delta later.

    Attributes:
        eta_us: Between heartbeats, microseconds.
        delta_us: From sending to the freshness point.
        origin_us: When heartbeat 0 is sent, on the observer's clock.
    """

    eta_us: int
    delta_us: int
    origin_us: int = 0

    def __post_init__(self) -> None:
        refuse((at_least("eta_us", self.eta_us, 1), at_least("delta_us", self.delta_us, 0)))

    def make(self) -> NfdSDetector:
        """A detector of this kind."""
        return NfdSDetector(self.eta_us, self.origin_us, self.delta_us)


@dataclass(frozen=True, slots=True, kw_only=True)
class NfdU:
    """NFD-U, for clocks that drift apart by nothing, whose offset is known in the form of expected arrivals.

    Attributes:
        eta_us: Between heartbeats, microseconds.
        alpha_us: From the expected arrival of a heartbeat to the point at which it is missed; above -eta.
        expected_us: Expected arrival of heartbeat 0, on the observer's clock.
    """

    eta_us: int
    alpha_us: int
    expected_us: int = 0

    def __post_init__(self) -> None:
        refuse((at_least("eta_us", self.eta_us, 1), at_least("alpha_us", self.alpha_us, 1 - self.eta_us)))

    def make(self) -> NfdSDetector:
        """A detector of this kind."""
        return NfdSDetector(self.eta_us, self.expected_us, self.alpha_us)


@dataclass(frozen=True, slots=True, kw_only=True)
class NfdE:
    """NFD-E, which estimates expected arrivals from the last ones.

    Attributes:
        eta_us: Between heartbeats, microseconds.
        alpha_us: From the expected arrival to the point at which a heartbeat is missed; above -eta.
        window: From how many arrivals expectations are made.
    """

    eta_us: int
    alpha_us: int
    window: int = 32

    def __post_init__(self) -> None:
        refuse(
            (
                at_least("eta_us", self.eta_us, 1),
                at_least("alpha_us", self.alpha_us, 1 - self.eta_us),
                within("window", self.window, 0, MOST),
            )
        )

    def make(self) -> NfdEDetector:
        """A detector of this kind."""
        return NfdEDetector(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bertier:
    """Chen's expected arrivals with Jacobson's margin, described.

    error = arrival - expected - delay; delay += gamma error; var += gamma (|error| - var); the
    margin is beta delay + phi var. It starts at 0.

    Attributes:
        eta_us: Between heartbeats, microseconds.
        gamma: Weight of the latest error.
        beta: Weight of the delay in the margin.
        phi: Weight of the variation in the margin.
        window: From how many arrivals expectations are made.
    """

    eta_us: int
    gamma: float = 0.1
    beta: float = 1.0
    phi: float = 4.0
    window: int = 1_000

    def __post_init__(self) -> None:
        refuse(
            (
                at_least("eta_us", self.eta_us, 1),
                within("gamma", self.gamma, 0, 1),
                at_least("beta", self.beta, 0),
                at_least("phi", self.phi, 0),
                within("window", self.window, 0, MOST),
            )
        )

    def make(self) -> BertierDetector:
        """A detector of this kind."""
        return BertierDetector(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoWindows:
    """2W-FD: the later of the freshness points of two NFD-E, one that forgets at once and one that does not.

    Attributes:
        eta_us: Between heartbeats, microseconds.
        margin_us: From the expected arrival to the point at which a heartbeat is missed.
        short: Window of the one.
        long: Window of the other.
    """

    eta_us: int
    margin_us: int
    short: int = 1
    long: int = 1_000

    def __post_init__(self) -> None:
        refuse(
            (
                at_least("eta_us", self.eta_us, 1),
                at_least("margin_us", self.margin_us, 0),
                within("short", self.short, 0, MOST),
                within("long", self.long, self.short, MOST),
            )
        )

    def make(self) -> TwoWindowsDetector:
        """A detector of this kind."""
        return TwoWindowsDetector(self)


class FreshnessDetector:
    """Base: suspicion is the time since the newest heartbeat was expected, over the time to the freshness point."""

    __slots__ = ("_eta_us", "_newest", "_word_us")

    def __init__(self, eta_us: int) -> None:
        self._eta_us = eta_us
        self._newest: int | None = None
        self._word_us: int | None = None

    def observe(self, sequence: int | None, arrival_us: int) -> None:
        """Take a heartbeat that is newer than all before, or a word that bears no number."""
        if sequence is None:
            self._word_us = arrival_us
        elif self._newest is None or sequence > self._newest:
            self._take(sequence, arrival_us)
            self._newest = sequence

    def suspicion(self, now_us: int) -> float:
        """1 at the freshness point; 0 before anything arrived."""
        patience_us = self._patience_us()
        silence_us = [now_us - word_us for word_us in (self._word_us,) if word_us is not None]
        if self._newest is not None:
            at_us, part_us = self._expected(self._newest)
            silence_us.append(now_us - at_us - part_us)  # type: ignore[arg-type]
        if not silence_us:
            return 0.0
        least_us = max(0.0, min(silence_us))
        return least_us / patience_us if patience_us > 0.0 else float(least_us > 0.0)

    def crosses_us(self, level: float) -> int | None:
        """The freshness point where `level` is 1; later in proportion."""
        reached_us = [] if self._word_us is None else [self._word_us + ceil(level * self._patience_us())]
        if self._newest is not None:
            reached_us.append(self._reached_us(self._newest, level))
        return max(reached_us, default=None)

    def _reached_us(self, sequence: int, level: float) -> int:
        at_us, part_us = self._expected(sequence)
        return at_us + ceil(part_us + level * self._patience_us())

    def _take(self, sequence: int, arrival_us: int) -> None:
        """Learn from a heartbeat that is the newest."""

    def _expected(self, sequence: int) -> tuple[int, float]:
        """When a heartbeat is expected: whole microseconds, and what to add to them."""
        raise NotImplementedError

    def _patience_us(self) -> float:
        """From the expected arrival of the newest heartbeat to the freshness point of the next."""
        raise NotImplementedError


class NfdSDetector(FreshnessDetector):
    """See `NfdS` and `NfdU`.

    Args:
        eta_us: Between heartbeats.
        expected_us: When heartbeat 0 is sent, or expected.
        margin_us: From then to the freshness point.
    """

    __slots__ = ("_expected_us", "_margin_us")

    def __init__(self, eta_us: int, expected_us: int, margin_us: int) -> None:
        super().__init__(eta_us)
        self._expected_us = expected_us
        self._margin_us = margin_us

    def _expected(self, sequence: int) -> tuple[int, float]:
        return self._expected_us + sequence * self._eta_us, 0.0

    def _patience_us(self) -> float:
        return float(self._eta_us + self._margin_us)


class _Estimating(FreshnessDetector):
    """Base of those who estimate: arrivals are kept as delays beyond number times eta, relative to the first."""

    __slots__ = ("_reference_us", "_window")

    def __init__(self, eta_us: int, window: int) -> None:
        super().__init__(eta_us)
        self._window = Window(Recent(window))
        self._reference_us = 0

    def _offset_us(self, sequence: int, arrival_us: int) -> int:
        if self._newest is None:
            self._reference_us = arrival_us - sequence * self._eta_us
        return arrival_us - sequence * self._eta_us - self._reference_us

    def _take(self, sequence: int, arrival_us: int) -> None:
        self._window.add(self._offset_us(sequence, arrival_us), arrival_us)

    def _expected(self, sequence: int) -> tuple[int, float]:
        return self._reference_us + sequence * self._eta_us, self._window.mean()


class NfdEDetector(_Estimating):
    """See `NfdE`."""

    __slots__ = ("_patience",)

    def __init__(self, plan: NfdE) -> None:
        super().__init__(plan.eta_us, plan.window)
        self._patience = float(plan.eta_us + plan.alpha_us)

    def _patience_us(self) -> float:
        return self._patience


class BertierDetector(_Estimating):
    """See `Bertier`."""

    __slots__ = ("_delay", "_plan", "_variation")

    def __init__(self, plan: Bertier) -> None:
        super().__init__(plan.eta_us, plan.window)
        self._plan = plan
        self._delay = 0.0
        self._variation = 0.0

    def _take(self, sequence: int, arrival_us: int) -> None:
        offset_us, gamma = self._offset_us(sequence, arrival_us), self._plan.gamma
        if len(self._window):
            late = offset_us - self._window.mean()
            error = late - self._delay
            # In the form of linear filters, so that they are that to the last bit.
            self._delay = (1.0 - gamma) * self._delay + gamma * late
            self._variation = (1.0 - gamma) * self._variation + gamma * abs(error)
        self._window.add(offset_us, arrival_us)

    def _patience_us(self) -> float:
        return self._eta_us + (self._plan.beta * self._delay + self._plan.phi * self._variation)


class TwoWindowsDetector(_Estimating):
    """See `TwoWindows`."""

    __slots__ = ("_patience", "_short")

    def __init__(self, plan: TwoWindows) -> None:
        super().__init__(plan.eta_us, plan.long)
        self._short = Window(Recent(plan.short))
        self._patience = float(plan.eta_us + plan.margin_us)

    def _take(self, sequence: int, arrival_us: int) -> None:
        offset_us = self._offset_us(sequence, arrival_us)
        self._window.add(offset_us, arrival_us)
        self._short.add(offset_us, arrival_us)

    def _expected(self, sequence: int) -> tuple[int, float]:
        return self._reference_us + sequence * self._eta_us, max(self._window.mean(), self._short.mean())

    def _patience_us(self) -> float:
        return self._patience
