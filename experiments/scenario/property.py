"""The shape of a property: a named claim about a finished run.

The properties themselves are in `experiments.properties`, as `PROPERTIES`, a mapping from
name to `Property`. A scenario file says which of them it claims, and in which mode.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from sim.checkers import Verdict

__all__ = ["Mode", "Property", "PropertyUse"]

ObservationT_contra = TypeVar("ObservationT_contra", contravariant=True)


class Mode(StrEnum):
    """How often a property must hold."""

    ALWAYS = "always"  # in every run
    SOMETIMES = "sometimes"  # in at least one run: it shows that the fault met traffic


@dataclass(frozen=True, slots=True, kw_only=True)
class Property(Generic[ObservationT_contra]):
    """A claim about one finished run.

    Attributes:
        name: What scenario files call it.
        doc: The claim, one sentence.
        holds: Judges what was observed of a run.
    """

    name: str
    doc: str
    holds: Callable[[ObservationT_contra], Verdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyUse:
    """That a scenario claims a property, and in which mode."""

    name: str
    mode: Mode
