"""Every merge policy on every domain that it suits: which pairs there are, and their proof over many seeds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from experiments.confluence import DOMAINS
from experiments.obligations.proving import broken_obligation
from experiments.obligations.writing import Case
from experiments.workers import Crew, cores, marked
from models.merging.policies import POLICIES, policy_for
from models.merging.policy import UnfitPolicy
from sim.wording import way_to

__all__ = ["Pair", "Proof", "ProverDied", "jobs_for_pairs", "pairs_of", "prove"]

SOURCES: Final = (1, 2, 3)
#: Seeds of pairs, all together, from which on workers are worth their start.
_WORTH_WORKERS: Final = 400


class ProverDied(Exception):
    """A worker process died; the text says at what."""


class Pair(NamedTuple):
    """A policy, as a scenario names it, and a shipped domain."""

    policy: str
    domain: str

    def __str__(self) -> str:
        return f"{self.policy} on {self.domain}"

    def case(self) -> Case:
        """What is tried.

        Raises:
            ValueError: there is no such policy, or it cannot merge the domain.
        """
        trial = DOMAINS[self.domain]
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
        promises: How many obligations the policy takes on.
        seeds: How many histories were asked for.
        broken: The first obligation that broke and its smallest history, a line each; empty where all hold.
    """

    pair: Pair
    promises: int
    seeds: int
    broken: tuple[str, ...]

    def lines(self) -> tuple[str, ...]:
        """For people."""
        if self.broken:
            return (f"{self.pair}: {self.broken[0]}", *self.broken[1:])
        return (f"{self.pair}: keeps the {self.promises} obligations that it promises, over {self.seeds} histories",)


def pairs_of(policies: Sequence[str] = (), domains: Sequence[str] = ()) -> tuple[Pair, ...]:
    """The pairs of policies and domains; all shipped ones where none is named.

    A policy goes with every domain that it suits, or with each that is named.

    Raises:
        ValueError: a name is nobody's, a policy does not suit a domain that is named for it, or it suits none; all of
            that at once, a line each.
    """
    wrong = [
        f"domain={name!r} is none that is shipped; {way_to(name, DOMAINS)}" for name in domains if name not in DOMAINS
    ]
    known = [name for name in dict.fromkeys(domains or DOMAINS) if name in DOMAINS]
    found: list[Pair] = []
    for policy in dict.fromkeys(policies or POLICIES):
        unfit: dict[str, str] = {}
        for domain in known:
            try:
                Pair(policy, domain).case()
            except ValueError as reason:
                unfit[str(reason)] = "" if isinstance(reason, UnfitPolicy) else "nobody's"
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
    return Proof(pair, len(case.policy.promises), len(tried), () if broken is None else broken.lines())
