"""Which cells each size runs: the formula of a uniform begin is measured where nobody retries."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from experiments.experiment import Size
from experiments.risks.arms import (
    ARMS,
    BACK,
    CALM,
    CHANCE,
    CHANCE_BACK,
    CUT,
    EVEN,
    FENCE,
    ONCE,
    QUERY,
    SILENCE,
    STREAM,
    TIME,
    UNEVEN,
    UNIFORM,
    WRONG,
)

__all__ = ["FULL", "QUICK"]

_QUICK: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        CALM: (TIME,),
        EVEN: (ONCE, TIME),
        UNEVEN: (TIME, QUERY),
        CUT: (ONCE, SILENCE, TIME, CHANCE, WRONG, FENCE),
        BACK: (CHANCE, CHANCE_BACK),
        STREAM: (ONCE, SILENCE, CHANCE),
        UNIFORM: (ONCE,),
    }
)
_ALL: Final = tuple(arm.name for arm in ARMS)
_FULL: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {**dict.fromkeys((CALM, EVEN, UNEVEN, CUT, BACK, STREAM), _ALL), UNIFORM: (ONCE,)}
)
QUICK: Final = Size(seeds=4, only=_QUICK)
FULL: Final = Size(seeds=70, only=_FULL)
