"""What a system should do when it is asked one thing at a time.

A sequential specification is two pure functions: `init` makes the state before the first
operation, `step` says whether an operation may give its answer in a state, and which state
follows. That is all a user needs to write one of their own; states must be hashable values.

The rest is optional and only saves work, or makes a witness smaller. `reads` tells what
changes nothing. Marks say who depends on whom: an operation is legal only where every mark
that it `wants` was offered by an earlier one or stood in the first state.

Source: the shape is that of Herlihy and Wing, ACM TOPLAS 1990, and of Porcupine (Athalye,
2017); operations are named as Jepsen names them, where it does.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from sim.checkers.budget import DEFAULT_BUDGET, Budget
from sim.checkers.queues import first_in_first_out
from sim.checkers.streams import append_only
from sim.checkers.verdict import Checker, Outcome, Verdict
from sim.history import History, Kind, Value

__all__ = ["SPECIFICATIONS", "UNANSWERED", "Answer", "Marks", "Shape", "Specification", "Stand"]


class _Unanswered(Enum):
    UNANSWERED = "unanswered"


#: The answer of an operation that got none: any would do.
UNANSWERED: Final = _Unanswered.UNANSWERED
Answer: TypeAlias = "Value | _Unanswered"
Marks: TypeAlias = tuple[Hashable, ...]
Step: TypeAlias = Callable[[Any, str, Any, Any, "int | None"], tuple[bool, Hashable]]


class Shape(StrEnum):
    """What a value must look like, in words that complete *expected ...*."""

    ANY = "any value"
    SOMETHING = "a value other than null"
    NUMBER = "a whole number"
    FLAG = "true or false"
    PLACE = "a whole number, or null"
    PAIR = "a pair [old, new]"
    LIST = "a list"

    def fits(self, value: Value) -> bool:
        """Whether a value looks like this."""
        match self:
            case Shape.SOMETHING:
                return value is not None
            case Shape.NUMBER:
                return isinstance(value, int) and not isinstance(value, bool)
            case Shape.FLAG:
                return isinstance(value, bool)
            case Shape.PLACE:
                return value is None or Shape.NUMBER.fits(value)
            case Shape.PAIR:
                return isinstance(value, tuple) and len(value) == 2
            case Shape.LIST:
                return isinstance(value, tuple)
            case _:
                return True


class Stand(StrEnum):
    """How long a mark stands once it is offered."""

    LATEST = "until the next is offered"
    ALL = "for ever, in whatever order they were offered"
    TAKEN = "until it is wanted once"


def _never(f: str, asked: Value, answered: Answer) -> bool:
    return False


def _no_marks(f: str, asked: Value, answered: Answer) -> Marks:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Specification:
    """A sequential specification of one key.

    Attributes:
        name: What people call it.
        init: From the initial value to the first state.
        step: `(state, f, asked, answered, version)` to `(legal, next state)`; the next state of what is not legal is
            not looked at. `answered` is `UNANSWERED` for a pending operation, which is legal if some answer is.
        initial: The value before the first operation; what None stands for is up to `init`.
        initials: What `initial` must look like, unless it is None.
        shapes: By operation, what it is asked and what it answers; empty takes any operation.
        reads: `(f, asked, answered)`: whether the operation changes no state in which it is legal.
        offers: `(f, asked, answered)`: marks that the operation leaves. One that leaves any must be no loss to the
            others if it never happens and nobody wants them.
        wants: `(f, asked, answered)`: marks without which the operation is not legal.
        stand: How long marks stand. `LATEST`: the state is the one that was offered last, at first `initial`, and an
            operation is legal exactly if it wants none or that. `ALL`: what does not read is always legal, and
            commutes with all else that does not. `TAKEN`: all that offer or want a mark can be left out of a legal
            history together. None: nothing is known.
        quick: A checker that tells without a search, for the histories that it tells anything of: what it calls
            unknown is left to the search. Asked only if there is no `initial`.
        grows: `(f, asked)`: whether the operation only adds to the state.
        past: `(state, answered)`: whether what reads can never again give this answer, if the state only grows.
        restrict: `(f, asked, answered, marks)`: the answer of what reads as if these marks had never been; a legal
            history stays legal if those that offer them are left out and all answers are restricted.
    """

    name: str
    init: Callable[[Value], Hashable]
    step: Step
    initial: Value = None
    initials: Shape = Shape.ANY
    shapes: Mapping[str, tuple[Shape, Shape]] = field(default_factory=lambda: MappingProxyType({}))
    reads: Callable[[str, Value, Answer], bool] = _never
    offers: Callable[[str, Value, Answer], Marks] = _no_marks
    wants: Callable[[str, Value, Answer], Marks] = _no_marks
    stand: Stand | None = None
    quick: Checker | None = None
    grows: Callable[[str, Value], bool] | None = None
    past: Callable[[Any, Any], bool] = lambda state, answered: False
    restrict: Callable[[str, Value, Answer, frozenset[Hashable]], Answer] | None = None


def _same(initial: Value) -> Hashable:
    return initial


def _is_read(f: str, asked: Value, answered: Answer) -> bool:
    return f == "read"


def _register_step(state: Value, f: str, asked: Value, answered: Answer, version: int | None) -> tuple[bool, Value]:
    if f == "write":
        return True, asked
    return answered is UNANSWERED or answered == state, state


def _register_offers(f: str, asked: Value, answered: Answer) -> Marks:
    return (asked,) if f == "write" else ()


def _read_wants(f: str, asked: Value, answered: Answer) -> Marks:
    return (answered,) if f == "read" and answered is not UNANSWERED else ()


REGISTER: Final = Specification(
    name="register",
    init=_same,
    step=_register_step,
    shapes=MappingProxyType({"read": (Shape.ANY, Shape.ANY), "write": (Shape.ANY, Shape.ANY)}),
    reads=_is_read,
    offers=_register_offers,
    wants=_read_wants,
    stand=Stand.LATEST,
)


def _cas_step(state: Value, f: str, asked: Any, answered: Answer, version: int | None) -> tuple[bool, Value]:
    if f == "cas":
        return state == asked[0], asked[1]
    if f == "write":
        return True, asked
    return answered is UNANSWERED or answered == state, state


def _cas_offers(f: str, asked: Any, answered: Answer) -> Marks:
    return (asked[1],) if f == "cas" else _register_offers(f, asked, answered)


def _cas_wants(f: str, asked: Any, answered: Answer) -> Marks:
    return (asked[0],) if f == "cas" else _read_wants(f, asked, answered)


CAS_REGISTER: Final = Specification(
    name="cas-register",
    init=_same,
    step=_cas_step,
    shapes=MappingProxyType({**REGISTER.shapes, "cas": (Shape.PAIR, Shape.ANY)}),
    reads=_is_read,
    offers=_cas_offers,
    wants=_cas_wants,
    stand=Stand.LATEST,
)


def _mutex_step(held: bool, f: str, asked: Value, answered: Answer, version: int | None) -> tuple[bool, bool]:
    return (not held, True) if f == "acquire" else (held, False)


MUTEX: Final = Specification(
    name="mutex",
    init=bool,
    initials=Shape.FLAG,
    step=_mutex_step,
    shapes=MappingProxyType({"acquire": (Shape.ANY, Shape.ANY), "release": (Shape.ANY, Shape.ANY)}),
)


def _sum_so_far(initial: Value) -> Hashable:
    return 0 if initial is None else initial


def _counter_step(state: int, f: str, asked: Any, answered: Answer, version: int | None) -> tuple[bool, int]:
    if f == "add":
        return True, state + asked
    return answered is UNANSWERED or answered == state, state


def _adds(f: str, asked: Any) -> bool:
    return f != "add" or asked >= 0


def _exceeds(state: int, answered: Any) -> bool:
    # No sum was ever what is no number.
    return not isinstance(answered, int) or state > answered


COUNTER: Final = Specification(
    name="counter",
    init=_sum_so_far,
    initials=Shape.NUMBER,
    step=_counter_step,
    shapes=MappingProxyType({"add": (Shape.NUMBER, Shape.ANY), "read": (Shape.ANY, Shape.NUMBER)}),
    reads=_is_read,
    stand=Stand.ALL,
    grows=_adds,
    past=_exceeds,
)


def _members(initial: Any) -> frozenset[Value]:
    return frozenset(initial or ())


def _set_step(
    state: frozenset[Value], f: str, asked: Value, answered: Any, version: int | None
) -> tuple[bool, frozenset[Value]]:
    if f == "add":
        return True, state if asked in state else state | {asked}
    # As long as the set and all of it: a list that repeats a member leaves another out.
    if not isinstance(answered, tuple):
        return answered is UNANSWERED, state
    return len(answered) == len(state) and state.issubset(answered), state


def _set_wants(f: str, asked: Value, answered: Any) -> Marks:
    return answered if f == "read" and isinstance(answered, tuple) else ()


def _set_offers(f: str, asked: Value, answered: Answer) -> Marks:
    return (asked,) if f == "add" else ()


def _set_restrict(f: str, asked: Value, answered: Any, marks: frozenset[Hashable]) -> Answer:
    return tuple(value for value in answered if value not in marks) if isinstance(answered, tuple) else answered


SET: Final = Specification(
    name="set",
    init=_members,
    initials=Shape.LIST,
    step=_set_step,
    shapes=MappingProxyType({"add": (Shape.ANY, Shape.ANY), "read": (Shape.ANY, Shape.LIST)}),
    reads=_is_read,
    offers=_set_offers,
    wants=_set_wants,
    stand=Stand.ALL,
    restrict=_set_restrict,
)


def _in_order(initial: Any) -> tuple[Value, ...]:
    return tuple(initial or ())


def _queue_step(
    state: tuple[Value, ...], f: str, asked: Value, answered: Answer, version: int | None
) -> tuple[bool, tuple[Value, ...]]:
    if f == "enqueue":
        return True, (*state, asked)
    if not state:
        return answered is None or answered is UNANSWERED, state
    return answered is UNANSWERED or answered == state[0], state[1:]


def _found_empty(f: str, asked: Value, answered: Answer) -> bool:
    return f == "dequeue" and answered is None


def _queue_offers(f: str, asked: Value, answered: Answer) -> Marks:
    return (asked,) if f == "enqueue" else ()


def _queue_wants(f: str, asked: Value, answered: Answer) -> Marks:
    return (answered,) if f == "dequeue" and answered is not UNANSWERED and answered is not None else ()


QUEUE: Final = Specification(
    name="queue",
    init=_in_order,
    initials=Shape.LIST,
    step=_queue_step,
    shapes=MappingProxyType({"enqueue": (Shape.SOMETHING, Shape.ANY), "dequeue": (Shape.ANY, Shape.ANY)}),
    reads=_found_empty,
    offers=_queue_offers,
    wants=_queue_wants,
    stand=Stand.TAKEN,
    quick=first_in_first_out,
)


def _log_step(
    state: tuple[Value, ...], f: str, asked: Value, answered: Answer, version: int | None
) -> tuple[bool, tuple[Value, ...]]:
    if f == "append":
        return version is None or version == len(state) + 1, (*state, asked)
    return (answered is UNANSWERED or answered == state) and (version is None or version == len(state)), state


def _by_positions(history: History, spec: object = None, budget: Budget = DEFAULT_BUDGET) -> Verdict:
    """The verdict of `append_only`, if all positions are told and all reads are of whole logs."""
    logs = {row.key for row in history if row.f == "append"}
    for row in history:
        if row.kind is Kind.OK:
            if row.key not in logs:
                return Verdict(Outcome.UNKNOWN, (), "a read of what nobody appends to is passed over")
            whole = isinstance(row.value, tuple) and row.version in (None, len(row.value))
            if not (row.version is not None if row.f == "append" else whole):
                return Verdict(Outcome.UNKNOWN, (), "positions are not told")
    return append_only(history, None, budget)


APPEND_LOG: Final = Specification(
    name="append-log",
    init=_in_order,
    initials=Shape.LIST,
    step=_log_step,
    shapes=MappingProxyType({"append": (Shape.ANY, Shape.ANY), "read": (Shape.ANY, Shape.LIST)}),
    reads=_is_read,
    quick=_by_positions,
)

#: Those that are shipped, by name.
SPECIFICATIONS: Final[Mapping[str, Specification]] = MappingProxyType(
    {one.name: one for one in (REGISTER, CAS_REGISTER, MUTEX, COUNTER, SET, QUEUE, APPEND_LOG)}
)
