"""Append-only logs on three replicas with a leader that a majority elects: Raft, without its extras.

The replicas agree on one log of entries, each of some key; a key's log is what committed entries
of that key say. Whoever is no leader passes requests on. An append is answered once its entry is
committed, in the epoch in which it was appended; a read, once a majority has said that it knows
of no later leader. A repeated append is found in the log by its operation.

Source: Ongaro and Ousterhout, USENIX ATC 2014. Left out: snapshots and changes of membership.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, ClassVar, Final

from models.driver import Ask, Reply
from models.system import Site, System
from sim.host import Context, Wait, handles
from sim.message import Message
from sim.topology import Location
from tests.broken.families.ballots import (
    Append,
    Appended,
    Entry,
    Passed,
    Ping,
    Pong,
    Vote,
    Voted,
)
from tests.broken.families.layout import Member, intact, lay_out

_BEAT_US: Final = 40_000
_PATIENCE_US: Final = 80_000
_ANSWER_US: Final = 500_000
_ELECTION_US: Final = (150_000, 350_000)
_BATCH: Final = 20
FOLLOWER, CANDIDATE, LEADER = "follower", "candidate", "leader"
_NO_OPERATION: Final = 0


class Replica(Member):
    """A replica, in one of three roles.

    Attributes:
        epoch: The highest heard of; `voted` is for whom it voted in it, -1 for nobody.
        log: Its entries, from index 1.
        commit: Up to where they are final.
        where: By operation, the index of its entry.
        waiting: (index, epoch, wait) of those who want to know whether an entry is final.
        confirmed_us: When a follower last answered to a leader, by the wall clock.
    """

    POINTS: ClassVar[frozenset[str]] = frozenset({"appended", "flushed", "acknowledged"})
    NOTES: ClassVar[frozenset[str]] = frozenset({"role=leader", "role=follower"})

    def __init__(self, ctx: Context, peers: tuple[Location, ...], number: int) -> None:
        super().__init__(ctx, peers, number)
        self.role = FOLLOWER
        self.epoch = 0
        self.voted = -1
        self.leader = -1
        self.log: list[Entry] = []
        self.where: dict[int, int] = {}
        self.commit = 0
        self.heard = 0
        self.on_disk = 0
        self.match: dict[int, int] = {}
        self.opened = 0
        self.waiting: list[tuple[int, int, Wait]] = []
        self.news: list[Wait] = []
        self.confirmed_us = 0

    def start(self) -> None:
        """Read vote and log, and wait for a leader."""
        for epoch, voted in self.ctx.disk.read("vote"):
            self.epoch, self.voted = epoch, voted
        for entry in intact(self.ctx.disk, "log"):
            self._remember(Entry(*entry))
        self.ctx.set_timer(self._patience_us(), self._watch)

    # -- decisions that a variant may get wrong ------------------------------------------------

    def follows(self, msg: Append) -> bool:
        """Whether what a leader sent goes on where this log agrees with the leader's."""
        return msg.prev <= len(self.log) and self._epoch_at(msg.prev) == msg.prev_epoch

    def may_lead(self, msg: Vote) -> bool:
        """Whether a candidate's log holds everything that may be final."""
        return (msg.last_epoch, msg.last) >= (self._epoch_at(len(self.log)), len(self.log))

    def is_ours(self, index: int, epoch: int) -> bool:
        """Whether the final entry at an index is the one that was appended there in an epoch."""
        return self._epoch_at(index) == epoch

    def save_vote(self) -> Wait:
        """Until epoch and vote are on the disk."""
        wait: Wait = self.ctx.disk.replace("vote", (self.epoch, self.voted))
        return wait

    def known(self, op: int) -> int | None:
        """The index of an operation's entry, if there is one."""
        return self.where.get(op)

    def needs_round(self) -> bool:
        """Whether a leader must ask the others before it answers a read."""
        return True

    def readable(self) -> int:
        """Up to which index a read may look."""
        return self.commit

    def final(self, index: int) -> bool:
        """Whether an entry is on a majority of the disks."""
        copies = (self.on_disk >= index) + sum(match >= index for match in self.match.values())
        return copies >= self.majority

    # -- elections -----------------------------------------------------------------------------

    def _patience_us(self) -> int:
        return self.ctx.rng("election").between(*_ELECTION_US)

    def _watch(self) -> Generator[Wait, Any, None]:
        while True:
            heard = self.heard
            yield self.ctx.sleep(self._patience_us())
            if self.role != LEADER and self.heard == heard:
                yield from self._stand()

    def _stand(self) -> Generator[Wait, Any, None]:
        self._turn(CANDIDATE, self.epoch + 1, self.number)
        epoch = self.epoch
        yield self.save_vote()
        if (self.role, self.epoch) != (CANDIDATE, epoch):
            return
        last = len(self.log)
        vote = Vote(epoch=epoch, candidate=self.number, last=last, last_epoch=self._epoch_at(last))
        told = yield self.ctx.first(
            [self.ctx.call(peer, vote, _PATIENCE_US) for peer in self.others], need=len(self.others)
        )
        if (self.role, self.epoch) != (CANDIDATE, epoch):
            return
        votes = [voted for _, voted in told if isinstance(voted, Voted)]
        latest = max((voted.epoch for voted in votes), default=0)
        if latest > epoch:
            self._turn(FOLLOWER, latest, -1)
        elif 1 + sum(voted.granted for voted in votes) >= self.majority:
            self._lead()

    @handles(Vote)
    def on_vote(self, msg: Vote, sender: Location) -> Generator[Wait, Any, Message]:
        """Vote once an epoch, for nobody who might lack something final."""
        if msg.epoch > self.epoch:
            self._turn(FOLLOWER, msg.epoch, -1)
        granted = msg.epoch == self.epoch and self.voted in (-1, msg.candidate) and self.may_lead(msg)
        if granted:
            self.voted = msg.candidate
            self.heard += 1
        yield self.save_vote()
        return Voted(epoch=self.epoch, granted=granted and msg.epoch == self.epoch)

    def _turn(self, role: str, epoch: int, voted: int) -> None:
        """Take a role in an epoch; what others wait for is not promised any longer."""
        if role == FOLLOWER and self.role == LEADER:
            self.ctx.note("role", FOLLOWER)
        self.role = role
        if epoch > self.epoch:
            self.epoch, self.voted, self.leader = epoch, voted, -1

    # -- the leader ----------------------------------------------------------------------------

    def _lead(self) -> None:
        self.role, self.leader = LEADER, self.number
        self.ctx.note("role", LEADER)
        self.match = {number: 0 for number in range(len(self.peers)) if number != self.number}
        self.on_disk = 0
        self.opened = self._append(Entry(self.epoch, _NO_OPERATION, -1, 0))
        self.ctx.set_timer(0, self._flush)
        for number in self.match:
            self.ctx.set_timer(0, self._supply, number, self.epoch)

    def _append(self, entry: Entry) -> int:
        self.ctx.disk.append("log", entry)
        self._remember(entry)
        self.ctx.point("appended")
        news, self.news = self.news, []
        for wait in news:
            wait.resolve(True)
        return len(self.log)

    def _remember(self, entry: Entry) -> None:
        self.log.append(entry)
        if entry.op != _NO_OPERATION:
            self.where[entry.op] = len(self.log)

    def _flush(self) -> Generator[Wait, Any, None]:
        length, epoch = len(self.log), self.epoch
        yield self.ctx.disk.flush("log")
        if (self.role, self.epoch) == (LEADER, epoch):
            self.on_disk = max(self.on_disk, length)
            self._advance()

    def _supply(self, number: int, epoch: int) -> Generator[Wait, Any, None]:
        """Bring one follower up to date, and keep it from standing for election."""
        send_from = len(self.log)
        while (self.role, self.epoch) == (LEADER, epoch):
            entries = tuple(self.log[send_from - 1 : send_from - 1 + _BATCH])
            prev = send_from - 1
            told = yield self.ctx.call(
                self.peers[number],
                Append(
                    epoch=epoch,
                    leader=self.number,
                    prev=prev,
                    prev_epoch=self._epoch_at(prev),
                    entries=entries,
                    commit=self.commit,
                ),
                _PATIENCE_US,
            )
            if (self.role, self.epoch) != (LEADER, epoch) or not isinstance(told, Appended):
                continue
            if told.epoch > epoch:
                self._turn(FOLLOWER, told.epoch, -1)
            elif told.ok:
                self.confirmed_us = self.ctx.now_us()
                self.match[number] = max(self.match[number], told.match)
                send_from = self.match[number] + 1
                self._advance()
                if send_from > len(self.log):
                    news = self.ctx.wait()
                    self.news.append(news)
                    yield self.ctx.first([news, self.ctx.sleep(_BEAT_US)], need=1)
            else:
                send_from = max(1, min(send_from - 1, told.match + 1))

    def _advance(self) -> None:
        for index in range(len(self.log), self.commit, -1):
            # Only an entry of its own epoch makes those before it final.
            if self._epoch_at(index) == self.epoch and self.final(index):
                self._finish(index)
                return

    def _finish(self, commit: int) -> None:
        """Everything up to `commit` is final: tell those who wait for it."""
        self.commit = max(self.commit, commit)
        due = [one for one in self.waiting if one[0] <= self.commit]
        self.waiting = [one for one in self.waiting if one[0] > self.commit]
        for index, epoch, wait in due:
            wait.resolve(self.is_ours(index, epoch))

    # -- followers -----------------------------------------------------------------------------

    @handles(Append)
    def on_append(self, msg: Append, sender: Location) -> Generator[Wait, Any, Message]:
        """Take what a leader sends where it fits, and say so once it is on the disk."""
        if msg.epoch < self.epoch:
            return Appended(epoch=self.epoch, ok=False, match=0)
        newer = msg.epoch > self.epoch
        self._turn(FOLLOWER, msg.epoch, -1)
        self.leader = msg.leader
        self.heard += 1
        if newer:
            yield self.save_vote()
        fits = self.epoch == msg.epoch and self.follows(msg)
        if not fits:
            return Appended(epoch=self.epoch, ok=False, match=min(len(self.log), max(0, msg.prev - 1)))
        match = self._take(msg)
        yield self.ctx.disk.flush("log")
        self.ctx.point("flushed")
        # Another leader may have written over it meanwhile.
        return Appended(epoch=self.epoch, ok=self.epoch == msg.epoch, match=match)

    def _take(self, msg: Append) -> int:
        index = min(msg.prev, len(self.log))
        for entry in msg.entries:
            index += 1
            if index <= len(self.log) and self.log[index - 1].epoch == entry.epoch:
                continue
            self._cut(index - 1)
            self.ctx.disk.append("log", entry)
            self._remember(entry)
        self._finish(min(msg.commit, index))
        return index

    def _cut(self, keep: int) -> None:
        if keep < len(self.log):
            self.ctx.disk.truncate("log", keep)
            for entry in self.log[keep:]:
                self.where.pop(entry.op, None)
            del self.log[keep:]

    @handles(Ping)
    def on_ping(self, msg: Ping, sender: Location) -> Message:
        """The highest epoch that it knows of."""
        return Pong(epoch=self.epoch)

    # -- clients -------------------------------------------------------------------------------

    @handles(Ask)
    def on_ask(self, msg: Ask, sender: Location) -> Generator[Wait, Any, Message | None]:
        """Serve, or pass on."""
        if self.role == LEADER:
            return (yield from self._serve(msg.op, msg.f, msg.key, msg.value))
        if self.leader < 0 or self.leader == self.number:
            return None
        passed = Passed(op=msg.op, f=msg.f, key=msg.key, value=msg.value if isinstance(msg.value, int) else 0)
        reply: Message | None = yield self.ctx.call(self.peers[self.leader], passed, _ANSWER_US)
        return reply

    @handles(Passed)
    def on_passed(self, msg: Passed, sender: Location) -> Generator[Wait, Any, Message | None]:
        """Serve what another replica was asked."""
        if self.role != LEADER:
            return None
        return (yield from self._serve(msg.op, msg.f, msg.key, msg.value))

    def _serve(self, op: int, f: str, key: int, value: Any) -> Generator[Wait, Any, Message | None]:
        if f == "read":
            return (yield from self._read(op, key))
        index = self.known(op) or self._append(Entry(self.epoch, op, key, value))
        epoch = self._epoch_at(index)
        # Now, not at the answer: what is in the log by then may be another leader's, or nothing.
        position = len(self._values(key, index))
        self.ctx.set_timer(0, self._flush)
        if not (yield from self._settled(index, epoch)):
            return None
        self.ctx.point("acknowledged")
        return Reply(op=op, version=position)

    def _read(self, op: int, key: int) -> Generator[Wait, Any, Message | None]:
        # Until an entry of its own epoch is final, a leader does not know what is.
        epoch = self.epoch
        if not (yield from self._settled(self.opened, epoch)):
            return None
        values = self._values(key, self.readable())
        if self.needs_round():
            told = yield self.ctx.first(
                [self.ctx.call(peer, Ping(), _PATIENCE_US) for peer in self.others], need=self.majority - 1
            )
            agree = [pong for _, pong in told if isinstance(pong, Pong) and pong.epoch <= epoch]
            if 1 + len(agree) < self.majority or self.epoch != epoch:
                return None
        return Reply(op=op, value=values, version=len(values))

    def _settled(self, index: int, epoch: int) -> Generator[Wait, Any, bool]:
        if index <= self.commit:
            return self.is_ours(index, epoch)
        wait = self.ctx.wait()
        self.waiting.append((index, epoch, wait))
        settled: bool = yield wait
        return settled

    def _values(self, key: int, upto: int) -> tuple[int, ...]:
        return tuple(entry.value for entry in self.log[:upto] if entry.key == key)

    def _epoch_at(self, index: int) -> int:
        return self.log[index - 1].epoch if 1 <= index <= len(self.log) else 0


def system(site: Site, workload: Any) -> System:
    """The sound twin: three replicas, clients that ask that of their region and try again."""
    return lay_out(site, workload, Replica, "append-log", retries=True)
