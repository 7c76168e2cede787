"""What faults may ask of a link."""

from __future__ import annotations

from typing import Any

import pytest

from sim.effects import Burst, LinkEffect

ONE, TWO = frozenset({0}), frozenset({1})


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"delay_factor": 0.0}, "no factor"),
        ({"delay_factor": float("nan")}, "no factor"),
        ({"bandwidth_factor": -1.0}, "no factor"),
        ({"delay_us": -1}, "no delay"),
        ({"reorder_us": 1.5}, "no delay"),
        ({"loss": 1.1}, "no chance"),
        ({"duplicate": float("nan")}, "no chance"),
        ({"reorder": -0.1}, "no chance"),
    ],
)
def test_an_effect_that_makes_no_sense_is_refused(wrong: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        LinkEffect(src=ONE, dst=TWO, **wrong)


@pytest.mark.parametrize(
    ("wrong", "match"),
    [({"mean_good_us": 0}, "mean length"), ({"mean_bad_us": 2.5}, "mean length"), ({"loss_bad": 2.0}, "no chance")],
)
def test_a_burst_that_makes_no_sense_is_refused(wrong: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        Burst(**({"mean_good_us": 10, "mean_bad_us": 10} | wrong))


def test_a_burst_knows_its_loss_in_the_long_run() -> None:
    burst = Burst(mean_good_us=900, mean_bad_us=100, loss_good=0.01, loss_bad=0.5)
    assert burst.bad_share == 0.1
    assert burst.loss == pytest.approx(0.059)
