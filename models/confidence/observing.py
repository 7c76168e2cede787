"""Observers on hosts: pulses to a cluster's observer, its reports to its region's, and those to the other regions'.

Every observer keeps a belief of its own, from its own evidence and from what others heard at first hand, with where it
is from and when it was looked at. Nobody hands on a conclusion but to who consults it, and that answer says what it
rests on. An observer may die or be cut off like any other service; then what hangs on it grows old, and is believed so.
Times in evidence are of wall clocks, since they cross hosts: a clock that is off by more than an interval misleads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from models.confidence.belief import Belief
from models.confidence.evidence import Evidence
from models.confidence.priors import Priors
from models.confidence.silence import Grid
from models.confidence.tree import Tree, region_of
from models.confidence.words import ClusterNews, ClusterReport, Consult, Opinion, Pulse, RegionReport
from models.detection.refusals import at_least, refuse
from sim.host import Context, Service, handles
from sim.topology import Location, host_of

__all__ = ["ClusterObserver", "ObserverOptions", "PulseOptions", "Pulser", "RegionObserver", "Watching"]

_LIVES: Final = 1 << 53
#: So many intervals without news, and a host is listed in a report.
_LATELY: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PulseOptions:
    """Whom a host tells that it lives, and how often."""

    observers: tuple[Location, ...]
    every_us: int

    def __post_init__(self) -> None:
        refuse((at_least("every_us", self.every_us, 1), None if self.observers else "observers is empty; name one"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """What a belief is made of.

    Attributes:
        tree: Whom it watches.
        priors: What it believes before evidence.
        grid: How finely onsets are told apart.
        origins: Pairs of a subject and to whom is listened about it; of others, to the observer itself.
    """

    tree: Tree
    priors: Priors
    grid: Grid
    origins: tuple[tuple[Location, Location], ...] = ()

    def believe(self, observer: Location, begin_us: int) -> Belief:
        """A belief that begins now."""
        return Belief(
            observer=observer,
            tree=self.tree,
            priors=self.priors,
            grid=self.grid,
            begin_us=begin_us,
            origins=dict(self.origins),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ObserverOptions:
    """What one observer watches, and whom it tells.

    Attributes:
        watching: Its belief.
        own: Its cluster, for a cluster's observer; its region, for a region's.
        tells: To whom its reports go.
        report_us: Between reports.
    """

    watching: Watching
    own: Location
    tells: tuple[Location, ...]
    report_us: int

    def __post_init__(self) -> None:
        refuse((at_least("report_us", self.report_us, 1),))


class Pulser(Service):
    """Tells observers that its host lives."""

    def __init__(self, ctx: Context, options: PulseOptions) -> None:
        super().__init__(ctx)
        self._options = options
        self._sequence = 0
        self._life = 0

    def start(self) -> None:
        """Begin a new life; at a time of its own, so that hosts that start together do not pulse together."""
        self._life = self.ctx.rng("life").below(_LIVES)
        self.ctx.set_timer(self.ctx.rng("phase").below(self._options.every_us), self._pulse)

    def _pulse(self) -> None:
        pulse = Pulse(self._life, self._sequence, self.ctx.now_us())
        self._sequence += 1
        for observer in self._options.observers:
            self.ctx.send(observer, pulse)
        self.ctx.set_timer(self._options.every_us, self._pulse)


class _Observer(Service):
    """Keeps a belief and answers who consults it."""

    def __init__(self, ctx: Context, options: ObserverOptions) -> None:
        super().__init__(ctx)
        self._options = options
        self.belief = options.watching.believe(ctx.location, ctx.now_us())

    def start(self) -> None:
        """What it knew is gone with its last life; it begins to listen now."""
        self.ctx.set_timer(self._options.report_us, self._report)

    @handles(Consult)
    def on_consult(self, msg: Consult, sender: Location) -> Opinion:
        """What it believes, with what that rests on."""
        self._lives()
        if msg.subject not in self._options.watching.tree.by_name:
            return Opinion(None)
        return Opinion(self.belief.answer(msg.subject, self.ctx.now_us()))

    def _lives(self) -> None:
        """Whoever observes knows first hand that its own host lives, which sends no pulses therefore."""

    def _report(self) -> None:
        raise NotImplementedError


class ClusterObserver(_Observer):
    """Hears the pulses of its cluster's hosts, and tells its region's observer.

    Attributes:
        belief: Of the hosts, as it sees them.
    """

    POINTS: ClassVar[frozenset[str]] = frozenset({"B1"})
    NOTES: ClassVar[frozenset[str]] = frozenset({"another-life"})

    def __init__(self, ctx: Context, options: ObserverOptions) -> None:
        super().__init__(ctx, options)
        self._hosts = tuple(one for one in options.watching.tree.subjects if one.hearing is not None)
        self._numbers = {one.name: number for number, one in enumerate(self._hosts)}
        self._life_of: dict[Location, int] = {}
        self._fresh_us = _LATELY * max(one.hearing.every_us for one in self._hosts if one.hearing is not None)

    @handles(Pulse)
    def on_pulse(self, msg: Pulse, sender: Location) -> None:
        """A host lives."""
        host = host_of(sender)
        if host not in self._numbers:
            return
        if self._life_of.get(host, msg.life) != msg.life:
            self.ctx.note("another-life", self._numbers[host])
        self._life_of[host] = msg.life
        # A clock that runs ahead must not make a heartbeat come before it was sent.
        now_us = self.ctx.now_us()
        self.belief.heard(host, min(msg.sent_us, now_us), now_us)

    def _lives(self) -> None:
        own, now_us = host_of(self.ctx.location), self.ctx.now_us()
        if own in self._numbers:
            self.belief.heard(own, now_us, now_us)

    def news(self) -> ClusterNews:
        """What it heard of each host, up to now."""
        self._lives()
        now_us = self.ctx.now_us()
        floor_us = now_us - self._fresh_us
        exceptions = []
        for one in self._hosts:
            sent_us = self.belief.evidence_of(one.name).sent_us
            if sent_us is None or sent_us < floor_us:
                exceptions.append((one.name, -1 if sent_us is None else sent_us))
        return ClusterNews(self._options.own, now_us, floor_us, tuple(exceptions))

    def _report(self) -> None:
        self._lives()
        self.belief.look(self.ctx.now_us())
        report = ClusterReport(self.ctx.now_us(), self.news())
        self.ctx.point("B1")
        for region in self._options.tells:
            self.ctx.send(region, report)
        self.ctx.set_timer(self._options.report_us, self._report)


class RegionObserver(_Observer):
    """Hears its clusters' observers and those of other regions, and tells these of its clusters.

    Attributes:
        belief: Of every region, cluster and host, as it sees them.
    """

    POINTS: ClassVar[frozenset[str]] = frozenset({"B2", "B3"})

    def __init__(self, ctx: Context, options: ObserverOptions) -> None:
        super().__init__(ctx, options)
        self._origins = dict(options.watching.origins)
        self._news: dict[Location, ClusterNews] = {}
        self._hosts: dict[Location, list[Location]] = {}
        for one in options.watching.tree.subjects:
            if one.level == "host" and one.within is not None:
                self._hosts.setdefault(one.within, []).append(one.name)

    @handles(ClusterReport)
    def on_cluster(self, msg: ClusterReport, sender: Location) -> None:
        """One of its own clusters."""
        news = msg.news
        if self._options.watching.tree.by_name.get(news.cluster) is None:
            return
        before = self._news.get(news.cluster)
        if before is not None and before.looked_us >= news.looked_us:
            return
        self._news[news.cluster] = news
        self.ctx.point("B2")
        now_us = self.ctx.now_us()
        self.belief.heard(news.cluster, min(msg.sent_us, now_us), now_us)
        self._take_over(news)

    @handles(RegionReport)
    def on_region(self, msg: RegionReport, sender: Location) -> None:
        """Another region: each of its clusters was heard there when its news says."""
        region = region_of(sender)
        known = self._options.watching.tree.by_name.get(region)
        if known is None or known.hearing is None:
            return
        now_us = self.ctx.now_us()
        self.belief.heard(region, min(msg.sent_us, now_us), now_us)
        for news in msg.news:
            self.belief.learn(
                Evidence(
                    subject=news.cluster,
                    origin=sender,
                    # Of two clocks one may be ahead.
                    sent_us=min(news.looked_us, msg.sent_us),
                    looked_us=msg.sent_us,
                )
            )
            self._take_over(news)

    def _take_over(self, news: ClusterNews) -> None:
        """What a cluster's observer heard of its hosts, as evidence of its own."""
        listed = dict(news.exceptions)
        for host in self._hosts.get(news.cluster, ()):
            sent_us: int | None = news.floor_us
            # Of a host that is not listed only this much is told: nothing of what came, or did not, since.
            looked_us = news.floor_us
            if host in listed:
                sent_us, looked_us = min(listed[host], news.looked_us), news.looked_us
                sent_us = None if sent_us < 0 else sent_us
            self.belief.learn(Evidence(subject=host, origin=self._origins[host], sent_us=sent_us, looked_us=looked_us))

    def _report(self) -> None:
        now_us = self.ctx.now_us()
        self.belief.look(now_us)
        report = RegionReport(now_us, tuple(self._news[cluster] for cluster in sorted(self._news)))
        self.ctx.point("B3")
        for region in self._options.tells:
            self.ctx.send(region, report)
        self.ctx.set_timer(self._options.report_us, self._report)
