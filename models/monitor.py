"""Who is the home? A monitor in each region, heartbeats, a failure detector and a vote.

Every monitor tells the others that it lives, which epoch and home it knows, and whether it
suspects the home's monitor. The first region in the order of preference that is neither the
home nor suspected asks for votes when a majority of the monitors, itself included, reported
the suspicion lately; with a majority of votes it is the home of the next epoch and promotes
its region's stores. The old home is not asked and does not step down until it hears of the
higher epoch: with asynchronous replication that is how acknowledged writes are left behind.

No two regions are promoted to one epoch. A monitor grants at most one vote an epoch, to one
candidate, because it writes the epoch down, durably, before it answers and refuses every
request at or below it, also after a restart; two majorities of one set of monitors share a
member, and that member voted once. Losing the disk would break this; a vote in flight would
not, since it names its epoch. A region cut off alone gets no reports from a majority, so it
neither asks nor raises its epoch.

After "In Search of an Understandable Consensus Algorithm" (Ongaro and Ousterhout, USENIX ATC
2014), section 5.2. Departures: candidates come in a fixed order and not by random time-outs;
a log that is behind does not cost a candidate any votes. The second is the fault this design
is here to show.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, NamedTuple

from models.addressing import MONITORING, Scope, message_type_id
from models.detection import Detector, FixedTimeout, MakeDetector
from models.store.group.words import Promote
from sim.host import Context, Service, Wait, handles
from sim.message import Message
from sim.storage import TORN
from sim.topology import Location

__all__ = ["Heartbeat", "Monitor", "MonitorOptions", "Vote", "VoteRequest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat(Message):
    """A monitor lives; what it knows and what it suspects.

    Attributes:
        region: Whose monitor it is.
        sequence: Of the heartbeats of its present life, from 1.
        epoch: Highest reign it knows of.
        home: Whose that is.
        suspects: Whether it suspects the home's monitor.
        voted: Highest epoch it voted in.
    """

    type_id: ClassVar[int] = message_type_id(Scope.REGION, MONITORING, 1)
    region: int
    sequence: int
    epoch: int
    home: int
    suspects: bool
    voted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteRequest(Message):
    """A candidate asks to be the home of an epoch."""

    type_id: ClassVar[int] = message_type_id(Scope.REGION, MONITORING, 2, command=True)
    candidate: int
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote(Message):
    """A vote, for the epoch that was asked for; a refusal is silence."""

    type_id: ClassVar[int] = message_type_id(Scope.REGION, MONITORING, 3)
    epoch: int


class _Ballot(NamedTuple):
    """What a monitor must not forget: the last epoch it voted in, and the home it knows."""

    voted: int
    epoch: int
    home: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorOptions:
    """What a monitor is told.

    Attributes:
        region: Number of its region.
        peers: (region number, location) of the other monitors.
        stores: The shards of its own region.
        home: The home of epoch 1.
        preference: Region numbers, the preferred next home first.
        heartbeat_us: Between heartbeats.
        suspect_after_us: Silence after which a monitor is suspected, where a fixed time-out says so; and patience
            with a vote.
    """

    region: int
    peers: tuple[tuple[int, Location], ...]
    stores: tuple[Location, ...]
    home: int
    preference: tuple[int, ...]
    heartbeat_us: int
    suspect_after_us: int

    def __post_init__(self) -> None:
        if self.suspect_after_us < 2 * self.heartbeat_us:
            raise ValueError(
                f"{self.suspect_after_us=} is below two heartbeats of {self.heartbeat_us} us, so "
                "one late heartbeat would convict; raise it"
            )


class Monitor(Service):
    """The monitor of one region.

    Args:
        ctx: Its host.
        options: What it is told.
        detector: Makes what watches another monitor, suspected above 1; None for the fixed time-out.

    Attributes:
        epoch: Highest reign it knows of.
        home: Whose that is.
        voted: Highest epoch it voted in (its own candidacies included).
    """

    NOTES: ClassVar[frozenset[str]] = frozenset({"promoted"})

    def __init__(self, ctx: Context, options: MonitorOptions, detector: MakeDetector | None = None) -> None:
        super().__init__(ctx)
        self.options = options
        self.epoch = 1
        self.home = options.home
        self.voted = 1
        self._campaigning = False
        self._make_detector = detector or partial(FixedTimeout, options.suspect_after_us)
        self._detectors: dict[int, Detector] = {}
        self._sent = 0
        self._reports: dict[int, Heartbeat] = {}
        self._unpromoted: list[Location] = []
        self._reigns: dict[Location, int] = {}
        self._majority = (len(options.peers) + 1) // 2 + 1

    def start(self) -> Generator[Wait, Any, None]:
        """Recall the ballot, then watch."""
        ballots = [record for record in self.ctx.disk.read("ballot") if record is not TORN]
        if ballots:
            self.voted, self.epoch, self.home = ballots[-1]
        if self.home == self.options.region and self.epoch > 1:
            # We may have died between winning and telling; to be told twice is harmless.
            self._unpromoted = list(self.options.stores)
        # A monitor that just woke has heard nobody, which says nothing about them.
        for region, _ in self.options.peers:
            self._watch(region).observe(None, self.ctx.mono_us())
        while True:
            self._tell()
            if self._unpromoted:
                self.ctx.set_timer(0, self._promote_stores)
            elif self._should_campaign():
                self.ctx.set_timer(0, self._campaign)
            yield self.ctx.sleep(self.options.heartbeat_us)

    def suspects(self, region: int) -> bool:
        """Whether the region's monitor has been silent for too long."""
        if region == self.options.region:
            return False
        return self._detectors[region].suspicion(self.ctx.mono_us()) > 1

    def _watch(self, region: int) -> Detector:
        """A new detector of a monitor: of another life of it, the old one knows nothing."""
        detector = self._detectors[region] = self._make_detector()
        return detector

    def _tell(self) -> None:
        self._sent += 1
        heartbeat = Heartbeat(
            region=self.options.region,
            sequence=self._sent,
            epoch=self.epoch,
            home=self.home,
            suspects=self.suspects(self.home),
            voted=self.voted,
        )
        for _, peer in self.options.peers:
            self.ctx.send(peer, heartbeat)

    @handles(Heartbeat)
    def on_heartbeat(self, msg: Heartbeat, sender: Location) -> Generator[Wait, Any, None] | None:
        """Note that a monitor lives; learn of a later reign."""
        last = self._reports.get(msg.region)
        restarted = last is not None and msg.sequence == 1
        detector = self._watch(msg.region) if restarted else self._detectors[msg.region]
        detector.observe(msg.sequence, self.ctx.mono_us())
        self._reports[msg.region] = msg
        return self._learn(msg.epoch, msg.home) if msg.epoch > self.epoch else None

    def _learn(self, epoch: int, home: int) -> Generator[Wait, Any, None]:
        self.epoch, self.home = epoch, home
        self.voted = max(self.voted, epoch)
        self._unpromoted = []
        yield from self._write_down()

    def _write_down(self) -> Generator[Wait, Any, None]:
        yield self.ctx.disk.replace("ballot", _Ballot(self.voted, self.epoch, self.home))

    # -- elections ---------------------------------------------------------------------------

    def _should_campaign(self) -> bool:
        me = self.options.region
        if self._campaigning or self.home == me or not self.suspects(self.home):
            return False
        able = (r for r in self.options.preference if r != self.home and not self.suspects(r))
        if next(able, None) != me:
            return False
        agreeing = [
            report
            for region, report in self._reports.items()
            if report.suspects and report.epoch == self.epoch and not self.suspects(region)
        ]
        return len(agreeing) + 1 >= self._majority

    def _campaign(self) -> Generator[Wait, Any, None]:
        self._campaigning = True
        epoch = max(self.voted, *(report.voted for report in self._reports.values())) + 1
        self.voted = epoch
        yield from self._write_down()
        request = VoteRequest(candidate=self.options.region, epoch=epoch)
        timeout_us = self.options.suspect_after_us
        calls = [self.ctx.call(peer, request, timeout_us) for _, peer in self.options.peers]
        votes = yield self.ctx.first(calls, need=self._majority - 1)
        self._campaigning = False
        granted = 1 + sum(vote is not None and vote.epoch == epoch for _, vote in votes)
        if granted < self._majority or self.voted != epoch or self.epoch >= epoch:
            return
        self.epoch, self.home = epoch, self.options.region
        yield from self._write_down()
        self._unpromoted = list(self.options.stores)
        self.ctx.note("promoted", epoch)
        self._tell()
        yield from self._promote_stores()

    @handles(VoteRequest)
    def on_vote_request(self, msg: VoteRequest, sender: Location) -> Generator[Wait, Any, Vote] | None:
        """Vote once an epoch, and only against a home that this monitor suspects too."""
        if msg.epoch <= self.voted or not self.suspects(self.home):
            return None
        return self._vote(msg.epoch)

    def _vote(self, epoch: int) -> Generator[Wait, Any, Vote]:
        # Refuse others from this instant on; answer only when a restart would refuse them too.
        self.voted = epoch
        yield from self._write_down()
        return Vote(epoch=epoch)

    def _promote_stores(self) -> Generator[Wait, Any, None]:
        epoch = self.epoch
        waiting = list(self._unpromoted)
        calls = [
            self.ctx.call(s, Promote(epoch=max(epoch, self._reigns.get(s, 0)), force=True), self.options.heartbeat_us)
            for s in waiting
        ]
        if not calls:
            return
        answers = yield self.ctx.first(calls, need=len(calls))
        done = set()
        for index, answer in answers:
            if answer is not None and answer.leads:
                done.add(waiting[index])
            elif answer is not None:
                # It has seen a reign that no vote was about, such as of a home that lost its disk.
                self._reigns[waiting[index]] = answer.epoch + 1
        if self.epoch == epoch:
            self._unpromoted = [store for store in self._unpromoted if store not in done]
