"""What suspicion leads to: instants, hysteresis, and the guard against one's own pauses."""

from __future__ import annotations

from models.detection import Fixed, Interpreter, Rule
from models.detection.arrays import Suspicions, Trace, crossings, guarded, suspicions
from models.detection.interpreting import PauseGuard


def test_an_arrival_at_the_very_instant_is_in_time() -> None:
    interpreter = Interpreter(Fixed(timeout_us=100).make(), Rule())
    changes = interpreter.arrived(0, 0) + interpreter.arrived(1, 100) + interpreter.arrived(2, 201)
    assert changes == [(200, True), (201, False)]


def test_hysteresis_waits_until_suspicion_stayed_low_for_long_enough() -> None:
    interpreter = Interpreter(Fixed(timeout_us=100).make(), Rule(hold_us=150))
    changes = [
        change for number, at_us in enumerate((0, 120, 200, 290)) for change in interpreter.arrived(number, at_us)
    ]
    assert changes + interpreter.passed(400) == [(100, True), (270, False), (390, True)]


def test_a_suspicion_that_returns_before_trust_is_one_suspicion() -> None:
    interpreter = Interpreter(Fixed(timeout_us=100).make(), Rule(hold_us=150))
    changes = interpreter.arrived(0, 0) + interpreter.arrived(1, 120) + interpreter.arrived(2, 240)
    assert changes + interpreter.passed(300) == [(100, True)]


def test_an_observer_that_stood_still_convicts_nobody_for_a_while() -> None:
    guard = PauseGuard(5_000)
    allowed = [guard.may_convict(now_us) for now_us in (0, 1_000, 6_001, 7_000, 11_000, 11_001)]
    assert allowed == [True, True, False, False, False, True]


def test_a_guard_over_arrays_moves_or_drops_what_began_under_it() -> None:
    trace = Trace.of([0, 1_000, 30_000, 60_000])
    found = suspicions(trace.arrivals_us, crossings(Fixed(timeout_us=2_000), trace), 100_000)
    assert found.transitions() == [(3_000, True), (30_000, False), (32_000, True), (60_000, False), (62_000, True)]
    kept = guarded(found, [(2_000, 29_000), (40_000, 41_000), (61_000, 70_000)], 5_000)
    assert kept.transitions() == [(34_000, True), (60_000, False), (75_000, True)]
    assert isinstance(kept, Suspicions)
