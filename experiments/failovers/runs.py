"""One trouble under one detector: what was done upon suspicion, needlessly or not, and who was served meanwhile."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import inf
from typing import Final, NamedTuple

from experiments.evidence import Span
from experiments.experiment import Cell, RunResult
from experiments.failovers.acting import Role, both_us, witness
from experiments.failovers.arms import TITLES, FailoverRow, Use
from experiments.measures import carry_out
from experiments.properties import judge
from experiments.scenario import Scenario, build, load
from experiments.scenario.property import Mode
from sim.checkers import Outcome
from sim.history import History, HistoryRow, Kind

__all__ = ["STEP_US", "Asked", "asked_of", "run_once", "unserved_us", "was_dead"]

#: Shares are of the operations that were issued in a step of time.
STEP_US: Final = 500_000
_DEADLY: Final = "process-crash"
#: What clients ask for and wait for; a read side's history has more.
_ASKED: Final = frozenset({"deposit", "withdraw", "read", "select", "serve", "add", "append"})


class Asked(NamedTuple):
    """An operation: when it was issued, and whether it was served."""

    t_us: int
    served: bool


def run_once(cell: Cell, seed: int) -> RunResult:
    """Run one scenario with one detector."""
    use = TITLES[cell.scenario].use
    # A store on Raft has two: its followers' is the `detector`.
    option = "routing" if use is Use.ROUTE else "detector"
    return measured(load(cell.scenario).with_system({option: cell.arm.system["detector"]}), cell, seed)


def measured(scenario: Scenario, cell: Cell, seed: int) -> RunResult:
    """Run a scenario, which may be another than the cell's, and measure it."""
    world, system = build(scenario, seed)
    heard = witness(TITLES[cell.scenario].use, world)
    seen = carry_out(world, system, scenario, seed)
    deaths = [span for span in seen.spans if span.kind == _DEADLY]
    acts = [act for act in heard.acts() if act.t_us >= scenario.warm_up_us]
    roles = heard.roles()
    roles += [
        Role(death.begin_us, role.host, False, role.what)
        for death in deaths
        for role in roles
        if role.owns and role.t_us <= death.begin_us and role.host.partition("#")[0] in death.targets
    ]
    asked = asked_of(seen.history)
    safe = judge(seen, [one for one in scenario.properties if one.mode is Mode.ALWAYS])
    row = FailoverRow(
        scenario=cell.scenario,
        arm=cell.arm.name,
        seed=seed,
        digest=seen.digest,
        operations=len(asked),
        served_share=sum(one.served for one in asked) / max(1, len(asked)),
        acts=len(acts),
        needless=sum(not was_dead(deaths, act.against, act.t_us) for act in acts),
        unserved_s=unserved_us(asked, scenario.warm_up_us, scenario.workload.ends_us) / 1e6,
        double_ms=both_us(roles, scenario.until_us) / 1e3,
        again_s=_again_us(heard.again_us(deaths[0].targets[0], deaths[0].begin_us), deaths[0]) if deaths else None,
        broken=sum(verdict.outcome is not Outcome.VALID for verdict in safe.values()),
    )
    return RunResult(row=row)


def unserved_us(asked: Iterable[Asked], from_us: int, until_us: int) -> float:
    """Time in steps, each weighed by the share of the operations issued in it that were not served."""
    issued: dict[int, int] = defaultdict(int)
    missed: dict[int, int] = defaultdict(int)
    for one in asked:
        if from_us <= one.t_us < until_us:
            issued[one.t_us // STEP_US] += 1
            missed[one.t_us // STEP_US] += not one.served
    return sum(STEP_US * missed[step] / count for step, count in sorted(issued.items()))


def _again_us(at_us: float, death: Span) -> float:
    return inf if at_us == inf else (at_us - death.begin_us) / 1e6


def asked_of(history: History) -> list[Asked]:
    """What was asked; a refusal by the domain's own rule is an answer, as good as any."""
    return [
        Asked(begun.t_us, done is not None and _is_served(done))
        for begun, done in history.pairs()
        if begun.f in _ASKED and not begun.session.startswith("audit/")
    ]


def _is_served(done: HistoryRow) -> bool:
    return done.kind is Kind.OK or (done.kind is Kind.FAIL and str(done.value).startswith("denied:"))


def was_dead(deaths: Sequence[Span], host: str, at_us: int) -> bool:
    """Whether a host was down at an instant, of the spans in which some were."""
    return any(
        host in death.targets and death.begin_us <= at_us and (death.end_us is None or at_us < death.end_us)
        for death in deaths
    )
