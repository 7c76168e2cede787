"""One server with a log on its disk: registers, locks, counters or queues, by what it is asked.

Every decision is appended to the log and flushed before it is told, refusals included, because
what was refused once must not happen later when a delayed request arrives. A repeated request
is answered as before. After every so many records the state goes into a snapshot: a new log
file begins, the snapshot replaces the old one atomically, and only then is the old file emptied.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, ClassVar, NamedTuple

from models.driver import Ask, Reply
from models.system import Site, System
from sim.host import Context, Wait, handles
from sim.topology import Location
from tests.broken.families.layout import Member, intact, lay_out


class Entry(NamedTuple):
    """A decision: what was asked, whether it took place, what was found, and when."""

    op: int
    f: str
    key: int
    value: int | None
    client: str
    ok: bool
    found: int | None
    t_us: int


class Store(Member):
    """The server.

    Attributes:
        values: Registers and counters, by key.
        holders: Locks that are held: (client, since when), by key.
        queues: What waits, by key.
        told: The decisions by operation, to repeat.
    """

    #: Records after which the state goes into a snapshot.
    A_SNAPSHOT_AFTER: ClassVar[int] = 5
    POINTS: ClassVar[frozenset[str]] = frozenset({"appended", "flushed", "saved", "dropped"})

    def __init__(self, ctx: Context, peers: tuple[Location, ...], number: int) -> None:
        super().__init__(ctx, peers, number)
        self.values: dict[int, int | None] = {}
        self.holders: dict[int, tuple[str, int]] = {}
        self.queues: dict[int, tuple[int, ...]] = {}
        self.told: dict[int, tuple[bool, int | None]] = {}
        self.file = 0
        self.records = 0
        self.saving = False

    def start(self) -> None:
        """Read the snapshot and the logs after it."""
        snapshots = self.ctx.disk.read("snapshot")
        if snapshots:
            self.file, values, holders, queues, told = snapshots[-1]
            self.values, self.holders, self.queues = dict(values), dict(holders), dict(queues)
            self.told = dict(told)
        # A crash between two files leaves both.
        for file in (self.file, self.file + 1):
            entries = self.recovered(f"log{file}")
            for entry in entries:
                self.apply(Entry(*entry))
            if entries:
                self.file, self.records = file, len(entries)
                # What only the page cache kept is told again soon.
                self.ctx.disk.flush(f"log{file}")

    # -- decisions that a variant may get wrong ------------------------------------------------

    def recovered(self, file: str) -> list[Any]:
        """The records of a log after a restart."""
        return intact(self.ctx.disk, file)

    def saved(self, file: str) -> Wait:
        """Until a file is on the disk."""
        wait: Wait = self.ctx.disk.flush(file)
        return wait

    def logged(self, f: str) -> bool:
        """Whether such an operation changes what must outlast a crash."""
        return f != "read"

    def known(self, op: int) -> tuple[bool, int | None] | None:
        """What was decided when the same was asked before."""
        return self.told.get(op)

    def free(self, key: int) -> bool:
        """Whether a lock may be given to somebody."""
        return key not in self.holders

    def compact(self, old: str, snapshot: tuple[Any, ...]) -> Generator[Wait, Any, None]:
        """Save the snapshot, and then drop the log that it covers."""
        yield from self.save_snapshot(snapshot)
        self.drop_log(old)

    # -- the server ----------------------------------------------------------------------------

    @handles(Ask)
    def on_ask(self, msg: Ask, sender: Location) -> Generator[Wait, Any, Reply]:
        """Decide, remember, tell."""
        decided = self.known(msg.op)
        if decided is None:
            ok, found = self.decide(msg)
            decided = ok, found
            entry = Entry(msg.op, msg.f, msg.key, _number(msg.value), msg.client, ok, found, self.ctx.now_us())
            if self.logged(msg.f):
                self.ctx.disk.append(f"log{self.file}", entry)
                self.records += 1
                self.ctx.point("appended")
            self.apply(entry)
        # Also what was decided before, or read, may not be on the disk yet.
        yield self.saved(f"log{self.file}")
        self.ctx.point("flushed")
        if self.records >= self.A_SNAPSHOT_AFTER:
            self.ctx.set_timer(0, self._snapshot)
        return Reply(op=msg.op, ok=decided[0], value=decided[1])

    def decide(self, msg: Ask) -> tuple[bool, int | None]:
        """Whether it takes place now, and what it finds."""
        match msg.f:
            case "acquire":
                return self.free(msg.key), None
            case "release":
                return self.holders.get(msg.key, ("", 0))[0] == msg.client, None
            case "dequeue":
                return True, next(iter(self.queues.get(msg.key, ())), None)
            case "read":
                return True, self.values.get(msg.key)
            case _:
                return True, None

    def apply(self, entry: Entry) -> None:
        """Let a decision take effect."""
        if entry.f != "read":
            self.told[entry.op] = entry.ok, entry.found
        if not entry.ok:
            return
        match entry.f:
            case "acquire":
                self.holders[entry.key] = entry.client, entry.t_us
            case "release":
                del self.holders[entry.key]
            case "enqueue":
                self.queues[entry.key] = (*self.queues.get(entry.key, ()), entry.value or 0)
            case "dequeue":
                self.queues[entry.key] = self.queues.get(entry.key, ())[1:]
            case "write":
                self.values[entry.key] = entry.value
            case "add":
                self.values[entry.key] = (self.values.get(entry.key) or 0) + (entry.value or 0)

    def _snapshot(self) -> Generator[Wait, Any, None]:
        if self.saving or self.records < self.A_SNAPSHOT_AFTER:
            return
        self.saving = True
        old, self.file, self.records = f"log{self.file}", self.file + 1, 0
        state = (self.values, self.holders, self.queues, self.told)
        snapshot = (self.file, *(tuple(sorted(part.items())) for part in state))
        yield from self.compact(old, snapshot)
        self.saving = False

    def save_snapshot(self, snapshot: tuple[Any, ...]) -> Generator[Wait, Any, None]:
        """Put a snapshot in place of the last one."""
        yield self.ctx.disk.replace("snapshot", snapshot)
        self.ctx.point("saved")

    def drop_log(self, file: str) -> None:
        """Empty a log file."""
        self.ctx.disk.truncate(file, 0)
        self.ctx.point("dropped")


class Counters(Store):
    """Counters, which hold 0 at first, and whose log is all that there is."""

    A_SNAPSHOT_AFTER: ClassVar[int] = 1_000_000

    def decide(self, msg: Ask) -> tuple[bool, int | None]:
        """As `Store.decide`."""
        ok, found = super().decide(msg)
        return ok, (found or 0) if msg.f == "read" else found


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) else None


def registers(site: Site, workload: Any) -> System:
    """The sound registers."""
    return lay_out(site, workload, Store, "register", retries=True)


def counters(site: Site, workload: Any) -> System:
    """The sound counters, whose clients try again."""
    return lay_out(site, workload, Counters, "counter", retries=True, sessions=3)


def locks(site: Site, workload: Any) -> System:
    """The sound locks; who is refused hears the same however often the request is repeated."""
    return lay_out(site, workload, Store, "mutex", retries=True, sessions=4)


def queues(site: Site, workload: Any) -> System:
    """The sound queues."""
    return lay_out(site, workload, Store, "queue", retries=True, sessions=2)
