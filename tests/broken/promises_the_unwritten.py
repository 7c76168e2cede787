"""A sub-domain promises a time though something below it is not on the disk yet, nor with anybody.

Others take what lies below the promise for final, and then it comes: too late where the promise was believed.

Modelled on tikv/sig-transaction#42, where a transaction that was given its time and is not applied yet is not waited
for, and commits below a time that was called resolved:
https://github.com/tikv/sig-transaction/issues/42
"""

from __future__ import annotations

from typing import Any

from models.losing import LosableShard
from models.system import Site, System
from tests.broken.families.shares import split_of


class Rash(LosableShard):
    """Promises by its clock alone."""

    def promised(self) -> int:
        return self.clock.promise()


def system(site: Site, workload: Any) -> System:
    """The split in escrow with `Rash` shards."""
    return split_of(site, workload, Rash)
