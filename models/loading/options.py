"""How a handler comes by the state that it decides on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import inf

from models.confidence.providing import Rule
from sim.topology import Location
from sim.wording import Refused

__all__ = ["LoadingOptions", "Strategy", "strategy_of"]


class Strategy(StrEnum):
    """When a handler begins to work, and what confirms what it worked out."""

    CONSISTENT = "consistent"  # look up the newest version, catch up, then work
    SPECULATIVE = (
        "speculative"  # work on the snapshot while the look-up is under way; it confirms, or there is more work
    )
    OPTIMISTIC = "optimistic"  # work on the snapshot and append; the store's refusal is the look-up
    ADAPTIVE = "adaptive"  # one of these by how often the aggregate's snapshot was behind


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadingOptions:
    """What a handler is told.

    Attributes:
        strategy: How it loads.
        members: Of each shard, the store's members, the one that leads at first first.
        keeper: Who keeps snapshots near by; None where nobody does.
        cache: Images that it keeps in its own memory; 0 for none.
        snapshot_every: It hands the keeper an image that is so many events newer; 0 for never.
        work_us: Host time that working out a decision takes: what follows of it, priced, rendered and signed.
        replay_us: Host time that replaying one event takes.
        ask_us: Patience with one answer of the store or the keeper.
        page: Events that it asks for at once.
        remembered: Command ids that an image carries.
        attempts: Appends that it makes of one command before it gives up.
        optimistic_below: Share of snapshots that were behind below which adaptive loading is optimistic.
        consistent_above: Share above which it is consistent; speculative between the two.
        weight: Of the latest observation in that share.
        rule: By which adaptive loading goes in the place of that share: what it makes of the chance that a snapshot is
            not the newest (`models.loading.believing`); None for none.
        others_per_s: What is believed, before anything was seen, of how often others write to an aggregate.

    Raises:
        ValueError: all that makes no sense, at once.
    """

    strategy: Strategy
    members: tuple[tuple[Location, ...], ...]
    keeper: Location | None = None
    cache: int = 0
    snapshot_every: int = 0
    work_us: int = 0
    replay_us: int = 0
    ask_us: int = 400_000
    page: int = 200
    remembered: int = 64
    attempts: int = 6
    optimistic_below: float = 0.3
    consistent_above: float = 0.9
    weight: float = 0.2
    rule: Rule | None = None
    others_per_s: float = 0.5

    def __post_init__(self) -> None:
        problems = [
            f"{name}={getattr(self, name)} is negative; give at least 0"
            for name in ("cache", "snapshot_every", "work_us", "replay_us")
            if getattr(self, name) < 0
        ]
        problems += [
            f"{name}={getattr(self, name)} is none; give at least 1"
            for name in ("ask_us", "page", "remembered", "attempts")
            if getattr(self, name) < 1
        ]
        if not self.members or not all(self.members):
            problems.append("there is no store to ask; name the members of each shard")
        if self.strategy is not Strategy.CONSISTENT and not self.cache and not self.snapshot_every:
            problems.append(
                f"{self.strategy} loading works on snapshots, and there are none; give `snapshot_every` or `cache`, "
                "or load consistently"
            )
        if self.snapshot_every > 0 and self.keeper is None:
            problems.append(f"{self.snapshot_every=} hands snapshots to nobody; name a keeper, or give 0")
        if not 0 <= self.optimistic_below <= self.consistent_above <= 1:
            problems.append(
                f"{self.optimistic_below=} and {self.consistent_above=} are out of order; "
                "give 0 <= optimistic_below <= consistent_above <= 1"
            )
        if not 0 < self.weight <= 1:
            problems.append(f"{self.weight=} learns nothing; give a number in (0, 1]")
        if not 0 < self.others_per_s < inf:
            problems.append(f"{self.others_per_s=} is a prior that no write moves; give a positive number")
        if self.rule is not None and self.strategy is not Strategy.ADAPTIVE:
            problems.append(f"{self.strategy} loading has nothing to decide by a rule; leave that out, or adapt")
        if problems:
            raise Refused(problems)


def strategy_of(word: str) -> Strategy:
    """The strategy of that name; ValueError for an unknown one."""
    if word not in [str(one) for one in Strategy]:
        raise ValueError(f"strategy={word!r} is none; choose one of {', '.join(Strategy)}")
    return Strategy(word)
