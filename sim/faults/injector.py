"""Makes a schedule happen, by asking at each change which faults are live.

At an instant where faults begin, end or change, the set of live faults is brought up to date
first and the effects are computed from it afterwards: a link is closed while any live cut
covers it, a host is down while any live crash covers it. Nothing saves an old state to put
back, which is how two overlapping faults used to undo each other in simulators before this one.
A change looks at what is live and at what is due to begin, never at the rest of the schedule:
a log of a year of outages costs what a year of them costs, not the square of it.

A fault that waits for a crash point or a note begins the moment it is reached, in the middle of
the code that reached it, and is from then on a fault like any other: `begun` holds it with its
instant and its targets filled in, so that what happened can be replayed by time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from heapq import heappop, heappush
from typing import Any, NamedTuple, Protocol

from sim.chance import Chance
from sim.effects import LinkEffect
from sim.faults.catalogue import KINDS
from sim.faults.fault import Fault, Trigger
from sim.faults.host_effect import NO_EFFECT, HostEffect, combined
from sim.faults.kinds import CrashKind, Cut, FaultKind
from sim.faults.schedule import check_schedule, fits, resolved
from sim.topology import Topology

__all__ = ["Injector"]


class _Scheduler(Protocol):
    """The part of the kernel that an injector needs."""

    def call_at(self, t_us: int, fn: Callable[..., object], *args: Any, urgent: bool = False) -> object: ...


class _Live(NamedTuple):
    """A fault in force: its number in the schedule, the fault, how long it has been, its kind."""

    number: int
    fault: Fault
    after_us: int
    kind: FaultKind


class _Waiting:
    """A fault that waits for its trigger, and how often that has been met."""

    __slots__ = ("_fitting", "met", "number", "trigger")

    def __init__(self, number: int, trigger: Trigger) -> None:
        self.number = number
        self.trigger = trigger
        self.met = 0
        self._fitting: dict[int, bool] = {}

    def counts(self, fault: Fault, t_us: int, host: int, topology: Topology) -> bool:
        """Whether what happens on a host at an instant is an occurrence: there, then, and where the fault fits."""
        there = self.trigger.host is None or self.trigger.host == topology.hosts[host].path
        if not (there and self.trigger.counts_at(t_us)):
            return False
        if host not in self._fitting:
            self._fitting[host] = fits(fault, topology, host)
        return self._fitting[host]


class Injector:
    """Schedules every change of `faults` at construction, or as it becomes known.

    All changes of one instant are one call, made before any message lands at that instant:
    a crash that begins just as another ends never lets its host start in between.

    Args:
        env: The kernel.
        topology: What the faults' targets name.
        faults: The schedule, at instants from now on or at triggers.
        chance: Shuffled orders are drawn from generators named by the fault.
        set_network: Told all cuts and link effects now in force, whenever they change.
        set_host: Told (host, effect) whenever what live faults do to a host changes.
        crash: Told (host, what it loses, torn) for a host that goes down, and again when a
            power loss meets a host whose process alone was dead.
        restart: Told a host that no live crash covers any more.
        log: Told `fault` or `heal` and the fault, in order of the schedule, heals first.

    Attributes:
        begun: The faults that have begun, in that order, each with the instant it began at.

    Raises:
        ValueError: the schedule does not fit the topology.
    """

    def __init__(
        self,
        env: _Scheduler,
        topology: Topology,
        faults: Sequence[Fault],
        *,
        chance: Chance,
        set_network: Callable[[tuple[Cut, ...], tuple[LinkEffect, ...]], None],
        set_host: Callable[[int, HostEffect], None],
        crash: Callable[[int, CrashKind, bool], None],
        restart: Callable[[int], None],
        log: Callable[[str, Fault], None],
    ) -> None:
        check_schedule(faults, topology)
        self.begun: list[Fault] = []
        self._env = env
        self._topology = topology
        self._faults = list(faults)
        self._orders = tuple(_Shuffle(chance, fault) for fault in faults)
        self._live: Mapping[int, _Live] = {}
        #: What is still to begin, as (instant, number in the schedule): a heap.
        self._coming: list[tuple[int, int]] = []
        self._network: tuple[tuple[Cut, ...], tuple[LinkEffect, ...]] = ((), ())
        self._hosts: dict[int, HostEffect] = {}
        self._set_network = set_network
        self._set_host = set_host
        self._crash = crash
        self._restart = restart
        self._log = log
        self._due: set[int] = set()
        self._points: dict[str, list[_Waiting]] = {}
        self._notes: dict[str, list[_Waiting]] = {}
        for number, fault in enumerate(self._faults):
            if isinstance(fault.at, Trigger):
                self._await(number, fault.at)
            else:
                heappush(self._coming, (fault.at, number))
                self._call_at(fault.at)

    @property
    def live(self) -> tuple[Fault, ...]:
        """The faults in force now, in order of the schedule."""
        return tuple(live.fault for live in self._live.values())

    @property
    def waits_for_points(self) -> bool:
        """Whether a fault of the schedule begins at a crash point."""
        return bool(self._points)

    @property
    def waits_for_notes(self) -> bool:
        """Whether a fault of the schedule begins at a note."""
        return bool(self._notes)

    # -- triggers ----------------------------------------------------------------------------

    def _await(self, number: int, trigger: Trigger) -> None:
        waiting = _Waiting(number, trigger)
        if trigger.point is not None:
            self._points.setdefault(trigger.point, []).append(waiting)
        elif trigger.note is not None:
            self._notes.setdefault(trigger.note.partition("=")[0], []).append(waiting)

    def on_point(self, t_us: int, point: str, host: int) -> None:
        """A host passes a crash point at the instant that it is now."""
        if point in self._points:
            self._meet(t_us, self._points[point], host)

    def on_note(self, t_us: int, name: str, value: int | str, host: int) -> None:
        """A service of a host notes something at the instant that it is now."""
        if name in self._notes:
            spelt = (name, f"{name}={value}")
            self._meet(t_us, [w for w in self._notes[name] if w.trigger.note in spelt], host)

    def _meet(self, t_us: int, candidates: Iterable[_Waiting], host: int) -> None:
        fired = False
        for waiting in candidates:
            fault = self._faults[waiting.number]
            if waiting.met < waiting.trigger.nth and waiting.counts(fault, t_us, host, self._topology):
                waiting.met += 1
                if waiting.met == waiting.trigger.nth:
                    self._faults[waiting.number] = replace(resolved(fault, self._topology, host), at=t_us)
                    heappush(self._coming, (t_us, waiting.number))
                    fired = True
        if fired:
            self._update(t_us)

    # -- changes -----------------------------------------------------------------------------

    def _call_at(self, t_us: int) -> None:
        if t_us not in self._due:
            self._due.add(t_us)
            self._env.call_at(t_us, self._change, t_us, urgent=True)

    def _change(self, t_us: int) -> None:
        """Everything that begins, ends or changes at `t_us`, the instant that it is now."""
        self._due.remove(t_us)
        self._update(t_us)

    def _update(self, t_us: int) -> None:
        """Bring live faults up to date, then all that follows from them.

        Restarted hosts run code, which may pass a crash point and so come back here; they are
        therefore last, when all else is as it should be.
        """
        before, self._live = self._live, self._alive_at(t_us)
        ended = [live.fault for number, live in before.items() if number not in self._live]
        begun = [live for number, live in self._live.items() if number not in before]
        for fault in ended:
            self._log("heal", fault)
        for live in begun:
            self.begun.append(live.fault)
            self._log("fault", live.fault)
        for live in self._live.values():
            self._call_next(t_us, live)
        self._change_network()
        self._change_effects()
        were_down = self._down(before.values())
        self._strike(before.values(), were_down, begun)
        for host in sorted(were_down - self._down(self._live.values())):
            if host not in self._down(self._live.values()):
                self._restart(host)

    def _alive_at(self, t_us: int) -> dict[int, _Live]:
        """Those of the live and the due whose time covers this instant, in order of the schedule."""
        numbers = list(self._live)
        while self._coming and self._coming[0][0] <= t_us:
            numbers.append(heappop(self._coming)[1])
        found: dict[int, _Live] = {}
        for number in sorted(numbers):
            fault = self._faults[number]
            if isinstance(fault.at, int) and _covers(fault, t_us):
                found[number] = _Live(number, fault, t_us - fault.at, KINDS[fault.kind])
        return found

    def _call_next(self, t_us: int, live: _Live) -> None:
        """Be called when a live fault ends or changes; calls made before count."""
        ends_us = None if live.fault.for_us is None else t_us - live.after_us + live.fault.for_us
        if ends_us is not None:
            self._call_at(ends_us)
        if live.kind.next_change is not None:
            next_us = live.kind.next_change(live.fault, self._topology, live.after_us)
            if next_us is not None and (ends_us is None or t_us - live.after_us + next_us < ends_us):
                self._call_at(t_us - live.after_us + next_us)

    def _change_network(self) -> None:
        topology = self._topology
        cuts: list[Cut] = []
        effects: list[LinkEffect] = []
        for number, fault, after_us, kind in self._live.values():
            cuts += kind.cuts(fault, topology, after_us, self._orders[number])
            effects += kind.link_effects(fault, topology)
        now = (tuple(cuts), tuple(effects))
        if now != self._network:
            self._network = now
            self._set_network(*now)

    def _change_effects(self) -> None:
        parts: dict[int, list[HostEffect]] = {}
        for _, fault, _, kind in self._live.values():
            for host, effect in kind.host_effects(fault, self._topology).items():
                parts.setdefault(host, []).append(effect)
        before, self._hosts = self._hosts, {host: combined(effects) for host, effects in parts.items()}
        for host in sorted({*before, *self._hosts}):
            effect = self._hosts.get(host, NO_EFFECT)
            if effect != before.get(host, NO_EFFECT):
                self._set_host(host, effect)

    def _strike(self, before: Iterable[_Live], were_down: frozenset[int], begun: Sequence[_Live]) -> None:
        powerless = self._down(before, CrashKind.POWER_LOSS)
        for host in sorted(self._down(begun)):
            losses = [live for live in begun if host in live.kind.crashed(live.fault, self._topology)]
            power_losses = [live for live in losses if live.kind.crash is CrashKind.POWER_LOSS]
            if power_losses:
                # Off already, by another power loss: there is no page cache left to lose.
                if host not in powerless:
                    torn = any(live.fault.params.get("torn", False) for live in power_losses)
                    self._crash(host, CrashKind.POWER_LOSS, torn)
            elif host not in were_down:
                self._crash(host, CrashKind.PROCESS_CRASH, False)

    def _down(self, faults: Iterable[_Live], only: CrashKind | None = None) -> frozenset[int]:
        return frozenset(
            host
            for live in faults
            if only is None or live.kind.crash is only
            for host in live.kind.crashed(live.fault, self._topology)
        )


class _Shuffle:
    """The shuffled order of one fault, drawn from its own generator at first use and kept."""

    __slots__ = ("_chance", "_fault", "_order")

    def __init__(self, chance: Chance, fault: Fault) -> None:
        self._chance = chance
        self._fault = fault
        self._order: tuple[int, ...] | None = None

    def __call__(self, n: int) -> tuple[int, ...]:
        if self._order is None:
            number = self._fault.params.get("order", 0)
            draws = self._chance.draws(f"fault/{self._fault.id}/order/{number}")
            order = list(range(n))
            for last in range(n - 1, 0, -1):  # Fisher and Yates
                other = draws.below(last + 1)
                order[last], order[other] = order[other], order[last]
            self._order = tuple(order)
        assert len(self._order) == n, "a fault's links do not change while it lives"
        return self._order


def _covers(fault: Fault, t_us: int) -> bool:
    """Whether `t_us` lies in the fault's time: its beginning included, its end not."""
    assert isinstance(fault.at, int)
    return fault.at <= t_us and (fault.for_us is None or t_us < fault.at + fault.for_us)
