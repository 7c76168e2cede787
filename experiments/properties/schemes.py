"""What a persistence scheme promises, judged by what befell the hosts in this very run.

`models.store.schemes` says what each failure may take. Here that is held against the end of a run,
command by command: which hosts lost their heap, page cache or disk after it was asked for, how
many of them before the shard had time to make a copy anew, what the operators forced. What is
missing and not covered by that was lost against the promise.

Two allowances keep the judge on the safe side. Who held a copy is not known, so a failure of any
member counts as one of a holder. A period of flushing or shipping, and the repair of a copy,
count only where no fault touched the shard for that long.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from experiments.measures.observation import Answer, Observation, Outcome
from experiments.measures.strikes import Peace, Strike, strikes
from experiments.scenario.property import Sort, claim
from models.ends import MemberEnd, ShardEnd
from models.store.schemes import Tier
from models.tenancy import asked_as
from sim.checkers import Outcome as Verdicts
from sim.checkers import Verdict
from sim.history import Kind

__all__ = ["SCHEMES", "not_given_up"]

_WITNESSES: Final = 10
#: By then what fell due in peace has been flushed, or shipped and acknowledged, back-off and all.
_FLUSHED_US: Final = 500_000
_HEARD_US: Final = 4_000_000
_SHIPPED_US: Final = 6_000_000
#: By then a member that came back, in peace, has a copy of everything.
_REPAIRED_US: Final = 8_000_000


class _Lost(NamedTuple):
    """An acknowledged command without a trace, and whether the scheme lets that be."""

    operation: int
    shard: ShardEnd
    permitted: bool
    hidden: bool  # a host that is down at the end may have it


def keeps_its_scheme(seen: Observation) -> Verdict:
    """What was acknowledged is kept, compensated or set aside, but for what its scheme declares lost by what befell."""
    lost = list(_lost(seen))
    broken = [one for one in lost if not one.permitted and not one.hidden]
    if broken:
        by_domain = Counter(f"{one.shard.domain} ({one.shard.scheme.name})" for one in broken)
        told = ", ".join(f"{count} of {name}" for name, count in sorted(by_domain.items()))
        return _invalid([one.operation for one in broken], f"acknowledged and lost against the promise: {told}")
    permitted = sum(one.permitted for one in lost)
    return Verdict(
        Verdicts.VALID, (), f"{permitted} lost as declared, {len(lost) - permitted} with hosts that were down"
    )


def loses_unpromised(seen: Observation, *, domain: str = "") -> Verdict:
    """An acknowledged command was lost, and its scheme never promised otherwise."""
    lost = [one.operation for one in _lost(seen) if one.permitted and domain in ("", one.shard.domain)]
    if lost:
        return Verdict(Verdicts.VALID, tuple(lost[:_WITNESSES]), f"{len(lost)} lost as declared")
    return Verdict(Verdicts.INVALID, (), "nothing was lost")


def no_command_twice(seen: Observation) -> Verdict:
    """No command has two events in the final history."""
    undeceived = _undeceived(seen)
    counts = Counter((event.tenant, event.command_id) for event in seen.events() if event.shard in undeceived)
    twice = sorted(command for (_, command), times in counts.items() if times > 1)
    return _invalid(twice, "with two events") if twice else Verdict(Verdicts.VALID, (), "none has two events")


def audit_whole(seen: Observation) -> Verdict:
    """Every copy is whole: no gap, no broken chain, no reign but its own, and what the leader has at each place."""
    return _flawless(seen, lambda member: (*member.flaws, *member.departures))


def replay_equals_state(seen: Observation) -> Verdict:
    """What a copy holds in memory and in snapshots is what its events come to, and no state breaks a domain's rules."""
    return _flawless(seen, lambda member: member.state_flaws)


def answers_true(seen: Observation) -> Verdict:
    """Whoever was told yes was told what the event in the final history came to, and its version."""
    undeceived = _undeceived(seen)
    events = {e.command_id: e for e in seen.events() if e.kind != "denied" and e.shard in undeceived}
    wrong = []
    for row in seen.history:
        event = events.get(row.op) if row.kind is Kind.OK else None
        if event is not None and row.version == event.address & 0xFFFFFFFF and row.value != event.told:
            wrong.append(row.op)
    wrong = not_given_up(seen, wrong) if wrong else wrong
    return _invalid(wrong, "told otherwise") if wrong else Verdict(Verdicts.VALID, (), "all were told the truth")


