"""What must hold of the rows of `heartbeat-average`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from experiments.detection.changing import NETWORKS
from experiments.detection.contest.beside import intervals, promises, step_course
from experiments.detection.contest.contenders import REFERENCE
from experiments.detection.contest.runs import AS_TUNED_S, ContestRow
from experiments.detection.contest.standing import EQUAL, pooled
from experiments.experiment import Finding
from experiments.results import Results
from experiments.statistics import Interval, format_interval, t_interval

__all__ = ["PUBLISHED_TIMES", "check", "mean_of"]

#: How many times as often as promised detectors erred under stalls, as it was reported.
PUBLISHED_TIMES: Final = (26, 880)
_ALIKE: Final = 1.25
#: Fewer mistakes than these have no ratio worth telling.
_FEW: Final = 20
_CLOSE_S: Final = 0.05
_MUCH: Final = 10
_GUARDED: Final = ("fixed", "mean-100", "nfd-e")
_BARELY: Final = 1e-5


def check(results: Results[ContestRow]) -> list[Finding]:
    """One finding for each claim."""
    return [
        _control(results),
        _met(results),
        _no_gain(results),
        _short_windows(results),
        _patience(results),
        _step(results),
        _copies(results),
        _paused_monitor(results),
        _drift(results),
        _closed_form(results),
        _one_gap(results),
        _broken_promises(results),
    ]


def mean_of(results: Results[ContestRow], metric: str, network: str, arm: str) -> Interval:
    """Mean over runs of a metric, where it is defined."""
    values = [float(value) for value in results.values(metric, scenario=network, arm=arm) if value is not None]
    return t_interval(values)


def _control(results: Results[ContestRow]) -> Finding:
    found = {arm: mean_of(results, "tuned_mean_s", "calm", arm).estimate for arm in _GUARDED}
    return Finding(
        claim="Control: where nothing changes, detection takes on other seeds what it was tuned for",
        holds=all(abs(value - AS_TUNED_S) <= _CLOSE_S for value in found.values()),
        detail=f"tuned for {AS_TUNED_S:g} s; " + ", ".join(f"{arm} {value:.3f} s" for arm, value in found.items()),
    )


def _met(results: Results[ContestRow]) -> Finding:
    calm = _total(results, "mistakes", "calm", REFERENCE)
    quiet = [name for name in NETWORKS if name != "calm" and all(_as_calm(results, name, arm) for arm in _GUARDED)]
    return Finding(
        claim="Every change is felt: mistakes or detection time of some detector differ from the control",
        holds=not quiet,
        detail=f"not felt: {', '.join(quiet) or 'none'}; the control has {calm} mistakes of {REFERENCE}",
        sometimes=True,
    )


def _as_calm(results: Results[ContestRow], network: str, arm: str) -> bool:
    return all(
        results.values(metric, scenario=network, arm=arm) == results.values(metric, scenario="calm", arm=arm)
        for metric in ("mistakes", "tuned_mean_s")
    )


def _no_gain(results: Results[ContestRow]) -> Finding:
    ratios, few = {}, 0
    for metric in EQUAL:
        for network in NETWORKS:
            mine, others = (pooled(results, network, arm, metric) for arm in (REFERENCE, "fixed"))
            if mine is None or others is None or max(mine, others) < _FEW:
                few += 1
            else:
                ratios[f"{network} at a {EQUAL[metric]}"] = (mine + 0.5) / (others + 0.5)
    less = [name for name, ratio in ratios.items() if ratio * _ALIKE < 1]
    least, most = (pick(ratios, key=ratios.__getitem__, default="none") for pick in (min, max))
    return Finding(
        claim="At equal detection time an average of a hundred nowhere errs clearly less than a fixed time-out",
        holds=bool(ratios) and not less,
        detail=f"mistakes of all runs, averaged over fixed: {ratios.get(least, 1.0):.2f} ({least}) to "
        f"{ratios.get(most, 1.0):.2f} ({most}) over {len(ratios)} comparisons; {few} with fewer than {_FEW} mistakes "
        f"tell nothing; clearly is by more than a fifth",
    )


def _short_windows(results: Results[ContestRow]) -> Finding:
    times = {}
    for network in ("loss-step", "bursts", "cuts", "monitor-pauses"):
        mine, others = (pooled(results, network, arm, "tail_4s_mistakes") for arm in ("mean-5", REFERENCE))
        if mine is not None and others is not None:
            times[network] = (mine + 0.5) / (others + 0.5)
    told = ", ".join(f"{network} {ratio:.1f}" for network, ratio in times.items())
    return Finding(
        claim="A short window pays in the tail: at equal p99.9 five intervals err at least twice as often as a hundred",
        holds=bool(times) and min(times.values()) >= 2,
        detail=f"times as many mistakes: {told or 'no run has both'}",
    )


def _patience(results: Results[ContestRow]) -> Finding:
    pairs = results.pairs("loss-step", REFERENCE, "fixed")
    waits = t_interval([(a.tuned_mean_s or 0.0) - (b.tuned_mean_s or 0.0) for a, b in pairs])
    counts = [_total(results, "tuned_mistakes", "loss-step", arm) for arm in (REFERENCE, "fixed")]
    return Finding(
        claim="Under loss averaging takes more patience by itself: slower detection, fewer mistakes",
        holds=waits.estimate > _CLOSE_S and waits.excludes(0.0) is not False and counts[0] < counts[1],
        detail=f"{format_interval(waits, '.3f', 's')} slower than the fixed time-out of equal tuning, "
        f"{counts[0]} mistakes against {counts[1]}",
    )


def _step(results: Results[ContestRow]) -> Finding:
    longer = {
        arm: mean_of(results, "tuned_mean_s", "delay-step", arm).estimate
        - mean_of(results, "tuned_mean_s", "calm", arm).estimate
        for arm in _GUARDED
    }
    return Finding(
        claim="Of a step of the delay averaging learns nothing: detection is later by the step, as with a time-out",
        holds=all(abs(value - 0.8) <= _CLOSE_S for value in longer.values()),
        detail=", ".join(f"{arm} {value:+.3f} s" for arm, value in longer.items()) + " after a step of .8 s",
    )


def _copies(results: Results[ContestRow]) -> Finding:
    times = {arm: mean_of(results, "tuned_mean_s", "copies", arm).estimate for arm in (REFERENCE, "mean-new")}
    counts = {arm: _total(results, "tuned_mistakes", "copies", arm) for arm in times}
    return Finding(
        claim="Copies teach a mean that is too short; who takes only what is new is not fooled",
        holds=times[REFERENCE] < 0.8 * AS_TUNED_S
        and abs(times["mean-new"] - AS_TUNED_S) <= _CLOSE_S
        and counts[REFERENCE] > counts["mean-new"],
        detail=", ".join(f"{arm}: {times[arm]:.2f} s, {counts[arm]} mistakes" for arm in times),
    )


def _paused_monitor(results: Results[ContestRow]) -> Finding:
    mine, others = (pooled(results, "monitor-pauses", arm, "tail_4s_mistakes") for arm in ("nfd-e", REFERENCE))
    return Finding(
        claim="At equal p99.9 freshness points err at most a tenth as often as averages when the monitor stands still",
        holds=mine is not None and others is not None and _MUCH * mine <= others and others > 0,
        detail=f"NFD-E {mine}, {REFERENCE} {others} mistakes: a late heartbeat moves a time-out, not a freshness point",
    )


def _drift(results: Results[ContestRow]) -> Finding:
    mine, others = (_total(results, "tuned_mistakes", "clock-drift", arm) for arm in ("nfd-s", "nfd-e"))
    return Finding(
        claim="Who knows when heartbeats are due by a clock that drifts errs for ever; who estimates it does not",
        holds=mine > _MUCH * (others + 1),
        detail=f"NFD-S {mine}, NFD-E {others} mistakes as tuned",
    )


def _closed_form(results: Results[ContestRow]) -> Finding:
    found = results.once(intervals)
    inside = [one.interval.excludes(one.closed_s) is False for one in found]
    widest = max(((one.interval.high or 0.0) - (one.interval.low or 0.0)) / one.closed_s for one in found)
    return Finding(
        claim="The mean interval is eta / (1 - loss), whatever the delay",
        holds=all(inside),
        detail=f"{sum(inside)} of {len(found)} inside their 99 % intervals, the widest {widest:.2%} of its value",
    )


def _one_gap(results: Results[ContestRow]) -> Finding:
    course = results.once(step_course)
    odd = [place for place, gap_s in enumerate(course.gap_s) if abs(gap_s - 1) > _BARELY]
    return Finding(
        claim="From a step averaging gets one long gap, forgets it with its window, and has learnt nothing; NFD-E has",
        holds=len(odd) == 1
        and abs(course.mean_s[-1] - 1) <= _BARELY
        and abs(course.expected_s[-1] - course.expected_s[0] - 0.8) <= _BARELY,
        detail=f"{len(odd)} gap other than 1 s, {course.gap_s[odd[0]]:.3f} s; the mean is {max(course.mean_s):.4f} s "
        f"at most and {course.mean_s[-1]:.4f} s in the end; NFD-E expects {course.expected_s[-1]:.3f} s instead of "
        f"{course.expected_s[0]:.3f} s",
    )


def _broken_promises(results: Results[ContestRow]) -> Finding:
    found = results.once(promises)
    low, high = (bound(one.ratio.estimate for one in found) for bound in (min, max))
    return Finding(
        claim="Configured for independent delays, NFD-S errs tens to hundreds of times more than promised under stalls",
        holds=all((one.ratio.low or 0.0) > _MUCH for one in found) and high > 100,
        detail=f"{low:.0f} to {high:.0f} times over {len(found)} promises; {PUBLISHED_TIMES[0]} to "
        f"{PUBLISHED_TIMES[1]} was reported",
    )


def _total(results: Results[ContestRow], metric: str, network: str, arm: str) -> int:
    values: Sequence[object] = results.values(metric, scenario=network, arm=arm)
    return sum(value for value in values if isinstance(value, int))
