"""What masters decide, as events of their log, and what all of them come to: the map, and the groups behind it.

A decision names the version of the map that it was taken on, and one that was superseded since changes nothing. So
the map is a pure function of the log, whoever wrote it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from models.domain import State
from models.keyspace.directory import Directory, Held
from models.keyspace.master import Decision, Merge, Reassign, Split, Superseded, apply
from models.keyspace.placement import Node
from models.keyspace.plan import Owners
from models.keyspace.tablets import Tablet, TabletMap
from models.store.log.entries import Control

__all__ = ["Adopted", "Decided", "Joined", "Leaving", "Left", "MapState", "Membership", "Taken"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """A node may hold something from now on."""

    node: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """A node shall hold nothing."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A node that holds nothing is gone."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """A map of servers that knew better than a master that had forgotten."""

    version: int
    held: tuple[Held, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided(Control):
    """An entry of the masters' log.

    Attributes:
        version: Of the map on which it was decided.
        action: What was decided.
    """

    version: int
    action: Split | Merge | Reassign | Joined | Leaving | Left | Adopted

    def after(self, state: State) -> Taken:
        """One more was taken; what they come to is `MapState`."""
        return Taken(count=state.count + 1 if isinstance(state, Taken) else 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken(State):
    """So many decisions stand in the log."""

    count: int


class Membership(Protocol):
    """A placement whose nodes come and go."""

    @property
    def nodes(self) -> tuple[int, ...]:
        """Who they are."""

    def owners(self, key: int, n: int) -> tuple[int, ...]:
        """The first `n` owners of a key."""

    def join(self, node: Node) -> Membership:
        """With one more."""

    def leave(self, number: int) -> Membership:
        """With one less."""


@dataclass(slots=True, kw_only=True)
class MapState:
    """What decisions come to: the map, the directory of groups behind it, who leaves, and the placement if one decides.

    Attributes:
        tablets: The map.
        directory: The groups.
        n: Owners of a stretch.
        placement: What says who they are; None for range tablets, where the master does.
        leaving: Who shall hold nothing.
        joined: Who came, in order.
        taken: How many decisions of each kind there were.
        deciders: Numbers of the masters who took them.
    """

    tablets: TabletMap
    directory: Directory
    n: int
    placement: Membership | None
    leaving: list[int] = field(default_factory=list)
    joined: list[int] = field(default_factory=list)
    taken: Counter[str] = field(default_factory=Counter)
    deciders: set[int] = field(default_factory=set)

    @property
    def owners(self) -> Owners | None:
        """Of a partition by its number, which is placed as a key is; None for range tablets."""
        placement = self.placement
        return None if placement is None else lambda partition: placement.owners(partition, self.n)

    def follow(self, decided: Decided, nodes: Mapping[int, Node], by: int) -> None:
        """Take the next decision of the log, by a master; one that was superseded changes nothing."""
        self.deciders.add(by)
        action = decided.action
        self.taken[type(action).__name__.lower()] += 1
        if isinstance(action, Joined):
            self.tablets = self.tablets.join(action.node)
            self.joined.append(action.node.number)
            if self.placement is not None:
                self.placement = self.placement.join(action.node)
            self.directory = self.directory.at_version(self.tablets.version)
        elif isinstance(action, Leaving):
            self.leaving.append(action.number)
            self.joined = [number for number in self.joined if number != action.number]
            if self.placement is not None:
                self.placement = self.placement.leave(action.number)
        elif isinstance(action, Left):
            self.tablets = self.tablets.leave(action.number)
            self.leaving.remove(action.number)
            self.directory = self.directory.at_version(self.tablets.version)
        elif isinstance(action, Adopted):
            self._adopt(action, nodes)
        else:
            made = apply(self.tablets, Decision(version=decided.version, action=action))
            if not isinstance(made, Superseded):
                self.directory = self.directory.after(made, action)
                self.tablets = made

    def _adopt(self, action: Adopted, nodes: Mapping[int, Node]) -> None:
        numbers = {number for one in action.held for number in one.owners} | set(self.tablets.nodes)
        tablets = [Tablet(begin=one.begin, end=one.end, owners=one.owners, version=one.version) for one in action.held]
        members = [nodes[number] for number in sorted(numbers)]
        for node in members:
            if self.placement is not None and node.number not in (*self.placement.nodes, *self.leaving):
                self.placement = self.placement.join(node)
        self.tablets = TabletMap(tablets, members, spread=self.tablets.spread, version=action.version)
        self.directory = Directory(action.held, self.directory.on_line, action.version)
