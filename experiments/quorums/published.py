"""What was published: every figure with its place, and by what procedure it was got.

Source: Bailis, Venkataraman, Franklin, Hellerstein, Stoica, VLDB 2012: Table 4 and sections 5.3 to 5.6, as in the
authors' repository (github.com/pbailis/pbs-vldb-historical-paper-material, writeup/ernst.tex). By its caption the
table's latencies are 99.9th percentiles of 1,000,000 reads and writes, and its t of 50,000 at each pause; the step
of the pauses is that of the authors' simulator: 0.01 ms for LNKD-SSD, 1 ms for YMMR, else 0.1 ms.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from experiments.quorums.legs import DISK, SSD, WAN, YMMR, YMMR_CODE, Legs, exponential
from experiments.quorums.visibility import Grid
from experiments.quorums.wars import Quorum

__all__ = ["EXPONENTIAL", "FRESH", "LATENCIES", "LEGS", "SWEPT", "TABLE", "Entry", "Fitted"]


class Fitted(NamedTuple):
    """A set of legs and the pauses at which the authors looked at it."""

    title: str
    legs: Legs
    grid: Grid


class Entry(NamedTuple):
    """One cell of the table: read and write latency and t, milliseconds, as printed."""

    legs: str
    r: int
    w: int
    read: str
    write: str
    t: str


_ONE: Final = exponential(1)
_MEDIUM: Final = Grid(0, 0.1, 150)
LEGS: Final[Mapping[str, Fitted]] = MappingProxyType(
    {
        "ssd": Fitted("LNKD-SSD", SSD, Grid(0, 0.01, 4)),
        "disk": Fitted("LNKD-DISK", DISK, _MEDIUM),
        "ymmr": Fitted("YMMR, exponent 3.5 as in the code", YMMR_CODE, Grid(1, 1, 1_500)),
        "ymmr-printed": Fitted("YMMR, exponent 3.35 as printed", YMMR, Grid(1, 1, 1_500)),
        "wan": Fitted("WAN", WAN, _MEDIUM),
        "exp-quarter": Fitted("W a quarter of A=R=S", Legs(w=exponential(0.25), a=_ONE, r=_ONE, s=_ONE), _MEDIUM),
        "exp-ten": Fitted("W ten times A=R=S", Legs(w=exponential(10), a=_ONE, r=_ONE, s=_ONE), _MEDIUM),
    }
)
TABLE: Final = (
    Entry("ymmr", 1, 1, "5.58", "10.83", "1364.0"),
    Entry("ymmr", 1, 2, "5.61", "427.12", "1352.0"),
    Entry("ymmr", 2, 1, "32.6", "10.73", "202.0"),
    Entry("ymmr", 2, 2, "33.18", "428.11", "0"),
    Entry("ymmr", 3, 1, "219.27", "10.79", "0"),
    Entry("ymmr", 1, 3, "5.63", "1870.86", "0"),
    Entry("wan", 1, 1, "3.4", "55.12", "113.0"),
    Entry("wan", 1, 2, "3.4", "167.64", "0"),
    Entry("wan", 2, 1, "151.3", "56.36", "30.2"),
    Entry("wan", 2, 2, "151.31", "167.72", "0"),
    Entry("wan", 3, 1, "153.86", "55.19", "0"),
    Entry("wan", 1, 3, "3.44", "241.55", "0"),
    Entry("ssd", 1, 1, "0.66", "0.66", "1.85"),
    Entry("ssd", 1, 2, "0.66", "1.63", "1.79"),
    Entry("ssd", 2, 1, "1.63", "0.65", "0"),
    Entry("ssd", 2, 2, "1.62", "1.64", "0"),
    Entry("ssd", 3, 1, "4.14", "0.65", "0"),
    Entry("ssd", 1, 3, "0.65", "4.09", "0"),
    Entry("disk", 1, 1, "0.66", "10.99", "45.5"),
    Entry("disk", 1, 2, "0.65", "20.97", "43.3"),
    Entry("disk", 2, 1, "1.63", "10.9", "13.6"),
    Entry("disk", 2, 2, "1.64", "20.96", "0"),
    Entry("disk", 3, 1, "4.12", "10.89", "0"),
    Entry("disk", 1, 3, "0.65", "112.65", "0"),
)
#: Of what the latencies are percentiles.
LATENCIES: Final = 1_000_000
#: Per cent of reads that were consistent so many milliseconds after the write, N=3, R=W=1 (section 5.3).
FRESH: Final = (
    ("ymmr", 0, "89.3"),
    ("ymmr", 10, "93.9"),
    ("ssd", 0, "97.5"),
    ("ssd", 10, "100"),
    ("disk", 0, "43.9"),
    ("disk", 10, "92.5"),
)
#: t for other numbers of replicas, R=W=1 (section 5.5); how many reads it took is not said.
SWEPT: Final = (("disk", Quorum(2, 1, 1), "45.3"), ("disk", Quorum(10, 1, 1), "53.7"))
#: Consistent at once, per cent, and t, for exponential legs (section 5.4).
EXPONENTIAL: Final = (("exp-quarter", "94", "1"), ("exp-ten", "41", "65"))
