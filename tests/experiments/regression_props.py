"""Properties of a user's own, for the tests of check and of the decorator; workers import them by name."""

from __future__ import annotations

import os
import signal

from experiments.evidence import Evidence
from sim.checkers import Outcome, Verdict
from sim.history import Kind


def even_seeds_only(seen: Evidence, *, odd: int = 1) -> Verdict:
    """Invalid under every odd seed, with the first two operations as its witness."""
    operations = tuple(row.op for row in seen.history if row.kind is Kind.INVOKE)[:2]
    if seen.seed % 2 == odd:
        return Verdict(Outcome.INVALID, operations, f"seed {seen.seed} is odd & <bad>\x00")
    return Verdict(Outcome.VALID, (), "even")


def seed_two(seen: Evidence) -> Verdict:
    """Valid under seed 2 alone."""
    return Verdict(Outcome.VALID if seen.seed == 2 else Outcome.INVALID, (), f"seed {seen.seed}")


def never(seen: Evidence) -> Verdict:
    """Valid of no run."""
    return Verdict(Outcome.INVALID, (), "never")


def undecided(seen: Evidence) -> Verdict:
    """Never known."""
    return Verdict(Outcome.UNKNOWN, (), "too much to look at")


def unknown_but_under_seed_two(seen: Evidence) -> Verdict:
    """Known under seed 2 alone."""
    return Verdict(Outcome.VALID if seen.seed == 2 else Outcome.UNKNOWN, (), f"seed {seen.seed}")


def raises(seen: Evidence) -> Verdict:
    """Raises what no property should."""
    raise KeyError("no\nlicence")


def exits(seen: Evidence) -> Verdict:
    """Ends the process, as a script would."""
    raise SystemExit(4)


def gives_no_reason(seen: Evidence) -> Verdict:
    """Invalid, and says nothing."""
    return Verdict(Outcome.INVALID, None, None)  # type: ignore[arg-type]


def says_it_in_words(seen: Evidence) -> Verdict:
    """Invalid, in plain texts and lists."""
    return Verdict("invalid", [], "plainly")  # type: ignore[arg-type]


def says_nonsense(seen: Evidence) -> Verdict:
    """Says what no verdict says."""
    return Verdict("perhaps", ("first",), 7)  # type: ignore[arg-type]


def returns_a_bool(seen: Evidence) -> Verdict:
    """Returns what no property should."""
    return True  # type: ignore[return-value]


def dies(seen: Evidence) -> Verdict:
    """Takes its process along."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")
