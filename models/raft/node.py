"""What every role of a Raft member shares: term, vote and log, and the rule of what is saved before what is said.

A message that follows from a term or a vote waits here until that is on the device, whatever role
it comes from. So no life contradicts what an earlier one said, and no layer above need think of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from models.detection import MakeDetector
from models.raft.effects import Became, Effect, HardState, ReadReady, Role, Save, Send
from models.raft.log import LogView
from models.raft.messages import RaftMessage
from models.raft.options import RaftOptions
from models.store.log.entries import Entry

__all__ = ["Node"]


class Node:
    """One member of one group.

    A member whose disk lost anything that was flushed must not come back under its number: what it
    voted and acknowledged would be forgotten, and counted.

    Args:
        me: Its number, above 0.
        options: How patient it is.
        log: What it has, on the device.
        state: Term and vote as last saved.
        read: Entries after a position, at most so many; from the base of the log on.
        draw: A whole number from 0 to less than what it is given.
        detector: Makes what watches a leader.
        now_us: The monotonic clock.
        committed: Up to where the log is known to be committed.

    Attributes:
        term: The latest that it has heard of.
        role: In that term.
        leader: Who leads it, 0 if unknown.
        committed: As given, and growing.
        log: As given, and growing.
    """

    # In slots: of an object with more than thirty attributes in its dictionary every method call looks twice.
    __slots__ = (
        "_detector",
        "_draw",
        "_effects",
        "_heard_us",
        "_held_back",
        "_jitter_us",
        "_make_detector",
        "_ordered",
        "_read",
        "_saved",
        "_since_us",
        "_vote",
        "_watched",
        "committed",
        "leader",
        "log",
        "me",
        "options",
        "role",
        "term",
    )

    def __init__(
        self,
        me: int,
        options: RaftOptions,
        log: LogView,
        state: HardState,
        *,
        read: Callable[[int, int], Sequence[Entry]],
        draw: Callable[[int], int],
        detector: MakeDetector,
        now_us: int,
        committed: int = 0,
    ) -> None:
        if me < 1:
            raise ValueError(f"{me=} stands for nobody; give at least 1")
        self.me = me
        self.options = options
        self.log = log
        self.term, self._vote = state
        self.role = Role.FOLLOWER
        self.leader = 0
        self.committed = max(committed, log.base)
        self._read = read
        self._draw = draw
        self._make_detector = detector
        self._detector = detector()
        self._watched = (0, 0)
        self._saved = self._ordered = state
        self._held_back: list[Send] = []
        self._effects: list[Effect] = []
        # An earlier life may have heard a leader a moment ago, and that leader may count on it.
        used = self.term > 0 or log.last > 0
        self._heard_us = now_us if used else now_us - options.election_us
        self._since_us = now_us
        self._jitter_us = draw(options.election_us)
        if log.last_term > self.term:
            # The power went after the entry was flushed and before the term was; nobody had its vote in that term.
            self._to_term(log.last_term)

    def take(self) -> list[Effect]:
        """What is to be done, in order; asked for after every input."""
        effects, self._effects = self._effects, []
        if self._ordered[0] != self.term or self._ordered[1] != self._vote:
            self._ordered = HardState(self.term, self._vote)
            effects.insert(0, Save(self._ordered))
        return effects

    # -- saying and saving -------------------------------------------------------------------

    def _send(self, to: int, message: RaftMessage) -> None:
        if self._saved[0] == self.term and self._saved[1] == self._vote:
            self._effects.append(Send(to, message))
        else:
            self._held_back.append(Send(to, message))

    def _is_saved(self, state: HardState) -> bool:
        """Note what is on the device; returns whether that is all there is."""
        self._saved = state
        if state != (self.term, self._vote):
            return False
        self._effects += self._held_back
        self._held_back = []
        return True

    # -- terms and roles ---------------------------------------------------------------------

    def _to_term(self, term: int, vote: int = 0) -> None:
        self.term, self._vote = term, vote
        self._held_back = []  # of an earlier term: nobody would listen

    def _become(self, role: Role, leader: int) -> None:
        if role is not self.role or leader != self.leader:
            self.role, self.leader = role, leader
            self._jitter_us = self._draw(self.options.election_us)
        self._effects.append(Became(role, self.term, leader))

    def _follow(self, now_us: int, term: int, leader: int) -> None:
        """Follow a leader, or wait for one (0), in this term or a later."""
        if self.role is Role.LEADER:
            self._since_us = now_us
            self._reign_over()
        if term > self.term:
            self._to_term(term)
            self._new_term()
        if leader and (leader, self.term) != self._watched:
            # Heartbeats are numbered by reign: of another one, what was heard says nothing.
            self._watched, self._detector = (leader, self.term), self._make_detector()
        self._become(Role.FOLLOWER, leader)

    def _hear(self, now_us: int, sequence: int | None) -> None:
        """The leader lives."""
        self._heard_us = now_us
        self._detector.observe(sequence, now_us)

    # -- what the layers above add -----------------------------------------------------------

    def _new_term(self) -> None:
        """What was learnt from the leader of an earlier term counts no more."""

    def _reign_over(self) -> None:
        """This member led until now."""

    def _refuse(self, reads: Sequence[int]) -> None:
        self._effects += [ReadReady(token, None) for token in reads]
