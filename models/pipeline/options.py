"""What an API server is told."""

from __future__ import annotations

from dataclasses import dataclass

from models.addressing import content_hash
from models.pipeline.joining import Generation
from models.pipeline.plan import KINDS, Plan
from sim.topology import Location
from sim.wording import Refused, way_to

__all__ = ["FULL", "PipelineOptions", "token_of"]

#: What becomes of a request that finds the pipe full: it is refused at once, or waits as long as its client does.
FULL = ("refuse", "wait")


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineOptions:
    """One pipe, on one host or two.

    Attributes:
        plan: Its stages.
        members: Of each shard, the store's members in the order in which they are asked.
        far: The second host's end; None where there is none.
        full: One of `FULL`.
        pipe: What pipes are of: `Generation`, or for comparison `OneWay`.
        stage_us: Host time that each stage but `execute` works on a request.
        ask_us: Patience with one answer of a store.
        lease_us: An end that has not heard of the other for so long closes.
        beat_us: How often each end says that it is there.
        respawn_us: From the failure of a pipe to the opening of the next.
        secret: What tokens are made with.
        fails: A stage that fails now and then, as one does whose connection is taken away; "" for none.
        fails_every_us: How often.

    Raises:
        ValueError: all that makes no sense, at once.
    """

    plan: Plan
    members: tuple[tuple[Location, ...], ...]
    far: Location | None = None
    full: str = "refuse"
    pipe: type[Generation] = Generation
    stage_us: int = 200
    ask_us: int = 400_000
    lease_us: int = 1_000_000
    beat_us: int = 200_000
    respawn_us: int = 50_000
    secret: int = 0
    fails: str = ""
    fails_every_us: int = 0

    def __post_init__(self) -> None:
        problems = [
            f"{name}={getattr(self, name)} is none; give at least 1"
            for name in ("ask_us", "lease_us", "beat_us", "respawn_us")
            if getattr(self, name) < 1
        ]
        problems += [
            f"{name}={getattr(self, name)} is negative; give at least 0"
            for name in ("stage_us", "fails_every_us")
            if getattr(self, name) < 0
        ]
        if self.lease_us < 2 * self.beat_us:
            problems.append(
                f"{self.lease_us=} is shorter than two heartbeats of {self.beat_us=}, so one that is late would end "
                "it; make it longer"
            )
        if not self.members or not all(self.members):
            problems.append("there is no store to ask; name the members of each shard")
        if self.full not in FULL:
            problems.append(f"full={self.full!r} is nothing to do with a request; choose one of {', '.join(FULL)}")
        if self.plan.far and self.far is None:
            problems.append("the plan has stages on a second host, and none is named; name it")
        if self.fails and self.fails not in KINDS:
            problems.append(f"fails={self.fails!r} is no stage; {way_to(self.fails, KINDS)}")
        if bool(self.fails) != bool(self.fails_every_us):
            problems.append(f"{self.fails=} and {self.fails_every_us=} go together; give both, or neither")
        if problems:
            raise Refused(problems)


def token_of(secret: int, user: int) -> int:
    """What shows a server that a request is a user's: 64 bits that nobody makes without the secret."""
    return content_hash((secret, user))
