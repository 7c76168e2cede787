"""What a check of scenarios found: as lines for people, and as JUnit XML, which CI systems read.

One testsuite a scenario, one testcase a claim. A violated claim is a failure; one that could not be decided, or a run
that raised, an error; a *sometimes* that too few seeds left open is skipped. There is no one schema of JUnit XML: what
is written here are the elements and attributes that all readers share.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree

from experiments.nemesis import drawn_for
from experiments.regression.runs import SeedResult
from experiments.regression.telling import fault_lines, witness_lines
from experiments.regression.weighing import Standing, Weighed, weigh, worst_code
from experiments.scenario import Scenario
from sim.history import HistoryRow

__all__ = ["Checked", "junit", "lines", "weigh_all"]

_BAD_DOMAIN: Final = 2
_FAILED: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A scenario after all its runs.

    Attributes:
        scenario: What was run.
        typed: Its name or path as it was given, for the commands that replay a run.
        results: What the runs said, by seed.
        claims: How each of its claims stands, over the runs that did not raise.
    """

    scenario: Scenario
    typed: str
    results: tuple[SeedResult, ...]
    claims: tuple[Weighed, ...]

    @property
    def failed(self) -> tuple[SeedResult, ...]:
        """The runs that raised."""
        return tuple(result for result in self.results if result.failure is not None)

    @property
    def code(self) -> int:
        """The exit code that it asks for."""
        raised = [_BAD_DOMAIN if result.of_domain else _FAILED for result in self.failed]
        return worst_code(raised + [claim.standing.code for claim in self.claims])

    def replay(self, seed: int) -> str:
        """The command that shows one run again."""
        return shlex.join(["./lab", "check", self.typed, "--seed", str(seed)])

    def witness(self, claim: Weighed) -> tuple[HistoryRow, ...]:
        """What the clients recorded of the operations that show a violation."""
        found = {result.seed: result.witnesses for result in self.results}
        return () if claim.seed is None else found[claim.seed].get(claim.use.name, ())

    def shown(self, claim: Weighed, *, faults: bool = True) -> Iterator[str]:
        """Of a claim that does not hold: the witness, the faults that were drawn, and the command that replays it."""
        assert claim.seed is not None
        yield from witness_lines(self.witness(claim))
        if faults and self.scenario.nemesis is not None:
            yield from (f"fault {line}" for line in fault_lines(drawn_for(self.scenario, claim.seed).faults))
        yield f"replay it with: {self.replay(claim.seed)}"


def weigh_all(scenario: Scenario, typed: str, results: Sequence[SeedResult], *, enough_seeds: bool) -> Checked:
    """Weigh every claim of a scenario over its runs, which may come in any order."""
    ordered = tuple(sorted(results, key=lambda result: result.seed))
    judged = [result for result in ordered if result.failure is None]
    claims = [
        weigh(
            use,
            {result.seed: result.verdicts[use.name] for result in judged if use.name in result.verdicts},
            enough_seeds=enough_seeds,
        )
        for use in scenario.properties
        if judged
    ]
    return Checked(scenario=scenario, typed=typed, results=ordered, claims=tuple(claims))


def lines(checked: Checked) -> Iterator[str]:
    """What a person reads of it."""
    name = checked.scenario.name
    shown: set[int | None] = set()
    for claim in checked.claims:
        yield f"{name}: {claim.title}: {claim.told()}"
        if claim.replayable:
            # Two claims that break under one seed do so under the same faults.
            yield from (f"  {line}" for line in checked.shown(claim, faults=claim.seed not in shown))
            shown.add(claim.seed)
    if not checked.scenario.properties:
        yield f"{name}: valid, and claims no property"
    for result in checked.failed[:1]:
        assert result.failure is not None
        seeds = ", ".join(str(one.seed) for one in checked.failed[:10])
        yield f"{name}: {len(checked.failed)} of {len(checked.results)} runs raised (seeds {seeds}), the first:"
        yield from (f"  {line}" for line in result.failure.rstrip().splitlines())
        yield f"  replay it with: {checked.replay(result.seed)}"


