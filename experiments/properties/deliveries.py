"""What leaves a store: effects on a world outside, messages of an outbox, and money on its way between two purses.

Each is judged by those who know the truth: the book of whoever is outside, what consumers took, what is in the purses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from experiments.measures.observation import Observation
from experiments.properties.rest import unrest
from experiments.scenario.property import Sort, claim
from models.delivery_ends import EffectFate, Error
from models.domains.transfer import Step, Transfer
from models.effects.domain import Effect, Stage
from models.effects.performing import tenure_in
from models.ledger import FinalEvent
from models.mixes import DOMAIN_SHIFT
from models.outbox.orders import Orders
from models.processes.purse import Purse
from sim.checkers import Outcome, Verdict

__all__ = ["DELIVERIES", "effect_fates"]

_WITNESSES: Final = 10
#: Events of a transfer whose money was taken, could not be given, and went back.
_COMPENSATED: Final = 4


# -- effects ---------------------------------------------------------------------------------


def effects_at_most_once(seen: Observation) -> Verdict:
    """No effect is done twice, unless that is what its ordering, policy and receiver come to; none unasked for."""
    end = seen.ledger.outside
    if end is None or end.book is None:
        return _unknown("the world outside")
    strangers = end.strangers(_requested(seen))
    if strangers and not seen.ledger.missing:
        return _verdict(strangers, "effects that nobody requested", seen)
    may = Error.DUPLICATE in end.promise.may
    twice = [fate.key for fate in effect_fates(seen) if fate.done > 1 and not may]
    return _verdict(_ops(seen, twice), "effects done more than once")


def effects_at_least_once(seen: Observation) -> Verdict:
    """Every effect that was requested is done in the end, unless its promise lets it be omitted or left."""
    return _errors(seen, (Error.OMISSION, Error.LEFT), "effects that were never done")


def effects_known(seen: Observation) -> Verdict:
    """Every effect that was done is known to the store as done, unless its promise lets it be an orphan."""
    return _errors(seen, (Error.ORPHAN,), "effects that were done and are not known to be")


def every_intent_ends(seen: Observation) -> Verdict:
    """Every effect that was requested ends: done, or left with a record."""
    if seen.ledger.outside is None or seen.ledger.outside.book is None:
        return _unknown("the world outside")
    over = (Stage.DONE, Stage.LEFT)
    still = [fate.key for fate in effect_fates(seen) if fate.stage not in over]
    return _verdict(_ops(seen, still), "effects that have not ended", seen)


def tenure_changed(seen: Observation) -> Verdict:
    """An effect was asked for under a later tenure than the first."""
    book = seen.ledger.outside.book if seen.ledger.outside is not None else None
    later = sum(tenure_in(deed.token) > 1 for deed in book or ())
    return Verdict(Outcome.VALID if later else Outcome.INVALID, (), f"{later} under a later tenure")


def manager_changed(seen: Observation) -> Verdict:
    """Another took a process manager's or a relay's place."""
    later = [tenure for _, _, tenure in seen.noted["tenure"] if tenure > 1]
    return Verdict(Outcome.VALID if later else Outcome.INVALID, (), f"{len(later)} tenures after the first")


def old_owner_outdone(seen: Observation) -> Verdict:
    """Who had been taken for dead went on, and then heard that another had its place."""
    count = len(seen.noted["outdone"])
    return Verdict(Outcome.VALID if count else Outcome.INVALID, (), f"{count} times")


def settled_by_asking(seen: Observation) -> Verdict:
    """An effect that nobody answered for was told of as done when the receiver was asked what became of it."""
    return _settled(seen, seen.noted["told-done"], "told of as done when asked")


def settled_by_fence(seen: Observation) -> Verdict:
    """An effect that the receiver said it had not done, and fenced, was asked for again and done."""
    return _settled(seen, seen.noted["again-fenced"], "done after a fenced no")


def settled_by_key(seen: Observation) -> Verdict:
    """An effect was asked for again under its key, without knowing whether it was done, and done."""
    return _settled(seen, seen.noted["again-keyed"], "done after it was asked for again under its key")


def parked(seen: Observation) -> Verdict:
    """An effect that no rung settled was left in doubt, with a record that says so, for a merge to settle."""
    left = [fate.key for fate in effect_fates(seen) if fate.stage == Stage.LEFT]
    return Verdict(Outcome.VALID if left else Outcome.INVALID, (), f"{len(left)} parked")


def _settled(seen: Observation, noted: tuple[tuple[int, str, int], ...], what: str) -> Verdict:
    done = {fate.key for fate in effect_fates(seen) if fate.stage == Stage.DONE}
    found = done & {key for _, _, key in noted}
    return Verdict(Outcome.VALID if found else Outcome.INVALID, (), f"{len(found)} {what}")


def effect_fates(seen: Observation) -> list[EffectFate]:
    """The fate of every effect that was requested; none where the book is not known."""
    end = seen.ledger.outside
    return [] if end is None or end.book is None else end.fates(_requested(seen))


def _requested(seen: Observation) -> list[tuple[int, str, int]]:
    return [
        (key, str(events[-1].told).partition(" ")[0], events[0].accepted_us)
        for key, events in _of(seen, Effect.number)
        if events[-1].told is not None
    ]


def _errors(seen: Observation, errors: tuple[Error, ...], what: str) -> Verdict:
    """Whether errors occur that are not promised."""
    end = seen.ledger.outside
    if end is None or end.book is None:
        return _unknown("the world outside")
    wrong = set(errors) - end.promise.may
    bad = [fate.key for fate in effect_fates(seen) if wrong.intersection(fate.errors())]
    return _verdict(_ops(seen, bad), what, seen)


# -- outboxes --------------------------------------------------------------------------------


def outbox_in_order(seen: Observation) -> Verdict:
    """Every consumer takes the messages of a key in the order in which they were written, each once."""
    if seen.ledger.outbox is None:
        return _unknown("the outbox")
    bad: dict[int, str] = {}
    for topic, received in seen.ledger.outbox.received.items():
        last: dict[int, int] = {}
        for key, number in received or ():
            if number <= last.get(key, 0):
                bad.setdefault(key, f"{topic} took {number} after {last[key]}")
            last[key] = max(number, last.get(key, 0))
    told = next(iter(bad.values()), "")
    return _verdict(_ops(seen, bad), f"keys whose messages came out of order or twice: {told}")


def outbox_delivers_all(seen: Observation) -> Verdict:
    """Every message that was written is taken by the consumer of its topic in the end, and no other is."""
    end = seen.ledger.outbox
    if end is None or None in end.received.values():
        return _unknown("a consumer")
    taken = {topic: set(received or ()) for topic, received in end.received.items()}
    topics = Orders.TOPICS
    bad = []
    for key, events in _of(seen, Orders.number):
        written = int(events[-1].told or 0)
        for place, topic in enumerate(topics):
            wanted = {number for number in range(1, written + 1) if (number - 1) % len(topics) == place}
            if wanted != {number for of, number in taken[topic] if of == key}:
                bad.append(key)
    return _verdict(_ops(seen, bad), "keys of which messages are missing, or were never written", seen)


def outbox_pruned(seen: Observation) -> Verdict:
    """A log has let go of entries whose messages were delivered."""
    pruned = seen.ledger.outbox.pruned if seen.ledger.outbox is not None else 0
    return Verdict(Outcome.VALID if pruned else Outcome.INVALID, (), f"{pruned} entries pruned")


# -- processes -------------------------------------------------------------------------------


def processes_end(seen: Observation) -> Verdict:
    """Every transfer that was ordered is done in the end, or abandoned with the money back."""
    return _verdict(_ops(seen, _under_way(seen)), "transfers that have not ended", seen)


def money_conserved(seen: Observation) -> Verdict:
    """Once all transfers have ended, the purses together hold what they held at the beginning."""
    if seen.ledger.missing:
        return Verdict(Outcome.UNKNOWN, (), f"{seen.ledger.missing} stores were down at the end")
    open_ = _under_way(seen)
    if open_:
        return Verdict(Outcome.UNKNOWN, (), f"{len(open_)} transfers have not ended, so money is on its way")
    held = [events[-1].told for _, events in _of(seen, Purse.number)]
    gain = sum(int(balance or 0) for balance in held) - seen.opening_balance * len(held)
    if not gain:
        return Verdict(Outcome.VALID, (), f"{len(held)} purses hold what they began with")
    moved = [events[0].account for _, events in _of(seen, Transfer.number)]
    what = f"{abs(gain)} {'came from nowhere' if gain > 0 else 'are gone'}, of {len(moved)} transfers"
    return Verdict(Outcome.INVALID, _ops(seen, moved)[:_WITNESSES], what)


def transfer_compensated(seen: Observation) -> Verdict:
    """Money was taken, could not be given, and went back."""
    back = [
        key
        for key, events in _of(seen, Transfer.number)
        if events[-1].told == Step.ABANDONED and sum(event.kind != "denied" for event in events) == _COMPENSATED
    ]
    return Verdict(Outcome.VALID if back else Outcome.INVALID, (), f"{len(back)} transfers compensated")


def _under_way(seen: Observation) -> list[int]:
    over = (Step.DONE, Step.ABANDONED, Step.NEW)
    return [key for key, events in _of(seen, Transfer.number) if events[-1].told not in over]


# -- all -------------------------------------------------------------------------------------


def _of(seen: Observation, number: int) -> Iterator[tuple[int, tuple[FinalEvent, ...]]]:
    """The aggregates of a domain, with their events."""
    for key, events in sorted(seen.ledger.final.items()):
        if key >> DOMAIN_SHIFT == number and events:
            yield key, events


def _ops(seen: Observation, keys: Iterable[int]) -> tuple[int, ...]:
    """The clients' operations on some aggregates, in order."""
    wanted = frozenset(keys)
    return tuple(answer.command_id for answer in seen.answers if answer.account in wanted) or tuple(sorted(wanted))


