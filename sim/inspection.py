"""A look at a world that stands still: what a host holds at this instant, as values.

For people who replay a run, and for tests; nothing that runs in a world can call it. It reads
what the machine, its life and the heap keep anyway, so that watching costs a run nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import partial
from itertools import islice
from types import GeneratorType
from typing import Any, Final

from sim.context import HostContext
from sim.host import Wait
from sim.kernel import Timer
from sim.machine import Machine
from sim.message import Layer
from sim.strain import PausableTimer, StrainedLife
from sim.topology import host_of
from sim.world import World

__all__ = ["ConnectionState", "FileState", "HostState", "ServiceState", "TimerState", "inspect_host", "shown"]

_LONGEST: Final = 100
_ITEMS: Final = 4
#: An integer beyond 64 bits may be a location.
_WIDE: Final = 1 << 64


@dataclass(frozen=True, slots=True, kw_only=True)
class FileState:
    """One file: records that the page cache shows, and how many of them a power loss leaves."""

    name: str
    records: int
    durable: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerState:
    """A call that a service is waiting to be made."""

    due_us: int
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionState:
    """A connection of a host, from its side.

    Attributes:
        peer: The path of the other end.
        outgoing: Whether this host sends on it.
        layer: Whose messages it carries.
        here: Whether this end believes in it.
        there: Whether the other end does.
        waiting: Segments that the sender keeps until they are acknowledged.
        early: Those that the receiver keeps until a gap before them is filled.
    """

    peer: str
    outgoing: bool
    layer: str
    here: bool
    there: bool
    waiting: int
    early: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceState:
    """One service: its class, its public state by name, and its open channels."""

    name: str
    kind: str
    state: Mapping[str, str]
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostState:
    """One host.

    Attributes:
        path: Its name.
        up: Whether its processes run.
        effect: What live faults do to it, in words; empty for nothing.
        wall_us: Its wall clock.
        mono_us: Its monotonic clock.
        cores: How many it has; 0 means that nothing ever queues.
        busy: How many hold a message.
        inboxes: Messages that wait for a core, by layer.
        tasks: Where each generator under way stands.
        calls: Calls that wait for their reply.
        timers: Set by services and still to come, soonest first.
        frozen: What a pause has put aside, in the order in which it will take place.
        connections: Those that it or its peer believes in.
        files: On its disk.
        services: Those that run, in order of placement.
        counters: Its accounts.
    """

    path: str
    up: bool
    effect: str
    wall_us: int
    mono_us: int
    cores: int
    busy: int
    inboxes: Mapping[str, int]
    tasks: tuple[str, ...]
    calls: int
    timers: tuple[TimerState, ...]
    frozen: tuple[str, ...]
    connections: tuple[ConnectionState, ...]
    files: tuple[FileState, ...]
    services: tuple[ServiceState, ...]
    counters: Mapping[str, int]


def inspect_host(world: World, path: str) -> HostState:
    """The state of one host now.

    Raises:
        ValueError: no host has this path; the message names the nearest.
    """
    machine = world.machines[world.topology.host(path).index]
    life = machine.life
    clock = machine.clock
    now_us: int = world.env._now  # type: ignore[assignment]
    contexts = {} if life is None else life.contexts
    return HostState(
        path=path,
        up=machine.up,
        effect=_differences(machine.effect),
        wall_us=now_us if clock is None else clock.wall_us(),
        mono_us=now_us if clock is None else clock.mono_us(),
        cores=machine.spec.cores,
        busy=0 if life is None else life._busy,
        inboxes={} if life is None else {layer.name.lower(): len(life._inboxes[layer] or ()) for layer in Layer},
        tasks=() if life is None else tuple(_where(task) for task in life._tasks),
        calls=0 if life is None else len(life.calls),
        timers=tuple(sorted(_timers(world, machine), key=lambda timer: timer.due_us)),
        frozen=tuple(_put_aside(world, machine)),
        connections=tuple(_connections(world, machine.spec.index)),
        files=tuple(
            FileState(name=name, records=len(records), durable=machine.device.file(name).common)
            for name, records in machine.device.contents()
        ),
        services=tuple(_service(world, ctx) for ctx in contexts.values()),
        counters=machine.counters(),
    )


def _service(world: World, ctx: HostContext) -> ServiceState:
    return ServiceState(
        name=ctx._name,
        kind=type(ctx.service).__name__,
        state=dict(_public(ctx.service, Names(world))),
        channels=tuple(
            f"{ch.buffered} of {ch.capacity} buffered, {ch.blocked} blocked, {ch.starved} starved, "
            + ("open" if ch.cause is None else f"closed by {ch.cause.origin}")
            for ch in ctx.channels
        ),
    )


class Names:
    """Names of locations, which are numbers too long to read."""

    def __init__(self, world: World) -> None:
        self._names = {
            ctx.location: f"{machine.spec.path}:{ctx._name}"
            for machine in world.machines
            if machine.life is not None
            for ctx in machine.life.contexts.values()
        }
        self._hosts = {host.location: host.path for host in world.topology.hosts}

    def of(self, number: int) -> str:
        """`host:service` if it is a location, else the number."""
        known = self._names.get(number) or self._hosts.get(host_of(number))  # type: ignore[call-overload, arg-type]
        return known or str(number)


def _public(thing: object, names: Names, prefix: str = "", depth: int = 2) -> Iterator[tuple[str, str]]:
    """Public attributes and properties of a service, and of what it is made of, as text."""
    for name in _attribute_names(thing):
        value = getattr(thing, name)
        if callable(value) or isinstance(value, HostContext):
            continue
        if _is_part(value) and depth > 1:
            yield from _public(value, names, f"{prefix}{name}.", depth - 1)
        else:
            yield f"{prefix}{name}", shown(value, names)


def _attribute_names(thing: object) -> list[str]:
    found = list(getattr(thing, "__dict__", ()))
    for cls in type(thing).__mro__:
        slots = vars(cls).get("__slots__", ())
        found += [name for name in ((slots,) if isinstance(slots, str) else slots) if hasattr(thing, name)]
        found += [name for name, member in vars(cls).items() if isinstance(member, property)]
    return [name for name in dict.fromkeys(found) if not name.startswith("_")]


def _is_part(value: object) -> bool:
    """Whether it is an object that a service keeps part of its state in."""
    plain = isinstance(value, str | int | float | bytes | tuple | list | dict | set | frozenset | deque | Wait | None)
    return not plain and not is_dataclass(value) and not callable(value)


def shown(value: Any, names: Names | None = None) -> str:
    """A value in a few words, the same for equal values: no addresses, sets in order."""
    text = _text(value, names)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _text(value: Any, names: Names | None) -> str:
    if isinstance(value, bool | float | str | None):
        return repr(str(value)) if isinstance(value, str) else repr(value)
    if isinstance(value, int):
        return names.of(value) if names is not None and value >= _WIDE else repr(int(value))
    if isinstance(value, bytes):
        return value.hex() or "b''"
    if isinstance(value, Wait):
        return f"Wait({_text(value.value, names)})" if value.done else "Wait"
    if isinstance(value, dict):
        items = (f"{_text(k, names)}: {_text(v, names)}" for k, v in islice(value.items(), _ITEMS))
        return _sample("{", items, "}", len(value))
    if isinstance(value, set | frozenset):
        return _sample("{", islice(sorted(_text(item, names) for item in value), _ITEMS), "}", len(value))
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return f"{type(value).__name__}({', '.join(_text(item, names) for item in value)})"
    if isinstance(value, tuple):
        return _sample("(", (_text(item, names) for item in value[:_ITEMS]), ")", len(value))
    if isinstance(value, list | deque):
        # The end of a list is where it grows.
        told = ", ".join(_text(item, names) for item in islice(value, max(0, len(value) - 2), None))
        return f"[{told}]" if len(value) <= 2 else f"{len(value)}: [..., {told}]"
    if is_dataclass(value):
        told = ", ".join(f"{f.name}={_text(getattr(value, f.name), names)}" for f in fields(value))
        return f"{type(value).__name__}({told})"
    return type(value).__name__


def _sample(opens: str, items: Iterator[str], closes: str, count: int) -> str:
    told = ", ".join(items)
    return f"{opens}{told}{closes}" if count <= _ITEMS else f"{count}: {opens}{told}, ...{closes}"


def _where(gen: Any) -> str:
    """Which generator stands at which line, through those that it delegates to."""
    path = [gen]
    while isinstance(path[-1].gi_yieldfrom, GeneratorType):
        path.append(path[-1].gi_yieldfrom)
    line = "" if path[-1].gi_frame is None else f", line {path[-1].gi_frame.f_lineno}"
    return " > ".join(one.__qualname__.replace(".<locals>", "") for one in path) + line


def _timers(world: World, machine: Machine) -> Iterator[TimerState]:
    """The timers of a host's services, found on the heap."""
    queue: list[Any] = world.env._queue
    life = machine.life
    for entry in queue:
        timer = entry[4] if len(entry) == 5 else None
        if life is None or not isinstance(timer, Timer) or not timer.active:
            continue
        due_us = entry[0]
        if entry[3] == life.ringing:
            yield TimerState(due_us=due_us, what=_name(timer._fn))  # type: ignore[arg-type]
            continue
        # A timer of a host with clocks of its own, or that can be paused, is called by the kernel's.
        while timer._args and isinstance(timer._args[0], Timer):
            timer = timer._args[0]
        if getattr(timer._fn, "__self__", None) is life:
            called = [arg for arg in timer._args if callable(arg)]
            if called:
                yield TimerState(due_us=due_us, what=_name(called[0]))


