"""The page of `heartbeat-average`: the answer, curves for every network, who wins where, and what averaging learns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from experiments.detection.changing import NETWORKS
from experiments.detection.changing.named import TITLES
from experiments.detection.contest.beside import intervals, promises, step_course
from experiments.detection.contest.claims import PUBLISHED_TIMES, mean_of
from experiments.detection.contest.contenders import CONTENDERS, REFERENCE
from experiments.detection.contest.runs import AS_TUNED_S, HOURS, ContestRow
from experiments.detection.contest.standing import EQUAL, Standing, Winner, pooled, standings, winners
from experiments.experiment import ReportContext
from experiments.report import PALETTE, new_figure, report_page, save_figure
from experiments.results import Results
from experiments.statistics import Interval, format_interval, zero_count_bound

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from experiments.report import Page

__all__ = ["report"]

_DRAWN: Final = ("fixed", "mean-5", REFERENCE, "phi", "akka", "nfd-e", "2w-fd")
_TUNED: Final = ("fixed", "mean-5", REFERENCE, "mean-new", "phi", "akka", "nfd-s", "nfd-e")
_COLUMNS: Final = 5
#: Few ticks: every label costs time.
_TIMES_S: Final = (0, 4, 8, 12)
_RATES: Final = (0.001, 0.1, 10, 1000)
_ALPHA: Final = 0.05
_LABELS: Final[Mapping[str, str]] = MappingProxyType({one.name: one.label for one in CONTENDERS})


def report(results: Results[ContestRow], folder: Path, context: ReportContext) -> str:
    """Write the page and its figures; returns the answer."""
    against, won = standings(results), winners(results)
    answer = _answer(results, against)
    page = report_page(context, answer)
    page.findings(context.findings)
    page.section("Detection time against mistakes")
    for metric, told in (("mean_s", "mean"), ("tail_s", "99.9 % of")):
        _curves(results, metric, told, folder / f"{metric[:-2]}.svg")
        page.figure(
            f"{metric[:-2]}.svg",
            alt=f"A panel for each network: {told} detection time across, mistakes an hour upwards, a falling line for "
            "each of seven detectors",
            caption=f"Each point is a parameter that has one mean detection time before the change, here where it "
            f"comes out after it: {told} detection time, and mistakes an hour, means over runs. Lower left is better. "
            "What has no mistake stands on the lower edge, at half a mistake in all runs.",
        )
    _standing(page, against, won)
    _as_tuned(page, results)
    _learnt(page, results, folder)
    _promised(page, results)
    _limits(page, results)
    page.write(folder / "index.html")
    return answer


def _answer(results: Results[ContestRow], against: Sequence[Standing]) -> str:
    fixed = [one for one in against if one.arm == "fixed"]
    apart = sorted({one.network for one in fixed if one.adjusted is not None and one.adjusted < _ALPHA})
    slower = mean_of(results, "tuned_mean_s", "loss-step", REFERENCE).estimate
    calm = mean_of(results, "tuned_mean_s", "calm", REFERENCE).estimate
    short = {one.metric: one.ratio for one in against if (one.network, one.arm) == ("bursts", "mean-5")}
    paused = [pooled(results, "monitor-pauses", arm, "tail_4s_mistakes") for arm in (REFERENCE, "nfd-e")]
    copied = mean_of(results, "tuned_mean_s", "copies", REFERENCE).estimate
    broken = [one.ratio.estimate for one in results.once(promises)]
    differs = f"differs in {', '.join(apart)}" if apart else "does not differ in any network"
    text = (
        f"Only to loss. At equal detection time an average of a hundred heartbeats {differs} from a fixed time-out "
        f"(Holm, 5 %). Where a fifth more is lost it takes {slower:.2f} s instead of {calm:.2f} s by itself; of a "
        f"delay that grew it learns nothing; copies bring it down to {copied:.2f} s. "
    )
    if len(short) == len(EQUAL):
        mean, tail = (format_interval(short[metric], ".2g") for metric in EQUAL)
        text += f"In bursts five heartbeats err {mean} times as often at an equal mean, {tail} times at equal p99.9. "
    if None not in paused:
        text += f"Where the monitor pauses NFD-E made {paused[1]} mistakes, the average {paused[0]}. "
    return (
        text
        + f"Under stalls promises made for independent delays are broken {min(broken):.0f} to {max(broken):.0f} fold, "
        "for pairs that were chosen after a look."
    )


def _curves(results: Results[ContestRow], metric: str, told: str, path: Path) -> None:
    rows = -(-len(NETWORKS) // _COLUMNS)
    figure, panels = new_figure(rows, _COLUMNS, width_in=11.0, height_in=2.4 * rows)
    for axes, network in zip(panels, NETWORKS, strict=False):
        for place, arm in enumerate(_DRAWN):
            _curve(axes, results, network, arm, metric, PALETTE[place])
        axes.set_yscale("log")
        axes.minorticks_off()
        axes.set_xlim(0, 12)
        axes.set_ylim(*_RATES[:: len(_RATES) - 1])
        axes.set_xticks(_TIMES_S)
        axes.set_yticks(_RATES)
        axes.set_title(network, fontsize=9)
    panels[0].set_ylabel("mistakes an hour", fontsize=8)
    panels[0].set_xlabel(f"{told} detection time, s", fontsize=8)
    for axes in panels[len(NETWORKS) :]:
        axes.set_axis_off()
    handles, labels = panels[0].get_legend_handles_labels()
    panels[-1].legend(handles, labels, frameon=False, fontsize=8, loc="center")
    save_figure(figure, path)


def _curve(axes: Axes, results: Results[ContestRow], network: str, arm: str, metric: str, colour: str) -> None:
    runs = [results.series(network, arm, row.seed) for row in results.at(network, arm)]
    points = min((len(run["mistakes"]) for run in runs), default=0)
    times, rates = [], []
    for point in range(points):
        at = [run[metric][point] for run in runs]
        if all(map(isfinite, at)):
            count = sum(run["mistakes"][point] for run in runs)
            times.append(sum(at) / len(at))
            rates.append(max(count, 0.5) / (HOURS * len(runs)))
    axes.plot(times, rates, color=colour, marker="o", markersize=3, linewidth=1.1, label=_LABELS[arm])


def _standing(page: Page, against: Sequence[Standing], won: Sequence[Winner]) -> None:
    page.section("Who wins where, and by how much")
    page.note(
        "Mistakes at equal detection time after the change, divided by those of the average of a hundred; parameters "
        "lie on the curve that was tuned before it. The winner is chosen on every other seed, and its ratio told by "
        "the rest; where nobody is better the average stays. 95 % intervals paired by seed."
    )
    rows = []
    for network in NETWORKS:
        cells = [TITLES[network]]
        for metric in EQUAL:
            one = next((one for one in won if (one.network, one.metric) == (network, metric)), None)
            cells += ["nobody has it", "-"] if one is None else [_LABELS[one.arm], _told(one.ratio)]
        rows.append(cells)
    header = ["", *(title for told in EQUAL.values() for title in (f"at a {told}", "ratio"))]
    page.table(header, rows, caption="Who erred least", words=True)
    for metric, told in EQUAL.items():
        cells_of = {(one.network, one.arm): one for one in against if one.metric == metric}
        names = [one.name for one in CONTENDERS if one.name != REFERENCE]
        page.table(
            ["", *names],
            [[network, *(_cell(cells_of.get((network, name))) for name in names)] for network in NETWORKS],
            caption=f"Ratio of mistakes to the average of a hundred, at a {told}",
        )
    page.note(
        f"A star: other than 1 at {_ALPHA:.0%} after Holm's correction over all {len(against)} ratios of both tables. "
        "A dash: some run has no parameter with that detection time. Half a mistake is added to each count."
    )


def _told(ratio: Interval | None) -> str:
    return "-" if ratio is None else format_interval(ratio, ".2f")


def _cell(one: Standing | None) -> str:
    if one is None:
        return "-"
    return f"{one.ratio.estimate:.2f}" + ("*" if one.adjusted is not None and one.adjusted < _ALPHA else "")


def _as_tuned(page: Page, results: Results[ContestRow]) -> None:
    page.section("What becomes of what was tuned")
    page.note(f"Every detector was tuned for a mean of {AS_TUNED_S:g} s before the change.")
    for metric, told in (
        ("tuned_mean_s", "mean detection time, s"),
        ("tuned_tail_s", "its quantile 99.9 %, s"),
        ("tuned_trouble_s", "mean detection time of crashes that come with the trouble, s"),
        ("tuned_mistakes", f"mistakes in {HOURS:.1f} hours"),
    ):
        rows = [
            [
                network,
                *(
                    _told(mean_of(results, metric, network, arm)) if _has(results, network, arm, metric) else "-"
                    for arm in _TUNED
                ),
            ]
            for network in NETWORKS
        ]
        page.table(["", *(_LABELS[arm] for arm in _TUNED)], rows, caption=f"After the change: {told}")


def _has(results: Results[ContestRow], network: str, arm: str, metric: str) -> bool:
    return any(value is not None for value in results.values(metric, scenario=network, arm=arm))


def _learnt(page: Page, results: Results[ContestRow], folder: Path) -> None:
    page.section("What averaging intervals learns")
    rows = [
        [f"loss {one.loss:g}, delay {one.delay_s:g} s", f"{one.closed_s:.5f}", format_interval(one.interval, ".5f")]
        for one in results.once(intervals)
    ]
    page.table(["", "eta / (1 - loss), s", "learnt, s"], rows, caption="Mean interval; 99 % intervals")
    course = results.once(step_course)
    figure, panels = new_figure(1, 2, height_in=3.2)
    for axes, values, title in (
        (panels[0], course.gap_s, "gaps, and the mean of the last hundred, s"),
        (panels[1], course.expected_s, "lateness that NFD-E expects, s"),
    ):
        axes.plot(course.at, values, color=PALETTE[0], linewidth=1.1)
        axes.set_title(title)
        axes.set_xlabel("heartbeats from the step")
    panels[0].plot(course.at, course.mean_s, color=PALETTE[1], linewidth=1.4)
    save_figure(figure, folder / "step.svg")
    page.figure(
        "step.svg",
        alt="Left: gaps of one second but for one of 1.8 s, and a mean that rises by 8 ms for a hundred heartbeats and "
        "falls back. Right: expected lateness rises from 20 ms to 820 ms within 32 heartbeats and stays",
        caption="The delay grows by .8 s, without chance. An average sees one long gap, and then what it saw before; "
        "expected arrivals move with the delay.",
    )


def _promised(page: Page, results: Results[ContestRow]) -> None:
    page.section("Promises under stalls")
    rows = [
        [
            f"T_D at most {one.detect_s * 1e3:g} ms, a mistake in {one.promised_s / 3600:.3g} h",
            f"{one.chosen.eta_us / 1e3:.1f}",
            f"{one.chosen.delta_us / 1e3:.1f}",
            format_interval(one.ratio, ".3g"),
        ]
        for one in results.once(promises)
    ]
    page.table(
        ["promise", "eta, ms", "delta, ms", "times as many mistakes"],
        rows,
        caption="NFD-S by Chen's configurator, for the very distribution of delays",
    )
    page.note(
        "The pairs of promises were chosen after a look at what comes of several: they show how far it may go, not how "
        "far it goes as a rule. Stalls of 20 to 250 ms every 10 s. Each delay has the distribution that the "
        "configurator was given; only that they come late together is not what it was told. "
        f"{PUBLISHED_TIMES[0]} to {PUBLISHED_TIMES[1]} times was "
        "reported of real hosts; how many it is depends on how many heartbeats a stall covers."
    )


def _limits(page: Page, results: Results[ContestRow]) -> None:
    runs = len(results.seeds)
    rare = zero_count_bound(max(1, round(runs * HOURS * 3_600)))
    page.section("How this was measured, and what it leaves out")
    page.bullets(
        [
            (
                "A heartbeat a second for everybody; a detour doubles heartbeats and trebles messages, for all "
                "alike. Other intervals are a matter of scale, but for stalls, pauses and minimal deviations of 100 ms."
            ),
            (
                f"Each run judges {HOURS:.1f} hours after the change, from it on, by the detectors over arrays. Rare "
                f"mistakes are met by long traces alone: none in {runs} runs leaves at most {rare:.2g} a heartbeat. "
                "Crashes are anywhere between heartbeats, and one that nobody notices within an hour of the end is "
                "censored: then the mean has no value, and the curve ends."
            ),
            (
                "A suspicion during a cut or a pause counts as a mistake, since nothing crashed. A paused monitor "
                "changes its mind as if its timer had fired in the pause; guards are compared in scenarios."
            ),
            (
                "Equal detection time after the change is sought along the curve by detection time alone, never by "
                "mistakes. It is what an operator would have who knew the change; what becomes of a choice made before "
                "is told apart."
            ),
            (
                "Exponential accrual is an average with another name, and phi as published is one with deviations: "
                "they are not told twice. SWIM and Lifeguard send probes, not heartbeats, and have scenarios."
            ),
            "Networks are made up, one trouble at a time, and stay as they became.",
        ]
    )
