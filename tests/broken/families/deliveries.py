"""What leaves a store: effects on a printer or a gateway, an outbox, transfers; as in `models`, on three servers each.

A broken variant overrides one decision of a performer, a receiver, a relay or a manager.
"""

from __future__ import annotations

from typing import Any

from models.effects.deployment import lay_out as lay_out_effects
from models.effects.outside import Outside
from models.effects.performing import Performer
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


def orders(site: Site, workload: Any, relay: type[Relay] = Relay) -> System:
    """An outbox of two topics, pruned behind its relay."""
    return lay_out_outbox(site, workload, relay, promote_after_us=_PROMOTE_US)


def transfers(site: Site, workload: Any, manager: type[Manager] = Manager) -> System:
    """Transfers under a ceiling that turns some of them back."""
    return lay_out_transfers(site, workload, manager, ceiling=320, patience_us=1_000_000, promote_after_us=_PROMOTE_US)
