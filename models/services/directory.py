"""The registry that clients ask: who runs now, by the leases that instances renew.

There are two halves of the registry. Who *may* run is in the log of assignments, on a Raft group: it must be agreed
upon, so a cut-off minority decides nothing. Who *does* run is here, in a directory beside each member of that group,
and in no log: instances tell every directory, a restart learns it anew within a heartbeat, and a directory that is
cut off from the others goes on answering. Availability where staleness is harmless (acts are fenced), agreement
where it is not.

A directory whose instances all fall silent is more likely cut off than they are dead, and a list of the dead is of
more use than none. So it keeps all of them while more than a share are overdue: Eureka's self-preservation.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from models.services.options import ControlOptions
from models.services.words import Beat, Entry, Find, Found, Gone
from sim.host import Context, Service, handles
from sim.topology import Location

__all__ = ["Directory"]


class _Lease(NamedTuple):
    """An instance, and when it last renewed."""

    epoch: int
    at: Location
    renewed_us: int


class Directory(Service):
    """One directory.

    Attributes:
        preserving: Whether it keeps what lapsed.
    """

    NOTES: ClassVar[frozenset[str]] = frozenset({"preserves=begins", "preserves=ends"})

    def __init__(self, ctx: Context, control: ControlOptions) -> None:
        super().__init__(ctx)
        self.control = control
        self.preserving = False
        self._leases: dict[int, _Lease] = {}
        self._heard = False

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What it listed last, and has heard since, by slot."""
        return tuple(Entry(slot, lease.epoch, lease.at) for slot, lease in sorted(self._leases.items()))

    @handles(Beat)
    def on_beat(self, msg: Beat, sender: Location) -> None:
        """Renew a lease; of two instances of a slot only the later epoch counts."""
        self._heard = True
        known = self._leases.get(msg.slot)
        if known is None or msg.epoch >= known.epoch:
            self._leases[msg.slot] = _Lease(msg.epoch, sender, self.ctx.mono_us())

    @handles(Gone)
    def on_gone(self, msg: Gone, sender: Location) -> None:
        """Drop the lease of one that does not count: it is not silent, it is over."""
        known = self._leases.get(msg.slot)
        if known is not None and known.epoch <= msg.epoch:
            del self._leases[msg.slot]
            self._heard = bool(self._leases)  # of who came after the last it has heard nothing yet

    @handles(Find)
    def on_find(self, msg: Find, sender: Location) -> Found:
        """List what runs; one that has heard of nothing yet does not know."""
        self._lapse()
        return Found(entries=self.entries, knows=self._heard)

    def keeps(self, overdue: int, known: int) -> bool:
        """Whether so many that are overdue say more of this directory than of them."""
        return overdue > self.control.preserve * known

    def _lapse(self) -> None:
        now_us, lease_us = self.ctx.mono_us(), self.control.lease_us
        silent = {slot: now_us - lease.renewed_us for slot, lease in self._leases.items()}
        # Leases do not lapse all at one instant: those half over count, or they would go one by one.
        overdue = sum(us >= lease_us // 2 for us in silent.values())
        keeps = self.keeps(overdue, len(silent))
        if keeps is not self.preserving:
            self.preserving = keeps
            self.ctx.note("preserves", "begins" if keeps else "ends")
        if not keeps:
            for slot, us in silent.items():
                if us >= lease_us:
                    del self._leases[slot]
