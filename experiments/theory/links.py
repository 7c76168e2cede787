"""The network under theory: delays, loss, bursts, finite bandwidth, and what changes with time.

Two hosts in two regions and the link between them. Messages go straight into the network, and
what arrives is written down with its instant; `Network.check_conservation` closes every run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Final, NamedTuple

import numpy as np

from experiments.theory.recursion import Jobs
from sim.chance import Chance
from sim.effects import LinkEffect
from sim.kernel import Environment
from sim.latency import LatencyModel, Tier
from sim.message import Layer, Message
from sim.network import Network
from sim.topology import grid
from sim.trace import Digest, Trace, TraceLevel

__all__ = [
    "BYTES_PER_S",
    "LINK_US",
    "SIZE_BYTES",
    "URGENT_BYTES",
    "Arrived",
    "burst",
    "model_of",
    "poisson",
    "spread",
    "transmission_us",
    "waits_of",
]

#: Propagation of the link, microseconds; what a message takes beyond is theory's matter.
LINK_US: Final = 10_000
BYTES_PER_S: Final = 1_000_000
SIZE_BYTES: Final = 1_000
URGENT_BYTES: Final = 500


@dataclass(frozen=True, slots=True)
class Parcel(Message):
    """A message of the lowest layer and of a fixed size."""

    type_id: ClassVar[int] = 0x1000_0F11
    number: int

    def wire_bytes(self) -> int:
        """The same for all."""
        return SIZE_BYTES


@dataclass(frozen=True, slots=True)
class UrgentParcel(Message):
    """A message of the highest layer, half as long."""

    type_id: ClassVar[int] = 0x8000_0F12
    number: int

    def wire_bytes(self) -> int:
        """The same for all."""
        return URGENT_BYTES


class Arrived(NamedTuple):
    """What came of a link: instants of sending by number, and (number, instant) of arrivals, by class."""

    sent_us: list[int]
    arrived: list[tuple[int, int]]
    urgent_sent_us: list[int]
    urgent_arrived: list[tuple[int, int]]
    digest: str

    def delays_us(self) -> list[int]:
        """What each message of the lowest layer that arrived took."""
        return [at_us - self.sent_us[number] for number, at_us in self.arrived]

    def urgent_delays_us(self) -> list[int]:
        """The same of the highest."""
        return [at_us - self.urgent_sent_us[number] for number, at_us in self.urgent_arrived]


class _Link:
    """A link, and a log of what was put on it and came off."""

    def __init__(self, model: LatencyModel, seed: int, effect: dict[str, Any]) -> None:
        self.env = Environment()
        self.chance = Chance(seed)
        topology = grid(["a", "b"], clusters=1, hosts=1, cores=0, clients=0)
        trace = Trace(TraceLevel.OFF, lambda: int(self.env.now))
        self.network = Network(self.env, topology, model, self.chance, trace)
        if effect:
            self.network.set_effects((), [LinkEffect(src=frozenset({0}), dst=frozenset({1}), **effect)])
        self.network.attach(1, self._receive)
        self.sent: dict[type[Message], list[int]] = {Parcel: [], UrgentParcel: []}
        self.arrived: dict[type[Message], list[tuple[int, int]]] = {Parcel: [], UrgentParcel: []}

    def send(self, kind: Callable[[int], Message]) -> None:
        sent = self.sent[kind]  # type: ignore[index]
        self.network.send(0, 1, kind(len(sent)))
        sent.append(self.env._now)  # type: ignore[arg-type]

    def finish(self) -> Arrived:
        self.env.run()
        self.network.check_conservation()
        digest = Digest()
        for kind, arrived in self.arrived.items():
            digest.add(kind.__name__, np.array(arrived, dtype="<i8").tobytes())
        digest.add("totals", sorted(self.network.totals().items()))
        return Arrived(
            self.sent[Parcel],
            self.arrived[Parcel],
            self.sent[UrgentParcel],
            self.arrived[UrgentParcel],
            digest.hexdigest(),
        )

    def _receive(self, src: int, message: Any, meta: Any, row: int) -> None:
        self.arrived[message.__class__].append((message.number, self.env._now))  # type: ignore[arg-type]


def burst(model: LatencyModel, *, seed: int, messages: int, effect: dict[str, Any] | None = None) -> Arrived:
    """Send all messages at once, each with draws of its own, under what a live fault does (see `LinkEffect`)."""
    link = _Link(model, seed, effect or {})
    for _ in range(messages):
        link.send(Parcel)
    return link.finish()


def spread(
    model: LatencyModel,
    *,
    seed: int,
    messages: int,
    every_us: int,
    at_random: bool = False,
    effect: dict[str, Any] | None = None,
) -> Arrived:
    """Send messages `every_us` apart, or at random as often; `effect` as in `burst`."""
    link = _Link(model, seed, effect or {})
    exponential = link.chance.draws("gaps").exponential

    def fire() -> None:
        link.send(Parcel)
        if len(link.sent[Parcel]) < messages:
            link.env.call_later(int(exponential(every_us) + 0.5) if at_random else every_us, fire)

    link.env.call_later(int(exponential(every_us) + 0.5) if at_random else 0, fire)
    return link.finish()


def poisson(*, rho: float, urgent_rho: float, seed: int, span_us: int, cap: int | None = None) -> Arrived:
    """Send at random for `span_us` over a link of finite bandwidth, which is used to `rho` and `urgent_rho`.

    With a `cap` on the highest layer, bytes a second, that is what it uses to `urgent_rho`.
    """
    caps = {} if cap is None else {Layer.REGION: cap}
    link = _Link(model_of(bytes_per_s={Tier.BETWEEN_REGIONS: BYTES_PER_S}, layer_caps=caps), seed, {})

    def begin(kind: type[Message], name: str, gap_us: float) -> None:
        exponential = link.chance.draws(name).exponential

        def fire() -> None:
            if link.env.now < span_us:
                link.send(kind)
                link.env.call_later(int(exponential(gap_us) + 0.5), fire)

        link.env.call_later(int(exponential(gap_us) + 0.5), fire)

    if rho:
        begin(Parcel, "gaps", transmission_us(SIZE_BYTES) / rho)
    if urgent_rho:
        begin(UrgentParcel, "urgent gaps", transmission_us(URGENT_BYTES, cap or BYTES_PER_S) / urgent_rho)
    return link.finish()


def waits_of(arrived: Arrived) -> tuple[np.ndarray[Any, np.dtype[np.int64]], Jobs]:
    """What each message of the lowest layer waited for the link, in order of sending, and the jobs it saw."""
    sent = np.array(arrived.sent_us, dtype=np.int64)
    at = np.array([at_us for _, at_us in sorted(arrived.arrived)], dtype=np.int64)
    services = np.full(len(sent), transmission_us(SIZE_BYTES), dtype=np.int64)
    return at - sent - services - LINK_US, Jobs(sent, services)


def transmission_us(size: int, bytes_per_s: int = BYTES_PER_S) -> int:
    """How long a message of so many bytes occupies the link, or what a layer may use of it."""
    return size * 1_000_000 // bytes_per_s


def model_of(**more: Any) -> LatencyModel:
    """The link's model with what is given besides its propagation."""
    return LatencyModel(one_way_us={("a", "b"): LINK_US}, **more)
