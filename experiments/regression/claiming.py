"""Claims that a test states in Python, laid over those of a scenario and checked as if they stood in its file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from experiments.scenario import Mode, Problem, Scenario, ScenarioError, parse
from experiments.scenario.factory import resolve
from experiments.scenario.problems import shown
from sim.checkers import Verdict

__all__ = ["Claim", "claiming"]

Judge: TypeAlias = Callable[..., Verdict]
#: A property's name, yours as `package.module:callable`; or a function of your own; or one of them with parameters, as
#: `[[property]] params` would spell them.
Claim: TypeAlias = str | Judge | tuple[str | Judge, Mapping[str, Any]]


def claiming(
    scenario: Scenario, always: Sequence[Claim], sometimes: Sequence[Claim], *, nemesis: bool | None = None
) -> Scenario:
    """The scenario with these claims in place of its own, if there are any.

    Args:
        scenario: With claims of its own, which stay where none is given.
        always: Must hold in every run.
        sometimes: Must hold in one at least.
        nemesis: Whether it draws faults, by the defaults if it does not say how; None leaves that to it.

    Raises:
        ScenarioError: with every mistake in the claims.
    """
    document = dict(scenario.document)
    if nemesis is not None:
        document.pop("nemesis", None)
        if nemesis:
            document["nemesis"] = scenario.document.get("nemesis", {})
    if always or sometimes:
        claims = [*((claim, Mode.ALWAYS) for claim in always), *((claim, Mode.SOMETIMES) for claim in sometimes)]
        problems = [problem for claim, _ in claims for problem in _problems(scenario.file, claim)]
        right = [(claim, mode) for claim, mode in claims if not any(_problems(scenario.file, claim))]
        document["property"] = [_section(claim, mode) for claim, mode in right]
    else:
        problems = []
    try:
        made = parse(document, name=scenario.name, file=scenario.file, text=scenario.text, beside=scenario.beside)
    except ScenarioError as error:
        raise ScenarioError([*problems, *error.problems]) from None
    if problems:
        raise ScenarioError(problems)
    return made


def _section(claim: Claim, mode: Mode) -> dict[str, Any]:
    """A claim as `[[property]]` would say it."""
    judge, params = claim if isinstance(claim, tuple) else (claim, {})
    section: dict[str, Any] = {"name": judge if isinstance(judge, str) else _name(judge), "mode": mode.value}
    return section | ({"params": dict(params)} if params else {})


def _name(judge: Judge) -> str:
    return f"{getattr(judge, '__module__', '')}:{getattr(judge, '__qualname__', type(judge).__name__)}"


def _problems(file: str, claim: Claim) -> Iterator[Problem]:
    """A function must be found by its name: a bundle is judged by it, in another process and next year."""
    given: object = claim
    pair = given if isinstance(given, tuple) else (given, {})
    if len(pair) != 2 or not isinstance(pair[1], Mapping) or not (isinstance(pair[0], str) or callable(pair[0])):
        rule = "no property: neither a name, nor a function, nor a pair of one of these and its parameters"
        yield Problem(file, "property", shown(given), rule, 'write it as "name", function or ("name", {"key": value})')
        return
    judge = pair[0]
    if not isinstance(judge, str) and resolve(_name(judge)) is not judge:
        rule = "a function that its module does not hold under this name"
        yield Problem(file, "property", _name(judge), rule, "define it at the top of a module")
