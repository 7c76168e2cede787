"""Users of both sides: they write to the store and ask the read side, in sessions.

Arrivals are open loop, and every operation is drawn before any answer is known. A session is sequential:
an operation waits until the one before has ended. With tokens a session tells the read side what it wrote and
saw, and the answer has it or says that it has not.

In the history a command is an `append` of its id to its aggregate, whether the domain accepts or denies it,
since both are events; a query by key is a `read` of the id of the last event that went in, and beside it
`as-of`, the instant since which the answer knows of nothing newer; a query by attribute is a `select`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, NamedTuple

from models.clients import BankMix, Drawn, Workload
from models.reading.selecting import told_of
from models.reading.words import Query, Rows
from models.store.requests import Accepted, InDoubt, Refused, RolledBack, Submit, Unavailable
from sim.history import Kind, Operation, Value
from sim.host import Context, Service, Wait
from sim.message import Message
from sim.topology import Location
from sim.wording import Refused as Refusal

__all__ = ["PAIRS", "Asked", "Session", "User", "UserOptions"]


#: Aggregates that a session's token holds, unless it is told otherwise.
PAIRS: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class UserOptions:
    """How the users of one host ask.

    Attributes:
        gateways: Whom they ask on the read side, the nearest first.
        reads: Share of operations that are queries by key.
        selects: Share of those by attribute.
        own: Share of the queries by key that are for what the session wrote last.
        bands: Attributes that are asked for, from 0.
        tokens: Whether sessions say what they know of.
        pairs: Aggregates that a session's token holds at most, the latest; of what falls out of it nothing is
            promised, so give at least as many as a session touches.
        patience_us: How long the read side may wait for that.
        sessions: How many there are.
        share: Part of the whole load's rate.
        first_id: Operation ids count up from here.

    Raises:
        ValueError: whatever makes no sense, all at once.
    """

    gateways: tuple[Location, ...]
    reads: float = 0.5
    selects: float = 0.05
    own: float = 0.5
    bands: int = 8
    tokens: bool = True
    pairs: int = PAIRS
    patience_us: int = 500_000
    sessions: int = 8
    share: float = 1.0
    first_id: int = 1

    def __post_init__(self) -> None:
        wrong = [
            f"{name}={getattr(self, name)} is no share; give a number in [0, 1]"
            for name in ("reads", "selects", "own")
            if not 0 <= getattr(self, name) <= 1
        ]
        if self.reads + self.selects > 1:
            wrong.append(f"reads={self.reads} and selects={self.selects} are more than all; lower one")
        wrong += [
            f"{name}={getattr(self, name)} is none; give at least 1"
            for name in ("bands", "pairs", "sessions")
            if getattr(self, name) < 1
        ]
        if self.patience_us < 0:
            wrong.append(f"patience_us={self.patience_us} is negative; give at least 0")
        if wrong:
            raise Refusal(wrong)


class Asked(NamedTuple):
    """One operation of the load, before anybody asked."""

    op: int
    session: int
    f: str
    drawn: Drawn
    own: bool
    band: int


class Session:
    """What one session knows, and what waits in it."""

    __slots__ = ("_pairs", "busy", "known", "last", "waiting")

    def __init__(self, pairs: int) -> None:
        self._pairs = pairs
        self.busy = False
        self.waiting: deque[Asked] = deque()
        self.known: dict[int, int] = {}
        self.last: int | None = None

    def learn(self, key: int, version: int) -> None:
        """It wrote or saw a version."""
        at = max(version, self.known.pop(key, 0))
        self.known[key] = at
        if len(self.known) > self._pairs:
            del self.known[next(iter(self.known))]


class User(Service):
    """All users of one client host.

    Args:
        ctx: Its host.
        workload: Rate, accounts, amounts, deadlines.
        options: How they ask.
        route: By aggregate, the members of its shard, in the order in which they are asked.
    """

    NOTES: ClassVar[frozenset[str]] = frozenset({"selected"})

    def __init__(
        self, ctx: Context, workload: Workload, options: UserOptions, route: Callable[[int], Sequence[Location]]
    ) -> None:
        super().__init__(ctx)
        self._workload = workload
        self._options = options
        self._route = route
        self._mix = BankMix(workload)
        self._draws = ctx.rng("arrivals")
        self._gap_us = 1_000_000 / (workload.rate_per_s * options.share)
        self._due_us = float(workload.begins_us)
        self._next = options.first_id
        self._sessions = [Session(options.pairs) for _ in range(options.sessions)]

    def start(self) -> None:
        """Schedule the first arrival; a host that restarts later stays idle."""
        if self.ctx.mono_us() <= self._workload.begins_us:
            self._schedule()

    def _schedule(self) -> None:
        self._due_us += self._draws.exponential(self._gap_us)
        due_us = round(self._due_us)
        if due_us < self._workload.ends_us:
            self.ctx.set_timer(max(0, due_us - self.ctx.mono_us()), self._arrive)

    def _arrive(self) -> Generator[Wait, Any, None] | None:
        asked = self._draw()
        self._schedule()
        if not self._workload.issues(asked.op):
            return None
        session = self._sessions[asked.session]
        session.waiting.append(asked)
        return None if session.busy else self._carry_out(session)

    def _draw(self) -> Asked:
        """The next operation; as many draws whichever it is, to keep the sequence in step."""
        draws, options = self._draws, self._options
        drawn = self._mix.draw(draws)
        chance, own, number = draws.random(), draws.random() < options.own, draws.below(options.sessions)
        band = draws.below(options.bands)
        op, self._next = self._next, self._next + 2  # an `as-of` stands beside a `read`
        f = "read" if chance < options.reads else "select" if chance < options.reads + options.selects else "append"
        return Asked(op, number, f, drawn, own, band)

    def _carry_out(self, session: Session) -> Generator[Wait, Any, None]:
        session.busy = True
        while session.waiting:
            asked = session.waiting.popleft()
            if asked.f == "append":
                yield from self._command(session, asked)
            else:
                yield from self._question(session, asked)
        session.busy = False

    # -- the write side ----------------------------------------------------------------------

    def _command(self, session: Session, asked: Asked) -> Generator[Wait, Any, None]:
        ctx, workload, key = self.ctx, self._workload, asked.drawn.aggregate
        self._record(asked, Kind.INVOKE, key, asked.op)
        request = Submit(command_id=asked.op, aggregate=key, command=asked.drawn.command)
        until_us, backoff_us = ctx.mono_us() + workload.deadline_us, workload.backoff_us
        members, attempt, unanswered = self._route(key), 0, False
        while (left_us := until_us - ctx.mono_us()) > 0:
            member = members[attempt % len(members)]
            answer = yield ctx.call(member, request, min(workload.attempt_timeout_us, left_us))
            attempt += 1
            if isinstance(answer, Accepted | Refused):
                session.learn(key, answer.version)
                session.last = key
                self._record(asked, Kind.OK, key, None, answer.version)
                return
            if isinstance(answer, InDoubt):
                unanswered = True
                break
            unanswered = unanswered or not isinstance(answer, Unavailable | RolledBack)
            if (left_us := until_us - ctx.mono_us()) > 0:
                yield ctx.sleep(min(backoff_us, left_us))
                backoff_us *= 2
        self._record(asked, Kind.INFO if unanswered else Kind.FAIL, key, None)

    # -- the read side -----------------------------------------------------------------------

    def _question(self, session: Session, asked: Asked) -> Generator[Wait, Any, None]:
        key: int | str = f"band/{asked.band}"
        if asked.f == "read":
            key = session.last if asked.own and session.last is not None else asked.drawn.aggregate
        self._record(asked, Kind.INVOKE, key, None)
        query = self._query(session, asked, key)
        answer = yield from self._settled_for((yield from self.ask(query, asked.op)), query)
        if not isinstance(answer, Rows):
            self._record(asked, Kind.INFO, key, None)
        elif answer.missing or not answer.fresh:
            why = f"parts {answer.missing} are missing" if answer.missing else "not there yet"
            self._record(asked, Kind.FAIL, key, f"refused:{why}")
        elif asked.f == "select":
            places = tuple(position for _, position in answer.places)
            self.ctx.note("selected", told_of(asked.op, asked.band, answer))
            self._record(asked, Kind.OK, key, (len(answer.rows), *places))
        else:
            assert isinstance(key, int)
            self._read(session, asked, key, answer)

    def ask(self, query: Query, op: int) -> Generator[Wait, Any, Message | None]:
        """The answer of the first on the read side that has a whole one; else the last answer, None for silence."""
        answer = None
        for gateway in self._options.gateways:
            answer = yield self.ctx.call(gateway, query, query.patience_us + self._workload.attempt_timeout_us)
            if isinstance(answer, Rows) and not answer.missing:
                break
        return answer

    def _settled_for(self, answer: Any, query: Query) -> Generator[Wait, Any, Any]:
        """What is taken: the answer as it is; who knows what it is worth may ask again."""
        yield from ()
        return answer

    def _query(self, session: Session, asked: Asked, key: int | str) -> Query:
        options = self._options
        known = session.known if options.tokens else {}
        if isinstance(key, int):
            token = ((key, known[key]),) if key in known else ()
            return Query(keys=(key,), token=token, patience_us=options.patience_us)
        return Query(attribute=asked.band, token=tuple(known.items()), patience_us=options.patience_us)

    def _read(self, session: Session, asked: Asked, key: int, answer: Rows) -> None:
        row = answer.rows[0] if answer.rows else None
        version = 0 if row is None else row.version
        session.learn(key, version)
        self._record(asked, Kind.OK, key, None if row is None else row.event_id, version)
        beside = Asked(asked.op + 1, asked.session, "as-of", asked.drawn, asked.own, asked.band)
        self._record(beside, Kind.INVOKE, key, None)
        self._record(beside, Kind.OK, key, answer.heard_us, version)

    def _record(self, asked: Asked, kind: Kind, key: int | str, value: Value, version: int | None = None) -> None:
        self.ctx.record(Operation(asked.op, kind, asked.f, key, value, version, f"s{asked.session}"))
