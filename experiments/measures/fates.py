"""What became of every acknowledged command, and what the replicas owe.

An acknowledgement is a promise. *Kept*: its event is in the final history with its effect.
*Compensated*: reversed, with a record. *Superseded*: overwritten without one, a lost update.
*Set aside*: on a former home's disk only, waiting for a person. *Lost*: nowhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from experiments.measures.observation import Observation, Outcome

__all__ = ["Fate", "fates", "regretted"]


class Fate(StrEnum):
    """Where an acknowledged command's event ended up."""

    KEPT = "kept"
    COMPENSATED = "compensated"
    SUPERSEDED = "superseded"
    SET_ASIDE = "set aside"
    LOST = "lost"
    TENTATIVE = "tentative"  # the run ended before its place was final: censored


_BY_STATUS: Final[Mapping[str, Fate]] = {
    "merged": Fate.KEPT,
    "compensated": Fate.COMPENSATED,
    "superseded": Fate.SUPERSEDED,
    "tentative": Fate.TENTATIVE,
}


def fates(observation: Observation) -> dict[int, Fate]:
    """The fate of each command that a client was told is accepted, by command id."""
    final = {command: _BY_STATUS[status] for command, status in observation.remembered().items()}
    final |= {event.command_id: _BY_STATUS[event.status] for event in observation.events() if event.kind != "denied"}
    aside = {event.command_id for event in observation.ledger.divergent}
    reversed_by_operator = observation.compensated_us()
    result: dict[int, Fate] = {}
    for answer in observation.answers:
        if answer.outcome is not Outcome.ACCEPTED:
            continue
        fate = final.get(answer.command_id)
        if fate is None:
            # A set-aside command that the new home denied was paid back by the operator.
            if answer.command_id in reversed_by_operator:
                fate = Fate.COMPENSATED
            else:
                fate = Fate.SET_ASIDE if answer.command_id in aside else Fate.LOST
        result[answer.command_id] = fate
    return result


def regretted(by_command: Iterable[Fate]) -> int:
    """How many acknowledged commands were later reversed, with a record or without one.

    What is set aside may yet be accepted again: it is counted apart, and is not regret yet.
    """
    counts = Counter(by_command)
    return counts[Fate.COMPENSATED] + counts[Fate.SUPERSEDED]
