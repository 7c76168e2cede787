"""Observers that tell each other what they heard at first hand, with nobody above them.

Every host pulses to each of them, and each tells the others until when it listened and when what it last heard of every
host was sent. What comes of that is up to an ear: a belief is one, and so is whatever writes down what came. A witness
hands on only what it heard itself, so nothing is counted twice however many there are. Observers by layers, whose
reports cost less, are in `observing`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from models.confidence.evidence import Evidence
from models.confidence.words import Pulse, Statement
from models.detection.refusals import at_least, refuse
from sim.host import Context, Service, handles
from sim.topology import Location, host_of

__all__ = ["Ear", "MakeEar", "Witness", "WitnessOptions"]


class Ear(Protocol):
    """Whoever makes something of evidence, such as a belief."""

    def heard(self, subject: Location, sent_us: int, at_us: int) -> None:
        """A pulse came; its time of sending is by the sender's wall clock, or of the arrival where that runs ahead."""
        ...

    def learn(self, evidence: Evidence) -> None:
        """Another told what it heard at first hand."""
        ...


#: Makes an ear at a location, which begins to listen at an instant; anew after each restart.
MakeEar = Callable[[Location, int], Ear]


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessOptions:
    """Whom a witness listens to, and whom it tells.

    Attributes:
        subjects: Hosts, whose pulses count.
        tells: Other witnesses.
        every_us: Between statements.
    """

    subjects: tuple[Location, ...]
    tells: tuple[Location, ...]
    every_us: int

    def __post_init__(self) -> None:
        refuse((at_least("every_us", self.every_us, 1), None if self.subjects else "subjects is empty; name one"))


class Witness(Service):
    """Hears pulses, and tells other witnesses of them.

    Args:
        ctx: Its host.
        options: Whom it listens to.
        make: What makes something of it; None where it only tells.
    """

    def __init__(self, ctx: Context, options: WitnessOptions, make: MakeEar | None = None) -> None:
        super().__init__(ctx)
        self._options = options
        self._ear = None if make is None else make(ctx.location, ctx.now_us())
        self._subjects = frozenset(options.subjects)
        self._sent_us: dict[Location, int] = {}

    def start(self) -> None:
        """What it heard is gone with its last life."""
        if self._options.tells:
            self.ctx.set_timer(self.ctx.rng("phase").below(self._options.every_us), self._tell)

    @handles(Pulse)
    def on_pulse(self, msg: Pulse, sender: Location) -> None:
        """A host lives."""
        host = host_of(sender)
        if host not in self._subjects:
            return
        now_us = self.ctx.now_us()
        # A clock that runs ahead must not make a heartbeat come before it was sent.
        sent_us = min(msg.sent_us, now_us)
        self._sent_us[host] = max(sent_us, self._sent_us.get(host, -1))
        if self._ear is not None:
            self._ear.heard(host, sent_us, now_us)

    @handles(Statement)
    def on_statement(self, msg: Statement, sender: Location) -> None:
        """Another witness heard this; what it heard of this host tells of the way there."""
        if self._ear is None:
            return
        own = host_of(self.ctx.location)
        for host, sent_us in msg.heard:
            if host in self._subjects or host == own:
                # Of two clocks one may be ahead.
                looked_us = max(msg.looked_us, sent_us)
                self._ear.learn(Evidence(subject=host, origin=sender, sent_us=sent_us, looked_us=looked_us))

    def _tell(self) -> None:
        told = Statement(self.ctx.now_us(), tuple(sorted(self._sent_us.items())))
        for other in self._options.tells:
            self.ctx.send(other, told)
        self.ctx.set_timer(self._options.every_us, self._tell)
