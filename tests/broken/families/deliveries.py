"""What leaves a store: effects on a printer or a gateway, an outbox, transfers; as in `models`, on three servers each.

A broken variant overrides one decision of a performer, a receiver, a relay or a manager.
"""

from __future__ import annotations

from typing import Any

from models.effects.deployment import lay_out as lay_out_effects
from models.effects.outside import Outside
from models.effects.performing import Performer
from models.effects.risk import RiskRule
from models.effects.risk.deployment import rule_of
from models.outbox.deployment import lay_out as lay_out_outbox
from models.outbox.relay import Relay
from models.processes.deployment import lay_out as lay_out_transfers
from models.processes.manager import Manager
from models.system import Site, System

_PROMOTE_US = 1_000_000


def printer(
    site: Site, workload: Any, performer: type[Performer] = Performer, outside: type[Outside] = Outside
) -> System:
    """Effects on a receiver that can be asked and fences, and does twice what it is asked twice."""
    return lay_out_effects(
        site, workload, performer, outside, receiver="printer", semantics="ask-first", promote_after_us=_PROMOTE_US
    )


def gateway(
    site: Site, workload: Any, performer: type[Performer] = Performer, outside: type[Outside] = Outside
) -> System:
    """Effects on a receiver that dedups, asked for until it answers."""
    return lay_out_effects(
        site,
        workload,
        performer,
        outside,
        receiver="gateway",
        declared="idempotent",
        semantics="at-least-once",
        promote_after_us=_PROMOTE_US,
    )


def mailer(
    site: Site, workload: Any, performer: type[Performer] = Performer, outside: type[Outside] = Outside
) -> System:
    """Effects on a receiver that knows nothing, asked for once."""
    return lay_out_effects(
        site, workload, performer, outside, receiver="mailer", semantics="at-most-once", promote_after_us=_PROMOTE_US
    )


def parking(site: Site, workload: Any, rule: type[RiskRule] = RiskRule) -> System:
    """Effects on a receiver that knows nothing, under costs at which silence never allows a retry."""
    policy = rule_of("", cost_of_duplicate=10.0, cost_of_loss=1.0, give_up_us=3_000_000, kind=rule)
    return lay_out_effects(
        site, workload, receiver="mailer", act_us=500_000, promote_after_us=_PROMOTE_US, policy=policy
    )


def orders(site: Site, workload: Any, relay: type[Relay] = Relay) -> System:
    """An outbox of two topics, pruned behind its relay."""
    return lay_out_outbox(site, workload, relay, promote_after_us=_PROMOTE_US)


def transfers(site: Site, workload: Any, manager: type[Manager] = Manager) -> System:
    """Transfers under a ceiling that turns some of them back."""
    return lay_out_transfers(site, workload, manager, ceiling=320, patience_us=1_000_000, promote_after_us=_PROMOTE_US)
