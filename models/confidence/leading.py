"""Is the leader gone, and could another be elected? What one member of a group believes, and when it stands by that.

The group's members are hosts on a tree, in their clusters and regions, and the lead is a service on one of them. Three
things are evidence. The leader's heartbeats, by which this member knows the lead itself. Words of every other member,
by which it knows hosts: a leader whose host still speaks while nobody is led is found to have stopped leading, and one
that falls silent together with others of its region leaves the region to blame. And what the others heard at first
hand, with how long ago: a leader whom as many followers hear as it needs still leads, though nothing comes of it here.
So the belief about a lead is that of the group, as far as its members tell each other, and that about hosts one's own.

All times are of this member's monotonic clock; what others heard comes as an age, so no clock needs to agree with any
other. An age leaves out the way here, so what is told looks younger than it is by that much.

It is a detector as an election knows them, whose threshold is what its rule says: belief decides *when* a member
stands, and what an election is stays what it was. Without a known leader it says nothing.

Limits: that this member itself is cut off is no node of the tree, so where all others fall silent at once, each in its
own region, it may stand in vain before that many deaths together become less likely than that it cannot win. Slowness
does not begin in this model, it is or is not; so what came in time counts nothing against it (`Untimed`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from models.confidence.belief import Belief
from models.confidence.delays import Delay, Erlang, Untimed
from models.confidence.deployment import DEFAULT_PRIORS
from models.confidence.evidence import Evidence
from models.confidence.priors import Hearing, Level, Priors
from models.confidence.providing import Provider, Rule, believed, warn_if_never_acts
from models.confidence.silence import Grid
from models.confidence.tree import Subject, Tree, cluster_of, region_of
from models.detection import Plan
from models.detection.refusals import at_least, refuse
from models.detection.words import detector_of
from sim.topology import Location, host_of, pack_location

__all__ = ["LEAD_PRIORS", "LeadWatch", "Leading", "Outlook", "watched_by"]

_DAY_US: Final = 86_400_000_000
#: As those of observers, and of a lead: its leader lays that down, or hangs while the host is well.
LEAD_PRIORS: Final = Priors(levels={**DEFAULT_PRIORS.levels, "service": Level(mtbf_us=30.0 * _DAY_US)})
#: What is usual of delays is the interval by so much.
_DELAYS: Final = 8
#: Slots of silence that are weighed, two to a heartbeat: of one that is longer no more is believed.
_WINDOW: Final = 32
#: Nobody is surer: what is left open rounds away long before it is nothing.
_SURELY: Final = 0.999_999
_OWN: Final = pack_location(1, 1, 1)
_HERE: Final = pack_location(1, 1, 2)
_THERE: Final = pack_location(2, 1, 1)
_LEAD: Final = 1


class Outlook(NamedTuple):
    """What is believed at a look.

    Attributes:
        gone: The chance that the leader is dead or cut off.
        won: The chance of that and that enough others answer to elect another.
        silent_us: Since when nothing came of it.
        acts: Whether the rule says to stand.
        begins: Whether it says so for the first time in this silence.
        held_back: Whether `gone` alone would have been enough, and `won` is not; for the first time in this silence.
    """

    gone: float
    won: float
    silent_us: int
    acts: bool
    begins: bool = False
    held_back: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Leading:
    """How the members of a group watch their leader.

    Attributes:
        rule: What is made of what is believed.
        every_us: Between the leader's heartbeats, and between the words of every member.
        priors: Of regions, clusters, hosts and the lead.
        loss: Chance that one of either is lost.
        slowdown: A host that stands still for a moment, or is overloaded, is so many times as late as usual. Stalls of
            20 to 250 ms are common, which is long beside an interval: with the tenfold of slow links a leader that
            pauses for two heartbeats would be taken for dead.
    """

    rule: Rule
    every_us: int
    priors: Priors = field(default=LEAD_PRIORS)
    loss: float = 0.001
    slowdown: float = 40.0

    def __post_init__(self) -> None:
        refuse((at_least("every_us", self.every_us, 2),))

    @property
    def delay(self) -> Delay:
        """Of what arrives in time."""
        return Untimed(Erlang(mean_us=max(1.0, self.every_us / _DELAYS), stages=4))

    def watch(self, own: Location, peers: Sequence[Location]) -> LeadWatch:
        """What the member at one place believes of those at others."""
        return LeadWatch(self, own, peers)

    def belief(self, own: Location, peers: Sequence[Location], lead: Location, now_us: int) -> Belief:
        """A belief about the hosts of these members and the lead of one of them, that begins now."""
        hearing = Hearing(every_us=self.every_us, loss=self.loss, delay=self.delay, slowdown=self.slowdown)
        found: dict[Location, Subject] = {}
        for peer in peers:
            region, cluster, host = region_of(peer), cluster_of(peer), host_of(peer)
            found.setdefault(region, Subject(name=region, level="region"))
            found.setdefault(cluster, Subject(name=cluster, level="cluster", within=region))
            found.setdefault(host, Subject(name=host, level="host", within=cluster, hearing=hearing))
        found[lead] = Subject(name=lead, level="service", within=host_of(lead), hearing=hearing)
        return Belief(
            observer=own,
            tree=Tree(subjects=tuple(found.values())),
            priors=self.priors,
            grid=Grid(slot_us=max(1, self.every_us // 2), window=_WINDOW),
            begin_us=now_us,
        )

    def warn(self) -> None:
        """Warn where no silence of a leader, however long, has it replaced, though all others are well."""
        if self.rule.provider is Provider.BOOL:
            return
        lead, other = Location(_THERE | _LEAD), Location(_HERE | _LEAD)
        watch, now_us, most = self.watch(_OWN, (lead, other)), 0, 0.0
        for step in range(_WINDOW + 4):
            now_us += self.every_us // 2
            watch.spoke(other, now_us)
            if step < 2:
                watch.spoke(lead, now_us)
                watch.observe(None, now_us)
            seen = watch.look(now_us, lead, 1, (other,), 1)
            if seen is not None:
                most = max(most, seen.won if self.rule.provider is Provider.SPECTRUM else seen.gone)
            if most >= self.rule.acts_from:
                return
        warn_if_never_acts(self.rule, most, "losses and slow hosts explain as long a silence of a leader too")


class LeadWatch:
    """One member's belief about its leader; a detector whose threshold is its rule's word.

    Args:
        plan: How it watches.
        own: Where it is.
        peers: Where all the others are, in any order.
    """

    __slots__ = (
        "_acts_us",
        "_beat_us",
        "_begin_us",
        "_belief",
        "_held",
        "_led_us",
        "_outlasted_us",
        "_own",
        "_peers",
        "_plan",
        "_spoke_us",
        "_usual_us",
        "_watched",
    )

    def __init__(self, plan: Leading, own: Location, peers: Sequence[Location]) -> None:
        self._plan = plan
        self._own = own
        self._peers = tuple(sorted(peers))
        self._usual_us = round(plan.delay.mean_us)
        self._spoke_us: dict[Location, int] = {}
        self._belief: Belief | None = None
        #: Whose reign the belief is about.
        self._watched: tuple[Location | None, int] = (None, 0)
        self._beat_us: int | None = None
        self._acts_us: int | None = None
        self._held = False
        self._begin_us = 0
        self._outlasted_us = 0
        #: By other member, the latest instant at which it heard this lead.
        self._led_us: dict[Location, int] = {}

    # -- as a detector -----------------------------------------------------------------------

    def make(self) -> LeadWatch:
        """Itself, for a reign that begins: of another's lead, what was heard so far says nothing."""
        self._belief, self._watched = None, (None, 0)
        self._beat_us = self._acts_us = None
        self._held = False
        self._outlasted_us = 0
        self._led_us = {}
        return self

    def observe(self, sequence: int | None, arrival_us: int) -> None:
        """The leader leads."""
        if self._beat_us is not None:
            self._outlasted_us = max(self._outlasted_us, arrival_us - max(self._beat_us, self._begin_us))
        self._beat_us = arrival_us
        self._acts_us, self._held = None, False
        lead, _ = self._watched
        if self._belief is not None and lead is not None:
            self._belief.heard(lead, self._sent_us(arrival_us), arrival_us)

    def suspicion(self, now_us: int) -> float:
        """1 where its rule says to stand, as of the last look; else 0."""
        return 0.0 if self._acts_us is None else 1.0

    def crosses_us(self, level: float) -> int | None:
        """Since when its rule says to stand; None while it does not, for whatever may come it looks again."""
        return self._acts_us if level <= 1 else None

    # -- evidence ----------------------------------------------------------------------------

    def spoke(self, peer: Location, at_us: int) -> None:
        """A word of another member came."""
        self._spoke_us[peer] = at_us
        if self._belief is not None and peer in self._peers:
            self._belief.heard(host_of(peer), self._sent_us(at_us), at_us)

    def told(
        self, by: Location, heard: Sequence[tuple[Location, int]], lead: tuple[Location, int, int] | None, at_us: int
    ) -> None:
        """What another heard at first hand, and how long ago.

        Args:
            by: Who tells.
            heard: Members, and the age of the latest word of each.
            lead: Whose heartbeats it hears, of which reign, and the age of the latest; None if nobody leads it.
            at_us: When that came.
        """
        belief = self._belief
        if belief is None:
            return
        for peer, age_us in heard:
            if peer != by and peer in self._peers:
                belief.learn(_second_hand(host_of(peer), by, at_us, age_us))
        if lead is not None and lead[:2] == self._watched and lead[0] != by:
            self._led_us[by] = max(at_us - max(0, lead[2]), self._led_us.get(by, 0))

    def slept(self, now_us: int) -> None:
        """This member stood still until now: that nothing was heard meanwhile says nothing of anybody."""
        self._belief, self._begin_us = None, now_us
        self._acts_us, self._held = None, False
        self._led_us = {}

    def ages(self, now_us: int) -> tuple[tuple[Location, int], ...]:
        """What to tell others: whom it heard itself, and how long ago."""
        return tuple((peer, now_us - self._spoke_us[peer]) for peer in sorted(self._spoke_us))

    def led_age_us(self, now_us: int) -> int | None:
        """How long ago the leader was heard; None if it never was."""
        return None if self._beat_us is None else now_us - self._beat_us

    def outlasted_us(self) -> int:
        """The longest silence since this was last asked after which the leader was heard again."""
        longest_us, self._outlasted_us = self._outlasted_us, 0
        return longest_us

    # -- the question ------------------------------------------------------------------------

    def look(
        self, now_us: int, lead: Location | None, reign: int, others: Sequence[Location], needed: int
    ) -> Outlook | None:
        """Ask the rule; None where nobody leads, or was heard only just now, so that there is nothing to weigh.

        Args:
            now_us: When.
            lead: Who leads, if anybody.
            reign: In which term, so that another lead of the same member is another lead.
            others: The voters beside this member and the leader.
            needed: How many of them an election takes beside this member.
        """
        if lead is None or self._beat_us is None:
            return None
        if self._belief is None or self._watched != (lead, reign):
            self._begin(lead, reign, now_us)
        silent_us = now_us - max(self._beat_us, self._begin_us)
        if silent_us <= self._plan.every_us:
            return None
        assert self._belief is not None, "it has just begun"
        led_us = self._led_until_us(others, needed)
        if led_us > self._beat_us:
            self._belief.heard(lead, self._sent_us(led_us), now_us)
        self._belief.look(now_us)
        gone = min(_SURELY, self._belief.answer(lead, now_us).down)
        won = self._won(gone, lead, others, needed, now_us)
        rule = self._plan.rule
        acts = rule.moves(gone, won, silent_us)
        held = not acts and rule.acts(gone, silent_us)
        seen = Outlook(gone, won, silent_us, acts, acts and self._acts_us is None, held and not self._held)
        self._held = self._held or held
        self._acts_us = (now_us if self._acts_us is None else self._acts_us) if acts else None
        return seen

    def _led_until_us(self, others: Sequence[Location], needed: int) -> int:
        """Until when so many followers heard the leader, this one or others, that it had a majority with them."""
        assert self._beat_us is not None, "asked of who was heard"
        heard = sorted((self._beat_us, *(self._led_us.get(peer, 0) for peer in others)), reverse=True)
        return heard[max(0, min(needed, len(heard)) - 1)]

    def _won(self, gone: float, lead: Location, others: Sequence[Location], needed: int, now_us: int) -> float:
        """The chance that the leader does not answer and those heard latest do, as many as are needed.

        Of more voters than that any majority would do; so for five or more it is a lower bound, for three exact.
        """
        if not needed:
            return gone
        latest = sorted(others, key=lambda peer: (-self._spoke_us.get(peer, -1), peer))[:needed]
        if len(latest) < needed:
            return 0.0
        assert self._belief is not None, "asked of what is believed"
        hosts = [host_of(peer) for peer in latest]
        answer = self._belief.all_answer(hosts, now_us)
        return min(gone, max(0.0, answer - self._belief.all_answer([*hosts, lead], now_us)))

    def _begin(self, lead: Location, reign: int, now_us: int) -> None:
        """A belief about this lead, that begins with what was heard while this member was awake."""
        self._watched = (lead, reign)
        belief = self._belief = self._plan.belief(self._own, self._peers, lead, now_us)
        for peer, us in sorted(self._spoke_us.items()):
            if peer in self._peers and us >= self._begin_us:
                belief.heard(host_of(peer), self._sent_us(us), us)
        if self._beat_us is not None and self._beat_us >= self._begin_us:
            belief.heard(lead, self._sent_us(self._beat_us), self._beat_us)

    def _sent_us(self, arrival_us: int) -> int:
        # Nobody knows when it was sent, by this clock; as long ago as is usual is the best guess.
        return max(0, arrival_us - self._usual_us)


def _second_hand(subject: Location, origin: Location, at_us: int, age_us: int) -> Evidence:
    return Evidence(subject=subject, origin=origin, sent_us=max(0, at_us - max(0, age_us)), looked_us=at_us)


def watched_by(words: str, every_us: int) -> Plan | Leading:
    """How members watch their leader: a detector's words, or `belief:` and those of a rule.

    Args:
        words: As a scenario file has them.
        every_us: Between heartbeats.

    Raises:
        ValueError: no such detector, provider or rule.
    """
    rule = believed(words)
    if rule is None:
        return detector_of(words, every_us)
    made = Leading(rule=rule, every_us=every_us)
    made.warn()
    return made
