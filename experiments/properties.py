"""Properties that a scenario file may claim, by name.

Each judges one finished run and answers valid, invalid with a witness (command ids), or
unknown. A scenario lists them as *always* (safety and convergence) or *sometimes* (the fault
met traffic: without it a green run proves nothing).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

from experiments.measures.fates import Fate, fates
from experiments.measures.observation import Observation, Outcome
from experiments.measures.overdraft import overdrafts
from experiments.scenario.property import Property
from sim.checkers import Outcome as Verdicts
from sim.checkers import Verdict

__all__ = ["PROPERTIES"]

_WITNESSES: Final = 10


def no_acknowledged_loss(seen: Observation) -> Verdict:
    """Every acknowledged command is kept or was reversed with a record."""
    gone = [c for c, fate in fates(seen).items() if fate in (Fate.LOST, Fate.SET_ASIDE, Fate.SUPERSEDED)]
    return _judge(gone, "acknowledged, and neither in the final history nor compensated")


def conservation(seen: Observation) -> Verdict:
    """In every region an account holds what it opened with and the effect of every event not taken back."""
    # An event that was overwritten without a record counts as owed: nobody was told.
    owed = ("merged", "superseded")
    wrong: list[int] = []
    for account, events in seen.ledger.final.items():
        moved = [e for e in events if e.status in owed and e.kind != "denied"]
        due = seen.opening_balance + sum(e.amount if e.kind == "deposited" else -e.amount for e in moved)
        held = {view.get(account, seen.opening_balance) for view in seen.ledger.balances.values()}
        if held != {due}:
            wrong.append(account)
    return _judge(wrong, "accounts that do not hold what their events come to")


def convergence(seen: Observation) -> Verdict:
    """At the end, long after the last heal, every region is up and sees the same balances."""
    views = list(seen.ledger.balances.values())
    if len(views) < len(seen.scenario.topology.regions):
        return Verdict(Verdicts.UNKNOWN, (), "a region was down at the end, so its view is not known")
    accounts = sorted(set().union(*views))
    differ = [a for a in accounts if len({view.get(a, seen.opening_balance) for view in views}) > 1]
    return _judge(differ, "accounts whose balance differs between regions")


def invariant_restored(seen: Observation) -> Verdict:
    """At the end no account is overdrawn: what a cut let happen was found and compensated."""
    left = overdrafts(seen).open
    reason = f"{left} accounts still overdrawn at the end" if left else "no account is overdrawn"
    return Verdict(Verdicts.INVALID if left else Verdicts.VALID, (), reason)


def settled(seen: Observation) -> Verdict:
    """At the end every event has its final place; nothing is tentative or set aside."""
    waiting = [e.command_id for e in (*seen.events(), *seen.ledger.divergent) if e.status in ("tentative", "divergent")]
    return _judge(waiting, "still without a final place")


def one_event_a_command(seen: Observation) -> Verdict:
    """No command has two events in the final history, and no answered one has none."""
    events = [event.command_id for event in seen.events()]
    twice = sorted({c for c in events if events.count(c) > 1}) if len(set(events)) < len(events) else []
    return _judge(twice, "commands with more than one event")


def met_traffic(seen: Observation) -> Verdict:
    """The fault mattered: a message was lost to it, and a command was refused, unanswered or reversed."""
    lost = sum(n for reason, n in seen.network.items() if reason.startswith("dropped"))
    felt = [a.command_id for a in seen.answers if a.outcome in (Outcome.REFUSED, Outcome.UNANSWERED)]
    felt += [c for c, fate in fates(seen).items() if fate is not Fate.KEPT]
    if lost and felt:
        return Verdict(Verdicts.VALID, tuple(felt[:_WITNESSES]), f"{lost} messages lost, {len(felt)} commands felt it")
    return Verdict(Verdicts.INVALID, (), f"{lost} messages lost to faults, {len(felt)} commands felt it")


def fault_fired(seen: Observation) -> Verdict:
    """Every fault of the schedule began, and messages, flushes or whatever it strikes ran into it."""
    met = {encounter.fault.id: encounter.met for encounter in seen.encounters}
    told = ", ".join(f"{fault.id}: {met.get(fault.id, 'never')}" for fault in seen.scenario.faults)
    good = all(met.get(fault.id, 0) for fault in seen.scenario.faults)
    return Verdict(Verdicts.VALID if good else Verdicts.INVALID, (), f"times met: {told}")


def _judge(bad: Iterable[int], what: str) -> Verdict:
    found = tuple(bad)
    if not found:
        return Verdict(Verdicts.VALID, (), f"none {what}")
    return Verdict(Verdicts.INVALID, found[:_WITNESSES], f"{len(found)} {what}")


def _table(*judges: Callable[[Observation], Verdict]) -> Mapping[str, Property[Observation]]:
    return MappingProxyType(
        {j.__name__: Property(name=j.__name__, doc=(j.__doc__ or "").splitlines()[0], holds=j) for j in judges}
    )


PROPERTIES: Final = _table(
    no_acknowledged_loss,
    conservation,
    convergence,
    invariant_restored,
    settled,
    one_event_a_command,
    met_traffic,
    fault_fired,
)
