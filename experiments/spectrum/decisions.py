"""Five decisions as tables of costs, what each teller's words come to in their states, and what really was so.

Costs are a part that always is, plus `ratio` times a stake: what it costs to be wrong in the way that hurts, counted in
what it costs to be careful. A state of a request is its *fate* (answered in time, late, or not at all, since its host
is dead or cannot be reached); of a failover it is the condition at the instant.

A consumer that is given one number, the chance of *down*, splits it by how often things die and are cut off in general,
and takes several hosts for independent: it knows no better. So does one that is given it with a threshold of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import prod
from types import MappingProxyType
from typing import Final, NamedTuple

from experiments.spectrum.tellers import Sayings
from experiments.spectrum.troubles import priors
from experiments.spectrum.worlds import LAG_US, NEAR, ONE, OTHER, THIRD, WRITES_PER_S, tree_of_all
from models.confidence import Answer
from models.confidence.deciding import Option, Table, fresh_or_stale
from sim.topology import Location

__all__ = [
    "CONDITIONS",
    "DECISIONS",
    "FAILOVER",
    "MINORITY",
    "QUESTIONS",
    "RATIOS",
    "READ",
    "ROUTE",
    "SPECULATE",
    "Question",
    "Shares",
    "Truth",
    "flattened",
    "shares_of",
]

RATIOS: Final = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
CONDITIONS: Final = ("up", "slow", "unreachable", "dead")
ROUTE: Final = "route"
FAILOVER: Final = "failover"
MINORITY: Final = "minority"
READ: Final = "read"
SPECULATE: Final = "speculate"


class Truth(NamedTuple):
    """What was so at one instant; known to nobody who decides.

    Attributes:
        condition: By path, up, slow, unreachable or dead at the instant.
        fate: By path, what became of a request that was sent then, in the same words.
        fresh: By path of a shard's owner, whether the copy here had all that it had written.
    """

    condition: Mapping[str, str]
    fate: Mapping[str, str]
    fresh: Mapping[str, bool]


class Shares(NamedTuple):
    """What is known in general of a host, beside one number: of those down how many are cut off, of others slow."""

    cut: float
    slow: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One decision.

    Attributes:
        name: Short.
        title: For people.
        stake: What is wrong in the way that hurts, for an axis.
        subjects: Paths of the hosts that it is about.
        table: Costs at a ratio.
        chances: By the answers about its subjects, in their order, and the chance that one of them answers, at
            least: of each state.
        states: What was so.
    """

    name: str
    title: str
    stake: str
    subjects: tuple[str, ...]
    table: Callable[[float], Table]
    chances: Callable[[tuple[Answer, ...], float], Mapping[str, float]]
    states: Callable[[Truth], frozenset[str]]


def shares_of(places: Mapping[str, Location]) -> Mapping[str, Shares]:
    """By path, what the right rates come to; rates that are all wrong by one factor come to the same."""
    known, tree = priors(), tree_of_all()
    found = {}
    for path, place in places.items():
        levels = [known.of(one.level) for one in tree.path(place)]
        dead, cut = sum(1 / level.mtbf_us for level in levels), sum(1 / level.mtbc_us for level in levels)
        found[path] = Shares(cut=cut / (dead + cut), slow=1 - prod(1 - level.slow for level in levels))
    return MappingProxyType(found)


def flattened(answer: Answer, shares: Shares) -> Answer:
    """What is left of an answer if all that is told of it is the chance of being down."""
    down = answer.down
    return replace(
        answer,
        up=(1 - down) * (1 - shares.slow),
        slow=(1 - down) * shares.slow,
        unreachable=down * shares.cut,
        dead=down * (1 - shares.cut),
    )


def chances_of(
    question: Question, sayings: Sayings, belief: str, places: Mapping[str, Location]
) -> Mapping[str, float]:
    """Of each state of a decision, by a belief's whole answer."""
    answers = tuple(sayings.answers[belief][places[path]] for path in question.subjects)
    return question.chances(answers, sayings.either[belief])


def chances_by_number(
    question: Question, sayings: Sayings, belief: str, places: Mapping[str, Location], shares: Mapping[str, Shares]
) -> Mapping[str, float]:
    """The same by no more than the chance of being down of each subject."""
    answers = tuple(flattened(sayings.answers[belief][places[path]], shares[path]) for path in question.subjects)
    return question.chances(answers, 1 - prod(1 - answer.answers for answer in answers))


# -- routing: which replica to ask ---------------------------------------------------------

#: Replicas by what it costs to go so far.
_DISTANCES: Final[Mapping[str, float]] = MappingProxyType({NEAR: 0.0, ONE: 1.0, THIRD: 2.0})
_LATE: Final = 0.1


def _route(ratio: float) -> Table:
    return Table(
        name=ROUTE,
        options=tuple(
            Option(
                name=path,
                costs={
                    f"{path}/up": far,
                    f"{path}/slow": far + _LATE * ratio,
                    f"{path}/unreachable": far + ratio,
                    f"{path}/dead": far + ratio,
                },
            )
            for path, far in _DISTANCES.items()
        ),
    )


def _by_replica(answers: tuple[Answer, ...], either: float) -> Mapping[str, float]:
    return {
        f"{path}/{condition}": getattr(answer, condition)
        for path, answer in zip(_DISTANCES, answers, strict=True)
        for condition in CONDITIONS
    }


