"""What one observer believes of everything it watches: exact on the tree, and told in answers.

Evidence comes in as heartbeats, replies, silence and what others know at first hand. Each piece moves one subject's
likelihood and the nodes above it, so it costs the depth of the tree, not the number of hosts. Questions go down the
same path. The model: each node breaks by itself, at a constant hazard since its way was last seen whole; a break lasts
until something is heard again; heartbeats are lost independently. It knows nothing of which faults are to come.

Of each subject one origin is listened to for silence (the observer itself, or whoever reports on it), since what two
origins do not hear may share a cause. What any other heard counts as proof of life: leaving out their silence loses
evidence and biases nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import inf
from typing import Final

from models.confidence.answer import Answer
from models.confidence.asking import posterior
from models.confidence.evidence import Evidence, together
from models.confidence.nodes import Node
from models.confidence.priors import Hearing, Priors
from models.confidence.silence import Event, Function, Grid, constant, due, likelihood, timeliness
from models.confidence.tree import Subject, Tree
from models.detection.refusals import at_least, refuse
from sim.topology import Location, unpack_location

__all__ = ["Belief"]

#: Delays that are kept of a subject, and requests without a reply.
_RECENT: Final = 4
_ASKED: Final = 8


class _Heard:
    """What is known of a subject that is heard itself."""

    __slots__ = ("asked", "evidence", "hearing", "node", "others")

    def __init__(self, node: Node, hearing: Hearing, evidence: Evidence) -> None:
        self.node = node
        self.hearing = hearing
        self.evidence = evidence
        self.others: dict[Location, Evidence] = {}
        self.asked: tuple[int, ...] = ()


class Belief:
    """A belief about the subjects of a tree.

    Args:
        observer: Whose belief it is.
        tree: Whom it watches.
        priors: What it believes before evidence.
        grid: How finely onsets are told apart; slots of about half a heartbeat interval do.
        begin_us: When it begins to listen.
        origins: By subject, to whom the observer listens about it; itself where none is given.

    Raises:
        ValueError: slots that do not fit the heartbeats, or an origin for what nobody hears.
    """

    def __init__(
        self,
        *,
        observer: Location,
        tree: Tree,
        priors: Priors,
        grid: Grid,
        begin_us: int = 0,
        origins: Mapping[Location, Location] | None = None,
    ) -> None:
        origins = origins or {}
        refuse([at_least("begin_us", begin_us, 0), *_mistakes(tree, priors, grid, origins)])
        self.observer = observer
        self.tree = tree
        self._priors = priors
        self._grid = grid
        self._begin_us = begin_us
        self._nodes: dict[Location, Node] = {}
        self._heard: dict[Location, _Heard] = {}
        for subject in tree.subjects:
            above = None if subject.within is None else self._nodes[subject.within]
            node = Node(subject.name, priors.of(subject.level), above, grid, begin_us)
            self._nodes[subject.name] = node
            if subject.hearing is not None:
                origin = origins.get(subject.name, observer)
                known = Evidence(subject=subject.name, origin=origin, sent_us=None, looked_us=begin_us)
                self._heard[subject.name] = _Heard(node, subject.hearing, known)

    # -- evidence --------------------------------------------------------------------------

    def heard(self, subject: Location, sent_us: int, at_us: int) -> None:
        """A heartbeat of a subject, sent at `sent_us`, came at `at_us`; one that is older than another says nothing.

        Raises:
            ValueError: no such subject is heard, or it came before it was sent.
        """
        known = self._known(subject)
        evidence = known.evidence
        if at_us < sent_us:
            raise ValueError(f"{at_us=} is before {sent_us=}; take the arrival for both where clocks differ")
        if evidence.sent_us is not None and sent_us <= evidence.sent_us:
            return
        known.evidence = Evidence(
            subject=subject,
            origin=evidence.origin,
            sent_us=sent_us,
            looked_us=max(evidence.looked_us, at_us),
            delays_us=(*evidence.delays_us[-_RECENT + 1 :], at_us - sent_us),
        )
        self._news(known, sent_us)

    def replied(self, subject: Location, asked_us: int, at_us: int) -> None:
        """A reply came to a request that was sent at `asked_us`: the way was whole, and its subject alive, since then."""
        del at_us
        known = self._known(subject)
        evidence = known.evidence
        known.asked = tuple(us for us in known.asked if us > asked_us)
        if evidence.sent_us is None or asked_us > evidence.sent_us:
            known.evidence = replace(evidence, sent_us=asked_us, looked_us=max(evidence.looked_us, asked_us))
            self._news(known, asked_us)

    def asked(self, subject: Location, sent_us: int) -> None:
        """A request was sent; from now on its missing reply counts, too. Of many unanswered the first few do.

        Raises:
            ValueError: nobody said how long replies take.
        """
        known = self._known(subject)
        if known.hearing.round_trip is None:
            raise ValueError(f"{unpack_location(subject)}: nobody said how long replies take; give its round_trip")
        if len(known.asked) < _ASKED:
            known.asked = (*known.asked, sent_us)

    def silent(self, subject: Location, until_us: int) -> None:
        """Nothing more came of a subject up to `until_us`."""
        known = self._known(subject)
        if until_us > known.evidence.looked_us:
            known.evidence = replace(known.evidence, looked_us=until_us)
            self._weigh(known)

    def learn(self, evidence: Evidence) -> None:
        """Take over what somebody heard at first hand; what is known already changes nothing.

        Raises:
            ValueError: no such subject is heard.
        """
        known = self._known(evidence.subject)
        if evidence.origin == known.evidence.origin:
            both = together(known.evidence, evidence)
            if both != known.evidence:
                newer = both.sent_us != known.evidence.sent_us
                known.evidence = both
                if newer and both.sent_us is not None:
                    self._news(known, both.sent_us)
                else:
                    self._weigh(known)
            return
        before = known.others.get(evidence.origin)
        known.others[evidence.origin] = evidence if before is None else together(before, evidence)
        if evidence.sent_us is not None and (before is None or known.others[evidence.origin] != before):
            node: Node | None = known.node
            while node is not None:
                node.seen_alive(evidence.sent_us)
                node = node.above
            self._rise(known.node)

    def look(self, now_us: int) -> None:
        """Nothing more came, up to now, of any subject that this observer listens to itself."""
        for subject, known in self._heard.items():
            if known.evidence.origin == self.observer:
                self.silent(subject, now_us)

    def reconsider(self, priors: Priors, hearings: Mapping[Location, Hearing] | None = None) -> None:
        """Hold all evidence against other priors; costs as much as there are subjects.

        Args:
            priors: Instead of those so far.
            hearings: By subject, how it is heard after all.
        """
        hearings = hearings or {}
        self._priors = priors
        for subject in self.tree.subjects:
            self._nodes[subject.name].level = priors.of(subject.level)
        for name, known in self._heard.items():
            known.hearing = hearings.get(name, known.hearing)
        # Inner nodes tell what is below them by the new priors once each leaf has risen; each rise tells all above.
        for known in self._heard.values():
            self._weigh(known)

    # -- questions -------------------------------------------------------------------------

    def answer(self, subject: Location, now_us: int) -> Answer:
        """What is believed of a subject now: a region, a cluster, a host or a service.

        The subject's own silence counts up to now where this observer listens to it itself; that of others up to
        when they were last looked at.

        Raises:
            ValueError: no such subject.
        """
        node = self._nodes.get(subject)
        if node is None:
            self.tree.path(subject)
            raise AssertionError("a tree without it says so")
        known = self._heard.get(subject)
        fine: Function | None = None
        basis: tuple[Evidence, ...] = ()
        age_us = None if node.proof_us is None else max(0, now_us - node.proof_us)
        if known is not None:
            if known.evidence.origin == self.observer:
                self.silent(subject, now_us)
            basis = (known.evidence, *(known.others[origin] for origin in sorted(known.others)))
            fine = self._likelihood(known, end_us=max(now_us, known.evidence.looked_us))
        found = posterior(node, now_us, self._grid, fine)
        return Answer(
            subject=subject,
            observer=self.observer,
            at_us=now_us,
            up=found.up,
            slow=found.slow,
            unreachable=found.unreachable,
            dead=found.dead,
            blames=found.blames,
            basis=basis,
            age_us=age_us,
        )

    def evidence(self) -> tuple[Evidence, ...]:
        """All first-hand evidence of this observer, to be handed on; what it has of others is theirs."""
        own = (known.evidence for known in self._heard.values() if known.evidence.origin == self.observer)
        return tuple(own)

    def evidence_of(self, subject: Location) -> Evidence:
        """What is known of one subject from the origin that is listened to.

        Raises:
            ValueError: no such subject is heard.
        """
        return self._known(subject).evidence

    @property
    def priors(self) -> Priors:
        """What is believed before evidence, now."""
        return self._priors

    # -- inside ----------------------------------------------------------------------------

    def _known(self, subject: Location) -> _Heard:
        known = self._heard.get(subject)
        if known is None:
            self.tree.path(subject)
            raise ValueError(f"{unpack_location(subject)} is not heard itself; give it a hearing, or name what is in it")
        return known

    def _news(self, known: _Heard, sent_us: int) -> None:
        """The way to a subject was whole when this was sent."""
        node: Node | None = known.node
        while node is not None:
            node.seen_whole(sent_us)
            node = node.above
        known.asked = tuple(us for us in known.asked if us > sent_us)
        self._weigh(known)

    def _weigh(self, known: _Heard) -> None:
        """Put what is known now of a subject in the place of what was, at each node above."""
        node = known.node
        new = self._likelihood(known, end_us=inf)
        node.exchange(node.own, new)
        node.own = new
        self._rise(node)

    def _rise(self, node: Node) -> None:
        while node.above is not None:
            told = node.message()
            node.above.exchange(node.told, told)
            node.told = told
            node = node.above

    def _likelihood(self, known: _Heard, end_us: float) -> Function:
        evidence, hearing, grid = known.evidence, known.hearing, self._grid
        sent_us, until_us = evidence.sent_us, evidence.looked_us
        # Of what was never heard, the first is expected an interval after the begin.
        events = due(hearing, self._begin_us if sent_us is None else sent_us, until_us, grid)
        if known.asked:
            events = sorted((*events, *_unanswered(known, until_us)))
        timely = timeliness(hearing, evidence.delays_us) if known.node.may_be_slow else (0, 0)
        base = known.node.base
        if not events:
            return Function(base, [timely[0]], [timely[1]])
        begin_us = -inf if sent_us is None else sent_us
        return likelihood(events, base, begin_us=begin_us, end_us=end_us, grid=grid, timely=timely)


def _unanswered(known: _Heard, until_us: int) -> list[Event]:
    """Requests whose replies are due: either way may have lost them."""
    hearing = known.hearing
    assert hearing.round_trip is not None, "only then is a request remembered"
    both = (1 - hearing.loss) ** 2
    found = []
    for sent_us in known.asked:
        late_us = until_us - sent_us
        if late_us > 0:
            normal = 1 - both + both * hearing.round_trip.beyond(late_us)
            slow = 1 - both + both * hearing.round_trip.beyond(late_us / hearing.slowdown)
            found.append(Event(sent_us, normal, slow))
    return found


def _mistakes(
    tree: Tree, priors: Priors, grid: Grid, origins: Mapping[Location, Location]
) -> list[str | None]:
    found: list[str | None] = [at_least("slot_us", grid.slot_us, 1), at_least("window", grid.window, 2)]
    levels = {subject.level for subject in tree.subjects}
    found += [
        f"priors name {level!r}, and the tree has none of that level; leave it out, or watch one"
        for level in priors.levels
        if level not in levels
    ]
    hearings = {subject.hearing for subject in tree.subjects if subject.hearing is not None}
    every = sorted({hearing.every_us for hearing in hearings})
    found += [
        f"slot_us={grid.slot_us} and window={grid.window} do not fit heartbeats every {us} us; give slots of at most "
        f"that, and at least two heartbeats in a window"
        for us in every
        if grid.slot_us > us or grid.slot_us * grid.window < 2 * us
    ]
    heard = {subject.name for subject in tree.subjects if subject.hearing is not None}
    found += [
        f"origins name {tuple(unpack_location(name))}, of which nothing is heard; leave it out"
        for name in origins
        if name not in heard
    ]
    return found
