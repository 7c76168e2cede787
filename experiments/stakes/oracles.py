"""Those who know: a group whose members know who is up and reached, and handlers who know the newest version.

They know the present of the world that they decide in, and nothing of what comes: neither when a cut heals, nor that a
host which stands still will go on, nor who writes next. A model sees none of this, so oracles live here; they take part
in the store by the same doors as belief, and send the same messages, so that an arm costs what the others cost.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, ClassVar, Final

from models.clients import Workload
from models.confidence.leading import Leading, LeadWatch, Outlook
from models.domain import Domain
from models.layout import shard_of
from models.loading.asking import Store
from models.loading.believing import Weighing
from models.loading.deployment import loaded_store
from models.loading.handler import Handler
from models.loading.images import Key
from models.loading.options import LoadingOptions, Strategy
from models.loading.words import Image
from models.raft.deployment import raft
from models.raft.plan import RaftPlan
from models.raft.registers import RegisterShard
from models.store.options import MemberOptions
from models.store.shard import Shard
from models.system import Site, System
from sim.faults import KINDS, Fault
from sim.host import Context, Wait
from sim.topology import Location, host_of
from sim.world import World

__all__ = ["Present", "knowing_leads", "knowing_loads", "show"]

#: Somebody else decides on the same aggregate right now: who of the two comes first nobody can know.
_EVEN: Final = 0.5


class Present:
    """What is so now in one world; empty until it is shown that (`show`)."""

    def __init__(self) -> None:
        self._world: World | None = None
        self._faults: tuple[Fault, ...] = ()

    def see(self, world: World, faults: Sequence[Fault]) -> None:
        """Look at a world from now on; of its faults only those are told that are live when somebody asks."""
        assert all(isinstance(fault.at, int) for fault in faults), "what waits for a point has no time to look it up by"
        self._world, self._faults = world, tuple(faults)

    @property
    def world(self) -> World:
        """Whose present it is."""
        assert self._world is not None, "an oracle is shown its world before that runs"
        return self._world

    def up(self, member: Location) -> bool:
        """Whether a service runs, however slowly."""
        return self.world.service(member) is not None

    def joined(self, one: Location, other: Location) -> bool:
        """Whether both are up and no cut is between them, in either direction."""
        return self.up(one) and self.up(other) and not self._parted(one, other)

    def _parted(self, one: Location, other: Location) -> bool:
        world = self.world
        now_us, topology = int(world.env.now), world.topology
        ends = frozenset({topology.index_of(host_of(one)), topology.index_of(host_of(other))})
        for fault in self._faults:
            assert isinstance(fault.at, int)
            after_us = now_us - fault.at
            if after_us < 0 or (fault.for_us is not None and after_us >= fault.for_us):
                continue
            for cut in KINDS[fault.kind].cuts(fault, topology, after_us):
                if any(a in cut.src and b in cut.dst for a in ends for b in ends if a != b):
                    return True
        return False


def show(system: System, world: World, faults: Sequence[Fault]) -> None:
    """Show the oracles of a system, if it has any, the world that it runs in."""
    for placement in system.placements:
        kind = placement.kind
        if kind is not None and issubclass(kind, _Member | _Loader):
            kind.present.see(world, faults)


# -- who leads -------------------------------------------------------------------------------


class _Watch(LeadWatch):
    """Knows whether the leader leads, and whether another could be elected."""

    __slots__ = ("_here", "_present")

    def __init__(self, plan: Leading, own: Location, peers: Sequence[Location], present: Present) -> None:
        super().__init__(plan, own, peers)
        self._here = own
        self._present = present

    def look(
        self, now_us: int, lead: Location | None, reign: int, others: Sequence[Location], needed: int
    ) -> Outlook | None:
        if lead is None:
            return None
        present, voters = self._present, [self._here, *others]
        followed = sum(present.joined(lead, voter) for voter in voters)
        gone = followed < needed
        won = gone and sum(present.joined(self._here, other) for other in others) >= needed
        begins = won and self._acts_us is None
        self._acts_us = (now_us if begins else self._acts_us) if won else None
        return Outlook(float(gone), float(won), 0, won, begins)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Leading(Leading):
    """As its base, by the present."""

    present: Present

    def watch(self, own: Location, peers: Sequence[Location]) -> LeadWatch:
        return _Watch(self, own, peers, self.present)


class _Member(RegisterShard):
    """A member that knows."""

    present: ClassVar[Present]

    def __init__(self, ctx: Context, options: MemberOptions, domain: Domain[Any], *, plan: RaftPlan) -> None:
        assert isinstance(plan.detector, Leading), "an oracle takes the place of a belief"
        rule, every_us = plan.detector.rule, plan.detector.every_us
        knows = _Leading(rule=rule, every_us=every_us, present=self.present)
        super().__init__(ctx, options, domain, plan=replace(plan, detector=knows))


@wraps(raft)
def knowing_leads(site: Site, workload: Workload, **options: Any) -> System:
    """The store on Raft whose members know whether the leader leads; `detector` gives the costs, as for belief."""

    class Member(_Member):
        present: ClassVar[Present] = Present()

    return raft(site, workload, Member, **options)


# -- how to load -----------------------------------------------------------------------------


class _Knows(Weighing):
    """Knows whether a snapshot is the newest now, and whether somebody else decides on the same aggregate."""

    def __init__(
        self, options: LoadingOptions, newest: Callable[[Key], int | None], busy: Callable[[Key], int]
    ) -> None:
        super().__init__(options)
        self._newest_of = newest
        self._busy = busy
        self.held = 0

    def strategy(self, command_id: int, key: Key, age_us: int) -> Strategy:
        super().strategy(command_id, key, age_us)
        stale = float(self._newest_of(key) != self.held)
        return self._cheapest(stale, max(stale, _EVEN * (self._busy(key) > 1)))


class _Loader(Handler):
    """A handler that knows."""

    present: ClassVar[Present]
    #: Of all handlers of one store, how many commands are under way to an aggregate.
    under_way: ClassVar[dict[Key, int]]

    def __init__(self, ctx: Context, options: LoadingOptions, domain: Domain[Any]) -> None:
        super().__init__(ctx, options, domain)
        self._knows = _Knows(options, self._version, lambda key: self.under_way.get(key, 0))
        self.weighing = self._knows
        self.store = Store(ctx, options, self._knows.looked)

    def _version(self, key: Key) -> int | None:
        members = self.options.members[shard_of(key[1], len(self.options.members))]
        shards = [self.present.world.service(member) for member in members]
        leads = [one for one in shards if isinstance(one, Shard) and one.ready and one.leads]
        if not leads:
            return None
        stream = max(leads, key=lambda one: one.epoch).streams.get(key)
        return 0 if stream is None else stream.version

    def _aged(self, key: Key, weighing: Weighing) -> Generator[Wait, Any, tuple[Image | None, int]]:
        image, age_us = yield from super()._aged(key, weighing)
        self._knows.held = 0 if image is None else image.version
        return image, age_us

    def _weigh(self, msg: Any, key: Key, weighing: Weighing) -> Generator[Wait, Any, Any]:
        self.under_way[key] = self.under_way.get(key, 0) + 1
        return (yield from super()._weigh(msg, key, weighing))

    def _confirm(self, msg: Any, key: Key, found: Any) -> Generator[Wait, Any, Any]:
        answer = yield from super()._confirm(msg, key, found)
        self.under_way[key] -= 1
        return answer


@wraps(loaded_store)
def knowing_loads(site: Site, workload: Workload, **options: Any) -> System:
    """The store with handlers that know whether a snapshot is the newest; `strategy` gives the costs, as for belief."""

    class Loader(_Loader):
        present: ClassVar[Present] = Present()
        under_way: ClassVar[dict[Key, int]] = {}

    return loaded_store(site, workload, Loader, **options)
