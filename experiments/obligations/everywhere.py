"""Every merge policy on every domain that it suits: which pairs there are, and their proof over many seeds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from experiments.confluence import DOMAINS, Trial, trial_of
from experiments.obligations.proving import broken_obligation
from experiments.obligations.writing import Case
from experiments.workers import Crew, cores, marked
from models.domains.named import domain_named
from models.merging.policies import POLICIES, demanded_of, policy_for
from models.merging.policy import MANDATORY, Obligation, UnfitPolicy
from sim.wording import Refused, way_to

__all__ = ["Pair", "Proof", "ProverDied", "jobs_for_pairs", "pairs_of", "prove"]

SOURCES: Final = (1, 2, 3)
#: Seeds of pairs, all together, from which on workers are worth their start.
_WORTH_WORKERS: Final = 400


class ProverDied(Exception):
    """A worker process died; the text says at what."""


class Pair(NamedTuple):
    """A policy and a domain, as a scenario names them."""

    policy: str
    domain: str

    def __str__(self) -> str:
        return f"{self.policy} on {self.domain}"

    def case(self) -> Case:
        """What is tried.

        Raises:
            ValueError: there is no such domain or policy, or one cannot merge the other.
        """
        trial = _trial(self.domain)
        return Case(
            domain=trial.domain,
            policy=policy_for(self.policy, trial.domain, SOURCES),
            commands=trial.commands,
            sources=SOURCES,
        )


class Proof(NamedTuple):
    """What became of a pair.

    Attributes:
        pair: Which.
        waived: Obligations that it is not held to.
        seeds: How many histories were asked for.
        broken: The first obligation that broke and its smallest history, a line each; empty where all hold.
    """

    pair: Pair
    waived: tuple[Obligation, ...]
    seeds: int
    broken: tuple[str, ...]

    def lines(self) -> tuple[str, ...]:
        """For people."""
        if self.broken:
            return (f"{self.pair}: {self.broken[0]}", *self.broken[1:])
        count = len(Obligation)
        kept = f"{count - len(self.waived)} of {count}" if self.waived else f"all {count}"
        histories = "1 history" if self.seeds == 1 else f"{self.seeds} histories"
        told = f"{self.pair}: keeps {kept} obligations, over {histories}"
        waived = [f"{one} (which it is there to break)" if one in MANDATORY else str(one) for one in self.waived]
        return (f"{told}; waives {', '.join(waived)}" if waived else told,)


def pairs_of(policies: Sequence[str] = (), domains: Sequence[str] = ()) -> tuple[Pair, ...]:
    """The pairs of policies and domains; all shipped ones where none is named.

    A policy goes with every shipped domain that it suits, or with each that is named.

    Raises:
        ValueError: a name is nobody's, a policy does not suit a domain that is named for it, or it suits none; all of
            that at once, a line each.
    """
    wrong: list[str] = []
    known: list[str] = []
    for name in dict.fromkeys(domains or DOMAINS):
        try:
            _trial(name)
        except Refused as refused:
            wrong += refused.problems
        else:
            known.append(name)
    found: list[Pair] = []
    for policy in dict.fromkeys(policies or POLICIES):
        unfit: dict[str, str] = {}
        for domain in known:
            try:
                Pair(policy, domain).case()
            except ValueError as reason:
                told = "\n".join(getattr(reason, "problems", (str(reason),)))
                unfit[told] = "" if isinstance(reason, UnfitPolicy) else "nobody's"
            else:
                found.append(Pair(policy, domain))
        nobodys = [reason for reason, whose in unfit.items() if whose]
        if nobodys:
            wrong.append(nobodys[0])
        elif domains and policies:
            wrong += unfit
        elif len(unfit) == len(known) and not domains:
            wrong.append(f"{next(iter(unfit))}; nor does it suit any other that is shipped")
    if wrong:
        raise ValueError("\n".join(wrong))
    return tuple(found)


def _trial(name: str) -> Trial:
    """What is asked of a domain.

    Raises:
        Refused: it is neither shipped nor a user's own that says what to ask of it.
    """
    if name in DOMAINS:
        return DOMAINS[name]
    if ":" not in name:
        own = ', or name your own, "package.module:attribute"'
        raise Refused([f"domain={name!r} is none that is shipped; {way_to(name, DOMAINS)}{own}"])
    trial = trial_of(domain_named(name))
    assert trial is not None, "it would not have been had"
    return trial


def jobs_for_pairs(pairs: int, seeds: int) -> int:
    """How many worker processes are worth their start."""
    return min(cores(), pairs) if pairs * seeds >= _WORTH_WORKERS else 1


def prove(pairs: Sequence[Pair], seeds: range, jobs: int) -> Iterator[Proof]:
    """Try each pair's promises under the seeds, a history each, as they finish: in order here, in any from workers.

    Raises:
        ProverDied: a worker died; the rest is not tried.
    """
    if jobs == 1:
        for pair in pairs:
            yield _proof(pair, seeds)
        return
    with TemporaryDirectory(prefix="cutset-") as folder:
        crew = Crew(jobs, Path(folder))
        try:
            yield from _drained({crew.executor.submit(_performed, pair, seeds, crew.doing) for pair in pairs}, crew)
            crew.executor.shutdown()
        except BrokenProcessPool:
            told = "; ".join(f"the worker at {pair} died ({how})" for pair, how in crew.casualties())
            raise ProverDied(told or "a worker died between two pairs, so none is to blame") from None
        finally:
            crew.dismiss()


def _drained(under_way: set[Future[Proof]], crew: Crew) -> Iterator[Proof]:
    while under_way:
        done = crew.first(under_way)
        under_way -= done
        yield from (future.result() for future in done)


def _performed(pair: Pair, seeds: range, doing: Path) -> Proof:
    with marked(doing, str(pair)):
        return _proof(pair, seeds)


def _proof(pair: Pair, seeds: Iterable[int]) -> Proof:
    case, tried = pair.case(), list(seeds)
    broken = broken_obligation(case, tried)
    demanded = demanded_of(case.policy)
    waived = tuple(one for one in Obligation if one not in demanded)
    return Proof(pair, waived, len(tried), () if broken is None else broken.lines())
