"""What is claimed of layers, held against the rows. All comparisons are of arms under one seed, and one family."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Final

from experiments.experiment import Finding
from experiments.family import Family, shown
from experiments.layers.arms import CALM, CAPPED, FAILOVER, FIFO, HOSTS, LINKS, PRIORITY, STORM, LayerRow
from experiments.results import Results
from experiments.statistics import Interval, at_most

__all__ = ["FAMILY", "LAYERS", "check", "volume"]

FAMILY: Final = Family(compared=8)
#: From the highest.
LAYERS: Final = ("region", "cluster", "host", "service")
#: What a layer that waits for nothing may cost or gain, milliseconds of the median.
_NOTHING_MS: Final = 5.0
_ALL: Final = 0.99
Rows = Results[LayerRow]


def check(results: Rows) -> list[Finding]:
    """Control under load, a storm with and without its cap, and volumes."""
    return [
        _calm(results),
        _deposed(results, HOSTS, "full inboxes"),
        _deposed(results, LINKS, "full links"),
        _availability(results),
        _failover(results),
        _starved(results),
        _storm_deposes(results),
        _capped(results),
        _volume(results),
        _replication(results),
    ]


def _calm(results: Rows) -> Finding:
    rows = [row for row in results.rows if row.scenario == CALM]
    costs = [FAMILY.difference(results, CALM, arm, PRIORITY, "latency_p50_ms") for arm in (FIFO, CAPPED)]
    inside = all(_inside(cost) for cost in costs)
    served = all(row.answered_share >= _ALL and row.false_failovers == 0 for row in rows)
    tells = inside or all(cost is not None and cost.n >= FAMILY.fewest for cost in costs)
    return Finding(
        claim="While nothing is short it makes no difference how layers are served, a cap included",
        holds=False if not served else inside if tells and rows else None,
        detail=f"p50 against strict priority, ms: one queue {shown(costs[0], '.2f')}, "
        f"capped {shown(costs[1], '.2f')}; all answered: {served}",
    )


def _inside(interval: Interval | None) -> bool:
    """Whether a difference of medians is surely none to speak of."""
    if interval is None or interval.low is None or interval.high is None:
        return False
    return interval.low > -_NOTHING_MS and interval.high < _NOTHING_MS


def _runs_with(rows: Sequence[LayerRow]) -> int:
    return sum(row.false_failovers > 0 for row in rows)


def _deposed(results: Rows, scenario: str, where: str) -> Finding:
    kept, lost = results.at(scenario, PRIORITY), results.at(scenario, FIFO)
    more = FAMILY.difference(results, scenario, FIFO, PRIORITY, "false_failovers")
    good = FAMILY.above(more)
    return Finding(
        claim=f"Behind {where} a healthy leader is deposed if all wait in one queue, and never with priority",
        holds=False if _runs_with(kept) else good,
        detail=f"runs with a false failover: one queue {_runs_with(lost)} of {len(lost)}, "
        f"priority {at_most(_runs_with(kept), len(kept)) if kept else 'no run'}; more a run: {shown(more, '.2f')}",
    )


def _availability(results: Rows) -> Finding:
    more = FAMILY.difference(results, HOSTS, PRIORITY, FIFO, "answered_share")
    return Finding(
        claim="Behind full inboxes more commands are answered with priority, for all that it serves them last",
        holds=FAMILY.above(more),
        detail=f"share of commands answered, priority less one queue: {shown(more, '.3f')}",
    )


def _failover(results: Rows) -> Finding:
    pairs = results.pairs(FAILOVER, FIFO, PRIORITY)
    later = [a.led_again_ms > b.led_again_ms for a, b in pairs if a.led_again_ms and b.led_again_ms]
    late = FAMILY.difference(results, FAILOVER, FIFO, PRIORITY, "led_again_ms")
    never = sum(a.led_again_ms == inf for a, _ in pairs)
    return Finding(
        claim="With all inboxes full a dead leader is replaced sooner with priority",
        holds=all(later) if late is None and later else FAMILY.above(late),
        detail=f"later with one queue in {sum(later)} of {len(pairs)} runs, never in {never}; "
        f"later by {'-' if late is None else shown(late, '.0f')} ms",
    )


def _starved(results: Rows) -> Finding:
    less = FAMILY.difference(results, STORM, CAPPED, PRIORITY, "answered_share")
    return Finding(
        claim="A storm of region scope starves commands under strict priority, and a cap on its layer feeds them",
        holds=FAMILY.above(less),
        detail=f"share of commands answered, capped less uncapped: {shown(less, '.3f')}",
    )


def _storm_deposes(results: Rows) -> Finding:
    rows, capped = results.at(STORM, PRIORITY), results.at(STORM, CAPPED)
    more = FAMILY.difference(results, STORM, PRIORITY, CAPPED, "false_failovers")
    return Finding(
        claim="Strict priority starves the layers between too: the storm deposes a healthy leader, but under the cap",
        holds=False if _runs_with(capped) else FAMILY.above(more),
        detail=f"runs with a false failover: {_runs_with(rows)} of {len(rows)}, under the cap "
        f"{at_most(_runs_with(capped), len(capped)) if capped else 'no run'}",
    )


def _capped(results: Rows) -> Finding:
    rows = results.at(STORM, CAPPED)
    least = min((row.answered_share for row in rows), default=0.0)
    return Finding(
        claim="Under the cap a storm leaves commands what they need: all but one in a hundred are answered",
        holds=least >= _ALL if rows else None,
        detail=f"least share answered in {len(rows)} runs: {least:.4f}",
    )


def volume(row: LayerRow, unit: str) -> tuple[int, ...]:
    """What each layer carried, from the highest; `unit` is messages or bytes."""
    return tuple(getattr(row, f"{unit}_{layer}") for layer in LAYERS)


def _volume(results: Rows) -> Finding:
    rows = results.at(CALM, PRIORITY)
    bad = []
    for row in rows:
        for unit in ("messages", "bytes"):
            region, cluster, *lower = volume(row, unit)
            if not region < cluster < min(lower):
                bad.append(row.key)
    return Finding(
        claim="Region traffic is of lower volume than cluster traffic, and that than host and service traffic",
        holds=not bad if rows else None,
        detail=f"runs where not: {at_most(len(set(bad)), len(rows)) if rows else 'no run'}",
    )


def _replication(results: Rows) -> Finding:
    rows = results.at(CALM, PRIORITY)
    more = [row.bytes_host / row.bytes_service for row in rows]
    return Finding(
        claim="Of host and service scope the premise is not true: replication carries more bytes than commands do",
        holds=all(ratio > 1 for ratio in more) if more else None,
        detail=f"bytes of host scope for one of service scope: {min(more):.2f} to {max(more):.2f}"
        if more
        else "no run",
    )
