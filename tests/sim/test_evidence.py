"""A fault has met something only if something felt it: a count of what passed by would not do."""

from __future__ import annotations

from typing import Any

import pytest

from sim.faults import Fault
from sim.host import Context, Service
from sim.message import Message
from tests.sim.small_worlds import Ping
from tests.sim.test_world import A, B, Log, Sender, place, world


class Reader(Service):
    """Looks at its clocks, sleeps and flushes every 200 us, or never does anything."""

    def __init__(self, ctx: Context, idle: bool) -> None:
        super().__init__(ctx)
        self.idle = idle

    def start(self) -> Any:
        while not self.idle:
            self.ctx.now_us()
            yield self.ctx.disk.flush("log")
            yield self.ctx.sleep(200)


def met(kind: str, target: str = B, *, service_us: int = 0, idle: bool = False, count: int = 40, **params: Any) -> int:
    """How often a fault from 500 to 3,000 was felt, while A sends B a message every 100 us."""
    for_us = None if kind == "clock-jump" else 2_500
    made = world(
        service_us=service_us,
        faults=(Fault(id="f", kind=kind, targets=(target,), at=500, for_us=for_us, params=params),),
    )
    plan: list[tuple[int, Message]] = [(100 * n, Ping(n=n)) for n in range(count)]
    to = place(made, B, "log", lambda ctx: Log(ctx, []))
    place(made, B, "reader", lambda ctx: Reader(ctx, idle))
    place(made, A, "sender", lambda ctx: Sender(ctx, to, plan))
    made.run(10_000)
    (encounter,) = made.encounters()
    return encounter.met


@pytest.mark.parametrize(
    ("kind", "felt", "unfelt"),
    [
        ("link-slow", {"factor": 3}, {"bandwidth": 0.5}),  # of a link without limits
        ("link-reordering", {"chance": 0.5, "within": "1ms"}, {"chance": 1.0, "within": "1ms"}),  # all equally late
        ("link-held", {}, {"count": 3}),
        ("link-lossy", {"loss": 0.5}, {"loss": 0.5, "count": 3}),
        ("host-slow", {"factor": 3, "service_us": 10}, {"factor": 3}),  # work that takes no time
        ("host-pause", {}, {"idle": True, "count": 3}),
        ("disk-slow", {"factor": 3}, {"factor": 3, "idle": True}),
        ("clock-offset", {"offset": "5ms"}, {"offset": "5ms", "idle": True, "target": A}),
        ("clock-jump", {"by": "5ms"}, {"by": "5ms", "idle": True, "target": A}),
        ("clock-drift", {"ppm": 90_000}, {"ppm": 90_000, "idle": True, "target": "c/c1/h1"}),
    ],
)
def test_a_fault_is_met_by_what_feels_it_and_by_nothing_else(
    kind: str, felt: dict[str, Any], unfelt: dict[str, Any]
) -> None:
    assert met(kind, **felt) > 0
    assert met(kind, **unfelt) == 0
