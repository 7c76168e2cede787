"""Distributions of delays in a scenario: `{ kind = "lognormal", median = "2ms", sigma = 0.5 }`.

Any of them may have a `floor`, below which no delay falls. A mixture lists its parts, each
with a `share` beside its own keys; shares are relative.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final

from pydantic import BaseModel, Field

from experiments.scenario.beside import Beside
from experiments.scenario.problems import NOTHING, Finding, shown
from experiments.scenario.schema import Duration, Section, SomeTime, read_section
from sim.imports import read_delay_samples
from sim.latency.composed import Empirical, Floored, Mixture
from sim.latency.delays import Constant, Exponential, Lognormal, Pareto, Shape, Uniform
from sim.units import format_us
from sim.wording import way_to

__all__ = ["read_delay", "read_kind", "too_short"]

Positive = Annotated[float, Field(gt=0)]


class _Delay(Section):
    kind: str
    floor: Duration | None = None


class ConstantDelay(_Delay):
    """Always the same."""

    delay: Duration


class UniformDelay(_Delay):
    """Any whole number of microseconds between two, both included."""

    shortest: Duration
    longest: Duration


class ExponentialDelay(_Delay):
    """Exponential."""

    mean: SomeTime


class LognormalDelay(_Delay):
    """Half of all below the median; `sigma` spreads the logarithm."""

    median: SomeTime
    sigma: Annotated[float, Field(gt=0, le=10)]


class ParetoDelay(_Delay):
    """P(X > x) = (scale / x) ** alpha."""

    scale: SomeTime
    alpha: Annotated[float, Field(ge=0.1)]


class EmpiricalDelay(_Delay):
    """Drawn again from the samples of a CSV file that names no links."""

    samples: str


class MixtureDelay(_Delay):
    """One of `parts`, by `share`."""

    parts: list[Any]


class _Part(Section):
    share: Positive


_KINDS: Final[Mapping[str, type[BaseModel]]] = MappingProxyType(
    {
        "constant": ConstantDelay,
        "uniform": UniformDelay,
        "exponential": ExponentialDelay,
        "lognormal": LognormalDelay,
        "pareto": ParetoDelay,
        "empirical": EmpiricalDelay,
        "mixture": MixtureDelay,
    }
)


def read_delay(raw: object, path: str, beside: Beside) -> tuple[Shape | None, list[Finding]]:
    """The distribution that a table describes, None if anything is wrong with it."""
    values, findings = read_kind(raw, path, _KINDS)
    if values is None or findings:
        return None, findings
    kind = values["kind"]
    if kind == "empirical":
        made, findings = _empirical(values["samples"], f"{path}.samples", beside)
    elif kind == "mixture":
        made, findings = _mixture(values["parts"], f"{path}.parts", beside)
    else:
        made, findings = _elementary(kind, values, path)
    floor_us = values["floor"]
    return (Floored(floor_us, made) if made is not None and floor_us is not None else made), findings


def read_kind(
    raw: object, path: str, kinds: Mapping[str, type[BaseModel]]
) -> tuple[dict[str, Any] | None, list[Finding]]:
    """Read a table whose `kind` says which keys it has; values are None if the kind is not known."""
    if not isinstance(raw, Mapping):
        return None, [Finding(path, shown(raw), "not a table", 'write one, as in { kind = "..." }')]
    kind = raw.get("kind")
    if kind is None:
        return None, [Finding(f"{path}.kind", NOTHING, "is required", f"add one of {', '.join(kinds)}")]
    if not isinstance(kind, str) or kind not in kinds:
        rule = f"not one of {', '.join(kinds)}"
        return None, [Finding(f"{path}.kind", shown(kind), rule, way_to(str(kind), kinds))]
    read = read_section(kinds[kind], raw, path)
    return read.values, read.findings


def too_short(path: str, shortest_us: int, longest_us: int) -> Finding:
    """What to say of a `longest` below its `shortest`."""
    rule = f"is below {path}.shortest = {shown(format_us(shortest_us))}"
    return Finding(f"{path}.longest", shown(format_us(longest_us)), rule, "raise it")


def _elementary(kind: str, values: Mapping[str, Any], path: str) -> tuple[Shape | None, list[Finding]]:
    if kind == "constant":
        return Constant(values["delay"]), []
    if kind == "exponential":
        return Exponential(values["mean"]), []
    if kind == "lognormal":
        return Lognormal(values["median"], values["sigma"]), []
    if kind == "pareto":
        return Pareto(values["scale"], values["alpha"]), []
    low, high = values["shortest"], values["longest"]
    if high < low:
        return None, [too_short(path, low, high)]
    return Uniform(low, high), []


def _empirical(name: str, path: str, beside: Beside) -> tuple[Shape | None, list[Finding]]:
    samples, findings = beside.read(name, path, read_delay_samples)
    if samples is None:
        return None, findings
    if None not in samples:
        rule = "its samples are of links, from and to"
        return None, [Finding(path, shown(name), rule, "leave those columns out, or use it as latency.samples")]
    return Empirical(samples[None]), []


def _mixture(parts: list[Any], path: str, beside: Beside) -> tuple[Shape | None, list[Finding]]:
    findings: list[Finding] = []
    made: list[tuple[float, Shape]] = []
    if not parts:
        return None, [Finding(path, "[]", "holds no part", 'add one, as in { share = 1, kind = "..." }')]
    for number, part in enumerate(parts):
        place = f"{path}[{number}]"
        share = {"share": part["share"]} if isinstance(part, Mapping) and "share" in part else {}
        rest = {key: value for key, value in part.items() if key != "share"} if isinstance(part, Mapping) else part
        if isinstance(part, Mapping):
            read = read_section(_Part, share, place)
            findings += read.findings
        delay, found = read_delay(rest, place, beside)
        findings += found
        if not findings and delay is not None:
            made.append((read.values["share"], delay))
    return (Mixture(tuple(made)) if not findings else None), findings
