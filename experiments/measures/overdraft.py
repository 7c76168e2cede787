"""How often, how deep and for how long money that was not there had been paid out.

The balance judged is the sum of what really happened: every accepted deposit and withdrawal
at the instant of its acceptance, wherever it was accepted, and every compensation at the
instant of its first application. That is what the bank's vault would show, whatever each
replica believed.
"""

from __future__ import annotations

from typing import NamedTuple

from experiments.measures.observation import Observation

__all__ = ["Overdrafts", "overdrafts"]


class Overdrafts(NamedTuple):
    """Violations of "a balance is never negative".

    `times` an account went below zero; `depth` the deepest, in cents; `account_us` time
    below zero summed over accounts; `open` accounts still below zero at the end.
    """

    times: int
    depth: int
    account_us: int
    open: int


def overdrafts(observation: Observation) -> Overdrafts:
    """Walk every account through what happened to it, in order of time."""
    paid_back = observation.compensated_us()
    moves: dict[int, dict[tuple[int, int], int]] = {}
    seen: set[int] = set()
    # A set-aside event that is accepted again by the new home happened once, when first accepted.
    for event in sorted((*observation.ledger.divergent, *observation.events()), key=lambda e: e.accepted_us):
        if event.kind == "denied" or event.command_id in seen:
            continue
        seen.add(event.command_id)
        amount = event.amount if event.kind == "deposited" else -event.amount
        account = moves.setdefault(event.account, {})
        account[event.accepted_us, event.command_id] = amount
        if event.command_id in paid_back:
            account[paid_back[event.command_id], -event.command_id] = -amount
    end_us = observation.scenario.until_us
    parts = [_walk(observation.opening_balance, sorted(account.items()), end_us) for account in moves.values()]
    return Overdrafts(
        times=sum(part.times for part in parts),
        depth=max((part.depth for part in parts), default=0),
        account_us=sum(part.account_us for part in parts),
        open=sum(part.open for part in parts),
    )


def _walk(balance: int, moves: list[tuple[tuple[int, int], int]], end_us: int) -> Overdrafts:
    count = depth = below_us = 0
    since_us = -1
    for (t_us, _), amount in moves:
        balance += amount
        depth = max(depth, -balance)
        if balance < 0 and since_us < 0:
            count += 1
            since_us = t_us
        elif balance >= 0 and since_us >= 0:
            below_us += t_us - since_us
            since_us = -1
    if since_us >= 0:
        below_us += end_us - since_us
    return Overdrafts(count, depth, below_us, int(since_us >= 0))
