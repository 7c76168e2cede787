"""Scores of chances: log loss, which punishes certainty that was wrong, and Brier skill against the base rate.

Base rates of failures are so small that the raw Brier score is near 0 for whoever always says no; the skill is relative
to just that. Sources: Good, J. R. Stat. Soc. B 14, 1952; Brier, Mon. Weather Rev. 78, 1950; Murphy, 1973.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum, log
from typing import Final

from experiments.calibration.said import Said

__all__ = ["LEAST", "brier_skill", "log_loss", "log_loss_by_run"]

#: Who says never, and is wrong, is taken to have said this; else one sample would decide everything.
LEAST: Final = 1e-9


def log_loss(runs: Sequence[Said]) -> float | None:
    """Mean of -ln(what was said of what came), over all samples; None if there is none."""
    losses = [_loss(chance, so) for run in runs for chance, so in zip(run.chances, run.outcomes, strict=True)]
    return fsum(losses) / len(losses) if losses else None


def log_loss_by_run(runs: Sequence[Said]) -> list[float | None]:
    """The same of each run, to be compared under one seed."""
    return [log_loss([run]) for run in runs]


def _loss(chance: float, so: bool) -> float:
    said = chance if so else 1 - chance
    return -log(max(said, LEAST))


def brier_skill(runs: Sequence[Said]) -> float | None:
    """1 - (Brier score) / (that of always saying the base rate); None where all or nothing came true.

    The base rate is that of these samples, so always saying it scores 0, and who is worse than that is below.
    """
    samples = [(chance, so) for run in runs for chance, so in zip(run.chances, run.outcomes, strict=True)]
    if not samples:
        return None
    base = sum(so for _, so in samples) / len(samples)
    if base in (0, 1):
        return None
    score = fsum((chance - so) ** 2 for chance, so in samples) / len(samples)
    return 1 - score / (base * (1 - base))
