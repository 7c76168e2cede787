"""Who says how likely it is that a region is cut off, and a host dead: beliefs on the tree, and two without it.

The belief is asked with right priors, with failures thought 3 and 10 times as rare as they are, with delays of a wrong
family, and with priors that are learnt, from ten times wrong. `product` judges each host alone and multiplies: a region
is as likely down as all of its hosts are, each by its own silence. `phi` reads phi as a probability: 1 - 10^-phi.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import expm1, prod
from types import MappingProxyType
from typing import Final, NamedTuple

from experiments.experiment import Arm
from experiments.explaining.worlds import EVERY_US, GRID, Watched
from models.confidence import Belief, Hearing, Learner, Learning, Level, Pareto, Priors, Subject, Tree
from models.confidence.evidence import Evidence
from sim.topology import Location

__all__ = [
    "ARMS",
    "HEAVY",
    "LEARNT",
    "PHI",
    "PRODUCT",
    "TREE",
    "TREES",
    "WRONG_3",
    "WRONG_10",
    "Opinions",
    "Teller",
    "believed",
    "heard_as",
    "teller_of",
]

TREE: Final = "tree"
WRONG_3: Final = "tree-wrong-3"
WRONG_10: Final = "tree-wrong-10"
HEAVY: Final = "tree-heavy"
LEARNT: Final = "tree-learnt"
PRODUCT: Final = "product"
PHI: Final = "phi"
TREES: Final = (TREE, WRONG_3, WRONG_10, HEAVY, LEARNT)


def _arm(name: str, label: str, *, ranked: bool = True) -> Arm:
    return Arm(name=name, label=label, system=MappingProxyType({}), ranked=ranked)


ARMS: Final = (
    _arm(TREE, "tree, right priors"),
    _arm(WRONG_3, "tree, failures thought 3 times rarer"),
    _arm(WRONG_10, "tree, 10 times rarer"),
    _arm(HEAVY, "tree, delays thought heavy-tailed"),
    _arm(LEARNT, "tree, learnt from 10 times rarer"),
    _arm(PRODUCT, "hosts alone, scores multiplied", ranked=False),
    _arm(PHI, "phi read as a probability", ranked=False),
)
_RARER: Final[Mapping[str, float]] = MappingProxyType({WRONG_3: 1 / 3, WRONG_10: 0.1, LEARNT: 0.1})
#: So many intervals of silence, and one asks who is to blame.
_DOUBTED: Final = 3
_STEP_US: Final = EVERY_US


class Opinions(NamedTuple):
    """What a teller says at one instant.

    Attributes:
        regions: The chance that a region itself is down.
        hosts: The chance that a host itself is down, whatever its region.
    """

    regions: Mapping[Location, float]
    hosts: Mapping[Location, float]


#: Runs a world up to an instant and says what it thinks then.
Teller = Callable[[int], Opinions]


def believed(arm: str, priors: Priors) -> Priors:
    """What the observer of an arm believes, where these are right."""
    return priors.wrong_by(_RARER.get(arm, 1.0))


def heard_as(arm: str, hearing: Hearing) -> Hearing:
    """How the observer of an arm thinks that it hears, where this is right."""
    if arm != HEAVY:
        return hearing
    heavy = Pareto(least_us=hearing.delay.mean_us / 1.2, alpha=1.2)
    return Hearing(every_us=hearing.every_us, loss=hearing.loss, delay=heavy)


def teller_of(arm: str, watched: Watched, priors: Priors, hearing: Hearing) -> Teller:
    """The teller of an arm, in a world that was made with what it believes."""
    if arm == LEARNT:
        return _Learnt(watched, priors)
    if arm == PRODUCT:
        return _without_tree(watched, lambda found, now_us: _alone(found, now_us, priors, hearing))
    if arm == PHI:
        return _without_tree(watched, _phi)
    return _on_the_tree(watched)


def silence_us(watched: Watched, host: Location, now_us: int) -> int:
    """How long nothing was sent by a host that came."""
    sent_us = watched.observer.belief.evidence_of(host).sent_us
    return now_us - (0 if sent_us is None else sent_us)


def _on_the_tree(watched: Watched) -> Teller:
    def tell(now_us: int) -> Opinions:
        watched.world.run(now_us)
        return _opinions(watched, now_us)

    return tell


def _opinions(watched: Watched, now_us: int) -> Opinions:
    belief = watched.observer.belief
    belief.look(now_us)
    regions: dict[Location, float] = {}
    hosts: dict[Location, float] = {}
    for region, some in watched.hosts.items():
        for host in some:
            answer = belief.answer(host, now_us)
            hosts[host] = answer.blamed(host)
            regions[region] = answer.blamed(region)
    return Opinions(regions, hosts)


class _Learnt:
    """A belief whose rates are learnt from the outages that it blames on somebody, a second at a time."""

    def __init__(self, watched: Watched, priors: Priors) -> None:
        self._watched = watched
        self._learner = Learner(priors, Learning())
        self._levels = {one.name: one.level for one in watched.tree.subjects}
        self._now_us = 0

    def __call__(self, now_us: int) -> Opinions:
        while self._now_us < now_us:
            self._now_us = min(now_us, self._now_us + _STEP_US)
            self._watched.world.run(self._now_us)
            self._learn()
        belief = self._watched.observer.belief
        belief.reconsider(self._learner.priors())
        return _opinions(self._watched, now_us)

    def _learn(self) -> None:
        belief = self._watched.observer.belief
        belief.look(self._now_us)
        for some in self._watched.hosts.values():
            silent = [host for host in some if silence_us(self._watched, host, self._now_us) > _DOUBTED * EVERY_US]
            self._learner.watched("host", (len(some) - len(silent)) * _STEP_US)
            if len(silent) < len(some):
                self._learner.watched("region", _STEP_US)
            for host in silent:
                self._learner.blamed(belief.answer(host, self._now_us), self._levels)


def _without_tree(watched: Watched, score: Callable[[Evidence, int], float]) -> Teller:
    """Each host by its own silence; a region by the product of what is said of its hosts."""

    def tell(now_us: int) -> Opinions:
        watched.world.run(now_us)
        belief = watched.observer.belief
        belief.look(now_us)
        hosts = {host: score(belief.evidence_of(host), now_us) for some in watched.hosts.values() for host in some}
        regions = {region: prod(hosts[host] for host in some) for region, some in watched.hosts.items()}
        return Opinions(regions, hosts)

    return tell


def _alone(evidence: Evidence, now_us: int, priors: Priors, hearing: Hearing) -> float:
    """The chance that a host is down, of whatever: as if nothing were shared."""
    region, host = priors.of("region"), priors.of("host")
    either = Level(
        mtbf_us=host.mtbf_us,
        mtbc_us=region.mtbc_us,
        dead=host.dead,
        cut=region.cut,
    )
    belief = Belief(
        observer=evidence.origin,
        tree=Tree(subjects=(Subject(name=evidence.subject, level="host", hearing=hearing),)),
        priors=Priors(levels={"host": either}),
        grid=GRID,
    )
    belief.learn(evidence)
    return belief.answer(evidence.subject, now_us).down


def _phi(evidence: Evidence, now_us: int) -> float:
    """Cassandra's phi is the silence in mean intervals over ln 10, so 10^-phi = exp(-silence / mean)."""
    silent_us = now_us - (0 if evidence.sent_us is None else evidence.sent_us)
    return -expm1(-silent_us / EVERY_US)
