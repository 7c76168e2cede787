"""Small histories from a line for each event, random ones, and an oracle that tries every order."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any, Final

from hypothesis import strategies as st

from sim.checkers.specifications import UNANSWERED, Specification
from sim.history import History, HistoryRow, Kind, Operation

__all__ = ["ALPHABETS", "explained", "histories", "only", "written"]


def written(*events: tuple[Any, ...]) -> History:
    """A history from `(op, kind, f, value[, version[, key]])`, a microsecond apart; clients are named by operation."""
    history = History()
    for at, (op, kind, f, value, *rest) in enumerate(events):
        version = rest[0] if rest else None
        key = rest[1] if len(rest) > 1 else "x"
        history.append(at, f"c{op}", Operation(op, Kind(kind), f, key, value, version))
    return history


def only(history: History, ops: Iterable[int]) -> History:
    """The rows of some operations."""
    kept, wanted = History(), frozenset(ops)
    for row in history:
        if row.op in wanted:
            kept.append(
                row.t_us, row.client, Operation(row.op, row.kind, row.f, row.key, row.value, row.version, row.session)
            )
    return kept


def explained(history: History, spec: Specification) -> bool:
    """Whether some order explains the history: every choice of pending operations, in every order, for every key."""
    keys = {row.key for row in history}
    pairs = list(history.pairs())
    return all(_key_explained([pair for pair in pairs if pair[0].key == key], spec) for key in keys)


def _key_explained(pairs: list[tuple[HistoryRow, HistoryRow | None]], spec: Specification) -> bool:
    sure = [pair for pair in pairs if pair[1] is not None and pair[1].kind is Kind.OK]
    maybe = [pair for pair in pairs if pair[1] is None or pair[1].kind is Kind.INFO]
    return any(
        _in_order(order, spec)
        for count in range(len(maybe) + 1)
        for some in itertools.combinations(maybe, count)
        for order in itertools.permutations([*sure, *some])
    )


def _in_order(order: Iterable[tuple[HistoryRow, HistoryRow | None]], spec: Specification) -> bool:
    state = spec.init(spec.initial)
    latest = -1
    for begin, end in order:
        ended = end is not None and end.kind is Kind.OK
        if ended and end is not None and end.i < latest:
            return False
        latest = max(latest, begin.i)
        answered = end.value if ended and end is not None else UNANSWERED
        legal, state = spec.step(state, begin.f, begin.value, answered, end.version if ended and end else None)
        if not legal:
            return False
    return True


_FEW: Final = st.integers(1, 2)
_SOME: Final = st.one_of(st.none(), _FEW)
_LISTS: Final = st.lists(_FEW, max_size=3).map(tuple)
#: By specification and operation: what may be asked, what may be answered, which version.
ALPHABETS: Final[Mapping[str, Mapping[str, tuple[Any, Any, Any]]]] = {
    "register": {"read": (st.none(), _SOME, st.none()), "write": (_FEW, st.none(), st.none())},
    "cas-register": {
        "read": (st.none(), _SOME, st.none()),
        "write": (_FEW, st.none(), st.none()),
        "cas": (st.tuples(_FEW, _FEW), st.none(), st.none()),
    },
    "mutex": {f: (st.none(), st.none(), st.none()) for f in ("acquire", "release")},
    "counter": {"read": (st.none(), st.integers(0, 4), st.none()), "add": (_FEW, st.none(), st.none())},
    "set": {
        "read": (st.none(), st.sets(_FEW).map(lambda s: tuple(sorted(s))), st.none()),
        "add": (_FEW, st.none(), st.none()),
    },
    "queue": {
        "enqueue": (st.integers(1, 4), st.none(), st.none()),
        "dequeue": (st.none(), st.one_of(st.none(), st.integers(1, 4)), st.none()),
    },
    "append-log": {
        "append": (_FEW, st.none(), st.one_of(st.none(), st.integers(1, 3))),
        "read": (st.none(), _LISTS, st.none()),
    },
}


@st.composite
def histories(draw: Any, name: str, most: int = 5) -> History:
    """Histories of up to `most` operations on one key, with every kind of ending and any overlap."""
    alphabet = ALPHABETS[name]
    history = History()
    waiting: list[tuple[int, str, Any, Any, Any]] = []
    begun, at = 0, 0
    count = draw(st.integers(1, most))
    while begun < count or waiting:
        if begun < count and (not waiting or draw(st.booleans())):
            f = draw(st.sampled_from(sorted(alphabet)))
            asks, answers, versions = alphabet[f]
            asked = draw(asks)
            waiting.append((begun, f, asked, draw(answers), draw(versions)))
            history.append(at, f"c{begun}", Operation(begun, Kind.INVOKE, f, "x", asked))
            begun += 1
        else:
            op, f, asked, answer, version = waiting.pop(draw(st.integers(0, len(waiting) - 1)))
            kind = draw(st.sampled_from([Kind.OK, Kind.OK, Kind.OK, Kind.INFO, Kind.FAIL, None]))
            if kind is Kind.OK:
                history.append(at, f"c{op}", Operation(op, kind, f, "x", answer, version))
            elif kind is not None:
                history.append(at, f"c{op}", Operation(op, kind, f, "x", asked))
        at += 1
    return history
