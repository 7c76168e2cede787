"""Runs one scenario under one seed and gathers what happened, as values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from experiments.evidence import Evidence
from experiments.scenario import Scenario, build
from models.keyspace.client import LOOK
from models.ledger import FinalEvent, Ledger, Status
from models.ordinals import unpack_ordinal
from models.system import BANK_RECORDS, System
from sim.faults import KINDS
from sim.history import History, HistoryRow, Kind, Value
from sim.topology import Location, host_of
from sim.trace import TraceLevel
from sim.world import World

__all__ = [
    "Answer",
    "Observation",
    "Outcome",
    "Progress",
    "Window",
    "answers_of",
    "carry_out",
    "first_cut",
    "gather",
    "observe",
]

_WATERMARKS: Final = ("applied", "stable")
#: Of the read side.
_READ: Final = (
    "tenure",
    "outdone",
    "claimed",
    "joined",
    "handed",
    "left",
    "stolen",
    "fenced",
    "parked",
    "unparked",
    "stopped",
    "switched",
    "retracted",
    "answers",
)
_COUNTED: Final = ("divergent", "promoted", "forcing", "restored", "compensated", "reconciled", "elected", "installed")
#: Of a split: who waits for others, grants and inherits where a sub-domain may not accept everything; what came late;
#: whose disk lost what was durable, and what was written since at places that others know; who was lost and is back.
_SPLIT: Final = ("waiting", "granted", "inherited", "late", "bereft", "forked", "taken-back")
#: Of decisions by what is believed: what was refused, who was passed over, which read was asked for again, and which
#: leader was held to be gone, or was not, or was with nobody to elect another.
_BELIEVED: Final = ("hardly", "detour", "waited", "lead-gone", "lead-kept", "held-back")
#: Of effects whose ladder is climbed rung by rung.
_CLIMBED: Final = ("told-done", "again-fenced", "again-keyed")
_HEARD: Final = (*_COUNTED, *_READ, *_SPLIT, *_BELIEVED, *_CLIMBED)


class Outcome(StrEnum):
    """What a client was told."""

    ACCEPTED = "accepted"
    DENIED = "denied"  # by the domain's rule
    REFUSED = "refused"  # for want of a quorum, a home, freshness: not the domain's reasons
    UNANSWERED = "unanswered"  # it may have happened


class Answer(NamedTuple):
    """One operation of a client; `amount` is signed and 0 where there is none, times are microseconds.

    `f` and `said` are what the history says was asked (`models.demand.command_of` makes a command of it), `version` is
    of the event that it was answered with.
    """

    command_id: int
    region: str
    account: int
    amount: int
    invoked_us: int
    answered_us: int | None
    outcome: Outcome
    f: str = ""
    said: Value = None
    version: int | None = None


class Window(NamedTuple):
    """A cut: from when to when (exclusive), and the regions on its smaller side."""

    begin_us: int
    end_us: int
    regions: frozenset[str]


class Progress(NamedTuple):
    """A replica of a shard said that it has everything up to `ordinal`."""

    t_us: int
    region: str
    shard: int
    ordinal: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation(Evidence):
    """A finished run of the bank.

    Attributes:
        answers: Every operation, by invocation.
        ledger: What the replicas hold at the end.
        progress: Watermarks in order of time.
        noted: By note name, (time, region, value) in order of time.
        cut: The partition that begins first, None in a control.
        selected: Time and note of every answer to a query beyond one aggregate, in order of time.
    """

    answers: tuple[Answer, ...]
    ledger: Ledger
    progress: tuple[Progress, ...]
    noted: Mapping[str, tuple[tuple[int, str, int], ...]]
    cut: Window | None
    selected: tuple[tuple[int, str], ...] = ()

    @property
    def opening_balance(self) -> int:
        """What every account began with."""
        return self.scenario.workload.opening_balance

    @property
    def measured(self) -> tuple[Answer, ...]:
        """The operations issued after the warm-up."""
        return tuple(a for a in self.answers if a.invoked_us >= self.scenario.warm_up_us)

    def events(self) -> tuple[FinalEvent, ...]:
        """Every event in the ledger's final order, account by account."""
        return tuple(event for account in sorted(self.ledger.final) for event in self.ledger.final[account])

    def remembered(self) -> dict[int, Status]:
        """By command that was answered, what became of its event where nobody keeps that any more."""
        fates = self.ledger.remembered
        if not fates:
            return {}
        number = self.scenario.topology.region_number
        places = {a.command_id: (number(a.region), a.account, a.version) for a in self.answers if a.version is not None}
        return {command: fates[place] for command, place in places.items() if place in fates}

    def compensated_us(self) -> dict[int, int]:
        """By command, when its compensation was first applied anywhere."""
        first: dict[int, int] = {}
        for t_us, _, command_id in self.noted["compensated"]:
            first.setdefault(command_id, t_us)
        return first


