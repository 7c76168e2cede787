"""A member of a group: it probes others, answers probes, suspects, refutes and tells.

Once a period it probes one other member. Without an answer in time it asks others to probe; and
if the period ends without one, the probed is a suspect. A suspect that hears of it raises its
incarnation and says so; one that does not in time is declared dead. All this travels with the
probes, and in rounds of gossip where there are some.

Lifeguard adds that who does badly itself (probes unanswered, nacks missing, suspected by others)
takes more time before it accuses; that a suspect's time is long at first and shrinks with each
independent confirmation; and that a probe tells a suspect so.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, ClassVar

from models.detection.interpreting import Transition
from models.detection.swim.options import Order, SwimOptions
from models.detection.swim.roster import Roster, Rumours
from models.detection.swim.suspicion import Suspicion, least_us, most_told, push_pull_every
from models.detection.swim.words import (
    Ack,
    Gossip,
    Nack,
    Ping,
    PingRequest,
    PushPull,
    Rumour,
    State,
    StreamAck,
    StreamPing,
)
from sim.host import Context, Service, Wait, handles
from sim.topology import Location

__all__ = ["Member"]


class _Probe:
    """A probe under way."""

    __slots__ = ("answered", "asked", "ends_us", "nacks", "number", "subject", "timer")

    def __init__(self, number: int, subject: int, ends_us: int) -> None:
        self.number = number
        self.subject = subject
        self.ends_us = ends_us
        self.answered = False
        self.asked = 0
        self.nacks = 0
        self.timer: Any = None


class Member(Service):
    """One member.

    Args:
        ctx: Its host.
        group: The members' locations, the same for all.
        me: Which of them this is.
        options: What the group agreed upon.

    Attributes:
        incarnation: Its own.
        awareness: How badly it does itself, from 0.
        doubts: When it began and ceased to suspect whom; the dead are still suspected.
        transitions: When it declared whom dead, and took whom for alive again.
        probes: When it probed whom.
    """

    NOTES: ClassVar[frozenset[str]] = frozenset({"suspects", "convicts", "refutes"})

    def __init__(self, ctx: Context, group: Sequence[Location], me: int, options: SwimOptions) -> None:
        super().__init__(ctx)
        if len(group) < 2 or not 0 <= me < len(group):
            raise ValueError(f"{me=} in a group of {len(group)} has nobody to probe; give 0..n-1 and n >= 2")
        self._group = group
        self._me = me
        self._options = options
        self._roster = Roster(len(group), me)
        self._rumours = Rumours()
        self._suspicions: dict[int, tuple[Suspicion, Any]] = {}
        self._relayed: dict[int, tuple[Location, int]] = {}
        self._probe: _Probe | None = None
        self._number = 0
        self._round: list[int] = []
        self._gossiping = False
        self._gossip_phase_us = 0
        self._draws = ctx.rng("swim")
        self.incarnation = 0
        self.awareness = 0
        self.doubts: list[Transition] = []
        self.transitions: list[Transition] = []
        self.probes: list[tuple[int, int]] = []

    def start(self) -> None:
        """Begin at a random phase, and ask somebody what became of the group meanwhile."""
        options = self._options
        self.ctx.set_timer(self._draws.below(options.period_us), self._tick)
        if options.gossip_us:
            self._gossip_phase_us = self.ctx.mono_us() + self._draws.below(options.gossip_us)
        self.ctx.set_timer(self._draws.below(options.period_us), self._join)

    def state_of(self, member: int) -> State:
        """What it holds another member to be."""
        return self._roster[member].state

    # -- probing -----------------------------------------------------------------------------

    def _tick(self) -> None:
        options, now_us = self._options, self.ctx.mono_us()
        self.ctx.set_timer(options.period_us, self._tick)
        probe = self._probe
        if probe is not None:
            if now_us < probe.ends_us and not probe.answered:
                return  # one that does badly takes several periods for a probe
            self._end(probe)
        subject = self._next()
        if subject is None:
            self._probe = None
            return
        self.probes.append((now_us, subject))
        self._number += 1
        probe = self._probe = _Probe(self._number, subject, now_us + options.period_us * (1 + self.awareness))
        rumours = self._told()
        if options.buddy and self._roster[subject].state is State.SUSPECT:
            known = self._roster[subject]
            rumours = (Rumour(State.SUSPECT, subject, known.incarnation, self._me), *rumours)
        self.ctx.send(self._group[subject], Ping(rumours, self._number))
        probe.timer = self.ctx.set_timer(options.timeout_us, self._ask_others, probe)

    def _next(self) -> int | None:
        """Whom to probe; None if nobody is left."""
        roster, size = self._roster, len(self._group)
        if roster.dead >= size - 1:
            return None
        if self._options.order is Order.RANDOM:
            return self._random()
        while True:
            if not self._round:
                self._round = [member for member in range(size) if member != self._me]
            # A shuffle, drawn as far as it is needed.
            left = self._round
            at = self._draws.below(len(left))
            subject, left[at] = left[at], left[-1]
            left.pop()
            if not roster.is_dead(subject):
                return subject

    def _random(self) -> int:
        """Anybody but itself and the dead, of whom one is left."""
        while True:
            drawn = self._draws.below(len(self._group) - 1)
            subject = drawn + (drawn >= self._me)
            if not self._roster.is_dead(subject):
                return subject

    def _ask_others(self, probe: _Probe) -> None:
        """No answer in time: ask others to probe, and try a connection."""
        if probe.answered or probe is not self._probe:
            return
        options = self._options
        for helper in self._some(options.indirect, probe.subject):
            probe.asked += 1
            request = PingRequest(self._told(), probe.number, probe.subject, options.nacks)
            self.ctx.send(self._group[helper], request)
        if options.fallback:
            self.ctx.send(self._group[probe.subject], StreamPing(probe.number))

    def _end(self, probe: _Probe) -> None:
        if probe.answered:
            return
        expected = probe.asked if self._options.nacks else 0
        self._do_worse(expected - probe.nacks if expected else 1)
        known = self._roster[probe.subject]
        state = State.SUSPECT if self._options.suspicion else State.DEAD
        self._hear(Rumour(state, probe.subject, known.incarnation, self._me))

    def _do_worse(self, by: int) -> None:
        self.awareness = min(max(0, self.awareness + by), self._options.awareness_max - 1)

    def _some(self, count: int, but: int | None = None) -> list[int]:
        """Some members at random, not the dead; a bounded number of tries, so perhaps fewer."""
        found: list[int] = []
        for _ in range(3 * len(self._group)):
            if len(found) == count or self._roster.dead >= len(self._group) - 1:
                break
            drawn = self._random()
            if drawn != but and drawn not in found:
                found.append(drawn)
        return found

    @handles(Ping)
    def on_ping(self, msg: Ping, sender: Location) -> None:
        """Answer."""
        if msg.rumours:
            self._hear_all(msg.rumours)
        self.ctx.send(sender, Ack(self._told(), msg.number))

    @handles(Ack)
    def on_ack(self, msg: Ack, sender: Location) -> None:
        """A probe was answered, or one that somebody asked for."""
        if msg.rumours:
            self._hear_all(msg.rumours)
        self._answered(msg.number)
        asked = self._relayed.pop(msg.number, None)
        if asked is not None:
            self.ctx.send(asked[0], Ack(self._told(), asked[1]))

    @handles(PingRequest)
    def on_ping_request(self, msg: PingRequest, sender: Location) -> None:
        """Probe for somebody else."""
        self._hear_all(msg.rumours)
        self._number += 1
        self._relayed[self._number] = (sender, msg.number)
        self.ctx.send(self._group[msg.subject], Ping(self._told(), self._number))
        self.ctx.set_timer(self._options.timeout_us, self._not_relayed, self._number, msg.nack)

    def _not_relayed(self, number: int, nack: bool) -> None:
        asked = self._relayed.get(number)
        if asked is not None and nack:
            self.ctx.send(asked[0], Nack(asked[1]))
        if asked is not None:
            self.ctx.set_timer(self._options.period_us, self._relayed.pop, number, None)

    @handles(Nack)
    def on_nack(self, msg: Nack, sender: Location) -> None:
        """Somebody who was asked heard nothing either."""
        if self._probe is not None and msg.number == self._probe.number:
            self._probe.nacks += 1

    @handles(StreamPing)
    def on_stream_ping(self, msg: StreamPing, sender: Location) -> None:
        """Answer over a connection."""
        self.ctx.send(sender, StreamAck(msg.number))

    @handles(StreamAck)
    def on_stream_ack(self, msg: StreamAck, sender: Location) -> None:
        """A probe was answered over a connection."""
        self._answered(msg.number)

    def _answered(self, number: int) -> None:
        probe = self._probe
        if probe is not None and number == probe.number and not probe.answered:
            # Too late is too late: the period's end judges by then.
            probe.answered = True
            probe.timer.cancel()
            self._do_worse(-1)

    # -- telling -----------------------------------------------------------------------------

    def _told(self) -> tuple[Rumour, ...]:
        if not self._rumours:
            return ()
        return self._rumours.take(self._options.told_max, self._limit())

    def _limit(self) -> int:
        return most_told(self._options.retransmit_mult, len(self._group) - self._roster.dead)

    def _tell(self, rumour: Rumour) -> None:
        self._rumours.add(rumour)
        if self._options.gossip_us and not self._gossiping:
            # Rounds have fixed instants; those with nothing to tell are passed over.
            self._gossiping = True
            left_us = (self._gossip_phase_us - self.ctx.mono_us()) % self._options.gossip_us
            self.ctx.set_timer(left_us or self._options.gossip_us, self._gossip)

    def _gossip(self) -> None:
        self._gossiping = False
        for member in self._listeners():
            rumours = self._told()
            if not rumours:
                return
            self.ctx.send(self._group[member], Gossip(rumours))
        if self._rumours:
            self._gossiping = True
            self.ctx.set_timer(self._options.gossip_us, self._gossip)

    def _listeners(self) -> list[int]:
        """Members at random; those who died lately are told too, for they may refute."""
        options, now_us, size = self._options, self.ctx.mono_us(), len(self._group)
        found: list[int] = []
        for _ in range(3 * size):
            if len(found) == min(options.gossip_members, size - 1):
                break
            drawn = self._draws.below(size - 1)
            member = drawn + (drawn >= self._me)
            known = self._roster[member]
            gone = known.state is State.DEAD and now_us - known.since_us > options.gossip_dead_us
            if not gone and member not in found:
                found.append(member)
        return found

    @handles(Gossip)
    def on_gossip(self, msg: Gossip, sender: Location) -> None:
        """Hear rumours."""
        self._hear_all(msg.rumours)

    def _join(self) -> Generator[Wait, Any, None]:
        """Hear from somebody what was said meanwhile, of this member above all; then from others now and then."""
        while not (yield from self._exchange()):
            yield self.ctx.sleep(self._options.period_us)
        while self._options.push_pull_us:
            yield self.ctx.sleep(push_pull_every(self._options.push_pull_us, len(self._group)))
            yield from self._exchange()

    def _exchange(self) -> Generator[Wait, Any, bool]:
        """Exchange all that is known with somebody; whether there was an answer."""
        for other in self._some(1):
            mine = PushPull(tuple(self._roster.told()), self._me)
            theirs = yield self.ctx.call(self._group[other], mine, self._options.period_us)
            if theirs is not None:
                self._merge(theirs)
                return True
        return False

    @handles(PushPull)
    def on_push_pull(self, msg: PushPull, sender: Location) -> PushPull:
        """Exchange all that is known."""
        mine = PushPull(tuple(self._roster.told()), self._me)
        self._merge(msg)
        return mine

    def _merge(self, theirs: PushPull) -> None:
        """Whom another holds to be dead is suspected, not declared dead at once."""
        for word in theirs.rumours:
            doubted = Rumour(State.SUSPECT, word.subject, word.incarnation, self._me)
            self._hear(word if word.state is State.ALIVE else doubted)

    # -- believing ---------------------------------------------------------------------------

    def _hear_all(self, words: tuple[Rumour, ...]) -> None:
        for word in words:
            self._hear(word)

    def _hear(self, word: Rumour) -> None:
        """Believe a word if it says more than is known, and pass it on."""
        if word.subject == self._me:
            self._of_myself(word)
            return
        if word.subject in self._suspicions and word.state is State.SUSPECT:
            self._confirmed(word)
            return
        if not self._roster.overridden(word):
            return
        before = self._roster[word.subject].state
        now_us = self.ctx.mono_us()
        self._roster.set(word.subject, word.state, word.incarnation, now_us)
        self._tell(word)
        if found := self._suspicions.pop(word.subject, None):
            found[1].cancel()
        if word.state is State.SUSPECT:
            self._suspect(word, now_us)
        self._changed(word.subject, before, word.state, now_us)

    def _of_myself(self, word: Rumour) -> None:
        """Refute what is not so; an earlier life of this host may have had a higher incarnation."""
        if word.state is State.ALIVE:
            self.incarnation = max(self.incarnation, word.incarnation)
            return
        if word.incarnation < self.incarnation:
            return
        self.incarnation = word.incarnation + 1
        self._do_worse(1)
        self._roster.set(self._me, State.ALIVE, self.incarnation, self.ctx.mono_us())
        self.ctx.note("refutes", self.incarnation)
        self._tell(Rumour(State.ALIVE, self._me, self.incarnation, self._me))

    def _suspect(self, word: Rumour, now_us: int) -> None:
        options, size = self._options, len(self._group) - self._roster.dead
        min_us = least_us(options.suspicion_mult, size, options.period_us)
        needed = options.suspicion_mult - 2 if options.suspicion_max_mult > 1 else 0
        if needed < 1 or size - 2 < needed:
            needed = 0  # too few others to confirm
        suspicion = Suspicion(word.source, needed, now_us, min_us, options.suspicion_max_mult * min_us)
        timer = self.ctx.set_timer(suspicion.left_us(now_us), self._convict, word.subject)
        self._suspicions[word.subject] = (suspicion, timer)
        self.ctx.note("suspects", word.subject)

    def _confirmed(self, word: Rumour) -> None:
        suspicion, timer = self._suspicions[word.subject]
        if word.incarnation < self._roster[word.subject].incarnation or not suspicion.confirm(word.source):
            return
        self._tell(word)
        timer.cancel()
        timer = self.ctx.set_timer(suspicion.left_us(self.ctx.mono_us()), self._convict, word.subject)
        self._suspicions[word.subject] = (suspicion, timer)

    def _convict(self, subject: int) -> None:
        self._hear(Rumour(State.DEAD, subject, self._roster[subject].incarnation, self._me))

    def _changed(self, subject: int, before: State, after: State, now_us: int) -> None:
        mine, other = self.ctx.location, self._group[subject]
        if (before is State.ALIVE) != (after is State.ALIVE):
            self.doubts.append(Transition(now_us, mine, other, after is not State.ALIVE))
        if (before is State.DEAD) != (after is State.DEAD):
            self.transitions.append(Transition(now_us, mine, other, after is State.DEAD))
            if after is State.DEAD:
                self.ctx.note("convicts", subject)
