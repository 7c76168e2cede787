"""Requests that are sent to several hosts at the same instants, so that one knows what became of each.

Whoever decides sends one request and never learns what the others would have come to. A prober sends all of them; it is
how a comparison of decisions learns their fates, at the price of the load. A request that gets no answer is repeated,
as a client would, under its own number; the first answer counts.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.confidence.words import Probe, Probed
from models.detection.refusals import at_least, refuse
from sim.host import Context, Service, handles
from sim.topology import Location

__all__ = ["Answerer", "ProbeOptions", "Prober"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeOptions:
    """Who is asked, and when.

    Attributes:
        subjects: Those who answer.
        at_us: Instants, by the prober's wall clock, ascending.
        again_us: Pause before a request is repeated.
        attempts: How often it is sent at most.
    """

    subjects: tuple[Location, ...]
    at_us: tuple[int, ...]
    again_us: int = 200_000
    attempts: int = 3

    def __post_init__(self) -> None:
        refuse(
            (
                at_least("again_us", self.again_us, 1),
                at_least("attempts", self.attempts, 1),
                None if self.subjects else "subjects is empty; name one",
                None
                if all(a < b for a, b in zip(self.at_us, self.at_us[1:], strict=False))
                else "at_us does not ascend; sort it, each instant once",
            )
        )


class Answerer(Service):
    """Answers at once."""

    @handles(Probe)
    def on_probe(self, msg: Probe, sender: Location) -> Probed:
        """It is here."""
        return Probed()


class Prober(Service):
    """Asks all its subjects at each instant.

    Attributes:
        answered_us: By number of the instant and subject, after how long the first answer came; of others, nothing.
    """

    def __init__(self, ctx: Context, options: ProbeOptions) -> None:
        super().__init__(ctx)
        self._options = options
        self.answered_us: dict[tuple[int, Location], int] = {}

    def start(self) -> None:
        """Instants that are past are passed over."""
        now_us = self.ctx.now_us()
        for number, at_us in enumerate(self._options.at_us):
            if at_us >= now_us:
                self.ctx.set_timer(at_us - now_us, self._ask_all, number)

    def _ask_all(self, number: int) -> None:
        for subject in self._options.subjects:
            self._ask(number, subject, self.ctx.mono_us(), 1)

    def _ask(self, number: int, subject: Location, begun_us: int, attempt: int) -> None:
        if (number, subject) in self.answered_us:
            return
        options = self._options
        patience_us = options.again_us * options.attempts * 10
        self.ctx.call(subject, Probe(), patience_us).when_done(
            lambda reply: self._answered(number, subject, begun_us, reply)
        )
        if attempt < options.attempts:
            self.ctx.set_timer(options.again_us, self._ask, number, subject, begun_us, attempt + 1)

    def _answered(self, number: int, subject: Location, begun_us: int, reply: object) -> None:
        if isinstance(reply, Probed):
            self.answered_us.setdefault((number, subject), self.ctx.mono_us() - begun_us)
