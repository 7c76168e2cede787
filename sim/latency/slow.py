"""What changes a link's delay and loss with time, for every message alike.

Single messages have noise of their own (`delays`); here is what they share: a step, the
swing of a day, another route, a stall, a burst of loss (`courses`). Each is a function of
seed, link and time, and of nothing else, so two arms under one seed meet the same.

A *rule* says what happens and on which links; who shares one course of it is part of the
rule: a route between two regions changes for all their hosts at once, and a host that
stalls delays whatever it sends to anybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sim.chance import Chance, Draws
from sim.latency.courses import Course, Kind
from sim.latency.tier import Tier
from sim.topology import HostSpec

__all__ = ["Shared", "Slow", "SlowRule"]


class Shared(StrEnum):
    """Which links follow one course of a rule."""

    LINK = "link"  # each ordered pair of hosts its own
    SOURCE = "source"  # all links that leave a host
    REGIONS = "regions"  # all links from one region to another


class Slow:
    """The slow component of one link: the sum of its courses' delays, their losses composed."""

    __slots__ = ("_courses",)

    def __init__(self, courses: Sequence[Course]) -> None:
        self._courses = tuple(courses)

    def delay_us(self, now_us: int) -> int:
        """What a message sent at `now_us` is delayed besides, whole microseconds >= 0."""
        return sum([course.delay_us(now_us) for course in self._courses])

    def loss(self, now_us: int) -> float:
        """The chance in [0, 1] that a message sent at `now_us` is lost: 1 - prod(1 - p)."""
        lost = 0.0
        for course in self._courses:
            chance = course.loss(now_us)
            lost += chance - lost * chance  # a single chance comes out exactly
        return lost


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowRule:
    """One thing that changes with time, and the links it is about.

    Attributes:
        name: Names its generators; unique among the rules of a model.
        what: What happens.
        src: Hosts that send: a region, `region/cluster`, a host's path, or `*`.
        dst: Hosts that receive, likewise.
        both_ways: Whether the way back is meant as well; each direction has its own course.
        tiers: Distances it is about. A host's messages to itself cross no link.
        shared: Who follows one course.
    """

    name: str
    what: Kind
    src: str = "*"
    dst: str = "*"
    both_ways: bool = False
    tiers: frozenset[Tier] = frozenset({Tier.BETWEEN_REGIONS})
    shared: Shared = Shared.LINK

    def __post_init__(self) -> None:
        if not self.name or "/" in self.name:
            raise ValueError(f"{self.name!r} cannot name a rule, being empty or with a slash; rename it")
        if not self.tiers or Tier.SAME_HOST in self.tiers:
            raise ValueError(f"tiers={sorted(self.tiers)} must hold links between hosts; leave same_host out")

    def covers(self, src: HostSpec, dst: HostSpec) -> bool:
        """Whether the rule is about messages from `src` to `dst`."""
        if Tier.of(src, dst) not in self.tiers:
            return False
        there = _names(self.src, src) and _names(self.dst, dst)
        return there or (self.both_ways and _names(self.src, dst) and _names(self.dst, src))

    def course(self, src: HostSpec, dst: HostSpec, chance: Chance) -> Course:
        """Its course on one link; links that share one get equal ones."""
        if self.shared is Shared.SOURCE:
            whose = src.path
        elif self.shared is Shared.REGIONS:
            whose = f"{src.region}>{dst.region}"
        else:
            whose = f"{src.path}>{dst.path}"
        return self.what.course(Draws(chance.afresh(f"slow/{self.name}/{whose}")))


def _names(selector: str, host: HostSpec) -> bool:
    return selector == "*" or host.path == selector or host.path.startswith(f"{selector}/")
