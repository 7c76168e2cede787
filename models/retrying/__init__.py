"""Retries: back-off, budgets, breakers and deadlines, for any client or service; and how they keep an overload alive.

Read `policy` first: what one caller does about attempts that fail, made of `backoff`, `budget` and `breaker`; `presets`
are those in use. `hedging` asks twice before anything has failed, which only idempotent calls bear, after one of
`delays`. `intake` is the other side, what a service does with more work than it can do. `tier` and `users` put the two
against each other in tiers of services (`words` is what they say), `deployment` lays those over a topology, and `twice`
refuses what would have an effect twice.
"""

from models.retrying.backoff import Backoff, Jitter
from models.retrying.breaker import Breaker, BreakerOptions, Position
from models.retrying.budget import Budget, BudgetKind, BudgetOptions
from models.retrying.delays import Of
from models.retrying.deployment import tiers
from models.retrying.hedging import HedgeOptions, Hedger, hedge_of
from models.retrying.intake import Intake, IntakeOptions, Order
from models.retrying.policy import End, Retrier, RetryPolicy
from models.retrying.presets import PRESETS, Preset, preset_of

__all__ = [
    "PRESETS",
    "Backoff",
    "Breaker",
    "BreakerOptions",
    "Budget",
    "BudgetKind",
    "BudgetOptions",
    "End",
    "HedgeOptions",
    "Hedger",
    "Intake",
    "IntakeOptions",
    "Jitter",
    "Of",
    "Order",
    "Position",
    "Preset",
    "Retrier",
    "RetryPolicy",
    "hedge_of",
    "preset_of",
    "tiers",
]
