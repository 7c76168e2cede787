"""What the stores that are there at the end know of all sub-domains' writes, those of a store that is gone included.

A store that was destroyed takes along what it never shipped, and no more: the others have heard the rest, wait for it
in files or have settled it. So whoever asks what became of an acknowledged write asks all of them. Where a write was
settled so long ago that nobody keeps it, its fate is in the records of the merge, under its address.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from models.merging.writes import Merged, Superseded
from models.split import MERGED, SplitShard
from models.store.log.entries import Entry
from sim.storage import TORN

__all__ = ["forgotten", "heard", "known"]

Stores = Mapping[int, SplitShard]


def known(stores: Stores, sources: Sequence[int]) -> list[Entry]:
    """Every write of a shard that a log or a neighbour's files hold, each once, in canonical order.

    Where others have heard something else at a place than stands there in its own log, which a disk that forgot leads
    to, theirs counts: they would drop the other as heard before.

    Args:
        stores: By sub-domain, the stores that are up.
        sources: Numbers of all sub-domains.
    """
    found = {(one.origin, one.position): one for source in sources for one in heard(stores, source)}
    for store in stores.values():
        for entry in store.log.entries:
            found.setdefault((entry.origin, entry.position), entry)
    return sorted(found.values())


def heard(stores: Stores, source: int) -> list[Entry]:
    """What others' files hold of a sub-domain's writes: its first ones, and those that are not settled."""
    found: dict[int, Entry] = {}
    for number, store in stores.items():
        if number != source:
            settled = store.merge.vector().get(source, 0)
            for entry in (*store.hearing.after(source, 0), *store.hearing.after(source, settled)):
                found.setdefault(entry.position, entry)
    return sorted(found.values())


def forgotten(stores: Stores, entries: Sequence[Entry]) -> dict[int, bool]:
    """By address, whether a write counts that is settled and that nobody keeps.

    Args:
        stores: By sub-domain, the stores that are up.
        entries: What is kept.
    """
    kept = {entry.address for entry in entries}
    found: dict[int, bool] = {}
    # Who is furthest has the last word.
    for store in sorted(stores.values(), key=lambda store: store.merge.cut_us):
        for record in store.ctx.disk.read(MERGED):
            for output in () if record is TORN else record.outputs:
                if isinstance(output, Merged | Superseded) and output.address not in kept:
                    found[output.address] = isinstance(output, Merged)
    return found
