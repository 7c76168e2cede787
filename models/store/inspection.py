"""What is wrong with a member of a shard, seen from outside at rest: nothing, if it is sound.

For judges at the end of a run, who hold what a member says of itself against what lies in its log.
Each function returns sentences, none where all is well; nothing here changes the member.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from models.domain import DomainFailed, State
from models.domain.forms import lift
from models.store.group.lineage import common_prefix
from models.store.holding import Holding
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
    for key, entries in _by_stream(journal.entries).items():
        flaws += _chain_flaws(member, key, entries)
    return flaws


def state_flaws(member: Holding) -> list[str]:
    """Streams whose state in memory, or snapshot on the disk, is not what their events come to."""
    flaws = []
    for key, entries in _by_stream(member.journal.entries).items():
        stream, snapshot = member.streams.by_key[key], member.snapshots.latest.get(key)
        try:
            if version_of(entries[0].address) == 1:
                states = _replay(member, NOTHING if key[0] == OWN else member.domain.initial(), entries)
                if snapshot is not None and states.get(snapshot.version, snapshot.state) != snapshot.state:
                    flaws.append(f"the snapshot of stream {key} at version {snapshot.version} is not what came before")
            else:
                if snapshot is None:
                    flaws.append(f"stream {key} begins at {version_of(entries[0].address)}, and no snapshot is there")
                    continue
                after = [entry for entry in entries if version_of(entry.address) > snapshot.version]
                states = {snapshot.version: snapshot.state} | _replay(member, snapshot.state, after)
        except DomainFailed as failed:
            flaws.append(f"stream {key} cannot be replayed: {failed}")
            continue
        if stream.state is not None and states.get(stream.version) != stream.state:
            flaws.append(f"stream {key} at version {stream.version} is not what its events come to")
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


def _by_stream(entries: list[Entry]) -> dict[StreamKey, list[Entry]]:
    found: dict[StreamKey, list[Entry]] = defaultdict(list)
    for entry in entries:
        found[entry.tenant, instance_of(entry.address)].append(entry)
    return found


def _chain_flaws(member: Holding, key: StreamKey, entries: list[Entry]) -> list[str]:
    first = version_of(entries[0].address)
    # What came before the first is not kept, unless it is the first of all; so that one is taken at its word.
    broken = audit(entries) if first == 1 else audit(entries[1:], after=first, tip=entries[0].tip)
    flaws = [] if broken is None else [f"stream {key}: {broken.reason}"]
    stream, snapshot = member.streams.get(key), member.snapshots.latest.get(key)
    if stream is None or (stream.version, stream.tip) != (version_of(entries[-1].address), entries[-1].tip):
        flaws.append(f"stream {key} is not known up to its last entry")
    if snapshot is not None and first <= snapshot.version:
        at = snapshot.version - first
        if at >= len(entries) or entries[at].tip != snapshot.tip:
            flaws.append(f"the snapshot of stream {key} at version {snapshot.version} is of another history")
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
