"""One scenario under one provisioning delay: who was served, when another instance acted, what happened in a cut."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Final, NamedTuple

from experiments.experiment import Cell, RunResult
from experiments.measures import Observation, carry_out
from experiments.provisions.arms import CALM, SCALE, SPANS, ProvisionRow, Span
from experiments.scenario import Scenario, build, load
from models.services_end import ServicesEnd
from sim.history import History, Kind

__all__ = ["STEP_US", "measured", "run_once"]

#: Width of a step of the timelines.
STEP_US: Final = 1_000_000
#: Before it the first instances are given their slots.
_SETTLED_US: Final = 2_000_000


class _Request(NamedTuple):
    """When it was issued, and whether it was served in time."""

    t_us: int
    served: bool


def run_once(cell: Cell, seed: int) -> RunResult:
    """Run one scenario with the arm's delay and spare instances."""
    return measured(load(cell.scenario).with_system(cell.arm.system), cell, seed)


def measured(scenario: Scenario, cell: Cell, seed: int) -> RunResult:
    """Run a scenario and measure it."""
    world, system = build(scenario, seed)
    opened: list[int] = []
    replaced: list[int] = []
    world.on_note("opened", lambda t_us, location, value: opened.append(t_us))
    world.on_note("replaced", lambda t_us, location, value: replaced.append(t_us))
    seen = carry_out(world, system, scenario, seed)
    assert isinstance(seen, Observation), "a service keeps a ledger"
    end = seen.ledger.services
    assert end is not None
    span = SPANS[cell.scenario]
    requests = _requests(seen.history)
    judged = [one for one in requests if span.from_us <= one.t_us < span.until_us]
    needs = cell.scenario != CALM
    after = [t_us for t_us in opened if t_us >= span.from_us]
    short_s = (min(after) - span.from_us) / 1_000_000 if after else inf
    in_cut = [one for one in judged if span.cut_until_us is not None and one.t_us < span.cut_until_us]
    row = ProvisionRow(
        scenario=cell.scenario,
        arm=cell.arm.name,
        seed=seed,
        digest=seen.digest,
        requests=len(judged),
        served_share=sum(one.served for one in judged) / len(judged),
        unserved=sum(not one.served for one in judged),
        short_s=short_s if needs else None,
        short_censored=int(needs and short_s == inf),
        cut_served=sum(one.served for one in in_cut) / len(in_cut) if in_cut else None,
        cut_changes=_changes(end, span),
        replaced=len(replaced),
        false_replacements=sum(cell.scenario in (CALM, SCALE) or t_us < span.from_us for t_us in replaced),
        instances_most=_most(end),
        strangers_acted=_strangers(end),
    )
    return RunResult(row=row, series=_timeline(requests, scenario.workload.ends_us))


def _changes(end: ServicesEnd, span: Span) -> int:
    """Slots that changed hands from the loss on, while the control plane was cut off."""
    if span.cut_until_us is None:
        return 0
    return sum(span.from_us <= turn.at_us < span.cut_until_us for turn in end.turns)


def _most(end: ServicesEnd) -> int:
    """The most slots that somebody had at one time."""
    live: set[int] = set()
    most = 0
    for turn in sorted(end.turns, key=lambda turn: turn.at_us):
        (live.add if turn.live else live.discard)(turn.seat.slot)
        most = max(most, len(live))
    return most


def _strangers(end: ServicesEnd) -> int:
    """Acts under an epoch after one under a later epoch: what fencing is to prevent."""
    count = 0
    for acts in end.acts.values():
        latest = 0
        for epoch, _ in acts:
            count += epoch < latest
            latest = max(latest, epoch)
    return count


def _requests(history: History) -> list[_Request]:
    return [_Request(begun.t_us, done is not None and done.kind is Kind.OK) for begun, done in history.pairs()]


def _timeline(requests: Sequence[_Request], ends_us: int) -> dict[str, list[float]]:
    """By step of the load: when it begins, and the share of the requests issued in it that were served."""
    begins, shares = [], []
    for begin_us in range(_SETTLED_US, ends_us, STEP_US):
        issued = [one for one in requests if begin_us <= one.t_us < begin_us + STEP_US]
        if issued:
            begins.append(begin_us / 1_000_000)
            shares.append(sum(one.served for one in issued) / len(issued))
    return {"begin_s": begins, "served": shares}
