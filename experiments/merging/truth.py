"""What really happened to each aggregate, whatever each replica believed; for any domain.

Two histories of an aggregate matter. *As it happened*: every accepted event at the instant of its acceptance, wherever
that was, and every compensation at the instant of its first application: money that was paid out, seats that people sit
on. Invariants are judged on it. *As it counts*: the events that are merged in the end, in the final order; whether a
denial was just is judged on that.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from experiments.measures import Answer, Observation, Outcome
from models.demand import command_of
from models.domain import Denied, Domain, Event, State
from models.domains.auction import Lot
from models.domains.bank_account import Account
from models.domains.household import Accounts
from models.domains.inventory import Stock
from models.domains.seats import Hall
from models.domains.username import Owner
from models.ledger import FinalEvent
from models.merging import Compensated, Write
from models.merging.policies import AcceptAndApologise, CanonicalReplay

__all__ = ["Truth", "Violations", "truth_of"]

#: How far a state is from keeping its invariants: cents, articles, or people too many.
_DEPTHS: Final[Mapping[type[State], Callable[[Any], int]]] = MappingProxyType(
    {
        Account: lambda state: -state.balance,
        Accounts: lambda state: -min(state.balances),
        Stock: lambda state: -state.free,
        Hall: lambda state: len(state.taken) - len({seat for seat, _ in state.taken}),
        Owner: lambda state: len(state.persons) - 1,
        Lot: lambda state: len(state.sold) - 1,
    }
)


#: Policies that add events of their own.
_ADDING: Final = (AcceptAndApologise.name, CanonicalReplay.name)


class Violations(NamedTuple):
    """Invariants that did not hold.

    Attributes:
        times: How often an aggregate began to break one.
        depth: The deepest: cents, articles, people too many.
        us: Time that one was broken, summed over aggregates.
        open: Aggregates that still break one at the end.
        by_region: How often by the region that accepted the event which began it.
    """

    times: int
    depth: int
    us: int
    open: int
    by_region: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Truth:
    """A run's truth.

    Attributes:
        domain: What was stored.
        served: By command: True if available, False if not, None if denied without cause.
        violations: Of invariants.
        compensated_us: By command, when its compensation was first applied anywhere.
        accepted_us: By command that led to a success event, when it was first accepted.
    """

    domain: Domain[Any]
    served: Mapping[int, bool | None]
    violations: Violations
    compensated_us: Mapping[int, int]
    accepted_us: Mapping[int, int]


class _Counting(NamedTuple):
    """An aggregate in the final order: state k held from instant `since_us[k]` on."""

    since_us: Sequence[int]
    states: Sequence[State]


def truth_of(seen: Observation, domain: Domain[Any]) -> Truth:
    """Judge a run of one domain."""
    compensated_us = seen.compensated_us()
    repairs = _repairs(seen, domain)
    counting = {key: _counting(events, domain, repairs) for key, events in seen.ledger.final.items()}
    fresh = _Counting([0], [domain.initial()])
    served = {one.command_id: _served(one, counting.get(one.account, fresh), domain) for one in seen.answers}
    first: dict[int, FinalEvent] = {}
    for event in (*seen.ledger.divergent, *seen.events()):
        if event.kind != "denied" and event.event is not None:
            held = first.get(event.command_id)
            if held is None or event.accepted_us < held.accepted_us:
                first[event.command_id] = event
    return Truth(
        domain=domain,
        served=served,
        violations=_violations(first.values(), domain, repairs, _reversing(seen), seen),
        compensated_us=compensated_us,
        accepted_us={command: event.accepted_us for command, event in first.items()},
    )


def _repairs(seen: Observation, domain: Domain[Any]) -> dict[int, Event]:
    """By command, the event that the merge itself added to make good what it led to: the policy, folded once more."""
    merging = seen.ledger.merging
    if merging is None or merging.merging.words not in _ADDING:
        return {}
    policy = merging.merging.policy(domain, merging.merging.sources)
    found: dict[int, Event] = {}
    for events in seen.ledger.final.values():
        held = policy.begin()
        for one in sorted(events, key=lambda one: (one.ordinal, one.origin, one.position)):
            assert one.event is not None
            write = Write(one.ordinal, one.origin, one.position, one.address, one.event, one.command_id, one.seen)
            held, outputs = policy.step(held, write)
            for output in outputs:
                if isinstance(output, Compensated) and output.event is not None:
                    found[output.event_id] = output.event
    return found


def _counting(events: Sequence[FinalEvent], domain: Domain[Any], repairs: Mapping[int, Event]) -> _Counting:
    kept = [one for one in events if one.status == "merged" and one.kind != "denied" and one.event is not None]
    # The final order need not be the order of acceptance; a state holds from the latest instant of what led to it.
    since = list(accumulate((one.accepted_us for one in kept), max, initial=0))
    states = [domain.initial()]
    for one in kept:
        assert one.event is not None
        state = domain.evolve(states[-1], one.event)
        if one.command_id in repairs:
            state = domain.evolve(state, repairs[one.command_id])
        states.append(state)
    return _Counting(since, states)


def _served(answer: Answer, counting: _Counting, domain: Domain[Any]) -> bool | None:
    if answer.outcome is Outcome.ACCEPTED:
        return True
    if answer.outcome is not Outcome.DENIED:
        return False
    assert answer.answered_us is not None
    first = bisect_right(counting.since_us, answer.invoked_us) - 1
    last = bisect_right(counting.since_us, answer.answered_us) - 1
    command = command_of(domain, answer.f, answer.said)
    states = counting.states[max(first, 0) : last + 1]
    return True if any(isinstance(domain.decide(state, command), Denied) for state in states) else None


def _reversing(seen: Observation) -> frozenset[int]:
    """Commands whose compensation took the event back; of others the harm was made good and the event stays."""
    kept = {one.command_id for one in seen.events() if one.status == "merged" and one.kind != "denied"}
    return frozenset(seen.compensated_us()) - kept


class _Step(NamedTuple):
    """Something that happened to an aggregate; `place` breaks ties of one instant by the final order."""

    t_us: int
    place: int
    undoes: bool
    event: FinalEvent


def _violations(
    first: Iterable[FinalEvent],
    domain: Domain[Any],
    repairs: Mapping[int, Event],
    reversing: frozenset[int],
    seen: Observation,
) -> Violations:
    compensated_us = seen.compensated_us()
    steps: dict[int, list[_Step]] = defaultdict(list)
    for place, event in enumerate(first):
        steps[event.account].append(_Step(event.accepted_us, place, False, event))
        paid_us = compensated_us.get(event.command_id)
        if paid_us is not None:
            steps[event.account].append(_Step(max(paid_us, event.accepted_us), place, True, event))
    began: Counter[int] = Counter()
    depth = broken_us = left = 0
    if not domain.invariants:
        return Violations(0, 0, 0, 0, began)
    for own in steps.values():
        since_us = None
        for step, state in _walk(sorted(own), domain, repairs, reversing):
            broken = bool(domain.violated(state))
            if broken:
                depth = max(depth, _DEPTHS[type(state)](state))
            if broken and since_us is None:
                since_us = step.t_us
                began[step.event.region] += 1
            elif not broken and since_us is not None:
                broken_us += step.t_us - since_us
                since_us = None
        if since_us is not None:
            broken_us += seen.scenario.until_us - since_us
            left += 1
    return Violations(began.total(), depth, broken_us, left, began)


def _walk(
    steps: Sequence[_Step], domain: Domain[Any], repairs: Mapping[int, Event], reversing: frozenset[int]
) -> Iterable[tuple[_Step, State]]:
    """Each step with the state after it."""
    state = domain.initial()
    stands: dict[tuple[int, bool], Event] = {}  # by command, and whether it is what was added for it
    for step in steps:
        command = step.event.command_id
        added = repairs.get(command) if step.undoes else step.event.event
        if step.undoes and command in reversing:
            del stands[command, False]
            state = domain.replay(stands.values())
        if added is not None:
            stands[command, step.undoes] = added
            state = domain.evolve(state, added)
        yield step, state
