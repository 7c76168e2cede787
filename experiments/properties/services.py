"""What a service that is provisioned promises: one actor a slot, nobody forgotten, whole again once faults are over."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from experiments.evidence import Evidence
from experiments.measures.observation import Observation
from experiments.scenario.property import Sort, claim
from models.services_end import SeatEnd, ServicesEnd
from sim.checkers import Outcome, Verdict
from sim.history import Kind

__all__ = ["SERVICES"]

_SERVICES: Final = frozenset({"services"})


def one_actor(seen: Observation) -> Verdict:
    """For no slot do two instances act in turns: epochs never go back, and each is of one instance."""
    end = seen.ledger.services
    if end is None:
        return _absent()
    for slot, acts in end.acts.items():
        latest, owner = 0, -1
        for epoch, instance in acts:
            if epoch < latest or (epoch == latest and instance != owner):
                told = f"slot {slot}: host {instance} acted under epoch {epoch} after host {owner} did under {latest}"
                return Verdict(Outcome.INVALID, (), told)
            latest, owner = epoch, instance
    acted = sum(map(len, end.acts.values()))
    return Verdict(Outcome.VALID, (), f"{acted} acts for {len(end.acts)} slots")


def one_epoch_one_host(seen: Observation) -> Verdict:
    """No epoch of a slot is given to two hosts, and epochs of a slot only grow."""
    end = seen.ledger.services
    if end is None:
        return _absent()
    latest: dict[int, tuple[int, int]] = {}
    for turn in end.turns:
        slot, epoch, host = turn.seat
        before, owner = latest.get(slot, (0, -1))
        if epoch < before or (epoch == before and host != owner):
            told = f"slot {slot} went to host {host} under epoch {epoch} after host {owner} had it under {before}"
            return Verdict(Outcome.INVALID, (), told)
        latest[slot] = (epoch, host)
    return Verdict(Outcome.VALID, (), f"{len(end.turns)} turns")


def nobody_forgotten(seen: Evidence) -> Verdict:
    """No client that was served before is told by a directory that nobody runs."""
    served: set[str] = set()
    forgotten = []
    for row in seen.history:
        if row.kind is Kind.OK:
            served.add(row.client)
        elif row.kind is Kind.FAIL and row.value == "refused:nobody" and row.client in served:
            forgotten.append(row.op)
    told = f"{len(forgotten)} requests failed because a directory listed nobody"
    return Verdict(Outcome.INVALID if forgotten else Outcome.VALID, tuple(forgotten[:10]), told)


def services_converge(seen: Observation) -> Verdict:
    """At the end as many slots as must be are somebody's, whose instance runs; nobody else does; directories agree."""
    end = seen.ledger.services
    if end is None:
        return _absent()
    wrong = _not_whole(end)
    if not wrong:
        return Verdict(Outcome.VALID, (), f"{len(end.live)} instances")
    # A fault that lasts may keep an instance from anything; so may a member of the logs that is not there.
    outcome = Outcome.UNKNOWN if seen.unhealed else Outcome.INVALID
    return Verdict(outcome, (), "; ".join(wrong))


def _not_whole(end: ServicesEnd) -> list[str]:
    live = end.live
    wrong = []
    if len(live) < end.least:
        wrong.append(f"{len(live)} slots are somebody's, of {end.least} at least")
    down = [seat for seat in live if seat not in end.running]
    if down:
        wrong.append(f"their instances do not act: {_shown(down)}")
    strangers = [seat for seat in end.running if seat not in live]
    if strangers:
        wrong.append(f"these act and have no slot: {_shown(strangers)}")
    seats = {(seat.slot, seat.epoch) for seat in live}
    unlisted = [host for host, entries in end.listed.items() if not seats <= set(entries)]
    if unlisted:
        wrong.append(f"directories of hosts {', '.join(map(str, unlisted))} do not list them all")
    return wrong


def _shown(seats: Iterable[SeatEnd]) -> str:
    return ", ".join(f"slot {slot} epoch {epoch} on host {host}" for slot, epoch, host in seats)


def nothing_provisioned(seen: Observation, *, from_us: int = 0, for_us: int = 0) -> Verdict:
    """In a span (to the end, if `for` is 0) no slot changed hands: the control plane was cut off."""
    end = seen.ledger.services
    if end is None:
        return _absent()
    until_us = from_us + for_us if for_us else seen.scenario.until_us
    inside = [turn for turn in end.turns if from_us <= turn.at_us < until_us]
    told = ", ".join(f"slot {turn.seat.slot} at {turn.at_us / 1e6:.1f} s" for turn in inside) or "nothing"
    return Verdict(Outcome.INVALID if inside else Outcome.VALID, (), f"given away or taken back: {told}")


def instance_replaced(seen: Observation, *, after_us: int = 0) -> Verdict:
    """A slot went to another instance, at some time from `after` on."""
    end = seen.ledger.services
    if end is None:
        return _absent()
    later = [turn for turn in end.turns if turn.seat.epoch > 1 and turn.live and turn.at_us >= after_us]
    return Verdict(Outcome.VALID if later else Outcome.INVALID, (), f"{len(later)} slots went to another instance")


def replaced_one_refused(seen: Observation) -> Verdict:
    """An instance that was replaced was still there, found out and gave up: fencing had something to do."""
    end = seen.ledger.services
    if end is None:
        return _absent()
    return Verdict(Outcome.VALID if end.over else Outcome.INVALID, (), f"gave up: {_shown(end.over) or 'none'}")


def scaled_out(seen: Observation) -> Verdict:
    """More instances than must be had a slot at some time."""
    end = seen.ledger.services
    if end is None:
        return _absent()
    most = len({turn.seat.slot for turn in end.turns})
    return Verdict(Outcome.VALID if most > end.least else Outcome.INVALID, (), f"{most} slots were used")


def served_through(seen: Evidence, *, share: float = 0.9, from_us: int = 0, for_us: int = 0) -> Verdict:
    """Of the requests issued in a span (to the end, if `for` is 0), at least `share` were served."""
    until_us = from_us + for_us if for_us else seen.scenario.until_us
    pairs = [pair for pair in seen.history.pairs() if from_us <= pair[0].t_us < until_us]
    unserved = [begun.op for begun, done in pairs if done is None or done.kind is not Kind.OK]
    good = len(unserved) <= (1 - share) * len(pairs)
    told = f"{len(pairs) - len(unserved)} of {len(pairs)} requests served"
    return Verdict(Outcome.VALID if good else Outcome.INVALID, () if good else tuple(unserved[:10]), told)


def _absent() -> Verdict:
    return Verdict(Outcome.UNKNOWN, (), "no service is provisioned; take models.services:service")


SERVICES: Final = (
    claim(one_actor, ledger=True),
    claim(one_epoch_one_host, ledger=True),
    claim(nobody_forgotten, records=_SERVICES),
    claim(services_converge, sort=Sort.LIVENESS, ledger=True),
    claim(nothing_provisioned, ledger=True),
    claim(instance_replaced, sort=Sort.EVIDENCE, ledger=True),
    claim(replaced_one_refused, sort=Sort.EVIDENCE, ledger=True),
    claim(scaled_out, sort=Sort.EVIDENCE, ledger=True),
    claim(served_through),
)
