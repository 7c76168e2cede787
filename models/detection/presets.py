"""Published parameters, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from models.detection.accrual import Akka, Cassandra, Exponential, Phi
from models.detection.average import Deviation, Ewma, Mean
from models.detection.detector import Plan
from models.detection.fixed import Fixed
from models.detection.freshness import Bertier, NfdE, TwoWindows
from models.detection.recent import Recent
from models.detection.refusals import at_least, refuse

__all__ = ["AKKA_CLUSTER", "AKKA_REMOTE", "CASSANDRA", "published"]

#: akka.cluster.failure-detector, for heartbeats every second; Pekko has the same.
AKKA_CLUSTER: Final = Akka(
    threshold=8.0, pause_us=3_000_000, deviation_us_min=100_000, first_us=1_000_000, window=1_000
)
#: akka.remote.watch-failure-detector, likewise.
AKKA_REMOTE: Final = Akka(threshold=10.0, pause_us=10_000_000, deviation_us_min=100_000, first_us=1_000_000, window=200)
#: phi_convict_threshold 8, cassandra.fd_initial_value_ms and fd_max_interval_ms 2000.
CASSANDRA: Final = Cassandra(threshold=8.0, initial_us=2_000_000, interval_us_max=2_000_000, window=1_000)


def published(eta_us: int) -> Mapping[str, Plan]:
    """Every kind of detector for heartbeats every `eta_us`, as published or as its defaults are.

    What has no published parameter takes a round one: three intervals for time-outs, one for margins.
    """
    refuse((at_least("eta_us", eta_us, 4),))
    return {
        "fixed": Fixed(timeout_us=3 * eta_us),
        "mean": Mean(eta_us=eta_us),
        "deviation": Deviation(eta_us=eta_us),
        "ewma": Ewma(eta_us=eta_us),
        "nfd-e": NfdE(eta_us=eta_us, alpha_us=eta_us, window=32),
        "bertier": Bertier(eta_us=eta_us, gamma=0.1, beta=1.0, phi=4.0, window=1_000),
        "2w-fd": TwoWindows(eta_us=eta_us, margin_us=eta_us, short=1, long=1_000),
        "phi": Phi(eta_us=eta_us, threshold=8.0, recent=Recent(1_000)),
        "exponential": Exponential(eta_us=eta_us, threshold=8.0, recent=Recent(1_000)),
        # Its first estimate is the interval that it is configured with.
        "akka": replace(AKKA_CLUSTER, first_us=eta_us),
        "cassandra": CASSANDRA,
    }
