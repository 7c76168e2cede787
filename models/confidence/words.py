"""What hosts say about each other's health: pulses, reports of a cluster and of a region, and questions.

Each layer up has a message of its own scope, goes before the traffic of those below, and is sent less often. A report
is evidence: until when its sender listened, and when what it last heard of each host was sent. Hosts that were heard
lately are not listed one by one, so a report of a cluster that is well has the same few bytes whatever its size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from models.addressing import CONFIDENCE, OPINIONS, Scope, message_type_id
from models.confidence.answer import Answer
from sim.message import HEADER_BYTES, Message, Value
from sim.topology import Location

__all__ = [
    "ClusterNews",
    "ClusterReport",
    "Consult",
    "Opinion",
    "Probe",
    "Probed",
    "Pulse",
    "RegionReport",
    "Statement",
]


@dataclass(frozen=True, slots=True)
class Pulse(Message):
    """A host lives.

    Attributes:
        life: A random number that its present life bears.
        sequence: Of the pulses of this life, from 0.
        sent_us: By its wall clock.
    """

    type_id: ClassVar[int] = message_type_id(Scope.HOST, CONFIDENCE, 1)
    life: int
    sequence: int
    sent_us: int

    def wire_bytes(self) -> int:
        """Header and three numbers."""
        return HEADER_BYTES + 24


@dataclass(frozen=True, slots=True)
class ClusterNews(Value):
    """What is known of the hosts of one cluster.

    Attributes:
        cluster: Its name.
        looked_us: Until when its observer listened.
        floor_us: What it last heard of a host was sent since then, but for those listed.
        exceptions: A host's name, and when its last was sent, or -1 where none ever came.
    """

    cluster: Location
    looked_us: int
    floor_us: int
    exceptions: tuple[tuple[Location, int], ...]

    def bytes(self) -> int:
        """On the wire: a name and two numbers, and for each exception a number for its host and one for its time."""
        return 24 + 16 + 16 * len(self.exceptions)


@dataclass(frozen=True, slots=True)
class ClusterReport(Message):
    """A cluster's observer to its region's; that it comes is itself news of the cluster."""

    type_id: ClassVar[int] = message_type_id(Scope.CLUSTER, CONFIDENCE, 2)
    sent_us: int
    news: ClusterNews

    def wire_bytes(self) -> int:
        """Header, time and news."""
        return HEADER_BYTES + 8 + self.news.bytes()


@dataclass(frozen=True, slots=True)
class RegionReport(Message):
    """A region's observer to another region's: what its clusters last told it."""

    type_id: ClassVar[int] = message_type_id(Scope.REGION, CONFIDENCE, 3)
    sent_us: int
    news: tuple[ClusterNews, ...]

    def wire_bytes(self) -> int:
        """Header, time and news."""
        return HEADER_BYTES + 8 + sum(one.bytes() for one in self.news)


@dataclass(frozen=True, slots=True)
class Consult(Message):
    """What is believed of a subject?"""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, OPINIONS, 1, command=True)
    subject: Location


@dataclass(frozen=True, slots=True)
class Opinion(Message):
    """The answer of an observer; None where it does not watch the subject."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, OPINIONS, 2)
    answer: Answer | None


@dataclass(frozen=True, slots=True)
class Statement(Message):
    """What a witness heard at first hand, told to another.

    Attributes:
        looked_us: Until when it listened.
        heard: By host, when the latest that came was sent; those never heard of are left out.
    """

    type_id: ClassVar[int] = message_type_id(Scope.REGION, CONFIDENCE, 9)
    looked_us: int
    heard: tuple[tuple[Location, int], ...]

    def wire_bytes(self) -> int:
        """Header, a time, and for each host a number and a time."""
        return HEADER_BYTES + 8 + 16 * len(self.heard)


@dataclass(frozen=True, slots=True)
class Probe(Message):
    """A request for nothing but an answer."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, OPINIONS, 9, command=True)


@dataclass(frozen=True, slots=True)
class Probed(Message):
    """The answer."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, OPINIONS, 10)
