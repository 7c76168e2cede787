"""What detectors did, side by side: whom each of them suspected, and how often.

`who` is the role of a detector in `models.detection.watching`: `fails` or `holds`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from experiments.measures.observation import Observation
from experiments.scenario.property import Sort, claim
from models.detection_end import Mind
from sim.checkers import Outcome, Verdict

__all__ = ["DETECTIONS"]


def suspects_at_most(seen: Observation, *, who: str = "holds", most: int = 0, but: str = "") -> Verdict:
    """A detector begins no more suspicions than that, of anybody but one that may well be suspected."""
    return _bounded(seen, who, _suspicions, but, most=most)


def suspects_at_least(seen: Observation, *, who: str = "fails", least: int = 1, but: str = "") -> Verdict:
    """A detector begins at least so many suspicions, of anybody but one that may well be suspected."""
    return _bounded(seen, who, _suspicions, but, least=least)


def convicts_at_most(seen: Observation, *, who: str = "holds", most: int = 0, but: str = "") -> Verdict:
    """A detector declares nobody dead more often than that, but one that may well be."""
    return _bounded(seen, who, _convictions, but, most=most)


def convicts_at_least(seen: Observation, *, who: str = "fails", least: int = 1, but: str = "") -> Verdict:
    """A detector declares somebody dead at least so often, not counting one that may well be."""
    return _bounded(seen, who, _convictions, but, least=least)


def convicts(seen: Observation, *, whom: str, from_us: int, within_us: int, who: str = "holds") -> Verdict:
    """A detector declares somebody dead within a time."""
    found = _convictions(seen, who)
    if found is None:
        return Verdict(Outcome.UNKNOWN, (), _absent(who))
    took_us = [mind.t_us - from_us for mind in found if mind.subject == whom and mind.t_us >= from_us]
    told = f"after {min(took_us) / 1e6:.3f} s" if took_us else "never"
    good = bool(took_us) and min(took_us) <= within_us
    return Verdict(Outcome.VALID if good else Outcome.INVALID, (), f"{who} convicts {whom} {told}")


def _bounded(
    seen: Observation,
    who: str,
    read: Callable[[Observation, str], list[Mind] | None],
    but: str,
    *,
    least: int = 0,
    most: int | None = None,
) -> Verdict:
    changes = read(seen, who)
    if changes is None:
        return Verdict(Outcome.UNKNOWN, (), _absent(who))
    found = [mind for mind in changes if mind.subject != but]
    shown = ", ".join(f"{mind.observer} of {mind.subject} at {mind.t_us / 1e6:.3f} s" for mind in found[:3])
    told = f"{who} erred {len(found)} times" + (f" ({shown})" if shown else "")
    good = len(found) >= least and (most is None or len(found) <= most)
    return Verdict(Outcome.VALID if good else Outcome.INVALID, (), told)


def _suspicions(seen: Observation, who: str) -> list[Mind] | None:
    end = seen.ledger.detection
    return None if end is None or who not in end.minds else [mind for mind in end.minds[who] if mind.suspected]


def _convictions(seen: Observation, who: str) -> list[Mind] | None:
    end = seen.ledger.detection
    return None if end is None or who not in end.verdicts else [mind for mind in end.verdicts[who] if mind.suspected]


def _absent(who: str) -> str:
    return f"there is no detector {who!r}; take models.detection.watching:watched, which has 'fails' and 'holds'"


DETECTIONS: Final = (
    claim(suspects_at_most, ledger=True),
    claim(suspects_at_least, sort=Sort.EVIDENCE, ledger=True),
    claim(convicts_at_most, ledger=True),
    claim(convicts_at_least, sort=Sort.EVIDENCE, ledger=True),
    claim(convicts, sort=Sort.LIVENESS, ledger=True),
)
