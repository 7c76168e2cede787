"""The page of `confidence-spectrum`: what a spectrum gains, by which part of it, where a bool is enough."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

from experiments.calibration import Verdict
from experiments.experiment import ReportContext
from experiments.report import PALETTE, Page, new_figure, report_page, save_figure
from experiments.report.spectrum_said import VERDICTS, reliability, said_table
from experiments.results import Results
from experiments.spectrum.claims import FEWEST, MODEST, WORDS, judged, scores_of
from experiments.spectrum.decisions import QUESTIONS, RATIOS
from experiments.spectrum.runs import SpectrumRow
from experiments.spectrum.scores import (
    ALIKE,
    BOOL_BETTER,
    BOOL_ENOUGH,
    CHAIN,
    CONSUMER,
    DETECTOR,
    DETECTOR_TUNED,
    HEADLINES,
    LEARNT,
    NOTHING,
    OPEN,
    ORACLE,
    OTHERS,
    OWN_WHOLE,
    PROVIDERS,
    RIGHT,
    SOURCE,
    SPECTRUM,
    SPECTRUM_BETTER,
    TITLES,
    WRONG,
    Scores,
)
from experiments.spectrum.tellers import ALL_RIGHT, LABELS, PATH, PHI
from experiments.spectrum.troubles import EVERYTHING, SCENARIOS
from experiments.spectrum.troubles import TITLES as TROUBLES
from experiments.statistics import Interval, format_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["report"]

Rows = Results[SpectrumRow]
_DRAWN: Final = (NOTHING, DETECTOR_TUNED, SOURCE, CONSUMER, SPECTRUM, ORACLE)
_STEPS: Final[Mapping[str, str]] = {
    SOURCE: "a belief in the place of a detector",
    CONSUMER: "the threshold at the consumer, by its own costs",
    OWN_WHOLE: "four conditions in the place of one number",
    SPECTRUM: "evidence of all observers",
}
_WORDS: Final[Mapping[str | None, str]] = {
    SPECTRUM_BETTER: "spectrum",
    BOOL_BETTER: "bool",
    BOOL_ENOUGH: "alike",
    OPEN: "open",
    None: "-",
}
_LEFT_OUT: Final = (
    (
        "An open loop: providers decide at the same instants on the same evidence, and their decisions change "
        "nothing. So they are compared on the very same points; that a choice moves load, and that a moved lead stays "
        "moved, is left out. What a choice of detector does in a closed loop is the subject of "
        "detection-in-the-store."
    ),
    (
        "Failures are some thousand times as frequent as real ones, and last twenty heartbeats on average, where real "
        "ones last hundreds. So chances of being up again unheard are larger here, and no evidence is ever good enough "
        "for a move that costs a hundred waits."
    ),
    (
        "Costs are tables of five decisions, linear in a ratio. A share of what there is to gain lies between knowing "
        "nothing and an oracle that knows the present and each request's fate, but not when anything heals."
    ),
    (
        "Booleans are tuned on all runs of the same world but the one that is judged: detector, threshold, and what "
        "yes and no are mapped to, for each ratio and decision. That is more than a deployment has. Beliefs are tuned "
        "by nothing; their priors are those of all troubles together, also in worlds that have only one kind."
    ),
    (
        "One threshold for all is the best one over all decisions and ratios of that world. Others' booleans are not "
        "exchanged: a gain of evidence of all might in part be had by exchanging booleans, and is shown at its source."
    ),
    (
        "A witness tells what it heard of each host once a second; nobody relays what others told. The way to a region "
        "is believed by what its witness heard of the observer, and of own evidence only by how often it is cut."
    ),
    (
        "Learning begins ten times wrong and has the run's minute and a half; the first instants of decision are "
        "judged with hardly anything learnt. Whether what ended was a death or a cut is taken as the prior has it."
    ),
    "Losses are independent. Stalls and bursts, which make detectors err, are the subject of heartbeat-average.",
    "Retry, the sixth decision of this kind, has an experiment of its own, retry-risk: its posterior is a closed form.",
)


def report(results: Rows, folder: Path, context: ReportContext) -> str:
    """Write the page and its figures; returns the answer."""
    scores = {scenario: found for scenario in SCENARIOS if (found := scores_of(results, scenario, LEARNT)) is not None}
    by_priors = {name: found for name in HEADLINES if (found := scores_of(results, EVERYTHING, name)) is not None}
    verdicts = judged(results, EVERYTHING)
    answer = _answer(by_priors)
    page = report_page(context, answer)
    if by_priors:
        page.paragraph(_in_words(by_priors[RIGHT], verdicts))
        page.section("What decisions cost, by how much is at stake")
        _curves(page, by_priors, folder)
        page.section("What each part of it is worth")
        _gains(page, by_priors, folder)
        _steps(page, by_priors, scores)
        page.section("Where a bool is enough")
        _enough(page, by_priors, scores)
        page.section("Shares, by decision and fault")
        _priors(page, by_priors)
        for scenario, found in scores.items():
            _shares(page, scenario, found)
    page.section("What was said against what was so")
    reliability(page, verdicts, folder)
    said_table(page, results, verdicts)
    page.section("What was claimed, and whether it held")
    page.findings(context.findings)
    page.section("What is left out")
    page.bullets(_LEFT_OUT)
    page.link("Retry by risk threshold", "../retry-risk/index.html")
    page.write(folder / "index.html")
    return answer


def _told(interval: Interval | None, spec: str = ".2f") -> str:
    return "-" if interval is None else format_interval(interval, spec)


def _answer(by_priors: Mapping[str, Scores]) -> str:
    if not by_priors:
        return "Too few runs to say; run two seeds at least."
    learnt, wrong, right = (by_priors[name] for name in (LEARNT, WRONG, RIGHT))
    few = "" if learnt.costs.runs >= FEWEST else "Too few runs to decide; as far as they tell: "
    enough = ", ".join(
        f"{question.title[0].lower()}{question.title[1:]} {count} of {of}"
        for number, question in enumerate(QUESTIONS)
        for count, of in (learnt.enough(number),)
    )
    return (
        f"{few}Of what an oracle would save over knowing nothing, on average over five decisions, the best detector's "
        f"bool, tuned for each ratio of costs, takes {_told(learnt.share(DETECTOR_TUNED, most=MODEST))} where to be "
        f"wrong costs up to {MODEST:g} times what it costs to be careful, and the spectrum "
        f"{_told(learnt.share(SPECTRUM, most=MODEST))} with priors learnt from ten times wrong, "
        f"{_told(wrong.share(SPECTRUM, most=MODEST))} where they stay wrong, "
        f"{_told(right.share(SPECTRUM, most=MODEST))} where they are right. Over ratios up to "
        f"{RATIOS[learnt.costs.averaged - 1]:g} the bool takes {_told(learnt.share(DETECTOR_TUNED))}, the spectrum "
        f"{_told(learnt.share(SPECTRUM))} learnt, {_told(wrong.share(SPECTRUM))} wrong ten times, "
        f"{_told(right.share('wrong-3'))} three times and {_told(right.share(SPECTRUM))} right: surely more "
        f"{_surely(by_priors)}. A tuned bool is not surely worse than the learnt spectrum in {enough} ratios. "
        f"Intervals are 95 % over {learnt.costs.runs} runs."
    )


def _in_words(right: Scores, verdicts: Mapping[str, Verdict]) -> str:
    """What the gain is made of, and whether what is said is true."""
    steps = ", ".join(
        f"{words} {_told(right.more(after, before, most=MODEST))}"
        for before, (after, words) in zip(CHAIN, _STEPS.items(), strict=False)
    )
    return (
        f"With right priors, and ratios up to {MODEST:g}, the gain over one bool for all is made of {steps}. What the "
        f"belief says of silent hosts {VERDICTS[verdicts[ALL_RIGHT].calibrated]} with right priors; phi read as a "
        f"probability {VERDICTS[verdicts[PHI].calibrated]}, posteriors multiplied along the path "
        f"{VERDICTS[verdicts[PATH].calibrated]}."
    )


def _surely(by_priors: Mapping[str, Scores]) -> str:
    """With which priors the spectrum surely takes more than the tuned boolean, in words."""
    right = by_priors[RIGHT]
    told = {WORDS[name]: found.more(SPECTRUM, DETECTOR_TUNED) for name, found in by_priors.items()}
    told["wrong three times"] = right.more("wrong-3", DETECTOR_TUNED)
    found = [name for name, more in told.items() if more is not None and more.low is not None and more.low > 0]
    return f"where they are {' or '.join(found)}" if found else "nowhere"


def _curves(page: Page, by_priors: Mapping[str, Scores], folder: Path) -> None:
    scores = by_priors[LEARNT]
    figure, panels = new_figure(2, 3, width_in=12.5, height_in=7.6)
    for number, (axes, question) in enumerate(zip(panels, QUESTIONS, strict=False)):
        for provider in _DRAWN:
            _line(axes, provider, [scores.cost(provider, number, at) for at in range(len(RATIOS))])
        right = [by_priors[RIGHT].cost(SPECTRUM, number, at).estimate for at in range(len(RATIOS))]
        axes.plot(RATIOS, right, ":", color=_colour(SPECTRUM), label="the spectrum, right priors", linewidth=1.8)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_title(question.title, fontsize=10)
        axes.set_xlabel(f"cost of {question.stake}", fontsize=8)
    for axes in (panels[0], panels[3]):
        axes.set_ylabel("cost of a run's decisions")
    handles, names = panels[0].get_legend_handles_labels()
    panels[5].axis("off")
    panels[5].legend(handles, names, loc="center", frameon=False, fontsize=9)
    save_figure(figure, folder / "costs.svg")
    page.figure(
        "costs.svg",
        alt="Five panels, one a decision: mean cost of a run's decisions against the ratio of costs, both logarithmic, "
        "a line for each provider between the best single option on top and the oracle at the bottom",
        caption="All troubles together; priors learnt from ten times wrong, but for the dotted line. Lower is better. "
        "Runs are paired, so intervals of differences stand in the tables. Where all lines meet, no evidence changes "
        "what is best.",
    )


def _line(axes: Axes, provider: str, intervals: list[Interval]) -> None:
    colour = _colour(provider)
    style = "--" if provider in (NOTHING, ORACLE) else "-"
    axes.plot(RATIOS, [one.estimate for one in intervals], style, color=colour, label=TITLES[provider], linewidth=1.6)


def _colour(provider: str) -> str:
    if provider in (NOTHING, ORACLE):
        return "#888888" if provider == NOTHING else "#000000"
    return PALETTE[(1, 5, 2, 0)[(DETECTOR_TUNED, SOURCE, CONSUMER, SPECTRUM).index(provider)]]


def _gains(page: Page, by_priors: Mapping[str, Scores], folder: Path) -> None:
    """From the detector to the spectrum step by step, for each decision, and for all."""
    figure, panels = new_figure(1, 2, width_in=13.0, height_in=5.2)
    names = [question.title for question in QUESTIONS] + ["All five"]
    for axes, priors in zip(panels, (RIGHT, LEARNT), strict=True):
        for row, decision in enumerate([*range(len(QUESTIONS)), None]):
            _stack(axes, by_priors[priors], row, decision)
        axes.axvline(1.0, color="#000000", linestyle="--", linewidth=1)
        axes.axvline(0.0, color="#888888", linestyle="--", linewidth=1)
        axes.set_yticks(range(len(names)), names if axes is panels[0] else [""] * len(names))
        axes.invert_yaxis()
        axes.set_xlim(-0.6, 1.1)
        axes.set_xlabel("share of what an oracle saves over knowing nothing")
        axes.set_title(f"Priors {WORDS[priors]}", fontsize=10)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    save_figure(figure, folder / "gains.svg")
    page.figure(
        "gains.svg",
        alt="Two panels, for right and for learnt priors. For each decision a row of four bars, one behind the other, "
        "from the share of the best detector with one threshold for all towards the oracle's: belief, late threshold, "
        "four conditions, evidence of all",
        caption=f"All troubles together, ratios up to {MODEST:g}. A row begins at the mark, the best detector's bool "
        "with one threshold for all; each bar begins where the last ended, and goes back where a step costs. Whiskers "
        "are 95 % of each step, runs paired; dashed are knowing nothing and the oracle.",
    )


def _stack(axes: Axes, found: Scores, row: int, decision: int | None) -> None:
    start = found.share(DETECTOR, decision=decision, most=MODEST)
    if start is None:
        return
    left = start.estimate
    axes.plot([left], [row], "|", color="#000000", markersize=26, markeredgewidth=2)
    for step, (before, after) in enumerate(pairwise(CHAIN)):
        more = found.more(after, before, decision=decision, most=MODEST)
        assert more is not None
        assert more.low is not None
        assert more.high is not None
        at = row + (step - 1.5) * 0.18
        label = None if row else _STEPS[after]
        axes.barh(at, more.estimate, left=left, height=0.16, color=PALETTE[step], label=label)
        axes.plot([left + more.low, left + more.high], [at, at], color="#333333", linewidth=1)
        left += more.estimate


def _steps(page: Page, by_priors: Mapping[str, Scores], scores: Mapping[str, Scores]) -> None:
    def line(name: str, one: Scores) -> list[str]:
        steps = [_told(one.more(after, before)) for before, after in pairwise(CHAIN)]
        return [name, _told(one.share(DETECTOR)), *steps, _told(one.share(SPECTRUM))]

    lines = [line(f"{TROUBLES[EVERYTHING]}, priors {WORDS[name]}", one) for name, one in by_priors.items()]
    lines += [line(f"{TROUBLES[name]}, learnt", one) for name, one in scores.items() if name != EVERYTHING]
    header = ["", "one detector's bool for all", *_STEPS.values(), "the spectrum"]
    caption = "Shares, mean over decisions and ratios: where it begins, the steps, where it ends"
    page.table(header, lines, caption=caption)


def _enough(page: Page, by_priors: Mapping[str, Scores], scores: Mapping[str, Scores]) -> None:
    lines = []
    named = [(f"{TROUBLES[EVERYTHING]}, priors {WORDS[name]}", one) for name, one in by_priors.items()]
    named += [(f"{TROUBLES[name]}, learnt", one) for name, one in scores.items() if name != EVERYTHING]
    for name, found in named:
        line = [name]
        for number in range(len(QUESTIONS)):
            told = [found.verdict(number, at) for at in range(len(RATIOS))]
            counts = [f"{_WORDS[kind]} {told.count(kind)}" for kind in _KINDS if told.count(kind)]
            line.append(", ".join(counts) if any(one is not None for one in told) else "nothing to gain")
        lines.append(line)
    page.table(["", *(question.title for question in QUESTIONS)], lines, words=True, caption="Of seven ratios of costs")
    page.note(
        "The spectrum against the best detector's bool, tuned for the ratio: surely better (spectrum), surely worse "
        f"(bool), surely within {ALIKE:g} of what there is to gain (alike), or not told apart by these runs (open). A "
        "bool is enough where it is not surely worse; with few runs that is open rather than shown. Ratios at which "
        "there is nothing to gain are left out."
    )
    found = by_priors[LEARNT]
    lines = [
        [question.title, *(_WORDS[found.verdict(number, at)] for at in range(len(RATIOS)))]
        for number, question in enumerate(QUESTIONS)
    ]
    page.table(["All troubles together, learnt", *(f"{ratio:g}" for ratio in RATIOS)], lines, words=True)
    lines = [[question.title, *found.costs.chosen[question.name]] for question in QUESTIONS]
    page.table(
        ["Which detector, at which level", *(f"{ratio:g}" for ratio in RATIOS)],
        lines,
        words=True,
        caption="What the tuned bool comes to, of silence in intervals or of phi",
    )


_KINDS: Final = (SPECTRUM_BETTER, BOOL_ENOUGH, BOOL_BETTER, OPEN)


def _shares(page: Page, scenario: str, scores: Scores) -> None:
    lines = [
        [
            TITLES[provider],
            *(_told(scores.share(provider, decision=number)) for number in range(len(QUESTIONS))),
            _told(scores.share(provider)),
        ]
        for provider in PROVIDERS
        if provider not in (NOTHING, ORACLE)
    ]
    header = ["", *(question.title for question in QUESTIONS), "all"]
    page.table(header, lines, caption=f"{TROUBLES[scenario]}: share of what an oracle saves, mean over ratios")


def _priors(page: Page, by_priors: Mapping[str, Scores]) -> None:
    right = by_priors[RIGHT]
    told = [(LABELS[belief], right, name) for name, belief in OTHERS.items()]
    told += [(LABELS[HEADLINES[name][1]], by_priors[name], SPECTRUM) for name in (WRONG, LEARNT)]
    lines = [
        [
            label,
            *(_told(found.share(name, decision=at)) for at in range(len(QUESTIONS))),
            _told(found.share(name)),
            _told(found.more(name, DETECTOR_TUNED)),
        ]
        for label, found, name in told
    ]
    header = ["", *(question.title for question in QUESTIONS), "all", "more than the tuned bool"]
    page.table(header, lines, caption="The spectrum by what is believed beforehand, all troubles together")
