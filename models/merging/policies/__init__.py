"""The shipped merge policies. Read `replay` first, the shortest that decides something; then `recent`.

- `replay`: canonical replay of commands
- `apologise`: accept, and make good
- `commutative`: nothing to decide
- `observed`: each undoes only what its writer had seen
- `escrow`: nothing is accepted that might have to be taken back
- `barrier`: what depends on all sub-domains waits until all have closed
- `last`: last writer by entity
- `winners`: last writer by field, first writer, priority region
- `siblings`: a person decides
- `three_way`: changes are laid on one another, and a person decides where they do not agree

`shipped` makes each from a domain and what is known of its events, by the name that scenarios use, and says what one is
held to; `named` takes a user's own as well.
"""

from models.merging.policies.apologise import AcceptAndApologise
from models.merging.policies.barrier import ClosingBarrier
from models.merging.policies.commutative import Commutative
from models.merging.policies.escrow import Escrow
from models.merging.policies.last import LastWriter, SilentLastWriter
from models.merging.policies.named import policy_for, policy_named
from models.merging.policies.observed import ObservedWrites
from models.merging.policies.recent import RecentPolicy
from models.merging.policies.replay import CanonicalReplay
from models.merging.policies.shipped import POLICIES, demanded_of
from models.merging.policies.siblings import Siblings
from models.merging.policies.three_way import ThreeWay
from models.merging.policies.winners import FirstWriter, LastWriterByField, PriorityRegion

__all__ = [
    "POLICIES",
    "AcceptAndApologise",
    "CanonicalReplay",
    "ClosingBarrier",
    "Commutative",
    "Escrow",
    "FirstWriter",
    "LastWriter",
    "LastWriterByField",
    "ObservedWrites",
    "PriorityRegion",
    "RecentPolicy",
    "Siblings",
    "SilentLastWriter",
    "ThreeWay",
    "demanded_of",
    "policy_for",
    "policy_named",
]
