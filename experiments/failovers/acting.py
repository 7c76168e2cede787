"""What was done upon suspicions, against whom, and who took himself for the owner meanwhile: read from notes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import inf
from typing import Any, NamedTuple, Protocol

from experiments.failovers.arms import Use
from sim.topology import Location, host_of
from sim.world import World

__all__ = ["Act", "Role", "Witness", "both_us", "witness"]


class Act(NamedTuple):
    """Something was done because a host was suspected; `what` is the office, segment or slot that it had."""

    t_us: int
    against: str
    what: str


class Role(NamedTuple):
    """From now on a host takes itself for the owner of something, or not."""

    t_us: int
    host: str
    owns: bool
    what: str = ""


class Witness(Protocol):
    """Hears the notes of a world."""

    def acts(self) -> list[Act]:
        """In order of time."""
        ...

    def roles(self) -> list[Role]:
        """In order of time."""
        ...

    def again_us(self, host: str, died_us: int) -> float:
        """When all was done that a host's death calls for; infinite if it never was."""
        ...


def witness(use: Use, world: World) -> Witness:
    """Who hears what is done by a use; call it before the world runs."""
    if use is Use.ELECTION:
        return _Elections(world)
    if use is Use.CLAIM:
        return _Claims(world)
    if use is Use.MONITOR:
        return _Monitors(world)
    return _Detours(world, "detour" if use is Use.ROUTE else "stood-in")


def both_us(roles: Sequence[Role], until_us: int) -> int:
    """How long more than one host took itself for the owner of one thing, summed over things."""
    return sum(_both_us([role for role in roles if role.what == what], until_us) for what in {r.what for r in roles})


def _both_us(roles: Sequence[Role], until_us: int) -> int:
    owning: set[str] = set()
    total = 0
    for role, following in pairwise([*sorted(roles), Role(until_us, "", False)]):
        (owning.add if role.owns else owning.discard)(role.host)
        total += (following.t_us - role.t_us) * (len(owning) > 1)
    return total


class _Hearing:
    """Notes by name, in order of time: (time, path of the host, value)."""

    def __init__(self, world: World, *names: str) -> None:
        self.topology = world.topology
        self.noted: list[tuple[int, str, str, Any]] = []
        for name in names:
            world.on_note(name, self._heard(name))

    def _heard(self, name: str) -> Any:
        return lambda t_us, location, value: self.noted.append((t_us, self.path(location), name, value))

    def path(self, location: Location) -> str:
        """Of the host that a service is on."""
        return self.topology.hosts[self.topology.index_of(host_of(location))].path

    def of(self, *names: str) -> list[tuple[int, str, Any]]:
        """Those of some names."""
        return [(t_us, host, value) for t_us, host, name, value in self.noted if name in names]


class _Elections(_Hearing):
    """Leaders of one group: whoever follows another deposed it."""

    def __init__(self, world: World) -> None:
        super().__init__(world, "elected", "role")

    def acts(self) -> list[Act]:
        return [Act(t_us, before, "") for (_, before, _), (t_us, _, _) in pairwise(self.of("elected"))]

    def roles(self) -> list[Role]:
        return [Role(t_us, host, value == "home") for t_us, host, value in self.of("role")]

    def again_us(self, host: str, died_us: int) -> float:
        return min((t_us for t_us, _, _ in self.of("elected") if t_us >= died_us), default=inf)


class _Claims(_Hearing):
    """Segments of a read side: one that was stolen had an owner, who goes on until the views refuse it."""

    def __init__(self, world: World) -> None:
        super().__init__(world, "claimed", "stolen", "fenced")

    def acts(self) -> list[Act]:
        found, owner = [], dict[int, str]()
        for t_us, host, name, segment in self.noted:
            if name == "stolen" and segment in owner:
                found.append(Act(t_us, owner[segment], str(segment)))
            elif name == "claimed":
                owner[segment] = host
        return found

    def roles(self) -> list[Role]:
        found, owner = [], dict[int, str]()
        stolen: set[int] = set()
        for t_us, host, name, segment in self.noted:
            if name == "stolen":
                stolen.add(segment)
            elif name == "fenced":
                found.append(Role(t_us, host, False, str(segment)))
            else:
                if segment in owner and segment not in stolen:
                    # It was let go of before it was claimed again.
                    found.append(Role(t_us, owner[segment], False, str(segment)))
                stolen.discard(segment)
                owner[segment] = host
                found.append(Role(t_us, host, True, str(segment)))
        return found

    def again_us(self, host: str, died_us: int) -> float:
        owner = {segment: at for t_us, at, segment in self.of("claimed") if t_us < died_us}
        lost = [segment for segment, at in owner.items() if at == host]
        taken = [
            min((t_us for t_us, _, one in self.of("claimed") if one == segment and t_us >= died_us), default=inf)
            for segment in lost
        ]
        return max(taken, default=died_us)


class _Monitors(_Hearing):
    """Slots of a service: the instance that is replaced goes on until it hears of it."""

    def __init__(self, world: World) -> None:
        super().__init__(world, "opened", "deposed", "replaced")

    def acts(self) -> list[Act]:
        found, holder = [], dict[str, str]()
        for t_us, host, name, value in self.noted:
            if name == "opened":
                holder[value.partition("/")[0]] = host
            elif name == "replaced" and str(value) in holder:
                found.append(Act(t_us, holder[str(value)], str(value)))
        return found

    def roles(self) -> list[Role]:
        return [
            Role(t_us, f"{host}#{value}", name == "opened", value.partition("/")[0])
            for t_us, host, name, value in self.noted
            if name != "replaced"
        ]

    def again_us(self, host: str, died_us: int) -> float:
        holder = {value.partition("/")[0]: at for t_us, at, value in self.of("opened") if t_us < died_us}
        lost = [slot for slot, at in holder.items() if at == host]
        taken = [
            min(
                (t_us for t_us, _, value in self.of("opened") if value.partition("/")[0] == slot and t_us >= died_us),
                default=inf,
            )
            for slot in lost
        ]
        return max(taken, default=died_us)


class _Detours(_Hearing):
    """Operations that went around somebody, or for which others stood in."""

    def __init__(self, world: World, name: str) -> None:
        super().__init__(world, name)
        self._name = name
        self._servers = [host.path for host in world.topology.hosts if not host.client]

    def acts(self) -> list[Act]:
        # A quorum's replicas are numbered as the servers are; clients of a group name the member itself.
        return [
            Act(t_us, self._servers[value] if value < len(self._servers) else self.path(Location(value)), "")
            for t_us, _, value in self.of(self._name)
        ]

    def roles(self) -> list[Role]:
        return []

    def again_us(self, host: str, died_us: int) -> float:
        return min((act.t_us for act in self.acts() if act.against == host and act.t_us >= died_us), default=inf)
