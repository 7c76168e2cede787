"""What every checker reads out of a history: its operations whole, who wrote what, the last look.

An operation *precedes* another if it ended in an earlier row than the other began in; rows are
in order of time, so ties of time are broken by the order of recording. One without an answer
(`info`, or still open) precedes nothing: it may take effect at any later time, or never.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

from sim.checkers.budget import Budget, Meter, OverBudget
from sim.checkers.verdict import Outcome, Verdict
from sim.checkers.wellformed import well_formed
from sim.history import History, HistoryRow, Kind, Value

__all__ = [
    "AUDIT",
    "NEVER",
    "Attempt",
    "Key",
    "attempts_of",
    "by_key",
    "final_reads",
    "given",
    "invalid",
    "judged",
    "named",
    "replica_of",
    "unknown",
    "written",
]

Key: TypeAlias = "int | str"
Spec = TypeVar("Spec")

#: Sessions whose name begins so look at one replica at rest; its name follows.
AUDIT: Final = "audit/"
#: The row in which an operation without an answer ends: after every other.
NEVER: Final = sys.maxsize
# What an operation and its place in a table weigh, as measured with the history itself aside.
_ATTEMPT_BYTES: Final = 250


class Attempt(NamedTuple):
    """One operation, its beginning and its ending together.

    Attributes:
        op: Its id.
        client: Who asked.
        session: In which session; "" is none.
        f: What was asked.
        key: On what.
        asked: Value at the beginning: the argument.
        based: Version at the beginning: what the operation was built on, None if nothing is said.
        ending: `ok`, `fail`, or `info`, which also stands for an operation that never ended.
        answer: Value at the ending.
        version: Version at the ending.
        begin: Row of the beginning.
        end: Row of the ending; `NEVER` for `info`.
        begin_us: When it began.
        end_us: When it ended; None for `info`.
    """

    op: int
    client: str
    session: str
    f: str
    key: Key
    asked: Value
    based: int | None
    ending: Kind
    answer: Value
    version: int | None
    begin: int
    end: int
    begin_us: int
    end_us: int | None

    @property
    def ok(self) -> bool:
        """Whether it surely took place."""
        return self.ending is Kind.OK

    @property
    def failed(self) -> bool:
        """Whether it surely did not."""
        return self.ending is Kind.FAIL

    def precedes(self, other: Attempt) -> bool:
        """Whether it ended before `other` began."""
        return self.end < other.begin


def judged(history: History, budget: Budget, judge: Callable[[list[Attempt], Meter], Verdict]) -> Verdict:
    """The verdict of `judge` on a well-formed history; what is malformed or too large is not judged further."""
    if not (form := well_formed(history, None, budget)).valid:
        return form
    meter = budget.meter()
    try:
        meter.spend(len(history), holding_bytes=len(history) // 2 * _ATTEMPT_BYTES)
        return judge(attempts_of(history), meter)
    except OverBudget as limit:
        return Verdict(Outcome.UNKNOWN, (), str(limit))


def attempts_of(history: History) -> list[Attempt]:
    """Every operation, by its beginning.

    Raises:
        ValueError: the history is not well formed.
    """
    return [_attempt(begin, end) for begin, end in history.pairs()]


def _attempt(begin: HistoryRow, end: HistoryRow | None) -> Attempt:
    i, t_us, client, session, op, _, f, key, asked, based = begin
    if end is None or end.kind is Kind.INFO:
        return Attempt(op, client, session, f, key, asked, based, Kind.INFO, None, None, i, NEVER, t_us, None)
    kind, answer, version = end.kind, end.value, end.version
    return Attempt(op, client, session, f, key, asked, based, kind, answer, version, i, end.i, t_us, end.t_us)


def by_key(attempts: Iterable[Attempt]) -> dict[Key, list[Attempt]]:
    """Operations by what they are on; keys by their first operation."""
    found: defaultdict[Key, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        found[attempt.key].append(attempt)
    return dict(found)


def written(attempt: Attempt) -> tuple[Value, ...]:
    """The value that an operation puts in place of another: of `write` and `cas`; () of all else."""
    if attempt.f == "write":
        return (attempt.asked,)
    if attempt.f == "cas" and isinstance(attempt.asked, tuple) and len(attempt.asked) == 2:
        return attempt.asked[1:]
    return ()


def replica_of(attempt: Attempt) -> str | None:
    """The replica that an audit looked at; None if the operation is of no audit."""
    return attempt.session.removeprefix(AUDIT) if attempt.session.startswith(AUDIT) else None


def final_reads(attempts: Iterable[Attempt], reads: Callable[[Attempt], bool]) -> list[Attempt]:
    """The last look at one key: the audit's answers, or else what was read after all changes had ended.

    Args:
        attempts: Operations on one key.
        reads: Which of them change nothing.
    """
    everything = list(attempts)
    looks = [a for a in everything if a.ok and reads(a)]
    audits = [a for a in looks if replica_of(a) is not None]
    rest = max((a.end for a in everything if not reads(a) and a.end != NEVER), default=-1)
    open_from = max((a.begin for a in everything if not reads(a)), default=-1)
    return audits or [a for a in looks if a.begin > max(rest, open_from)]


def given(spec: object, kind: type[Spec], default: Spec | None = None) -> Spec:
    """`spec`, or `default` in place of None.

    Raises:
        ValueError: it is of another kind, or None where there is no default.
    """
    if isinstance(spec, kind):
        return spec
    if spec is None and default is not None:
        return default
    raise ValueError(f"{spec=} does not say what to check; give a {kind.__name__}")


def invalid(reason: str, *witness: Attempt) -> Verdict:
    """Invalid, by these operations, put in history order."""
    ordered = sorted(set(witness), key=lambda attempt: attempt.begin)
    return Verdict(Outcome.INVALID, tuple(attempt.op for attempt in ordered), reason)


def unknown(reason: str, *witness: Attempt) -> Verdict:
    """Unknown, because of these operations."""
    return Verdict(Outcome.UNKNOWN, tuple(attempt.op for attempt in witness), reason)


def named(attempt: Attempt) -> str:
    """An operation in a sentence: `write 7`."""
    return f"{attempt.f} {attempt.op}"


def shown(value: Any) -> str:
    """A value in a sentence, long ones cut."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
