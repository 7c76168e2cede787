"""What layers do to each other: commands that starve, and leaders that are deposed."""

from __future__ import annotations

from typing import Final

from experiments.evidence import Evidence
from experiments.measures.observation import Observation
from experiments.scenario.property import Sort, claim
from sim.checkers import Outcome, Verdict
from sim.history import Kind

__all__ = ["LAYERS"]


def starved(seen: Evidence, *, share: float, from_us: int = 0, for_us: int = 0) -> Verdict:
    """Of the commands issued in a span (to the end, if `for` is 0), less than `share` were answered yes or no."""
    until_us = from_us + for_us if for_us else seen.scenario.until_us
    pairs = [pair for pair in seen.history.pairs() if from_us <= pair[0].t_us < until_us]
    answered = sum(done is not None and _is_answer(done.kind, done.value) for _, done in pairs)
    told = f"{answered} of {len(pairs)} commands answered"
    return Verdict(Outcome.VALID if pairs and answered < share * len(pairs) else Outcome.INVALID, (), told)


def nobody_promoted(seen: Observation) -> Verdict:
    """Nobody was promoted: whoever led at first was healthy, and was never deposed."""
    times = [f"{t_us / 1_000_000:.1f} s" for t_us, _, _ in seen.noted["promoted"]]
    return Verdict(Outcome.INVALID if times else Outcome.VALID, (), f"promoted at: {', '.join(times) or 'never'}")


def somebody_promoted(seen: Observation) -> Verdict:
    """Somebody was promoted."""
    found = nobody_promoted(seen)
    return Verdict(Outcome.VALID if found.outcome is Outcome.INVALID else Outcome.INVALID, (), found.reason)


def _is_answer(kind: Kind, value: object) -> bool:
    return kind is Kind.OK or (kind is Kind.FAIL and str(value).startswith("denied:"))


LAYERS: Final = (
    claim(starved, sort=Sort.EVIDENCE),
    claim(nobody_promoted, ledger=True),
    claim(somebody_promoted, sort=Sort.LIVENESS, ledger=True),
)
