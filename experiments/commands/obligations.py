"""`./lab obligations`: whether merge policies keep what they are held to on the domains that they suit."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

import click
from tqdm.auto import tqdm

from experiments.experiment import MOST_JOBS, MOST_SEEDS
from experiments.obligations.everywhere import Pair, Proof, ProverDied, jobs_for_pairs, pairs_of, prove
from experiments.regression import ENOUGH_SEEDS

__all__ = ["obligations", "proven"]

_DIED = 3


@click.command()
@click.argument("policies", nargs=-1)
@click.option(
    "--domain",
    "domains",
    multiple=True,
    help="A shipped domain, or package.module:attribute of your own; by default all shipped ones that a policy suits.",
)
@click.option(
    "--seeds", type=click.IntRange(1, MOST_SEEDS), default=ENOUGH_SEEDS, show_default=True, help="Try seeds 0 to N-1."
)
@click.option(
    "--jobs",
    type=click.IntRange(1, MOST_JOBS),
    help="Worker processes; if there is enough to do, one a core by default.",
)
def obligations(policies: tuple[str, ...], *, domains: tuple[str, ...], seeds: int, jobs: int | None) -> int:
    """Hold merge POLICIES to their obligations on drawn histories, and shrink what breaks one.

    POLICIES are shipped ones, or package.module:attribute of your own; none means all that are shipped. Some
    obligations no merge can do without, the rest a policy promises or waives. Exit 1 if it breaks one that it does not
    waive, with the smallest history that shows it.
    """
    try:
        pairs = pairs_of(policies, domains)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    try:
        return max([bool(proof.broken) for proof in proven(pairs, range(seeds), jobs)], default=0)
    except ProverDied as died:
        click.echo(f"obligations: {died}", err=True)
        return _DIED


def proven(pairs: Sequence[Pair], seeds: range, jobs: int | None) -> Iterator[Proof]:
    """Try the pairs, and tell of each, in their order, as soon as those before it are done.

    Raises:
        ProverDied: as `prove`.
    """
    proofs: dict[Pair, Proof] = {}
    waiting = list(pairs)
    with tqdm(total=len(pairs), desc="obligations", unit="pair", disable=None) as bar:
        for proof in prove(pairs, seeds, jobs or jobs_for_pairs(len(pairs), len(seeds))):
            proofs[proof.pair] = proof
            bar.update()
            while waiting and waiting[0] in proofs:
                done = proofs[waiting.pop(0)]
                for line in done.lines():
                    bar.write(line, file=sys.stdout)
                yield done
