"""The schemes compared, and the failures that each of them meets."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from experiments.experiment import Arm, SystemOption
from models.store.schemes import Failure, Scheme
from models.store.words import scheme_of

__all__ = [
    "ARMS",
    "CONTROL",
    "FAILURES",
    "LOST_REPLIES",
    "QUICK",
    "SCENARIOS",
    "Failing",
    "scheme_of_arm",
]

#: How people work through what a region brings back.
_RECONCILED: Final[Mapping[str, SystemOption]] = MappingProxyType({"reconcile": "200/s", "reconcile_delay": "500ms"})


def _arm(
    name: str, label: str, scheme: str, more: Mapping[str, SystemOption] = MappingProxyType({}), *, ranked: bool = True
) -> Arm:
    return Arm(name=name, label=label, system={"scheme": scheme, **more}, ranked=ranked)


ARMS: Final = (
    _arm("mem", "local-mem, never saved", "local-mem"),
    _arm("mem-1s", "local-mem, saved every 1 s", "local-mem+1s"),
    _arm("periodic-1s", "local-persist, flushed every 1 s", "local-persist-periodic+1s"),
    _arm("periodic-200ms", "local-persist, flushed every 200 ms", "local-persist-periodic+200ms"),
    _arm("persist", "local-persist", "local-persist"),
    # The same scheme, to weigh what storing denials costs.
    _arm("no-denials", "local-persist, denials not stored", "local-persist", {"store_denials": False}, ranked=False),
    _arm("ship-1s", "delayed-ship, every 1 s", "delayed-ship@region+1s", _RECONCILED),
    _arm("ship-250ms", "delayed-ship, every 250 ms", "delayed-ship@region+250ms", _RECONCILED),
    # The same scheme, to show what nobody reconciles.
    _arm("ship-1s-left", "delayed-ship, every 1 s, nobody reconciles", "delayed-ship@region+1s", ranked=False),
    _arm("multi-mem-2of3", "multi-mem, 2 of 3 hosts", "multi-mem:2/3@host"),
    _arm("multi-mem-3of3", "multi-mem, 3 of 3 hosts", "multi-mem:3/3@host"),
    _arm("multi-mem-2of3-cluster", "multi-mem, 2 of 3 clusters", "multi-mem:2/3@cluster"),
    _arm("multi-persist-2of3", "multi-persist, 2 of 3 hosts", "multi-persist:2/3@host"),
    _arm("multi-persist-3of3", "multi-persist, 3 of 3 hosts", "multi-persist:3/3@host"),
    _arm("multi-persist-2of3-cluster", "multi-persist, 2 of 3 clusters", "multi-persist:2/3@cluster"),
    _arm("multi-persist-2of3-region", "multi-persist, 2 of 3 regions", "multi-persist:2/3@region"),
    _arm("multi-persist-3of3-region", "multi-persist, 3 of 3 regions", "multi-persist:3/3@region"),
)


class Failing(NamedTuple):
    """A scenario in which something fails.

    Attributes:
        title: What a reader calls it.
        kind: What it is to a scheme.
        times: How many failure domains of that kind it strikes.
        one_region: Whether all of them are in one region, so that a holder elsewhere is spared.
    """

    title: str
    kind: Failure
    times: int = 1
    one_region: bool = False


CONTROL: Final = "schemes_no_fault"
LOST_REPLIES: Final = "schemes_lost_replies"
#: By scenario, from the mildest.
FAILURES: Final[Mapping[str, Failing]] = {
    "schemes_process_crash": Failing("process crash", Failure.PROCESS_CRASH),
    "schemes_host_power": Failing("host without power", Failure.HOST_POWER),
    "schemes_cluster_power": Failing("cluster without power", Failure.CLUSTER_POWER),
    "schemes_disk_loss": Failing("host lost with its disk", Failure.DISK_LOSS),
    "schemes_region_dark": Failing("region dark, and back", Failure.CLUSTER_POWER, times=3, one_region=True),
    "schemes_region_destroyed": Failing("region destroyed", Failure.REGION_DESTROYED),
}
SCENARIOS: Final = (CONTROL, *FAILURES, LOST_REPLIES)


#: By scenario, the arms of the quick size: all where nothing fails, and else one or two of each scheme.
QUICK: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        CONTROL: tuple(arm.name for arm in ARMS if arm.name != "ship-1s-left"),
        "schemes_process_crash": ("mem", "mem-1s", "multi-mem-2of3", "persist"),
        "schemes_host_power": ("mem-1s", "periodic-1s", "persist", "multi-mem-2of3"),
        "schemes_cluster_power": ("periodic-1s", "multi-mem-2of3", "multi-persist-2of3"),
        "schemes_disk_loss": ("persist", "ship-1s", "multi-persist-2of3"),
        "schemes_region_dark": ("ship-1s", "ship-1s-left", "multi-persist-2of3-cluster"),
        "schemes_region_destroyed": ("multi-persist-2of3-cluster", "ship-1s", "multi-persist-2of3-region"),
        LOST_REPLIES: ("persist", "no-denials"),
    }
)


def scheme_of_arm(name: str) -> Scheme:
    """The scheme of an arm; KeyError if there is no such arm."""
    words = {arm.name: str(arm.system["scheme"]) for arm in ARMS}
    return scheme_of(words[name])
