"""The runs that a shrinker may spend: each document is carried out once, and paid for when its trial is asked for.

Side by side more runs are carried out than are asked for in the end; those cost nothing, so a
budget buys the same however many there are at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from experiments.hunting.simpler import Document
from experiments.hunting.trial import Trial, try_out
from experiments.scenario import Scenario, ScenarioError, parse

__all__ = ["OutOfRuns", "Runner", "Tries", "key_of"]

#: Carries out runs side by side, and gives their trials in order as they are asked for.
Runner = Callable[[Sequence[Scenario]], Iterable[Trial]]


class OutOfRuns(Exception):
    """The budget is spent, or the part of it that something was given."""


class Tries:
    """Trials of a scenario's variants under one seed.

    Args:
        origin: What they are variants of.
        seed: Root of every run.
        runs: How many may be spent.
        runner: Carries out runs; None does so here, one after the other.

    Attributes:
        left: How many runs are left.
    """

    def __init__(self, origin: Scenario, seed: int, runs: int, runner: Runner | None) -> None:
        if runs < 1:
            raise ValueError(f"{runs=} is no budget; give at least 1")
        self.left = self._runs = runs
        self._origin = origin
        self._seed = seed
        self._runner = runner or self._here
        #: With so many left, what is under way is out of runs.
        self._floor = 0
        #: Every trial so far, with those that were carried out side by side and not asked for yet.
        self._done: dict[str, Trial | None] = {}
        self._charged: set[str] = set()

    @property
    def spent(self) -> int:
        """How many runs were paid for."""
        return self._runs - self.left

    def free(self, document: Document) -> Trial:
        """The trial of a document that reads, without charge."""
        scenario = self.read(document)
        assert scenario is not None, "a scenario that was read reads again"
        trial = self._done[key_of(document)] = next(iter(self._runner([scenario])))
        self._charged.add(key_of(document))
        return trial

    def trials(self, documents: Sequence[Document]) -> Iterator[Trial | None]:
        """What each comes to, in order; None for what is no scenario.

        Raises:
            OutOfRuns: there is none left for a trial that is asked for.
        """
        new = {key: self.read(document) for document in documents if (key := key_of(document)) not in self._done}
        right = {key: scenario for key, scenario in new.items() if scenario is not None}
        self._done |= dict.fromkeys(new) | dict(zip(right, self._runner(list(right.values())), strict=True))
        for document in documents:
            key = key_of(document)
            if self._done[key] is not None and key not in self._charged:
                if self.left <= self._floor:
                    raise OutOfRuns
                self.left -= 1
                self._charged.add(key)
            yield self._done[key]

    def within(self, runs: int, carry_out: Callable[[], object]) -> bool:
        """Carry something out that may spend so many runs; whether it came to its end."""
        floor, self._floor = self._floor, max(0, self.left - runs)
        try:
            carry_out()
        except OutOfRuns:
            return False
        finally:
            self._floor = floor
        return True

    def read(self, document: Document) -> Scenario | None:
        """The scenario that a document is; None if it is none."""
        origin = self._origin
        try:
            return parse(document, name=origin.name, file=origin.file, beside=origin.beside)
        except ScenarioError:
            return None

    def _here(self, scenarios: Sequence[Scenario]) -> Iterator[Trial]:
        for scenario in scenarios:
            try:
                yield try_out(scenario, self._seed, scenario.properties)
            except ScenarioError:
                yield Trial()


def key_of(document: Mapping[str, Any]) -> str:
    """What tells one document from all others."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"))
