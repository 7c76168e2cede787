"""Histories for the bench of the checkers: simulated clients of one true copy, the same at every call.

A client waits a little, asks, and is answered later; in between, at a random instant, its
operation takes effect on the one copy. So every history is linearizable, until `spoil` makes
one read answer what was overwritten before it began.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from sim.checkers import Specification
from sim.checkers.specifications import UNANSWERED
from sim.history import History, Kind, Operation, Value

__all__ = ["Load", "appended", "hostile", "recorded", "spoil"]

_BEGINS, _HAPPENS, _ENDS = range(3)
_SHARE_READ: Final = 0.2
_STREAMS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is asked.

    Attributes:
        spec: Of each key.
        operations: How many.
        clients: Each with one operation open at a time.
        keys: Drawn uniformly.
        mix: Operations, drawn uniformly.
        values: What is written is drawn from so many; 0 writes every value once.
        lost: Chance that a client hears nothing; half of these take effect.
    """

    spec: Specification
    operations: int
    clients: int
    keys: int = 1
    mix: tuple[str, ...] = ("read", "write")
    values: int = 0
    lost: float = 0.0


class _Asked(NamedTuple):
    f: str
    key: int
    value: Value


def recorded(load: Load, seed: int) -> History:
    """A linearizable history."""
    rng = np.random.Generator(np.random.PCG64(seed))
    asked = _asked(load, rng)
    lost = rng.random(load.operations) < load.lost
    happens = rng.random(load.operations) < 0.5
    states: dict[int, Any] = {}
    endings: dict[int, tuple[Kind, Value]] = {}
    history = History()
    for at, what, op, client in _moments(load, rng):
        f, key, value = asked[op]
        name = f"client{client}"
        if what == _BEGINS:
            history.append(at, name, Operation(op, Kind.INVOKE, f, key, value))
        elif what == _ENDS:
            kind, answer = (Kind.INFO, value) if lost[op] else endings[op]
            history.append(at, name, Operation(op, kind, f, key, answer))
        elif not lost[op] or happens[op]:
            state = states.get(key)
            legal, states[key] = load.spec.step(state, f, value, UNANSWERED, None)
            if not legal:
                states[key] = state
            endings[op] = (Kind.OK if legal else Kind.FAIL, state if f == "read" else value)
    return history


def spoil(history: History, seed: int) -> History:
    """The history with one answer of a read replaced by something written long before."""
    rng = np.random.Generator(np.random.PCG64(seed))
    rows = history.rows
    reads = [row.i for row in rows if row.f == "read" and row.kind is Kind.OK and row.i > len(rows) // 3]
    chosen = rows[reads[int(rng.integers(len(reads)))]]
    written = [row.value for row in rows[: chosen.i // 2] if row.f == "write" and row.value != chosen.value]
    stale = written[int(rng.integers(len(written)))] if written else -1
    spoilt = History()
    for row in rows:
        value = stale if row.i == chosen.i else row.value
        spoilt.append(row.t_us, row.client, Operation(row.op, row.kind, row.f, row.key, value))
    return spoilt


def hostile(clients: int, values: int) -> History:
    """All write before anybody is answered, and one read saw what nobody wrote: every order has to be tried."""
    history = History()
    for op in range(clients - 1):
        history.append(0, f"client{op}", Operation(op, Kind.INVOKE, "write", 0, op % values))
    history.append(0, "reader", Operation(clients, Kind.INVOKE, "read", 0, None))
    for op in range(clients - 1):
        history.append(1, f"client{op}", Operation(op, Kind.OK, "write", 0, op % values))
    history.append(1, "reader", Operation(clients, Kind.OK, "read", 0, -1))
    return history


def appended(operations: int, clients: int, seed: int) -> History:
    """Appends to streams and reads of their ends, all answered with versions."""
    rng = np.random.Generator(np.random.PCG64(seed))
    keys = rng.integers(0, _STREAMS, operations).tolist()
    reads = (rng.random(operations) < _SHARE_READ).tolist()
    latest: list[tuple[int, int | None]] = [(0, None)] * _STREAMS
    answers: dict[int, tuple[int, int | None]] = {}
    history = History()
    load = Load(spec=_NOTHING, operations=operations, clients=clients)
    for at, what, op, client in _moments(load, rng):
        key, name = keys[op], f"client{client}"
        f = "read" if reads[op] else "append"
        if what == _BEGINS:
            history.append(at, name, Operation(op, Kind.INVOKE, f, key, None if reads[op] else op))
        elif what == _HAPPENS:
            if not reads[op]:
                latest[key] = (latest[key][0] + 1, op)
            answers[op] = latest[key]
        else:
            version, value = answers.pop(op)
            history.append(at, name, Operation(op, Kind.OK, f, key, value, version))
    return history


_NOTHING: Final = Specification(name="none", init=lambda initial: None, step=lambda *_: (True, None))


def _asked(load: Load, rng: np.random.Generator) -> list[_Asked]:
    fs = [load.mix[int(n)] for n in rng.integers(0, len(load.mix), load.operations)]
    keys = rng.integers(0, load.keys, load.operations).tolist()
    drawn = rng.integers(0, load.values or 1, (load.operations, 2)).tolist()

    def value(op: int) -> Value:
        if fs[op] == "read":
            return None
        if fs[op] == "cas":
            return tuple(drawn[op])
        return int(drawn[op][0]) if load.values else op + 1

    return [_Asked(fs[op], keys[op], value(op)) for op in range(load.operations)]


def _moments(load: Load, rng: np.random.Generator) -> Iterator[tuple[int, int, int, int]]:
    """When each operation begins, takes effect and ends, in order of time: `(t_us, which, op, client)`."""
    waits = rng.exponential(300, load.operations)
    takes = 100 + rng.exponential(1_000, load.operations)
    shares = rng.random(load.operations)
    clients = np.arange(load.operations) % load.clients
    begins, ends = np.zeros(load.operations), np.zeros(load.operations)
    for client in range(load.clients):
        ends[clients == client] = np.cumsum(waits[clients == client] + takes[clients == client])
    begins = ends - takes
    times = np.concatenate([begins, begins + takes * shares, ends])
    for place in np.argsort(times, kind="stable").tolist():
        which, op = divmod(place, load.operations)
        yield int(times[place]), which, op, op % load.clients
