"""How far silence alone can take a belief, and a warning where a threshold asks for more.

Silence cannot tell a dead host from one that is cut off: their shares are those of the priors. Nor can it pass what
losses leave open within a time. A threshold beyond is never crossed, however long one waits, and whoever set it should
know: other evidence is needed, or a lower threshold.
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

from models.confidence.answer import Answer
from models.confidence.belief import Belief
from models.confidence.priors import Priors
from models.confidence.silence import Grid
from models.confidence.tree import Tree
from models.detection.refusals import refuse
from sim.topology import Location, pack_location

__all__ = ["Condition", "OutOfReach", "Reach", "reach", "warn_if_out_of_reach"]

#: What a threshold may be set on, as `Answer` calls it.
Condition = str
_CONDITIONS = ("down", "dead", "unreachable")
_OBSERVER = pack_location(0, 0, 0, 1)


class OutOfReach(UserWarning):
    """A threshold that silence never reaches."""


class Reach(NamedTuple):
    """The most that is believed, and in which silence.

    Attributes:
        chance: The highest.
        alone: Whether only the subject was silent, with all else heard; else all were.
        silent_us: After how long.
    """

    chance: float
    alone: bool
    silent_us: int


def reach(
    tree: Tree, priors: Priors, grid: Grid, subject: Location, condition: Condition, within_us: int | None = None
) -> Reach:
    """The most that a silence of up to `within_us` makes believe of a subject that is heard itself.

    Args:
        tree: As the belief's.
        priors: As the belief's.
        grid: As the belief's.
        subject: Of whom.
        condition: `down`, `dead` or `unreachable`.
        within_us: How long one is ready to wait; by default the window.

    Raises:
        ValueError: no such condition or subject.
    """
    refuse((None if condition in _CONDITIONS else f"{condition=} is none; choose of {', '.join(_CONDITIONS)}",))
    span_us = grid.slot_us * grid.window if within_us is None else within_us
    heard = [one for one in tree.subjects if one.hearing is not None]
    if all(one.name != subject for one in heard):
        tree.path(subject)
        raise ValueError(f"{subject} is not heard itself, so it has no silence; ask of what is in it")
    best = Reach(0.0, True, 0)
    for alone in (True, False):
        belief = Belief(observer=_OBSERVER, tree=tree, priors=priors, grid=grid)
        begin_us = 2 * grid.slot_us
        for one in heard:
            belief.heard(one.name, begin_us, begin_us)
        for step in range(1, max(1, span_us // grid.slot_us) + 1):
            now_us = begin_us + step * grid.slot_us
            for one in heard:
                if alone and one.name != subject:
                    belief.heard(one.name, now_us, now_us)
            if not alone:
                belief.look(now_us)
            chance = _chance(belief.answer(subject, now_us), condition)
            if chance > best.chance:
                best = Reach(chance, alone, now_us - begin_us)
    return best


def warn_if_out_of_reach(
    threshold: float,
    tree: Tree,
    priors: Priors,
    grid: Grid,
    subject: Location,
    condition: Condition,
    within_us: int | None = None,
) -> Reach:
    """Warn where no silence within a time takes the belief up to a threshold; says why, and the nearest that can be.

    Raises:
        ValueError: the threshold is no chance, or as for `reach`.
    """
    refuse((None if 0 < threshold <= 1 else f"{threshold=} is no chance to wait for; give a number in (0, 1]",))
    found = reach(tree, priors, grid, subject, condition, within_us)
    if found.chance < threshold:
        level = tree.by_name[subject].level
        why = (
            "silence cannot tell dead from cut off, and their shares are those of the priors"
            if condition != "down"
            else "losses explain such a silence too"
        )
        warnings.warn(
            f"{threshold=} on {condition!r} of a {level} is out of reach within {found.silent_us} us of silence, as "
            f"{why}; the nearest that can be reached is {found.chance:.4g}, or take other evidence",
            OutOfReach,
            stacklevel=2,
        )
    return found


def _chance(answer: Answer, condition: Condition) -> float:
    return {"down": answer.down, "dead": answer.dead, "unreachable": answer.unreachable}[condition]