def _unknown(what: str) -> Verdict:
    return Verdict(Outcome.UNKNOWN, (), f"there is none, or its host was down at the end: {what}")


def _verdict(bad: Iterable[int], what: str, seen: Observation | None = None) -> Verdict:
    """Invalid if there is anything bad; unknown where a run that was not at rest may yet have come right."""
    found = tuple(bad)
    if not found:
        return Verdict(Outcome.VALID, (), f"no {what}".partition(":")[0])
    reason = f"{len(found)} {what}"
    doubt = "" if seen is None else unrest(seen)
    if doubt:
        return Verdict(Outcome.UNKNOWN, found[:_WITNESSES], f"{reason}, but {doubt}")
    return Verdict(Outcome.INVALID, found[:_WITNESSES], reason)


DELIVERIES: Final = (
    claim(effects_at_most_once, ledger=True),
    claim(effects_at_least_once, ledger=True, sort=Sort.LIVENESS),
    claim(effects_known, ledger=True, sort=Sort.LIVENESS),
    claim(every_intent_ends, ledger=True, sort=Sort.LIVENESS),
    claim(tenure_changed, ledger=True, sort=Sort.EVIDENCE),
    claim(settled_by_asking, ledger=True, sort=Sort.EVIDENCE),
    claim(settled_by_fence, ledger=True, sort=Sort.EVIDENCE),
    claim(settled_by_key, ledger=True, sort=Sort.EVIDENCE),
    claim(parked, ledger=True, sort=Sort.EVIDENCE),
    claim(manager_changed, ledger=True, sort=Sort.EVIDENCE),
    claim(old_owner_outdone, ledger=True, sort=Sort.EVIDENCE),
    claim(outbox_in_order, ledger=True),
    claim(outbox_delivers_all, ledger=True, sort=Sort.LIVENESS),
    claim(outbox_pruned, ledger=True, sort=Sort.EVIDENCE),
    claim(processes_end, ledger=True, sort=Sort.LIVENESS),
    claim(money_conserved, ledger=True, sort=Sort.LIVENESS),
    claim(transfer_compensated, ledger=True, sort=Sort.EVIDENCE),
)
