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

from collections.abc import Mapping, Sequence
from math import exp, inf
from typing import Final

from models.confidence.answer import Answer
from models.confidence.asking import posterior
from models.confidence.evidence import Evidence, together
from models.confidence.heard import Heard, mistakes_of
from models.confidence.nodes import Node
from models.confidence.priors import Hearing, Priors
from models.confidence.silence import UNIT, Function, Grid, Voice
from models.confidence.tree import Tree
from models.detection.refusals import at_least, refuse
from sim.topology import Location, unpack_location

__all__ = ["Belief"]

#: Delays that are kept of a subject, and requests without a reply.
_RECENT: Final = 4
_ASKED: Final = 8


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
        refuse([at_least("begin_us", begin_us, 0), *mistakes_of(tree, priors, grid, origins)])
        self.observer = observer
        self.tree = tree
        self._priors = priors
        self._grid = grid
        self._nodes: dict[Location, Node] = {}
        self._heard: dict[Location, Heard] = {}
        voices: dict[Hearing, Voice] = {}
        for subject in tree.subjects:
            above = None if subject.within is None else self._nodes[subject.within]
            node = Node(subject.name, priors.of(subject.level), above, grid, begin_us)
            self._nodes[subject.name] = node
            if subject.hearing is not None:
                voice = voices.setdefault(subject.hearing, Voice(subject.hearing, grid))
                origin = origins.get(subject.name, observer)
                self._heard[subject.name] = Heard(node, voice, origin, begin_us, grid)

    # -- evidence --------------------------------------------------------------------------

    def heard(self, subject: Location, sent_us: int, at_us: int) -> None:
        """A heartbeat of a subject, sent at `sent_us`, came at `at_us`; one that is older than another says nothing.

        Raises:
            ValueError: no such subject is heard, or it came before it was sent.
        """
        known = self._heard.get(subject) or self._known(subject)
        if at_us < sent_us:
            raise ValueError(f"{at_us=} is before {sent_us=}; take the arrival for both where clocks differ")
        if known.sent_us is not None and sent_us <= known.sent_us:
            return
        known.sent_us = sent_us
        known.looked_us = max(known.looked_us, at_us)
        known.delays_us = (*known.delays_us[1 - _RECENT :], at_us - sent_us)
        if known.node.may_be_slow:
            known.timely = (*known.timely[1 - _RECENT :], known.voice.timeliness(at_us - sent_us))
        self._news(known, sent_us)

    def replied(self, subject: Location, asked_us: int) -> None:
        """A reply came to a request that was sent at `asked_us`: since then the way was whole, its subject alive."""
        known = self._known(subject)
        known.asked = tuple(us for us in known.asked if us > asked_us)
        if known.sent_us is None or asked_us > known.sent_us:
            known.sent_us = asked_us
            known.looked_us = max(known.looked_us, asked_us)
            self._news(known, asked_us)

    def asked(self, subject: Location, sent_us: int) -> None:
        """A request was sent; from now on its missing reply counts, too. Of many unanswered the first few do.

        Raises:
            ValueError: nobody said how long replies take.
        """
        known = self._known(subject)
        if known.voice.hearing.round_trip is None:
            raise ValueError(f"{unpack_location(subject)}: nobody said how long replies take; give its round_trip")
        if len(known.asked) < _ASKED:
            known.asked = (*known.asked, sent_us)

    def silent(self, subject: Location, until_us: int) -> None:
        """Nothing more came of a subject up to `until_us`."""
        known = self._known(subject)
        if until_us > known.looked_us:
            known.looked_us = until_us
            if self._weigh(known):
                self._rise(known.node)

    def learn(self, evidence: Evidence) -> None:
        """Take over what somebody heard at first hand; what is known already changes nothing.

        Raises:
            ValueError: no such subject is heard.
        """
        known = self._known(evidence.subject)
        if evidence.origin == known.origin:
            self._take_over(known, evidence)
            return
        before = known.others.get(evidence.origin)
        known.others[evidence.origin] = evidence if before is None else together(before, evidence)
        if evidence.sent_us is not None and (before is None or known.others[evidence.origin] != before):
            node: Node | None = known.node
            while node is not None:
                node.seen_alive(evidence.sent_us)
                node = node.above
            self._rise(known.node)

    def _take_over(self, known: Heard, evidence: Evidence) -> None:
        before = known.evidence
        both = together(before, evidence)
        if both == before:
            return
        known.sent_us, known.looked_us = both.sent_us, both.looked_us
        if both.delays_us != before.delays_us:
            known.delays_us = both.delays_us
            self._time(known)
        if both.sent_us is not None and both.sent_us != before.sent_us:
            self._news(known, both.sent_us)
        elif self._weigh(known):
            self._rise(known.node)

    def look(self, now_us: int) -> None:
        """Nothing more came, up to now, of any subject that this observer listens to itself."""
        moved = []
        for known in self._heard.values():
            if known.origin == self.observer and now_us > known.looked_us:
                known.looked_us = now_us
                if self._weigh(known):
                    moved.append(known.node)
        self._rise_together(moved)

    def reconsider(self, priors: Priors, hearings: Mapping[Location, Hearing] | None = None) -> None:
        """Hold all evidence against other priors; costs as much as there are subjects.

        Args:
            priors: Instead of those so far.
            hearings: By subject, how it is heard after all.
        """
        hearings = hearings or {}
        self._priors = priors
        for subject in self.tree.subjects:
            self._nodes[subject.name].fails_by(priors.of(subject.level))
        voices = {hearing: Voice(hearing, self._grid) for hearing in hearings.values()}
        for name, known in self._heard.items():
            if name in hearings:
                known.voice = voices[hearings[name]]
            self._time(known)
            self._weigh(known)
        self._rise_together([known.node for known in self._heard.values()])

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
            if known.origin == self.observer:
                self.silent(subject, now_us)
            basis = (known.evidence, *(known.others[origin] for origin in sorted(known.others)))
            fine = known.likelihood(max(now_us, known.looked_us))
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

    def all_answer(self, subjects: Sequence[Location], now_us: int) -> float:
        """The chance that all of some subjects answer now, up or slow: exact, whatever they share.

        Of chances that come from several beliefs the dependence is unknown; then `frechet_all` has the bounds. A break
        in the slot that `now_us` is in counts as one.

        Raises:
            ValueError: one of them is not heard itself.
        """
        chosen = [self._known(subject) for subject in dict.fromkeys(subjects)]
        for known in chosen:
            if known.origin == self.observer:
                self.silent(known.node.name, now_us)
        tops = dict.fromkeys(known.node.top for known in chosen)
        before = [top.total(now_us) for top in tops]
        unbroken = [(known.node, known.node.own, known.node.unbroken(now_us)) for known in chosen]
        for node, own, only in unbroken:
            node.exchange(own, only)
            self._rise(node)
        after = [top.total(now_us) for top in tops]
        # Sums of whole units: what was put in comes out without a trace.
        for node, own, only in unbroken:
            node.exchange(only, own)
            self._rise(node)
        return exp(min(0, sum(after) - sum(before)) / UNIT)

    def evidence(self) -> tuple[Evidence, ...]:
        """All first-hand evidence of this observer, to be handed on; what it has of others is theirs."""
        return tuple(known.evidence for known in self._heard.values() if known.origin == self.observer)

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

    def _known(self, subject: Location) -> Heard:
        known = self._heard.get(subject)
        if known is None:
            self.tree.path(subject)
            raise ValueError(
                f"{unpack_location(subject)} is not heard itself; give it a hearing, or name what is in it"
            )
        return known

    def _news(self, known: Heard, sent_us: int) -> None:
        """The way to a subject was whole when this was sent."""
        node: Node | None = known.node
        while node is not None:
            node.seen_whole(sent_us)
            node = node.above
        if known.asked:
            known.asked = tuple(us for us in known.asked if us > sent_us)
        known.settled = None
        self._weigh(known)
        # Even where it says the same, those above have another proof.
        self._rise(known.node)

    def _time(self, known: Heard) -> None:
        """How likely the delays are, anew."""
        may = known.node.may_be_slow
        known.settled = None
        known.timely = tuple(map(known.voice.timeliness, known.delays_us)) if may else ()

    def _weigh(self, known: Heard) -> bool:
        """Put what is known now of a subject in the place of what was; whether that says anything else."""
        node = known.node
        new = known.likelihood(inf)
        old = node.own
        if new is old or new == old:
            return False
        same = known.same if old.base == new.base else 0
        if node.leaf:
            node.replace(new, same)
        else:
            node.exchange(old, new, same)
        node.own = new
        return True

    def _rise(self, node: Node) -> None:
        """Tell all above a node."""
        above = node.above
        while above is not None:
            told = node.message()
            above.exchange(node.told, told, node.same)
            node.told = told
            node, above = above, above.above

    def _rise_together(self, nodes: Sequence[Node]) -> None:
        """Tell all above some nodes: of one level each only once."""
        layer = list(nodes)
        while layer:
            moved: dict[Location, Node] = {}
            for node in layer:
                above = node.above
                if above is not None:
                    told = node.message()
                    above.exchange(node.told, told, node.same)
                    node.told = told
                    moved[above.name] = above
            layer = list(moved.values())
