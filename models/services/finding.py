"""What the users of one host know of who runs: found through a directory, kept, and looked up again when in doubt.

What is kept may be stale. That costs an attempt, or the patience of one where the instance is dead. A directory that is
silent, or has heard of nothing yet, changes nothing of what is kept; one that says that nobody runs is believed.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from models.services.options import ControlOptions
from models.services.words import Entry, Find, Found
from sim.host import Context, Wait
from sim.topology import Location

__all__ = ["Finder"]


class Finder:
    """One host's list of who runs.

    Args:
        ctx: The host.
        directories: Whom to ask, the nearest first.
        control: How long what was found is kept, and who is in doubt left alone.
        pause_us: Between looks, while another look is under way.

    Attributes:
        entries: Those that were found last.
        told_nobody: Whether the last answer was that nobody runs.
        refreshed: How often a refusal or a silence made it look again.
    """

    def __init__(self, ctx: Context, directories: tuple[Location, ...], control: ControlOptions, pause_us: int) -> None:
        self.entries: tuple[Entry, ...] = ()
        self.told_nobody = False
        self.refreshed = 0
        self._ctx = ctx
        self._directories = directories
        self._control = control
        self._pause_us = pause_us
        self._found_us: int | None = None
        self._looking = False
        self._avoided: dict[tuple[int, int], int] = {}

    @property
    def good(self) -> list[Entry]:
        """Those that nothing speaks against; all, if there is none of these."""
        return [one for one in self.entries if not self._is_avoided(one)] or list(self.entries)

    def until_found(self, deadline_us: int) -> Generator[Wait, Any, None]:
        """Look until there is somebody, a directory says that nobody runs, or time is up."""
        ctx = self._ctx
        while not self.entries and ctx.mono_us() < deadline_us:
            yield from self.look()
            if self.told_nobody:
                break
            if not self.entries:
                yield ctx.sleep(min(self._pause_us, max(0, deadline_us - ctx.mono_us())))

    def freshen(self) -> None:
        """Look again, beside whatever goes on, if what was found is old."""
        if self._found_us is None or self._ctx.mono_us() - self._found_us > self._control.cache_us:
            self.look_again()

    def doubt(self, entry: Entry) -> None:
        """Leave an instance alone for a lease, and look again."""
        self._avoided[entry.slot, entry.epoch] = self._ctx.mono_us() + self._control.lease_us
        self.refreshed += 1
        self.look_again()

    def look_again(self) -> None:
        """Look, beside whatever goes on."""
        if not self._looking:
            self._ctx.set_timer(0, self.look)

    def look(self) -> Generator[Wait, Any, None]:
        """Ask directories, the nearest first, until one knows."""
        if self._looking:
            yield self._ctx.sleep(self._pause_us)
            return
        self._looking = True
        for directory in self._directories:
            answer = yield self._ctx.call(directory, Find(), self._control.patience_us)
            if isinstance(answer, Found) and (answer.knows or answer.entries):
                self.entries = answer.entries
                self._found_us = self._ctx.mono_us()
                self.told_nobody = not answer.entries
                break
        self._looking = False

    def _is_avoided(self, entry: Entry) -> bool:
        return self._avoided.get((entry.slot, entry.epoch), 0) > self._ctx.mono_us()
