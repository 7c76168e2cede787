"""How each member of each shard ended a run, as values: for judges that hold a store to its scheme.

A ledger tells what counts in the end; this tells who holds it, under which scheme, and what is
wrong with a copy. Members that are up are looked at whether they serve or not: what a member
holds and does not serve is not lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from models.store.holding import Holding
from models.store.inspection import departures, log_flaws, state_flaws
from models.store.log.entries import OWN
from models.store.schemes import Scheme
from models.tenancy import operation_of

__all__ = ["MemberEnd", "ShardEnd", "shard_end"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberEnd:
    """One member at the end.

    Attributes:
        number: Its number among the members.
        host: Topology index of its host.
        up: Whether its host is; if not, nothing below is known.
        ready: Whether it serves or follows.
        leads: Whether it takes itself for the leader.
        whole: Whether it has all that it ever acknowledged.
        voters: Numbers of the members that vote, by what it knows to count; empty where members do not change.
        epoch: It lives under; 0 for none.
        length: Of its log.
        holds: Operations whose events its log has, or has remembered, or has set aside.
        flaws: What is wrong with its log: gaps, reigns, chains.
        departures: Where it is not what the leader is.
        state_flaws: States and snapshots that are not what the log comes to.
    """

    number: int
    host: int
    up: bool
    ready: bool = False
    leads: bool = False
    whole: bool = False
    voters: tuple[int, ...] = ()
    epoch: int = 0
    length: int = 0
    holds: frozenset[int] = frozenset()
    flaws: tuple[str, ...] = ()
    departures: tuple[str, ...] = ()
    state_flaws: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardEnd:
    """One shard at the end.

    Attributes:
        domain: Name of what it stores.
        shard: Its number among those of the domain.
        scheme: Under which.
        stores_denials: Whether a denied command leaves an event.
        members: The home first.
        former: Other hosts that had part of what it has, before it moved.
    """

    domain: str
    shard: int
    scheme: Scheme
    stores_denials: bool
    members: tuple[MemberEnd, ...]
    former: tuple[int, ...] = ()


def shard_end(
    domain: str,
    shard: int,
    scheme: Scheme,
    members: Mapping[tuple[int, int], Holding | None],
    *,
    tenants: int = 1,
) -> ShardEnd:
    """Look at the members of a shard.

    Args:
        domain: Name of what it stores.
        shard: Its number.
        scheme: Under which.
        members: By number and host; None where the host is down.
        tenants: Whose operations these are.
    """
    up = [member for member in members.values() if member is not None]
    leader = max(up, key=lambda one: (one.ready, one.epoch, one.leads, one.journal.length), default=None)
    return ShardEnd(
        domain=domain,
        shard=shard,
        scheme=scheme,
        stores_denials=all(member.options.store_denials for member in up),
        members=tuple(
            MemberEnd(number=number, host=host, up=False)
            if member is None
            else _end(number, host, member, leader, tenants)
            for (number, host), member in members.items()
        ),
    )


def _end(number: int, host: int, member: Holding, leader: Holding | None, tenants: int) -> MemberEnd:
    stored = (*member.journal.entries, *member.aside.entries)
    known = {(entry.tenant, entry.event_id) for entry in stored if entry.tenant != OWN}
    known |= {divmod(answered.key, 1 << 128) for answered in member.journal.base.window}
    sound = member.ready and not member.damaged
    return MemberEnd(
        number=number,
        host=host,
        up=True,
        ready=member.ready,
        leads=member.leads,
        whole=member.whole,
        voters=member.electorate,
        epoch=member.epoch,
        length=member.journal.length,
        holds=frozenset(operation_of(tenant, command, tenants) for tenant, command in known),
        # One that is just changing its log, or waits to be made anew, says nothing yet.
        flaws=tuple(log_flaws(member)) if sound else (),
        departures=tuple(departures(member, leader)) if sound and leader is not None and leader.ready else (),
        state_flaws=tuple(state_flaws(member)) if sound else (),
    )