# -- failover ------------------------------------------------------------------------------


def _failover(ratio: float) -> Table:
    """To wait an interval for who is gone costs 1; to depose who lives, seen from here or not, what a split does."""
    return Table(
        name=FAILOVER,
        options=(
            Option(name="wait", costs={"unreachable": 1.0, "dead": 1.0}),
            Option(name="move", costs={"up": ratio, "slow": ratio, "unreachable": ratio}),
        ),
    )


def _by_condition(answers: tuple[Answer, ...], either: float) -> Mapping[str, float]:
    (answer,) = answers
    return {condition: getattr(answer, condition) for condition in CONDITIONS}


# -- accept or refuse in what may be a minority --------------------------------------------


def _minority(ratio: float) -> Table:
    """A refusal costs 1; what is accepted without a majority is undone when regions merge."""
    return Table(
        name=MINORITY,
        options=(
            Option(name="accept", costs={"minority": ratio}),
            Option(name="refuse", costs={"majority": 1.0, "minority": 1.0}),
        ),
    )


def _by_majority(answers: tuple[Answer, ...], either: float) -> Mapping[str, float]:
    """Three members, and one is here: with either of the others it is a majority."""
    return {"majority": either, "minority": 1 - either}


# -- read here, or wait for the owner's word -----------------------------------------------

#: Asking the owner costs a round trip; one that is late two, one that never comes five, and there is no answer then.
_ASKED: Final[Mapping[str, float]] = MappingProxyType({"up": 1.0, "slow": 2.0, "unreachable": 5.0, "dead": 5.0})


def _both_ways(costs: Callable[[str, bool], float]) -> Mapping[str, float]:
    found = {
        f"{condition}/{'fresh' if fresh else 'stale'}": costs(condition, fresh)
        for condition in CONDITIONS
        for fresh in (True, False)
    }
    return {state: cost for state, cost in found.items() if cost}


def _read(ratio: float) -> Table:
    return Table(
        name=READ,
        options=(
            Option(name="here", costs=_both_ways(lambda condition, fresh: 0.0 if fresh else ratio)),
            Option(name="wait", costs=_both_ways(lambda condition, fresh: _ASKED[condition])),
        ),
    )


def _by_freshness(answers: tuple[Answer, ...], either: float) -> Mapping[str, float]:
    (answer,) = answers
    return fresh_or_stale(answer, writes_per_s=WRITES_PER_S, lag_us=LAG_US)


# -- speculative load ----------------------------------------------------------------------

#: The look-up behind it costs a little; a contradiction that comes costs the work, one that never comes the stake.
_LOOKED_UP: Final = 0.25
_REDONE: Final = 1.0


def _speculate(ratio: float) -> Table:
    def confirmed(condition: str, fresh: bool) -> float:
        if fresh:
            return _LOOKED_UP
        return _LOOKED_UP + (_REDONE if condition in ("up", "slow") else ratio)

    return Table(
        name=SPECULATE,
        options=(
            Option(name="confirm", costs=_both_ways(confirmed)),
            Option(name="trust", costs=_both_ways(lambda condition, fresh: 0.0 if fresh else ratio)),
            Option(name="wait", costs=_both_ways(lambda condition, fresh: _ASKED[condition])),
        ),
    )


def _fate_and_freshness(path: str) -> Callable[[Truth], frozenset[str]]:
    return lambda truth: frozenset({f"{truth.fate[path]}/{'fresh' if truth.fresh[path] else 'stale'}"})


QUESTIONS: Final = (
    Question(
        name=ROUTE,
        title="Which replica to ask",
        stake="an unanswered request, in steps of distance",
        subjects=tuple(_DISTANCES),
        table=_route,
        chances=_by_replica,
        states=lambda truth: frozenset(f"{path}/{truth.fate[path]}" for path in _DISTANCES),
    ),
    Question(
        name=FAILOVER,
        title="Wait for a leader, or move its lead",
        stake="a needless move, in intervals of waiting",
        subjects=(ONE,),
        table=_failover,
        chances=_by_condition,
        states=lambda truth: frozenset({truth.condition[ONE]}),
    ),
    Question(
        name=MINORITY,
        title="Accept or refuse, in what may be a minority",
        stake="an acceptance that is undone, in refusals",
        subjects=(ONE, OTHER),
        table=_minority,
        chances=_by_majority,
        states=lambda truth: frozenset(
            {"majority" if {truth.fate[ONE], truth.fate[OTHER]} & {"up", "slow"} else "minority"}
        ),
    ),
    Question(
        name=READ,
        title="Read here, or wait for the owner",
        stake="a stale read, in round trips",
        subjects=(THIRD,),
        table=_read,
        chances=_by_freshness,
        states=_fate_and_freshness(THIRD),
    ),
    Question(
        name=SPECULATE,
        title="Load at once, or wait for the look-up",
        stake="a stale load that is never contradicted, in look-ups",
        subjects=(OTHER,),
        table=_speculate,
        chances=_by_freshness,
        states=_fate_and_freshness(OTHER),
    ),
)
DECISIONS: Final[Mapping[str, Question]] = MappingProxyType({one.name: one for one in QUESTIONS})
