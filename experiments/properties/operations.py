"""What operators did came about, and what it cost no more than it may."""

from __future__ import annotations

from typing import Final

from experiments.evidence import Evidence
from experiments.measures.observation import Observation, Outcome
from experiments.measures.strikes import strikes
from experiments.scenario.property import Sort, claim
from sim.checkers import Outcome as Verdicts
from sim.checkers import Verdict
from sim.history import Kind

__all__ = ["OPERATIONS"]

_WITNESSES: Final = 10
#: Whoever led before a restore acknowledges no longer than this after it was asked for.
_HEARD_US: Final = 2_000_000


def operations_done(seen: Evidence) -> Verdict:
    """Every operation of the scenario was carried out to its end."""
    last = {text.partition(" ")[0]: text.partition(" ")[2] for _, text in seen.operations}
    told = ", ".join(f"{one.id}: {last.get(one.id, 'never begun')}" for one in seen.scenario.operations)
    good = bool(seen.scenario.operations) and all(last.get(one.id) == "done" for one in seen.scenario.operations)
    return Verdict(Verdicts.VALID if good else Verdicts.INVALID, (), told or "the scenario has no operation")


def voters_are(seen: Observation, *, hosts: str) -> Verdict:
    """In the end whoever leads a shard, and a majority of these hosts, know these for its voters and no others."""
    topology = seen.scenario.topology
    try:
        wanted = {topology.host(path.strip()).index for path in hosts.split(",")}
    except ValueError as refused:
        return Verdict(Verdicts.UNKNOWN, (), f"{hosts=}: {refused}")
    wrong, leaderless = [], []
    for end in seen.ledger.ends:
        hosts_of = {member.number: member.host for member in end.members}
        known = {one.host: {hosts_of[number] for number in one.voters} for one in end.members if one.up}
        leaders = [one for one in end.members if one.leads]
        if not leaders:
            leaderless.append(end.shard)
            continue
        leader = max(leaders, key=lambda one: one.epoch)
        agreed = [host for host in wanted if known.get(host) == wanted]
        if known[leader.host] != wanted or 2 * len(agreed) <= len(wanted):
            told = ", ".join(topology.hosts[host].path for host in sorted(known[leader.host]))
            wrong.append(
                f"shard {end.shard}: its leader says {told}, and {len(agreed)} of {len(wanted)} agree on {hosts}"
            )
    told = "; ".join([*wrong, *(f"nobody leads shard {shard}" for shard in leaderless)])
    if not seen.ledger.ends:
        return Verdict(Verdicts.UNKNOWN, (), "there is no shard")
    return Verdict(Verdicts.INVALID if told else Verdicts.VALID, (), told or f"{hosts} vote")


def answered(seen: Evidence, *, share: float, from_us: int = 0, for_us: int = 0) -> Verdict:
    """Of the commands issued in a span (to the end, if `for` is 0), at least `share` were answered yes or no."""
    until_us = from_us + for_us if for_us else seen.scenario.until_us
    pairs = [pair for pair in seen.history.pairs() if from_us <= pair[0].t_us < until_us]
    vain = [asked.op for asked, done in pairs if done is None or not _is_answer(done.kind, done.value)]
    told = f"{len(pairs) - len(vain)} of {len(pairs)} commands answered"
    if not pairs:
        return Verdict(Verdicts.UNKNOWN, (), "no command was issued")
    good = len(pairs) - len(vain) >= share * len(pairs)
    return Verdict(Verdicts.VALID if good else Verdicts.INVALID, () if good else tuple(vain[:_WITNESSES]), told)


