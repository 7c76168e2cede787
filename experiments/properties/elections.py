"""Elections: that there were some where there had to be, and no more than there may be."""

from __future__ import annotations

from typing import Final

from experiments.measures.observation import Observation
from experiments.scenario.property import Sort, claim
from sim.checkers import Outcome, Verdict

__all__ = ["ELECTIONS"]


def led_anew(seen: Observation, *, times: int = 1) -> Verdict:
    """After the first leader of each shard, somebody was elected at least so many times."""
    elected = seen.noted["elected"]
    later = len(elected) - len(seen.ledger.ends)
    told = f"elected at: {', '.join(f'{t_us / 1e6:.1f} s in term {term}' for t_us, _, term in elected) or 'never'}"
    return Verdict(Outcome.VALID if later >= times else Outcome.INVALID, (), told)


def nobody_elected(seen: Observation, *, from_us: int = 0, for_us: int = 0) -> Verdict:
    """In a span (to the end, if `for` is 0) nobody was elected: whoever led went on."""
    until_us = from_us + for_us if for_us else seen.scenario.until_us
    inside = [(t_us, term) for t_us, _, term in seen.noted["elected"] if from_us <= t_us < until_us]
    told = f"elected: {', '.join(f'term {term} at {t_us / 1e6:.1f} s' for t_us, term in inside) or 'nobody'}"
    return Verdict(Outcome.INVALID if inside else Outcome.VALID, (), told)


def terms_at_most(seen: Observation, *, most: int) -> Verdict:
    """The terms of those who were elected stay this low: hardly an election was stood for in vain."""
    highest = max((term for _, _, term in seen.noted["elected"]), default=0)
    return Verdict(Outcome.VALID if highest <= most else Outcome.INVALID, (), f"the last term is {highest}")


def moved_by_belief(seen: Observation) -> Verdict:
    """Somebody was elected who believed that its leader is gone, and had no other reason to stand."""
    gone = seen.noted["lead-gone"]
    found = []
    before_us = 0
    for t_us, who, term in seen.noted["elected"]:
        found += [(t_us, term) for at_us, by, _ in gone if by == who and before_us < at_us < t_us][-1:]
        before_us = t_us
    told = f"{', '.join(f'term {term} at {t_us / 1e6:.1f} s' for t_us, term in found) or 'nobody'}, by belief"
    return Verdict(Outcome.VALID if found else Outcome.INVALID, (), told)


def kept_by_belief(seen: Observation, *, times: int = 1) -> Verdict:
    """A member that a time-out would have made a candidate believed in its leader, and heard of it again."""
    kept = [us for _, _, us in seen.noted["lead-kept"]]
    told = f"after silences of {', '.join(f'{us / 1e3:.0f} ms' for us in kept) or 'none'}"
    return Verdict(Outcome.VALID if len(kept) >= times else Outcome.INVALID, (), told)


def held_back_by_belief(seen: Observation) -> Verdict:
    """A member that believed its leader gone did not stand, as it believed that nobody could be elected."""
    held = seen.noted["held-back"]
    return Verdict(Outcome.VALID if held else Outcome.INVALID, (), f"{len(held)} times")


ELECTIONS: Final = (
    claim(led_anew, ledger=True, sort=Sort.EVIDENCE),
    claim(moved_by_belief, ledger=True, sort=Sort.EVIDENCE),
    claim(kept_by_belief, ledger=True, sort=Sort.EVIDENCE),
    claim(held_back_by_belief, ledger=True, sort=Sort.EVIDENCE),
    claim(nobody_elected, ledger=True, scheduled=True),
    claim(terms_at_most, ledger=True, scheduled=True),
)
