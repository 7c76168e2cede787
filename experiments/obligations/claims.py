"""Each obligation of a merge policy, as a function from what was written to what is wrong; "" where it holds.

Nothing is taken from the merge's own account of itself where it can be had otherwise: what a view holds is read by a
witness that is folded in the policy's place, and what fates come to is folded anew from the writes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from experiments.obligations.causes import unordered, views
from experiments.obligations.merges import Merge, arriving, in_order
from experiments.obligations.writing import Case, Draws, Written
from models.addressing import content_hash
from models.domain import Denied, Event, State
from models.merging.fold import MergeFold
from models.merging.policy import Obligation, OwnReading
from models.merging.writes import Compensated, Merged, Opened, Output, Resolved, Superseded, Write, precedes
from sim.wording import counted

__all__ = ["OBLIGATIONS", "Claim", "Trial"]

#: Orders of arrival that each claim tries beside the canonical one.
_ARRIVALS: Final = 3


class Trial:
    """What all claims of one history are made about.

    Args:
        case: A policy and its domain.
        written: The history.
        draws: In which other orders it arrives, roughly handled.

    Attributes:
        told: The merge in canonical order.
        met: By name, how often something happened that a claim could have stumbled over.
    """

    def __init__(self, case: Case, written: Written, draws: Draws) -> None:
        self.case = case
        self.written = written
        self._draws = draws
        self._cuts: dict[tuple[State, ...], None] = {}
        self._rough: tuple[Merge, ...] | None = None
        self.told = in_order(case, written, self._look)
        self.met: Counter[str] = Counter(restarts=written.restarts, refused=written.refused)
        self.met["denied"] = sum(write.event.__class__ is Denied for write in written.writes())
        self.met["compensated"] = sum(isinstance(one, Compensated) for one in self.told.outputs)
        self.met["opened"] = sum(isinstance(one, Opened) for one in self.told.outputs)

    def rough(self) -> tuple[Merge, ...]:
        """The same in some other orders, with redelivery and restarts; made once for all claims."""
        if self._rough is None:
            self._rough = tuple(
                arriving(self.case, self.written, self._draws, self.met, rough=True, look=self._look)
                for _ in range(_ARRIVALS)
            )
        return self._rough

    def cuts(self) -> Iterable[tuple[State, ...]]:
        """The state of each aggregate at every stable cut of all these, once each."""
        self.rough()
        return tuple(self._cuts)

    def _look(self, fold: MergeFold) -> None:
        self._cuts[tuple(fold.stable(number) for number in self.case.instances)] = None


Claim = Callable[[Trial, Draws], str]


def _differs(case: Case, first: Merge, second: Merge) -> str:
    for number in case.instances:
        if first.states[number] != second.states[number]:
            return f"aggregate {number} is {first.states[number]} in one place and {second.states[number]} in another"
    ours, theirs = first.outputs, second.outputs
    if ours != theirs:
        pairs = zip(ours, theirs, strict=False)
        one, other = next(((a, b) for a, b in pairs if a != b), (counted(len(ours), "output"), f"{len(theirs)}"))
        return f"{one} came out in one place, {other} in another"
    return ""


def _deterministic(trial: Trial, draws: Draws) -> str:
    case, written = trial.case, trial.written
    for source in case.sources:
        own = Merge(written.stable[source], tuple(written.records[source]))
        if wrong := _differs(case, trial.told, own):
            return f"as {source} heard it {wrong}"
    for _ in range(_ARRIVALS):
        merge = arriving(case, written, draws, trial.met, rough=False)
        if wrong := _differs(case, trial.told, merge):
            return f"in another order of arrival {wrong}"
    return ""


def _idempotent(trial: Trial, draws: Draws) -> str:
    for merge in trial.rough():
        if wrong := _differs(trial.case, trial.told, merge):
            return f"with redelivery and restarts {wrong}"
    return ""


def _replays(trial: Trial, draws: Draws) -> str:
    again = in_order(trial.case, trial.written)
    if content_hash(trial.told.outputs) != content_hash(again.outputs):
        return "merged once more, other bytes come out"
    return "" if trial.told.records == again.records else "merged once more, something else is held"


def _converges(trial: Trial, draws: Draws) -> str:
    told = trial.told.states
    for views_of in (trial.written.shown, trial.written.stable):
        for source, states in views_of.items():
            for number, state in states.items():
                if state != told[number]:
                    return (
                        f"having heard everything, {source} shows aggregate {number} as {state}, and the merge is "
                        f"{told[number]}"
                    )
    return ""


def _causal(trial: Trial, draws: Draws) -> str:
    """The canonical order puts no answer before its question, and no view shows one without the other."""
    if wrong := unordered(trial.written.writes()):
        return wrong
    return next((told for _ in range(_ARRIVALS) if (told := views(trial.case, trial.written, draws, trial.met))), "")


def _invariant(trial: Trial, draws: Draws) -> str:
    case = trial.case
    for states in trial.cuts():
        for number, state in zip(case.instances, states, strict=True):
            if broken := case.domain.violated(state):
                return f"at a stable cut aggregate {number} is {state}, which breaks {broken[0]}"
    return ""


def _compensates_once(trial: Trial, draws: Draws) -> str:
    """One for a key and one for a write, the same everywhere and after any restart, and of writes alone.

    So it ends: there are no more than there are writes, since none is owed for what a merge put out.
    """
    case, written = trial.case, trial.written
    told = _owed(trial.told)
    for name in ("key", "address"):
        often = Counter(getattr(one, name) for one in told).most_common(1)
        if often and often[0][1] > 1:
            return f"{often[0][1]} compensations have one {name}"
    known = {write.address for log in written.logs.values() for write in log}
    if stray := [one for one in told if one.address not in known]:
        return f"{stray[0]} compensates nothing that was written"
    others = [(f"{source}", Merge({}, tuple(written.records[source]))) for source in case.sources]
    others += [("a merge that restarts", merge) for merge in trial.rough()]
    for name, merge in others:
        if _owed(merge) != told:
            return f"{name} compensates {len(_owed(merge))} times or for others, and the merge {len(told)} times"
    return ""


def _owed(merge: Merge) -> list[Compensated]:
    return [output for output in merge.outputs if isinstance(output, Compensated)]


def _conserved(trial: Trial, draws: Draws) -> str:
    """Every write has a fate, who was told yes in vain is owed or was overruled, and the state is what fates say."""
    for merge in (trial.told, *trial.rough()):
        if wrong := _lost(trial, merge):
            return wrong
    return ""


def _lost(trial: Trial, merge: Merge) -> str:
    case = trial.case
    fates, opened = _fates(merge.outputs), _opened(merge.outputs)
    made = {one.address: one.event for one in _owed(merge)}
    writes = trial.written.writes()
    by_address = {write.address: write for write in writes}
    for write in writes:
        if wrong := _unfair(write, fates.get(write.address), by_address, made.keys(), opened):
            return wrong
    for number in case.instances:
        counting = [write for write in writes if write.instance == number]
        state = _comes_to(case, counting, fates, made)
        if state != merge.states[number]:
            return f"what is said to be merged comes to {state}, and aggregate {number} is {merge.states[number]}"
    return ""


def _unfair(
    write: Write,
    fate: Output | None,
    writes: Mapping[int, Write],
    owed: Iterable[int],
    opened: Mapping[int, frozenset[int]],
) -> str:
    """What is wrong with the last word on a write."""
    who = f"{write.event} by {write.origin}"
    if fate is None:
        return f"nothing was ever said of {who}"
    if isinstance(fate, Opened) and write.address not in frozenset().union(*opened.values()):
        return f"{who} was left open, and its conflict is over"
    if not isinstance(fate, Superseded) or write.event.__class__ is Denied:
        return ""
    if not fate.reason:
        return f"{who} was superseded without a reason"
    overruled = fate.by in writes and precedes(write, writes[fate.by])
    return "" if overruled or write.address in owed else f"{who} was told yes, does not count, and is owed nothing"


def _comes_to(
    case: Case, writes: Sequence[Write], fates: Mapping[int, Output], made: Mapping[int, Event | None]
) -> State:
    policy = case.policy
    merged = {write.address for write in writes if isinstance(fates.get(write.address), Merged)}
    if isinstance(policy, OwnReading):
        return policy.comes_to(writes, merged)
    state: State = case.domain.initial()
    for write in writes:
        for event in (write.event if write.address in merged else None, made.get(write.address)):
            if event is not None:
                state = case.domain.evolve(state, event)
    return state


def _opened(outputs: Sequence[Output]) -> dict[int, frozenset[int]]:
    """By key, the addresses of each conflict that is not over."""
    found: dict[int, frozenset[int]] = {}
    for output in outputs:
        if isinstance(output, Opened):
            found[output.key] = frozenset(output.addresses)
        elif isinstance(output, Resolved):
            found.pop(output.key, None)
    return found


def _fates(outputs: Sequence[Output]) -> dict[int, Output]:
    """By address, the last word on it; of two that are open the one that was merged shows, and the other waits."""
    fates: dict[int, Output] = {}
    for output in outputs:
        if isinstance(output, Merged | Superseded):
            fates[output.address] = output
        elif isinstance(output, Opened):
            for address in output.addresses:
                if not isinstance(fates.get(address), Merged):
                    fates[address] = output
    return fates


def _commutes(trial: Trial, draws: Draws) -> str:
    case = trial.case
    for number in case.instances:
        writes = [write for write in trial.written.writes() if write.instance == number]
        told = _folded(case, writes)
        for place in range(len(writes) - 1):
            first, second = writes[place : place + 2]
            if precedes(first, second):
                continue
            trial.met["concurrent"] += 1
            swapped = [*writes[:place], second, first, *writes[place + 2 :]]
            if _folded(case, swapped) != told:
                return f"{first.event} by {first.origin} and {second.event} by {second.origin} do not change places"
        for _ in range(_ARRIVALS):
            if _folded(case, _some_order(writes, draws)) != told:
                return f"in another order that respects causality aggregate {number} is not {told}"
    return ""


def _some_order(writes: Sequence[Write], draws: Draws) -> list[Write]:
    """The writes in some order in which none comes before one that its writer had seen."""
    left: dict[int, list[Write]] = {}
    for write in reversed(writes):
        left.setdefault(write.origin, []).append(write)
    order: list[Write] = []
    while left:
        heads = [queue[-1] for queue in left.values()]
        free = [one for one in heads if not any(precedes(other, one) for other in heads if other is not one)]
        chosen = free[draws.below(len(free))]
        order.append(left[chosen.origin].pop())
        if not left[chosen.origin]:
            del left[chosen.origin]
    return order


def _folded(case: Case, writes: Sequence[Write]) -> State:
    held = case.policy.begin()
    for write in writes:
        held = case.policy.step(held, write).held
    return case.policy.state(held)


#: How each is checked.
OBLIGATIONS: Final[Mapping[Obligation, Claim]] = MappingProxyType(
    {
        Obligation.DETERMINISTIC: _deterministic,
        Obligation.IDEMPOTENT: _idempotent,
        Obligation.COMMUTES: _commutes,
        Obligation.INVARIANT: _invariant,
        Obligation.COMPENSATES_ONCE: _compensates_once,
        Obligation.CONSERVED: _conserved,
        Obligation.CONVERGES: _converges,
        Obligation.CAUSAL: _causal,
        Obligation.REPLAYS: _replays,
    }
)
