"""Event addresses: where a domain fact stands in a tenancy, in 128 bits.

An address is type 32 | aggregate instance 64 | version 32. The type is scope 4 bits, one-hot
(region, cluster, host, service) | command or event 1 | domain 11 | sub-domain incarnation 16,
where 0 means that the domain is not split. Two regions that write one unsplit domain while
cut off from each other mint the *same* address for different facts, and the unequal contents
reveal it; with an incarnation each they cannot collide. Messages bear ids of the same layout
with their number in the place of the incarnation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from enum import IntEnum
from hashlib import blake2b
from marshal import dumps
from types import NoneType
from typing import Any, Final, NamedTuple

__all__ = [
    "BANK",
    "EventAddress",
    "EventType",
    "Scope",
    "conflicts",
    "content_hash",
    "message_type_id",
    "mint",
    "pack_type",
    "plain_hash",
    "unpack_type",
]

#: Domain numbers, 11 bits each.
BANK: Final = 1
REPLICATION: Final = 2
MONITORING: Final = 3
RECONCILIATION: Final = 4
STORE: Final = 5
GROUP: Final = 6
PUBLISHING: Final = 7
ARCHIVE: Final = 8
SEQUENCE: Final = 9
#: Membership of hosts, and what operators do by hand.
CONTROL: Final = 30
OPERATION: Final = 31
#: Leaderless quorums.
LEADERLESS: Final = 20
#: Raft.
CONSENSUS: Final = 21
#: The key space: routes, maps, and groups that hand over to one another.
KEYSPACE: Final = 24
#: Stages of a request on two hosts.
PIPELINE: Final = 48
#: Snapshots that are kept near to handlers.
LOADING: Final = 49
#: Heartbeats, and membership that hosts keep among themselves.
DETECTION: Final = 54
#: Services that are provisioned, and what controls them.
SERVICES: Final = 50
#: Tiers of services that retry.
RETRYING: Final = 51
#: Message queues: their lanes, and what producers and consumers say.
QUEUE: Final = 40
#: Effects on a world outside, what outboxes hand on, processes across aggregates.
EFFECTS: Final = 44
OUTBOX: Final = 45
PROCESSES: Final = 46
#: The read side: feeds of committed logs, and views kept of them.
READING: Final = 42
VIEWING: Final = 43
#: Evidence of who is up, handed on by layers, and what is believed of it.
CONFIDENCE: Final = 52
OPINIONS: Final = 53
#: Charges that are asked for by datagram or connection, and what is heard of who takes them.
RISK: Final = 55
#: Objects of small systems (`models.driver`), which belong to no domain.
PROBE: Final = 2047

_MAX_32: Final = (1 << 32) - 1
_PLAIN: Final = frozenset((int, float, str, bytes, bool, NoneType))


class Scope(IntEnum):
    """The level a type belongs to, one-hot; each level up is lower volume and goes first."""

    REGION = 8
    CLUSTER = 4
    HOST = 2
    SERVICE = 1


class EventType(NamedTuple):
    """The 32-bit type, taken apart."""

    scope: Scope
    command: bool
    domain: int
    incarnation: int


class EventAddress(NamedTuple):
    """The 128-bit address, taken apart; versions of an aggregate count from 1."""

    type_id: int
    instance: int
    version: int

    def pack(self) -> int:
        """The address as one 128-bit number.

        Raises:
            ValueError: a part outside its bits, or a scope that is not one-hot.
        """
        unpack_type(self.type_id)
        _check_range("instance", self.instance, 64)
        _check_range("version", self.version, 32)
        return self.type_id << 96 | self.instance << 32 | self.version

    @staticmethod
    def unpack(address: int) -> EventAddress:
        """Take a packed address apart; ValueError as for `pack`."""
        _check_range("address", address, 128)
        parts = EventAddress(address >> 96, address >> 32 & (1 << 64) - 1, address & _MAX_32)
        unpack_type(parts.type_id)
        return parts

    def text(self) -> str:
        """The address in UUID text form (its shape only: these are not RFC version bits)."""
        digits = f"{self.pack():032x}"
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

    @staticmethod
    def from_text(text: str) -> EventAddress:
        """Parse the UUID text form; ValueError if it is not that."""
        groups = text.split("-")
        if [len(group) for group in groups] != [8, 4, 4, 4, 12]:
            raise ValueError(f"{text!r} is not an address; write hex digits as 8-4-4-4-12")
        digits = "".join(groups)
        if not set(digits) <= set("0123456789abcdefABCDEF"):
            raise ValueError(f"{text!r} is not an address; its digits must be hexadecimal")
        return EventAddress.unpack(int(digits, 16))


def pack_type(scope: Scope, *, command: bool, domain: int, incarnation: int = 0) -> int:
    """The 32-bit type of a command or event of a domain; ValueError for a part out of range."""
    _check_range("domain", domain, 11)
    _check_range("incarnation", incarnation, 16)
    return Scope(scope) << 28 | command << 27 | domain << 16 | incarnation


def unpack_type(type_id: int) -> EventType:
    """Take a 32-bit type apart; refuses a scope that is not one-hot with a ValueError."""
    _check_range("type_id", type_id, 32)
    scope = type_id >> 28
    if scope not in (8, 4, 2, 1):
        raise ValueError(
            f"type {type_id:#010x} has scope bits {scope:04b}; exactly one may be set: "
            "1000 region, 0100 cluster, 0010 host, 0001 service"
        )
    return EventType(Scope(scope), bool(type_id >> 27 & 1), type_id >> 16 & (1 << 11) - 1, type_id & (1 << 16) - 1)


def mint(type_id: int, instance: int, version: int) -> int:
    """The packed address of an event of a type known to be good; the same as `EventAddress.pack`."""
    assert instance >> 64 == 0 == version >> 32, f"{instance=} or {version=} does not fit its bits"
    return type_id << 96 | instance << 32 | version


def message_type_id(scope: Scope, domain: int, number: int, *, command: bool = False) -> int:
    """The type id of the `number`-th message of a domain."""
    return pack_type(scope, command=command, domain=domain, incarnation=number)


def content_hash(content: object) -> int:
    """64 bits of BLAKE2b over the canonical bytes of a value; quickest for plain nested tuples.

    The bytes are those of `marshal` in its version 2, which knows neither references nor
    interned texts, so equal values have equal bytes in every Python and process. Marshal takes
    more than values, and a list for a tuple's neighbour: so what is not plain is refused or
    lowered first. Bytes say what type each part is of, and True is not 1.

    Raises:
        TypeError: a part is no value.
    """
    return plain_hash(content if _is_plain((content,)) else _lowered(content))


def plain_hash(plain: Any) -> int:
    """The `content_hash` of what is known to be built-in values in nested tuples, such as `content_of` makes."""
    return int.from_bytes(blake2b(dumps(plain, 2), digest_size=8).digest(), "big")


def conflicts(ours: Iterable[tuple[int, object]], theirs: Mapping[int, object]) -> list[int]:
    """The addresses that stand for different content on the two sides, in the order of `ours`.

    Args:
        ours: (address, event) pairs.
        theirs: Events by address. Equal content at an equal address is a duplicate, not a conflict.
    """
    return [
        address
        for address, event in ours
        if (other := theirs.get(address)) is not None and content_hash(event) != content_hash(other)
    ]


def _is_plain(values: tuple[object, ...]) -> bool:
    """Whether it holds nothing but exact built-in values, at any depth."""
    for value in values:
        kind = value.__class__
        if kind not in _PLAIN and (kind is not tuple or not _is_plain(value)):  # type: ignore[arg-type]
            return False
    return True


def _lowered(value: object) -> Any:
    """The same in plain types; a dataclass becomes a list, which no value is, of its name and fields."""
    if value.__class__ in _PLAIN:
        return value
    if isinstance(value, tuple):
        if _PLAIN.issuperset(map(type, value)):
            return tuple(value)  # a row, say, with or without names: its parts need no look each
        return tuple([_lowered(item) for item in value])
    if is_dataclass(value) and not isinstance(value, type):
        return [type(value).__name__, *(_lowered(getattr(value, field.name)) for field in fields(value))]
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, str):
        return "".join((value,))
    raise TypeError(f"{value!r} is not a value; events hold numbers, texts, bytes and tuples")


def _check_range(name: str, value: int, bits: int) -> None:
    if not 0 <= value < 1 << bits:
        raise ValueError(f"{name}={value} does not fit its {bits} bits; give 0..{(1 << bits) - 1}")
