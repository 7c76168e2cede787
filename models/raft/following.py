"""How a follower takes the leader's log: where the two meet, what does not fit goes, the rest follows.

It answers at once where nothing new came, so that heartbeats measure the way and not the disk; for
entries it answers when they are on the device, one answer for all that a flush covered.
"""

from __future__ import annotations

from typing import Any

from models.raft.effects import Contradicted, Cut, Install, Role, Store
from models.raft.messages import AppendEntries, AppendReply, InstallSnapshot
from models.raft.node import Node
from models.store.log.entries import Entry

__all__ = ["Following"]


class Following(Node):
    """A member as a follower; arguments as for a node."""

    __slots__ = (
        "_early",
        "_heard_round",
        "_installing",
        "_owes",
        "_verified",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._verified = self.committed
        self._heard_round = 0
        self._owes = False
        self._early: dict[int, AppendEntries] = {}
        self._installing: InstallSnapshot | None = None

    def _new_term(self) -> None:
        self._verified = self.committed
        self._heard_round = 0
        self._owes = False
        self._early = {}

    # -- entries -----------------------------------------------------------------------------

    def _on_append(self, now_us: int, msg: AppendEntries) -> None:
        if msg.term < self.term:
            self._answer_late(msg.source)
            return
        self._heed(now_us, msg.source, msg.beat or None, msg.round)
        if self._installing is not None:
            self._answer()
            return
        if not self._meets(msg):
            self._reject(msg)
            return
        self._append(msg)
        while self._early and (first := min(self._early)) <= self.log.last:
            early = self._early.pop(first)
            if self._meets(early):
                self._append(early)
        if msg.committed > self.committed:
            self.committed = max(self.committed, min(msg.committed, self._verified))
        self._owes = self._verified > self.log.durable
        if not self._owes or msg.beat or not msg.entries:
            self._answer()

    def _heed(self, now_us: int, leader: int, sequence: int | None, number: int) -> None:
        """Whoever speaks leads this term."""
        if self.role is Role.LEADER:
            raise Contradicted(f"{leader} and {self.me} both lead term {self.term}")
        if leader != self.leader or self.role is not Role.FOLLOWER:
            self._follow(now_us, self.term, leader)
        self._hear(now_us, sequence)
        if number > self._heard_round:
            self._heard_round = number

    def _meets(self, msg: AppendEntries) -> bool:
        """Whether the leader's log and this one agree before the entries; up to the base they do."""
        return msg.prev < self.log.base or self.log.term_at(msg.prev) == msg.prev_term

    def _append(self, msg: AppendEntries) -> None:
        """Take what is new; figure 3.1, AppendEntries, steps 3 and 4."""
        log, entries, prev = self.log, msg.entries, msg.prev
        end = prev + len(entries)
        if prev < log.last:
            prev, entries = self._beyond_agreement(prev, entries)
        if entries:
            if prev < log.last:
                if prev < self.committed:
                    raise Contradicted(f"the leader of term {self.term} lacks what is committed after {prev}")
                log.cut(prev)
                self._verified = min(self._verified, prev)
                self._effects.append(Cut(prev))
            if entries[0].epoch < log.last_term:
                raise Contradicted(f"after an entry of term {log.last_term} comes one of term {entries[0].epoch}")
            log.extend(entries)
            self._effects.append(Store(entries))
        if end > self._verified:
            self._verified = end

    def _beyond_agreement(self, prev: int, entries: tuple[Entry, ...]) -> tuple[int, tuple[Entry, ...]]:
        """Without the entries that are here already, or that a snapshot has replaced."""
        log = self.log
        skip = min(max(0, log.base - prev), len(entries))
        for entry in entries[skip:]:
            if log.term_at(prev + skip + 1) != entry.epoch:
                break
            skip += 1
        return prev + skip, entries[skip:]

    def _reject(self, msg: AppendEntries) -> None:
        log = self.log
        if msg.prev > log.last and msg.entries and len(self._early) < self.options.held:
            self._early.setdefault(msg.prev, msg)
        hint = max(0, log.meets(msg.prev, msg.prev_term))
        # At the position itself the terms differ; what agrees lies before.
        self._answer(rejected=msg.prev, hint=hint, hint_term=log.term_at(hint) or 0)

    def _flushed(self) -> None:
        """More is on the device: tell a leader that waits to hear."""
        if self._owes:
            self._owes = self._verified > self.log.durable
            self._answer()

    def _answer(self, rejected: int = 0, hint: int = 0, hint_term: int = 0) -> None:
        self._send(
            self.leader,
            AppendReply(
                source=self.me,
                term=self.term,
                match=min(self._verified, self.log.durable),
                verified=self._verified,
                round=self._heard_round,
                rejected=rejected,
                hint=hint,
                hint_term=hint_term,
            ),
        )

    def _answer_late(self, to: int) -> None:
        """Tell a leader of an earlier term that its reign is over."""
        self._send(to, AppendReply(source=self.me, term=self.term, match=0, verified=0, round=0))

    # -- snapshots ---------------------------------------------------------------------------

    def _on_install(self, now_us: int, msg: InstallSnapshot) -> None:
        """Figure 5.3; departure: one message, and no entries are kept behind what replaces the log."""
        if msg.term < self.term:
            self._answer_late(msg.source)
            return
        self._heed(now_us, msg.source, None, msg.round)
        if self._installing is not None:
            return
        if msg.position <= self.committed or self.log.term_at(msg.position) == msg.position_term:
            self._verified = max(self._verified, msg.position)
            self.committed = max(self.committed, msg.position)
            self._owes = self._verified > self.log.durable
            self._answer()
            return
        self._installing = msg
        self._early = {}
        self._effects.append(Install(msg))

    def _installed(self) -> None:
        msg, self._installing = self._installing, None
        assert msg is not None, "nothing was being installed"
        self.log.restart(msg.membership, msg.position, msg.position_term)
        self.committed = self._verified = msg.position
        self._owes = False
        if msg.term == self.term and self.leader:
            self._answer()
