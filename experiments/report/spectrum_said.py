"""What tellers of `confidence-spectrum` said of silent hosts, against what was so."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from experiments.calibration import Verdict, brier_skill, log_loss
from experiments.calibration.reliability import logit
from experiments.report import PALETTE, Page, new_figure, save_figure
from experiments.results import Results
from experiments.spectrum.claims import said_of
from experiments.spectrum.runs import SpectrumRow
from experiments.spectrum.tellers import ALL, ALL_LEARNT, ALL_RIGHT, ALL_WRONG_10, LABELS, PATH, PHI
from experiments.spectrum.troubles import EVERYTHING

__all__ = ["VERDICTS", "reliability", "said_table"]

Rows = Results[SpectrumRow]
VERDICTS: Final[Mapping[bool | None, str]] = {True: "can be true", False: "cannot be true", None: "too few runs"}


def reliability(page: Page, verdicts: Mapping[str, Verdict], folder: Path) -> None:
    """What was said against how often it was so, on logit axes."""
    figure, panels = new_figure(1, 2, width_in=11.0, height_in=4.8)
    ticks = (0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999)
    for axes, tellers in zip(panels, ((ALL_RIGHT, ALL_WRONG_10, ALL_LEARNT), (ALL_RIGHT, PATH, PHI)), strict=True):
        axes.plot([-8, 8], [-8, 8], color="#777777", linewidth=1)
        for number, name in enumerate(tellers):
            bins = verdicts[name].bins
            said = [logit(one.said) for one in bins]
            came = [max(-7.5, min(7.5, logit(one.came))) for one in bins]
            axes.plot(said, came, "o-", color=PALETTE[number], markersize=4, linewidth=1, label=LABELS[name])
            if name == ALL_RIGHT:
                ends = [[max(-7.5, min(7.5, logit(end))) for end in (one.low, one.high)] for one in bins]
                axes.vlines(
                    said, [e[0] for e in ends], [e[1] for e in ends], color=PALETTE[number], alpha=0.3, linewidth=5
                )
        axes.set_xlim(-8, 8)
        axes.set_ylim(-8, 8)
        for set_ticks in (axes.set_xticks, axes.set_yticks):
            set_ticks([logit(tick) for tick in ticks], [f"{tick:g}" for tick in ticks], fontsize=8)
        axes.set_xlabel("said: chance that the silent host is down")
        axes.legend(fontsize=8, loc="upper left")
    panels[0].set_ylabel("was down")
    panels[0].set_title("Beliefs")
    panels[1].set_title("Two that are wrong by construction")
    save_figure(figure, folder / "reliability.svg")
    page.figure(
        "reliability.svg",
        alt="Two panels on logit axes, what was said against how often it was so: beliefs near the diagonal, phi read "
        "as a probability and posteriors multiplied along the path far from it",
        caption="Hosts silent for more than an interval, all troubles together. Bars: where points of the belief with "
        "right priors would be if what it says were true and samples independent. Points at the edge were never, or "
        "always, so.",
    )


def said_table(page: Page, results: Rows, verdicts: Mapping[str, Verdict]) -> None:
    """Scores of every teller, and whether what it says can be true."""
    lines = []
    for name in (*ALL, PATH, PHI):
        runs = said_of(results, EVERYTHING, name)
        dead = said_of(results, EVERYTHING, name, "dead") if name in ALL else []
        values = [log_loss(runs), brier_skill(runs), log_loss(dead), brier_skill(dead)]
        lines.append(
            [
                LABELS[name],
                *("-" if value is None else f"{value:.3f}" for value in values),
                VERDICTS[verdicts[name].calibrated],
            ]
        )
    header = ["", "down: log loss", "Brier skill", "dead: log loss", "Brier skill", "what was said of down"]
    page.table(header, lines, caption="Hosts silent for more than an interval, all troubles together")
