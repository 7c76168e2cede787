"""`[nemesis]`: what the fault schedules shall be like that a hunt draws for a scenario, run by run.

    [nemesis]
    mode = "healing"                     # or "unlimited", "core"
    without = ["clock"]                  # or families = ["halves", "crash"]
    allow = ["disk-loss"]                # unfair kinds, drawn only where allowed
    surely = ["disk-loss"]               # of those, two more in every schedule
    density = 2.0                        # twice as many faults
    from = "2s"
    until = "12s"

Without a word the faults heal: they begin with the load and are over as it ends, at least five
seconds before the run does, which is as long as properties of rest want.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from experiments.scenario.problems import Finding, finding, shown
from experiments.scenario.schema import Duration, Name, Section, SomeTime
from models.clients import Workload
from sim.nemesis import FAMILIES, SHORTEST_WINDOW_US, SURE, UNFAIR, Mode, Options
from sim.topology import Topology
from sim.units import format_us
from sim.wording import way_to

__all__ = ["NemesisSection", "check_nemesis", "nemesis_options"]

#: From the last heal to the end of a run.
_REST_US: Final = 5_000_000


def _mode(value: object) -> Mode:
    if value not in list(Mode):
        raise ValueError(f"{value!r} is not one of {', '.join(Mode)}; {way_to(str(value), Mode)}")
    return Mode(str(value))


class NemesisSection(Section):
    """`[nemesis]`: `families` are the only ones drawn, or `without` is not; `core` is for mode `core`."""

    mode: Annotated[Mode, BeforeValidator(_mode)] = Mode.HEALING
    families: Annotated[list[Name], Field(min_length=1)] | None = None
    without: list[Name] = Field(default_factory=list)
    allow: list[Name] = Field(default_factory=list)
    surely: list[Name] = Field(default_factory=list)
    density: Annotated[float, Field(gt=0, le=100)] = 1.0
    from_: Duration | None = Field(default=None, alias="from")
    until: SomeTime | None = None
    core: list[Name] = Field(default_factory=list)
    core_from: SomeTime | None = None


def check_nemesis(
    values: Mapping[str, Any], raw: object, run_us: int | None, topology: Topology | None
) -> Iterable[Finding]:
    """The section against the families, the run and the topology.

    Args:
        values: What was right of it.
        raw: The whole of it: of a list that holds a number too, the names can be told all the same.
        run_us: End of the run, None if that is not known.
        topology: The world's; None if its section has a mistake.
    """
    yield from _unknown_names(raw)
    if values.get("families") and values.get("without"):
        yield Finding("nemesis.without", shown(values["without"]), "families are named already", "leave one out")
    elif set(values.get("without", ())) >= set(FAMILIES):
        yield Finding("nemesis.without", shown(values["without"]), "leaves no family", "leave one in")
    if values.get("mode") not in (Mode.CORE, None):
        for key in ("core", "core_from"):
            if values.get(key):
                value = format_us(values[key]) if key == "core_from" else values[key]
                yield Finding(f"nemesis.{key}", shown(value), f'mode is "{values["mode"]}"', 'set mode = "core"')
    yield from _not_allowed(values)
    if topology is not None:
        for name in values.get("core", ()):
            try:
                topology.select(name)
            except ValueError as refused:
                yield finding("nemesis.core", name, str(refused))
    until_us = values.get("until")
    if run_us is not None and until_us is not None and until_us > run_us:
        rule = f"is past the end of the run, {shown(format_us(run_us))}"
        yield Finding("nemesis.until", shown(format_us(until_us)), rule, "end it earlier or run longer")
    begins_us = values.get("from")
    if run_us is not None and begins_us is not None and begins_us >= run_us:
        rule = f"is not before the end of the run, {shown(format_us(run_us))}"
        yield Finding("nemesis.from", shown(format_us(begins_us)), rule, "begin earlier or run longer")


def _not_allowed(values: Mapping[str, Any]) -> Iterable[Finding]:
    for name in values.get("surely", ()):
        if name in SURE and name not in values.get("allow", ()):
            yield Finding("nemesis.surely", shown(name), "it is not allowed", f'add it, as in allow = ["{name}"]')


def _unknown_names(raw: object) -> Iterable[Finding]:
    families, unfair = "no such family of faults", "no kind that has to be allowed"
    for key, known, what in (
        ("families", FAMILIES, families),
        ("without", FAMILIES, families),
        ("allow", UNFAIR, unfair),
        ("surely", SURE, "no kind that is struck for sure"),
    ):
        names = raw.get(key) if isinstance(raw, Mapping) else None
        for name in names if isinstance(names, list | tuple) else ():
            if isinstance(name, str) and name and name not in known:
                yield Finding(f"nemesis.{key}", shown(name), what, way_to(name, known))


def nemesis_options(values: Mapping[str, Any], until_us: int, workload: Workload) -> Options:
    """What a right section asks for; an empty one is the default.

    Raises:
        ValueError: the times leave no room for faults.
    """
    mode = values.get("mode", Mode.HEALING)
    begins_us, ends_us = values.get("from"), values.get("until")
    if begins_us is None:
        begins_us = workload.begins_us
    if ends_us is None:
        ends_us = min(workload.ends_us, until_us - _REST_US) if mode is Mode.HEALING else workload.ends_us
        if mode is Mode.HEALING and until_us - _REST_US <= begins_us:
            rest, end = format_us(_REST_US), format_us(until_us)
            raise ValueError(f"faults that heal {rest} before the end at {end} have no time; run longer, or set until")
    window = f"from {format_us(begins_us)} until {format_us(ends_us)}"
    if ends_us - begins_us < SHORTEST_WINDOW_US:
        raise ValueError(f"faults {window} have no room; give them at least {format_us(SHORTEST_WINDOW_US)}")
    core_us = values.get("core_from")
    if core_us is not None and not begins_us < core_us < ends_us:
        raise ValueError(f"core_from {format_us(core_us)} is not within the faults {window}; move it")
    families = values.get("families")
    if values.get("without"):
        families = [name for name in FAMILIES if name not in values["without"]]
    return Options(
        until_us=until_us,
        ends_us=ends_us,
        begins_us=begins_us,
        mode=mode,
        families=None if families is None else frozenset(families),
        allow=frozenset(values.get("allow", ())),
        surely=frozenset(values.get("surely", ())),
        density=values.get("density", 1.0),
        core_us=core_us,
        core=tuple(values.get("core", ())),
    )
