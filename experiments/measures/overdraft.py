"""How often, how deep and for how long money that was not there had been paid out.

The balance judged is the sum of what really happened: every accepted deposit and withdrawal
at the instant of its acceptance, wherever it was accepted, and every compensation at the
instant of its first application. That is what the bank's vault would show, whatever each
replica believed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from experiments.measures.observation import Observation

__all__ = ["Overdrafts", "overdrafts"]


class Overdrafts(NamedTuple):
    """Violations of "a balance is never negative".

    Attributes:
        times: How often an account went below zero.
        by_region: The same by the region that accepted the withdrawal which took it there.
        depth: The deepest, cents.
        account_us: Time below zero, summed over accounts.
        open: Accounts still below zero at the end.
    """

    times: int
    by_region: Mapping[str, int]
    depth: int
    account_us: int
    open: int


class _Move(NamedTuple):
    """One change of a balance; `place` breaks ties of one instant by the final order."""

    t_us: int
    place: int
    amount: int
    region: int


def overdrafts(observation: Observation) -> Overdrafts:
    """Walk every account through what happened to it, in order of time."""
    times: Counter[int] = Counter()
    depth = account_us = left = 0
    for moves in _moves(observation).values():
        balance, since_us = observation.opening_balance, None
        for move in sorted(moves):
            balance += move.amount
            depth = max(depth, -balance)
            if balance < 0 and since_us is None:
                times[move.region] += 1
                since_us = move.t_us
            elif balance >= 0 and since_us is not None:
                account_us += move.t_us - since_us
                since_us = None
        if since_us is not None:
            account_us += observation.scenario.until_us - since_us
            left += 1
    regions = observation.scenario.topology.regions
    return Overdrafts(
        times=times.total(),
        by_region={region: times[number] for number, region in enumerate(regions, start=1)},
        depth=depth,
        account_us=account_us,
        open=left,
    )


def _moves(observation: Observation) -> dict[int, list[_Move]]:
    """By account, every accepted event at its first acceptance, and its compensation."""
    paid_back = observation.compensated_us()
    first: dict[int, _Move] = {}
    account_of: dict[int, int] = {}
    # A set-aside event that the new home accepts again happened once, when it was first accepted.
    for place, event in enumerate((*observation.ledger.divergent, *observation.events())):
        if event.kind == "denied":
            continue
        amount = event.amount if event.kind == "deposited" else -event.amount
        move = _Move(event.accepted_us, place, amount, event.region)
        first[event.command_id] = min(first.get(event.command_id, move), move)
        account_of[event.command_id] = event.account
    moves: dict[int, list[_Move]] = {}
    for command_id, move in first.items():
        found = moves.setdefault(account_of[command_id], [])
        found.append(move)
        if command_id in paid_back:
            found.append(_Move(paid_back[command_id], move.place, -move.amount, move.region))
    return moves
