"""One trouble under one detector: who was elected, needlessly or not, and who was served meanwhile."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from math import inf
from typing import Final

from experiments.evidence import Span
from experiments.experiment import Cell, RunResult
from experiments.failovers.arms import FailoverRow
from experiments.measures import Answer, Observation, Outcome, carry_out
from experiments.properties import judge
from experiments.scenario import build, load
from sim.topology import Location, host_of

__all__ = ["STEP_US", "both_us", "run_once", "unavailable_us"]

#: A step of time that is available or not.
STEP_US: Final = 500_000
_ANSWERS: Final = (Outcome.ACCEPTED, Outcome.DENIED)
_DEADLY: Final = "process-crash"

#: (time, host, whether it leads from now on).
Role = tuple[int, str, bool]


def run_once(cell: Cell, seed: int) -> RunResult:
    """Run one scenario with one detector."""
    scenario = load(cell.scenario).with_system(cell.arm.system)
    world, system = build(scenario, seed)
    roles: list[Role] = []
    elected: list[tuple[int, str]] = []

    def path(location: Location) -> str:
        return world.topology.hosts[world.topology.index_of(host_of(location))].path

    world.on_note("elected", lambda t_us, location, value: elected.append((t_us, path(location))))
    world.on_note("role", lambda t_us, location, value: roles.append((t_us, path(location), value == "home")))
    seen = carry_out(world, system, scenario, seed)
    assert isinstance(seen, Observation), "a store keeps a ledger"
    deaths = [span for span in seen.spans if span.kind == _DEADLY]
    failovers = [
        (t_us, before, after) for (_, before), (t_us, after) in pairwise(elected) if t_us >= scenario.warm_up_us
    ]
    needless = sum(not _dead(deaths, before, t_us) for t_us, before, _ in failovers)
    again = [t_us - deaths[0].begin_us for t_us, _ in elected if deaths and t_us >= deaths[0].begin_us]
    roles += [(death.begin_us, target, False) for death in deaths for target in death.targets]
    answered = sum(answer.outcome in _ANSWERS for answer in seen.answers)
    row = FailoverRow(
        scenario=cell.scenario,
        arm=cell.arm.name,
        seed=seed,
        digest=seen.digest,
        commands=len(seen.answers),
        answered_share=answered / len(seen.answers),
        failovers=len(failovers),
        needless=needless,
        unavailable_s=unavailable_us(seen.answers, scenario.warm_up_us, scenario.workload.ends_us) / 1e6,
        two_leaders_ms=both_us(roles, scenario.until_us) / 1e3,
        led_again_s=(min(again, default=inf) / 1e6) if deaths else None,
        lost=len(judge(seen, scenario.properties)["no_acknowledged_loss"].witness),
    )
    return RunResult(row=row)


def unavailable_us(answers: Sequence[Answer], from_us: int, until_us: int) -> int:
    """Time in steps in which fewer than half of the commands that were issued were answered."""
    issued: dict[int, int] = defaultdict(int)
    served: dict[int, int] = defaultdict(int)
    for answer in answers:
        if from_us <= answer.invoked_us < until_us:
            issued[answer.invoked_us // STEP_US] += 1
            served[answer.invoked_us // STEP_US] += answer.outcome in _ANSWERS
    return STEP_US * sum(2 * served[step] < count for step, count in issued.items())


def both_us(roles: Sequence[Role], until_us: int) -> int:
    """How long more than one host took itself for the leader."""
    leading: set[str] = set()
    total = 0
    ordered = sorted(roles)
    for (t_us, host, leads), (following_us, *_) in pairwise([*ordered, (until_us, "", False)]):
        if leads:
            leading.add(host)
        else:
            leading.discard(host)
        total += (following_us - t_us) * (len(leading) > 1)
    return total


def _dead(deaths: Sequence[Span], host: str, at_us: int) -> bool:
    return any(
        host in death.targets and death.begin_us <= at_us and (death.end_us is None or at_us < death.end_us)
        for death in deaths
    )
