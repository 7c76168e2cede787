"""Heartbeat averages: a time-out learnt from the intervals between recent heartbeats.

Three of them: a multiple of the mean, the mean and some standard deviations, and a multiple of
an exponentially weighted mean. All learn from intervals, and the mean interval is
eta / (1 - loss) whatever the delay: they adapt to loss and to slow senders, not to the level of
the delay. After a step of it they see one long interval and then learn nothing.

They learn every heartbeat that arrives, a repeated one too, which is how copies and detours
teach wrong means; `numbered.Newest` takes only what is new.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil

from models.detection.recent import Recent, Window
from models.detection.refusals import at_least, refuse, within

__all__ = ["Deviation", "DeviationDetector", "Ewma", "EwmaDetector", "Mean", "MeanDetector", "SilenceDetector"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """A multiple of the mean of recent intervals (idea S22), described.

    Attributes:
        eta_us: Interval to expect before any was seen, microseconds.
        factor: How many means of silence are suspect.
        recent: Which intervals count.
    """

    eta_us: int
    factor: float = 3.0
    recent: Recent = field(default=Recent(100))

    def __post_init__(self) -> None:
        refuse((at_least("eta_us", self.eta_us, 1), within("factor", self.factor, 0, 1e6)))

    def make(self) -> MeanDetector:
        """A detector of this kind."""
        return MeanDetector(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """The mean of recent intervals and some standard deviations, described.

    Attributes:
        eta_us: Interval to expect before any was seen, microseconds.
        deviations: How many standard deviations above the mean are suspect.
        deviation_us_min: Least that the standard deviation is taken for.
        recent: Which intervals count.
    """

    eta_us: int
    deviations: float = 4.0
    deviation_us_min: int = 0
    recent: Recent = field(default=Recent(100))

    def __post_init__(self) -> None:
        refuse(
            (
                at_least("eta_us", self.eta_us, 1),
                at_least("deviations", self.deviations, 0),
                at_least("deviation_us_min", self.deviation_us_min, 0),
            )
        )

    def make(self) -> DeviationDetector:
        """A detector of this kind."""
        return DeviationDetector(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ewma:
    """A multiple of the exponentially weighted mean of intervals, described.

    Attributes:
        eta_us: What the mean starts at, microseconds.
        factor: How many means of silence are suspect.
        weight: Of the latest interval, in (0, 1]; it is as recent as the last 2 / weight - 1.
    """

    eta_us: int
    factor: float = 3.0
    weight: float = 0.1

    def __post_init__(self) -> None:
        refuse(
            (
                at_least("eta_us", self.eta_us, 1),
                within("factor", self.factor, 0, 1e6),
                within("weight", self.weight, 0, 1),
            )
        )

    def make(self) -> EwmaDetector:
        """A detector of this kind."""
        return EwmaDetector(self)


class SilenceDetector:
    """Base of those whose suspicion is silence over a time-out that they learn."""

    __slots__ = ("_beat_us", "_last_us")

    def __init__(self) -> None:
        self._last_us: int | None = None
        self._beat_us: int | None = None

    def observe(self, sequence: int | None, arrival_us: int) -> None:
        """End the silence; learn the interval since the heartbeat before."""
        if sequence is not None:
            if self._beat_us is not None:
                self._learn(arrival_us - self._beat_us, arrival_us)
            self._beat_us = arrival_us
        self._last_us = arrival_us

    def suspicion(self, now_us: int) -> float:
        """Silence over time-out; 0 before anything arrived."""
        if self._last_us is None:
            return 0.0
        timeout_us = self._timeout_us(1.0)
        return (now_us - self._last_us) / timeout_us if timeout_us > 0.0 else float(now_us > self._last_us)

    def crosses_us(self, level: float) -> int | None:
        """The learnt time-out, times `level`, after the last arrival."""
        return None if self._last_us is None else self._last_us + ceil(self._timeout_us(level))

    def _learn(self, interval_us: int, arrival_us: int) -> None:
        raise NotImplementedError

    def _timeout_us(self, level: float) -> float:
        raise NotImplementedError


class MeanDetector(SilenceDetector):
    """See `Mean`."""

    __slots__ = ("_plan", "_window")

    def __init__(self, plan: Mean) -> None:
        super().__init__()
        self._plan = plan
        self._window = Window(plan.recent)

    def _learn(self, interval_us: int, arrival_us: int) -> None:
        self._window.add(interval_us, arrival_us)

    def _timeout_us(self, level: float) -> float:
        mean = self._window.mean() if len(self._window) else float(self._plan.eta_us)
        return mean * (level * self._plan.factor)


class DeviationDetector(SilenceDetector):
    """See `Deviation`."""

    __slots__ = ("_plan", "_window")

    def __init__(self, plan: Deviation) -> None:
        super().__init__()
        self._plan = plan
        self._window = Window(plan.recent)

    def _learn(self, interval_us: int, arrival_us: int) -> None:
        self._window.add(interval_us, arrival_us)

    def _timeout_us(self, level: float) -> float:
        plan, window = self._plan, self._window
        mean, deviation = (window.mean(), window.deviation()) if len(window) else (float(plan.eta_us), 0.0)
        return level * (mean + plan.deviations * max(deviation, plan.deviation_us_min))


class EwmaDetector(SilenceDetector):
    """See `Ewma`."""

    __slots__ = ("_mean", "_plan")

    def __init__(self, plan: Ewma) -> None:
        super().__init__()
        self._plan = plan
        self._mean = float(plan.eta_us)

    def _learn(self, interval_us: int, arrival_us: int) -> None:
        # In the form of a linear filter, so that it is one to the last bit.
        weight = self._plan.weight
        self._mean = (1.0 - weight) * self._mean + weight * interval_us

    def _timeout_us(self, level: float) -> float:
        return self._mean * (level * self._plan.factor)
