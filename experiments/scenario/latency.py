"""`[latency]` of a scenario: from its keys to a model of delays, or to every mistake in them.

Round trips come from a table (of the lab, or a CSV file of the user's), samples of delays
replace what the table says of their pairs; noise, bandwidth and what changes with time have
tables of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from experiments.scenario.beside import SUFFIX, Beside
from experiments.scenario.delays import read_delay
from experiments.scenario.problems import NOTHING, Finding, shown
from experiments.scenario.schema import BandwidthSection, LayerCapsSection, read_section
from experiments.scenario.slow import read_slow
from sim.imports import read_delay_samples, read_rtt_matrix
from sim.latency import Empirical, LatencyModel, Tier, measured, public_cloud, uniform
from sim.message import Layer
from sim.topology import Topology
from sim.units import format_us
from sim.wording import way_to

__all__ = ["latency_of"]

Values = Mapping[str, Any]
_LAYERS: Final[Mapping[str, Layer]] = MappingProxyType({layer.name.lower(): layer for layer in Layer})


def latency_of(
    values: Values, regions: list[str] | None, topology: Topology | None, beside: Beside
) -> tuple[LatencyModel | None, list[Finding]]:
    """The latency model of a section over `regions`; None where a mistake keeps it from being made."""
    model, findings = _propagation(values, regions, beside)
    samples, found = _samples(values, regions, beside)
    findings += found
    noise, found = _noise(values.get("noise", {}), beside)
    findings += found
    legs, found = _legs(values.get("legs", {}), beside)
    findings += found
    bandwidth, caps, found = _bandwidth(values)
    findings += found
    rules, found = read_slow(values.get("slow", []), "latency.slow", topology)
    findings += found
    priority = values.get("priority", True)
    if caps and not priority:
        rule = "all layers wait in one queue, so none can be held back alone"
        findings.append(Finding("latency.layer_caps", shown(values["layer_caps"]), rule, "leave out one of the two"))
    if model is None or regions is None:
        return None, findings
    model = replace(
        model,
        samples=samples,
        noise=noise,
        bytes_per_s=bandwidth,
        layer_caps=caps if priority else MappingProxyType({}),
        priority=priority,
        slow_rules=rules,
        legs=legs,
    )
    if values["table"] != "uniform":
        findings += _unknown_distances(model, regions, values["table"])
    return model, findings


def _propagation(
    values: Values, regions: list[str] | None, beside: Beside
) -> tuple[LatencyModel | None, list[Finding]]:
    table, between = values.get("table"), values.get("between_regions")
    path, findings = "latency.between_regions", list[Finding]()
    if table is None:
        return None, findings
    if table != "uniform" and between is not None:
        rule = f"the table {table} has its own"
        findings.append(Finding(path, shown(format_us(between)), rule, 'leave it out or use table = "uniform"'))
    if table == "uniform" and between is None and "between_regions" in values:
        findings.append(Finding(path, NOTHING, "the table uniform needs it", 'add it, as in "70ms"'))
    # Placeholders where a tier is missing, so that the regions can be checked all the same.
    options: dict[str, Any] = {
        "same_host_rtt_us": values.get("same_host", 0),
        "within_cluster_rtt_us": values.get("within_cluster", 0),
        "between_clusters_rtt_us": values.get("between_clusters", 0),
        "jitter": values.get("jitter", 0.0),
    }
    if table == "public-cloud":
        return public_cloud(**options), findings
    if table.endswith(SUFFIX):
        rtt_us, found = beside.read(table, "latency.table", read_rtt_matrix)
        return (None if rtt_us is None else measured(rtt_us, **options)), findings + found
    if regions is None or between is None:
        return None, findings
    return uniform(regions, between_regions_rtt_us=between, **options), findings


def _samples(
    values: Values, regions: list[str] | None, beside: Beside
) -> tuple[Mapping[tuple[str, str], Empirical], list[Finding]]:
    """Delays measured one by one, by pair of regions; a file that names no links is about all pairs."""
    name, path = values.get("samples"), "latency.samples"
    if name is None:
        return {}, []
    found, findings = beside.read(name, path, read_delay_samples)
    if found is None or regions is None:
        return {}, findings
    pairs = [(a, b) for a in regions for b in regions if a != b]
    by_pair = {pair: found[key] for pair in pairs for key in (pair, None) if key in found}
    if not by_pair:
        rule = "holds samples of no pair of this topology's regions"
        findings.append(Finding(path, shown(name), rule, "mind the names in from and to"))
    made = {us: Empirical(us) for us in set(by_pair.values())}
    return MappingProxyType({pair: made[us] for pair, us in by_pair.items()}), findings


def _noise(raw: object, beside: Beside) -> tuple[Mapping[Tier, Any], list[Finding]]:
    path = "latency.noise"
    if not isinstance(raw, Mapping):
        return {}, [Finding(path, shown(raw), "not a table", f"write it under [{path}.between_regions]")]
    findings: list[Finding] = []
    made = {}
    for key, value in raw.items():
        if key not in list(Tier):
            findings.append(Finding(f"{path}.{key}", shown(value), "unknown key", way_to(key, Tier)))
            continue
        delay, found = read_delay(value, f"{path}.{key}", beside)
        findings += found
        if delay is not None:
            made[Tier(key)] = delay
    return MappingProxyType(made), findings


def _legs(raw: object, beside: Beside) -> tuple[Mapping[str, Any], list[Finding]]:
    """Delays by message class; whether there are such messages is known once the system is."""
    path = "latency.legs"
    if not isinstance(raw, Mapping):
        return {}, [Finding(path, shown(raw), "not a table", f'write [{path}] with lines as Ask = {{ kind = "..." }}')]
    findings: list[Finding] = []
    made = {}
    for key, value in raw.items():
        delay, found = read_delay(value, f"{path}.{key}", beside)
        findings += found
        if delay is not None:
            made[key] = delay
    return MappingProxyType(made), findings


def _bandwidth(values: Values) -> tuple[Mapping[Tier, int], Mapping[Layer, int], list[Finding]]:
    bandwidth = read_section(BandwidthSection, values.get("bandwidth", {}), "latency.bandwidth")
    caps = read_section(LayerCapsSection, values.get("layer_caps", {}), "latency.layer_caps")
    findings = bandwidth.findings + caps.findings
    rates = {Tier(key): rate for key, rate in bandwidth.values.items() if rate is not None}
    limits = {_LAYERS[key]: rate for key, rate in caps.values.items() if rate is not None}
    if limits and not values.get("bandwidth"):
        shown_caps = shown(values["layer_caps"])
        findings.append(Finding("latency.layer_caps", shown_caps, "no link has a bandwidth", "add [latency.bandwidth]"))
    return MappingProxyType(rates), MappingProxyType(limits), findings


def _unknown_distances(model: LatencyModel, regions: list[str], table: str) -> Iterable[Finding]:
    missing = model.missing(regions)
    known = sorted({region for pair in (*model.one_way_us, *model.samples) for region in pair})
    strangers = [region for region in regions if region not in known] if len(regions) > 1 else []
    for region in strangers:
        path = f"topology.regions[{regions.index(region)}]"
        rule = f"not in the table {table}"
        yield Finding(path, shown(region), rule, f'{way_to(region, known)} Or use table = "uniform"')
    for src, dst in missing:
        mirrored = (dst, src) in missing
        if src in strangers or dst in strangers or (mirrored and regions.index(src) > regions.index(dst)):
            continue
        rule = f"holds no round trip between {src} and {dst}"
        way_out = 'choose measured pairs, or table = "uniform" with between_regions'
        yield Finding("latency.table", shown(table), rule, way_out)
