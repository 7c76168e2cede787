"""Who says what about the four hosts: beliefs under each prior, of own evidence and of all; and detectors.

Every teller reads the same notebook, in order, up to each instant. *Own* is what came from the hosts themselves; *all*
adds what the other witnesses told. A heartbeat proves the way here; of the way there an observer knows only how often
it is cut, unless a witness over there says when it last heard of the observer. Detectors read the same pulses as the
own belief does, and say how much they suspect a host, so that any threshold can be applied afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp
from types import MappingProxyType
from typing import Final

from experiments.spectrum.troubles import OUT_CUT, REPAIR_US, priors, way_out
from experiments.spectrum.worlds import BEAT_US, GRID, HEARING, Heard, Told, tree_of_all
from models.confidence import (
    Answer,
    Belief,
    Evidence,
    Hearing,
    Learner,
    Learning,
    Level,
    Pareto,
    Subject,
    Tree,
    crash_posterior,
)
from models.confidence.healing import healed, healed_share
from models.confidence.tree import region_of
from models.detection import Detector, Fixed, Mean, NfdE, Phi, Plan, Recent
from sim.topology import Location

__all__ = [
    "ALL",
    "ALL_HEAVY",
    "ALL_LEARNT",
    "ALL_RIGHT",
    "ALL_WRONG_3",
    "ALL_WRONG_10",
    "BELIEFS",
    "DETECTORS",
    "LABELS",
    "OWN_LEARNT",
    "OWN_RIGHT",
    "OWN_WRONG_10",
    "PATH",
    "PHI",
    "Panel",
    "Sayings",
]

OWN_RIGHT: Final = "own-right"
OWN_WRONG_10: Final = "own-wrong-10"
OWN_LEARNT: Final = "own-learnt"
ALL_RIGHT: Final = "all-right"
ALL_WRONG_3: Final = "all-wrong-3"
ALL_WRONG_10: Final = "all-wrong-10"
ALL_HEAVY: Final = "all-heavy"
ALL_LEARNT: Final = "all-learnt"
ALL: Final = (ALL_RIGHT, ALL_WRONG_3, ALL_WRONG_10, ALL_HEAVY, ALL_LEARNT)
BELIEFS: Final = (OWN_RIGHT, OWN_WRONG_10, OWN_LEARNT, *ALL)
#: Miscalibrated by construction; the check has to find them out.
PATH: Final = "path"
PHI: Final = "phi-read"
LABELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        ALL_RIGHT: "right priors",
        ALL_WRONG_3: "failures thought 3 times rarer",
        ALL_WRONG_10: "failures thought 10 times rarer",
        ALL_HEAVY: "delays thought heavy-tailed",
        ALL_LEARNT: "learnt, from 10 times rarer",
        OWN_RIGHT: "own evidence, right priors",
        OWN_WRONG_10: "own evidence, 10 times rarer",
        OWN_LEARNT: "own evidence, learnt",
        PATH: "posteriors multiplied along the path",
        PHI: "phi read as a probability",
    }
)
_FACTORS: Final[Mapping[str, float]] = MappingProxyType(
    {ALL_WRONG_3: 1 / 3, ALL_WRONG_10: 0.1, ALL_LEARNT: 0.1, OWN_WRONG_10: 0.1, OWN_LEARNT: 0.1}
)
#: What suspicion of 1 stands for is each one's own; thresholds are chosen afterwards.
DETECTORS: Final[Mapping[str, Plan]] = MappingProxyType(
    {
        "fixed": Fixed(timeout_us=BEAT_US),
        "mean": Mean(eta_us=BEAT_US, factor=1.0, recent=Recent(100)),
        "nfd-e": NfdE(eta_us=BEAT_US, alpha_us=1),
        "phi": Phi(eta_us=BEAT_US, threshold=1.0, deviation_us_min=100_000),
    }
)
#: Intervals of silence, and one asks who is to blame; and beyond which a gap is no mere loss.
_DOUBTED: Final = 3
#: A prior is worth a quarter of an outage: a run sees a few.
_LEARNING: Final = Learning(outages=0.25)
_RECONSIDER: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Sayings:
    """What all tellers say at one instant.

    Attributes:
        answers: By belief and host.
    XX        suspicions: By detector and host.
        alone: By the teller that is wrong by construction and host, its chance of being down.
        silent_us: By host, since when what it last sent that came; since the begin if nothing did.
    """

    answers: Mapping[str, Mapping[Location, Answer]]
    either: Mapping[str, float]
    suspicions: Mapping[str, Mapping[Location, float]]
    alone: Mapping[str, Mapping[Location, float]]
    silent_us: Mapping[Location, int]


class Panel:
    """Every teller, before the first word of a notebook.

    Args:
        observer: Who reads.
        subjects: The hosts that are asked about.
        members: Of these, the two that a group has beside the observer, of one region.
        witnesses: By region, who bears witness there.
        beliefs: Which beliefs are held.
    """

    def __init__(
        self,
        observer: Location,
        subjects: Sequence[Location],
        members: Sequence[Location],
        witnesses: Mapping[Location, Location],
        beliefs: Sequence[str] = BELIEFS,
    ) -> None:
        self._observer = observer
        self._subjects = tuple(subjects)
        self._members = tuple(members)
        self._regions = tuple(dict.fromkeys(map(region_of, subjects)))
        self._beliefs = {name: _belief(name, observer) for name in beliefs}
        self._learners = {
            name: _Learning(self._beliefs[name], REPAIR_US / _FACTORS[name])
            for name in beliefs
            if name in (OWN_LEARNT, ALL_LEARNT)
        }
        far = {region_of(subject) for subject in self._subjects} - {region_of(observer)}
        self._out = {
            name: {
                region: _way_out(observer, region, witnesses[region], _FACTORS.get(name, 1.0)) for region in sorted(far)
            }
            for name in beliefs
            if name in ALL
        }
        self._detectors: dict[str, dict[Location, Detector]] = {
            name: {subject: plan.make() for subject in self._subjects} for name, plan in DETECTORS.items()
        }
        self._sent_us: dict[Location, int] = {}
        tree = tree_of_all()
        self._hearings = {subject: tree.by_name[subject].hearing or HEARING for subject in self._subjects}
        self._paths = {subject: _path(subject) for subject in self._subjects}

    def read(self, line: Heard | Told) -> None:
        """Take note of what came."""
        if isinstance(line, Told):
            if line.evidence.subject == self._observer:
                self._heard_there(line.evidence)
                return
            for name, belief in self._beliefs.items():
                if name in ALL and line.evidence.subject in belief.tree.by_name:
                    belief.learn(line.evidence)
            return
        at_us, subject, sent_us = line
        for learner in self._learners.values():
            learner.heard(subject, sent_us, at_us)
        for belief in self._beliefs.values():
            if subject in belief.tree.by_name:
                belief.heard(subject, sent_us, at_us)
        if subject in self._paths:
            self._sent_us[subject] = max(sent_us, self._sent_us.get(subject, 0))
            for detectors in self._detectors.values():
                # Pulses keep their rhythm, so when one was sent says which it is.
                detectors[subject].observe(sent_us // BEAT_US, at_us)

    def _heard_there(self, evidence: Evidence) -> None:
        """A witness told when it last heard of the observer."""
        region = region_of(evidence.origin)
        for ways in self._out.values():
            if region in ways:
                ways[region].learn(replace(evidence, subject=region))

    def say(self, now_us: int) -> Sayings:
        """What everybody thinks now."""
        for belief in self._beliefs.values():
            belief.look(now_us)
        for name, learner in self._learners.items():
            if learner.learn(now_us):
                for way in self._out.get(name, {}).values():
                    way.reconsider(way_out().wrong_by(self._factor(name)))
        silent_us = {subject: now_us - self._sent_us.get(subject, 0) for subject in self._subjects}
        answers: dict[str, dict[Location, Answer]] = {}
        either: dict[str, float] = {}
        for name, belief in self._beliefs.items():
            repair_us = self._repair_us(name)
            held = {subject: belief.answer(subject, now_us) for subject in self._subjects}
            ways = {region: self._way_there(name, region, now_us) for region in self._regions}
            answers[name] = {
                subject: _there_and_back(healed(answer, self._hearings[subject], repair_us), ways[region_of(subject)])
                for subject, answer in held.items()
            }
            both = belief.all_answer(self._members, now_us)
            none = max(0.0, 1 - sum(held[one].answers for one in self._members) + both)
            # What broke both is repaired for both, and one way leads to both.
            again = min(healed_share(silent_us[one], self._hearings[one], repair_us) for one in self._members)
            either[name] = (1 - none * (1 - again)) * ways[region_of(self._members[0])]
        return Sayings(
            answers=answers,
            either=either,
            suspicions={
                name: {subject: one.suspicion(now_us) for subject, one in detectors.items()}
                for name, detectors in self._detectors.items()
            },
            alone={
                PATH: {subject: self._along(subject, us) for subject, us in silent_us.items()},
                # Cassandra's phi is silence in means over ln 10, so 10^-phi = exp(-silence / mean).
                PHI: {subject: 1 - exp(-us / BEAT_US) for subject, us in silent_us.items()},
            },
            silent_us=silent_us,
        )

    def _way_there(self, name: str, region: Location, now_us: int) -> float:
        """The chance that what is sent arrives in a region, if what comes from there does."""
        if region == region_of(self._observer):
            return 1.0
        if name not in self._out:
            return 1 - OUT_CUT * self._factor(name)
        return self._out[name][region].answer(region, now_us).answers

    def _factor(self, name: str) -> float:
        """How many times too often cuts of one way are thought to come; what is learnt of cuts holds of these."""
        wrong = _FACTORS.get(name, 1.0)
        return wrong * self._learners[name].cuts if name in self._learners else wrong

    def _repair_us(self, name: str) -> float:
        """How long repairs are thought to take: who thinks failures rarer thinks them longer."""
        if name in self._learners:
            return self._learners[name].repair_us
        return REPAIR_US / _FACTORS.get(name, 1.0)

    def _along(self, subject: Location, silent_us: int) -> float:
        """One minus a product over the path: each level judged by the same silence, each as if alone."""
        missed = max(0, (silent_us - int(HEARING.delay.mean_us)) // BEAT_US)
        whole = 1.0
        for level in self._paths[subject]:
            rate = 1 / level.mtbf_us + 1 / level.mtbc_us
            if rate:
                whole *= 1 - crash_posterior(missed, mtbf=1 / rate / BEAT_US, loss=HEARING.loss).posterior
        return 1 - whole


def _belief(name: str, observer: Location) -> Belief:
    far = HEARING
    if name == ALL_HEAVY:
        far = Hearing(every_us=BEAT_US, loss=HEARING.loss, delay=Pareto(least_us=HEARING.delay.mean_us / 3, alpha=1.5))
    tree = tree_of_all(far=far)
    return Belief(observer=observer, tree=tree, priors=priors().wrong_by(_FACTORS.get(name, 1.0)), grid=GRID)


def _way_out(observer: Location, region: Location, witness: Location, factor: float) -> Belief:
    """A belief about the way to a region, by what its witness heard of the observer."""
    return Belief(
        observer=observer,
        tree=Tree(subjects=(Subject(name=region, level="region", hearing=HEARING),)),
        priors=way_out().wrong_by(factor),
        grid=GRID,
        origins={region: witness},
    )


def _there_and_back(answer: Answer, way_there: float) -> Answer:
    """An answer of who must be reached, too: whoever can be heard and not be reached is unreachable."""
    return replace(
        answer,
        up=answer.up * way_there,
        slow=answer.slow * way_there,
        unreachable=answer.unreachable + answer.answers * (1 - way_there),
    )


def _path(subject: Location) -> tuple[Level, ...]:
    known = priors()
    return tuple(known.of(one.level) for one in tree_of_all().path(subject))


class _Learning:
    """What one belief learns: rates from outages that it blames on somebody, losses and delays from what came."""

    def __init__(self, belief: Belief, repair_us: float) -> None:
        self._belief = belief
        self._first = belief.priors
        self._learner = Learner(belief.priors, _LEARNING)
        self._levels = {one.name: one.level for one in belief.tree.subjects}
        self._heard: dict[Location, Subject] = {
            one.name: one for one in belief.tree.subjects if one.hearing is not None
        }
        self._sent_us: dict[Location, int] = {}
        self._delays = {hearing: Learner(belief.priors, Learning()) for hearing in self._hearings()}
        self._learnt_us = 0
        self._looks = 0
        #: Silences that ended, with one as the prior has it.
        self._ended, self._ended_us = 1, repair_us

    @property
    def repair_us(self) -> float:
        """Mean of silences that were no mere losses, up to the first word after them."""
        return self._ended_us / self._ended

    def _hearings(self) -> set[Hearing]:
        return {one.hearing for one in self._heard.values() if one.hearing is not None}

    def heard(self, subject: Location, sent_us: int, at_us: int) -> None:
        """A pulse came; whatever was blamed for its silence is over."""
        one = self._heard.get(subject)
        if one is None or one.hearing is None:
            return
        before_us = self._sent_us.get(subject)
        if before_us is None or sent_us > before_us:
            gap = 0 if before_us is None else round((sent_us - before_us) / BEAT_US) - 1
            # A longer gap is an outage, and no loss.
            if gap >= _DOUBTED and before_us is not None:
                self._ended += 1
                self._ended_us += sent_us - before_us - BEAT_US
            self._delays[one.hearing].came(at_us - sent_us, gap if gap < _DOUBTED else 0)
            self._sent_us[subject] = sent_us
        for step in self._belief.tree.path(subject):
            # Its life is not told; most that end are taken for what the prior says.
            self._close(step.name)

    def _close(self, name: Location) -> None:
        prior = self._belief.priors.of(self._levels[name])
        self._learner.ended(name, died=prior.mtbf_us <= prior.mtbc_us)

    @property
    def cuts(self) -> float:
        """How many times as often as at first cuts of regions are thought to come."""
        return self._first.of("region").mtbc_us / self._belief.priors.of("region").mtbc_us

    def learn(self, now_us: int) -> bool:
        """Count what passed since the last time; now and then hold the evidence against what is thought by then."""
        us, self._learnt_us = now_us - self._learnt_us, now_us
        up: set[Location] = set()
        counts: dict[str, int] = {}
        for name in self._heard:
            silent = now_us - self._sent_us.get(name, 0) > _DOUBTED * BEAT_US
            if silent:
                self._learner.blamed(self._belief.answer(name, now_us), self._levels)
            else:
                up.update(step.name for step in self._belief.tree.path(name))
        for name in up:
            counts[self._levels[name]] = counts.get(self._levels[name], 0) + 1
        for level, count in counts.items():
            self._learner.watched(level, count * us)
        self._looks += 1
        if self._looks % _RECONSIDER:
            return False
        hearings = {
            name: self._delays[one.hearing].hearing(one.hearing)
            for name, one in self._heard.items()
            if one.hearing is not None
        }
        self._belief.reconsider(self._learner.priors(), hearings)
        return True
