"""What a majority owes that is connected while cuts go on around it: to serve whoever reaches it.

`recovers_after_each_heal` asks for service once nothing is cut any more; a group that nobody can use for as long as
one link is cut one way passes that. Here the cut is part of the question, as in cockroach#84289 and in
Cloudflare's outage of November 2020.
"""

from __future__ import annotations

from typing import Final

from experiments.evidence import Evidence
from experiments.measures.reach import Reach
from experiments.scenario.property import claim
from models.driver import AUDIT
from sim.checkers import Outcome, Verdict
from sim.history import HistoryRow, Kind
from sim.units import format_us

__all__ = ["MAJORITIES"]

_WITNESSES: Final = 10


def majority_serves(seen: Evidence, *, within_us: int = 5_000_000) -> Verdict:
    """Who reaches a connected majority, and `within` has passed since any cut changed, is served, or others meanwhile.

    Of a group with one shard whose members are all voters and stay the same.

    Args:
        seen: The run.
        within_us: For how long no fault may have begun or ended that touches a member, before it is asked.
    """
    if len(seen.groups) != 1:
        return Verdict(Outcome.UNKNOWN, (), f"{len(seen.groups)} shards have members; this can be asked of one alone")
    (members,) = seen.groups.values()
    reach = Reach.of(seen)
    hosts = {host.path: host.index for host in seen.scenario.topology.hosts}
    served = sorted(done.t_us for asked, done in seen.history.pairs() if done is not None and _is_answer(done))
    waited: list[tuple[HistoryRow, tuple[int, ...]]] = []
    judged = 0
    for asked, done in seen.history.pairs():
        if done is None or asked.session.startswith(AUDIT) or asked.t_us < within_us:
            continue
        if _is_answer(done) or any(asked.t_us <= t_us <= done.t_us for t_us in served):
            judged += 1
            continue
        client = hosts[asked.client.rpartition("/")[0]]
        if not reach.settled(members, asked.t_us - within_us, done.t_us):
            continue
        found = reach.majority(members, client, asked.t_us - within_us, done.t_us)
        if found is not None:
            waited.append((asked, found))
    if waited:
        first, majority = waited[0]
        names = ", ".join(seen.scenario.topology.hosts[index].path for index in majority)
        told = f"{names} and {first.client} had been connected for {format_us(within_us)} at {format_us(first.t_us)}"
        witness = tuple(asked.op for asked, _ in waited[:_WITNESSES])
        return Verdict(Outcome.INVALID, witness, f"{told}, and nobody was served")
    return Verdict(Outcome.VALID, (), f"{judged} operations were served, or others while they waited")


def _is_answer(done: HistoryRow) -> bool:
    """Whether somebody was served: a rule's no is an answer too."""
    return done.kind is Kind.OK or (done.kind is Kind.FAIL and str(done.value).startswith("denied:"))


MAJORITIES: Final = (claim(majority_serves),)
