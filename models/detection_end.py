"""Whom detectors suspected in a run, as values: by the name of the detector, every change of mind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["DetectionEnd", "Mind"]


class Mind(NamedTuple):
    """An observer changed its mind about a subject; both as "region/cluster/host", the time as its clock had it."""

    t_us: int
    observer: str
    subject: str
    suspected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionEnd:
    """The detectors at the end.

    Attributes:
        minds: By detector, every change of mind of every observer that is up, in order of time.
        verdicts: The same where suspects are given time to refute: who was declared dead, and taken for alive again.
            Detectors of heartbeats give none, so that theirs are the same.
    """

    minds: Mapping[str, tuple[Mind, ...]]
    verdicts: Mapping[str, tuple[Mind, ...]]
