"""From a run that breaks a claim to the least that still breaks it.

A shrinker edits the scenario's document, never the run: every candidate is read by the loader as
a file would be, run under the same seed and judged by the same claim; any witness will do. The
steps are repeated until none of them helps, so what is left is *1-minimal*: without any single
one of its faults or operations the claim holds. That may be more than a reader takes in; then the
small world that is left is hunted again (`afresh`), and the least of all is kept. The budget counts
runs, not seconds, and side by side or one after the other the same candidate is taken, so the
result is a function of its input.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, Final

from experiments.hunting.afresh import MOST_FAULTS, MOST_OPERATIONS, in_the_small
from experiments.hunting.ddmin import ddmin
from experiments.hunting.retimed import by_the_clock, merged_faults, shifted_faults
from experiments.hunting.simpler import (
    Document,
    other_delays,
    plainer_worlds,
    rounder_faults,
    shorter_faults,
    simpler_faults,
    smaller_topologies,
    with_,
)
from experiments.hunting.times import Margins, earlier_ends
from experiments.hunting.trial import CLIENT_BITS, NO_CRASH, Trial
from experiments.hunting.tries import Runner, Tries, key_of
from experiments.scenario import Scenario
from experiments.scenario.property import Sort
from sim.checkers import Verdict
from sim.nemesis import Knobs

__all__ = ["DEFAULT_RUNS", "Shrunk", "Size", "shrink"]

#: So few operations need no cleverness.
_LITTLE: Final = 10
#: Candidates of one round of which each leaves a good part out.
_FEW: Final = 16
#: Runs that a shrinker may spend.
DEFAULT_RUNS: Final = 4_000
#: Of the budget: what the first descent may spend where something else can be tried after it, what may be spent on
#: drawing afresh, and what on the descent from each find of that.
_SHARES: Final = (1 / 2, 1 / 4, 1 / 8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much there is of a scenario: faults, operations that began, hosts, and its length in microseconds."""

    faults: int
    operations: int
    hosts: int
    until_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shrunk:
    """What a shrinker found.

    Attributes:
        scenario: The least scenario; it claims only what is broken.
        trial: Its run.
        before: Size of the scenario that it began with.
        after: Size of what is left.
        runs: How many runs it took.
        whole: Whether nothing more was to be left out; False if the runs were used up.
        afresh: Whether its faults are not what is left of those that it began with: they were drawn anew.
    """

    scenario: Scenario
    trial: Trial
    before: Size
    after: Size
    runs: int
    whole: bool
    afresh: bool = False


def shrink(
    scenario: Scenario,
    seed: int,
    claim: str,
    *,
    runs: int = DEFAULT_RUNS,
    knobs: Knobs | None = None,
    side_by_side: int = 1,
    runner: Runner | None = None,
    told: Callable[[int, str], object] = lambda spent, size: None,
) -> Shrunk:
    """Reduce a run that violates `claim`.

    Args:
        scenario: With its faults written out: nothing is left to be drawn.
        seed: Root of the run.
        claim: A property that the scenario claims always, or `no_crash`.
        runs: How many runs may be spent.
        knobs: What was drawn for the run; with None nothing else is drawn in the place of its faults.
        side_by_side: How many runs the runner carries out at once.
        runner: Carries out runs; None does so here, one after the other.
        told: Hears how many runs were spent and what is left, whenever there is less.

    Raises:
        ValueError: the run does not violate the claim, or the budget has no run.
    """
    return _Shrinker(scenario, seed, claim, runs, knobs, side_by_side, runner, told).shrunk()


