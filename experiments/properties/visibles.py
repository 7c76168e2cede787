"""What clients are told with a chance: that chances are sound in every run, and that a run met what is uncertain.

Whether chances come true as often as they say takes many runs, and is tested as such; in one run all of them may hang
on a single cut.
"""

from __future__ import annotations

from typing import Final

from experiments.measures.observation import Observation
from experiments.scenario.property import Property, Sort, claim
from models.confidence.providing import rule_of
from models.tenancy import asked_as
from sim.checkers import Outcome, Verdict
from sim.history import Kind

__all__ = ["VISIBLES"]

_ROUNDING: Final = 1e-9
_WITNESSES: Final = 10
_EVEN: Final = 0.5
_NEARLY: Final = 0.95
#: By how much a chance may move while something is flushed.
_FLUSH: Final = 0.05


def chances_sum_to_one(seen: Observation) -> Verdict:
    """Whatever is said of a command that nobody answered has chances of all that may be, which sum to 1."""
    end = seen.ledger.visible
    if end is None:
        return _nothing_told()
    wrong = [op for op, one in end.outcomes if abs(one.executed + one.will_execute + one.lost - 1) > _ROUNDING]
    told = f"{len(end.outcomes)} commands"
    return Verdict(Outcome.INVALID if wrong else Outcome.VALID, tuple(wrong[:_WITNESSES]), told)


def never_certain_across_silence(seen: Observation) -> Verdict:
    """No read says that it is surely fresh, and no acceptance that it surely lasts, with others silent meanwhile."""
    end = seen.ledger.visible
    if end is None:
        return _nothing_told()
    reads = [one.op for one in end.reads if one.freshness.fresh >= 1 and one.freshness.bound_us]
    lasting = [op for op, one in end.survivals if one.survives >= 1 and one.silent_us]
    wrong = reads + lasting
    told = f"{len(end.reads)} reads, {len(end.survivals)} acceptances"
    return Verdict(Outcome.INVALID if wrong else Outcome.VALID, tuple(wrong[:_WITNESSES]), told)


def met_doubtful_read(seen: Observation) -> Verdict:
    """A read was told that it is rather stale than fresh."""
    end = seen.ledger.visible
    return _nothing_told() if end is None else _met([one.op for one in end.reads if one.freshness.fresh < _EVEN])


def met_doubtful_acceptance(seen: Observation) -> Verdict:
    """An acceptance was told that the merge rather takes it back."""
    end = seen.ledger.visible
    return _nothing_told() if end is None else _met([op for op, one in end.survivals if one.survives < _EVEN])


def met_doubtful_command(seen: Observation) -> Verdict:
    """Of a command that nobody answered it was said that it rather has no effect than one."""
    end = seen.ledger.visible
    return _nothing_told() if end is None else _met([op for op, one in end.outcomes if one.happens < _EVEN])


def said_bounds_hold(seen: Observation) -> Verdict:
    """What was read says a bound, and has all that its clients were told of longer ago than that."""
    end = seen.ledger.visible
    if end is None:
        return _nothing_told()
    tenants = seen.ledger.tenants
    told: dict[tuple[int, int], list[tuple[int, int]]] = {}
    read_us: dict[int, int] = {}
    for row in seen.history:
        if row.kind is Kind.OK and isinstance(row.key, int) and row.version is not None:
            read_us[row.op] = row.t_us
            told.setdefault((row.key, asked_as(row.op, tenants)[0]), []).append((row.t_us, row.version))
    late = []
    for one in end.reads:
        key, at_us, bound_us = one.freshness.key, read_us[one.op], one.freshness.bound_us
        known = told.get((key, asked_as(one.op, tenants)[0]), ())
        if bound_us is not None and any(t < at_us - bound_us and version > one.version for t, version in known):
            late.append(one.op)
    what = f"{len(end.reads)} reads"
    return Verdict(Outcome.INVALID if late else Outcome.VALID, tuple(late[:_WITNESSES]), what)


def told_what_it_is_worth(seen: Observation) -> Verdict:
    """Whoever asked was told how likely that is still so, and that it may well not be."""
    end = seen.ledger.visible
    return _nothing_told() if end is None else _met([one.op for one in end.reads if one.freshness.fresh < _NEARLY])


def met_waiting_command(seen: Observation) -> Verdict:
    """Of a command that nobody answered it was said that it rather is still to be executed than done, or lost."""
    end = seen.ledger.visible
    return _nothing_told() if end is None else _met([op for op, one in end.outcomes if one.will_execute > _EVEN])


def executed_after_all(seen: Observation) -> Verdict:
    """A command of which that was said was executed after it had been, and none of its attempts before."""
    end = seen.ledger.visible
    if end is None:
        return _nothing_told()
    executed_us = {event.command_id: event.accepted_us for event in seen.events()}
    asked_us = {one.command_id: one.invoked_us for one in seen.answers}
    waited = [(op, asked_us[op] + one.silent_us) for op, one in end.outcomes if one.will_execute > _EVEN]
    return _met([op for op, said_us in waited if executed_us.get(op, 0) > said_us])


def accepts_what_likely_lasts(seen: Observation) -> Verdict:
    """Where what would hardly survive is refused, nothing is accepted that was told so by what was known before.

    What comes in while an acceptance is flushed is known afterwards only; so its concurrent writes are left out.
    """
    end = seen.ledger.visible
    words = str(seen.scenario.system.options.get("decides", ""))
    if end is None or not words:
        return Verdict(Outcome.UNKNOWN, (), "nothing is decided by a chance; give the system states and `decides`")
    rule = rule_of(words)
    # Between deciding and telling lies a flush; one that was on the border may have passed it since.
    border = rule.acts_from + _FLUSH
    clear = [op for op, one in end.survivals if not one.met and 1 - one.survives > border]
    told = f"{len(end.survivals)} acceptances"
    return Verdict(Outcome.INVALID if clear else Outcome.VALID, tuple(clear[:_WITNESSES]), told)


def refused_as_hardly_lasting(seen: Observation) -> Verdict:
    """A command was refused since what it would lead to would hardly survive the merge."""
    return _met([value for _, _, value in seen.noted["hardly"]])


def took_a_detour(seen: Observation) -> Verdict:
    """A client asked somebody else than whose turn it was."""
    return Verdict(Outcome.VALID if seen.noted["detour"] else Outcome.INVALID, (), f"{len(seen.noted['detour'])} times")


def _met(ops: list[int]) -> Verdict:
    return Verdict(Outcome.VALID if ops else Outcome.INVALID, tuple(ops[:_WITNESSES]), f"{len(ops)} times")


def _nothing_told() -> Verdict:
    return Verdict(Outcome.UNKNOWN, (), "clients are told no chances; give the system states = true")


_EVIDENCE: Final = (
    met_doubtful_read,
    met_doubtful_acceptance,
    met_doubtful_command,
    told_what_it_is_worth,
    met_waiting_command,
    executed_after_all,
    refused_as_hardly_lasting,
    took_a_detour,
)

VISIBLES: Final[tuple[Property[Observation], ...]] = (
    claim(chances_sum_to_one, ledger=True),
    claim(never_certain_across_silence, ledger=True),
    claim(accepts_what_likely_lasts, ledger=True),
    claim(said_bounds_hold, ledger=True),
    *(claim(judge, ledger=True, sort=Sort.EVIDENCE) for judge in _EVIDENCE),
)