def observe(scenario: Scenario, seed: int, *, trace: TraceLevel = TraceLevel.OFF) -> Observation:
    """Run a scenario of the bank under `seed` to its end; a pure function of the two.

    Raises:
        ValueError: its system keeps no ledger.
        AssertionError: the simulator lost count of a message.
    """
    seen = gather(scenario, seed, trace=trace)
    if not isinstance(seen, Observation):
        raise ValueError(f"{scenario.system.factory} keeps no ledger; judge it by its history, with `gather`")
    return seen


def gather(scenario: Scenario, seed: int, *, trace: TraceLevel = TraceLevel.OFF) -> Evidence:
    """Run `scenario` under `seed` to its end; an `Observation` if its system keeps a ledger.

    Raises:
        AssertionError: the simulator lost count of a message.
    """
    world, system = build(scenario, seed, trace=trace)
    return carry_out(world, system, scenario, seed)


def carry_out(
    world: World,
    system: System,
    scenario: Scenario,
    seed: int,
    *,
    looks: Mapping[int, Callable[[], object]] = MappingProxyType({}),
) -> Evidence:
    """Run a world that was built for `scenario` and `seed` to its end.

    Args:
        world: It.
        system: What runs in it.
        scenario: What it was built for.
        seed: The same.
        looks: By time, what to do once all before it has happened; whatever looks must leave the world as it is.
    """
    operations: list[tuple[int, str]] = []
    world.on_note("operation", lambda t_us, location, value: operations.append((t_us, str(value))))
    anew, held_again = _listen_for_losers(world, scenario)
    if system.ledger is None:
        _to_the_end(world, scenario, looks)
        common = _common(world, system, scenario, seed)
        return Evidence(**common, anew=anew, held_again=held_again, operations=tuple(operations))
    progress: list[Progress] = []
    selected: list[tuple[int, str]] = []
    world.on_note("selected", lambda t_us, location, value: selected.append((t_us, str(value))))
    noted: dict[str, list[tuple[int, str, int]]] = {name: [] for name in _HEARD}
    _listen(world, progress, noted, 0 if system.merging is None else system.merging.shards)
    _to_the_end(world, scenario, looks)
    return Observation(
        **_common(world, system, scenario, seed),
        anew=anew,
        held_again=held_again,
        operations=tuple(operations),
        answers=answers_of(world.history) if system.records == BANK_RECORDS else (),
        ledger=system.ledger(world.service),
        progress=tuple(progress),
        noted={name: tuple(rows) for name, rows in noted.items()},
        cut=first_cut(scenario),
        selected=tuple(selected),
    )


def answers_of(history: History) -> tuple[Answer, ...]:
    """Every command of a bank's history with what its client was told, by invocation; questions are none."""
    return tuple(_answer(invoke, completion) for invoke, completion in history.pairs() if invoke.f != LOOK)


def _to_the_end(world: World, scenario: Scenario, looks: Mapping[int, Callable[[], object]]) -> None:
    for t_us in sorted(looks):
        world.run(t_us)
        looks[t_us]()
    world.run(scenario.until_us)
    world.check_conservation()


