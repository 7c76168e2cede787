"""What is wrong with a member of a shard, seen from outside at rest: nothing, if it is sound.

For judges at the end of a run, who hold what a member says of itself against what lies in its log.
Each function returns sentences, none where all is well; nothing here changes the member.
"""

from __future__ import annotations

from typing import Any

from models.domain import DomainFailed, State
from models.domain.forms import lift
from models.store.group.lineage import common_prefix
from models.store.holding import Holding
from models.store.log.chain import GENESIS
from models.store.log.entries import NOTHING, OWN, Closed, Control, Deleted, Entry, audit, instance_of, version_of
from models.store.log.streams import StreamKey

__all__ = ["departures", "log_flaws", "state_flaws"]


def log_flaws(member: Holding) -> list[str]:
    """Where the log has a gap, bears the wrong reign, or one of its streams has a broken chain."""
    journal, flaws = member.journal, []
    positions = [entry.position for entry in journal.entries]
    if positions != list(range(journal.base.position + 1, journal.length + 1)):
        flaws.append(f"its positions are not {journal.base.position + 1}..{journal.length}")
    for entry in journal.entries:
        reign = max((reign for reign in member.reigns if reign.start < entry.position), default=None)
        if reign is not None and reign.epoch != entry.epoch:
            flaws.append(f"position {entry.position} bears epoch {entry.epoch} in a reign of epoch {reign.epoch}")
            break
    begun = {(tip.tenant, tip.instance): (tip.version, tip.tip) for tip in journal.base.tips}
    for key, entries in _by_stream(member).items():
        flaws += _chain_flaws(member, key, begun.get(key, (0, GENESIS)), entries)
    return flaws


def state_flaws(member: Holding) -> list[str]:
    """Streams whose state in memory, or snapshot on the disk, is not what their events come to, or may not be."""
    flaws = []
    for key, entries in _by_stream(member).items():
        try:
            flaws += _state_flaws(member, key, entries)
        except DomainFailed as failed:
            flaws.append(f"stream {key} cannot be replayed: {failed}")
    return flaws


def departures(member: Holding, leader: Holding) -> list[str]:
    """Where a member's log and states are not those of the leader, as far as the lineages say they must be."""
    if not member.reigns or not leader.reigns or member is leader:
        return []
    ours, theirs = member.journal, leader.journal
    shared = common_prefix(member.reigns, ours.length, leader.reigns)
    flaws = []
    if shared > theirs.length:
        flaws.append(f"it has {shared} entries of the leader's reigns, and the leader has {theirs.length}")
    for position in range(max(ours.base.position, theirs.base.position) + 1, min(shared, theirs.length) + 1):
        if ours.at(position) != theirs.at(position):
            flaws.append(f"position {position} is not what the leader has there")
            break
    for key in member.streams:
        mine, other = member.streams.by_key[key], leader.streams.get(key)
        same = other is not None and mine.version == other.version and mine.tip == other.tip
        if same and mine.state is not None and other.state is not None and mine.state != other.state:  # type: ignore[union-attr]
            flaws.append(f"stream {key} at version {mine.version} has another state than at the leader")
    return flaws


def _by_stream(member: Holding) -> dict[StreamKey, list[Entry]]:
    """By stream what is kept of it, also where that is nothing."""
    found: dict[StreamKey, list[Entry]] = {(tip.tenant, tip.instance): [] for tip in member.journal.base.tips}
    for entry in member.journal.entries:
        found.setdefault((entry.tenant, instance_of(entry.address)), []).append(entry)
    return found


def _chain_flaws(member: Holding, key: StreamKey, begun: tuple[int, int], entries: list[Entry]) -> list[str]:
    """What is wrong with a stream of which so much, version and tip, is no longer kept."""
    after, tip = begun
    broken = audit(entries, after=after, tip=tip)
    flaws = [] if broken is None else [f"stream {key}: {broken.reason}"]
    tips = {after: tip} | {version_of(entry.address): entry.tip for entry in entries}
    stream, snapshot = member.streams.get(key), member.snapshots.latest.get(key)
    if stream is None or (stream.version, stream.tip) != next(reversed(tips.items())):
        flaws.append(f"stream {key} is not known up to its last entry")
    if snapshot is not None and after <= snapshot.version and tips.get(snapshot.version) != snapshot.tip:
        flaws.append(f"the snapshot of stream {key} at version {snapshot.version} is of another history")
    return flaws


def _state_flaws(member: Holding, key: StreamKey, entries: list[Entry]) -> list[str]:
    stream, snapshot = member.streams.get(key), member.snapshots.latest.get(key)
    flaws: list[str] = []
    if entries and version_of(entries[0].address) == 1:
        states = _replay(member, NOTHING if key[0] == OWN else member.domain.initial(), entries)
        if snapshot is not None and states.get(snapshot.version, snapshot.state) != snapshot.state:
            flaws.append(f"the snapshot of stream {key} at version {snapshot.version} is not what came before")
    elif snapshot is None or (entries and snapshot.version < version_of(entries[0].address) - 1):
        return [f"the beginning of stream {key} is not kept, and no snapshot stands for it"]
    else:
        after = [entry for entry in entries if version_of(entry.address) > snapshot.version]
        states = {snapshot.version: snapshot.state} | _replay(member, snapshot.state, after)
    if stream is not None and stream.state is not None and states.get(stream.version) != stream.state:
        flaws.append(f"stream {key} at version {stream.version} is not what its events come to")
    for version, state in states.items() if key[0] != OWN else ():
        if names := member.domain.violated(state):
            flaws.append(f"stream {key} at version {version} violates {', '.join(names)} of {member.domain.name!r}")
            break
    return flaws


def _replay(member: Holding, state: State, entries: list[Entry]) -> dict[int, State]:
    """By version, what the events come to."""
    domain: Any = member.domain
    states = {}
    for entry in entries:
        event = entry.event
        if isinstance(event, Control):
            state = event.after(state)
        elif isinstance(event, Deleted | Closed):
            state = domain.initial()
        else:
            state = domain.evolve(state, lift(domain, event))
        states[version_of(entry.address)] = state
    return states
