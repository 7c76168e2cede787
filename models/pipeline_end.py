"""What API servers and their pipes came to by the end of a run, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["PipelineEnd", "ServerEnd"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerEnd:
    """One end of a pipe.

    Attributes:
        host: Path of its host.
        far: Whether it is a second host.
        counts: What it did in its last life, as the service says.
        held: What stages and requests have been at that are not idle, or are of a pipe that is closed, and for how
            long, microseconds.
        longest: The most that waited before a stage of the pipes that are not at an end.
        dropped: Requests that were over before a stage of those began with them.
    """

    host: str
    far: bool
    counts: Mapping[str, int]
    held: tuple[tuple[str, int], ...]
    longest: int
    dropped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineEnd:
    """All of them.

    Attributes:
        servers: Those that are up.
        told: By stage, how many attempts clients were told had failed there.
    """

    servers: tuple[ServerEnd, ...]
    told: Mapping[str, int]

    def count(self, what: str) -> int:
        """How often servers did something."""
        return sum(server.counts.get(what, 0) for server in self.servers)
