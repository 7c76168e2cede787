"""What API servers promise of their stages and to their clients, and what shows that they were put to the test."""

from __future__ import annotations

from typing import Final

from experiments.measures.observation import Observation
from experiments.properties.runs import not_healed
from experiments.scenario.property import Sort, claim
from sim.checkers import Outcome as Verdicts
from sim.checkers import Verdict
from sim.history import Kind

__all__ = ["PIPELINES"]

_WITNESSES: Final = 10


def no_stage_blocked(seen: Observation, *, within_us: int = 4_000_000) -> Verdict:
    """No stage is left: who is of a closed pipe has ended, and who is not idle has not been so for `within`."""
    if seen.ledger.pipeline is None:
        return _absent()
    left = _left(seen, within_us)
    if not left:
        return Verdict(Verdicts.VALID, (), "every stage has ended, or waits for a request")
    told = f"{len(left)} left, such as {'; '.join(left[:3])}"
    if seen.unhealed:  # one that stands still, or waits for who does, may yet go on
        return Verdict(Verdicts.UNKNOWN, (), f"{told}, but {not_healed(seen)}")
    return Verdict(Verdicts.INVALID, (), told)


def stage_left_blocked(seen: Observation, *, within_us: int = 4_000_000) -> Verdict:
    """A stage was left blocked for longer than `within`: the leak that closing both ways is there to prevent."""
    if seen.ledger.pipeline is None:
        return _absent()
    left = _left(seen, within_us)
    told = f"{len(left)} left" + (f", such as {left[0]}" if left else "")
    return Verdict(Verdicts.VALID if left else Verdicts.INVALID, (), told)


def refused_without_effect(seen: Observation) -> Verdict:
    """Whoever was refused, for whatever reason but the domain's, has no event in the final history."""
    events = {event.command_id for event in seen.events()}
    refused = [row.op for row in seen.history if row.kind is Kind.FAIL and str(row.value).startswith("refused:")]
    wrong = [op for op in refused if op in events]
    if wrong:
        return Verdict(Verdicts.INVALID, tuple(wrong[:_WITNESSES]), f"{len(wrong)} refused that took effect")
    return Verdict(Verdicts.VALID, (), f"{len(refused)} refused, none took effect")


def told_where(seen: Observation, *, stage: str, times: int = 1) -> Verdict:
    """Clients were told so often that an attempt had failed at a stage, and why."""
    pipeline = seen.ledger.pipeline
    if pipeline is None:
        return _absent()
    count = pipeline.told.get(stage, 0)
    told = f"{count} at {stage}, of {sum(pipeline.told.values())} that were told a stage"
    return Verdict(Verdicts.VALID if count >= times else Verdicts.INVALID, (), told)


def pipeline_did(seen: Observation, *, what: str, times: int = 1) -> Verdict:
    """Servers did something so often: `waited`, `refused`, `client`, `deadline`, `stale`, `broken at link`."""
    pipeline = seen.ledger.pipeline
    if pipeline is None:
        return _absent()
    count = pipeline.count(what)
    return Verdict(Verdicts.VALID if count >= times else Verdicts.INVALID, (), f"{count} times {what}")


def queue_grew(seen: Observation, *, beyond: int) -> Verdict:
    """More than so many requests waited before one stage."""
    pipeline = seen.ledger.pipeline
    if pipeline is None:
        return _absent()
    longest = max((server.longest for server in pipeline.servers), default=0)
    return Verdict(Verdicts.VALID if longest > beyond else Verdicts.INVALID, (), f"at most {longest} waited")


def queues_bounded(seen: Observation, *, most: int) -> Verdict:
    """No more than so many requests ever waited before one stage."""
    grew = queue_grew(seen, beyond=most)
    known = grew.outcome is not Verdicts.UNKNOWN
    outcome = (Verdicts.INVALID if grew.outcome is Verdicts.VALID else Verdicts.VALID) if known else grew.outcome
    return Verdict(outcome, (), grew.reason)


def _left(seen: Observation, within_us: int) -> list[str]:
    assert seen.ledger.pipeline is not None
    return [
        f"{server.host}: {what} for {held_us / 1e6:.1f} s"
        for server in seen.ledger.pipeline.servers
        for what, held_us in server.held
        if held_us > within_us
    ]


def _absent() -> Verdict:
    told = "no API server stands before this store; take models.pipeline.deployment:api_store"
    return Verdict(Verdicts.UNKNOWN, (), told)


PIPELINES: Final = (
    claim(no_stage_blocked, ledger=True),
    claim(stage_left_blocked, ledger=True, sort=Sort.EVIDENCE),
    claim(refused_without_effect, ledger=True),
    claim(told_where, ledger=True, sort=Sort.EVIDENCE),
    claim(pipeline_did, ledger=True, sort=Sort.EVIDENCE),
    claim(queue_grew, ledger=True, sort=Sort.EVIDENCE),
    claim(queues_bounded, ledger=True),
)
