"""A group laid over hosts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from models.detection.swim.member import Member
from models.detection.swim.options import SwimOptions
from sim.host import Placement
from sim.topology import Location, at_service

__all__ = ["members"]


def members(hosts: Sequence[Location], options: SwimOptions, name: str = "member") -> tuple[Placement, ...]:
    """A member on every host, of that name: several groups may share hosts."""
    group = tuple(at_service(host, name) for host in hosts)
    return tuple(
        Placement(host=host, name=name, make=_maker(group, me, options), kind=Member) for me, host in enumerate(hosts)
    )


def _maker(group: Sequence[Location], me: int, options: SwimOptions) -> Any:
    return lambda ctx: Member(ctx, group, me, options)
