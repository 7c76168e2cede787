"""What rights a cut strands: the cut-off region has them, and others asked for them in vain.

At the end of a run nothing is stranded any more: the cut has healed, or what a lost region had left was taken over. So
it is looked at just before that, from outside, since no store of one side can know what the other has left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, cast

from experiments.measures import Observation, Outcome
from experiments.measures.observation import first_cut
from experiments.scenario import Scenario
from models.demand import command_of
from models.domain import Command, Denied
from models.merging.policy import RightsRule
from models.split import SplitShard
from models.system import System
from sim.topology import Location
from sim.world import World

__all__ = ["Stranding"]

#: Outcomes of a command that got neither a yes nor a just no.
_VAIN: Final = (Outcome.REFUSED, Outcome.UNANSWERED)


class _View(NamedTuple):
    """A store, and what it held when it was looked at; `fresh` of aggregates that it has never heard of."""

    shard: int
    number: int
    rule: RightsRule
    held: Mapping[int, Any]
    fresh: Any

    def of(self, account: int) -> Any:
        """What it held of an aggregate."""
        return self.held.get(account, self.fresh)


class Stranding:
    """Looks at all stores once, before the cut heals or its region is declared lost, and hears who waits for rights.

    Args:
        world: That will run.
        system: What runs in it, a split whose policy passes rights on.
        scenario: With a cut.
        lost_us: When the cut-off region is declared lost; 0 if it is not.
    """

    def __init__(self, world: World, system: System, scenario: Scenario, *, lost_us: int = 0) -> None:
        cut = first_cut(scenario)
        assert cut is not None, "nothing is stranded where nothing is cut"
        assert system.merging is not None, "only a split has rights"
        self._begin_us = cut.begin_us
        self._at_us = lost_us or cut.end_us
        self._gone = {scenario.topology.region_number(region) for region in cut.regions}
        self._world = world
        self._domain = system.merging.domain
        self._regions = {
            place: scenario.topology.region_number(name) for name, places in system.stores.items() for place in places
        }
        self._views: dict[Location, _View] = {}
        self._waited: list[tuple[int, Location, int]] = []
        world.on_note("waiting", lambda t_us, place, value: self._waited.append((t_us, place, int(value))))

    @property
    def looks(self) -> Mapping[int, Callable[[], object]]:
        """By time, when to look."""
        return {self._at_us: self._look}

    def _look(self) -> None:
        for place in self._regions:
            store = self._world.service(place)
            if not isinstance(store, SplitShard):
                continue
            merge, options, rule = store.merge, store.options, cast(object, store.merge.policy)
            if isinstance(rule, RightsRule):
                held = {instance: merge.held(instance) for instance in merge.instances()}
                self._views[place] = _View(options.shard, options.number, rule, held, merge.policy.begin())

    def stranded(self, seen: Observation) -> int:
        """Rights that the cut-off region had and others lacked; of each aggregate no more than either.

        A right that is one of a kind, which no grant passes on, counts once however many asked for it.
        """
        vain = {one.command_id: one for one in seen.answers if one.outcome in _VAIN}
        asked = {
            (place, command)
            for t_us, place, command in self._waited
            if self._begin_us <= t_us < self._at_us and command in vain and self._regions.get(place) not in self._gone
        }
        lacked: Counter[tuple[int, int]] = Counter()
        alone: set[tuple[int, int, object]] = set()
        for place, command in sorted(asked):
            view, one = self._views.get(place), vain[command]
            if view is None:
                continue
            wanted = command_of(self._domain, one.f, one.said)
            missing = view.rule.wanted(view.of(one.account), view.number, wanted)
            lacked[view.shard, one.account] += missing
            if not missing and self._decided_there_alone(view, one.account, wanted):
                alone.add((view.shard, one.account, one.said))
        return len(alone) + sum(min(n, self._kept(shard, account)) for (shard, account), n in lacked.items())

    def _decided_there_alone(self, view: _View, account: int, wanted: Command) -> bool:
        """Whether the cut-off side has a right that is one of a kind, such as to a seat."""
        if view.rule.decide(view.of(account), view.number, wanted) is not None:
            return False
        events = [one.rule.decide(one.of(account), one.number, wanted) for one in self._cut_off(view.shard)]
        return any(event is not None and event.__class__ is not Denied for event in events)

    def _kept(self, shard: int, account: int) -> int:
        """What stores of a shard on the cut-off side have left of an aggregate, by their own word."""
        return sum(view.rule.rights(view.of(account), view.number) for view in self._cut_off(shard))

    def _cut_off(self, shard: int) -> list[_View]:
        return [
            view for place, view in self._views.items() if view.shard == shard and self._regions[place] in self._gone
        ]
