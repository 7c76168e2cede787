"""The machine behind `sim.host.Context`: what outlives its processes, and what befalls it.

A machine has a device, clocks and accounts. Its processes have lives (`sim.life`), one after
the other: a crash ends one, a restart begins the next on the disk as it is. A disk that
refuses ends a life as well, unless the service handles it; then the machine begins another one
by itself, after `HostOptions.respawn_us`. A machine that a fault of the schedule may pause or
slow down leads lives of the kind in `sim.strain`, one whose clocks may be touched has a
`sim.clock`; all others pay nothing for either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sim.chance import Chance
from sim.clock import MILLION, HostClock
from sim.faults.host_effect import NO_EFFECT, HostEffect
from sim.history import History
from sim.host import HostOptions, Placement, Wait
from sim.kernel import Environment
from sim.life import Incarnation
from sim.network import Network
from sim.storage import Device
from sim.strain import StrainedLife
from sim.topology import HostSpec, Location, Topology
from sim.trace import Trace

if TYPE_CHECKING:
    from sim.faults import CrashKind

__all__ = ["Machine"]


class Machine:
    """One host of a world.

    Attributes:
        up: Whether its processes run.
        effect: What live faults do to it now.
        clock: Its clocks, None where they show the true time throughout.
        strained: Whether a fault may pause it or slow it down.
        busy_us: Core time spent, summed over cores; of work under way all is counted, which a
            crash takes back.
        delayed: Messages that reached it during a pause.
        met: What faults did to it, by name. Evidence, not accounts: in no digest.
        perished: How often its processes died of a disk that refused.
        caps: Core time a second of the layers that are capped, microseconds.
        on_point: Told (point, host) of each crash point passed; None where nobody asks.
        received: Messages that reached it; = handled + overflowed + unknown + lost in crashes
            + waiting (in an inbox or on a core).
    """

    # In slots: of an object with more than thirty attributes in its dictionary each method call looks twice.
    __slots__ = (
        "_held_down",
        "_lives",
        "busy_us",
        "calls_made",
        "caps",
        "chance",
        "clock",
        "delayed",
        "device",
        "effect",
        "env",
        "handled",
        "history",
        "life",
        "lost_in_crash",
        "met",
        "network",
        "on_note",
        "on_point",
        "on_provision",
        "options",
        "overflowed",
        "perished",
        "placements",
        "received",
        "restarts",
        "service_us",
        "spec",
        "strained",
        "topology",
        "trace",
        "unknown",
    )

    def __init__(
        self,
        spec: HostSpec,
        options: HostOptions,
        env: Environment,
        network: Network,
        topology: Topology,
        chance: Chance,
        history: History,
        trace: Trace,
        on_note: Callable[[str, Location, int | str], None],
        on_provision: Callable[[int, Location, str, Any, Callable[[Any], object]], None],
    ) -> None:
        self.spec = spec
        self.env = env
        self.network = network
        self.topology = topology
        self.chance = chance
        self.history = history
        self.trace = trace
        self.on_note = on_note
        self.on_provision = on_provision
        self.on_point: Callable[[str, int], None] | None = None
        self.options = options
        self.placements: list[Placement] = []
        self.life: Incarnation | None = None
        self.effect: HostEffect = NO_EFFECT
        self.clock: HostClock | None = None
        self.strained = False
        self.busy_us = 0
        self.received = 0
        self.handled = 0
        self.overflowed = 0
        self.unknown = 0
        self.lost_in_crash = 0
        self.delayed = 0
        self.met: Counter[str] = Counter()
        self.restarts = 0
        self.perished = 0
        self.calls_made = 0
        self._lives = 0
        self._held_down = False
        draws = chance.draws(f"host/{spec.path}/flush")
        low, high = options.flush_us_min, options.flush_us_max
        self.device = Device(lambda: draws.between(low, high), env.call_later, self._settle, self.meet)
        self.service_us = dict(options.service_us)
        self.caps = {layer: round(share * spec.cores * 1_000_000) for layer, share in options.layer_caps}

    @property
    def up(self) -> bool:
        """Whether the host's processes run."""
        return self.life is not None

    def boot(self) -> None:
        """Start every placed service anew, on the disk as it is."""
        assert self.life is None, f"{self.spec.path} runs already"
        self._lives += 1
        life = self.life = StrainedLife(self) if self.strained else Incarnation(self)
        self.network.attach(self.spec.index, life.receive)
        life.start(self.placements)

    def add(self, placement: Placement) -> None:
        """Run one more service from now on; at once if the host is up.

        Raises:
            ValueError: the host has a service of that name.
        """
        if any(placed.name == placement.name for placed in self.placements):
            raise ValueError(f"{self.spec.path} has a service {placement.name!r} already; name it otherwise")
        self.placements.append(placement)
        if self.life is not None:
            self.life.add(placement)

    def crash(self, kind: CrashKind, torn: bool) -> None:
        """Lose what that kind of crash loses; a host that is down can still lose its cache."""
        row = self.trace.event("crash", self.spec.index, kind.value)
        self._held_down = True
        powerless = kind.value == "power-loss"
        self.trace.because(row, self._end_life, not powerless)
        if powerless:
            self.network.attach(self.spec.index, None)  # its system falls silent too
            self.device.power_loss(torn=torn)

    def restart(self) -> None:
        """Boot again after a crash; harmless if it runs."""
        self._held_down = False
        if self.life is None:
            self._begin_again()

    def perish(self, life: Incarnation) -> None:
        """End a life whose service did not handle that the disk refused, and begin another later."""
        if life is not self.life:
            return
        self.perished += 1
        row = self.trace.event("perish", self.spec.index, self.perished)
        self.trace.because(row, self._end_life, True)
        self.env.call_later(self.options.respawn_us, self.trace.because, row, self._respawn, self._lives)

    def _respawn(self, lives: int) -> None:
        if self.life is None and self._lives == lives and not self._held_down:
            self._begin_again()

    def _begin_again(self) -> None:
        self.restarts += 1
        self.trace.because(self.trace.event("restart", self.spec.index, self.restarts), self.boot)

    def _end_life(self, refuses: bool) -> None:
        if self.life is None:
            return
        life, self.life = self.life, None
        self.network.attach(self.spec.index, None, refuses=refuses)
        self.lost_in_crash += life.fall()
        self.device.process_crash()
        if self.clock is not None:
            self.clock.forget_timers()
        now_us: int = self.env._now  # type: ignore[assignment]
        self.env.call_at(now_us, life.close, urgent=True)

    def set_effect(self, effect: HostEffect) -> None:
        """Take on what live faults do to it from now on."""
        self.effect = effect
        device = self.device
        device.slow_factor, device.lies, device.full = effect.disk_slow_factor, effect.fsync_lies, effect.disk_full
        if self.clock is not None:
            self.clock.set(rate=MILLION + effect.clock_drift_ppm, offset_us=effect.clock_offset_us)
        if effect.disk_lost and not device.lost:
            # A flush that was asked for fails, and a process cannot handle what a Wait never tells.
            if device.lose() and self.life is not None:
                self.perish(self.life)
        elif device.lost and not effect.disk_lost:
            device.replace()
        if isinstance(self.life, StrainedLife):
            self.life.strain()

    def when_awake(self, fn: Callable[..., object], *args: Any) -> None:
        """Call `fn(*args)` now; on a paused host when it goes on, or as soon as it is down."""
        if isinstance(self.life, StrainedLife):
            self.life.when_awake(fn, *args)
        else:
            fn(*args)

    def meet(self, what: str) -> None:
        """Count one thing that a fault did."""
        self.met[what] += 1

    def _settle(self, wait: Wait, value: Any) -> None:
        if self.life is not None:
            self.life.settle(wait, value)

    def waiting(self) -> int:
        """Messages in its inboxes or on a core."""
        return 0 if self.life is None else self.life.waiting()

    def counters(self) -> dict[str, int]:
        """Its accounts, for the digest and for reports."""
        return {
            "received": self.received,
            "handled": self.handled,
            "overflowed": self.overflowed,
            "unknown": self.unknown,
            "lost in crash": self.lost_in_crash,
            "waiting": self.waiting(),
            "busy_us": self.busy_us,
            "delayed": self.delayed,
            "restarts": self.restarts,
            "perished": self.perished,
            "flushes": self.device.flushes,
            "flushes lied": self.device.lied,
            "disk refusals": self.device.refused,
        }

    def check_conservation(self) -> None:
        """Assert that every message received is accounted for."""
        c = self.counters()
        out = c["handled"] + c["overflowed"] + c["unknown"] + c["lost in crash"] + c["waiting"]
        assert c["received"] == out, f"{self.spec.path}: {c}"
