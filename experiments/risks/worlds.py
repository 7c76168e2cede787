"""Worlds with a caller, a payee in another region, and a network that loses messages or is cut.

A round trip is the sum of two exponential delays, as the printed table has it. Losses are of each direction by itself.
Cuts are of both ways, in one world of the way back alone, at equal intervals and at an offset that is drawn; between
them nothing is lost. They heal, and heartbeats come again; on datagrams what they met is lost, on connections it waits.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Final

from experiments.risks.arms import (
    BACK,
    BEAT_US,
    CUT,
    CUT_US,
    GIVE_UP_US,
    ONE_WAY_US,
    PERIOD_US,
    STREAM,
    UNIFORM,
    UNIFORM_CUT_US,
    UNIFORM_PERIOD_US,
    losses_of,
    receiver_of,
    rules_of,
)
from models.effects.outside import OutsideOptions
from models.effects.risk import Caller, CallerOptions, Payee
from models.effects.risk.words import CARRIED
from sim.chance import Chance
from sim.faults import Fault
from sim.host import Context, HostOptions, Placement
from sim.latency import Exponential, LatencyModel, Tier
from sim.network.stream import ConnectionOptions
from sim.topology import Location, at_service, grid
from sim.world import World

__all__ = ["BEGINS_US", "ENDS_US", "RATES_PER_S", "Staged", "cuts_of", "staged"]

BEGINS_US: Final = 1_000_000
ENDS_US: Final = 25_000_000
#: After the last charge every rule has given up or was answered, and what was queued has been executed.
_UNTIL_US: Final = ENDS_US + GIVE_UP_US + CUT_US
RATES_PER_S: Final = MappingProxyType({CUT: 25.0, BACK: 25.0, STREAM: 10.0, UNIFORM: 60.0})
_RATE_PER_S: Final = 40.0
_HERE: Final = "here"
_THERE: Final = "there"


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """A world that is ready to run.

    Attributes:
        world: Not yet run.
        cuts: Begin and end of each cut.
        until_us: When everything is settled.
    """

    world: World
    cuts: tuple[tuple[int, int], ...]
    until_us: int

    @property
    def caller(self) -> Caller:
        """Who charges."""
        found = self.world.service_named(f"{_HERE}/c1/h1", "caller")
        assert isinstance(found, Caller)
        return found

    @property
    def payee(self) -> Payee:
        """Who is charged."""
        found = self.world.service_named(f"{_THERE}/c1/h1", "payee")
        assert isinstance(found, Payee)
        return found


def cuts_of(scenario: str, seed: int) -> tuple[tuple[int, int], ...]:
    """Begin and end of each cut, at an offset that is the seed's alone."""
    if scenario not in (CUT, BACK, STREAM, UNIFORM):
        return ()
    period_us, cut_us = (UNIFORM_PERIOD_US, UNIFORM_CUT_US) if scenario == UNIFORM else (PERIOD_US, CUT_US)
    first_us = BEGINS_US + int(Chance(seed).generator("cuts").integers(period_us - cut_us))
    return tuple((begin_us, begin_us + cut_us) for begin_us in range(first_us, ENDS_US, period_us))


def staged(scenario: str, arm: str, seed: int) -> Staged:
    """A world of a scenario under an arm's rules."""
    topology = grid([_HERE, _THERE], clusters=1, hosts=1, cores=0, clients=0)
    latency = LatencyModel(
        one_way_us=MappingProxyType({(_HERE, _THERE): 0, (_THERE, _HERE): 0}),
        noise=MappingProxyType({Tier.BETWEEN_REGIONS: Exponential(float(ONE_WAY_US))}),
    )
    cuts = cuts_of(scenario, seed)
    kind = "partition-one-way" if scenario == BACK else "partition-full"
    faults = [
        Fault(id=f"cut-{number}", kind=kind, targets=(_THERE,), at=begin_us, for_us=end_us - begin_us)
        for number, (begin_us, end_us) in enumerate(cuts)
    ]
    for source, loss in zip((_HERE, _THERE), losses_of(scenario), strict=True):
        if loss:
            params = {"loss": loss, "one_way": True}
            faults.append(
                Fault(id=f"loss-{source}", kind="link-lossy", targets=(source,), at=0, for_us=None, params=params)
            )
    world = World(
        topology=topology,
        latency=latency,
        hosts=HostOptions(flush_us_min=0, flush_us_max=0),
        seed=seed,
        faults=faults,
        connections=ConnectionOptions(carried=CARRIED if scenario == STREAM else frozenset()),
    )
    here, there = (topology.servers(region)[0].location for region in (_HERE, _THERE))
    options = CallerOptions(
        payee=at_service(there, "payee"),
        rules=rules_of(scenario, arm),
        rate_per_s=RATES_PER_S.get(scenario, _RATE_PER_S),
        begins_us=BEGINS_US,
        ends_us=ENDS_US,
        beat_us=BEAT_US,
    )
    world.place(Placement(host=here, name="caller", make=partial(_caller, options), kind=Caller))
    listeners = (at_service(here, "caller"),)
    world.place(
        Placement(host=there, name="payee", make=partial(_payee, receiver_of(scenario, arm), listeners), kind=Payee)
    )
    return Staged(world=world, cuts=cuts, until_us=_UNTIL_US)


def _caller(options: CallerOptions, ctx: Context) -> Caller:
    return Caller(ctx, options)


def _payee(options: OutsideOptions, listeners: tuple[Location, ...], ctx: Context) -> Payee:
    return Payee(ctx, options, listeners, BEAT_US)