def junit(everything: Sequence[Checked], promises: Mapping[str, Sequence[str]] | None = None) -> str:
    """All of it as JUnit XML.

    Args:
        everything: Scenarios, a testsuite each.
        promises: By name of a merge policy and a domain, what is wrong with what it promises, a line each; one more
            testsuite. None where nobody was held to any.
    """
    names = [checked.scenario.name for checked in everything]
    root = ElementTree.Element("testsuites", name="cutset")
    for checked in everything:
        # Two files of one name, from different folders, are told apart by their paths.
        name = checked.scenario.name if names.count(checked.scenario.name) == 1 else checked.typed
        root.append(_suite(checked, name))
    if promises:
        root.append(_promises(promises))
    for key in ("tests", "failures", "errors", "skipped"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in root)))
    root.set("time", f"{sum(float(suite.get('time', '0')) for suite in root):.3f}")
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _promises(broken: Mapping[str, Sequence[str]]) -> ElementTree.Element:
    count = sum(map(bool, broken.values()))
    suite = ElementTree.Element("testsuite", name="obligations", tests=str(len(broken)), failures=str(count))
    for name, told in broken.items():
        case = ElementTree.SubElement(suite, "testcase", classname="obligations", name=_clean(name))
        if told:
            _problem(case, "failure", "obligation", told[0], told)
    return suite


def _suite(checked: Checked, name: str) -> ElementTree.Element:
    seconds = sum(result.seconds for result in checked.results)
    cases = [_case(checked, claim) for claim in checked.claims]
    if checked.failed or not cases:
        cases.append(_runs(checked))
    counts = {kind: sum(case.find(kind) is not None for case in cases) for kind in ("failure", "error", "skipped")}
    suite = ElementTree.Element("testsuite", name=_clean(name), file=_clean(checked.typed), tests=str(len(cases)))
    suite.set("failures", str(counts["failure"]))
    suite.set("errors", str(counts["error"]))
    suite.set("skipped", str(counts["skipped"]))
    suite.set("time", f"{seconds:.3f}")
    seeds = [result.seed for result in checked.results]
    known = ElementTree.SubElement(suite, "properties")
    for key, value in (("seeds", f"{min(seeds)} to {max(seeds)}"), ("scenario", checked.scenario.fingerprint())):
        ElementTree.SubElement(known, "property", name=key, value=value)
    for case in cases:
        case.set("classname", _clean(name))
        # A run serves every claim at once, so each bears its share of the time.
        case.set("time", f"{seconds / len(cases):.3f}")
        suite.append(case)
    return suite


def _case(checked: Checked, claim: Weighed) -> ElementTree.Element:
    case = ElementTree.Element("testcase", name=_clean(claim.title))
    if claim.standing is Standing.HOLDS:
        ElementTree.SubElement(case, "system-out").text = claim.told()
    elif claim.standing in (Standing.OPEN, Standing.NOT_ASKED):
        ElementTree.SubElement(case, "skipped", message=claim.told())
    else:
        assert claim.seed is not None
        body = [claim.told(), *checked.shown(claim)]
        kind = "failure" if claim.standing is Standing.VIOLATED else "error"
        _problem(case, kind, str(claim.use.name), claim.told(), body)
    return case


def _runs(checked: Checked) -> ElementTree.Element:
    """A case of its own for runs that raised, or for a scenario that claims nothing."""
    case = ElementTree.Element("testcase", name="runs to its end")
    for result in checked.failed[:1]:
        assert result.failure is not None
        told = f"{len(checked.failed)} of {len(checked.results)} runs raised, the first under seed {result.seed}"
        last = result.failure.strip().rpartition("\n")[2]
        body = [told, result.failure.rstrip(), f"replay it with: {checked.replay(result.seed)}"]
        _problem(case, "error", last.partition(":")[0], f"{told}: {last}", body)
    return case


def _problem(case: ElementTree.Element, kind: str, sort: str, message: str, body: Sequence[str]) -> None:
    problem = ElementTree.SubElement(case, kind, type=_clean(sort), message=_clean(message))
    problem.text = _clean("\n".join(body))


def _clean(text: str) -> str:
    """Without the characters that XML cannot hold: a value of a history may be any text."""
    return "".join(
        c if c in "\t\n\r" or " " <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c > "\uffff" else "?" for c in text
    )
