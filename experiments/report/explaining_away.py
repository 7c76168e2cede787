"""The page of `explaining-away`: closed form, reliability, what the tree is worth, and what is left out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from experiments.calibration import Verdict, brier_skill, log_loss
from experiments.experiment import ReportContext
from experiments.explaining.claims import FAMILY, all_judged, frequencies
from experiments.explaining.forms import forms
from experiments.explaining.runs import ExplainingRow, said_of
from experiments.explaining.tellers import ARMS, LEARNT, PHI, PRODUCT, TREE, WRONG_3, WRONG_10
from experiments.explaining.worlds import BEFORE, CALM, MOST_HOSTS, SCENARIOS, SINCE
from experiments.family import shown
from experiments.report import PALETTE, Page, new_figure, report_page, save_figure
from experiments.results import Results
from experiments.statistics import format_interval, t_interval

__all__ = ["report"]

_TITLES: Final[Mapping[str, str]] = {
    BEFORE: "Silent before anybody listened",
    SINCE: "Silent since",
    CALM: "Nothing fails",
}
_SHOWN: Final = (TREE, WRONG_10, PRODUCT, PHI)
_COLOURS: Final[Mapping[str, str]] = dict(zip(_SHOWN, PALETTE, strict=False))
_LABELS: Final[Mapping[str, str]] = {arm.name: arm.label for arm in ARMS}
_VERDICTS: Final[Mapping[bool | None, str]] = {True: "can be true", False: "cannot be true", None: "too few runs"}
_LEFT_OUT: Final = (
    (
        "Failures are a thousand times as frequent as real ones, so that there are enough to judge by. What is held "
        "against the truth is how evidence is weighed, not rates; rates that are wrong are arms of their own."
    ),
    (
        "Nothing heals within a run. The belief takes what it hears after a silence for its end; that a cut came, "
        "went and only then heartbeats were lost is not weighed."
    ),
    (
        "Heartbeats are lost independently. In bursts all of a region's are lost together, which looks like a cut; a "
        "belief with independent losses then blames the region too soon."
    ),
    (
        "Onsets within half an interval are told apart by each host for itself; by hosts of one region together "
        "they are not. Finer slots cost time in proportion."
    ),
    "One observer, one cluster a region. What several observers hear is shared as evidence, and is not compared here.",
    (
        "Learning is given the run of a few seconds in which it must also judge; its gain is that of its first dozen "
        "outages."
    ),
)
Rows = Results[ExplainingRow]
Verdicts = Mapping[tuple[str, str, str], Verdict]


def report(results: Rows, folder: Path, context: ReportContext) -> str:
    """Write the page and its figures; returns the answer."""
    verdicts = all_judged(results)
    answer = _answer(results, verdicts)
    page = report_page(context, answer)
    page.section("What was claimed, and whether it held")
    page.findings(context.findings)
    page.section("k silent hosts of one region")
    _explained(page, results, folder)
    page.section("What was said against what was so")
    _reliability(page, verdicts, folder)
    for scenario in SCENARIOS:
        _table(page, results, scenario, verdicts)
    _compared(page, results)
    page.section("What is left out")
    page.bullets(_LEFT_OUT)
    page.write(folder / "index.html")
    return answer


def _answer(results: Rows, verdicts: Verdicts) -> str:
    rows = {row.silent: row for row in forms() if (row.region_prior, row.host_prior) == (1e-4, 1e-3)}

    def loss(arm: str, name: str) -> str:
        found = log_loss(said_of(results, SINCE, arm, name))
        return "-" if found is None else f"{found:.3f}"

    return (
        f"By the second silent host it is the region: with priors of 1e-4 and 1e-3 the belief goes from "
        f"{rows[1].region_believed:.4f} to {rows[2].region_believed:.4f} and {rows[3].region_believed:.5f}, and that "
        f"a given host is dead falls from {rows[1].host_believed:.3f} to {rows[2].host_believed:.4f} and "
        f"{rows[3].host_believed:.5f}, where multiplied scores of the region fall to {rows[3].region_multiplied:.1e}. "
        f"In {len(results.seeds)} runs of worlds whose truth is known, what the tree says of silent hosts "
        f"{_VERDICTS[verdicts[SINCE, TREE, 'host'].calibrated]} (log loss {loss(TREE, 'host')}); of hosts "
        f"judged alone it {_VERDICTS[verdicts[SINCE, PRODUCT, 'host'].calibrated]} ({loss(PRODUCT, 'host')}), "
        f"of phi read as a probability it {_VERDICTS[verdicts[SINCE, PHI, 'host'].calibrated]} "
        f"({loss(PHI, 'host')}). Failures thought ten times rarer than they are cost the tree "
        f"{loss(WRONG_10, 'host')}, learnt from there {loss(LEARNT, 'host')}."
    )


def _explained(page: Page, results: Rows, folder: Path) -> None:
    figure, panels = new_figure(1, 2, width_in=10.0, height_in=3.8)
    left, right = panels
    rows = [row for row in forms() if (row.region_prior, row.host_prior) == (1e-4, 1e-3)]
    ks = [row.silent for row in rows]
    left.plot(ks, [row.region for row in rows], "-", color=PALETTE[0], label="region down")
    left.plot(ks, [row.region_believed for row in rows], "o", color=PALETTE[0], label="the same, believed")
    left.plot(ks, [row.host for row in rows], "-", color=PALETTE[1], label="a given host dead")
    left.plot(ks, [row.host_believed for row in rows], "s", color=PALETTE[1], label="the same, believed")
    left.plot(ks, [row.region_multiplied for row in rows], "x--", color=PALETTE[2], label="region, scores multiplied")
    left.set_yscale("log")
    left.set_ylim(1e-7, 3)
    left.set_title("Priors 1e-4 and 1e-3: closed form and belief")
    left.legend(fontsize=8, loc="lower left")
    for k in range(1, MOST_HOSTS + 1):
        interval, wanted, said = frequencies(results, k)
        right.plot([k - 0.25, k + 0.25], [wanted, wanted], "-", color=PALETTE[0], linewidth=2)
        if interval is not None and interval.low is not None and interval.high is not None and said is not None:
            right.errorbar(
                [k],
                [interval.estimate],
                yerr=[[interval.estimate - interval.low], [interval.high - interval.estimate]],
                fmt="o",
                color=PALETTE[6],
                capsize=3,
            )
    right.set_title("In worlds: line closed form, point frequency")
    right.set_ylim(0, 1.05)
    for axes in panels:
        axes.set_xlabel("silent hosts of the region, all that are watched")
        axes.set_xticks(list(range(1, (len(ks) if axes is left else MOST_HOSTS) + 1)))
    left.set_ylabel("probability")
    save_figure(figure, folder / "explained.svg")
    page.figure(
        "explained.svg",
        alt="Two panels over the number of silent hosts. Left: on a logarithmic axis the chance of the region being "
        "down rises to one at two hosts and that of a given host falls to its prior, belief on the lines; multiplied "
        "scores fall by a factor of ten with each host. Right: frequencies of regions cut off, on their closed forms",
        caption="On the right, faults before anybody listened, with priors of 0.1 for a region and 0.2 for a host; "
        "exact intervals that hold for all four at once.",
    )
    lines = [
        [
            f"{row.region_prior:g}, {row.host_prior:g}",
            str(row.silent),
            f"{row.region:.6g}",
            f"{row.region_believed:.6g}",
            f"{row.host:.6g}",
            f"{row.host_believed:.6g}",
            f"{row.gap:.0e}",
        ]
        for row in forms()
    ]
    header = ["priors", "silent", "region down", "believed", "a host dead", "believed", "relative difference"]
    page.table(header, lines, caption="Closed form r / (r + (1 - r) h^k) and the belief, without chance")


def _reliability(page: Page, verdicts: Verdicts, folder: Path) -> None:
    from experiments.calibration.reliability import logit

    figure, panels = new_figure(1, 2, width_in=10.0, height_in=4.4)
    ticks = (0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999)
    for axes, name in zip(panels, ("host", "region"), strict=True):
        axes.plot([-8, 8], [-8, 8], color="#777777", linewidth=1)
        for arm in _SHOWN:
            bins = verdicts[SINCE, arm, name].bins
            said = [logit(one.said) for one in bins]
            came = [max(-7.5, min(7.5, logit(one.came))) for one in bins]
            axes.plot(said, came, "o-", color=_COLOURS[arm], markersize=4, linewidth=1, label=_LABELS[arm])
            if arm == TREE:
                ends = [[max(-7.5, min(7.5, logit(end))) for end in (one.low, one.high)] for one in bins]
                axes.vlines(
                    said, [e[0] for e in ends], [e[1] for e in ends], color=_COLOURS[arm], alpha=0.35, linewidth=5
                )
        axes.set_title(f"{name}s, silent for more than an interval")
        axes.set_xlim(-8, 8)
        axes.set_ylim(-8, 8)
        for set_ticks in (axes.set_xticks, axes.set_yticks):
            set_ticks([logit(tick) for tick in ticks], [f"{tick:g}" for tick in ticks], fontsize=8)
        axes.set_xlabel("said")
    panels[0].set_ylabel("was so")
    panels[0].legend(fontsize=8, loc="upper left")
    save_figure(figure, folder / "reliability.svg")
    page.figure(
        "reliability.svg",
        alt="Two panels on logit axes, what was said against how often it was so, for hosts and regions: the tree with "
        "right priors lies on the diagonal within its bars, with failures thought ten times rarer above, the product "
        "of scores and phi far off",
        caption="Faults at any time, heartbeats lost one in ten. Bars are where the tree's points would be if what it "
        "says were true and samples independent. Points at the edge were never, or always, so.",
    )


def _table(page: Page, results: Rows, scenario: str, verdicts: Verdicts) -> None:
    lines = []
    for arm in ARMS:
        line = [arm.label]
        for name in ("host", "region"):
            runs = said_of(results, scenario, arm.name, name)
            skill = brier_skill(runs)
            line += [
                _mean(results, scenario, arm.name, f"{name}_log_loss"),
                "-" if skill is None else f"{skill:.3f}",
                _mean(results, scenario, arm.name, f"{name}_excess"),
                _VERDICTS[verdicts[scenario, arm.name, name].calibrated],
            ]
        lines.append(line)
    header = [""]
    for name in ("hosts", "regions"):
        header += [f"{name}: log loss", "Brier skill", "said less so", "what was said"]
    page.table(header, lines, caption=f"{_TITLES[scenario]}: of those silent for more than an interval")
    if scenario == CALM:
        page.note("Nothing fails here, so every chance that is said is too much; priors of a world in which things do.")


def _mean(results: Rows, scenario: str, arm: str, metric: str) -> str:
    values = [float(value) for value in results.values(metric, scenario=scenario, arm=arm) if value is not None]
    return format_interval(t_interval(values), ".3f") if values else "-"


def _compared(page: Page, results: Rows) -> None:
    lines = []
    for worse, better, name in (
        (PRODUCT, WRONG_10, "host"),
        (PRODUCT, TREE, "region"),
        (WRONG_10, TREE, "host"),
        (WRONG_10, LEARNT, "host"),
        (WRONG_3, TREE, "host"),
    ):
        more = FAMILY.difference(results, SINCE, worse, better, f"{name}_log_loss")
        lines.append([f"{name}s: {_LABELS[worse]}, less {_LABELS[better]}", shown(more, ".4f")])
    page.table(["", "log loss"], lines, caption="Differences over runs of one seed, faults at any time")
    page.note(
        f"Each interval has confidence {FAMILY.confidence:.4f}, so that the first four, which decide claims, hold at "
        f"once. The last is shown and claims nothing."
    )
