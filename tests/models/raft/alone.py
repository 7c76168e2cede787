"""One core, fed by hand: what it says to each input, with term and vote saved at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

from models.detection import Fixed, Plan
from models.raft.core import Raft
from models.raft.effects import Effect, HardState, Save, Send, Write
from models.raft.log import LogView
from models.raft.membership import Membership
from models.raft.messages import AppendEntries, AppendReply, RaftMessage, VoteReply, VoteRequest
from models.raft.options import RaftOptions
from models.store.log.entries import Entry
from tests.models.raft.cluster import OPTIONS, entry

MessageT = TypeVar("MessageT", bound=RaftMessage)
E = OPTIONS.election_us
BEAT = OPTIONS.heartbeat_us
TIMEOUT = Fixed(timeout_us=E)


class Alone:
    """A core with a log in memory; `at` is its clock."""

    def __init__(
        self,
        me: int = 1,
        voters: Sequence[int] = (1, 2, 3),
        learners: Sequence[int] = (),
        *,
        entries: Sequence[Entry] = (),
        state: HardState | None = None,
        options: RaftOptions = OPTIONS,
        saves: bool = True,
        detector: Plan = TIMEOUT,
        **changes: Any,
    ) -> None:
        self.at = 0
        self.entries = list(entries)
        self.saves = saves
        self.saved: list[HardState] = []
        self.others: list[Effect] = []
        self.said: list[tuple[int, RaftMessage]] = []
        self.base = 0
        self.core = Raft(
            me,
            replace(options, **changes),
            LogView(Membership(tuple(voters), tuple(learners)), 0, 0, entries),
            state or HardState(entries[-1].epoch if entries else 0),
            read=lambda after, limit: self.entries[after - self.base : after - self.base + limit],
            draw=lambda below: 0,
            detector=detector.make,
            now_us=0,
        )
        self._look()

    def _look(self) -> None:
        while effects := self.core.take():
            for effect in effects:
                if isinstance(effect, Save):
                    self.saved.append(effect.state)
                    if self.saves:
                        self.core.saved(self.at, effect.state)
                elif isinstance(effect, Send):
                    self.said.append((effect.to, effect.message))
                else:
                    self.others.append(effect)
                    if isinstance(effect, Write):
                        self.entries.append(entry(effect.position, self.core.term, effect.event))

    def hears(self, *messages: RaftMessage) -> list[tuple[int, RaftMessage]]:
        """What it says to that; `heard` has it too."""
        before = len(self.said)
        for message in messages:
            self.core.step(self.at, message)
            self._look()
        return self.said[before:]

    def does(self, name: str, *args: Any) -> Any:
        """An input by its name."""
        found = getattr(self.core, name)(self.at, *args)
        self._look()
        return found

    def heard(self) -> list[tuple[int, RaftMessage]]:
        said, self.said = self.said, []
        return said

    def heard_of(self, kind: type[MessageT]) -> list[tuple[int, MessageT]]:
        return [(to, message) for to, message in self.heard() if isinstance(message, kind)]

    def effects(self, kind: type[Any]) -> list[Any]:
        found = [one for one in self.others if isinstance(one, kind)]
        self.others = [one for one in self.others if not isinstance(one, kind)]
        return found

    def waits(self, duration: int) -> None:
        """Time passes, and whatever is due is done in time."""
        until = self.at + duration
        while (due := self.core.deadline_us) is not None and due <= until:
            self.at = max(self.at, due)
            self.does("tick")
        self.at = until

    # -- a leader ----------------------------------------------------------------------------

    def leads(self) -> Alone:
        """Have it elected by 2, and what it writes then flushed and acknowledged by 2."""
        self.elected()
        self.flushes()
        self.hears(ack(self, 2))
        self.heard()
        self.others = []
        return self

    def elected(self) -> Alone:
        self.waits(E)
        term = self.core.term + 1 if self.core.options.pre_vote else self.core.term
        if self.core.options.pre_vote:
            self.hears(VoteReply(source=2, term=term, granted=True, pre=True))
        self.hears(VoteReply(source=2, term=term, granted=True))
        return self

    def proposes(self, count: int = 1, *, sends: bool = True) -> None:
        for _ in range(count):
            self.entries.append(entry(self.core.log.last + 1, self.core.term))
            self.core.proposed()
        if sends:
            self.does("replicate")

    def flushes(self) -> None:
        self.does("replicate")
        self.does("durable", self.core.log.last)


def ack(leader: Alone, source: int, match: int | None = None, **changes: Any) -> AppendReply:
    """A follower's answer that it has everything, or all up to a position."""
    found = leader.core.log.last if match is None else match
    fields: dict[str, Any] = {"match": found, "verified": found, "round": 0, **changes}
    return AppendReply(source=source, term=leader.core.term, **fields)


def append(
    term: int, prev: int, prev_term: int, entries: Sequence[Entry] = (), *, committed: int = 0, **changes: Any
) -> AppendEntries:
    """What a leader 2 says."""
    fields: dict[str, Any] = {"source": 2, "round": 1, **changes}
    return AppendEntries(
        term=term, prev=prev, prev_term=prev_term, entries=tuple(entries), committed=committed, **fields
    )


def request(term: int, last: int = 0, last_term: int = 0, **changes: Any) -> VoteRequest:
    """What a candidate 2 asks."""
    return VoteRequest(**{"source": 2, "term": term, "last": last, "last_term": last_term, **changes})


def run(first: int, *terms: int) -> list[Entry]:
    """Entries of these terms from a position on."""
    return [entry(first + index, term) for index, term in enumerate(terms)]
