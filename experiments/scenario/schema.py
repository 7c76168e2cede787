"""What each section of a scenario file may hold.

Pydantic reads a section at a time, strictly, and reports every mistake in it. What it finds
right is kept even when something beside it is wrong, so that the checks between sections
(`checks`) can still run: a slip in `[topology]` must not hide one in `[[fault]]`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, NamedTuple

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    TypeAdapter,
    ValidationError,
)

from experiments.scenario.problems import Finding, explain, shown
from experiments.scenario.property import Mode
from sim.network import DEFAULT_CONNECTIONS
from sim.units import bytes_per_s, duration_us, format_us, rate_per_s
from sim.wording import way_to

__all__ = [
    "SECTIONS",
    "BandwidthSection",
    "ConnectionsSection",
    "FaultSection",
    "HostCapsSection",
    "HostsSection",
    "LatencySection",
    "LayerCapsSection",
    "PropertySection",
    "Read",
    "RunSection",
    "Section",
    "TopologySection",
    "TriggerSection",
    "WorkloadSection",
    "begins",
    "read_section",
]


_OWN_TABLES: Final = ("public-cloud", "uniform")

#: Of each account every store keeps a balance, so more is a slip of the keyboard that would fill the memory.
MOST_ACCOUNTS: Final = 10_000_000


def _some_time(us: int) -> int:
    if us == 0:
        raise ValueError(f"{format_us(us)} is no time at all; give a longer one")
    return us


def _all_different(names: list[str]) -> list[str]:
    for name in names:
        if not name or "/" in name or "*" in name:
            raise ValueError(f"{name!r} cannot name a region, being empty or with / or *; rename it")
        if names.count(name) > 1:
            raise ValueError(f"{name!r} occurs twice; name each region once")
    return names


def _all_once(ids: list[int]) -> list[int]:
    seen: set[int] = set()
    for number in ids:
        if number in seen:
            raise ValueError(f"{number} occurs twice; name each operation once")
        seen.add(number)
    return ids


def _mode(value: object) -> Mode:
    if value not in list(Mode):
        raise ValueError(f"{value!r} is not one of {', '.join(Mode)}; {way_to(str(value), Mode)}")
    return Mode(str(value))


def _table(name: str) -> str:
    if name not in _OWN_TABLES and not name.endswith(".csv"):
        raise ValueError(
            f"{name!r} is not one of {', '.join(_OWN_TABLES)}; {way_to(name, _OWN_TABLES)} "
            "A table of your own is the name of a .csv file"
        )
    return name


Duration = Annotated[int, BeforeValidator(duration_us)]
SomeTime = Annotated[int, BeforeValidator(duration_us), AfterValidator(_some_time)]
Bandwidth = Annotated[int, BeforeValidator(bytes_per_s)]
Rate = Annotated[float, BeforeValidator(rate_per_s), Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Name = Annotated[str, Field(min_length=1)]
Share = Annotated[float, Field(ge=0, le=1)]
CapShare = Annotated[float, Field(gt=0, lt=1)]


class Section(BaseModel):
    """Keys are spelt as in the file; whatever is not listed is refused."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class TopologySection(Section):
    """`[topology]`: equal regions. Clients are hosts, counted apart; racks are of each cluster."""

    regions: Annotated[list[str], Field(min_length=1), AfterValidator(_all_different)]
    clusters: Count = 1
    hosts: Count
    clients: Count = 1
    racks: Annotated[int, Field(ge=0)] = 0


class HostCapsSection(Section):
    """`[hosts.layer_caps]`: most that a layer may use of the cores; service traffic takes what is left."""

    region: CapShare | None = None
    cluster: CapShare | None = None
    host: CapShare | None = None


class HostsSection(Section):
    """`[hosts]`: what every server can do. Times are of one unit of work, or of one flush.

    With `priority = false` all that waits for a core is in one inbox, whatever its layer.
    """

    cores: Count = 2
    inbox: Count = 10_000
    flush_min: Duration = 1_000
    flush_max: Duration = 3_000
    service_time: Duration = 200
    service_times: dict[str, Duration] = Field(default_factory=dict)
    priority: bool = True
    layer_caps: HostCapsSection = Field(default_factory=HostCapsSection)


class LatencySection(Section):
    """`[latency]`: round trips, halved for each way; `between_regions` is for `uniform` only.

    `table` may be a CSV file of round trips, `samples` one of delays measured one by one. What
    the tables under `noise`, `legs`, `bandwidth`, `layer_caps` and `slow` hold is read in `latency`.
    With `priority = false` all that waits for bandwidth is in one queue.
    """

    table: Annotated[str, AfterValidator(_table)] = "public-cloud"
    samples: Name | None = None
    between_regions: SomeTime | None = None
    same_host: Duration = 20
    within_cluster: Duration = 100
    between_clusters: Duration = 1_500
    jitter: Share = 0.0
    noise: Any = Field(default_factory=dict)
    legs: Any = Field(default_factory=dict)
    bandwidth: Any = Field(default_factory=dict)
    layer_caps: Any = Field(default_factory=dict)
    priority: bool = True
    slow: Any = Field(default_factory=list)


class BandwidthSection(Section):
    """`[latency.bandwidth]`: of each link, by how far apart its hosts are; else unlimited."""

    within_cluster: Bandwidth | None = None
    between_clusters: Bandwidth | None = None
    between_regions: Bandwidth | None = None


class LayerCapsSection(Section):
    """`[latency.layer_caps]`: most that a layer may use of a link; service traffic takes what is left."""

    region: Bandwidth | None = None
    cluster: Bandwidth | None = None
    host: Bandwidth | None = None


