"""Benchmarks: each module has `run(progress) -> dict`, plain numbers at the top level.

Ratios are measured in one process, in interleaved repetitions, as medians; absolutes are
reported for the record. Timing lives here and never in a test.
"""
