"""What a caller and whoever takes its charges say to each other; datagrams, unless a world carries them otherwise.

`models.effects.words` says the same on connections, for performers. Here the transport is the experiment's to choose
(`ConnectionOptions.carried`), since what silence means depends on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from models.addressing import RISK, Scope, message_type_id
from sim.message import Message

__all__ = ["CARRIED", "Charge", "ChargeIs", "ChargeRefused", "Charged", "PayeeBeat", "WhatOfCharge"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge(Message):
    """A request for what cannot be undone; fields as of `Act`."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, RISK, 1, command=True)
    key: int
    token: int
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Charged(Message):
    """It is done, `before` if it had been when this was asked."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, RISK, 2)
    key: int
    receipt: int
    before: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeRefused(Message):
    """Somebody with a later token has asked about it; what was refused is not done."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, RISK, 3)
    key: int
    token: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatOfCharge(Message):
    """A question for what became of it; who fences refuses from then on what has an earlier token."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, RISK, 4, command=True)
    key: int
    token: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeIs(Message):
    """What became of it: its receipt, or 0 if it was not done."""

    type_id: ClassVar[int] = message_type_id(Scope.SERVICE, RISK, 5)
    key: int
    receipt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PayeeBeat(Message):
    """Whoever takes charges lives, and could send this at `sent_us` of its wall clock; always a datagram."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, RISK, 6)
    number: int
    sent_us: int


#: Whatever may go on connections instead, by class name.
CARRIED: Final = frozenset({"Charge", "Charged", "ChargeRefused", "WhatOfCharge", "ChargeIs"})