class ConnectionsSection(Section):
    """`[connections]`: how patient they are; `messages` travel on them whatever their class says."""

    retransmit_min: SomeTime = DEFAULT_CONNECTIONS.retransmit_us_min
    retransmit_max: SomeTime = DEFAULT_CONNECTIONS.retransmit_us_max
    timeout: SomeTime = DEFAULT_CONNECTIONS.timeout_us
    messages: list[Name] = Field(default_factory=list)


class RunSection(Section):
    """`[run]`: the run ends before `until`; what happens before `warm_up` is not measured."""

    until: SomeTime
    warm_up: Duration = 0


class WorkloadSection(Section):
    """`[workload]`: open-loop load of all regions together; one client policy for all arms.

    `accounts` counts the keys of whatever is stored; fractions, amounts and balances are the bank's.
    """

    rate: Rate
    accounts: Annotated[int, Field(ge=1, le=MOST_ACCOUNTS)]
    zipf_exponent: Annotated[float, Field(ge=0)] = 0.99
    deposit_fraction: Share = 0.5
    amount_min: Count = 1
    amount_max: Count = 10_000
    opening_balance: Annotated[int, Field(ge=0)] = 20_000
    begins: Duration = 0
    ends: SomeTime
    deadline: SomeTime = 2_000_000
    attempt_timeout: SomeTime = 600_000
    backoff: SomeTime = 100_000
    audit: SomeTime | None = None
    contended: bool = False
    locality: Share = 0.0
    only: Annotated[list[int], AfterValidator(_all_once)] | None = None


class TriggerSection(Section):
    """`at = { point = "C7", nth = 2, host = "us-east-1/c1/h1" }`, or with `note` in place of `point`.

    Only what happens from `since` on and before `until` counts.
    """

    point: Name | None = None
    note: Name | None = None
    nth: Count = 1
    host: Name | None = None
    since: Duration = 0
    until: SomeTime | None = None


def begins(value: object) -> str:
    """Which of its two forms an `at` has."""
    return "trigger" if isinstance(value, Mapping) else "time"


class FaultSection(Section):
    """One `[[fault]]`; without `for` it lasts to the end."""

    id: Name
    kind: Name
    targets: Annotated[list[Name], Field(min_length=1)]
    at: Annotated[Annotated[Duration, Tag("time")] | Annotated[TriggerSection, Tag("trigger")], Discriminator(begins)]
    # The alias is the key in the file; `for` is no name in Python.
    for_: SomeTime | None = Field(default=None, alias="for")
    params: dict[str, bool | int | float | str | list[str]] = Field(default_factory=dict)


class PropertySection(Section):
    """One `[[property]]`."""

    name: Name
    mode: Annotated[Mode, BeforeValidator(_mode)]
    params: dict[str, bool | int | float | str | list[str]] = Field(default_factory=dict)


#: Top-level keys of a file, and whether one must be there. `[system]` has no schema of its
#: own: its options are whatever the factory takes.
SECTIONS: Final[Mapping[str, bool]] = {
    "question": False,
    "topology": True,
    "hosts": False,
    "latency": False,
    "connections": False,
    "run": True,
    "system": True,
    "workload": True,
    "fault": False,
    "operation": False,
    "nemesis": False,
    "property": False,
}


class Read(NamedTuple):
    """What was right in a section, by key, and what was not."""

    values: dict[str, Any]
    findings: list[Finding]

    @property
    def whole(self) -> bool:
        """Whether nothing was wrong."""
        return not self.findings


def read_section(model: type[BaseModel], raw: object, path: str) -> Read:
    """Read one table of a file against its model.

    Args:
        model: A section.
        raw: What the file holds there.
        path: Where that is, such as `topology` or `fault[0]`.
    """
    if not isinstance(raw, Mapping):
        header = f"[[{path.partition('[')[0]}]]" if path.endswith("]") else f"[{path}]"
        return Read({}, [Finding(path, shown(raw), "not a table", f"write it under {header}")])
    known: dict[tuple[Any, ...], list[str]] = {(): [field.alias or name for name, field in model.model_fields.items()]}
    known["at",] = list(getattr(model, "TRIGGER", TriggerSection).model_fields)
    known["layer_caps",] = list(HostCapsSection.model_fields)
    try:
        section = model.model_validate(raw)
    except ValidationError as failed:
        errors = _distinct(failed.errors(include_url=False))
        findings = [explain(_join(path, error["loc"]), error, known.get(error["loc"][:-1], ())) for error in errors]
        wrong = {error["loc"][0] for error in errors}
        return Read(_right_ones(model, raw, wrong), findings)
    return Read({field.alias or name: getattr(section, name) for name, field in model.model_fields.items()}, [])


def _right_ones(model: type[BaseModel], raw: Mapping[str, Any], wrong: set[Any]) -> dict[str, Any]:
    """The values of the keys that are not `wrong`, converted; defaults where there is none."""
    values: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        key = field.alias or name
        if key in wrong:
            continue
        if key in raw:
            adapter: TypeAdapter[Any] = TypeAdapter(field.rebuild_annotation())
            values[key] = adapter.validate_python(raw[key], strict=True)
        else:
            values[key] = field.get_default(call_default_factory=True)
    return values


def _distinct(errors: list[Any]) -> list[Any]:
    """One error a place: a union reports each of its members, or names the one it chose."""
    found: dict[tuple[Any, ...], Any] = {}
    for error in errors:
        place = error["loc"]
        if place[:1] == ("params",):
            place = place[:2]
            error = {**error, "loc": place, "type": "param", "msg": "not a number, text, truth value or list of texts"}
        if place[:1] == ("at",) and len(place) > 1:
            place = (place[0], *place[2:])
            error = {**error, "loc": place}
        found.setdefault(place, error)
    return list(found.values())


def _join(path: str, loc: tuple[Any, ...]) -> str:
    for part in loc:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    return path
