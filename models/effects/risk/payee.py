"""Whoever takes charges: a world outside as `Outside` is, reached by datagram, that also sends heartbeats."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, ClassVar

from models.effects.outside import Outside, OutsideOptions
from models.effects.risk.words import Charge, Charged, ChargeIs, ChargeRefused, PayeeBeat, WhatOfCharge
from models.effects.words import Act, Acted, WhatOf
from sim.host import Context, Wait, handles
from sim.topology import Location

__all__ = ["Payee"]


class Payee(Outside):
    """A receiver with heartbeats.

    Args:
        ctx: Its host.
        options: What it can do.
        listeners: Who hears its heartbeats.
        beat_us: Between them.
    """

    POINTS: ClassVar[frozenset[str]] = Outside.POINTS

    def __init__(self, ctx: Context, options: OutsideOptions, listeners: tuple[Location, ...], beat_us: int) -> None:
        super().__init__(ctx, options)
        if beat_us < 1:
            raise ValueError(f"{beat_us=} is no interval; give at least 1")
        self._listeners = listeners
        self._beat_us = beat_us
        self._beats = 0

    def start(self) -> None:
        """Read the book, and begin to beat."""
        super().start()
        self._beat()

    def _beat(self) -> None:
        beat = PayeeBeat(number=self._beats, sent_us=self.ctx.now_us())
        self._beats += 1
        for listener in self._listeners:
            self.ctx.send(listener, beat)
        self.ctx.set_timer(self._beat_us, self._beat)

    @handles(Charge)
    def on_charge(self, msg: Charge, sender: Location) -> Generator[Wait, Any, Charged | ChargeRefused]:
        """Do it, or say why not."""
        found = yield from self.on_act(Act(key=msg.key, once=msg.key, token=msg.token, amount=msg.amount), sender)
        if isinstance(found, Acted):
            return Charged(key=msg.key, receipt=found.receipt, before=found.before)
        return ChargeRefused(key=msg.key, token=found.token)

    @handles(WhatOfCharge)
    def on_what_of_charge(self, msg: WhatOfCharge, sender: Location) -> Generator[Wait, Any, ChargeIs] | None:
        """What became of it; nothing, where it cannot be asked."""
        asked = self.on_what_of(WhatOf(key=msg.key, token=msg.token), sender)
        return None if asked is None else self._told(asked)

    @staticmethod
    def _told(asked: Generator[Wait, Any, Any]) -> Generator[Wait, Any, ChargeIs]:
        found = yield from asked
        return ChargeIs(key=found.key, receipt=found.receipt)
