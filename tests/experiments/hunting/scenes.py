"""Scenarios for the tests of the hunt."""

STALE = """
question = "Does a read find what was acknowledged a second ago?"

[topology]
regions = ["a", "b", "c"]
clusters = 1
hosts = 2
clients = 1

[latency]
table = "uniform"
between_regions = "40ms"
jitter = 0.1

[run]
until = "20s"

[system]
factory = "tests.experiments.hunting.registers:register"

[workload]
rate = "12/s"
accounts = 3
ends = "12s"
audit = "15s"

[[property]]
name = "tests.experiments.hunting.registers:fresh_reads"
mode = "always"
"""

FRESH = "tests.experiments.hunting.registers:fresh_reads"
