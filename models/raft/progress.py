"""What a leader knows of one member, and what it may send it next.

Until the logs are known to meet, one message at a time asks (*probe*); then entries flow, as many on
the way as the window holds (*stream*); who lacks what is gone waits for a snapshot. After etcd's
`tracker.Progress` (github.com/etcd-io/raft). Departure: what is lost is found by the heartbeats'
answers, which say how far a member is, and no list of messages on the way is kept.
"""

from __future__ import annotations

from enum import Enum

from models.raft.log import LogView
from models.raft.messages import AppendReply

__all__ = ["Pace", "Progress"]


class Pace(Enum):
    """How entries are sent."""

    PROBE = "probe"
    STREAM = "stream"
    SNAPSHOT = "snapshot"


class Progress:
    """One member as its leader sees it.

    Args:
        now_us: When it is first looked at.
        last: Length of the leader's log by then.

    Attributes:
        match: Up to here it is known to have the log on its device.
        verified: Up to here it is known to have the log at all.
        next: Position of the next entry to send.
        pace: How.
        asked: While probing: whether a probe is on the way.
        heard_us: When it was last heard, in this reign; at first when the reign began.
        answered: Whether it was heard at all.
        round: The latest that it acknowledged.
        beat: The number of the last heartbeat sent to it.
        caught_up: For a learner: whether the last round of its catching up was short (section 4.2.1), when that ended.
    """

    __slots__ = (
        "_again",
        "_handed_us",
        "_moved_us",
        "_round_began_us",
        "_round_end",
        "_sent",
        "answered",
        "asked",
        "beat",
        "caught_up",
        "heard_us",
        "match",
        "next",
        "pace",
        "round",
        "verified",
    )

    def __init__(self, now_us: int, last: int) -> None:
        self.match = self.verified = 0
        self.next = last + 1
        self.pace = Pace.PROBE
        self.asked = False
        self.heard_us = now_us
        self.answered = False
        self.round = 0
        self.beat = 0
        self.caught_up = False
        self._again = False
        self._sent = 0
        self._moved_us = now_us
        self._handed_us: int | None = None
        self._round_end = last
        self._round_began_us = now_us

    def sent(self, now_us: int, last: int) -> None:
        """Entries up to `last` are on their way."""
        if self.pace is Pace.PROBE:
            self.asked, self._sent = True, last
            return
        if self.next == self.verified + 1:
            self._moved_us = now_us  # the wait for an answer begins now
        self.next = last + 1

    def accepted(self, now_us: int, reply: AppendReply, retry_us: int, base: int) -> bool:
        """Take an answer that the logs meet; returns whether `match` moved."""
        verified = reply.verified
        if verified > self.verified:
            self.verified = verified
            self._moved_us = now_us
        if self.pace is Pace.PROBE:
            if not self._again or verified >= self.next:
                self._stream(now_us)
            elif now_us - self._moved_us >= retry_us:
                self.asked, self._moved_us = False, now_us
        elif self.pace is Pace.SNAPSHOT:
            if self.verified >= base:
                self._stream(now_us)
        elif self.next <= verified:
            self.next = verified + 1
        elif self.verified + 1 < self.next and now_us - self._moved_us >= retry_us:
            self._probe(now_us, self.verified + 1)
            self._again = True
        if reply.match <= self.match:
            return False
        self.match = reply.match
        return True

    def rejected(self, now_us: int, reply: AppendReply, log: LogView, retry_us: int) -> None:
        """Take an answer that they do not meet at `reply.rejected`: go back to where they may."""
        if self.pace is Pace.SNAPSHOT:
            return
        if self.pace is Pace.PROBE:
            if reply.rejected != self.next - 1:
                return  # the answer to an earlier probe
        elif now_us - self._moved_us < retry_us:
            return  # what is missing may only be late
        back = max(0, min(reply.rejected - 1, log.meets(reply.hint, reply.hint_term)))
        # A member that forgot what it acknowledged (its disk lies) holds it no more.
        self.match, self.verified = min(self.match, back), min(self.verified, back)
        self._probe(now_us, back + 1)

    def hands_over(self, now_us: int, again_us: int) -> bool:
        """It lacks what is gone; returns whether a snapshot is due: it answers, and none is on its way."""
        self.pace = Pace.SNAPSHOT
        due = self.answered and (self._handed_us is None or now_us - self._handed_us >= again_us)
        if due:
            self._handed_us = now_us
        return due

    def caught(self, now_us: int, last: int, limit_us: int) -> None:
        """One more look at a learner: a round brings it what there was when the round began."""
        if self.match >= self._round_end:
            self.caught_up = now_us - self._round_began_us <= limit_us
            self._round_end, self._round_began_us = last, now_us

    def keeps_up(self, now_us: int, limit_us: int) -> bool:
        """Whether it has caught up and does so still: it was heard lately, and no later round takes it longer."""
        late = self.match < self._round_end and now_us - self._round_began_us > limit_us
        return self.caught_up and not late and now_us - self.heard_us <= limit_us

    def _stream(self, now_us: int) -> None:
        # The probe may have borne entries, which are on their way if the logs meet where it said.
        on_the_way = self._sent if self.asked and self.verified >= self.next - 1 else 0
        self.next = max(self.verified, on_the_way) + 1
        self.pace, self.asked, self._again = Pace.STREAM, False, False
        self._moved_us = now_us

    def _probe(self, now_us: int, following: int) -> None:
        self.pace, self.asked, self._again = Pace.PROBE, False, False
        self.next = following
        self._moved_us = now_us
