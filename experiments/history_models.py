"""What a recorded history may be held against, by the name that `./lab check-history --model` takes.

A model is a checker with what it needs to know. Most are sequential specifications, judged by
linearizability; the rest are claims that a history alone can break, such as a session guarantee.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from sim.checkers import CLAIMS, SPECIFICATIONS, Budget, Checker, Claim, Specification, Verdict, linearizable
from sim.checkers.specifications import Shape
from sim.history import History, Value

__all__ = ["MODELS", "HistoryModel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryModel:
    """What a history is held against.

    Attributes:
        name: As it is typed.
        claim: The checker.
        spec: What the checker is told.
        shapes: Operations it knows, by name: what they are asked and what they answer; empty takes any.
    """

    name: str
    claim: Checker
    spec: object
    shapes: Mapping[str, tuple[Shape, Shape]]

    def check(self, history: History, budget: Budget) -> Verdict:
        """Judge a history."""
        return self.claim(history, self.spec, budget)

    def starting(self, initial: Value) -> HistoryModel:
        """The same, from another initial value.

        Raises:
            ValueError: the model has no initial value, or not one like this.
        """
        spec: Any = self.spec
        if not hasattr(spec, "initial"):
            raise ValueError(f"{self.name} has no initial value; leave it out")
        if isinstance(spec, Specification) and not spec.initials.fits(initial):
            raise ValueError(f"{self.name} begins with {spec.initials}; write that as JSON")
        return replace(self, spec=replace(spec, initial=initial))


_ANY: Final = (Shape.ANY, Shape.ANY)
_REGISTERS: Final[Mapping[str, tuple[Shape, Shape]]] = MappingProxyType(
    {"read": _ANY, "write": _ANY, "cas": (Shape.PAIR, Shape.ANY)}
)
_LOGS: Final[Mapping[str, tuple[Shape, Shape]]] = MappingProxyType({"append": _ANY, "read": _ANY})
_EITHER: Final[Mapping[str, tuple[Shape, Shape]]] = MappingProxyType({**_REGISTERS, **_LOGS})
_SHAPES: Final[Mapping[str, Mapping[str, tuple[Shape, Shape]]]] = MappingProxyType(
    {
        "append_only": _LOGS,
        "read_your_writes": _EITHER,
        "monotonic_reads": _EITHER,
        "monotonic_writes": _EITHER,
        "writes_follow_reads": _EITHER,
        "causal": _REGISTERS,
    }
)


def _linearizable(spec: Specification) -> HistoryModel:
    return HistoryModel(name=spec.name, claim=linearizable, spec=spec, shapes=spec.shapes)


def _claimed(name: str, claim: Claim) -> HistoryModel:
    """A claim of the catalogue; where no session has a name, a client is one."""
    spec = None if claim.spec is None else claim.spec()
    if spec is not None and any(field.name == "whole_clients" for field in dataclasses.fields(spec)):
        spec = replace(spec, whole_clients=True)
    shapes = _SHAPES.get(name, MappingProxyType({}))
    return HistoryModel(name=name.replace("_", "-"), claim=claim.check, spec=spec, shapes=shapes)


_ALL: Final = (
    *(_linearizable(spec) for spec in SPECIFICATIONS.values()),
    # The form is judged while the file is read; bounds and invariants have no default.
    *(_claimed(name, claim) for name, claim in CLAIMS.items() if name != "well_formed" and not claim.needed),
)
#: Every model, by name.
MODELS: Final[Mapping[str, HistoryModel]] = MappingProxyType({model.name: model for model in _ALL})
