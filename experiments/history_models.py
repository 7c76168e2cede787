"""What a recorded history may be held against, by the name that `./lab check-history --model` takes.

A model is a checker with what it needs to know. Most are sequential specifications, judged by
linearizability; the rest are claims that a history alone can break, such as a session guarantee.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from sim.checkers import CLAIMS, SPECIFICATIONS, Budget, Checker, Claim, Specification, Verdict, linearizable
from sim.checkers.liveness import LivenessSpec, recovers_after_each_heal
from sim.checkers.specifications import Shape
from sim.checkers.staleness import StalenessSpec, bounded_staleness
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

    @property
    def initials(self) -> Shape:
        """What its initial value looks like."""
        return self.spec.initials if isinstance(self.spec, Specification) else Shape.ANY

    def bounded(
        self,
        within_us: int | None,
        versions: int | None,
        heals_us: tuple[int, ...] = (),
        faults_us: tuple[int, ...] = (),
    ) -> HistoryModel:
        """The same, held to bounds.

        Args:
            within_us: How stale a read may be, when an event must have been delivered, or how long after a heal
                operations must succeed again; None for no such bound.
            versions: How many versions behind a read may be; None for no such bound.
            heals_us: When everything was healed, each time, on the clock of the history.
            faults_us: When faults began, on the same clock.

        Raises:
            ValueError: the model has no such bound, or needs one.
        """
        bounds: dict[str, Any] = {
            "within": within_us,
            "versions": versions,
            "heal": heals_us or None,
            "fault": faults_us or None,
        }
        told = {name: bound for name, bound in bounds.items() if bound is not None}
        fields = _BOUNDS.get(self.name, {})
        if wrong := next((name for name in told if name not in fields), None):
            having = [model for model, its in _BOUNDS.items() if wrong in its]
            raise ValueError(f"{self.name} has no bound --{wrong}, which is for {' and '.join(having)}; leave it out")
        if self.claim is bounded_staleness:
            if not told:
                raise ValueError(f"{self.name} needs a bound; give --within, such as 100ms, or --versions, or both")
            return replace(self, spec=StalenessSpec(**{fields[name]: bound for name, bound in told.items()}))
        if self.claim is recovers_after_each_heal:
            if not {"within", "heal"} <= set(told):
                raise ValueError(
                    f"{self.name} needs to know when it was healed and by when it must work again; "
                    "give --heal, such as 10s, once for each heal, and --within"
                )
            return replace(self, spec=LivenessSpec(**{fields[name]: bound for name, bound in told.items()}))
        spec: Any = self.spec
        return (
            replace(self, spec=replace(spec, **{fields[name]: bound for name, bound in told.items()})) if told else self
        )

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


Shapes: TypeAlias = Mapping[str, tuple[Shape, Shape]]

_ANY: Final = (Shape.ANY, Shape.ANY)
_REGISTERS: Final[Shapes] = MappingProxyType({"read": _ANY, "write": _ANY, "cas": (Shape.PAIR, Shape.ANY)})
_LOGS: Final[Shapes] = MappingProxyType({"append": _ANY, "read": _ANY})
_EITHER: Final[Shapes] = MappingProxyType({**_REGISTERS, **_LOGS})
_BAGS: Final[Shapes] = MappingProxyType({"add": _ANY, "remove": _ANY, "read": _ANY})
_QUEUES: Final[Shapes] = MappingProxyType({"enqueue": (Shape.SOMETHING, Shape.ANY), "dequeue": _ANY})
_OBJECTS: Final[Shapes] = MappingProxyType({**_EITHER, **_BAGS, **_QUEUES})
_FATES: Final[Shapes] = MappingProxyType(dict.fromkeys(("accept", "incorporate", "supersede", "compensate"), _ANY))
_DELIVERIES: Final[Shapes] = MappingProxyType(
    {
        "append": _ANY,
        "transaction": (Shape.LIST, Shape.ANY),
        "subscribe": (Shape.PLACE, Shape.ANY),
        "deliver": _ANY,
        "bookmark": _ANY,
    }
)
# What a claim passes over would be taken for sound, so each takes only what it looks at.
_SHAPES: Final[Mapping[str, Shapes]] = MappingProxyType(
    {
        "append_only": _LOGS,
        "read_your_writes": _EITHER,
        "monotonic_reads": _EITHER,
        "monotonic_writes": _EITHER,
        "writes_follow_reads": _EITHER,
        "causal": _REGISTERS,
        "bounded_staleness": _EITHER,
        "converged": _OBJECTS,
        "durable": _OBJECTS,
        "no_lost_updates": MappingProxyType({**_EITHER, "add": (Shape.NUMBER, Shape.ANY)}),
        "no_duplicate_effects": MappingProxyType({**_LOGS, **_BAGS, **_QUEUES, "effect": _ANY}),
        "no_aborted_reads": _OBJECTS,
        "conserved": _FATES,
        **{name: _DELIVERIES for name in CLAIMS if name.startswith("subscription_")},
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


#: By model, the bounds that it may be told, and what they are called there.
_BOUNDS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "bounded-staleness": MappingProxyType({"within": "bound_us", "versions": "bound_versions"}),
        "subscription-reliable": MappingProxyType({"within": "within_us"}),
        "recovers-after-each-heal": MappingProxyType({"within": "bound_us", "heal": "heals_us", "fault": "faults_us"}),
    }
)
_ALL: Final = (
    *(_linearizable(spec) for spec in SPECIFICATIONS.values()),
    # The form is judged while the file is read; an invariant is code and cannot be typed.
    *(_claimed(name, claim) for name, claim in CLAIMS.items() if name != "well_formed" and not claim.needed),
    HistoryModel(name="bounded-staleness", claim=bounded_staleness, spec=None, shapes=_SHAPES["bounded_staleness"]),
    HistoryModel(
        name="recovers-after-each-heal", claim=recovers_after_each_heal, spec=None, shapes=MappingProxyType({})
    ),
)
#: Every model, by name.
MODELS: Final[Mapping[str, HistoryModel]] = MappingProxyType({model.name: model for model in _ALL})
