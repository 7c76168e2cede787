"""What is left of a service at the end of a run, read from its logs and from what still runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from models.ledger import FinalEvent
from models.services.assignments import read_told
from models.services.directory import Directory
from models.services.holder import Seat, SlotHolder, holder_name
from models.services_end import SeatEnd, ServicesEnd, Turn
from sim.topology import Location, at_service

__all__ = ["services_end"]


def services_end(
    assigned: Mapping[int, Sequence[FinalEvent]],
    acted: Mapping[int, Sequence[FinalEvent]],
    hosts: Mapping[int, Location],
    directories: Mapping[int, Location],
    least: int,
    service_of: Callable[[Location], Any],
) -> ServicesEnd:
    """Look at what is left.

    Args:
        assigned: By slot, the final events of its assignments.
        acted: By slot, those of its acts.
        hosts: By topology index, those that may run instances.
        directories: By topology index of their hosts, where they are.
        least: How many instances there must be.
        service_of: Finds a service; None while its host is down.
    """
    turns = tuple(_turn(slot, event) for slot, events in sorted(assigned.items()) for event in events)
    running: list[SeatEnd] = []
    over: list[SeatEnd] = []
    for seat in dict.fromkeys(turn.seat for turn in turns):
        name = holder_name(Seat(slot=seat.slot, epoch=seat.epoch, host=seat.host))
        one = service_of(at_service(hosts[seat.host], name))
        if isinstance(one, SlotHolder) and (one.over or one.acts):
            (over if one.over else running).append(seat)
    listed = {}
    for host, at in sorted(directories.items()):
        directory = service_of(at)
        if isinstance(directory, Directory):
            listed[host] = tuple((entry.slot, entry.epoch) for entry in directory.entries)
    return ServicesEnd(
        turns=turns,
        acts={slot: tuple(_term(event) for event in events) for slot, events in sorted(acted.items())},
        running=tuple(running),
        over=tuple(over),
        listed=listed,
        least=least,
    )


def _turn(slot: int, event: FinalEvent) -> Turn:
    told = read_told(event.told)
    return Turn(event.accepted_us, SeatEnd(slot, told.epoch, told.host), told.live)


def _term(event: FinalEvent) -> tuple[int, int]:
    epoch, instance = str(event.told).split()
    return int(epoch), int(instance)
