"""What a core owes that is whole while faults go on around it: to serve, and to converge.

Both are claims of safety in that they can be demanded although faults never end. Which hosts are
the core, and from when, is drawn for each run; `experiments.nemesis` fills it in. A design whose
home never moves serves only where the home is in the core: name the core in `[nemesis]`.
"""

from __future__ import annotations

from typing import Final

from experiments.evidence import Evidence
from experiments.scenario.property import claim
from models.driver import AUDIT
from sim.checkers import Outcome, Verdict, replicas
from sim.checkers.replicas import AuditSpec
from sim.history import History, Kind, Operation
from sim.units import format_us

__all__ = ["CORES"]

_WITNESSES: Final = 10


def core_serves(
    seen: Evidence, *, core: tuple[str, ...] = (), since_us: int = 0, within_us: int = 5_000_000
) -> Verdict:
    """No client of a healed core asks for longer than `within` and has nothing done.

    Args:
        seen: The run.
        core: Selectors of the hosts that are whole; of no use without one.
        since_us: From when on.
        within_us: How long nothing may succeed for a client that asks.
    """
    clients = _clients(seen, core)
    asked: dict[str, list[tuple[int, int]]] = {}
    served: dict[str, list[int]] = {}
    for row in seen.history:
        # A client is a service, so its name is its host's and one more.
        in_core = row.client.rpartition("/")[0] in clients and not row.session.startswith(AUDIT)
        if in_core and row.t_us >= since_us and row.kind is Kind.INVOKE:
            asked.setdefault(row.client, []).append((row.t_us, row.op))
        elif in_core and row.t_us >= since_us and row.kind is Kind.OK:
            served.setdefault(row.client, []).append(row.t_us)
    if not asked:
        return Verdict(Outcome.UNKNOWN, (), "no client of a core asked for anything; set mode = core in [nemesis]")
    for client, times in asked.items():
        gap = _longest_gap(times, served.get(client, []), since_us)
        if gap is not None and gap[1] - gap[0] > within_us:
            inside_gap = tuple(op for t_us, op in times if gap[0] <= t_us < gap[1])
            told = f"from {format_us(gap[0])} to {format_us(gap[1])} nothing succeeded for {client} of the core"
            return Verdict(Outcome.INVALID, inside_gap[:_WITNESSES], told)
    return Verdict(Outcome.VALID, (), f"all {len(asked)} clients of the core had something done in time")


def core_converges(seen: Evidence, *, core: tuple[str, ...] = ()) -> Verdict:
    """At rest, every replica that a client of the healed core can audit holds the same."""
    clients = _clients(seen, core)
    inside = History()
    for row in seen.history:
        if row.client.rpartition("/")[0] in clients or not row.session.startswith(AUDIT):
            operation = Operation(row.op, row.kind, row.f, row.key, row.value, row.version, row.session)
            inside.append(row.t_us, row.client, operation)
    return replicas.converged(inside, AuditSpec(initial=seen.initial))


def _clients(seen: Evidence, core: tuple[str, ...]) -> frozenset[str]:
    """The client hosts of a core."""
    topology = seen.scenario.topology
    inside = {index for name in core for index in topology.select(name)}
    return frozenset(host.path for host in topology.hosts if host.client and host.index in inside)


def _longest_gap(asked: list[tuple[int, int]], served: list[int], since_us: int) -> tuple[int, int] | None:
    """The longest time in which a client asked and nothing succeeded: from its first asking to the next success.

    After the last success it lasts to the last asking: what is asked then may yet be answered.
    """
    marks = [since_us, *served]
    gaps: list[tuple[int, int]] = []
    for begin, end in zip(marks, [*served, asked[-1][0]], strict=True):
        first = next((t_us for t_us, _ in asked if begin <= t_us < end), None)
        if first is not None:
            gaps.append((first, end))
    return max(gaps, key=lambda gap: gap[1] - gap[0], default=None)


CORES: Final = (
    claim(core_serves),
    claim(core_converges, records=frozenset({"register", "cas-register", "append-log", "counter", "set"})),
)
