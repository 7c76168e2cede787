"""`./lab confluence`: whether a domain can be split for free, before anything is simulated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any, Final, NamedTuple

import click

from experiments.confluence import (
    DOMAINS,
    RULES,
    SOURCES,
    TEXTBOOK,
    Held,
    Side,
    Trial,
    split_domain,
    split_policy,
    trial_of,
)
from models.domain import Domain
from models.domains.named import domain_named
from models.merging import UnfitPolicy, meaning_of
from models.merging.policies import POLICIES, LastWriter
from sim.checkers.confluence import Confluence, Divergence, SplitSystem, SystemFailed, confluent
from sim.wording import Refused, way_to

__all__ = ["confluence"]

_MEANINGS: Final[Mapping[Confluence, str]] = {
    Confluence.CONFLUENT: "split it freely",
    Confluence.OWED: "split it, and owe compensation",
    Confluence.DIVERGENT: "the merge depends on who is asked: mend it",
    Confluence.BROKEN: "split it only with escrow, or another merge",
    Confluence.BROKEN_ALONE: "broken without a cut: mend the rules",
    Confluence.UNKNOWN: "not known",
}


class _Question(NamedTuple):
    """A system to judge, what is known of it, None if nothing, and whether it is the lab's or a user's own."""

    name: str
    title: str
    system: SplitSystem[Any, Any]
    known: Confluence | None = None
    own: bool = False


@click.command()
@click.argument("names", nargs=-1)
@click.option("--depth", type=click.IntRange(min=1), default=4, show_default=True, help="Operations tried, in all.")
@click.option(
    "--merge",
    "rule",
    type=click.Choice([*sorted(RULES), *sorted(POLICIES)]),
    help="How a domain's events merge, by a rule or by a merge policy; by default, by each rule and by last-writer. "
    "Alone it asks the shipped domains that it suits.",
)
def confluence(names: tuple[str, ...], *, depth: int, rule: str | None) -> int:
    """Ask which systems two sides of a cut can go on with alone, and merge.

    NAMES are cases of the textbook, shipped domains, or package.module:attribute of a SplitSystem or a Domain of
    your own; none means all that are shipped. Exit 1 if a system that was named is not confluent, or a case is
    not what the textbook says; 2 if it cannot be told.
    """
    questions = _asked(names, rule) if names or rule is None else _suited(rule)
    code = 0
    for question in questions:
        try:
            answer = confluent(question.system, depth)
        except ValueError as error:
            raise click.BadParameter(f"{question.name}: {error}", param_hint="NAMES") from None
        except SystemFailed as error:
            if not question.own:
                raise
            raise click.BadParameter(f"{question.name}: {error}", param_hint="NAMES") from None
        click.echo(_line(question, answer))
        for line in _counterexample(answer):
            click.echo(f"    {line}")
        code = max(code, _code(question, answer, named=bool(names)))
    return code


def _asked(names: tuple[str, ...], rule: str | None) -> list[_Question]:
    """What was named, or everything; all that cannot be asked is told at once."""
    questions: list[_Question] = []
    problems: list[str] = []
    for name in names or (*TEXTBOOK, *DOMAINS):
        try:
            questions += _questions(name, rule)
        except Refused as refused:
            problems += refused.problems
    if problems:
        raise click.BadParameter("\n".join(problems), param_hint="NAMES")
    return questions


def _suited(rule: str) -> list[_Question]:
    """Every shipped domain that a rule or a policy suits."""
    questions: list[_Question] = []
    for name in DOMAINS:
        with suppress(Refused):
            questions += _questions(name, rule)
    return questions


def _questions(name: str, rule: str | None) -> Iterator[_Question]:
    """What is asked of a name.

    Raises:
        Refused: there is nothing by that name, or the rule does not go with it.
    """
    own = _own(name) if ":" in name else None
    if trial := own if isinstance(own, Trial) else DOMAINS.get(name):
        for word in (rule,) if rule else (*sorted(RULES), LastWriter.name):
            yield _Question(name, f"merged by {word}", _split(name, trial, word), own=own is not None)
        return
    if case := TEXTBOOK.get(name):
        question = _Question(name, case.title, case.system, case.known)
    elif isinstance(own, SplitSystem):
        question = _Question(name, "your own", own, own=True)
    else:
        known = (*TEXTBOOK, *DOMAINS)
        raise Refused(
            [f"no case or domain is called {name!r}; {way_to(name, known)}, or give package.module:attribute"]
        )
    if rule is not None:
        whose = "your own" if question.own else "a case of the textbook"
        told = f"{name!r} is {whose} and brings its own merge, which --merge {rule} would not change"
        raise Refused([f"{told}; leave it out, or ask a domain, such as {', '.join(DOMAINS)}"])
    yield question


def _split(name: str, trial: Trial, word: str) -> SplitSystem[Any, Any]:
    if word in RULES:
        return split_domain(trial.domain, trial.commands, RULES[word])
    policy = POLICIES[word](trial.domain, meaning_of(trial.domain), SOURCES)
    try:
        return split_policy(trial.domain, trial.commands, policy)
    except UnfitPolicy as error:
        raise Refused([f"{name}: {problem}" for problem in error.problems]) from None


def _own(name: str) -> SplitSystem[Any, Any] | Trial:
    module, _, attribute = name.partition(":")
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise Refused([f"{name!r} cannot be had: {error}"]) from None
    except KeyboardInterrupt:
        raise
    except BaseException as failed:  # noqa: BLE001 - somebody else's module may raise anything, or exit
        told = f"{module} cannot be imported: {type(failed).__name__}: {failed}; repair it"
        raise Refused([f"{name!r} cannot be had: {told}"]) from None
    if isinstance(found, Domain) or (isinstance(found, type) and issubclass(found, Domain)):
        trial = trial_of(domain_named(name))
        assert trial is not None, "it would not have been had"
        return trial
    if not isinstance(found, SplitSystem):
        rule = f"{name!r} is a {type(found).__name__}; give a sim.checkers.confluence.SplitSystem"
        raise Refused([f"{rule}, such as experiments.confluence.split_domain makes of a domain, or a Domain"])
    return found


def _line(question: _Question, answer: Divergence[Any, Any]) -> str:
    told = f"{question.name:20} {question.title:46} {answer.outcome:17} "
    told += f"to depth {answer.depth} ({answer.compared:,} merges): {_MEANINGS[answer.outcome]}"
    if question.known is not None and answer.outcome is not question.known:
        told += f"; the textbook says {question.known}"
    return told


def _counterexample(answer: Divergence[Any, Any]) -> Iterator[str]:
    if answer.outcome is Confluence.CONFLUENT:
        return
    if answer.outcome is Confluence.UNKNOWN:
        yield answer.reason
        return
    if answer.base:
        yield "before the cut: " + ", ".join(f"side {side} {_shown(operation)}" for side, operation in answer.base)
    yield "side 0: " + (", ".join(map(_shown, answer.left)) or "nothing")
    yield "side 1: " + (", ".join(map(_shown, answer.right)) or "nothing")
    merged = answer.merged.state if isinstance(answer.merged, Held | Side) else answer.merged
    yield f"merged: {_shown(merged)}; {answer.reason}"


def _shown(value: Any) -> str:
    # A set has no order of its own, and what is printed must not depend on a hash.
    return "{" + ", ".join(sorted(map(repr, value))) + "}" if isinstance(value, frozenset) else str(value)


def _code(question: _Question, answer: Divergence[Any, Any], *, named: bool) -> int:
    if answer.outcome is Confluence.UNKNOWN:
        return 2
    if question.known is not None and not named:
        return 0 if answer.outcome is question.known else 1
    return int(named and answer.outcome is not Confluence.CONFLUENT)
