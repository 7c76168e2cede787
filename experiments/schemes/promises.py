"""What each scheme may lose to each failure, and how much of it theory expects.

A failure at an instant that is uniform over a period takes what was acknowledged since the period's
last flush, save or shipment: half a period's worth on average, one period's worth at most. To that
come corrections of the length of a flush:

- A flush covers what was there when it began, and the next begins a period after it ended. So
  cycles last period + flush, and until a flush has ended the one before it is what counts: what is
  at risk is as old as (period + flush) / 2 + flush on average, period + 2 flush at most.
- What is saved from the heap is in the page cache as soon as saving begins, which outlives the
  process: (period + flush) / 2 on average, period + flush at most.
- A shipment that has left arrives, also when its sender is gone the moment after. So a one-way delay
  counts only where the network is cut, which it is in none of these scenarios: period / 2, at most period.
"""

from __future__ import annotations

from typing import NamedTuple

from experiments.schemes.arms import FAILURES, scheme_of_arm
from models.store.schemes import Failure, Loss, Spread, Tier, lost_by

__all__ = ["Expected", "every_us", "expected", "promised"]


class Expected(NamedTuple):
    """How old what is lost, or left behind, is.

    Attributes:
        mean_us: Rate times this is the mean number of events.
        most_us: None of them was acknowledged longer than this before the failure.
    """

    mean_us: float
    most_us: int


def promised(arm: str, scenario: str) -> Loss:
    """What an arm may lose to the failure of a scenario."""
    scheme, failing = scheme_of_arm(arm), FAILURES[scenario]
    apart = failing.one_region and scheme.spread is Spread.REGION
    return lost_by(scheme, failing.kind, times=1 if apart else failing.times)


def left_behind(arm: str, scenario: str) -> bool:
    """Whether what was not shipped stays on disks that come back, while another region goes on without it."""
    return scheme_of_arm(arm).ship_every_us is not None and FAILURES[scenario].one_region


def every_us(arm: str, flush_us: tuple[int, int]) -> tuple[int, int] | None:
    """How often at least and at most an arm ships, or flushes and saves, behind the acknowledgement; None for never.

    Args:
        arm: Its name.
        flush_us: Shortest and longest flush; the next begins a period after one has ended.
    """
    scheme = scheme_of_arm(arm)
    if scheme.ship_every_us:
        return scheme.ship_every_us, scheme.ship_every_us
    return None if scheme.flush_every_us is None else (scheme.flush_every_us, scheme.flush_every_us + flush_us[1])


def expected(arm: str, scenario: str, flush_us: tuple[int, int]) -> Expected | None:
    """How much an arm loses, or leaves behind, to a failure at a random instant; None for nothing, or for all.

    Args:
        arm: Its name.
        scenario: The failure's.
        flush_us: Shortest and longest flush, any in between as likely.
    """
    scheme, loss = scheme_of_arm(arm), promised(arm, scenario)
    mean_us, most_us = sum(flush_us) / 2, flush_us[1]
    if loss is Loss.UNSHIPPED or left_behind(arm, scenario):
        assert scheme.ship_every_us is not None
        return Expected(scheme.ship_every_us / 2, scheme.ship_every_us)
    period_us = scheme.flush_every_us
    if period_us is None or loss in (Loss.NOTHING, Loss.ALL):
        return None
    if scheme.tier is Tier.HEAP and FAILURES[scenario].kind is Failure.PROCESS_CRASH:
        return Expected((period_us + mean_us) / 2, period_us + most_us)
    return Expected((period_us + mean_us) / 2 + mean_us, period_us + 2 * most_us)
