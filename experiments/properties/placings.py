"""What a store promises whose keys move between groups of hosts, and what shows that they did while it served."""

from __future__ import annotations

from typing import Final

from experiments.measures.observation import Observation
from experiments.scenario.property import Sort, claim
from models.keyspace.client import LOOK
from models.placing_end import PlacingEnd, StretchMoved
from models.tenancy import asked_as
from sim.checkers import Outcome as Verdicts
from sim.checkers import Verdict
from sim.history import Kind

#: Of an address.
_VERSION: Final = (1 << 32) - 1

__all__ = ["PLACINGS"]


def one_writer(seen: Observation) -> Verdict:
    """No point of the key space is writable in two groups."""
    placing = seen.ledger.placing
    if placing is None:
        return _absent()
    if placing.twice:
        told = ", ".join(f"{one} and {other}" for one, other in placing.twice)
        return Verdict(Verdicts.INVALID, (), f"groups {told} hold the same points")
    return Verdict(Verdicts.VALID, (), f"{len(placing.moves)} stretches moved, each has one holder")


def keys_settle(seen: Observation) -> Verdict:
    """Once faults are over, each stretch is with the group that the newest map says, and servers know that map."""
    placing = seen.ledger.placing
    if placing is None:
        return _absent()
    behind = sum(version < placing.version for version in placing.versions)
    if not placing.unsettled and not behind:
        return Verdict(Verdicts.VALID, (), f"at map {placing.version}")
    told = f"{len(placing.unsettled)} stretches are still under way, and {behind} servers have an older map"
    missing = f", {seen.ledger.missing} members are down" if seen.ledger.missing else ""
    outcome = Verdicts.UNKNOWN if seen.unhealed or seen.ledger.missing else Verdicts.INVALID
    return Verdict(outcome, (), f"{told}{missing}")


def plan_is_done(seen: Observation, *, joined: str = "", left: str = "") -> Verdict:
    """Hosts that joined hold something at the end, those that left hold nothing."""
    placing = seen.ledger.placing
    if placing is None:
        return _absent()
    topology = seen.scenario.topology
    idle = [path for path in _paths(joined) if topology.host(path).index not in placing.nodes]
    still = [path for path in _paths(left) if topology.host(path).index in placing.nodes]
    if idle or still:
        outcome = Verdicts.UNKNOWN if seen.unhealed else Verdicts.INVALID
        told = f"hold nothing: {', '.join(idle) or 'none'}; still hold: {', '.join(still) or 'none'}"
        return Verdict(outcome, (), told)
    return Verdict(Verdicts.VALID, (), "")


