"""Detectors by freshness points, over arrays: only heartbeats newer than all before count."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from models.detection.arrays.averages import Floats, blocks, whole
from models.detection.arrays.trace import Ints, Trace
from models.detection.freshness import Bertier, NfdE, NfdS, NfdU, TwoWindows

__all__ = ["freshness", "of_newest"]


def of_newest(trace: Trace, crossings: Callable[[Trace], Ints]) -> Ints:
    """Crossings where a heartbeat that is not newer than all before changes nothing."""
    sequences = trace.sequences
    if len(sequences) < 2 or bool((sequences[1:] > sequences[:-1]).all()):
        return crossings(trace)
    newest = np.maximum.accumulate(sequences)
    new = np.concatenate(([True], newest[1:] > newest[:-1]))
    of_new = crossings(Trace(sequences[new], trace.arrivals_us[new]))
    found: Ints = of_new[np.cumsum(new) - 1]
    return found


def freshness(plan: NfdS | NfdU | NfdE | Bertier | TwoWindows, trace: Trace, level: float) -> Ints:
    """When the heartbeat after each is missed, of a trace whose numbers rise.

    Raises:
        ValueError: The numbers lie so far apart that expected arrivals leave 64 bits.
    """
    if not len(trace):
        return np.empty(0, np.int64)
    if int(trace.sequences[-1]) * plan.eta_us >= 1 << 62:
        raise ValueError(
            f"heartbeat {trace.sequences[-1]} at eta_us={plan.eta_us} is sent after 2**62 us; number from 0"
        )
    if isinstance(plan, NfdS | NfdU):
        first_us, margin_us = (
            (plan.origin_us, plan.delta_us) if isinstance(plan, NfdS) else (plan.expected_us, plan.alpha_us)
        )
        return trace.sequences * plan.eta_us + (first_us + int(whole(np.array(level * float(plan.eta_us + margin_us)))))
    if isinstance(plan, Bertier):
        return _bertier(plan, trace, level)
    found = np.empty(len(trace), np.int64)
    eta, reference = plan.eta_us, int(trace.arrivals_us[0] - trace.sequences[0] * plan.eta_us)
    windows = (plan.window,) if isinstance(plan, NfdE) else (plan.short, plan.long)
    margin_us = plan.alpha_us if isinstance(plan, NfdE) else plan.margin_us
    sums = _Offsets(trace, eta, reference, max(windows))
    for begin, end in blocks(len(trace)):
        expected = sums.means(begin, end, windows[-1])
        if len(windows) == 2:
            np.maximum(expected, sums.means(begin, end, windows[0]), out=expected)
        expected += level * float(eta + margin_us)
        np.ceil(expected, out=expected)
        found[begin:end] = expected
        found[begin:end] += sums.due
    return found


class _Offsets:
    """Means of the last arrivals less number times eta, relative to the first, block by block.

    Attributes:
        due: Of the latest block: number times eta, and the reference.
        late: Of the latest block: arrivals less that.
    """

    def __init__(self, trace: Trace, eta: int, reference: int, reach: int) -> None:
        self._trace = trace
        self._eta = eta
        self._reference = reference
        self._reach = reach
        self._from = 0
        self._end = 0
        self._sums = np.zeros(1, np.int64)
        self.due = np.empty(0, np.int64)
        self.late = np.empty(0, np.int64)

    def means(self, begin: int, end: int, n: int) -> Floats:
        """Of the last `n`, or as many as there are, at each arrival of a block; blocks in order."""
        if end > self._end:
            self._go_on(begin, end)
        # `_sums[i]` is the sum of the first i + _from offsets.
        at = self._sums[begin + 1 - self._from : end + 1 - self._from]
        if begin + 1 >= n:
            return (at - self._sums[begin + 1 - n - self._from : end + 1 - n - self._from]) / n
        counts = np.minimum(np.arange(begin + 1, end + 1), n)
        return (at - self._sums[np.arange(begin + 1, end + 1) - counts - self._from]) / counts

    def _go_on(self, begin: int, end: int) -> None:
        self.due = self._trace.sequences[begin:end] * self._eta
        self.due += self._reference
        self.late = self._trace.arrivals_us[begin:end] - self.due
        keep = max(begin - self._reach, 0) - self._from
        added = np.cumsum(self.late)
        added += self._sums[-1]
        self._sums = np.concatenate((self._sums[keep:], added))
        self._from += keep
        self._end = end


def _bertier(plan: Bertier, trace: Trace, level: float) -> Ints:
    from scipy.signal import lfilter  # takes over a second to import

    found = np.empty(len(trace), np.int64)
    eta, gamma, keep = plan.eta_us, plan.gamma, 1.0 - plan.gamma
    sums = _Offsets(trace, eta, int(trace.arrivals_us[0] - trace.sequences[0] * eta), plan.window)
    delay, variation, mean = 0.0, 0.0, 0.0
    for begin, end in blocks(len(trace)):
        means = sums.means(begin, end, plan.window)
        late = sums.late - np.concatenate(([mean], means[:-1]))
        first = 1 if begin == 0 else 0  # nothing was expected of the very first
        delays, variations = np.zeros(end - begin), np.zeros(end - begin)
        if end - begin > first:
            delays[first:], _ = lfilter([gamma], [1.0, -keep], late[first:], zi=[keep * delay])
            errors = np.abs(late - np.concatenate(([delay], delays[:-1])))
            variations[first:], _ = lfilter([gamma], [1.0, -keep], errors[first:], zi=[keep * variation])
        delay, variation, mean = float(delays[-1]), float(variations[-1]), float(means[-1])
        patience = eta + (plan.beta * delays + plan.phi * variations)
        found[begin:end] = sums.due + whole(means + level * patience)
    return found
