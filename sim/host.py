"""What a model sees of its host: the context, and how a service answers messages.

A service is a class with one method for each message type it handles (`@handles`). A method
is plain, or a generator when it must wait; it yields nothing but a `Wait`. What it returns,
if a message, is the reply to whoever called. Between two yields nothing else of the host
runs, so a handler is atomic where it does not wait. There is no other door: no network, no
global clock, no other host's objects. The machine behind the door is `sim.machine`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from sim.message import Layer, Message

if TYPE_CHECKING:
    from sim.chance import Draws
    from sim.channel import Channel
    from sim.history import Operation
    from sim.kernel import Timer
    from sim.storage import Disk
    from sim.topology import Location

__all__ = [
    "Context",
    "HostOptions",
    "Placement",
    "Service",
    "Task",
    "Template",
    "Wait",
    "first_of",
    "handlers",
    "handles",
]

#: A handler that waits.
Task = Generator["Wait", Any, "Message | None"]
_Method = TypeVar("_Method", bound=Callable[..., Any])


class Wait:
    """Something that will be known later; yield it to be resumed with its value."""

    __slots__ = ("_callbacks", "done", "value")

    def __init__(self) -> None:
        self.done = False
        self.value: Any = None
        # Nearly always one, and then that itself: a list for it is what most waits would spend most on.
        self._callbacks: Callable[[Any], object] | list[Callable[[Any], object]] | None = None

    def resolve(self, value: Any = None) -> None:
        """Make the value known; the first call counts, later ones change nothing."""
        if self.done:
            return
        self.done = True
        self.value = value
        callbacks, self._callbacks = self._callbacks, None
        if callbacks is None:
            return
        if callbacks.__class__ is list:
            for callback in callbacks:
                callback(value)
        else:
            callbacks(value)  # type: ignore[operator]

    def when_done(self, callback: Callable[[Any], object]) -> None:
        """Call `callback(value)` once the value is known, at once if it is."""
        callbacks = self._callbacks
        if self.done:
            callback(self.value)
        elif callbacks is None:
            self._callbacks = callback
        elif isinstance(callbacks, list):
            callbacks.append(callback)
        else:
            self._callbacks = [callbacks, callback]


def first_of(joined: Wait, waits: Sequence[Wait], need: int) -> Wait:
    """Make `joined` know what `Context.first` promises of `waits`.

    Raises:
        ValueError: so many values can never come.
    """
    if not 1 <= need <= len(waits):
        raise ValueError(f"{need=} of {len(waits)} waits cannot be; give 1..{len(waits)}")
    done: list[tuple[int, Any]] = []
    good = 0

    def arrived(index: int, value: Any) -> None:
        nonlocal good
        if joined.done:
            return
        done.append((index, value))
        good += value is not None
        if good >= need or len(done) == len(waits):
            joined.resolve(tuple(done))

    for index, wait in enumerate(waits):
        wait.when_done(partial(arrived, index))
    return joined


class Context(Protocol):
    """All that host code sees. Times are whole microseconds."""

    @property
    def location(self) -> Location:
        """Where this service runs."""
        ...

    @property
    def disk(self) -> Disk:
        """This service's files."""
        ...

    def now_us(self) -> int:
        """The host's wall clock; it may jump. For time stamps."""
        ...

    def mono_us(self) -> int:
        """The host's monotonic clock. For time-outs, leases and detectors."""
        ...

    def send(self, to: Location, msg: Message) -> None:
        """Send and forget."""
        ...

    def call(self, to: Location, msg: Message, timeout_us: int) -> Wait:
        """Send and wait for the reply; yields None on time-out (it may have been handled)."""
        ...

    def sleep(self, us: int) -> Wait:
        """Yields None after `us`."""
        ...

    def first(self, waits: Sequence[Wait], need: int = 1) -> Wait:
        """Wait for `need` values that are not None, or for all waits to be done.

        Yields a tuple of (index, value) of every wait done by then, in order of completion.
        """
        ...

    def wait(self) -> Wait:
        """A wait that this service resolves itself."""
        ...

    def set_timer(self, us: int, fn: Callable[..., Any], *args: Any) -> Timer:
        """Call `fn(*args)` after `us`; a generator function runs as a task of its own."""
        ...

    def channel(self, capacity: int) -> Channel:
        """A bounded channel between tasks of this service; it dies with the process."""
        ...

    def provision(self, location: Location, service: str, config: Any = None) -> Wait:
        """Start a new instance of the service template `service` on the host at `location`.

        It takes the template's delay and yields the new instance's location; or None if the host
        is then down, or cut off from here, in which case the instance may run all the same. An
        instance restarts with its host, whatever becomes of who asked for it.
        """
        ...

    def rng(self, name: str) -> Draws:
        """This service's randomness of that name."""
        ...

    def point(self, point_id: str) -> None:
        """Mark a crash point."""
        ...

    def note(self, name: str, value: int | str) -> None:
        """Tell the observers of the run something; no model can read it."""
        ...

    def record(self, operation: Operation) -> None:
        """Add to the history (clients only)."""
        ...


