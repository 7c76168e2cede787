"""One run of a hunt: a scenario under a seed, held to what it claims *always*.

A run that raises, in the simulator, in a model or in a judge, is a finding like any other: it
breaks `no_crash`, which every scenario claims without saying so.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from experiments.provenance import ROOT
from experiments.scenario import Mode, PropertyUse, Scenario, build
from models.driver import AUDIT
from sim.checkers import Outcome, Verdict
from sim.history import History, HistoryRow, Kind
from sim.world import World

__all__ = ["CLIENT_BITS", "NO_CRASH", "Trial", "claims", "crash_verdict", "traceback_of", "try_out", "what_raised"]

#: A client numbers its operations in the low bits of their ids; what is above them is its own.
CLIENT_BITS: Final = 40
#: That a run ends without an exception.
NO_CRASH: Final = "no_crash"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What one run came to.

    Attributes:
        broken: The claims that it violates, in the order in which they were made.
        unknown: The claims that could not be decided, and why.
        digest: Of its world; "" if it raised.
        operations: Ids of all operations that began, in order.
        traits: By operation, what it shares with others: its client, its session, its key, what it asks.
        load_ends_us: When the last of them began that belongs to no audit.
        clients: By client host, the part of an operation's id that stands for it.
        ends_us: By claim that is violated, when the last row about its witness was written; the
            last row of all where it has no witness.
        struck: By the id of each fault that began, when, and on whom.
        failure: The traceback, if it raised.
    """

    broken: Mapping[str, Verdict] = field(default_factory=dict)
    unknown: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""
    operations: tuple[int, ...] = ()
    traits: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    load_ends_us: int = 0
    clients: Mapping[str, int] = field(default_factory=dict)
    ends_us: Mapping[str, int] = field(default_factory=dict)
    struck: Mapping[str, tuple[int, tuple[str, ...]]] = field(default_factory=dict)
    failure: str = ""

    def breaks(self, claim: str, like: Verdict) -> bool:
        """Whether it violates a claim, by any witness; a crash must be of the same kind as `like`'s."""
        verdict = self.broken.get(claim)
        if verdict is None:
            return False
        return claim != NO_CRASH or what_raised(verdict) == what_raised(like)


def claims(scenario: Scenario, *, healed: bool = True) -> tuple[PropertyUse, ...]:
    """What a run of this scenario must always satisfy.

    Args:
        scenario: What claims it.
        healed: Whether all faults end and time is left; without that only safety can be asked for.
    """
    from experiments.properties import find
    from experiments.scenario.property import Sort

    sorts = (Sort.SAFETY, Sort.LIVENESS) if healed else (Sort.SAFETY,)
    uses = (use for use in scenario.properties if use.mode is Mode.ALWAYS)
    return tuple(use for use in uses if find(use.name).sort in sorts)


def try_out(scenario: Scenario, seed: int, uses: tuple[PropertyUse, ...]) -> Trial:
    """Run `scenario` under `seed` and judge it; a pure function of the three.

    Raises:
        ScenarioError: the scenario is none: its system refuses to be laid out.
    """
    from experiments.measures import carry_out
    from experiments.properties import judge

    world, system = build(scenario, seed)
    try:
        seen = carry_out(world, system, scenario, seed)
        verdicts = judge(seen, uses)
    except (Exception, SystemExit) as failed:  # noqa: BLE001 - whatever a model raises is what is hunted for
        return _trial(world, {NO_CRASH: crash_verdict(failed)}, failure=traceback_of(failed))
    broken = {name: verdict for name, verdict in verdicts.items() if verdict.outcome is Outcome.INVALID}
    unknown = {name: verdict.reason for name, verdict in verdicts.items() if verdict.outcome is Outcome.UNKNOWN}
    return replace(_trial(world, broken, digest=seen.digest), unknown=unknown)


def _trial(world: World, broken: dict[str, Verdict], *, digest: str = "", failure: str = "") -> Trial:
    history, begun = world.history, (encounter.fault for encounter in world.encounters())
    begins = [row for row in history if row.kind is Kind.INVOKE]
    return Trial(
        broken=broken,
        digest=digest,
        operations=tuple(row.op for row in begins),
        traits={row.op: _traits(row) for row in begins},
        load_ends_us=max((row.t_us for row in begins if not row.session.startswith(AUDIT)), default=0),
        clients={row.client: row.op >> CLIENT_BITS for row in begins},
        ends_us={name: _ends_us(history, verdict.witness) for name, verdict in broken.items()}
        | {NO_CRASH: int(world.env.now)},
        struck={fault.id: (fault.at, fault.targets) for fault in begun if isinstance(fault.at, int)},
        failure=failure,
    )


def _traits(row: HistoryRow) -> tuple[str, ...]:
    return f"client {row.client}", f"session {row.client} {row.session}", f"key {row.key}", f"f {row.f}"


def _ends_us(history: History, witness: tuple[int, ...]) -> int:
    about = [row for row in history if row.op in witness] or list(history)
    return about[-1].t_us if about else 0


def crash_verdict(failed: Exception | SystemExit) -> Verdict:
    """The verdict on `no_crash` of a run that raised: what, and in which function."""
    place = traceback.extract_tb(failed.__traceback__)[-1]
    told = " ".join(str(failed).split())
    reason = f"{type(failed).__name__} in {_source(place.filename)}, {place.name}: {told}"
    return Verdict(Outcome.INVALID, (), reason)


def what_raised(verdict: Verdict) -> str:
    """The kind of an exception and the function that raised it."""
    return verdict.reason.partition(": ")[0]


def traceback_of(failed: Exception | SystemExit) -> str:
    """A traceback without its first frame, our own, that reads the same on every machine."""
    frames = traceback.extract_tb(failed.__traceback__)[1:]
    lines = [f"  {_source(frame.filename)}, line {frame.lineno}, in {frame.name}\n    {frame.line}" for frame in frames]
    return "\n".join([*lines, f"{type(failed).__name__}: {failed}"]) + "\n"


def _source(file: str) -> str:
    """A source file as seen from the project's root; its name alone if it lies elsewhere."""
    path = Path(file)
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name
