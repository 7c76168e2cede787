"""What the bank's designs promise, judged by the ledger: each event's fate, each region's balances."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from experiments.measures.fates import Fate, fates
from experiments.measures.observation import Observation, Outcome
from experiments.measures.overdraft import overdrafts
from experiments.properties.rest import unrest
from experiments.scenario.property import Sort, claim
from sim.checkers import Outcome as Verdicts
from sim.checkers import Verdict

__all__ = ["BANK"]

_WITNESSES: Final = 10


def no_acknowledged_loss(seen: Observation) -> Verdict:
    """Every acknowledged command is kept or was reversed with a record."""
    gone = [c for c, fate in fates(seen).items() if fate in (Fate.LOST, Fate.SET_ASIDE, Fate.SUPERSEDED)]
    return _judge(gone, "acknowledged, and neither in the final history nor compensated", _doubt(seen))


def conservation(seen: Observation) -> Verdict:
    """In every region an account holds what it opened with and the effect of every event not taken back."""
    # An event that was overwritten without a record counts as owed: nobody was told.
    owed = ("merged", "superseded")
    wrong: list[int] = []
    forgotten = {account for _, account, _ in seen.ledger.remembered}
    for account, events in seen.ledger.final.items():
        if account in forgotten:
            continue  # what an event moved that nobody keeps cannot be said
        moved = [e for e in events if e.status in owed and e.kind != "denied"]
        due = seen.opening_balance + sum(e.amount if e.kind == "deposited" else -e.amount for e in moved)
        held = {view.get(account, seen.opening_balance) for view in seen.ledger.balances.values()}
        if held != {due}:
            wrong.append(account)
    if forgotten and not wrong:
        return Verdict(Verdicts.UNKNOWN, (), f"of {len(forgotten)} accounts not all events are kept")
    return _judge(wrong, "accounts that do not hold what their events come to", _doubt(seen))


def convergence(seen: Observation) -> Verdict:
    """At the end, long after the last heal, every region is up and sees the same balances."""
    views = list(seen.ledger.balances.values())
    end = seen.ledger.merging
    due = len(seen.scenario.topology.regions) if end is None else len(end.merging.sources)
    if len(views) < due:
        return Verdict(Verdicts.UNKNOWN, (), "a region was down at the end, so its view is not known")
    accounts = sorted(set().union(*views))
    differ = [a for a in accounts if len({view.get(a, seen.opening_balance) for view in views}) > 1]
    return _judge(differ, "accounts whose balance differs between regions", _doubt(seen))


def invariant_restored(seen: Observation) -> Verdict:
    """At the end no account is overdrawn: what a cut let happen was found and compensated."""
    left = overdrafts(seen).open
    if not left:
        return Verdict(Verdicts.VALID, (), "no account is overdrawn")
    reason, doubt = f"{left} accounts still overdrawn at the end", _doubt(seen)
    return Verdict(Verdicts.UNKNOWN, (), f"{reason}, but {doubt}") if doubt else Verdict(Verdicts.INVALID, (), reason)


def settled(seen: Observation) -> Verdict:
    """At the end every event has its final place; nothing is tentative or set aside."""
    # A refusal that was set aside moved nothing, and nobody takes it up again.
    aside = [e for e in seen.ledger.divergent if e.kind != "denied"]
    waiting = [e.command_id for e in (*seen.events(), *aside) if e.status in ("tentative", "divergent")]
    return _judge(waiting, "still without a final place", _doubt(seen))


def one_event_a_command(seen: Observation) -> Verdict:
    """No command has two events in the final history, and no command that was answered has none."""
    counts = Counter(event.command_id for event in seen.events())
    known = counts.keys() | {event.command_id for event in seen.ledger.divergent} | seen.remembered().keys()
    answered = (a.command_id for a in seen.answers if a.outcome in (Outcome.ACCEPTED, Outcome.DENIED))
    twice = sorted(command for command, times in counts.items() if times > 1)
    if twice:  # nothing that comes later takes one of them back
        return _judge(twice, "commands with two events")
    return _judge([c for c in answered if c not in known], "commands answered and without an event", _doubt(seen))


def met_traffic(seen: Observation) -> Verdict:
    """The fault mattered: a message was lost to it, and a command was refused, unanswered or reversed."""
    lost = sum(n for reason, n in seen.network.items() if reason.startswith("dropped"))
    felt = [a.command_id for a in seen.answers if a.outcome in (Outcome.REFUSED, Outcome.UNANSWERED)]
    felt += [c for c, fate in fates(seen).items() if fate is not Fate.KEPT]
    if lost and felt:
        return Verdict(Verdicts.VALID, tuple(felt[:_WITNESSES]), f"{lost} messages lost, {len(felt)} commands felt it")
    return Verdict(Verdicts.INVALID, (), f"{lost} messages lost to faults, {len(felt)} commands felt it")


def _doubt(seen: Observation) -> str:
    """Why what looks wrong at the end may yet come right: a store is down, or the run is not at rest.

    There is no doubt once something was overwritten: no store that comes back and no time mends that.
    """
    if any(event.status == "superseded" for event in seen.events()):
        return ""
    return unrest(seen)


def _judge(bad: Iterable[int], what: str, doubt: str = "") -> Verdict:
    found = tuple(bad)
    if not found:
        return Verdict(Verdicts.VALID, (), f"none {what}")
    reason = f"{len(found)} {what}"
    if doubt:
        return Verdict(Verdicts.UNKNOWN, found[:_WITNESSES], f"{reason}, but {doubt}")
    return Verdict(Verdicts.INVALID, found[:_WITNESSES], reason)


BANK: Final = (
    claim(no_acknowledged_loss, ledger=True),
    # Judged by what every region holds in the end, so its time comes when all is healed.
    claim(conservation, ledger=True, sort=Sort.LIVENESS),
    claim(convergence, ledger=True, sort=Sort.LIVENESS),
    claim(invariant_restored, ledger=True, sort=Sort.LIVENESS),
    claim(settled, ledger=True, sort=Sort.LIVENESS),
    claim(one_event_a_command, ledger=True),
    claim(met_traffic, ledger=True, sort=Sort.EVIDENCE),
)
