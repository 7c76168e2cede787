"""Every shipped policy by the name that scenarios use, how it is made, and which obligations each is held to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from models.domain import Domain
from models.merging.meaning import Meaning
from models.merging.policies.apologise import AcceptAndApologise
from models.merging.policies.barrier import ClosingBarrier
from models.merging.policies.commutative import Commutative
from models.merging.policies.escrow import Escrow
from models.merging.policies.last import LastWriter, SilentLastWriter
from models.merging.policies.observed import ObservedWrites
from models.merging.policies.replay import CanonicalReplay
from models.merging.policies.siblings import Siblings
from models.merging.policies.three_way import ThreeWay
from models.merging.policies.winners import FirstWriter, LastWriterByField, PriorityRegion
from models.merging.policy import MANDATORY, Obligation, Policy

__all__ = ["POLICIES", "MakePolicy", "demanded_of"]

#: Makes a policy for a domain whose sub-domains have these numbers, in the topology's order.
MakePolicy = Callable[[Domain[Any], Meaning, Sequence[int]], Policy]

#: By name, every shipped policy.
POLICIES: Final[Mapping[str, MakePolicy]] = MappingProxyType(
    {
        CanonicalReplay.name: lambda domain, meaning, sources: CanonicalReplay(domain),
        AcceptAndApologise.name: lambda domain, meaning, sources: AcceptAndApologise(domain, meaning),
        Commutative.name: lambda domain, meaning, sources: Commutative(domain, meaning),
        ObservedWrites.name: lambda domain, meaning, sources: ObservedWrites(domain, meaning),
        Escrow.name: Escrow,
        ClosingBarrier.name: ClosingBarrier,
        LastWriter.name: lambda domain, meaning, sources: LastWriter(domain),
        LastWriterByField.name: lambda domain, meaning, sources: LastWriterByField(domain, meaning),
        FirstWriter.name: lambda domain, meaning, sources: FirstWriter(domain, meaning),
        PriorityRegion.name: PriorityRegion,
        Siblings.name: lambda domain, meaning, sources: Siblings(domain, meaning),
        ThreeWay.name: lambda domain, meaning, sources: ThreeWay(domain, meaning),
        SilentLastWriter.name: lambda domain, meaning, sources: SilentLastWriter(domain),
    }
)


def demanded_of(policy: Policy) -> frozenset[Obligation]:
    """What a policy is held to: what no merge can do without, and what it promises beyond that.

    The negative control alone is let off what it is there to break, and a subclass of it is not.
    """
    demanded = MANDATORY | policy.promises
    return demanded - {Obligation.CONSERVED} if type(policy) is SilentLastWriter else demanded
