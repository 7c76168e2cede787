"""What a split domain promises of its merge: by the policy's obligations on drawn histories, and by this very run."""

from __future__ import annotations

from typing import Final

from experiments.measures.observation import Observation
from experiments.measures.observation import Outcome as Told
from experiments.obligations import broken_by, case_of
from experiments.scenario.property import Sort, claim
from models.merging_end import MergingEnd
from sim.checkers import Outcome, Verdict

__all__ = ["MERGES"]

#: Tried for each run; 200 runs try 800, and none of them twice.
_HISTORIES: Final = 4


def keeps_its_obligations(seen: Observation) -> Verdict:
    """The scenario's merge policy keeps what it is held to on its domain, on histories drawn from the run's seed."""
    merging = seen.ledger.merging
    if merging is None or case_of(merging.merging) is None:
        return _nothing_split() if merging is None else Verdict(Outcome.UNKNOWN, (), "nobody knows what to ask of it")
    broken = broken_by(merging.merging, range(_HISTORIES * seen.seed, _HISTORIES * (seen.seed + 1)))
    if broken is not None:
        return Verdict(Outcome.INVALID, (), "\n".join(broken.lines()))
    return Verdict(Outcome.VALID, (), f"{merging.merging.words} keeps all that it is held to")


def merged_alike(seen: Observation) -> Verdict:
    """Who has everything shows what its policy makes of all writes in order, and its invariants where it promises."""
    end = seen.ledger.merging
    if end is None:
        return _nothing_split()
    if end.wrong:
        return Verdict(Outcome.INVALID, (), "; ".join(end.wrong[:3]))
    if not end.compared:
        return Verdict(Outcome.UNKNOWN, (), "nobody had everything at the end; give the run more time to settle")
    return Verdict(Outcome.VALID, (), f"{end.compared} views of aggregates are what {end.writes} writes come to")


def no_address_twice(seen: Observation) -> Verdict:
    """No two sub-domains, and no two lives of one, gave the same address to different events."""
    clashes = seen.ledger.conflicts
    if clashes:
        return Verdict(Outcome.INVALID, (), f"{clashes} addresses stand for two events each")
    return Verdict(Outcome.VALID, (), "every address stands for one event")


def met_concurrency(seen: Observation) -> Verdict:
    """Two sub-domains wrote one aggregate without having seen each other's write."""
    end = seen.ledger.merging
    if end is None:
        return _nothing_split()
    told = f"{end.concurrent} of {end.writes} writes were concurrent with the one before"
    return Verdict(Outcome.VALID if end.concurrent else Outcome.INVALID, (), told)


def merge_reversed(seen: Observation) -> Verdict:
    """The merge took back, or left to a person, something that a client had been told yes to."""
    end: MergingEnd | None = seen.ledger.merging
    back = [event.command_id for event in seen.events() if event.status in ("compensated", "superseded")]
    if back or (end is not None and end.opened):
        return Verdict(Outcome.VALID, tuple(back[:10]), f"{len(back)} writes were taken back")
    return Verdict(Outcome.INVALID, (), "nothing was taken back")


def sound_when_decided(seen: Observation) -> Verdict:
    """Every view that a sub-domain decided on keeps the invariants, tentative as it was: nothing need be taken back."""
    end = seen.ledger.merging
    if end is None:
        return _nothing_split()
    if end.unsound:
        return Verdict(Outcome.INVALID, (), "; ".join(end.unsound[:3]))
    if not end.decided:
        return Verdict(Outcome.UNKNOWN, (), "its policy has no rule for what a sub-domain may accept; claim another")
    return Verdict(Outcome.VALID, (), f"{end.decided} views keep every invariant")


def had_to_wait(seen: Observation) -> Verdict:
    """While a region was cut off, a sub-domain on either side had to refuse what only others' word would allow."""
    cut = seen.cut
    times = [t_us for t_us, _, _ in seen.noted["waiting"] if cut is not None and cut.begin_us <= t_us < cut.end_us]
    return Verdict(Outcome.VALID if times else Outcome.INVALID, (), f"{len(times)} commands had to wait in the cut")


def rights_ran_out(seen: Observation) -> Verdict:
    """A region that was cut off ran out of rights: it had to refuse what others could have granted it."""
    cut = seen.cut
    inside = [
        t_us
        for t_us, region, _ in seen.noted["waiting"]
        if cut is not None and cut.begin_us <= t_us < cut.end_us and region in cut.regions
    ]
    return Verdict(Outcome.VALID if inside else Outcome.INVALID, (), f"{len(inside)} commands met no rights there")


def rights_granted(seen: Observation, *, times: int = 1) -> Verdict:
    """Sub-domains granted each other rights, at least so many times."""
    count = len(seen.noted["granted"])
    return Verdict(Outcome.VALID if count >= times else Outcome.INVALID, (), f"{count} grants")


def rights_inherited(seen: Observation) -> Verdict:
    """What a lost sub-domain had left was taken over by one of those left."""
    count = len(seen.noted["inherited"])
    return Verdict(Outcome.VALID if count else Outcome.INVALID, (), f"{count} times")


def knew_its_loss(seen: Observation) -> Verdict:
    """A sub-domain whose disk lost what was durable found out, and others gave it up before it wrote anything more."""
    found, forked = len(seen.noted["bereft"]), len(seen.noted["forked"])
    end: MergingEnd | None = seen.ledger.merging
    if end is None:
        return _nothing_split()
    told = f"{found} times a shard found out, {end.given_up} were given up, {forked} events were written meanwhile"
    return Verdict(Outcome.VALID if found and end.given_up and not forked else Outcome.INVALID, (), told)


def taken_back(seen: Observation) -> Verdict:
    """A sub-domain that was declared lost was taken back, and clients there were served again."""
    back = [(t_us, region) for t_us, region, _ in seen.noted["taken-back"]]
    served = [
        answer
        for answer in seen.answers
        if answer.outcome is Told.ACCEPTED and any(answer.region == r and answer.invoked_us > t for t, r in back)
    ]
    told = f"{len(back)} shards were taken back, and {len(served)} commands accepted there since"
    return Verdict(Outcome.VALID if served else Outcome.INVALID, (), told)


def _nothing_split() -> Verdict:
    return Verdict(Outcome.UNKNOWN, (), "this system merges no sub-domains; claim another property")


MERGES: Final = (
    claim(keeps_its_obligations, ledger=True),
    claim(merged_alike, ledger=True),
    claim(no_address_twice, ledger=True),
    claim(met_concurrency, ledger=True, sort=Sort.EVIDENCE),
    claim(merge_reversed, ledger=True, sort=Sort.EVIDENCE),
    claim(sound_when_decided, ledger=True),
    claim(had_to_wait, ledger=True, sort=Sort.EVIDENCE),
    claim(rights_ran_out, ledger=True, sort=Sort.EVIDENCE),
    claim(rights_granted, ledger=True, sort=Sort.EVIDENCE),
    claim(rights_inherited, ledger=True, sort=Sort.EVIDENCE),
    claim(knew_its_loss, ledger=True, sort=Sort.EVIDENCE),
    claim(taken_back, sort=Sort.EVIDENCE),
)
