"""Whom to ask, by belief: for whoever hears from peers only when it asks them.

Each peer is a host of a tree that they share, so that of several in one region that answer nothing the region takes
the blame. A question is evidence once its answer is due; a reply proves that the way was whole when it was asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from models.confidence.belief import Belief
from models.confidence.delays import Delay, Erlang, Prompt
from models.confidence.deployment import DEFAULT_PRIORS
from models.confidence.priors import Hearing, Priors
from models.confidence.providing import Rule, believed, warn_if_never_acts
from models.confidence.silence import Grid
from models.confidence.tree import Subject, Tree, cluster_of, region_of
from models.detection import Plan
from models.detection.refusals import at_least, refuse
from models.detection.words import detector_of_answers
from sim.topology import Location, host_of, pack_location

__all__ = ["AskedByBelief", "Believed", "asked_by"]

_ANYWHERE: Final = pack_location(1, 1, 1)
#: Peers send no heartbeats to who asks; the next is due when nobody waits any more.
_NEVER_US: Final = 1 << 50
_WINDOW: Final = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Believed:
    """How peers are chosen by belief.

    Attributes:
        rule: What is made of what is believed.
        priors: Of regions, clusters and hosts.
        round_trip: From a question to its answer.
        loss: Chance that either is lost.
        again_us: Age from which a question that was left unanswered says nothing any more: the peer is asked again.
    """

    rule: Rule
    priors: Priors
    round_trip: Delay
    loss: float = 0.001
    again_us: int = 2_000_000

    def __post_init__(self) -> None:
        refuse((at_least("again_us", self.again_us, 1),))

    def chooser(self, own: Location, peers: Sequence[Location]) -> AskedByBelief:
        """Who chooses for one host among these."""
        return AskedByBelief(self, own, peers)

    def belief(self, own: Location, peers: Sequence[Location], now_us: int) -> Belief:
        """What one host believes of these, from now on."""
        hearing = Hearing(every_us=_NEVER_US, loss=self.loss, delay=Prompt(), round_trip=self.round_trip)
        found: dict[Location, Subject] = {}
        for peer in peers:
            region, cluster, host = region_of(peer), cluster_of(peer), host_of(peer)
            found.setdefault(region, Subject(name=region, level="region"))
            found.setdefault(cluster, Subject(name=cluster, level="cluster", within=region))
            found.setdefault(host, Subject(name=host, level="host", within=cluster, hearing=hearing))
        slot_us = max(1, self.again_us // _WINDOW)
        tree = Tree(subjects=tuple(found.values()))
        return Belief(
            observer=own, tree=tree, priors=self.priors, grid=Grid(slot_us=slot_us, window=_WINDOW), begin_us=now_us
        )

    def warn(self, own: Location, peer: Location) -> None:
        """Warn where questions that nobody answers, however many, never have a peer passed over."""
        belief, host, now_us = self.belief(own, (peer,), 0), host_of(peer), 1
        belief.replied(host, now_us)
        most = 0.0
        for _ in range(_WINDOW):
            belief.asked(host, now_us)
            now_us += self.again_us // _WINDOW
            most = max(most, belief.answer(host, now_us).down)
        warn_if_never_acts(self.rule, most, "losses explain as many questions without an answer too")


class AskedByBelief:
    """The peers that one host asks; the same questions as of an `Answering`.

    Args:
        plan: How.
        own: Who asks.
        peers: All that are ever asked.
    """

    __slots__ = ("_belief", "_own", "_peers", "_plan", "_vain_us")

    def __init__(self, plan: Believed, own: Location, peers: Sequence[Location]) -> None:
        self._plan = plan
        self._own = own
        self._peers = tuple(peers)
        self._belief: Belief | None = None
        self._vain_us: dict[Location, tuple[int, int]] = {}

    def answered(self, peer: Location, asked_us: int) -> None:
        """What it was asked at an instant was answered."""
        self._vain_us.pop(peer, None)
        self._held(asked_us).replied(host_of(peer), asked_us)

    def lapsed(self, peer: Location, asked_us: int, now_us: int) -> None:
        """What it was asked at an instant was not answered."""
        self._held(asked_us).asked(host_of(peer), asked_us)
        since_us, _ = self._vain_us.get(peer, (asked_us, 0))
        self._vain_us[peer] = since_us, now_us

    def choose(self, peers: Sequence[Location], turn: int, now_us: int) -> int:
        """The place of the first of some peers that is not passed over, from `turn` on and round; else `turn`'s."""
        count = len(peers)
        for place in range(turn, turn + count):
            if not self._passes_over(peers[place % count], now_us):
                return place % count
        return turn % count

    def _passes_over(self, peer: Location, now_us: int) -> bool:
        since_us, last_us = self._vain_us.get(peer, (0, -1))
        if last_us < 0 or now_us - last_us >= self._plan.again_us:
            return False  # nothing was asked in vain, or so long ago that it is given another chance
        belief = self._held(now_us)
        belief.look(now_us)  # what others in its region do not answer speaks of it, too
        answer = belief.answer(host_of(peer), now_us)
        return self._plan.rule.passes_over(answer, now_us - since_us)

    def _held(self, now_us: int) -> Belief:
        if self._belief is None:
            self._belief = self._plan.belief(self._own, self._peers, now_us)
        return self._belief


def asked_by(words: str, attempt_us: int) -> Plan | Believed:
    """How clients choose whom to ask: a detector's words, or `belief:` and those of a rule.

    Args:
        words: As a scenario file has them.
        attempt_us: How long a client waits for an answer.

    Raises:
        ValueError: no such detector, provider or rule.
    """
    rule = believed(words)
    if rule is None:
        return detector_of_answers(words, max(4, attempt_us))
    # An answer is due well before a client gives an attempt up, or it would be given up in vain.
    round_trip = Erlang(mean_us=max(1.0, attempt_us / 4), stages=4)
    made = Believed(rule=rule, priors=DEFAULT_PRIORS, round_trip=round_trip)
    made.warn(_ANYWHERE, _ANYWHERE)
    return made
