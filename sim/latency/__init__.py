"""How far apart hosts are: delays as distributions, and what makes them wax and wane.

Read `model` first: which delay, which bandwidth and which slow component an ordered pair of
hosts has. `delays` and `composed` hold the distributions of single messages; `slow` and `courses` what
changes with time for all messages of a link alike (steps, days, routes, stalls, bursts), as
functions of seed, link and time; `timeline` how such a function is drawn without end.
"""

from sim.latency.composed import Empirical, Mixture
from sim.latency.delays import Constant, Delay, Exponential, Jittered, Lognormal, Pareto, Uniform
from sim.latency.model import LatencyModel, measured, public_cloud, uniform
from sim.latency.slow import Slow, SlowRule
from sim.latency.tier import Tier

__all__ = [
    "Constant",
    "Delay",
    "Empirical",
    "Exponential",
    "Jittered",
    "LatencyModel",
    "Lognormal",
    "Mixture",
    "Pareto",
    "Slow",
    "SlowRule",
    "Tier",
    "Uniform",
    "measured",
    "public_cloud",
    "uniform",
]
