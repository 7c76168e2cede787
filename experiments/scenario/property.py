"""The shape of a property: a named claim about a finished run.

The properties themselves are in `experiments.properties`, as `PROPERTIES`, a mapping from
name to `Property`. A scenario file says which of them it claims, and in which mode.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from sim.checkers import Verdict

__all__ = ["Mode", "Property", "PropertyUse", "Sort", "claim"]

EvidenceT_contra = TypeVar("EvidenceT_contra", contravariant=True)


class Mode(StrEnum):
    """How often a property must hold."""

    ALWAYS = "always"  # in every run
    SOMETIMES = "sometimes"  # in at least one run: it shows that the fault met traffic


class Sort(StrEnum):
    """What kind of claim it is, which decides when it can be held against a system."""

    SAFETY = "safety"  # nothing bad ever happens, whatever the faults
    LIVENESS = "liveness"  # something good happens in the end, once faults are over
    EVIDENCE = "evidence"  # the run was worth judging: claimed sometimes


@dataclass(frozen=True, slots=True, kw_only=True)
class Property(Generic[EvidenceT_contra]):
    """A claim about one finished run.

    Attributes:
        name: What scenario files call it.
        doc: The claim, one sentence.
        judge: Judges what a run left; its keyword-only arguments are the claim's parameters.
        sort: Safety, liveness or evidence.
        ledger: Whether it reads a ledger, so that only systems which keep one can claim it.
        records: Specifications that it makes sense for; None is any.
        scheduled: Whether it speaks of what the scenario itself has happen, so that it says nothing of a run in which
            other faults are drawn besides.
    """

    name: str
    doc: str
    judge: Callable[..., Verdict]
    sort: Sort = Sort.SAFETY
    ledger: bool = False
    records: frozenset[str] | None = None
    scheduled: bool = False

    def holds(self, evidence: EvidenceT_contra, **params: Any) -> Verdict:
        """The verdict on a run."""
        return self.judge(evidence, **params)


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyUse:
    """That a scenario claims a property, in which mode, and with which parameters, by their names in the code."""

    name: str
    mode: Mode
    params: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


def claim(
    judge: Callable[..., Verdict],
    *,
    sort: Sort = Sort.SAFETY,
    ledger: bool = False,
    records: frozenset[str] | None = None,
    scheduled: bool = False,
) -> Property[Any]:
    """The property that a judge's name and docstring state."""
    # A user's own may have no docstring; a shipped one is held to having one by a test.
    doc = next(iter((judge.__doc__ or "").strip().splitlines()), "")
    return Property(
        name=judge.__name__, doc=doc, judge=judge, sort=sort, ledger=ledger, records=records, scheduled=scheduled
    )
