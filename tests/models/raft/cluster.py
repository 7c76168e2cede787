"""A Raft group in a small world: drops, duplicates, reordering, cuts, crashes that lose what was not flushed.

Times are whole units of one true clock; each member's own clock runs at its own rate. Whatever happens is
checked as it happens against what everybody ever saw: `Witness` is the definition of safety (dissertation, figure 3.2).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from heapq import heappop, heappush
from random import Random

from models.detection import FixedTimeout
from models.domain import Event
from models.raft.core import Raft
from models.raft.effects import Became, Cut, HardState, Install, ReadReady, Role, Save, Send, Store, Supply, Write
from models.raft.log import LogView
from models.raft.membership import Change, Membership
from models.raft.messages import AppendReply, InstallSnapshot, RaftMessage, VoteReply, VoteRequest
from models.raft.options import RaftOptions
from models.store.log.entries import Entry

OPTIONS = RaftOptions(election_us=1_000, heartbeat_us=100, retry_us=200, snapshot_us=400, window=12, batch=3, held=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted(Event):
    """Something that a client wanted in the log."""


def entry(position: int, term: int, event: Event | None = None, event_id: int = 0) -> Entry:
    """An entry with nothing in it that Raft does not look at."""
    return Entry(0, 0, position, term, 0, 0, event_id, 0, event or Noted(), None, 0)


class Witness:
    """Everything that any member ever did, and what must not happen."""

    def __init__(self) -> None:
        self.leaders: dict[int, int] = {}
        self.votes: dict[tuple[int, int], int] = {}
        self.entries: dict[tuple[int, int], tuple[int, int]] = {}
        self.committed: list[tuple[int, int]] = [(0, 0)]  # (term, id) by position

    def elected(self, member: Member) -> None:
        core = member.core
        assert core.term not in self.leaders, f"term {core.term} has leaders {self.leaders[core.term]} and {core.me}"
        self.leaders[core.term] = core.me
        for position in range(core.log.base + 1, len(self.committed)):
            assert core.log.term_at(position) == self.committed[position][0], f"leader {core.me} lacks {position}"
        assert core.log.last >= len(self.committed) - 1

    def voted(self, voter: int, term: int, candidate: int) -> None:
        before = self.votes.setdefault((voter, term), candidate)
        assert before == candidate, f"{voter} voted for {before} and {candidate} in term {term}"

    def appended(self, one: Entry, prev_term: int) -> None:
        known = self.entries.setdefault((one.position, one.epoch), (one.event_id, prev_term))
        assert known == (one.event_id, prev_term), f"two logs differ at {one.position} in term {one.epoch}"

    def settled(self, member: Member) -> None:
        """What a member takes for committed is what every other takes for it, for ever."""
        while member.told < member.core.committed:
            member.told += 1
            if member.told <= member.base:
                continue
            one = member.entries[member.told - member.base - 1]
            if member.told == len(self.committed):
                self.committed.append((one.epoch, one.event_id))
            assert self.committed[member.told] == (one.epoch, one.event_id), f"{member.told} was committed differently"


class Member:
    """One host with one core: a log whose operations reach the device in order, and a file for term and vote."""

    def __init__(self, cluster: Cluster, me: int, founders: Membership) -> None:
        self.cluster = cluster
        self.me = me
        self.state = HardState()
        self.base, self.base_term, self.base_members = 0, 0, founders
        self.operations: list[int | Entry] = []  # an entry to append, or how much to keep
        self.safe = 0  # of the operations
        self.entries: list[Entry] = []
        self.up = False
        self.life = 0
        self.told = 0
        self.saving = 0
        self.flushing = False
        self.start()

    @property
    def last(self) -> int:
        return self.base + len(self.entries)

    def clock(self) -> int:
        return int(self.cluster.now * self.cluster.rates[self.me]) + 17 * self.life

    def start(self) -> None:
        self.up, self.life, self.flushing = True, self.life + 1, False
        self.entries = []
        for one in self.operations:
            self._do(one)
        self.safe = len(self.operations)
        self.told = self.base
        log = LogView(self.base_members, self.base, self.base_term, self.entries)
        self.core = self.cluster.kind(
            self.me,
            self.cluster.options,
            log,
            self.state,
            read=lambda after, limit: self.entries[after - self.base : after - self.base + limit],
            draw=self.cluster.random.randrange,
            detector=partial(FixedTimeout, self.cluster.options.election_us),
            now_us=self.clock(),
        )
        self.run()

    def crash(self) -> None:
        self.up = False
        kept = self.cluster.random.randint(self.safe, len(self.operations))
        del self.operations[kept:]

    def _do(self, one: int | Entry) -> None:
        if isinstance(one, int):
            del self.entries[one - self.base :]
        else:
            self.entries.append(one)

    def _append(self, ones: Sequence[Entry]) -> None:
        for one in ones:
            assert one.position == self.last + 1
            prev_term = self.entries[-1].epoch if self.entries else self.base_term
            self.cluster.witness.appended(one, prev_term)
            self.operations.append(one)
            self.entries.append(one)

    def run(self) -> None:
        """Do what the core asks, and look at what came of it."""
        cluster, core = self.cluster, self.core
        while (effects := core.take()) or self._begins_flush():
            for effect in effects:
                cluster.met[type(effect).__name__] += 1
                if isinstance(effect, Send):
                    self._say(effect.to, effect.message)
                elif isinstance(effect, Save):
                    self.saving = max(self.saving, cluster.now + cluster.random.randint(1, 20))
                    cluster.later(self.saving - cluster.now, self, partial(self._save, effect.state))
                elif isinstance(effect, Cut):
                    assert effect.keep >= self.told
                    self.operations.append(effect.keep)
                    self._do(effect.keep)
                elif isinstance(effect, Store):
                    self._append(effect.entries)
                elif isinstance(effect, Write):
                    assert effect.position == self.last + 1
                    self._append([entry(effect.position, core.term, effect.event, cluster.fresh())])
                elif isinstance(effect, Supply):
                    self._say(effect.to, core.snapshot_at(core.committed))
                elif isinstance(effect, Install):
                    cluster.later(cluster.random.randint(5, 60), self, partial(self._install, effect.snapshot))
                elif isinstance(effect, ReadReady):
                    cluster.answered(effect)
                elif isinstance(effect, Became) and effect.role is Role.LEADER:
                    cluster.witness.elected(self)
        assert core.log.last == self.last
        cluster.witness.settled(self)

    def _say(self, to: int, message: RaftMessage) -> None:
        asks = isinstance(message, VoteReply | VoteRequest) and message.pre
        assert asks or message.term <= self.state.term, f"{message} speaks of a term that is not saved"
        if isinstance(message, VoteReply) and message.granted and not message.pre:
            assert self.state.vote == to or self.state.term > message.term, f"{message} before it is saved"
            self.cluster.witness.voted(self.me, message.term, to)
        if isinstance(message, AppendReply):
            assert message.match <= self.core.log.durable
        self.cluster.send(self.me, to, message)

    def _save(self, state: HardState) -> None:
        self.state = state
        self.core.saved(self.clock(), state)

    def _begins_flush(self) -> bool:
        """One flush at a time, for all that was appended by then, which is also when it is sent."""
        if self.flushing or self.safe == len(self.operations):
            return False
        self.flushing = True
        self.core.replicate(self.clock())
        done = partial(self._flushed, len(self.operations), self.last, self.base)
        self.cluster.later(self.cluster.random.randint(1, self.cluster.slowest_flush), self, done)
        return True

    def _flushed(self, operations: int, last: int, base: int) -> None:
        self.flushing = False
        if base != self.base and self.safe == len(self.operations):
            return  # all of it was replaced, or gone behind the base
        self.safe = max(self.safe, operations)
        if not any(isinstance(one, int) for one in self.operations[operations:]):
            self.core.durable(self.clock(), last)

    def _install(self, snapshot: InstallSnapshot) -> None:
        self.base, self.base_term, self.base_members = snapshot.position, snapshot.position_term, snapshot.membership
        self.operations, self.entries, self.safe = [], [], 0
        self.told = self.base
        self.core.installed(self.clock())

    def compact(self) -> None:
        """Let the head go, up to what is committed and on the device; only between two flushes."""
        core = self.core
        upto = min(core.committed, core.log.durable)
        if self.flushing or self.safe != len(self.operations) or upto <= self.base:
            return
        term = core.log.term_at(upto)
        assert term is not None
        members = core.log.membership_at(upto)
        core.compacted(upto)
        del self.entries[: upto - self.base]
        self.base, self.base_term, self.base_members = upto, term, members
        self.operations = list(self.entries)
        self.safe = len(self.operations)


class Cluster:
    """Members, the network between them, and time.

    Args:
        seed: Of everything that is left to chance.
        voters: Numbers of the founders.
        spares: Numbers of members that may be added.
        options: As for the core.
        kind: The core; a broken one shows that the witness sees.
        drift: By which share clocks may run fast.
    """

    def __init__(
        self,
        seed: int,
        voters: Sequence[int] = (1, 2, 3),
        spares: Sequence[int] = (),
        *,
        options: RaftOptions = OPTIONS,
        kind: type[Raft] = Raft,
        drift: float = 0.0,
    ) -> None:
        self.random = Random(seed)
        self.options = options
        self.kind = kind
        self.now = 0
        self.loss = self.twice = 0.0
        self.slowest, self.slowest_flush = 30, 40
        self.cut: set[tuple[int, int]] = set()
        self.witness = Witness()
        self.rates = {me: 1 + self.random.random() * drift for me in (*voters, *spares)}
        self.reads: dict[int, int] = {}
        self.met: Counter[str] = Counter()
        self._ids = self._order = 0
        self._events: list[tuple[int, int, Member, int, Callable[[], None]]] = []
        founders = Membership(tuple(voters))
        self.members: dict[int, Member] = {}
        for me in (*voters, *spares):
            self.members[me] = Member(self, me, founders)

    # -- the world ---------------------------------------------------------------------------

    def fresh(self) -> int:
        self._ids += 1
        return self._ids

    def later(self, after: int, member: Member, do: Callable[[], None]) -> None:
        self._order += 1
        heappush(self._events, (self.now + after, self._order, member, member.life, do))

    def send(self, source: int, to: int, message: RaftMessage) -> None:
        for _ in range(2 if self.random.random() < self.twice else 1):
            if (source, to) not in self.cut and self.random.random() >= self.loss:
                self._order += 1
                at = self.now + self.random.randint(1, self.slowest)
                # A message outlives the process that it was sent to.
                heappush(
                    self._events, (at, self._order, self.members[to], -1, partial(self._arrive, source, to, message))
                )

    def _arrive(self, source: int, to: int, message: RaftMessage) -> None:
        if (source, to) not in self.cut:
            self.members[to].core.step(self.members[to].clock(), message)

    def advance(self, duration: int) -> None:
        """Let time pass; each member looks at its deadlines every few units."""
        until = self.now + duration
        while self.now < until:
            tick_at = self.now + 10
            while self._events and self._events[0][0] <= tick_at:
                self.now, _, member, life, do = heappop(self._events)
                if member.up and life in (-1, member.life):
                    do()
                    member.run()
            self.now = tick_at
            for member in self.members.values():
                deadline = member.core.deadline_us
                if member.up and deadline is not None and member.clock() >= deadline:
                    member.core.tick(member.clock())
                    member.run()

    # -- what tests do -----------------------------------------------------------------------

    @property
    def leaders(self) -> list[Member]:
        """Those that take themselves for it, the latest first."""
        found = [one for one in self.members.values() if one.up and one.core.role is Role.LEADER]
        return sorted(found, key=lambda one: -one.core.term)

    def propose(self, count: int = 1) -> None:
        """Everybody who accepts appends."""
        for member in self.leaders:
            if member.core.accepts:
                ones = [entry(member.last + 1 + i, member.core.term, None, self.fresh()) for i in range(count)]
                member.core.proposed(count)
                member._append(ones)
                member.run()

    def read(self) -> None:
        """Everybody who leads is asked to read; what was committed by now must be in the answer."""
        for member in self.leaders:
            token = self.fresh()
            self.reads[token] = len(self.witness.committed) - 1
            member.core.read(member.clock(), token)
            member.run()

    def answered(self, ready: ReadReady) -> None:
        committed = self.reads.pop(ready.token)
        if ready.position is not None:
            self.met["reads answered"] += 1
            assert ready.position >= committed, f"a read up to {ready.position} misses {committed}"

    def change(self, change: Change) -> None:
        for member in self.leaders:
            refused = member.core.change(member.clock(), change)
            self.met["changes refused" if refused else f"changes: {change.step}"] += 1
            member.run()

    def transfer(self, to: int) -> None:
        for member in self.leaders:
            member.core.transfer(member.clock(), to)
            member.run()

    def sever(self, ones: Sequence[int], others: Sequence[int], *, both_ways: bool = True) -> None:
        for one in ones:
            for other in others:
                if one != other:
                    self.cut.add((one, other))
                    if both_ways:
                        self.cut.add((other, one))

    def calm(self) -> None:
        """No more faults."""
        self.cut, self.loss, self.twice = set(), 0.0, 0.0
        for member in self.members.values():
            if not member.up:
                member.start()

    def must_serve(self) -> None:
        """Within some elections after the last fault, what is proposed is committed by every member."""
        self.calm()
        for _ in range(60):
            self.advance(500)
            if self.leaders:
                self.propose()
                self.read()
                self.advance(400)
                latest = self.leaders[0].core if self.leaders else None
                group = [self.members[one].core for one in latest.log.membership.members] if latest else []
                if latest and all(core.committed == latest.committed == latest.log.last for core in group):
                    assert not self.cut
                    return
        told = [
            (one.me, str(one.core.role), one.core.term, one.core.committed, one.core.log.last)
            for one in self.members.values()
        ]
        raise AssertionError(f"no progress after all is well: {told}")