def not_given_up(seen: Observation, operations: Sequence[int]) -> list[int]:
    """Those whose first event was not given up, nor could be: another attempt may have led to a second since."""
    aside = {event.command_id for event in seen.ledger.divergent}
    answers = {answer.command_id: answer for answer in seen.answers}
    judges = [_Judge(seen, end) for end in seen.ledger.ends]
    return [
        operation
        for operation in operations
        if operation not in aside and not judges[_place(seen, answers[operation])].permits(answers[operation])
    ]


def tenants_apart(seen: Observation, *, tenants: int = 2) -> Verdict:
    """Tenants with equal domains, aggregates and command ids never meet: each has its own events and sums."""
    held: dict[tuple[int, int], int] = {}
    versions: dict[tuple[int, int], int] = {}
    strays, wrong = [], []
    met = {asked_as(answer.command_id, tenants)[0] for answer in seen.answers}
    for event in seen.events():
        key = (event.tenant, event.account)
        if asked_as(event.command_id, tenants)[0] != event.tenant:
            strays.append(event.command_id)
        version = event.address & 0xFFFFFFFF
        if version != versions.get(key, 0) + 1:
            strays.append(event.command_id)
        versions[key] = version
        if event.kind == "other":  # no longer kept in full
            held[key] = int(event.told or 0)
            continue
        change = {"deposited": event.amount, "withdrawn": -event.amount}.get(event.kind, 0)
        held[key] = held.get(key, seen.opening_balance) + change
        if event.kind in ("deposited", "withdrawn") and event.told != held[key]:
            wrong.append(event.command_id)
    if strays:
        return _invalid(strays, "in the stream of another tenant, or beside a gap")
    if wrong:
        return _invalid(wrong, "told the sum of another tenant's events")
    if len(met) < tenants:
        return Verdict(Verdicts.UNKNOWN, (), f"of {tenants} tenants {len(met)} asked for anything")
    return Verdict(Verdicts.VALID, (), f"{len(held)} accounts of {tenants} tenants are apart")


def _flawless(seen: Observation, of: Callable[[MemberEnd], tuple[str, ...]]) -> Verdict:
    hosts = seen.scenario.topology.hosts
    told = [
        f"{end.domain}-{end.shard} at {hosts[member.host].path}: {flaw}"
        for end in seen.ledger.ends
        if not _Judge(seen, end).deceived
        for member in end.members
        for flaw in of(member)
    ]
    if told:
        return Verdict(Verdicts.INVALID, (), "; ".join(told[:3]))
    looked = sum(member.ready for end in seen.ledger.ends for member in end.members)
    return Verdict(Verdicts.VALID, (), f"{looked} copies are whole")


def _undeceived(seen: Observation) -> frozenset[int]:
    """The shards none of whose disks claimed to hold what it did not: nobody promises anything on such a disk."""
    return frozenset(index for index, end in enumerate(seen.ledger.ends) if not _Judge(seen, end).deceived)


def _invalid(witness: Sequence[int], what: str) -> Verdict:
    return Verdict(Verdicts.INVALID, tuple(witness[:_WITNESSES]), f"{len(witness)} {what}")


# -- what may be lost ------------------------------------------------------------------------


def _lost(seen: Observation) -> Iterator[_Lost]:
    """Every acknowledged command that no log and no record holds at the end."""
    ledger = seen.ledger
    here = {event.command_id for event in seen.events()} | {event.command_id for event in ledger.divergent}
    here |= seen.compensated_us().keys()
    judges = [_Judge(seen, end) for end in ledger.ends]
    for answer in seen.answers:
        judge = judges[_place(seen, answer)]
        acknowledged = answer.outcome is Outcome.ACCEPTED or (
            answer.outcome is Outcome.DENIED and judge.end.stores_denials
        )
        if acknowledged and answer.command_id not in here and not judge.withholds(answer.command_id):
            yield _Lost(answer.command_id, judge.end, judge.permits(answer), judge.hides(answer))