class _Shrinker:
    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        claim: str,
        runs: int,
        knobs: Knobs | None,
        side_by_side: int,
        runner: Runner | None,
        told: Callable[[int, str], object],
    ) -> None:
        self._origin = scenario
        self._claim = claim
        self._runs = runs
        self._tries = Tries(scenario, seed, runs, runner)
        self._knobs = knobs
        self._afresh = False
        self._side_by_side = side_by_side
        self._told = told
        self._document = _claiming(scenario, claim)
        self._scenario = self._tries.read(self._document)
        self._trial = self._tries.free(self._document)
        if claim not in self._trial.broken:
            raise ValueError(f"{scenario.name} does not violate {claim} under seed {seed}; name what it violates")
        self._like: Verdict = self._trial.broken[claim]
        self._taken = {key_of(self._document)}
        self._margins = Margins.of(self._document, self._trial, lively=_lively(scenario, claim))

    def shrunk(self) -> Shrunk:
        """Carry out every step until none helps; what is large even then is hunted again."""
        before, origin = self._size(), self._document
        if self._knobs is not None:
            first, draws, each = (int(self._runs * share) for share in _SHARES)
            self._tries.within(first, self._descend)
            self._hunt_again(origin, self._knobs, draws, each)
        whole = self._tries.within(self._tries.left, self._descend)
        assert self._scenario is not None
        return Shrunk(
            scenario=self._scenario,
            trial=self._trial,
            before=before,
            after=self._size(),
            runs=self._tries.spent,
            whole=whole,
            afresh=self._afresh,
        )

    def _descend(self) -> None:
        """Carry out every step until none helps."""
        steps = (
            self._ends,
            self._faults,
            *(() if self._of_a_core() else (self._edits(merged_faults), self._edits(self._by_the_clock))),
            self._topology,
            self._operations,
            self._edits(plainer_worlds),
            self._edits(shorter_faults),
            # A fault of another kind, or a little later, might strike a core that is to be whole.
            *(() if self._of_a_core() else (self._edits(simpler_faults), self._edits(rounder_faults))),
        )
        at_rest = False
        while not at_rest:
            document = self._document
            for step in steps:
                step()
            # By content: a step may take again what it took before.
            at_rest = document == self._document

    def _hunt_again(self, origin: Document, knobs: Knobs, draws: int, each: int) -> None:
        """While much is left, break the claim by a few faults drawn anew and descend from there; the least is kept."""
        passed = 0
        while self._excess() and draws > 0:
            best, left, found = (self._document, self._trial), self._tries.left, list[int | None]()
            documents = islice(in_the_small(origin, self._document, knobs, self._tries.read), passed, None)
            self._tries.within(draws, partial(self._look, documents, found))
            if not found or found[0] is None:
                return
            passed, draws = passed + found[0] + 1, draws - (left - self._tries.left)
            self._tries.within(each, self._descend)
            if self._excess() < _excess(*best):
                self._afresh = True
            else:
                self._stand(*best)

    def _look(self, documents: Iterable[Document], found: list[int | None]) -> None:
        found.append(self._first(documents))

    # -- steps -----------------------------------------------------------------------------

    def _ends(self) -> None:
        """End the load, the audit and the run as early as may be."""
        while self._first(earlier_ends(self._document, self._trial, self._claim, self._margins)) is not None:
            pass

    def _faults(self) -> None:
        """Let fewer faults strike."""

        def first(lists: list[list[Any]]) -> int | None:
            return self._first_or_shaken([{**self._document, "fault": some} for some in lists])

        ddmin(self._document.get("fault", []), first)

    def _operations(self) -> None:
        """Issue just a few operations: the witness and what shares its keys first, then whatever is needed."""

        def first(lists: list[list[int]]) -> int | None:
            return self._first_or_shaken([_only(self._document, some) for some in lists])

        first([[op for op in self._trial.operations if op in self._witness()]])
        while len(self._trial.operations) > _LITTLE and first(self._without_a_trait()) is not None:
            pass
        ddmin(self._trial.operations, first)
        if set(self._document["workload"].get("only", ())) != set(self._trial.operations):
            self._first([_only(self._document, self._trial.operations)])

    def _without_a_trait(self) -> list[list[int]]:
        """The operations but for those of one key, client, session or kind; the witness stays."""
        trial, witness = self._trial, self._witness()
        traits = dict.fromkeys(trait for op in trial.operations for trait in trial.traits[op])
        less = [[op for op in trial.operations if op in witness or trait not in trial.traits[op]] for trait in traits]
        return sorted((some for some in less if len(some) < len(trial.operations)), key=len)

    def _witness(self) -> frozenset[int]:
        return frozenset(self._trial.broken[self._claim].witness)

    def _topology(self) -> None:
        while any(self._first([smaller]) is not None for smaller in self._renumbered()):
            pass

    def _renumbered(self) -> Iterator[Document]:
        """Smaller topologies, with the ids that the same operations bear there."""
        for smaller in smaller_topologies(self._document):
            only = smaller["workload"].get("only")
            if only is None:
                yield smaller
                continue
            pilot = self._tried(with_(smaller, "workload", only=None))
            whose = {number: client for client, number in self._trial.clients.items()}
            if pilot is None:
                continue
            moved = {number: pilot.clients[client] for number, client in whose.items() if client in pilot.clients}
            low = (1 << CLIENT_BITS) - 1
            kept = [op for op in only if op >> CLIENT_BITS in moved]
            yield _only(smaller, [moved[op >> CLIENT_BITS] << CLIENT_BITS | op & low for op in kept])

    def _edits(self, edits: Callable[[Document], Iterable[Document]]) -> Callable[[], None]:
        def step() -> None:
            while self._first(edits(self._document)) is not None:
                pass

        return step

    # -- candidates ------------------------------------------------------------------------

    def _first(self, candidates: Iterable[Document]) -> int | None:
        """Take the first candidate that breaks the claim, and return its index; None if none does."""
        waiting = enumerate(candidates)
        while batch := list(islice(waiting, self._side_by_side)):
            trials = self._tries.trials([document for _, document in batch])
            for (index, document), trial in zip(batch, trials, strict=True):
                # What was taken before was left for something less: to take it again is to walk in a circle.
                if trial is not None and trial.breaks(self._claim, self._like) and key_of(document) not in self._taken:
                    self._take(document, trial)
                    return index
        return None

    def _first_or_shaken(self, candidates: Sequence[Document]) -> int | None:
        """As `_first`; where none breaks the claim and they are few, so that much is at stake, once more shaken.

        What a run leaves out changes the delays of what is left, and a bug that hangs on who answers first may hide.
        """
        found = self._first(candidates)
        if found is not None or len(candidates) > _FEW:
            return found
        shaken = [(index, other) for index, document in enumerate(candidates) for other in self._shaken(document)]
        found = self._first(document for _, document in shaken)
        return None if found is None else shaken[found][0]

    def _shaken(self, document: Document) -> Iterator[Document]:
        yield from other_delays(document)
        if self._excess() and not self._of_a_core():
            yield from shifted_faults(document, later=not self._margins.lively)

    def _by_the_clock(self, document: Document) -> Iterator[Document]:
        return by_the_clock(document, self._trial.struck)

    def _of_a_core(self) -> bool:
        """Whether the claim is about hosts that no fault strikes any more."""
        return any("core" in use.params for use in self._origin.properties if use.name == self._claim)

    def _tried(self, document: Document) -> Trial | None:
        return next(iter(self._tries.trials([document])))

    def _take(self, document: Document, trial: Trial) -> None:
        self._taken.add(key_of(document))
        self._stand(document, trial)
        size = self._size()
        spent = self._tries.spent
        self._told(spent, f"{size.faults} faults, {size.operations} operations, {size.hosts} hosts")

    def _stand(self, document: Document, trial: Trial) -> None:
        self._document, self._trial, self._scenario = document, trial, self._tries.read(document)

    def _excess(self) -> int:
        return _excess(self._document, self._trial)

    def _size(self) -> Size:
        assert self._scenario is not None
        return Size(
            faults=len(self._scenario.faults),
            operations=len(self._trial.operations),
            hosts=len(self._scenario.topology.hosts),
            until_us=self._scenario.until_us,
        )


def _claiming(scenario: Scenario, claim: str) -> Document:
    """The scenario's document with its faults written out, claiming nothing but `claim`."""
    document: Document = json.loads(json.dumps(dict(scenario.with_faults(scenario.faults).document)))
    uses = document.pop("property", [])
    # A judge that raises is asked again by claiming all that was claimed.
    document["property"] = [use for use in uses if claim in (use["name"], NO_CRASH) and use["mode"] == "always"]
    return document


def _lively(scenario: Scenario, claim: str) -> bool:
    from experiments.properties import find

    return claim != NO_CRASH and find(claim).sort is Sort.LIVENESS


def _excess(document: Document, trial: Trial) -> int:
    """How many faults and operations there are beyond what a reader takes in."""
    faults, operations = len(document.get("fault", [])), len(trial.operations)
    return max(0, faults - MOST_FAULTS) + max(0, operations - MOST_OPERATIONS)


def _only(document: Document, operations: Iterable[int]) -> Document:
    return with_(document, "workload", only=sorted(operations))
