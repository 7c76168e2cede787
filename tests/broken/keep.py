"""Make the bundles again that `tests/regressions/` keeps of the broken systems: one for each, small enough to read.

    python -m tests.broken.keep [NAME ...]

For whoever adds a variant, or has changed a family so much that a bundle shows nothing any more.
Each variant is hunted seed by seed, told nothing, until a counterexample shrinks to a few faults
and operations; what it breaks first is what is kept.
"""

from __future__ import annotations

import shutil
import sys
from itertools import count
from pathlib import Path

from experiments.hunting import Caught, Hands, hunt, pin_down
from experiments.power.catalogue import Variant, read
from experiments.scenario import load, parse

KEPT = Path(__file__).parents[1] / "regressions"
MOST_FAULTS, MOST_OPERATIONS = 3, 10
_RUNS = 600


def keep(variant: Variant, hands: Hands) -> Caught:
    """The first counterexample that is small enough, as a bundle."""
    broken = load(variant.scenario).with_system({"factory": variant.broken})
    named = parse(dict(broken.document), name=variant.name, file=broken.file, text=broken.text)
    for sighting in hunt(named, count(), hands):
        if sighting.trial.broken:
            caught = pin_down(sighting, next(iter(sighting.trial.broken)), KEPT, hands=hands, runs=_RUNS)
            after = caught.found.after
            if after.faults <= MOST_FAULTS and after.operations <= MOST_OPERATIONS:
                return caught
            shutil.rmtree(caught.folder)
    raise AssertionError("seeds do not end")


def main(names: list[str]) -> None:
    with Hands(1) as hands:
        for variant in read():
            if not names or variant.name in names:
                for old in KEPT.glob(f"{variant.name}-*-[0-9]*"):
                    shutil.rmtree(old)
                caught = keep(variant, hands)
                after = caught.found.after
                told = f"{caught.folder.name}: {after.faults} faults, {after.operations} operations\n"
                sys.stdout.write(told)
                sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