class Service:
    """Base of services; keeps the context and starts with nothing to do.

    Attributes:
        POINTS: Crash points that this class passes (`ctx.point`), its bases' apart.
        NOTES: What it notes (`ctx.note`): names, or `name=value` where the values are few. A
            fault that waits for anything else is refused before the run.
    """

    POINTS: ClassVar[frozenset[str]] = frozenset()
    NOTES: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx

    def start(self) -> Task | None:
        """Run after placement and after every restart; read the disk and set timers here."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """A service to run.

    Attributes:
        host: The host's location, service bits zero.
        name: Names the service on its host; its id is `service_id(name)`.
        make: Called with the context at the start and after every restart.
        kind: The class that `make` makes, which says what it marks; None if it marks nothing.
    """

    host: Location
    name: str
    make: Callable[[Context], Any]
    kind: type[Service] | None = None

    def __post_init__(self) -> None:
        _check_name("service", self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A service that can be provisioned while the world runs.

    Attributes:
        name: What `ctx.provision` asks for; instances are named `name@1`, `name@2`, ... on a host,
            where a name that a placed service has already is passed over.
        make: Called with the context and the config at the start and after every restart.
        delay_us_min: Shortest time from the request to the start.
        delay_us_max: Longest; delays are uniform between the two.
        kind: The class that `make` makes, as in a placement.
        named: What an instance of a config is called, so that others know where it will be; one that
            runs on the host already, placed or provisioned, is told of and not started again. None
            for numbered instances.
    """

    name: str
    make: Callable[[Context, Any], Any]
    delay_us_min: int
    delay_us_max: int
    kind: type[Service] | None = None
    named: Callable[[Any], str] | None = None

    def __post_init__(self) -> None:
        _check_name("template", self.name)
        if not 0 <= self.delay_us_min <= self.delay_us_max:
            raise ValueError(f"{self.delay_us_min=} and {self.delay_us_max=} are no range; give 0 <= min <= max")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostOptions:
    """What every server of a world can do.

    Attributes:
        inbox_limit: Messages that may wait, a layer; more are refused and counted.
        service_us: Core time of one unit of work, by message class name.
        default_service_us: The same for types not named.
        flush_us_min: Shortest device flush.
        flush_us_max: Longest; durations are uniform between the two.
        respawn_us: From the death of a process whose disk refused to its next start.
        priority: Whether what waits of a higher layer is served first; else all waits in one inbox.
        layer_caps: Most that a layer may use of the cores, as a share of them in (0, 1), in bursts of a
            hundredth of a second; only for layers above the lowest.
    """

    inbox_limit: int = 10_000
    service_us: tuple[tuple[str, int], ...] = ()
    default_service_us: int = 0
    flush_us_min: int = 1_000
    flush_us_max: int = 3_000
    respawn_us: int = 1_000_000
    priority: bool = True
    layer_caps: tuple[tuple[Layer, float], ...] = ()

    def __post_init__(self) -> None:
        if self.inbox_limit < 1:
            raise ValueError(f"{self.inbox_limit=} lets nothing in; give at least 1")
        for name, us in (("default", self.default_service_us), *self.service_us):
            if us < 0:
                raise ValueError(f"service time of {name} is {us} us; give at least 0")
        if not 0 <= self.flush_us_min <= self.flush_us_max:
            raise ValueError(f"{self.flush_us_min=} and {self.flush_us_max=} are no range; give 0 <= min <= max")
        if self.respawn_us < 1:
            raise ValueError(f"{self.respawn_us=} would start and die for ever at one instant; give at least 1")
        if self.layer_caps and not self.priority:
            raise ValueError("layer_caps need priority: where all layers wait in one inbox none can be held back alone")
        for layer, share in self.layer_caps:
            if layer is Layer.SERVICE:
                raise ValueError(
                    "layer_caps has SERVICE; the lowest layer takes what the others leave, so leave it out"
                )
            if not 0 < share < 1:
                raise ValueError(f"{layer.name}: {share!r} is no share of the cores; give a number between 0 and 1")


def _check_name(what: str, name: str) -> None:
    if not name:
        raise ValueError(f"name={name!r} is empty; a {what} needs one to be addressed by")
    if "/" in name:
        # Its files are `name/file` on the disk: `a` with `b/f` and `a/b` with `f` would share one.
        raise ValueError(f"{name!r} cannot name a {what}: it has a slash; put - in its place")


def handles(message_type: type[Message]) -> Callable[[_Method], _Method]:
    """Mark a method `(self, msg, sender) -> Message | None | Task` as the handler of a type."""

    def mark(method: _Method) -> _Method:
        method.__handles__ = message_type  # type: ignore[attr-defined]
        return method

    return mark


def handlers(service: object) -> dict[type[Message], Callable[..., Any]]:
    """The bound handler of each message type a service handles.

    Raises:
        ValueError: two methods handle one type.
    """
    found: dict[type[Message], Callable[..., Any]] = {}
    for name in dir(type(service)):
        message_type = getattr(getattr(type(service), name), "__handles__", None)
        if message_type is None:
            continue
        if message_type in found:
            raise ValueError(f"{type(service).__name__} handles {message_type.__name__} twice; keep one")
        found[message_type] = getattr(service, name)
    return found
