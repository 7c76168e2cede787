"""How patient a Raft member is, how much it sends at once, and which safeguards it has.

Every safeguard can be switched off, so that an experiment can show what it is for.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from models.factories import Refused

__all__ = ["RaftOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RaftOptions:
    """What all members of a group are told alike; times are microseconds of the monotonic clock.

    Attributes:
        election_us: The minimum election time-out: of stickiness, of leases and of check-quorum. A
            follower waits for its detector, then for a random part of as much again.
        heartbeat_us: Between a leader's heartbeats.
        retry_us: How long nothing may move before entries are sent to a member again.
        snapshot_us: The same for a snapshot.
        window: Entries on the way to one member, at most.
        batch: Entries in one message, at most.
        held: Messages that a follower keeps beyond a gap, at most.
        drift_bound: By which share one member's clock may run faster than another's.
        level: Suspicion of the leader at which a follower begins to wait for its turn.
        pre_vote: Ask whether an election could be won before disturbing anybody with a new term.
        check_quorum: A leader that has not heard a quorum for `election_us` steps down.
        stickiness: Whoever heard a leader within `election_us` neither votes nor stands for election.
        lease: A leader that a quorum follows answers reads without asking again (dissertation 6.4.1).
    """

    election_us: int = 1_000_000
    heartbeat_us: int = 100_000
    retry_us: int = 200_000
    snapshot_us: int = 1_000_000
    window: int = 8_192
    batch: int = 1_024
    held: int = 32
    drift_bound: float = 0.01
    level: float = 1.0
    pre_vote: bool = True
    check_quorum: bool = True
    stickiness: bool = True
    lease: bool = False

    def __post_init__(self) -> None:
        wrong = [
            f"{name}={getattr(self, name)} is none; give at least 1"
            for name in ("election_us", "heartbeat_us", "retry_us", "snapshot_us", "window", "batch")
            if getattr(self, name) < 1
        ]
        if self.held < 0:
            wrong.append(f"held={self.held} is negative; give at least 0")
        if not 0 <= self.drift_bound < inf:
            wrong.append(f"drift_bound={self.drift_bound} is no share; give at least 0, and a finite number")
        if not self.level > 0:
            wrong.append(f"level={self.level} suspects a leader that was just heard; give more than 0")
        if 0 < self.election_us < 2 * self.heartbeat_us:
            wrong.append(
                f"election_us={self.election_us} allows for no lost heartbeat at heartbeat_us={self.heartbeat_us}; "
                f"give at least {2 * self.heartbeat_us}, or heartbeat_us={self.election_us // 2}"
            )
        if self.lease and not self.stickiness:
            wrong.append(
                "lease=True rests on followers that stick to their leader; set stickiness = true, or choose "
                "reads = 'index' and no lease"
            )
        if wrong:
            raise Refused(wrong)

    @property
    def lease_us(self) -> int:
        """How long a lease lasts from when the heartbeats were sent that a quorum acknowledged.

        On the fastest clock of a follower `election_us` passes while this does on the leader's.
        """
        return int(self.election_us / (1 + self.drift_bound))
