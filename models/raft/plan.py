"""What a Raft member is told beside what every member of a shard is."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from models.confidence.leading import Leading
from models.detection import Plan
from models.raft.options import RaftOptions
from sim.wording import Refused

__all__ = ["RaftPlan", "Reads"]


class Reads(StrEnum):
    """What a leader does before it tells of its log."""

    INDEX = "index"  # it asks a quorum whether it still leads (dissertation, section 6.4)
    LEASE = "lease"  # not while a quorum has promised to follow it (section 6.4.1)
    LOCAL = "local"  # nothing: the negative control, it may have been deposed


@dataclass(frozen=True, slots=True, kw_only=True)
class RaftPlan:
    """How a group works.

    Attributes:
        founders: Numbers of the hosts of the first voters.
        learners: Numbers of those that receive the log from the beginning and never vote.
        raft: How patient the members are, and which safeguards they have.
        reads: What a leader does before it tells of its log.
        rejoin_us: Between two requests of a member that lost its disk to be taken in again.
        hand_over_us: Patience with a successor that was told to lead.
        detector: What watches a leader: a detector, or what is believed of it (`models.raft.believing`); None for a
            fixed time-out of the minimum election time-out.
    """

    founders: tuple[int, ...]
    learners: tuple[int, ...] = ()
    raft: RaftOptions = field(default_factory=RaftOptions)
    reads: Reads = Reads.INDEX
    rejoin_us: int = 500_000
    hand_over_us: int = 2_000_000
    detector: Plan | Leading | None = None

    def __post_init__(self) -> None:
        wrong = [
            f"{name}={getattr(self, name)} is no time; give at least 1"
            for name in ("rejoin_us", "hand_over_us")
            if getattr(self, name) < 1
        ]
        if self.reads is Reads.LEASE and not self.raft.lease:
            wrong.append("reads='lease' needs lease=True of the members' options")
        if not self.founders:
            wrong.append("founders=() is no group; name at least one voter")
        if wrong:
            raise Refused(wrong)
