"""Every claim about histories by name, with the options that it takes.

All have one signature, `check(history, spec=None, budget=DEFAULT_BUDGET)`; `CLAIMS[name].spec` is the
class of `spec`, built from plain values, and None where a claim has nothing to be told.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from sim.checkers import subscriptions
from sim.checkers.causal import CausalSpec, causal
from sim.checkers.conservation import ConservationSpec, conserved
from sim.checkers.invariants import InvariantSpec, invariant
from sim.checkers.liveness import LivenessSpec, recovers_after_each_heal
from sim.checkers.replicas import AuditSpec, converged, durable
from sim.checkers.sessions import (
    SessionSpec,
    monotonic_reads,
    monotonic_writes,
    read_your_writes,
    writes_follow_reads,
)
from sim.checkers.staleness import StalenessSpec, bounded_staleness
from sim.checkers.streams import StreamSpec, append_only
from sim.checkers.subscriptions import SubscriptionSpec
from sim.checkers.updates import UpdateSpec, no_aborted_reads, no_duplicate_effects, no_lost_updates
from sim.checkers.verdict import Checker
from sim.checkers.wellformed import every_operation_completes, well_formed

__all__ = ["CLAIMS", "Claim"]


class Claim(NamedTuple):
    """A checker and how to tell it what to check.

    Attributes:
        check: The checker.
        spec: The class of its `spec`; None if it takes none.
        needed: Whether it has no default.
    """

    check: Checker
    spec: type[Any] | None = None
    needed: bool = False


CLAIMS: Final[Mapping[str, Claim]] = MappingProxyType(
    {
        "well_formed": Claim(well_formed),
        "every_operation_completes": Claim(every_operation_completes),
        "append_only": Claim(append_only, StreamSpec),
        "read_your_writes": Claim(read_your_writes, SessionSpec),
        "monotonic_reads": Claim(monotonic_reads, SessionSpec),
        "monotonic_writes": Claim(monotonic_writes, SessionSpec),
        "writes_follow_reads": Claim(writes_follow_reads, SessionSpec),
        "causal": Claim(causal, CausalSpec),
        "bounded_staleness": Claim(bounded_staleness, StalenessSpec, needed=True),
        "converged": Claim(converged, AuditSpec),
        "durable": Claim(durable, AuditSpec),
        "no_lost_updates": Claim(no_lost_updates, UpdateSpec),
        "no_duplicate_effects": Claim(no_duplicate_effects, UpdateSpec),
        "no_aborted_reads": Claim(no_aborted_reads, UpdateSpec),
        "conserved": Claim(conserved, ConservationSpec),
        "subscription_ordered": Claim(subscriptions.ordered, SubscriptionSpec),
        "subscription_unique": Claim(subscriptions.unique, SubscriptionSpec),
        "subscription_atomic": Claim(subscriptions.atomic, SubscriptionSpec),
        "subscription_reliable": Claim(subscriptions.reliable, SubscriptionSpec),
        "subscription_resumable": Claim(subscriptions.resumable, SubscriptionSpec),
        "subscription_bookmarkable": Claim(subscriptions.bookmarkable, SubscriptionSpec),
        "invariant": Claim(invariant, InvariantSpec, needed=True),
        "recovers_after_each_heal": Claim(recovers_after_each_heal, LivenessSpec, needed=True),
    }
)
