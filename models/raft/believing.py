"""A member that stands for election by what it believes of its leader, in the place of a time-out.

Every member tells all others, as often as a leader beats, that it lives and whom it heard (`Heard`), which is n (n - 1)
short messages for n members beside the 2 (n - 1) of a heartbeat and its answers; that, and the heartbeats, is what its
belief goes by (`models.confidence.leading`). It looks twice in an interval. Belief says only
when a member stands: who sticks to a leader, votes or is elected is Raft's own affair, the minimum election time-out
and the random wait included, and where nobody leads Raft's own time-outs hold. So a belief that is wrong costs time.

One that slept through several of its looks stood still itself, and takes nobody's silence of that time for his.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from models.confidence.leading import Leading, LeadWatch
from models.detection import Detector
from models.domain import Domain
from models.raft.effects import Role
from models.raft.membership import seat_of
from models.raft.plan import RaftPlan
from models.raft.running import Running
from models.raft.words import Heard
from models.store.options import MemberOptions
from sim.host import Context, handles
from sim.topology import Location

__all__ = ["Believing"]

_PPM: Final = 1_000_000
#: Looks that were missed, from which on a member takes itself for the one that stood still.
_ASLEEP: Final = 3


class Believing(Running):
    """A member that takes part, and may believe; arguments as for the copy."""

    NOTES: ClassVar[frozenset[str]] = frozenset({"lead-gone", "lead-kept", "held-back"})

    def __init__(self, ctx: Context, options: MemberOptions, domain: Domain[Any], *, plan: RaftPlan) -> None:
        super().__init__(ctx, options, domain, plan=plan)
        self._lead_watch: LeadWatch | None = None
        self._consider_us = 0
        self._considered_us = 0
        self._considerations = 0
        if isinstance(plan.detector, Leading):
            self._lead_watch = plan.detector.watch(ctx.location, tuple(self._locations.values()))
            self._consider_us = max(1, plan.detector.every_us // 2)

    def _begin(self) -> None:
        super()._begin()
        if self._lead_watch is not None:
            # At a time of its own, so that members that start together do not all speak together.
            phase_us = self.ctx.rng("look").below(self._consider_us)
            self._considered_us = self.ctx.mono_us() + phase_us
            self.ctx.set_timer(phase_us, self._consider, self._lead_watch)

    def _detector(self) -> Detector:
        return super()._detector() if self._lead_watch is None else self._lead_watch.make()

    # -- what it hears and tells -------------------------------------------------------------

    @handles(Heard)
    def on_heard(self, msg: Heard, sender: Location) -> None:
        """Another member lives, and heard this much."""
        if self._lead_watch is None or not self._takes_part:
            return
        now_us = self.ctx.mono_us()
        led = None if msg.leader is None else (msg.leader, msg.term, msg.led_us)
        self._lead_watch.spoke(sender, now_us)
        self._lead_watch.told(sender, msg.heard, led, now_us)

    def _tell_members(self, watch: LeadWatch, now_us: int) -> None:
        lead, led_us = self.leads_elsewhere, watch.led_age_us(now_us)
        told = Heard(
            heard=watch.ages(now_us),
            leader=None if led_us is None else lead,
            term=self.core.term,
            led_us=led_us or 0,
        )
        for location in self._locations.values():
            self.ctx.send(location, told)

    # -- what it makes of that ---------------------------------------------------------------

    def _consider(self, watch: LeadWatch) -> None:
        """Ask the belief, and have the core's deadline stand where that says."""
        now_us = self.ctx.mono_us()
        asleep = now_us - self._considered_us > _ASLEEP * self._consider_us
        self._considered_us = now_us
        self.ctx.set_timer(self._consider_us, self._consider, watch)
        if not self._takes_part:
            return
        self._considerations += 1
        if self._considerations % 2:
            self._tell_members(watch, now_us)
        if asleep:
            watch.slept(now_us)
        kept_us = watch.outlasted_us()
        if self._cutting or self.core.role is not Role.FOLLOWER:
            return
        if kept_us > 2 * self.plan.raft.election_us and not asleep:
            # A time-out would have had this member stand, however long its random wait.
            self.ctx.note("lead-kept", kept_us)
        self._ask_belief(watch, now_us)
        self._arm()

    def _ask_belief(self, watch: LeadWatch, now_us: int) -> None:
        core, membership = self.core, self.core.log.membership
        others = [
            self._locations[seat]
            for seat in map(seat_of, membership.voters)
            if seat in self._locations and seat != self.leader
        ]
        needed = membership.quorum - (core.me in membership.voters)
        seen = watch.look(now_us, self.leads_elsewhere, core.term, others, needed)
        if seen is None:
            return
        if seen.begins:
            self.ctx.note("lead-gone", round(seen.gone * _PPM))
        if seen.held_back:
            self.ctx.note("held-back", round(seen.won * _PPM))