def _put_aside(world: World, machine: Machine) -> Iterator[str]:
    """What waits for a pause to end, in words."""
    life = machine.life
    for called, args in life.frozen() if isinstance(life, StrainedLife) else ():
        kind = called.__name__
        if isinstance(args[0], PausableTimer):
            if not args[0].active:
                continue
            kind, args = getattr(args[0]._fn, "__name__", ""), args[0]._args
        if kind == StrainedLife._receive_late.__name__:
            src, message = args[:2]
            yield f"message from {world.topology.hosts[src].path}: {shown(message, Names(world))}"
        elif kind == StrainedLife._resume.__name__:
            yield f"task goes on: {_where(args[0])}"
        elif kind == StrainedLife.settle.__name__:
            yield from (f"task goes on: {_where(gen)}" for gen in _waiting_for(args[0]))
        elif kind in (StrainedLife.run.__name__, StrainedLife.run_under.__name__):
            yield f"timer: {_name(next(arg for arg in args if callable(arg)))}"
        elif kind == StrainedLife.give_up.__name__:
            yield "time-out of a call"
        else:
            yield "start of services"


def _waiting_for(wait: Wait) -> Iterator[Any]:
    """The generators that go on when a wait is over."""
    callbacks: Any = wait._callbacks or []
    for callback in callbacks if isinstance(callbacks, list) else [callbacks]:
        while isinstance(callback, partial):
            found = [arg for arg in callback.args if isinstance(arg, GeneratorType)]
            if found:
                yield found[0]
                break
            callback = next((arg for arg in callback.args if callable(arg)), None)


def _connections(world: World, host: int) -> Iterator[ConnectionState]:
    for view in world.network.connections(host):
        outgoing = view.src == host
        ends = (view.sender_open, view.receiver_open)
        yield ConnectionState(
            peer=world.topology.hosts[view.dst if outgoing else view.src].path,
            outgoing=outgoing,
            layer=view.layer.name.lower(),
            here=ends[0] if outgoing else ends[1],
            there=ends[1] if outgoing else ends[0],
            waiting=view.unacknowledged,
            early=view.early,
        )


def _name(fn: Callable[..., Any]) -> str:
    return getattr(fn, "__qualname__", type(fn).__name__).replace(".<locals>", "")


def _differences(effect: Any) -> str:
    """What an effect changes, as `name=value`, in order of its fields."""
    usual = type(effect)()
    changed = [f.name for f in fields(effect) if getattr(effect, f.name) != getattr(usual, f.name)]
    return ", ".join(f"{name}={getattr(effect, name)}" for name in changed)
