"""Heartbeats on hosts: one service sends them, another watches for them with any detector.

Who beats to whom is up to the deployment: host to host, a cluster's to its region, a region's to
the others. Each layer has a message of its own, so that it goes with its layer's priority. A beat
names the sender's life: of another life a detector knows nothing, so a new one is made, and what
is still on its way from the old one says nothing.

A watcher changes its mind at the instant at which suspicion reaches the level; or only when it
looks, every so often, as Cassandra does, and then a guard may hold it back after a pause of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar, Final

from models.addressing import DETECTION, Scope, message_type_id
from models.detection.detector import Plan
from models.detection.interpreting import Interpreter, PauseGuard, Rule, Transition
from models.detection.refusals import at_least, refuse
from sim.host import Context, Service, handles
from sim.message import HEADER_BYTES, Message
from sim.topology import Location

__all__ = ["Beat", "BeatOptions", "Beater", "ClusterBeat", "HostBeat", "RegionBeat", "WatchOptions", "Watcher"]

_LIVES: Final = 1 << 53


@dataclass(frozen=True, slots=True)
class Beat(Message):
    """A subject lives.

    Attributes:
        life: A random number that its present life bears.
        sequence: Of the beats of this life, from 0.
    """

    life: int
    sequence: int

    def wire_bytes(self) -> int:
        """Header and two numbers."""
        return HEADER_BYTES + 16


@dataclass(frozen=True, slots=True)
class HostBeat(Beat):
    """Of a host."""

    type_id: ClassVar[int] = message_type_id(Scope.HOST, DETECTION, 20)


@dataclass(frozen=True, slots=True)
class ClusterBeat(Beat):
    """Of a cluster, to its region."""

    type_id: ClassVar[int] = message_type_id(Scope.CLUSTER, DETECTION, 21)


@dataclass(frozen=True, slots=True)
class RegionBeat(Beat):
    """Of a region, to others."""

    type_id: ClassVar[int] = message_type_id(Scope.REGION, DETECTION, 22)


_BEATS: Final[Mapping[Scope, Callable[[int, int], Beat]]] = MappingProxyType(
    {Scope.HOST: HostBeat, Scope.CLUSTER: ClusterBeat, Scope.REGION: RegionBeat}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatOptions:
    """Who is told, and how often.

    Attributes:
        watchers: Who is told that this one lives.
        eta_us: Between beats, microseconds.
        scope: Of what it is the heart: a host, a cluster or a region.
    """

    watchers: tuple[Location, ...]
    eta_us: int
    scope: Scope = Scope.HOST

    def __post_init__(self) -> None:
        wrong = None if self.scope in _BEATS else f"{self.scope!r} has no heart; choose HOST, CLUSTER or REGION"
        refuse((at_least("eta_us", self.eta_us, 1), wrong))


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchOptions:
    """Whom to watch, and how.

    Attributes:
        subjects: Those whose beats come here.
        plan: The detector, one for each subject.
        rule: When its suspicion counts.
        look_us: How often it looks; 0 to change its mind at the very instant.
        guard_us: A pause of its own, between two looks, after which it convicts nobody for as long; 0 for none.
    """

    subjects: tuple[Location, ...]
    plan: Plan
    rule: Rule = field(default=Rule())
    look_us: int = 0
    guard_us: int = 0

    def __post_init__(self) -> None:
        unseen = self.guard_us and not self.look_us
        refuse(
            (
                at_least("look_us", self.look_us, 0),
                at_least("guard_us", self.guard_us, 0),
                f"guard_us={self.guard_us} needs looks between which a pause shows; give look_us" if unseen else None,
            )
        )


class Beater(Service):
    """Tells watchers that it lives."""

    def __init__(self, ctx: Context, options: BeatOptions) -> None:
        super().__init__(ctx)
        self._options = options
        self._make = _BEATS[options.scope]
        self._sequence = 0
        self._life = 0

    def start(self) -> None:
        """Begin a new life."""
        self._life = self.ctx.rng("life").below(_LIVES)
        self._beat()

    def _beat(self) -> None:
        beat = self._make(self._life, self._sequence)
        self._sequence += 1
        for watcher in self._options.watchers:
            self.ctx.send(watcher, beat)
        self.ctx.set_timer(self._options.eta_us, self._beat)


class _Watch:
    """One subject as it is watched."""

    __slots__ = ("due_us", "interpreter", "life", "past", "suspected", "timer")

    def __init__(self, interpreter: Interpreter) -> None:
        self.interpreter = interpreter
        self.life: int | None = None
        self.past: int | None = None
        self.suspected = False
        self.timer: Any = None
        self.due_us = 0


class Watcher(Service):
    """Watches subjects and says when it suspects them.

    Args:
        ctx: Its host.
        options: Whom to watch, and how.

    Attributes:
        transitions: What it changed its mind about, in order of time.
    """

    NOTES: ClassVar[frozenset[str]] = frozenset({"suspects", "trusts"})

    def __init__(self, ctx: Context, options: WatchOptions) -> None:
        super().__init__(ctx)
        self._options = options
        self._watches = {subject: _Watch(self._interpreter()) for subject in options.subjects}
        self._guard = PauseGuard(options.guard_us) if options.guard_us else None
        self.transitions: list[Transition] = []

    def start(self) -> None:
        """Nobody was heard yet, which says nothing: silence begins now."""
        now_us = self.ctx.mono_us()
        for subject, watch in self._watches.items():
            watch.interpreter.arrived(None, now_us)
            self._be_due(subject, watch)
        if self._options.look_us:
            self.ctx.set_timer(self._options.look_us, self._look)

    def suspects(self, subject: Location) -> bool:
        """Whether a subject is suspected now."""
        return self._watches[subject].suspected

    def _interpreter(self) -> Interpreter:
        return Interpreter(self._options.plan.make(), self._options.rule)

    @handles(HostBeat)
    def on_host(self, msg: HostBeat, sender: Location) -> None:
        """A host lives."""
        self._heard(msg, sender)

    @handles(ClusterBeat)
    def on_cluster(self, msg: ClusterBeat, sender: Location) -> None:
        """A cluster lives."""
        self._heard(msg, sender)

    @handles(RegionBeat)
    def on_region(self, msg: RegionBeat, sender: Location) -> None:
        """A region lives."""
        self._heard(msg, sender)

    def _heard(self, msg: Beat, sender: Location) -> None:
        watch = self._watches.get(sender)
        if watch is None or msg.life == watch.past:
            return
        now_us = self.ctx.mono_us()
        if msg.life != watch.life:
            if watch.life is not None:
                watch.interpreter = self._interpreter()
            watch.past, watch.life = watch.life, msg.life
        changes = watch.interpreter.arrived(msg.sequence, now_us)
        if not self._options.look_us:
            for at_us, suspected in changes:
                self._change(sender, watch, at_us, suspected)
            self._be_due(sender, watch)
        if watch.suspected and not watch.interpreter.suspected:
            self._change(sender, watch, now_us, suspected=False)

    def _be_due(self, subject: Location, watch: _Watch) -> None:
        """See to it that the next change of mind is not missed; a timer that is early anyway may stay."""
        due_us = None if self._options.look_us else watch.interpreter.next_us()
        if due_us is None or (watch.timer is not None and watch.due_us <= due_us):
            return
        if watch.timer is not None:
            watch.timer.cancel()
        watch.due_us = due_us
        watch.timer = self.ctx.set_timer(max(0, due_us - self.ctx.mono_us()), self._due, subject)

    def _due(self, subject: Location) -> None:
        watch = self._watches[subject]
        watch.timer = None
        for at_us, suspected in watch.interpreter.passed(self.ctx.mono_us()):
            self._change(subject, watch, at_us, suspected)
        self._be_due(subject, watch)

    def _look(self) -> None:
        now_us = self.ctx.mono_us()
        self.ctx.set_timer(self._options.look_us, self._look)
        may_convict = self._guard is None or self._guard.may_convict(now_us)
        for subject, watch in self._watches.items():
            watch.interpreter.passed(now_us)
            if watch.interpreter.suspected != watch.suspected and (watch.suspected or may_convict):
                self._change(subject, watch, now_us, suspected=not watch.suspected)

    def _change(self, subject: Location, watch: _Watch, at_us: int, suspected: bool) -> None:
        if suspected == watch.suspected:
            return
        watch.suspected = suspected
        self.transitions.append(Transition(at_us, self.ctx.location, subject, suspected))
        number = self._options.subjects.index(subject)
        if suspected:
            self.ctx.note("suspects", number)
        else:
            self.ctx.note("trusts", number)