def _common(world: World, system: System, scenario: Scenario, seed: int) -> dict[str, Any]:
    """What every kind of evidence holds."""
    return {
        "scenario": scenario,
        "seed": seed,
        "history": world.history,
        "records": system.records,
        "initial": system.initial,
        "encounters": world.encounters(),
        "groups": {
            name: tuple(world.topology.index_of(host_of(member)) for member in members)
            for name, members in system.groups.items()
        },
        "utilisation": world.utilisation(),
        "network": world.network.totals(),
        "digest": world.digest(),
    }


def _listen(world: World, progress: list[Progress], noted: dict[str, list[tuple[int, str, int]]], shards: int) -> None:
    """Hear all notes; `shards` says after how many servers of a region the shards begin again, 0 for never."""
    topology = world.topology
    place: dict[Location, tuple[str, int]] = {}

    def where(location: Location) -> tuple[str, int]:
        found = place.get(location)
        if found is None:
            spec = topology.hosts[topology.index_of(host_of(location))]
            servers = [server.index for server in topology.servers(spec.region)]
            index = servers.index(spec.index) if spec.index in servers else -1
            found = place[location] = (spec.region, index % shards if shards and index >= 0 else index)
        return found

    def advanced(t_us: int, location: Location, value: int | str) -> None:
        region, shard = where(location)
        progress.append(Progress(t_us, region, shard, int(value)))

    for name in _WATERMARKS:
        world.on_note(name, advanced)
    for name, rows in noted.items():
        world.on_note(name, partial(_noted, rows, where))


def _listen_for_losers(world: World, scenario: Scenario) -> tuple[Mapping[int, int], Mapping[int, int]]:
    """By host, when a service last began with nothing, and when one last said that it has something; filled in time."""
    anew: dict[int, int] = {}
    held_again: dict[int, int] = {}

    def note(latest: dict[int, int], t_us: int, location: Location, value: int | str) -> None:
        latest[world.topology.index_of(host_of(location))] = t_us

    def applied(t_us: int, location: Location, value: int | str) -> None:
        if unpack_ordinal(int(value))[1]:
            note(held_again, t_us, location, value)

    if any(fault.kind == "disk-loss" for fault in scenario.faults):
        world.on_note("anew", partial(note, anew))
        world.on_note("whole", partial(note, held_again))
        world.on_note("applied", applied)
    return MappingProxyType(anew), MappingProxyType(held_again)


def _noted(
    rows: list[tuple[int, str, int]],
    where: Callable[[Location], tuple[str, int]],
    t_us: int,
    location: Location,
    value: int | str,
) -> None:
    rows.append((t_us, where(location)[0], int(value)))


def _answer(invoke: HistoryRow, completion: HistoryRow | None) -> Answer:
    region = invoke.client.split("/", 1)[0]
    assert isinstance(invoke.key, int)
    amount = invoke.value if isinstance(invoke.value, int) else 0
    known = (invoke.op, region, invoke.key, amount, invoke.t_us)
    asked = (invoke.f, invoke.value)
    if completion is None or completion.kind is Kind.INFO:
        return Answer(*known, None, Outcome.UNANSWERED, *asked)
    if completion.kind is Kind.OK:
        return Answer(*known, completion.t_us, Outcome.ACCEPTED, *asked, completion.version)
    denied = str(completion.value).startswith("denied:")
    return Answer(*known, completion.t_us, Outcome.DENIED if denied else Outcome.REFUSED, *asked, completion.version)


def first_cut(scenario: Scenario) -> Window | None:
    """The window and the smaller side of the partition that begins first, in whole regions."""
    cuts = [f for f in scenario.faults if isinstance(f.at, int) and KINDS[f.kind].cuts(f, scenario.topology)]
    if not cuts:
        return None
    fault = min(cuts, key=lambda f: (f.at, f.id))
    assert isinstance(fault.at, int)
    topology = scenario.topology
    struck = {host for target in fault.targets for host in topology.select(target)}
    regions = frozenset(
        region
        for region in topology.regions
        if all(host.index in struck for host in topology.hosts if host.region == region)
    )
    if 2 * len(regions) > len(topology.regions):
        regions = frozenset(topology.regions) - regions
    end_us = scenario.until_us if fault.for_us is None else fault.at + fault.for_us
    return Window(fault.at, end_us, regions)
