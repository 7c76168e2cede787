"""Rights to use up a share of an aggregate, which one sub-domain may pass on to another: a request, and a fact.

Rights are held in events, so a cut, a crash and a merge treat them as any other. What was granted is gone
from the giver when the fact is written and there for the receiver when it has heard of it, so that on the
way the right is nobody's, and never two people's.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.domain import Command, Neutral

__all__ = ["Grant", "Granted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant(Command):
    """A request of one sub-domain to another, asked of the one that gives: `amount` of its rights for `to`.

    With `of`, the rights are those of that sub-domain, which was declared lost, and who is asked takes them over.
    """

    to: int
    amount: int
    of: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted(Neutral):
    """`amount` of the rights of `of`, the writer if 0, are `to`'s; the state of the whole is what it was."""

    to: int
    amount: int
    of: int = 0
