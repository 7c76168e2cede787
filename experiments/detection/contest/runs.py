"""One run of `heartbeat-average`: one detector in one network under one seed.

Its parameter is found before the change, on a trace of another chance, for each of several detection times; then each
is judged from the change on. So a run is a curve, and its row says what the curve has at equal detection times.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from types import MappingProxyType
from typing import Final

from experiments.detection.changing import ETA_US, NETWORKS, Heard, crashes_within, heard
from experiments.detection.contest.contenders import CONTENDERS, Contender
from experiments.detection.contest.scoring import Score, crash_instants, mean_detection_s, score
from experiments.detection.contest.tuning import TARGETS_S, sought, tuned
from experiments.experiment import Arm, Cell, Row, RunResult, Series
from models.detection.arrays.trace import Ints
from sim.chance import Chance
from sim.trace import Digest

__all__ = ["ARMS", "AS_TUNED_S", "HOURS", "ContestRow", "run_once"]

ARMS: Final[tuple[Arm, ...]] = tuple(
    Arm(name=one.name, label=one.label, system=MappingProxyType({})) for one in CONTENDERS
)
#: The point of the curve that is told as it was tuned.
AS_TUNED_S: Final = 2.6
#: Heartbeats of the trace by which parameters are found, and from when windows are full.
_TUNING: Final = 4_500
_WARM: Final = 1_200
#: Heartbeats after the change.
_JUDGED: Final = 12_000
_CRASHES: Final = 2_500
#: Crashes that come with the trouble, each so soon after some begin of it.
_CORRELATED: Final = 500
_WITHIN_US: Final = 2_000_000
#: How long a detector is judged.
HOURS: Final = _JUDGED * ETA_US / 3_600e6
_CONTENDERS: Final = MappingProxyType({one.name: one for one in CONTENDERS})


@dataclass(frozen=True, slots=True, kw_only=True)
class ContestRow(Row):
    """What one detector did in one network.

    Mistakes at the point of its curve with an equal mean detection time after the change (`mean_2s_mistakes`), and
    with an equal quantile 99.9 % of it (`tail_4s_mistakes`); None where the curve has no such point. `tuned_...` is as
    it was tuned for a mean of 2.6 s before the change; `tuned_trouble_s` is the mean detection time of crashes that
    come with the trouble, within two seconds of its begin, None where nothing begins. `points` of the curve there are,
    `mistakes` of all of them, `crashes_censored` that went unnoticed to the end.
    """

    mean_2s_mistakes: int | None
    tail_4s_mistakes: int | None
    tuned_mistakes: int | None
    tuned_wrong: float | None
    tuned_mean_s: float | None
    tuned_tail_s: float | None
    tuned_trouble_s: float | None
    points: int
    mistakes: int
    crashes_censored: int
    messages_per_s: float


def run_once(cell: Cell, seed: int) -> RunResult:
    """Tune, then judge."""
    contender = _CONTENDERS[cell.arm.name]
    values = _values(contender, seed)
    chance = Chance(_root(f"{seed}/judging/{cell.scenario}"))
    since_us = _WARM * ETA_US
    trace = heard(chance, NETWORKS[cell.scenario], count=_WARM + _JUDGED, eta_us=ETA_US, since_us=since_us)
    crashes_us = crash_instants(chance, trace, _CRASHES, since_us)

    scores: dict[float, Score] = {}

    def judged(value: float) -> Score:
        if value not in scores:
            scores[value] = score(contender.make(value), trace, crashes_us, since_us)
        return scores[value]

    curve = [(value, judged(value)) for value in values if value is not None]
    chosen = values[TARGETS_S.index(AS_TUNED_S)] or 0.0
    told, as_tuned = dict(curve).get(chosen), contender.make(chosen or contender.high)
    correlated = _correlated(chance, trace)
    digest = Digest()
    digest.add("points", [(float(one.mean_s).hex(), float(one.tail_s).hex(), one.mistakes) for _, one in curve])
    row = ContestRow(
        scenario=cell.scenario,
        arm=cell.arm.name,
        seed=seed,
        digest=digest.hexdigest(),
        mean_2s_mistakes=_at_equal(judged, curve, _mean_s, 2.0),
        tail_4s_mistakes=_at_equal(judged, curve, _tail_s, 4.0),
        tuned_mistakes=None if told is None else told.mistakes,
        tuned_wrong=None if told is None else told.wrong,
        tuned_mean_s=None if told is None else told.mean_s,
        tuned_tail_s=None if told is None else told.tail_s,
        tuned_trouble_s=None if told is None or correlated is None else mean_detection_s(as_tuned, trace, correlated),
        points=len(curve),
        mistakes=sum(one.mistakes for _, one in curve),
        crashes_censored=sum(one.censored for _, one in curve),
        messages_per_s=trace.messages * 1e6 / trace.span_us,
    )
    series: Series = {
        "mean_s": [one.mean_s for _, one in curve],
        "tail_s": [one.tail_s for _, one in curve],
        "mistakes": [one.mistakes for _, one in curve],
    }
    return RunResult(row=row, series=series)


def _correlated(chance: Chance, trace: Heard) -> Ints | None:
    """Crashes that come with the trouble; None where nothing begins."""
    if not len(trace.trouble):
        return None
    return crashes_within(chance.generator("correlated"), trace.trouble, _CORRELATED, _WITHIN_US)


def _mean_s(one: Score) -> float:
    return one.mean_s


def _tail_s(one: Score) -> float:
    return one.tail_s


def _at_equal(
    judged: Callable[[float], Score],
    curve: Sequence[tuple[float, Score]],
    time_s: Callable[[Score], float],
    wanted_s: float,
) -> int | None:
    """Mistakes at the point of a curve that has the detection time; None if it has no such point.

    Mistakes are a staircase over detection time, so the point is looked for, and not drawn between two others.
    """
    known = [(value, time_s(one)) for value, one in curve]
    value = sought(lambda at: time_s(judged(at)), known, wanted_s)
    return None if value is None else judged(value).mistakes


def _values(contender: Contender, seed: int) -> list[float | None]:
    """The parameter for each detection time, by a network before any change."""
    chance = Chance(_root(f"{seed}/tuning"))
    trace = heard(chance, NETWORKS["calm"], count=_TUNING, eta_us=ETA_US, since_us=0)
    since_us = _WARM * ETA_US
    return tuned(contender, trace, crash_instants(chance, trace, _CRASHES, since_us), since_us)


def _root(name: str) -> int:
    """A root seed of each use's own: every detector meets the same trace, and none is judged by what tuned it."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big")
