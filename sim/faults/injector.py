"""Makes a schedule happen, by asking at each change which faults are live.

At an instant where faults begin or end, the set of live faults is brought up to date first
and the effects are computed from it afterwards: a link is closed while any live cut covers
it, a host is down while any live crash covers it. Nothing saves an old state to put back,
which is how two overlapping faults used to undo each other in simulators before this one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from sim.faults.fault import Fault
from sim.faults.kinds import KINDS, CrashKind, Cut, check_schedule
from sim.topology import Topology

__all__ = ["Injector"]


class _Scheduler(Protocol):
    """The part of the kernel that an injector needs."""

    def call_at(self, t_us: int, fn: Callable[..., object], *args: Any, urgent: bool = False) -> object: ...


class Injector:
    """Schedules every change of `faults` at construction.

    All changes of one instant are one call, made before any message lands at that instant:
    a crash that begins just as another ends never lets its host start in between.

    Args:
        env: The kernel.
        topology: What the faults' targets name.
        faults: The schedule, at instants from now on.
        set_cuts: Told all cuts now in force, whenever a partition begins or ends.
        crash: Told (host, what it loses, torn) for a host that goes down, and again when a
            power loss meets a host whose process alone was dead.
        restart: Told a host that no live crash covers any more.
        log: Told `fault` or `heal` and the fault, in order of the schedule, heals first.

    Raises:
        ValueError: the schedule does not fit the topology, or waits for a trigger.
    """

    def __init__(
        self,
        env: _Scheduler,
        topology: Topology,
        faults: Sequence[Fault],
        *,
        set_cuts: Callable[[tuple[Cut, ...]], None],
        crash: Callable[[int, CrashKind, bool], None],
        restart: Callable[[int], None],
        log: Callable[[str, Fault], None],
    ) -> None:
        check_schedule(faults, topology)
        self._topology = topology
        self._faults = tuple(faults)
        self._live: frozenset[int] = frozenset()
        self._set_cuts = set_cuts
        self._crash = crash
        self._restart = restart
        self._log = log
        instants = {t_us for fault in self._faults for t_us in _changes_us(fault)}
        for t_us in sorted(instants):
            env.call_at(t_us, self._change, t_us, urgent=True)

    @property
    def live(self) -> tuple[Fault, ...]:
        """The faults in force now, in order of the schedule."""
        return self._of(self._live)

    def cuts(self) -> tuple[Cut, ...]:
        """The cuts in force now."""
        return tuple(cut for fault in self.live for cut in KINDS[fault.kind].cuts(fault, self._topology))

    def _change(self, t_us: int) -> None:
        """Everything that begins or ends at `t_us`, the instant that it is now."""
        before = self._live
        self._live = frozenset(number for number, fault in enumerate(self._faults) if _lives(fault, t_us))
        ended, begun = self._of(before - self._live), self._of(self._live - before)
        for fault in ended:
            self._log("heal", fault)
        for fault in begun:
            self._log("fault", fault)
        if any(KINDS[fault.kind].crash is None for fault in (*ended, *begun)):
            # Before the hosts: the first message of a restarted one meets the new network.
            self._set_cuts(self.cuts())
        self._change_hosts(self._of(before), begun)

    def _change_hosts(self, before: tuple[Fault, ...], begun: tuple[Fault, ...]) -> None:
        were_down, powerless = self._down(before), self._down(before, CrashKind.POWER_LOSS)
        for host in sorted(self._down(begun)):
            losses = [fault for fault in begun if self._strikes(fault, host)]
            power_losses = [f for f in losses if KINDS[f.kind].crash is CrashKind.POWER_LOSS]
            if power_losses:
                # Off already, by another power loss: there is no page cache left to lose.
                if host not in powerless:
                    torn = any(fault.params.get("torn", False) for fault in power_losses)
                    self._crash(host, CrashKind.POWER_LOSS, torn)
            elif host not in were_down:
                self._crash(host, CrashKind.PROCESS_CRASH, False)
        for host in sorted(were_down - self._down(self.live)):
            self._restart(host)

    def _down(self, faults: Iterable[Fault], only: CrashKind | None = None) -> frozenset[int]:
        return frozenset(
            host
            for fault in faults
            if only is None or KINDS[fault.kind].crash is only
            for host in KINDS[fault.kind].crashed(fault, self._topology)
        )

    def _strikes(self, fault: Fault, host: int) -> bool:
        return host in KINDS[fault.kind].crashed(fault, self._topology)

    def _of(self, numbers: Iterable[int]) -> tuple[Fault, ...]:
        return tuple(self._faults[number] for number in sorted(numbers))


def _begins_us(fault: Fault) -> int:
    assert isinstance(fault.at, int), fault.at  # `check_schedule` refuses triggers
    return fault.at


def _changes_us(fault: Fault) -> tuple[int, ...]:
    begins_us = _begins_us(fault)
    return (begins_us,) if fault.for_us is None else (begins_us, begins_us + fault.for_us)


def _lives(fault: Fault, t_us: int) -> bool:
    """Whether `t_us` lies in the fault's time: its beginning included, its end not."""
    begins_us = _begins_us(fault)
    return begins_us <= t_us and (fault.for_us is None or t_us < begins_us + fault.for_us)
