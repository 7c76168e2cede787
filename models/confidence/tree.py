"""The tree of what can fail together: regions hold clusters hold hosts hold services, as one observer sees them.

A node's own trouble is that of all below it. So evidence of any host is evidence of its region, and this is where
posteriors of two hosts that share one must not be multiplied. A tree belongs to one observer: of a region's node
*cut* means cut off from there, and another observer has another tree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from models.confidence.priors import LEVELS, Hearing
from models.detection.refusals import refuse
from sim.topology import HostSpec, Location, pack_location, unpack_location

__all__ = ["Subject", "Tree", "cluster_of", "region_of", "tree_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One node of the tree.

    Attributes:
        name: Its location: of a region or a cluster with the fields below it at 0.
        level: Of `LEVELS`.
        within: What it stands in; None at the top.
        hearing: How it is heard itself; None if only through what stands in it.
    """

    name: Location
    level: str
    within: Location | None = None
    hearing: Hearing | None = None


class Tree:
    """Subjects, each after what it stands in; immutable.

    Args:
        subjects: In such an order.

    Attributes:
        subjects: The same.
        by_name: The same by name.

    Raises:
        ValueError: the order, a level or a name is wrong, or nothing is ever heard.
    """

    __slots__ = ("by_name", "subjects")

    def __init__(self, subjects: Iterable[Subject]) -> None:
        self.subjects = tuple(subjects)
        found: dict[Location, Subject] = {}
        mistakes = [] if self.subjects else ["subjects is empty; name at least one"]
        for subject in self.subjects:
            mistakes += _mistakes(subject, found)
            found[subject.name] = subject
        if self.subjects and not any(subject.hearing for subject in self.subjects):
            mistakes.append("nothing of the tree is ever heard; give one subject a hearing")
        refuse(mistakes)
        self.by_name: Mapping[Location, Subject] = MappingProxyType(found)

    def __repr__(self) -> str:
        return f"Tree({len(self.subjects)} subjects)"

    def __eq__(self, other: object) -> bool:
        return self.subjects == other.subjects if isinstance(other, Tree) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.subjects)

    def path(self, name: Location) -> tuple[Subject, ...]:
        """From the top to a subject.

        Raises:
            ValueError: it has no such subject.
        """
        path: list[Subject] = []
        step: Location | None = name
        while step is not None:
            subject = self.by_name.get(step)
            if subject is None:
                raise ValueError(f"{unpack_location(step)} is no subject of this tree; it has {len(self.subjects)}")
            path.append(subject)
            step = subject.within
        return tuple(reversed(path))


def _mistakes(subject: Subject, before: Mapping[Location, Subject]) -> list[str]:
    where = f"{tuple(unpack_location(subject.name))}"
    found = []
    if subject.level not in LEVELS:
        return [f"{where} is of level {subject.level!r}; choose of {', '.join(LEVELS)}"]
    if subject.name in before:
        found.append(f"{where} is named twice; name each once")
    if subject.within is not None:
        outer = before.get(subject.within)
        if outer is None:
            found.append(f"{where} stands in something that is not named before it; put that first")
        elif LEVELS.index(outer.level) >= LEVELS.index(subject.level):
            found.append(f"{where} is a {subject.level} in a {outer.level}, which is not above it; turn them round")
    return found


def region_of(location: Location) -> Location:
    """The name of a location's region."""
    return pack_location(unpack_location(location).region, 0, 0)


def cluster_of(location: Location) -> Location:
    """The name of a location's cluster."""
    parts = unpack_location(location)
    return pack_location(parts.region, parts.cluster, 0)


def tree_of(
    hosts: Iterable[HostSpec], hearing: Hearing, *, reports: Hearing | None = None, clusters: bool = True
) -> Tree:
    """The tree of some hosts, each heard by its heartbeats.

    Args:
        hosts: Whom to watch.
        hearing: How each is heard.
        reports: How the reports of clusters and regions are heard; None where hosts are heard directly.
        clusters: Whether clusters can fail together; without, hosts stand in their region.
    """
    found: dict[Location, Subject] = {}
    for host in hosts:
        region, cluster = region_of(host.location), cluster_of(host.location)
        found.setdefault(region, Subject(name=region, level="region", hearing=reports))
        if clusters:
            found.setdefault(cluster, Subject(name=cluster, level="cluster", within=region, hearing=reports))
        within = cluster if clusters else region
        found[host.location] = Subject(name=host.location, level="host", within=within, hearing=hearing)
    return Tree(subjects=tuple(found.values()))
