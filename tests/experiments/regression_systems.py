"""Systems for the tests of check and of the decorator; workers import them by name."""

from __future__ import annotations

from dataclasses import replace

from models.clients import Workload
from models.deployment import region_split
from models.system import Site, System
from sim.host import Placement, Service


class Raising(Service):
    """Divides by zero as soon as it lives."""

    def start(self) -> None:
        """Fail."""
        raise ZeroDivisionError("no luck")


class Exiting(Service):
    """Ends the process as soon as it lives."""

    def start(self) -> None:
        """Exit."""
        raise SystemExit(5)


def exiting(site: Site, workload: Workload) -> System:
    """A system whose every run calls `exit()`."""
    sound = region_split(site, workload)
    bad = Placement(host=site.topology.hosts[0].location, name="bad", make=Exiting, kind=Exiting)
    return replace(sound, placements=(*sound.placements, bad))


def raising(site: Site, workload: Workload) -> System:
    """A system whose every run raises."""
    sound = region_split(site, workload)
    host = site.topology.hosts[0].location
    bad = Placement(host=host, name="bad", make=Raising, kind=Raising)
    return replace(sound, placements=(*sound.placements, bad))
