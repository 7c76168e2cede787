"""One run written down in full, for a bundle, its diagram and its replay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from experiments.evidence import Evidence
from experiments.hunting.trial import NO_CRASH, crash_verdict, traceback_of
from experiments.scenario import Scenario, build
from sim.checkers import Outcome, Verdict
from sim.faults import Encounter
from sim.history import History
from sim.trace import TraceLevel, TraceRow

__all__ = ["Recording", "record"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A run with everything that it left.

    Attributes:
        scenario: What was run.
        claim: What was judged.
        verdict: On the claim.
        digest: Of the world; "" if the run raised.
        history: What the clients recorded.
        encounters: What each fault that began has met.
        rows: The trace; none below its full level.
        failure: The traceback, if the run raised.
    """

    scenario: Scenario
    claim: str
    verdict: Verdict
    digest: str
    history: History
    encounters: tuple[Encounter, ...]
    rows: Sequence[TraceRow]
    failure: str = ""


def record(scenario: Scenario, seed: int, claim: str, *, trace: TraceLevel = TraceLevel.FULL) -> Recording:
    """Run `scenario` under `seed` and judge one of its claims, or `no_crash`.

    Raises:
        ScenarioError: its system refuses to be laid out.
    """
    from experiments.measures import carry_out

    world, system = build(scenario, seed, trace)
    digest = failure = ""
    try:
        seen = carry_out(world, system, scenario, seed)
        verdict, digest = _judged(seen, claim), seen.digest
    except (Exception, SystemExit) as failed:  # noqa: BLE001 - that it raises may be what the bundle shows
        verdict, failure = crash_verdict(failed), traceback_of(failed)
        if claim != NO_CRASH:
            verdict = Verdict(Outcome.UNKNOWN, (), f"the run raised {verdict.reason}")
    return Recording(
        scenario=scenario,
        claim=claim,
        verdict=verdict,
        digest=digest,
        history=world.history,
        encounters=world.encounters(),
        rows=world.trace.rows,
        failure=failure,
    )


def _judged(seen: Evidence, claim: str) -> Verdict:
    from experiments.properties import judge

    verdicts = judge(seen, seen.scenario.properties)  # all of them: a judge may be what raises
    return Verdict(Outcome.VALID) if claim == NO_CRASH else verdicts[claim]
