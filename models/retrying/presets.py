"""Retry policies as they are deployed, by name; each with where its numbers are from.

They are for calls that may be repeated. What must not be done twice is `models.effects.risk`'s matter, whose callers
take a budget from here all the same: a rule says whether a retry is worth its risk, a budget whether the target can
bear all of them together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from models.retrying.backoff import Backoff, Jitter
from models.retrying.budget import BudgetKind, BudgetOptions
from models.retrying.policy import RetryPolicy
from sim.wording import way_to

__all__ = ["PRESETS", "Preset", "preset_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A policy, and its source.

    Attributes:
        policy: The numbers; patience is the caller's to choose and stands at its default.
        source: Who says so, and what was left out.
    """

    policy: RetryPolicy
    source: str


PRESETS: Final[Mapping[str, Preset]] = MappingProxyType(
    {
        "grpc": Preset(
            policy=RetryPolicy(
                attempts=4,
                backoff=Backoff(base_us=100_000, cap_us=1_000_000, factor=2.0, jitter=Jitter.FULL),
                budget=BudgetOptions(kind=BudgetKind.THROTTLE, tokens=10, ratio=0.1),
            ),
            source="gRPC proposal A6, client retries: its example of a service config; without one nothing is retried "
            "or throttled. Push-back by servers is left out.",
        ),
        "finagle": Preset(
            policy=RetryPolicy(
                attempts=26,
                backoff=Backoff(base_us=0, cap_us=0, jitter=Jitter.NONE),
                budget=BudgetOptions(kind=BudgetKind.RATIO, ratio=0.2, free_per_s=10.0, window_us=10_000_000),
            ),
            source="Finagle, RetryBudget (blog of 8 February 2016): 20 % of requests on top of 10 a second, over 10 s; "
            "at once. That bound is of all requests together; that one is retried 25 times at most is ours.",
        ),
        "aws-standard": Preset(
            policy=RetryPolicy(
                attempts=3,
                backoff=Backoff(base_us=1_000_000, cap_us=20_000_000, factor=2.0, jitter=Jitter.FULL),
                budget=BudgetOptions(kind=BudgetKind.BUCKET, tokens=500),
            ),
            source="AWS SDKs, standard retry mode as it was before 2026: three attempts, a quota of 500 tokens, 5 for "
            "a retry and 10 after a time-out, back-off up to 20 s.",
        ),
    }
)


def preset_of(name: str) -> Preset:
    """The preset of a name; ValueError for another."""
    if name not in PRESETS:
        raise ValueError(f"preset={name!r} is none; {way_to(name, PRESETS)}")
    return PRESETS[name]
