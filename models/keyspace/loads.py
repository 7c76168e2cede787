"""How much is asked of each stretch, as reports tell, averaged over the last of them.

One report counts a quarter of a second, in which chance alone makes a stretch look hot; so newer reports
count for more and older ones fade. Who is silent for long is not counted: its load is elsewhere by now.
"""

from __future__ import annotations

from typing import Final

from models.keyspace.words import Report

__all__ = ["Loads"]

#: What a report counts against all before it.
_WEIGHT: Final = 0.3
#: Below this nothing is remembered.
_LEAST: Final = 0.05
#: For so long a server that is silent counts.
_SILENT_US: Final = 3_000_000


class Loads:
    """The loads that servers reported."""

    def __init__(self) -> None:
        self._rates: dict[int, dict[int, float]] = {}
        self._hot: dict[int, dict[int, float]] = {}
        self._heard_us: dict[int, int] = {}

    def take(self, report: Report, now_us: int) -> None:
        """Count a report in."""
        seconds = max(report.window_us, 1) / 1_000_000
        rates = {begin: times / seconds for begin, times in report.asked}
        hot = {point: times / seconds for point, times in report.hot}
        self._rates[report.server] = _faded(self._rates.get(report.server), rates)
        self._hot[report.server] = _faded(self._hot.get(report.server), hot)
        self._heard_us[report.server] = now_us

    def now(self, now_us: int) -> tuple[dict[int, float], dict[int, float]]:
        """Requests a second, by first point of a stretch and by hot point."""
        rates: dict[int, float] = {}
        hot: dict[int, float] = {}
        for server, heard_us in sorted(self._heard_us.items()):
            if now_us - heard_us <= _SILENT_US:
                for total, part in ((rates, self._rates[server]), (hot, self._hot[server])):
                    for at, rate in part.items():
                        total[at] = total.get(at, 0.0) + rate
        return rates, hot


def _faded(before: dict[int, float] | None, fresh: dict[int, float]) -> dict[int, float]:
    """An exponentially weighted mean; the first report stands for all before it."""
    if before is None:
        return fresh
    found = {}
    for at in (*before, *(one for one in fresh if one not in before)):
        value = (1 - _WEIGHT) * before.get(at, 0.0) + _WEIGHT * fresh.get(at, 0.0)
        if value >= _LEAST:
            found[at] = value
    return found
