"""The judges, on observations written by hand."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Any

import pytest

from experiments.measures import (
    Answer,
    Fate,
    Observation,
    Outcome,
    Window,
    answered_share,
    fates,
    latencies_ms,
    overdrafts,
    stability,
)
from experiments.measures.availability import served
from experiments.measures.fates import regretted
from experiments.measures.observation import Progress
from experiments.properties import PROPERTIES
from experiments.properties.bank import BANK
from experiments.scenario import Scenario, load
from models.ledger import EventKind, FinalEvent, Ledger, Status, pack_ordinal
from sim.checkers import Outcome as Verdicts
from sim.faults import Encounter

SCENARIO = load("github_2018")
OPENING = SCENARIO.workload.opening_balance
REGIONS = SCENARIO.topology.regions
S = 1_000_000


def event(command: int, amount: int, at_s: float, status: Status = Status.MERGED, **more: Any) -> FinalEvent:
    """An event on account 1; a positive amount was put in, a negative one taken out, 0 was denied."""
    kind = EventKind.DEPOSITED if amount > 0 else EventKind.WITHDRAWN if amount else EventKind.DENIED
    at_us = round(at_s * S)
    made = FinalEvent(1, command, kind, abs(amount), at_us, 1, 0, command, status, command)
    return made._replace(**more)


def answer(command: int, amount: int, begin_s: float, end_s: float | None, outcome: Outcome) -> Answer:
    end_us = None if end_s is None else round(end_s * S)
    return Answer(command, REGIONS[0], 1, amount, round(begin_s * S), end_us, outcome)


def observed(
    *events: FinalEvent,
    answers: tuple[Answer, ...] = (),
    divergent: tuple[FinalEvent, ...] = (),
    balances: tuple[int, ...] | None = None,
    progress: tuple[Progress, ...] = (),
    paid_back: tuple[tuple[float, int], ...] = (),
    cut: Window | None = None,
    watermark: str = "stable",
    missing: int = 0,
    scenario: Scenario = SCENARIO,
) -> Observation:
    moved = sum(
        e.amount if e.kind == "deposited" else -e.amount for e in events if e.status == "merged" and e.kind != "denied"
    )
    views = balances or (OPENING + moved,) * len(REGIONS)
    noted = dict.fromkeys(("divergent", "promoted", "reconciled"), ())
    return Observation(
        scenario=scenario,
        seed=0,
        answers=answers,
        ledger=Ledger(
            final={1: events},
            balances={number + 1: {1: view} for number, view in enumerate(views)},
            divergent=divergent,
            conflicts=0,
            watermark=watermark,
            missing=missing,
        ),
        progress=progress,
        noted={**noted, "compensated": tuple((round(t * S), REGIONS[0], command) for t, command in paid_back)},
        cut=cut,
        utilisation={},
        network={"dropped: cut at send": 1},
        digest="",
    )


# -- availability ----------------------------------------------------------------------


def test_a_denial_is_service_only_if_the_account_really_was_that_poor_meanwhile() -> None:
    seen = observed(
        event(1, -OPENING, at_s=10),
        event(2, OPENING, at_s=20),
        answers=(
            answer(3, -1, 12, 13, Outcome.DENIED),  # empty throughout
            answer(4, -1, 5, 6, Outcome.DENIED),  # the money was there
            answer(5, -1, 19.5, 25, Outcome.DENIED),  # empty when it was asked
            answer(6, -1, 5, 11, Outcome.DENIED),  # became empty before the reply
            answer(7, -1, 25, 26, Outcome.DENIED),  # refilled before it was asked
        ),
    )
    verdicts = served(seen)
    assert verdicts == {3: True, 4: None, 5: True, 6: True, 7: None}
    assert answered_share(verdicts, seen.answers) == (5, 3, 2)


def test_refusals_and_silence_are_no_service_and_have_no_latency() -> None:
    answers = (
        answer(1, 1, 1, 1.25, Outcome.ACCEPTED),
        answer(2, 1, 1, 1.1, Outcome.REFUSED),
        answer(3, 1, 1, None, Outcome.UNANSWERED),
    )
    assert served(observed(answers=answers)) == {1: True, 2: False, 3: False}
    assert latencies_ms(answers) == [250.0, inf, inf]


def test_a_compensated_withdrawal_does_not_justify_a_denial() -> None:
    seen = observed(
        event(1, -OPENING, at_s=10, status=Status.COMPENSATED), answers=(answer(2, -1, 11, 12, Outcome.DENIED),)
    )
    assert served(seen) == {2: None}


# -- fates -------------------------------------------------------------------------------


def test_every_acknowledged_command_has_one_fate() -> None:
    accepted = tuple(answer(command, 1, 1, 2, Outcome.ACCEPTED) for command in range(1, 8))
    seen = observed(
        event(1, 5, 1),
        event(2, -5, 1, Status.COMPENSATED),
        event(3, 5, 1, Status.SUPERSEDED),
        event(4, 5, 1, Status.TENTATIVE),
        event(7, 0, 9),  # the new home denied what the old one had accepted
        answers=(*accepted, answer(9, 1, 1, None, Outcome.UNANSWERED)),
        divergent=(event(5, 5, 1, Status.DIVERGENT), event(7, -5, 1, Status.COMPENSATED)),
        paid_back=((9, 7),),
    )
    found = fates(seen)
    assert found == {
        1: Fate.KEPT,
        2: Fate.COMPENSATED,
        3: Fate.SUPERSEDED,
        4: Fate.TENTATIVE,
        5: Fate.SET_ASIDE,
        6: Fate.LOST,
        7: Fate.COMPENSATED,
    }
    assert regretted(found.values()) == 3  # what is set aside may yet be accepted; what is lost was never reversed


# -- overdrafts --------------------------------------------------------------------------


def test_an_overdraft_lasts_from_the_payment_to_its_compensation() -> None:
    seen = observed(
        event(1, -OPENING, 10),
        event(2, -30, 20, Status.COMPENSATED),
        event(3, -20, 25, Status.COMPENSATED),
        paid_back=((40, 2), (45, 3), (46, 3)),
    )
    found = overdrafts(seen)
    assert (found.times, found.depth, found.account_us, found.open) == (1, 50, 25 * S, 0)
    assert found.by_region == {REGIONS[0]: 1, REGIONS[1]: 0, REGIONS[2]: 0}


def test_an_overdraft_nobody_compensates_is_open_to_the_end() -> None:
    seen = observed(event(1, -OPENING - 1, 10, Status.SUPERSEDED))
    found = overdrafts(seen)
    assert (found.times, found.depth, found.account_us, found.open) == (1, 1, SCENARIO.until_us - 10 * S, 1)


def test_what_is_set_aside_and_accepted_again_was_paid_once() -> None:
    seen = observed(event(1, -OPENING, 50), divergent=(event(1, -OPENING, 10, Status.MERGED),))
    assert (overdrafts(seen).times, overdrafts(seen).open) == (0, 0)


def test_two_events_of_one_instant_count_in_the_final_order() -> None:
    seen = observed(event(9, 40, 10), event(1, -OPENING - 40, 10))
    assert overdrafts(seen).times == 0


def test_an_overdraft_is_laid_to_the_region_that_accepted_the_last_straw() -> None:
    seen = observed(event(1, -OPENING, 10), event(2, -1, 20, region=3))
    assert overdrafts(seen).by_region == {REGIONS[0]: 0, REGIONS[1]: 0, REGIONS[2]: 1}


# -- stability ---------------------------------------------------------------------------


def marks(*notes: tuple[float, int, int]) -> tuple[Progress, ...]:
    """(second, region index, ordinal)."""
    return tuple(Progress(round(t * S), REGIONS[region], 0, ordinal) for t, region, ordinal in notes)


CUT = Window(100 * S, 110 * S, frozenset({REGIONS[0]}))


def test_an_event_is_stable_when_the_last_region_has_it_for_good() -> None:
    seen = observed(
        event(1, 5, at_s=70),
        event(2, 5, at_s=105),
        progress=marks((70, 0, 1), (70.1, 1, 1), (70.2, 2, 1), (105, 0, 2), (112, 1, 2), (113, 2, 2)),
        cut=CUT,
    )
    found = stability(seen)
    assert found.stable_after_heal_s == 3.0
    assert found.drained_after_heal_s == 3.0
    assert (found.backlog_peak, found.unstable_at_end) == (1, 0)
    assert [found.backlog[t] for t in (69, 70, 71, 104, 105, 112, 113)] == [0, 1, 0, 0, 1, 1, 0]


def test_a_region_that_truncates_its_log_takes_back_what_it_noted() -> None:
    seen = observed(
        event(1, 5, at_s=105),
        progress=marks((105, 0, 1), (106, 1, 1), (107, 2, 1), (111, 0, 0), (120, 0, 1)),
        cut=CUT,
    )
    assert stability(seen).stable_after_heal_s == 10.0


def test_a_former_home_that_is_still_cut_off_has_the_positions_but_not_the_entries() -> None:
    """The new home wrote position 5 in reign 2; the old one has a position 7, of reign 1."""
    at = {number: pack_ordinal(*number) for number in ((1, 4), (1, 7), (2, 5))}
    seen = observed(
        event(1, 5, at_s=70, ordinal=at[1, 4]),
        event(2, 5, at_s=105, ordinal=at[2, 5]),
        progress=marks(
            (70, 0, at[1, 4]),
            (70, 1, at[1, 4]),
            (70, 2, at[1, 4]),
            (104, 0, at[1, 7]),
            (106, 1, at[2, 5]),
            (106, 2, at[2, 5]),
        ),
        cut=CUT,
        watermark="applied",
    )
    assert stability(seen).unstable_at_end == 1
    told = observed(*seen.events(), progress=(*seen.progress, *marks((112, 0, at[2, 5]))), cut=CUT, watermark="applied")
    assert stability(told).stable_after_heal_s == 2.0


def test_what_never_becomes_stable_is_censored_not_dropped() -> None:
    seen = observed(event(1, 5, at_s=105), progress=marks((105, 0, 1), (106, 1, 1), (107, 2, 0)), cut=CUT)
    found = stability(seen)
    assert (found.stable_after_heal_s, found.drained_after_heal_s, found.unstable_at_end) == (inf, inf, 1)


def test_a_control_has_no_heal_to_count_from() -> None:
    found = stability(observed(event(1, 5, 70), progress=marks((70, 0, 1), (70, 1, 1), (71, 2, 1))))
    assert (found.stable_after_heal_s, found.drained_after_heal_s) == (None, None)


# -- properties: each accepts, and rejects with a witness ----------------------------------

KEPT = answer(1, 5, 1, 2, Outcome.ACCEPTED)
SOUND = observed(event(1, 5, 1), answers=(KEPT,))
REJECTED = {
    "no_acknowledged_loss": observed(answers=(KEPT,)),
    "conservation": observed(event(1, 5, 1), balances=(OPENING,) * 3),
    "convergence": observed(event(1, 5, 1), balances=(OPENING, OPENING, OPENING + 5)),
    "invariant_restored": observed(event(1, -OPENING - 1, 1)),
    "settled": observed(event(1, 5, 1, Status.TENTATIVE)),
    "one_event_a_command": observed(event(1, 5, 1), event(1, 5, 2), answers=(KEPT,)),
    "met_traffic": SOUND,
    "fault_fired": SOUND,
}


def test_every_property_of_the_bank_has_a_rejected_observation() -> None:
    assert set(REJECTED) == {prop.name for prop in BANK} | {"fault_fired"}


@pytest.mark.parametrize("name", sorted(set(REJECTED) - {"met_traffic", "fault_fired"}))
def test_a_sound_run_is_accepted(name: str) -> None:
    assert PROPERTIES[name].holds(SOUND).outcome is Verdicts.VALID


@pytest.mark.parametrize("name", sorted(REJECTED))
def test_an_unsound_run_is_rejected_with_a_reason(name: str) -> None:
    verdict = PROPERTIES[name].holds(REJECTED[name])
    assert verdict.outcome is Verdicts.INVALID
    assert verdict.reason
    if name in ("no_acknowledged_loss", "conservation", "convergence", "settled", "one_event_a_command"):
        assert verdict.witness == (1,)


def test_a_fault_that_made_someone_wait_met_traffic() -> None:
    felt = observed(answers=(answer(1, 5, 1, None, Outcome.UNANSWERED),))
    assert PROPERTIES["met_traffic"].holds(felt).valid
    assert not PROPERTIES["met_traffic"].holds(replace(felt, network={})).valid


def test_a_fault_fired_if_it_began_and_its_counters_grew() -> None:
    (fault,) = SCENARIO.faults
    hit = Encounter(fault=fault, ended_us=None, grown={"dropped: cut in flight": 2, "sent": 9})
    missed = Encounter(fault=fault, ended_us=None, grown={"sent": 9})
    fired = PROPERTIES["fault_fired"]
    assert fired.holds(replace(SOUND, encounters=(hit,))).reason == f"times met: {fault.id}: 2"
    assert fired.holds(replace(SOUND, encounters=(hit,))).valid
    assert not fired.holds(replace(SOUND, encounters=(missed,))).valid


def test_a_region_that_is_down_at_the_end_leaves_convergence_unknown() -> None:
    seen = observed(event(1, 5, 1), balances=(OPENING + 5,) * 2)
    assert PROPERTIES["convergence"].holds(seen).outcome is Verdicts.UNKNOWN


def test_an_answered_command_without_an_event_is_found() -> None:
    verdict = PROPERTIES["one_event_a_command"].holds(observed(answers=(KEPT,)))
    assert (verdict.outcome, verdict.witness) == (Verdicts.INVALID, (1,))


@pytest.mark.parametrize(
    "name", ["no_acknowledged_loss", "conservation", "convergence", "settled", "one_event_a_command"]
)
def test_what_may_yet_come_right_is_unknown_not_wrong(name: str) -> None:
    wrong = observed(answers=(KEPT,)) if name == "one_event_a_command" else REJECTED[name]
    down = replace(wrong, ledger=replace(wrong.ledger, missing=1))
    assert PROPERTIES[name].holds(down).outcome is Verdicts.UNKNOWN
    busy = replace(wrong, scenario=replace(SCENARIO, until_us=SCENARIO.workload.ends_us + S))
    verdict = PROPERTIES[name].holds(busy)
    assert verdict.outcome is Verdicts.UNKNOWN
    assert "1.0 s between" in verdict.reason
    sound = replace(SOUND, ledger=replace(SOUND.ledger, missing=1))
    assert PROPERTIES[name].holds(sound).valid


def test_what_cannot_come_right_is_wrong_whatever_is_in_doubt() -> None:
    twice = replace(REJECTED["one_event_a_command"], ledger=replace(REJECTED["one_event_a_command"].ledger, missing=1))
    assert PROPERTIES["one_event_a_command"].holds(twice).outcome is Verdicts.INVALID
    overwritten = observed(event(1, 5, 1, Status.SUPERSEDED), answers=(KEPT,), missing=1)
    for name in ("no_acknowledged_loss", "conservation"):
        assert PROPERTIES[name].holds(overwritten).outcome is Verdicts.INVALID
