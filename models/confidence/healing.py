"""What a belief leaves out: that who was down is up again, and has not been heard yet.

A belief takes a break to last until something is heard. Where repairs take minutes and heartbeats a second that is as
good as true; where they take seconds, some of those that are silent are well again, and whoever acts on near certainty
acts on them. Given that a way broke and that nothing came since, the repair lies after the last heartbeat that should
have come, or before some that were lost. Repairs are exponential; the share does not depend on when the way broke.
"""

from __future__ import annotations

from dataclasses import replace
from math import exp, expm1
from typing import Final

from models.confidence.answer import Answer
from models.confidence.priors import Hearing
from models.detection.refusals import refuse

__all__ = ["healed", "healed_share"]

#: Lost heartbeats in a row beyond which a repair is no more looked for.
_MOST: Final = 30


def healed_share(silent_us: float, hearing: Hearing, repair_us: float) -> float:
    """Of those that broke and were silent since, the share that is up again.

    Args:
        silent_us: Since when the last heartbeat was sent that came.
        hearing: How often they are sent, and lost.
        repair_us: Mean time from a break to its repair; infinite for never.

    Raises:
        ValueError: the mean is not above 0, or repairs are so quick that losses hide them all.
    """
    refuse((None if repair_us > 0 else f"{repair_us=} is no mean time; give more than 0, or infinity for never",))
    every_us = hearing.every_us
    missing = int((silent_us - hearing.delay.mean_us) // every_us)
    if missing < 1:
        return 0.0
    since_us = silent_us - missing * every_us
    still = exp(-since_us / repair_us)
    growth, within = hearing.loss * exp(every_us / repair_us), -expm1(-every_us / repair_us)
    if growth >= 1:
        raise ValueError(
            f"{repair_us=} against heartbeats every {every_us} us, of which {hearing.loss} are lost: silence says "
            f"nothing of who is down; send them more often"
        )
    again = 1 - still + within * sum(growth**k for k in range(1, min(missing, _MOST) + 1))
    return again / (again + still)


def healed(answer: Answer, hearing: Hearing, repair_us: float) -> Answer:
    """An answer of a subject that is heard itself, with the share of what is down that is up again taken for up."""
    silent_us = answer.at_us if answer.age_us is None else answer.age_us
    share = healed_share(silent_us, hearing, repair_us)
    if share == 0:
        return answer
    return replace(
        answer,
        up=answer.up + share * answer.down,
        unreachable=(1 - share) * answer.unreachable,
        dead=(1 - share) * answer.dead,
    )