def handed_over_within(seen: Observation, *, within_us: int) -> Verdict:
    """Between giving a stretch up and holding it no more than so much time passes, by the clocks of both leaders."""
    placing = seen.ledger.placing
    if placing is None:
        return _absent()
    gaps = sorted(move.received_us - move.released_us for move in placing.moves if move.released_us)
    if not gaps:
        return Verdict(Verdicts.UNKNOWN, (), "nothing moved")
    half, longest = gaps[len(gaps) // 2] / 1_000, gaps[-1] / 1_000
    told = f"{len(gaps)} stretches, half of them in {half:.1f} ms, the longest in {longest:.1f} ms"
    return Verdict(Verdicts.VALID if gaps[-1] <= within_us else Verdicts.INVALID, (), told)


def moved_as_snapshots(seen: Observation) -> Verdict:
    """A stretch was taken over as snapshots, since the log that it came from had lost its head."""
    installed = len(seen.noted["installed"])
    return Verdict(Verdicts.VALID if installed else Verdicts.INVALID, (), f"{installed} times")


def masters_changed(seen: Observation) -> Verdict:
    """More than one master took decisions, each while it led their group."""
    placing = seen.ledger.placing
    if placing is None:
        return _absent()
    told = ", ".join(str(number) for number in placing.deciders)
    return Verdict(
        Verdicts.VALID if len(placing.deciders) > 1 else Verdicts.INVALID, (), f"decided: {told or 'nobody'}"
    )


def moved_under_load(seen: Observation, *, near_us: int = 250_000) -> Verdict:
    """A stretch changed hands while commands to its keys were in flight, or were answered just before and after."""
    placing = seen.ledger.placing
    if placing is None:
        return _absent()
    for move in placing.moves:
        met = _in_flight(seen, placing, move, 0)
        if met:
            return Verdict(Verdicts.VALID, tuple(met[:10]), f"{len(met)} were in flight as group {move.to} took over")
    for move in placing.moves:
        met = _in_flight(seen, placing, move, near_us)
        if len(met) > 1:
            told = f"{len(met)} were answered near the instant at which group {move.to} took over"
            return Verdict(Verdicts.VALID, tuple(met[:10]), told)
    return Verdict(Verdicts.INVALID, (), f"{len(placing.moves)} stretches moved, and no command met a move")


def route_refreshed(seen: Observation) -> Verdict:
    """A server refused a stale route, and a client learned a better one."""
    placing = seen.ledger.placing
    if placing is None:
        return _absent()
    told = f"{placing.stale} refused, {placing.refreshed} refreshed"
    return Verdict(Verdicts.VALID if placing.refreshed else Verdicts.INVALID, (), told)


def looks_are_current(seen: Observation) -> Verdict:
    """A question is told what the aggregate came to at its version, and no version older than was known before it."""
    if seen.ledger.placing is None:
        return _absent()
    tenants = seen.ledger.tenants
    told_at = {(e.account, e.tenant, e.address & _VERSION): e.told for e in seen.events()}
    known: dict[tuple[int, int], int] = {}
    least: dict[int, int] = {}
    looks = 0
    for row in seen.history:
        if not isinstance(row.key, int):
            continue
        tenant = asked_as(row.op, tenants)[0]
        if row.kind is Kind.INVOKE and row.f == LOOK:
            least[row.op] = known.get((row.key, tenant), 0)
        if row.version is None or row.kind is Kind.INVOKE:
            continue
        if row.f == LOOK:
            looks += 1
            if row.version < least[row.op]:
                told = f"version {row.version} of {row.key} was told, and {least[row.op]} was known before it was asked"
                return Verdict(Verdicts.INVALID, (row.op,), told)
            if row.version and told_at.get((row.key, tenant, row.version)) != row.value:
                told = f"{row.value} was told of {row.key} at version {row.version}, which came to another"
                return Verdict(Verdicts.INVALID, (row.op,), told)
        known[row.key, tenant] = max(row.version, known.get((row.key, tenant), 0))
    return Verdict(Verdicts.VALID, (), f"{looks} were answered")


def look_rerouted(seen: Observation) -> Verdict:
    """A question that came by a stale route was answered by a better one that its client learned."""
    placing = seen.ledger.placing
    if placing is None:
        return _absent()
    found = placing.looked_again
    return Verdict(Verdicts.VALID if found else Verdicts.INVALID, (), f"{found} questions")


def master_decided(seen: Observation, *, kind: str) -> Verdict:
    """The master took a decision of a kind: `split`, `merge`, `reassign`, `joined`, `leaving`, `left`."""
    placing = seen.ledger.placing
    if placing is None:
        return _absent()
    count = dict(placing.decided).get(kind, 0)
    return Verdict(Verdicts.VALID if count else Verdicts.INVALID, (), f"{count} of kind {kind}")


def _in_flight(seen: Observation, placing: PlacingEnd, move: StretchMoved, near_us: int) -> list[int]:
    """Commands to a stretch that were issued before it was received and answered after it was released, or nearly."""
    tenants = seen.ledger.tenants
    return [
        answer.command_id
        for answer in seen.answers
        if answer.invoked_us <= move.received_us + near_us
        and (answer.answered_us is None or answer.answered_us >= move.released_us - near_us)
        and move.begin <= placing.point_of(answer.account, asked_as(answer.command_id, tenants)[0]) < move.end
    ]


def _paths(words: str) -> list[str]:
    return [path.strip() for path in words.split(",") if path.strip()]


def _absent() -> Verdict:
    told = "the store is not placed by a key space; take models.keyspace.deployment:placed_store"
    return Verdict(Verdicts.UNKNOWN, (), told)


PLACINGS: Final = (
    claim(one_writer, sort=Sort.SAFETY, ledger=True),
    claim(keys_settle, sort=Sort.LIVENESS, ledger=True),
    claim(plan_is_done, sort=Sort.LIVENESS, ledger=True),
    claim(handed_over_within, sort=Sort.LIVENESS, ledger=True),
    claim(moved_as_snapshots, sort=Sort.EVIDENCE, ledger=True),
    claim(masters_changed, sort=Sort.EVIDENCE, ledger=True),
    claim(moved_under_load, sort=Sort.EVIDENCE, ledger=True),
    claim(route_refreshed, sort=Sort.EVIDENCE, ledger=True),
    claim(looks_are_current, sort=Sort.SAFETY, ledger=True),
    claim(look_rerouted, sort=Sort.EVIDENCE, ledger=True),
    claim(master_decided, sort=Sort.EVIDENCE, ledger=True),
)
