"""Raft: a log on several members with one leader at a time, elected.

On a host, read `member` first: `running` is how it takes part, `believing` how it may watch its leader by belief in the
place of a time-out, `doing` does what the core asks for, `copy` is what lies on the disk, `words` and `operated` are
what operators say, `plan` what a member is told. `shard` is the service that clients ask, `registers` and `logs` are
for clients that read, and `deployment` lays groups over a topology.

The parts that know no host: `core` is the machine, read it first, and `node`, `following`, `electing` and
`leading` below it are its roles; `log` is what it knows of its log, `progress` what a leader knows of
a member, `rounds` how it knows that it leads, `membership` who belongs to it. `effects` is what it asks
to be done, `messages` what members say, `options` how patient they are and which safeguards they have.
"""

from models.raft.core import Raft
from models.raft.effects import HardState, Role
from models.raft.log import LogView
from models.raft.membership import Change, Membership, Step
from models.raft.options import RaftOptions

__all__ = ["Change", "HardState", "LogView", "Membership", "Raft", "RaftOptions", "Role", "Step"]
