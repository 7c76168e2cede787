"""A step of a runbook: what an operator does, to whom, when, and for how long it is tried."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sim.topology import Location

__all__ = ["Action", "Outcome", "Step"]


class Action(StrEnum):
    """What an operator can do."""

    PROMOTE = "promote"  # have a member lead, if so many promise that nothing acknowledged is left behind
    FENCE = "fence"  # have a member lead no more, until somebody is promoted
    DECLARE_LOST = "declare-lost"  # have one of the others lead without members that are given up
    RESTORE = "restore"  # have a member stand behind the latest backup, and lead from there
    ADD_HOST = "add-host"  # have a host join as a member
    REMOVE_HOST = "remove-host"  # have a member leave


class Outcome(StrEnum):
    """What came of a step."""

    BEGUN = "begun"
    DONE = "done"
    GAVE_UP = "gave-up"  # its patience was over; what was asked for may come about all the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step.

    Attributes:
        id: Names it in the runbook.
        action: What is done.
        shard: Name of the shard.
        members: All members of it, the preferred leader first.
        targets: Those that are acted on; the host itself for a change of membership.
        at_us: When it begins, by the monotonic clock; from the end of `after`, or from when the shard was
            found without a leader for `unled_us`, where these are given.
        after: The step that must be done before; "" for none. Given up with it, if that gave up.
        unled_us: For so long must nobody have led the shard, as far as the operator sees; 0 if it does not matter.
        patience_us: From its beginning to giving up.
        backup: Who keeps backups, for a restore.
    """

    id: str
    action: Action
    shard: str
    members: tuple[Location, ...]
    targets: tuple[Location, ...]
    at_us: int = 0
    after: str = ""
    unled_us: int = 0
    patience_us: int = 10_000_000
    backup: Location | None = None

    def __post_init__(self) -> None:
        if not self.targets:
            raise ValueError(f"step {self.id!r} acts on nobody; give it a target")
        if self.patience_us < 1:
            raise ValueError(f"{self.patience_us=} is no time to try step {self.id!r} in; give at least 1")
        if self.action is Action.DECLARE_LOST and not set(self.members) - set(self.targets):
            raise ValueError(f"step {self.id!r} declares all members lost, which leaves nobody to lead; spare one")
        if self.action is Action.RESTORE and self.backup is None:
            raise ValueError(f"step {self.id!r} restores, and nobody keeps backups; say who does")
