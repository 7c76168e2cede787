"""The networks in which detectors are compared, for a heartbeat a second.

All are the same calm network until they change: one in a hundred lost, 20 ms and exponentially 10 ms more. How much
each changes is chosen so that it matters to a monitor whose patience is some seconds, from what operators report:
stalls of 20 to 250 ms, collections of garbage of seconds, routes that are away for two.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from experiments.detection.changing.parts import (
    Bursts,
    Changing,
    Congestion,
    Copies,
    Cuts,
    Detour,
    Diurnal,
    Drift,
    Loss,
    Part,
    Pauses,
    Routes,
    Stalls,
    Step,
    Whose,
)

__all__ = ["ETA_US", "NETWORKS", "TITLES"]

ETA_US: Final = 1_000_000
_MS: Final = 1_000
_S: Final = 1_000_000
_CUTS: Final = Cuts(every_us=600 * _S, least_us=1 * _S, most_us=12 * _S)


def _pauses(whose: Whose) -> Pauses:
    return Pauses(every_us=120 * _S, least_us=500 * _MS, most_us=2_500 * _MS, whose=whose)


def _of(*parts: Part) -> Changing:
    return Changing(parts=parts)


#: By name of the scenario; the first is the control, which does not change.
NETWORKS: Final[Mapping[str, Changing]] = MappingProxyType(
    {
        "calm": _of(),
        "loss-step": _of(Loss(share=0.2)),
        "delay-step": _of(Step(extra_us=800 * _MS)),
        "diurnal": _of(Diurnal(period_us=3_600 * _S, extra_us=800 * _MS)),
        "routes": _of(Routes(every_us=300 * _S, extra_us_max=600 * _MS, blind_us=2 * _S)),
        "bursts": _of(Bursts(every_us=60 * _S, mean_us=3 * _S, loss=0.8)),
        "stalls": _of(Stalls(every_us=10 * _S)),
        "sender-pauses": _of(_pauses(Whose.SENDER)),
        "monitor-pauses": _of(_pauses(Whose.MONITOR)),
        "congestion": _of(Congestion(every_us=120 * _S, lasts_us=10 * _S, load=1.2, buffer_us=1_500 * _MS)),
        "cuts": _of(_CUTS),
        "partial-cuts": _of(_CUTS, Detour(delay_us=120 * _MS, jitter_us=40 * _MS, loss=0.02)),
        "copies": _of(Copies(share=0.5, extra_us=900 * _MS)),
        "clock-drift": _of(Drift(ppm=500)),
    }
)

#: What a reader sees of each.
TITLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "calm": "nothing changes (control)",
        "loss-step": "a fifth more is lost",
        "delay-step": "800 ms more delay",
        "diurnal": "delay swings by 800 ms in an hour",
        "routes": "another route every 5 min, nothing for 2 s, up to 600 ms longer",
        "bursts": "bad states of 3 s every minute, four in five lost",
        "stalls": "stalls of 20 to 250 ms every 10 s",
        "sender-pauses": "the subject stands still .5 to 2.5 s every 2 min",
        "monitor-pauses": "the monitor does",
        "congestion": "a queue of up to 1.5 s fills every 2 min",
        "cuts": "cuts of 1 to 12 s every 10 min",
        "partial-cuts": "the same, and a relay around them",
        "copies": "half come twice, up to .9 s later",
        "clock-drift": "the monitor's clock gains 500 ppm",
    }
)
