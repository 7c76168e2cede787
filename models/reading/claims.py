"""Who should own which segment: consumers that hear from each other, and a detector for each.

Each consumer sends heartbeats to all others. Of a segment the first consumer in its order that is not
suspected should be the owner; who finds itself to be that claims it, and an owner that finds another before
itself lets go. A heartbeat says what its sender believes to own, so that a consumer that came back without its
memory is not waited for. All this only says who *tries*: that two may try, or one go on that was thought dead, is
what the token in the view is for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from models.detection import Detector, FixedTimeout
from models.reading.options import ProjectorOptions
from models.reading.words import Beat
from sim.host import Context

__all__ = ["Claims"]

_SUSPECTED: Final = 1.0


class Claims:
    """What one consumer thinks of the others.

    Args:
        ctx: Its host.
        options: Who it is.
    """

    def __init__(self, ctx: Context, options: ProjectorOptions) -> None:
        self._ctx = ctx
        self._options = options
        # Heartbeats of another life go on in the same rhythm: a detector by when they are due must not ignore them.
        self._sequence = ctx.mono_us() // options.beat_us
        self._owned: dict[int, tuple[int, ...]] = {}
        self._absent = set(options.absent)
        self._detectors: dict[int, Detector] = {
            number: FixedTimeout(options.suspect_us) if options.detector is None else options.detector.make()
            for number, _ in options.peers
        }

    def watch(self) -> None:
        """Begin: who is never heard of from now on must come to be suspected, too."""
        for detector in self._detectors.values():
            detector.observe(None, self._ctx.mono_us())

    def beat(self, owned: Iterable[int]) -> None:
        """Tell the others of oneself, and of the segments that one owns."""
        self._sequence += 1
        message = Beat(consumer=self._options.number, sequence=self._sequence, owned=tuple(sorted(owned)))
        for _, location in self._options.peers:
            self._ctx.send(location, message)

    def heard(self, beat: Beat) -> None:
        """One of them lives."""
        detector = self._detectors.get(beat.consumer)
        if detector is not None:
            detector.observe(beat.sequence, self._ctx.mono_us())
            self._absent.discard(beat.consumer)
            self._owned[beat.consumer] = beat.owned

    def left(self, number: int) -> None:
        """One of them has let go; nobody need wait for it until it is heard again."""
        self._absent.add(number)

    def suspects(self, number: int) -> bool:
        """Whether a consumer is suspected, or not there; oneself never."""
        if number in self._absent:
            return True
        detector = self._detectors.get(number)
        return detector is not None and detector.suspicion(self._ctx.mono_us()) >= _SUSPECTED

    def owns(self, number: int, segment: int) -> bool:
        """Whether a consumer that a view names as its owner is still to be thought so."""
        if number in (0, self._options.number) or self.suspects(number):
            return False
        return segment in self._owned.get(number, (segment,))

    def mine(self, segment: int) -> bool:
        """Whether oneself should own a segment: nobody before is thought to live."""
        for number in self._options.order[segment]:
            if number == self._options.number:
                return True
            if not self.suspects(number):
                return False
        return False
