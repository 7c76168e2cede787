"""Bool against spectrum against oracle: the same decisions on the same evidence by who knows more and more of it.

Read `decisions` first: five tables of costs. `troubles` says what goes wrong and at which rates, `worlds` lays a store
and its witnesses out, `tellers` is who says what, `truths` what was so; `runs` weighs every provider's decisions in one
world, `scores` compares them over many, `claims` says what must hold.
"""

from experiments.spectrum.claims import DECIDES, check
from experiments.spectrum.runs import SpectrumRow, run_once
from experiments.spectrum.scores import ARM
from experiments.spectrum.troubles import CALM, CRASHES, EVERYTHING, PARTIAL, SCENARIOS

__all__ = [
    "ARM",
    "CALM",
    "CRASHES",
    "DECIDES",
    "EVERYTHING",
    "PARTIAL",
    "SCENARIOS",
    "SpectrumRow",
    "check",
    "run_once",
]
