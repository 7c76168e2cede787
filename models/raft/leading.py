"""How a leader reigns: it sends its log, counts who has it, and knows when it no longer leads.

An entry is committed once a majority of the voters has it on the device and it is of the leader's own term
(section 3.6.2, figure 3.7); the leader counts as one of them when its own flush is done. What is appended is
sent when `replicate` says so, which a flush does, so that a batch on the disk is a batch on the way.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from models.domain import Event
from models.raft.effects import Contradicted, ReadReady, Role, Supply, Write
from models.raft.electing import Electing
from models.raft.membership import Elected, Membership, Reconfigured
from models.raft.messages import AppendEntries, AppendReply, TimeoutNow
from models.raft.progress import Pace, Progress
from models.raft.rounds import Read, Rounds

__all__ = ["Leading"]


class Leading(Electing):
    """A member as a leader; arguments as for a node.

    Attributes:
        peers: What it knows of the others, by number; empty unless it leads.
    """

    __slots__ = (
        "_beats_at_us",
        "_due",
        "_handed",
        "_reign_start",
        "_rounds",
        "_told",
        "_transfer",
        "peers",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.peers: dict[int, Progress] = {}
        self._rounds = Rounds()
        self._reign_start = 0
        self._due = 0
        self._beats_at_us = 0
        self._transfer: tuple[int, int] | None = None
        self._handed = self._told = False

    # -- the reign begins and ends -----------------------------------------------------------

    def _begin_reign(self, now_us: int) -> None:
        log = self.log
        self._become(Role.LEADER, self.me)
        self._rounds = Rounds()
        self._transfer = None
        self._handed = self._told = False
        self._due = log.last
        self.peers = {}
        self._meet_members(now_us)
        self._write(Elected(leader=self.me, term=self.term, start=log.last))
        self._reign_start = log.last
        self._beat(now_us)

    def _reign_over(self) -> None:
        self._refuse([read.token for read in self._rounds.reads])
        self._rounds = Rounds()
        self.peers = {}
        self._transfer = None

    def _meet_members(self, now_us: int) -> None:
        """Know the members that the log names, and no others."""
        known, members = self.peers, self.log.membership.members
        self.peers = {
            member: known.get(member) or Progress(now_us, self._due) for member in members if member != self.me
        }

    def _write(self, event: Event, membership: Membership | None = None) -> None:
        if membership is None:
            self.log.append(self.term)
        else:
            self.log.reconfigure(self.term, membership)
        self._effects.append(Write(self.log.last, event))

    def _reconfigure(self, now_us: int, membership: Membership) -> None:
        changed = Reconfigured(voters=membership.voters, learners=membership.learners, position=self.log.last + 1)
        self._write(changed, membership)
        self._meet_members(now_us)

    # -- sending -----------------------------------------------------------------------------

    def _pump(self, now_us: int, to: int, peer: Progress) -> None:
        """Send a member what is due and was not sent yet, as far as its pace and the window go."""
        options, due = self.options, self._due
        while peer.next <= due:
            if peer.next <= self.log.base or peer.pace is Pace.SNAPSHOT:
                if peer.hands_over(now_us, options.snapshot_us):
                    self._effects.append(Supply(to))
                return
            if peer.asked:
                return
            last = min(due, peer.next + options.batch - 1)
            if peer.pace is Pace.STREAM:
                last = min(last, peer.match + options.window)
                if last < peer.next:
                    return
            self._append_to(to, peer.next - 1, last)
            peer.sent(now_us, last)

    def _append_to(self, to: int, prev: int, last: int, beat: int = 0) -> None:
        """Send what lies between two positions, the first of them known to this log."""
        prev_term = self.log.term_at(prev)
        assert prev_term is not None, f"{prev=} is outside {self.log.base}..{self.log.last}"
        message = AppendEntries(
            source=self.me,
            term=self.term,
            prev=prev,
            prev_term=prev_term,
            entries=tuple(self._read(prev, last - prev)) if last > prev else (),
            committed=self.committed,
            round=self._rounds.latest,
            beat=beat,
        )
        self._send(to, message)

    def _beat(self, now_us: int) -> None:
        """A heartbeat to everybody, which is also a round."""
        self._beats_at_us = now_us + self.options.heartbeat_us
        self._round(now_us, beats=True)

    def _round(self, now_us: int, *, beats: bool = False) -> None:
        """Ask everybody whether this member leads."""
        self._rounds.begin(now_us)
        if self._rounds.reads:
            self._rounds.asked()
        for to, peer in self.peers.items():
            if beats:
                peer.beat += 1
            # While the logs are not known to meet, this asks too; else it names what the member surely has.
            prev = peer.next - 1 if peer.pace is Pace.PROBE else peer.match
            if prev < self.log.base:
                self._greet(to, peer.beat if beats else 0)
            else:
                self._append_to(to, prev, prev, peer.beat if beats else 0)
        self._confirm(now_us)

    def _greet(self, to: int, beat: int) -> None:
        """To a member that lacks what is gone: nothing fits its log but that there is a leader."""
        self._send(
            to,
            AppendEntries(
                source=self.me,
                term=self.term,
                prev=0,
                prev_term=0,
                entries=(),
                committed=self.committed,
                round=self._rounds.latest,
                beat=beat,
            ),
        )

    # -- counting ----------------------------------------------------------------------------

    def _on_append_reply(self, now_us: int, msg: AppendReply) -> None:
        peer = self.peers.get(msg.source)
        if peer is None or self.role is not Role.LEADER or msg.term != self.term:
            return
        if msg.verified > self.log.last:
            lasts = f"{msg.verified} entries of a log whose leader has {self.log.last}"
            raise Contradicted(f"{msg.source} has {lasts}: somebody else led term {self.term} too")
        peer.heard_us, peer.answered = now_us, True
        if msg.round > peer.round:
            peer.round = msg.round
            self._confirm(now_us)
        if msg.rejected:
            peer.rejected(now_us, msg, self.log, self.options.retry_us)
        elif peer.accepted(now_us, msg, self.options.retry_us, self.log.base):
            self._commit(now_us)
            if msg.source not in self.peers:
                return  # that was the last thing this leader had to do
        if msg.source in self.log.membership.learners:
            peer.caught(now_us, self.log.last, self.options.election_us)
        self._pump(now_us, msg.source, peer)
        self._hand_on(now_us)

    def _match_of(self, member: int) -> int:
        return self.log.durable if member == self.me else self.peers[member].match

    def _commit(self, now_us: int) -> None:
        """Advance to what a majority has, if that is of this term."""
        log = self.log
        position = log.membership.reached(self._match_of)
        # What is before the reign's own begin a majority may have and lose again (figure 3.7).
        if position <= self.committed or position < self._reign_start:
            return
        self.committed = position
        self._serve(self._rounds.ready(position))
        if self.me not in log.membership.members and position >= log.changed_at:
            self._retire(now_us)

    def _retire(self, now_us: int) -> None:
        """The group goes on without this member (section 4.2.2): tell it so, and who had better lead."""
        self._round(now_us)
        best = max(self.log.membership.voters, key=lambda voter: (self.peers[voter].match, -voter))
        self._send(best, TimeoutNow(source=self.me, term=self.term))
        self._follow(now_us, self.term, 0)

    # -- knowing that it leads ---------------------------------------------------------------

    def _round_of(self, member: int) -> int:
        return self._rounds.latest if member == self.me else self.peers[member].round

    def _confirm(self, now_us: int) -> None:
        """A quorum may have acknowledged a later round."""
        rounds = self._rounds
        confirmed = self.log.membership.reached(self._round_of)
        if confirmed > rounds.confirmed:
            rounds.acknowledged(confirmed)
            self._serve(rounds.ready(self.committed))
            if rounds.starving:
                self._round(now_us)

    def _serve(self, reads: Iterable[Read]) -> None:
        self._effects += [ReadReady(read.token, read.position) for read in reads]

    def _leased(self, now_us: int) -> bool:
        """Whether nobody else can have been elected yet, by a quorum's clocks."""
        sent_us = self._rounds.confirmed_us
        return (
            self.options.lease
            and self.role is Role.LEADER
            and sent_us is not None
            and now_us - sent_us < self._lease_us()
            and self.committed >= self._reign_start
            and not self._handed  # whoever was told to stand may still do so, at any time of this reign
        )

    def _lease_us(self) -> int:
        """How long after its heartbeats were sent, on this clock, a quorum surely follows it."""
        return self.options.lease_us

    def _heard_quorum_us(self, now_us: int) -> int:
        """When a quorum was last heard, each member of it."""
        return self.log.membership.reached(lambda member: now_us if member == self.me else self.peers[member].heard_us)

    def _unheard(self, now_us: int) -> bool:
        """Whether no quorum was heard for so long that others may lead already."""
        return now_us - self._heard_quorum_us(now_us) >= self.options.election_us

    # -- handing the lead on -----------------------------------------------------------------

    def _hand_on(self, now_us: int, *, again: bool = False) -> None:
        """Tell the chosen successor to stand once it has everything; give up when that takes too long."""
        if self._transfer is None:
            return
        to, until_us = self._transfer
        peer = self.peers.get(to)
        if peer is None or now_us >= until_us:
            self._transfer = None
        elif peer.match == self.log.last and (again or not self._told):
            self._told = self._handed = True
            self._send(to, TimeoutNow(source=self.me, term=self.term))
