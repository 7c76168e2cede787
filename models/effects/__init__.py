"""Effects on a world outside, which no store can undo: what is asked for, in which order, and how often.

Read `performing` first: the three orderings of acting and persisting. `domain` is what the store knows of effects,
`words` what goes outside and `outside` who is there; who may bring them about says `models.outbox.owning`.
`retrying` decides whether to ask again, `promises` says what all that comes to, `deployment` lays it out.
"""

from models.effects.deployment import effects
from models.effects.outside import RECEIVERS, Outside, OutsideOptions, receiver_of
from models.effects.performing import Ordering, Performer, PerformerOptions
from models.effects.promises import promise_of
from models.effects.retrying import SEMANTICS, Known, Move, Policy, policy_of

__all__ = [
    "RECEIVERS",
    "SEMANTICS",
    "Known",
    "Move",
    "Ordering",
    "Outside",
    "OutsideOptions",
    "Performer",
    "PerformerOptions",
    "Policy",
    "effects",
    "policy_of",
    "promise_of",
    "receiver_of",
]