def fenced_is_silent(seen: Evidence, *, fence: str, then: str) -> Verdict:
    """From the end of the operation `fence` to the beginning of `then` nothing that is asked is accepted."""
    begins_us = next((t_us for t_us, text in seen.operations if text == f"{fence} done"), None)
    if begins_us is None:
        return Verdict(Verdicts.UNKNOWN, (), f"{fence} was not done")
    ends_us = next((t_us for t_us, text in seen.operations if text == f"{then} begun"), seen.scenario.until_us)
    inside = [
        (asked.op, done is not None and done.kind is Kind.OK and done.t_us < ends_us)
        for asked, done in seen.history.pairs()
        if begins_us <= asked.t_us < ends_us
    ]
    accepted = tuple(op for op, yes in inside if yes)
    told = f"{len(accepted)} of {len(inside)} commands asked while fenced were accepted"
    return Verdict(Verdicts.INVALID if accepted else Verdicts.VALID, accepted[:_WITNESSES], told)


def loses_since_backup(seen: Observation) -> Verdict:
    """Something acknowledged is gone, all of it from after the backup that was restored."""
    gone = _gone(seen)
    found = lost_since_backup(seen)
    good = bool(gone) and found.outcome is Verdicts.VALID
    return Verdict(Verdicts.VALID if good else Verdicts.INVALID, tuple(sorted(gone)[:_WITNESSES]), found.reason)


def lost_since_backup(seen: Observation) -> Verdict:
    """What is acknowledged and gone was acknowledged after the restored backup was asked for, and before it was back.

    That bounds the loss by the backup's age. What a scheme lets be lost of all but that (so many copies struck, and
    no restore since) is not judged here.
    """
    restored = seen.noted["restored"]
    gone = _gone(seen)
    asked_us = min((value for _, _, value in restored), default=0)
    since_us = max((t_us for t_us, _, _ in restored), default=0)
    wrong = tuple(sorted(op for op, (asked, told) in gone.items() if told < asked_us or asked > since_us + _HEARD_US))
    if not restored:
        wrong, told = tuple(sorted(gone)), f"{len(gone)} gone, and nothing was restored"
    else:
        age_s = (since_us - asked_us) / 1_000_000
        told = f"{len(gone)} gone since a backup {age_s:.1f} s old, {len(wrong)} of them without that excuse"
    if wrong and _struck_since(seen, since_us):
        return Verdict(Verdicts.UNKNOWN, wrong[:_WITNESSES], f"{told}; but so many copies were struck since")
    return Verdict(Verdicts.INVALID if wrong else Verdicts.VALID, wrong[:_WITNESSES], told)


def _struck_since(seen: Observation, since_us: int) -> bool:
    """Whether as many copies as some scheme asks for were struck since: that is the scheme's own limit."""
    for end in seen.ledger.ends:
        hosts = {member.host for member in end.members}
        struck = {
            strike.host
            for strike in strikes(seen)
            if strike.host in hosts and strike.takes >= end.scheme.tier and strike.last_us >= since_us
        }
        if len(struck) >= end.scheme.holders:
            return True
    return False


def _gone(seen: Observation) -> dict[int, tuple[int, int]]:
    """Acknowledged commands without an event, with when they were asked and answered.

    Where nobody leads in the end, what some copy holds is withheld, and not gone.
    """
    here = {event.command_id for event in seen.events()} | {event.command_id for event in seen.ledger.divergent}
    for end in seen.ledger.ends:
        if not any(member.leads for member in end.members):
            here.update(*(member.holds for member in end.members))
    return {
        answer.command_id: (answer.invoked_us, answer.answered_us)
        for answer in seen.answers
        if answer.answered_us is not None
        and answer.outcome in (Outcome.ACCEPTED, Outcome.DENIED)
        and answer.command_id not in here
    }


def _is_answer(kind: Kind, value: object) -> bool:
    return kind is Kind.OK or (kind is Kind.FAIL and str(value).startswith("denied:"))


OPERATIONS: Final = (
    claim(operations_done, sort=Sort.EVIDENCE),
    claim(voters_are, sort=Sort.LIVENESS, ledger=True, scheduled=True),
    claim(answered, sort=Sort.LIVENESS, scheduled=True),
    claim(fenced_is_silent, scheduled=True),
    claim(lost_since_backup, ledger=True),
    claim(loses_since_backup, sort=Sort.EVIDENCE, ledger=True),
)
