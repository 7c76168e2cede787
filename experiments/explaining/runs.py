"""One run: a world in which things fall silent, and what one teller says of them, held against what was so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum
from typing import Any, Final

from experiments.calibration import Said, brier_skill, log_loss, silent_longer
from experiments.experiment import Cell, Row, RunResult, Series
from experiments.explaining.tellers import Opinions, believed, heard_as, silence_us, teller_of
from experiments.explaining.worlds import EVERY_US, Watched, hearing_of, setting_of, watched
from experiments.results import Results
from sim.topology import Location

__all__ = ["ExplainingRow", "run_once", "said_of", "silent_regions"]

#: Intervals of silence after which, without loss, a heartbeat is not merely on its way.
_SURELY: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainingRow(Row):
    """One run; all is of subjects that were silent for more than an interval when asked about, the regions as a whole.

    `..._excess` is by how much the chances that were said sum to more than what was so, per sample. Metrics of a run
    without such samples are None; the skill of one in which all or nothing was so, too.
    """

    hosts_silent: int
    hosts_down: int
    host_log_loss: float | None
    host_brier_skill: float | None
    host_excess: float | None
    regions_silent: int
    regions_down: int
    region_log_loss: float | None
    region_brier_skill: float | None
    region_excess: float | None


class _Samples:
    """What was said, and of how many hosts in its region."""

    def __init__(self) -> None:
        self.said: list[float] = []
        self.came: list[int] = []
        self.silences: list[float] = []
        self.of: list[int] = []

    def add(self, said: float, came: bool, silence: float, of: int) -> None:
        self.said.append(said)
        self.came.append(int(came))
        self.silences.append(silence)
        self.of.append(of)

    @property
    def judged(self) -> list[Said]:
        """Of those that were silent."""
        return silent_longer([Said(chances=self.said, outcomes=list(map(bool, self.came)), silences=self.silences)])


def run_once(cell: Cell, seed: int) -> RunResult:
    """Run one world before one teller."""
    scenario, arm = cell.scenario, cell.arm.name
    setting = setting_of(scenario)
    priors, hearing = believed(arm, setting.priors), heard_as(arm, hearing_of(scenario))
    seen = watched(scenario, seed, priors, hearing)
    tell = teller_of(arm, seen, priors, hearing)
    hosts, regions = _Samples(), _Samples()
    for asked_us in setting.asked_us:
        _note(seen, tell(asked_us), asked_us, hosts, regions)
    row = ExplainingRow(
        scenario=scenario,
        arm=arm,
        seed=seed,
        digest=seen.world.digest(),
        **_metrics("host", hosts.judged),
        **_metrics("region", regions.judged),
    )
    return RunResult(row=row, series={**_series("host", hosts), **_series("region", regions)})


def _note(seen: Watched, opinions: Opinions, now_us: int, hosts: _Samples, regions: _Samples) -> None:
    def down(name: Location) -> bool:
        return seen.struck_us.get(name, now_us) < now_us

    for region, some in seen.hosts.items():
        silences = [silence_us(seen, host, now_us) / EVERY_US for host in some]
        for host, silence in zip(some, silences, strict=True):
            hosts.add(opinions.hosts[host], down(host), silence, len(some))
        regions.add(opinions.regions[region], down(region), min(silences), len(some))


def _metrics(name: str, judged: Sequence[Said]) -> dict[str, Any]:
    (run,) = judged
    count, came = len(run.chances), sum(run.outcomes)
    return {
        f"{name}s_silent": count,
        f"{name}s_down": came,
        f"{name}_log_loss": log_loss(judged),
        f"{name}_brier_skill": brier_skill(judged),
        f"{name}_excess": (fsum(run.chances) - came) / count if count else None,
    }


def _series(name: str, samples: _Samples) -> Series:
    return {
        f"{name}_said": samples.said,
        f"{name}_came": samples.came,
        f"{name}_silences": samples.silences,
        f"{name}_of": samples.of,
    }


def said_of(results: Results[ExplainingRow], scenario: str, arm: str, name: str) -> list[Said]:
    """What one teller said of silent hosts or regions, run by run; `name` is host or region."""
    found = []
    for row in results.at(scenario, arm):
        series = results.series(scenario, arm, row.seed)
        found.append(
            Said(
                chances=list(series[f"{name}_said"]),
                outcomes=[came > 0 for came in series[f"{name}_came"]],
                silences=list(series[f"{name}_silences"]),
            )
        )
    return silent_longer(found)


def silent_regions(results: Results[ExplainingRow], scenario: str, arm: str, silent: int) -> list[Said]:
    """What one teller said of regions of which all of so many hosts were silent, run by run."""
    found = []
    for row in results.at(scenario, arm):
        series = results.series(scenario, arm, row.seed)
        kept = [i for i, of in enumerate(series["region_of"]) if of == silent]
        found.append(
            Said(
                chances=[series["region_said"][i] for i in kept],
                outcomes=[series["region_came"][i] > 0 for i in kept],
                silences=[series["region_silences"][i] for i in kept],
            )
        )
    return silent_longer(found, _SURELY)
