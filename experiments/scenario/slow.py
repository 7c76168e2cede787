"""What changes with time on links, in a scenario: `[[latency.slow]]`.

`kind` says what happens; `from`, `to` and `tiers` which links it happens to; `shared` whose
course is one (see `sim.latency.slow`). Without a word it is about all links between regions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, Field

from experiments.scenario.delays import read_kind, too_short
from experiments.scenario.problems import Finding, finding, shown
from experiments.scenario.schema import Duration, Name, Section, Share, SomeTime, read_section
from sim.effects import Burst
from sim.latency import SlowRule, Tier
from sim.latency.courses import Bursts, Diurnal, Kind, Loss, RouteChanges, Stalls, Step, Steps
from sim.latency.slow import Shared
from sim.topology import Topology
from sim.wording import way_to

__all__ = ["read_slow"]

_TIERS: Final = tuple(tier for tier in Tier if tier is not Tier.SAME_HOST)


def _tier(value: object) -> Tier:
    if value not in _TIERS:
        raise ValueError(f"{value!r} is not one of {', '.join(_TIERS)}; {way_to(str(value), _TIERS)}")
    return Tier(str(value))


def _shared(value: object) -> Shared:
    if value not in list(Shared):
        raise ValueError(f"{value!r} is not one of {', '.join(Shared)}; {way_to(str(value), Shared)}")
    return Shared(str(value))


class _Slow(Section):
    """What all kinds have."""

    kind: str
    name: Name | None = None
    from_: Name = Field(default="*", alias="from")
    to: Name = "*"
    both_ways: bool = False
    tiers: Annotated[list[Annotated[Tier, BeforeValidator(_tier)]], Field(min_length=1)] = Field(
        default_factory=lambda: [Tier.BETWEEN_REGIONS]
    )
    shared: Annotated[Shared, BeforeValidator(_shared)] = Shared.LINK


class StepsSection(_Slow):
    """Levels at given instants: `steps = [{ at = "10s", delay = "20ms" }, { at = "30s" }]`."""

    steps: list[Any]


class StepSection(Section):
    """One level: what is added from `at` to the next step."""

    at: Duration
    delay: Duration = 0
    loss: Share = 0.0


class DiurnalSection(_Slow):
    """The swing of a day."""

    period: SomeTime = 24 * 3_600_000_000
    peak: Duration = 0
    delay: Duration = 0
    loss: Share = 0.0


class RoutesSection(_Slow):
    """Changes of route, each of which adds up to `longest`; all hosts of two regions share them."""

    every: SomeTime
    longest: SomeTime
    shared: Annotated[Shared, BeforeValidator(_shared)] = Shared.REGIONS


class StallsSection(_Slow):
    """Nothing moves for a while, and then all of it at once."""

    every: SomeTime
    shortest: SomeTime = 20_000
    longest: SomeTime = 250_000


class BurstsSection(_Slow):
    """Bursty loss (Gilbert-Elliott)."""

    good: SomeTime
    bad: SomeTime
    loss_good: Share = 0.0
    loss_bad: Share = 1.0


class LossSection(_Slow):
    """Each message is lost with the same chance."""

    loss: Share


_KINDS: Final[Mapping[str, type[BaseModel]]] = MappingProxyType(
    {
        "steps": StepsSection,
        "diurnal": DiurnalSection,
        "routes": RoutesSection,
        "stalls": StallsSection,
        "bursts": BurstsSection,
        "loss": LossSection,
    }
)


def read_slow(raw: object, path: str, topology: Topology | None) -> tuple[tuple[SlowRule, ...], list[Finding]]:
    """The rules of `[[latency.slow]]`, and what is wrong with them.

    Args:
        raw: What the file holds there.
        path: Where that is.
        topology: The world's, None if its section has a mistake; then names are not checked.
    """
    if not isinstance(raw, list):
        return (), [Finding(path, shown(raw), "not a list of tables", f"write it under [[{path}]], brackets doubled")]
    rules: list[SlowRule] = []
    findings: list[Finding] = []
    seen: dict[str, int] = {}
    for number, item in enumerate(raw):
        place = f"{path}[{number}]"
        values, found = read_kind(item, place, _KINDS)
        findings += found
        if values is None:
            continue
        strangers = list(_strangers(values, place, topology)) if topology is not None else []
        findings += strangers
        kind = values["kind"]
        seen[kind] = seen.get(kind, 0) + 1
        name = values.get("name") or f"{kind}-{seen[kind]}"
        if found:
            continue
        what, found = _what(values, place)
        findings += found
        if "/" in name or any(rule.name == name for rule in rules):
            rule = "another rule has this name" if "/" not in name else "holds a slash"
            findings.append(Finding(f"{place}.name", shown(name), rule, "rename it"))
        elif what is not None:
            rules.append(_rule(name, what, values))
            findings += _covers_nothing(rules[-1], place, topology) if not strangers else ()
    return tuple(rules), findings


def _rule(name: str, what: Kind, values: Mapping[str, Any]) -> SlowRule:
    return SlowRule(
        name=name,
        what=what,
        src=values["from"],
        dst=values["to"],
        both_ways=values["both_ways"],
        tiers=frozenset(values["tiers"]),
        shared=values["shared"],
    )


def _what(values: Mapping[str, Any], path: str) -> tuple[Kind | None, list[Finding]]:
    kind = values["kind"]
    if kind == "steps":
        return _steps(values["steps"], f"{path}.steps")
    if kind == "diurnal":
        delay_us, loss = values["delay"], values["loss"]
        return Diurnal(period_us=values["period"], peak_us=values["peak"], delay_us=delay_us, loss=loss), []
    if kind == "routes":
        return RouteChanges(every_us_mean=values["every"], delay_us_max=values["longest"]), []
    if kind == "bursts":
        burst = Burst(
            mean_good_us=values["good"],
            mean_bad_us=values["bad"],
            loss_good=values["loss_good"],
            loss_bad=values["loss_bad"],
        )
        return Bursts(burst), []
    if kind == "loss":
        return Loss(values["loss"]), []
    low, high = values["shortest"], values["longest"]
    if high < low:
        return None, [too_short(path, low, high)]
    return Stalls(every_us_mean=values["every"], length_us_min=low, length_us_max=high), []


def _steps(raw: list[Any], path: str) -> tuple[Kind | None, list[Finding]]:
    findings: list[Finding] = []
    steps: list[Step] = []
    for number, item in enumerate(raw):
        read = read_section(StepSection, item, f"{path}[{number}]")
        findings += read.findings
        if read.whole:
            steps.append(Step(at_us=read.values["at"], delay_us=read.values["delay"], loss=read.values["loss"]))
    if findings:
        return None, findings
    try:
        return Steps(tuple(steps)), []
    except ValueError as refused:
        return None, [finding(path, raw, str(refused))]


def _strangers(values: Mapping[str, Any], path: str, topology: Topology) -> Iterable[Finding]:
    """Ends of links that name nobody."""
    for key in ("from", "to"):
        if key in values:
            try:
                topology.select(values[key])
            except ValueError as refused:
                yield finding(f"{path}.{key}", values[key], str(refused))


def _covers_nothing(rule: SlowRule, path: str, topology: Topology | None) -> Iterable[Finding]:
    if topology is not None:
        hosts = topology.hosts
        if not any(rule.covers(src, dst) for src in hosts for dst in hosts):
            tiers = ", ".join(sorted(rule.tiers))
            ends = f"{rule.src} to {rule.dst}, {tiers}"
            yield Finding(path, shown(ends), "no link is one of these", "mind from, to and tiers")
