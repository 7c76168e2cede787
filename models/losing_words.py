"""What is said where a part is given up, told so, and taken back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from models.addressing import REPLICATION, Scope, message_type_id
from models.merging.settled import Settled
from models.store.log.entries import Entry, all_bytes
from sim.message import Message
from sim.topology import Location

__all__ = ["FenceOff", "FetchSettled", "GiveUp", "SettledRun", "Standing", "TakeBack", "TakenBack", "WasLost"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FenceOff(Message):
    """Take nothing more from a part, and settle nothing, until it is given up.

    Attributes:
        lost: Which.
        times: For the how-manieth time, as whoever asks again knows; 0 where it is asked for the first time. Who has
            given it up so often is not to do it once more, though it may have taken it back since.
    """

    type_id: ClassVar[int] = message_type_id(Scope.HOST, REPLICATION, 5)
    lost: Location
    times: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing(Message):
    """How far a part that is fenced is.

    Attributes:
        cut_us: Up to here its records are on its disk.
        received: How many writes of the lost part are in its view, and on its disk.
        given_up: Whether it has given that part up already, and then at `received`.
        times: How often, this time included.
    """

    type_id: ClassVar[int] = message_type_id(Scope.HOST, REPLICATION, 6)
    cut_us: int
    received: int
    given_up: bool
    times: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp(Message):
    """Wait for a part no more: it counts up to a position; who is behind finds the records with `best`."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, REPLICATION, 7)
    lost: Location
    upto: int
    best: Location


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchSettled(Message):
    """What was settled above a cut, if you please, and what was heard of a part beyond a position, if one is named."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, REPLICATION, 8)
    after_us: int
    lost: int = 0
    after: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledRun(Message):
    """Records of a merge, in order, and entries that were heard, without a gap."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, REPLICATION, 9)
    records: tuple[Settled, ...]
    entries: tuple[Entry, ...] = ()

    def work(self) -> int:
        """As many units as there are records and entries."""
        return len(self.records) + len(self.entries) or 1

    def wire_bytes(self) -> int:
        """A sum over what each says."""
        records = sum(64 + 16 * len(r.vector) + 48 * len(r.outputs) + 160 * len(r.held) for r in self.records)
        return 80 + records + all_bytes(self.entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class WasLost(Message):
    """You were declared lost at a position."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, REPLICATION, 10)
    upto: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeBack(Message):
    """You have all that we wrote while we were lost: wait for us again, we write on from behind a position.

    Attributes:
        lost: Who.
        upto: The position.
        times: How often we were declared lost, so that no late word of an earlier return counts.
    """

    type_id: ClassVar[int] = message_type_id(Scope.HOST, REPLICATION, 21)
    lost: Location
    upto: int
    times: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack(Message):
    """You are waited for again.

    Attributes:
        cut_us: Nothing may be stamped at or below.
        received: By sub-domain, how many writes whoever says this has: decide on nothing before you have them too.
    """

    type_id: ClassVar[int] = message_type_id(Scope.HOST, REPLICATION, 22)
    cut_us: int
    received: tuple[tuple[int, int], ...]
