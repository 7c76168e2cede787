"""`./lab confluence`: whether a domain can be split for free, before anything is simulated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, Final, NamedTuple

import click

from experiments.confluence import DOMAINS, RULES, SOURCES, TEXTBOOK, Held, Side, Trial, split_domain, split_policy
from models.merging import UnfitPolicy, meaning_of
from models.merging.policies import POLICIES, LastWriter
from sim.checkers.confluence import Confluence, Divergence, SplitSystem, confluent
from sim.wording import way_to

__all__ = ["confluence"]

_MEANINGS: Final[Mapping[Confluence, str]] = {
    Confluence.CONFLUENT: "split it freely",
    Confluence.OWED: "split it, and owe compensation",
    Confluence.DIVERGENT: "the merge depends on who is asked: mend it",
    Confluence.BROKEN: "split it only with escrow, or another merge",
    Confluence.BROKEN_ALONE: "broken without a cut: mend the rules",
    Confluence.UNKNOWN: "not known within the budget: lower --depth",
}


class _Question(NamedTuple):
    """A system to judge, and what is known of it, None if nothing."""

    name: str
    title: str
    system: SplitSystem[Any, Any]
    known: Confluence | None = None


@click.command()
@click.argument("names", nargs=-1)
@click.option("--depth", type=click.IntRange(min=1), default=4, show_default=True, help="Operations tried, in all.")
@click.option(
    "--merge",
    "rule",
    type=click.Choice([*sorted(RULES), *sorted(POLICIES)]),
    help="How a domain's events merge, by a rule or by a merge policy; by default, by each rule and by last-writer.",
)
def confluence(names: tuple[str, ...], *, depth: int, rule: str | None) -> int:
    """Ask which systems two sides of a cut can go on with alone, and merge.

    NAMES are cases of the textbook, shipped domains, or package.module:attribute of a SplitSystem of your
    own; none means all that are shipped. Exit 1 if a system that was named is not confluent, or a case is
    not what the textbook says; 2 if it cannot be told.
    """
    questions = [question for name in names or (*TEXTBOOK, *DOMAINS) for question in _questions(name, rule)]
    code = 0
    for question in questions:
        try:
            answer = confluent(question.system, depth)
        except ValueError as error:
            raise click.BadParameter(f"{question.name}: {error}", param_hint="NAMES") from None
        click.echo(_line(question, answer))
        for line in _counterexample(answer):
            click.echo(f"    {line}")
        code = max(code, _code(question, answer, named=bool(names)))
    return code


def _questions(name: str, rule: str | None) -> Iterator[_Question]:
    if case := TEXTBOOK.get(name):
        yield _Question(name, case.title, case.system, case.known)
    elif trial := DOMAINS.get(name):
        for word in (rule,) if rule else (*sorted(RULES), LastWriter.name):
            yield _Question(name, f"merged by {word}", _split(name, trial, word))
    elif ":" in name:
        yield _Question(name, "your own", _own(name))
    else:
        known = (*TEXTBOOK, *DOMAINS)
        raise click.BadParameter(
            f"no case or domain is called {name!r}; {way_to(name, known)}, or give package.module:attribute",
            param_hint="NAMES",
        )


def _split(name: str, trial: Trial, word: str) -> SplitSystem[Any, Any]:
    if word in RULES:
        return split_domain(trial.domain, trial.commands, RULES[word])
    policy = POLICIES[word](trial.domain, meaning_of(trial.domain), SOURCES)
    try:
        return split_policy(trial.domain, trial.commands, policy)
    except UnfitPolicy as error:
        raise click.BadParameter(f"{name}: {error}", param_hint="--merge") from None


def _own(name: str) -> SplitSystem[Any, Any]:
    module, _, attribute = name.partition(":")
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise click.BadParameter(f"{name!r} cannot be had: {error}", param_hint="NAMES") from None
    if not isinstance(found, SplitSystem):
        rule = f"{name!r} is a {type(found).__name__}; give a sim.checkers.confluence.SplitSystem"
        raise click.BadParameter(
            f"{rule}, such as experiments.confluence.split_domain makes of a domain", param_hint="NAMES"
        )
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
