"""The shipped merge policies. Read `replay` first, the shortest that decides something; then `recent`.

- `replay`: canonical replay of commands
- `apologise`: accept, and make good
- `commutative`: nothing to decide
- `last`: last writer by entity
- `winners`: last writer by field, first writer, priority region
- `siblings`: a person decides

`shipped` makes each from a domain and what is known of its events, by the name that scenarios use; `named` takes a
user's own as well.
"""

from models.merging.policies.apologise import AcceptAndApologise
from models.merging.policies.commutative import Commutative
from models.merging.policies.last import LastWriter, SilentLastWriter
from models.merging.policies.named import policy_for, policy_named
from models.merging.policies.recent import RecentPolicy
from models.merging.policies.replay import CanonicalReplay
from models.merging.policies.shipped import POLICIES
from models.merging.policies.siblings import Siblings
from models.merging.policies.winners import FirstWriter, LastWriterByField, PriorityRegion

__all__ = [
    "POLICIES",
    "AcceptAndApologise",
    "CanonicalReplay",
    "Commutative",
    "FirstWriter",
    "LastWriter",
    "LastWriterByField",
    "PriorityRegion",
    "RecentPolicy",
    "Siblings",
    "SilentLastWriter",
    "policy_for",
    "policy_named",
]