def _place(seen: Observation, answer: Answer) -> int:
    """The index of the shard that an operation was for."""
    ledger = seen.ledger
    assert ledger.place is not None, "a system that is judged by its schemes says where its aggregates are"
    return ledger.place(answer.account, asked_as(answer.command_id, ledger.tenants)[0])


class _Judge:
    """What one shard's scheme lets happen to what it acknowledged, in one run."""

    def __init__(self, seen: Observation, end: ShardEnd) -> None:
        self.end = end
        hosts = [*(member.host for member in end.members), *end.former]
        self._peace = Peace.of(seen, hosts)
        tier = end.scheme.tier
        self._strikes = [strike for strike in strikes(seen) if strike.host in hosts and strike.takes >= tier]
        self._forced = [t_us for t_us, _, _ in seen.noted["forcing"]]
        self._down = sum(not member.up for member in end.members)
        self._served = any(member.leads for member in end.members)

    def withholds(self, operation: int) -> bool:
        """Whether nobody serves, and a copy has it."""
        return not self._served and any(operation in member.holds for member in self.end.members)

    @property
    def deceived(self) -> bool:
        """Whether a disk claimed to hold what the power then took, which nobody can know of."""
        return any(strike.deceived for strike in self._strikes)

    def permits(self, answer: Answer) -> bool:
        """Whether the scheme declares it lost by what befell since it was asked for."""
        scheme = self.end.scheme
        since_us, answered_us = answer.invoked_us, answer.answered_us
        assert answered_us is not None
        struck = [strike for strike in self._strikes if strike.last_us >= since_us]
        if scheme.holders == 1:
            return any(self._takes(strike, since_us, answered_us, struck) for strike in struck)
        # A copy that is trusted and should not be: it takes along what it had a part in, and writes other
        # events under the same reign at places that its followers have filled.
        if self.deceived or self._most_at_once(struck) >= scheme.holders:
            return True
        # What is given up by force is also what those who are given up go on to acknowledge until they hear of it.
        return any(not self._peace.lasted(t_us, answered_us, _HEARD_US) for t_us in self._forced)

    def hides(self, answer: Answer) -> bool:
        """Whether so many hosts are down, or were struck, that all who had it may be among them."""
        struck = {strike.host for strike in self._strikes if strike.t_us >= answer.invoked_us}
        down = {member.host for member in self.end.members if not member.up}
        return bool(down) and len(struck | down) >= self.end.scheme.holders

    def _takes(self, strike: Strike, asked_us: int, answered_us: int, struck: Iterable[Strike]) -> bool:
        """Whether a strike takes what one member acknowledged alone, however it is saved behind that."""
        scheme = self.end.scheme
        if scheme.ship_every_us is not None:
            others = [one.t_us for one in struck if one.host != strike.host and one.t_us <= strike.t_us]
            shipped_us = scheme.ship_every_us + _SHIPPED_US
            return not self._peace.lasted(max([answered_us, *others]), strike.t_us, shipped_us)
        if scheme.flush_every_us is None:
            return True
        saved_us = scheme.flush_every_us + _FLUSHED_US
        # Who has no disk can save nothing there, and dies of the attempt.
        last_us = max(strike.t_us, min(strike.last_us, strike.t_us + saved_us))
        if strike.takes is Tier.DEVICE:
            return asked_us <= last_us
        return asked_us <= last_us and not self._peace.lasted(answered_us, strike.t_us, saved_us)

    def _most_at_once(self, struck: Sequence[Strike]) -> int:
        """The most members that were struck before anything was repaired."""
        most, group, last_us = 0, set[int](), 0
        for strike in struck:
            if group and self._peace.lasted(last_us, strike.t_us, _REPAIRED_US):
                group = set()
            group.add(strike.host)
            last_us = strike.t_us
            most = max(most, len(group))
        return most


SCHEMES: Final = (
    claim(keeps_its_scheme, ledger=True),
    claim(loses_unpromised, ledger=True, sort=Sort.EVIDENCE),
    claim(no_command_twice, ledger=True),
    claim(audit_whole, ledger=True),
    claim(replay_equals_state, ledger=True),
    claim(answers_true, ledger=True),
    claim(tenants_apart, ledger=True),
)
