"""What measures each cell of `detector-theory`, one function each: from a seed to what was measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from math import exp
from types import MappingProxyType
from typing import Final

from experiments.detection import exact, groups
from experiments.detection.heartbeats import Beats, exponential_us, heartbeats
from experiments.detection.quality import Quality, forward_us, judged
from experiments.detection.varied import (
    CONFIGURED,
    ESTIMATED,
    INTERVALS,
    LEAST,
    NFD_S,
    PHI_LOSS,
    PHIS,
    REMAINING,
    STANDARD,
    SWIM_PROBES,
    SWIM_SIZES,
    THRESHOLDS,
    TIMEOUTS,
    WANTED,
    Configure,
    Estimate,
    Network,
    Sharp,
    Timeout,
)
from experiments.theory import Measures
from models.detection import Fixed, Mean, NfdE, NfdS, NfdU, Phi, Plan, Recent
from models.detection.arrays import Suspicions, crossings, suspicions
from models.detection.configuring import Configured, Delays, Moments, Wanted, configured
from sim.chance import Chance
from sim.trace import Digest

__all__ = ["CELLS"]

_S: Final = 1_000_000
#: Heartbeats after which windows are full and it begins to count.
_WARM: Final = 2_000
_BEATS: Final = 350_000
_BEATS_OF_RARE: Final = 3_000_000
_BEATS_OF_GOOD: Final = 900_000
_INSTANTS: Final = 200_000


def _nfd_s(case: Sharp, seed: int) -> Measures:
    """NFD-S in one network."""
    network = Network(case.eta_s, case.loss, case.mean_s)
    return _measured(NfdS(eta_us=_us(case.eta_s), delta_us=_us(case.delta_s)), _beats(network, case.beats, seed))


def _timeout(case: Timeout, seed: int) -> Measures:
    """A plain time-out, and NFD-S on the same heartbeats, none of which it throws away."""
    beats = _beats(STANDARD, _BEATS_OF_RARE, seed)
    sharp = _quality(NfdS(eta_us=_S, delta_us=_us(1.1)), beats)
    trace = beats.trace
    late = trace.arrivals_us - beats.sent_us()
    kept = late <= case.cut_s * 1e6
    cut = beats._replace(trace=type(trace)(trace.sequences[kept], trace.arrivals_us[kept]))
    measures = _measured(Fixed(timeout_us=_us(case.timeout_s)), cut)
    plain_s = measures.values["recurrence_s"]
    values = {"recurrence_s": plain_s, "gain": sharp.recurrence_us / 1e6 / plain_s}
    return Measures(values=values, count=measures.count, digest=measures.digest)


def _estimated(case: Estimate, seed: int) -> Measures:
    """NFD-U, or NFD-E, with the margin that makes it an NFD-S."""
    mean_us, alpha_us = _us(STANDARD.mean_s), _us(case.delta_s - STANDARD.mean_s)
    plan: Plan = NfdU(eta_us=_S, alpha_us=alpha_us, expected_us=mean_us)
    if case.window is not None:
        plan = NfdE(eta_us=_S, alpha_us=alpha_us, window=case.window)
    return _measured(plan, _beats(STANDARD, _BEATS, seed))


def _forward(seed: int) -> Measures:
    """Good periods of NFD-S, as wholes and from random instants."""
    beats = _beats(STANDARD, _BEATS_OF_GOOD, seed)
    found = _suspicions(NfdS(eta_us=_S, delta_us=_us(0.5)), beats)
    quality = judged(found, _WARM * _S, beats.span_us)
    # A tenth of the trace is kept for the next mistake to come in.
    at_us = forward_us(found, Chance(seed).generator("instants"), _INSTANTS, _WARM * _S, beats.span_us * 9 // 10)
    values = {
        "good_s": quality.good_us / 1e6,
        "forward_s": sum(at_us) / len(at_us) / 1e6,
        "forward_of_good_s": (quality.forward_us or 0.0) / 1e6,
    }
    return Measures(values=values, count=len(beats.trace), digest=_digest(found))


def _configured(case: Configure, seed: int) -> Measures:
    """What a configurator chooses; no chance in it."""
    del seed
    found = _chosen(case)
    values = {"eta_s": found.eta_us / 1e6, "delta_s": found.delta_us / 1e6}
    return Measures(values=values, count=1, digest=exact.digest_of(values))


def _kept(case: Configure, seed: int) -> Measures:
    """The NFD-S that a configurator chooses, in the network for which it was chosen."""
    found = _chosen(case)
    beats = _beats(Network(found.eta_us / 1e6, case.loss, case.mean_s), _BEATS, seed)
    measures = _measured(found.nfd_s(), beats)
    return Measures(
        values={name: measures.values[name] for name in ("recurrence_s", "mistake_s")},
        count=measures.count,
        digest=measures.digest,
    )


def _chosen(case: Configure) -> Configured:
    wanted = Wanted(
        **{name: 1e6 * value for name, value in zip(("detect_us", "recur_us", "mistake_us"), case.wanted, strict=True)}
    )
    mean_us = 1e6 * case.mean_s
    if case.variance is not None:
        return configured(wanted, Moments(loss=case.loss, mean_us=mean_us, variance_us2=1e12 * case.variance))
    beyond = partial(_beyond, mean_us)
    return configured(wanted, Delays(loss=case.loss, mean_us=mean_us, beyond=beyond))


def _beyond(mean_us: float, t_us: float) -> float:
    return exp(-t_us / mean_us) if t_us > 0 else 1.0


def _interval(network: Network, seed: int) -> Measures:
    """What a detector that averages intervals learns."""
    beats = _beats(network, _BEATS, seed)
    plan = Mean(eta_us=_us(network.eta_s), factor=1.0, recent=Recent(100))
    arrivals = beats.trace.arrivals_us
    learnt = (crossings(plan, beats.trace) - arrivals)[_WARM:]
    # Crossings are rounded up to whole microseconds.
    value = (int(learnt.sum()) / len(learnt) - 0.5) / 1e6
    return Measures(values={"interval_s": value}, count=len(arrivals), digest=exact.digest_of({"interval_s": value}))


def _phi_nominal(seed: int) -> Measures:
    """Mistakes of phi as published where heartbeats are lost."""
    beats = _beats(Network(STANDARD.eta_s, PHI_LOSS, STANDARD.mean_s), _BEATS, seed)
    found = _suspicions(Phi(eta_us=_S), beats)
    quality = judged(found, _WARM * _S, beats.span_us)
    mistakes = quality.mistakes / (beats.beats - _WARM)
    return Measures(values={"mistakes": mistakes}, count=len(beats.trace), digest=_digest(found))


def _swim(size: int, seed: int) -> Measures:
    """A group in a world."""
    found = groups.first_probes(size, probes=SWIM_PROBES, seed=seed)
    return Measures(values={"periods": found.periods}, count=found.probes, digest=found.digest)


def _beats(network: Network, count: int, seed: int) -> Beats:
    return heartbeats(
        Chance(seed).generator("heartbeats"),
        count=count,
        eta_us=_us(network.eta_s),
        loss=network.loss,
        delay=exponential_us(1e6 * network.mean_s),
    )


def _suspicions(plan: Plan, beats: Beats) -> Suspicions:
    return suspicions(beats.trace.arrivals_us, crossings(plan, beats.trace), beats.span_us)


def _quality(plan: Plan, beats: Beats) -> Quality:
    return judged(_suspicions(plan, beats), _WARM * beats.eta_us, beats.span_us)


def _measured(plan: Plan, beats: Beats) -> Measures:
    found = _suspicions(plan, beats)
    quality = judged(found, _WARM * beats.eta_us, beats.span_us)
    values = {
        "recurrence_s": quality.recurrence_us / 1e6,
        "mistake_s": (quality.mistake_us or 0.0) / 1e6,
        "accuracy": quality.accuracy,
        "wrong": 1 - quality.accuracy,
    }
    return Measures(values=values, count=len(beats.trace), digest=_digest(found))


def _digest(found: Suspicions) -> str:
    digest = Digest()
    digest.add("starts", found.starts_us.astype("<i8").tobytes())
    digest.add("ends", found.ends_us.astype("<i8").tobytes())
    return digest.hexdigest()


def _us(seconds: float) -> int:
    return round(seconds * 1e6)


def _cells() -> dict[str, Callable[[int], Measures]]:
    made: dict[str, Callable[[int], Measures]] = {}
    made |= {cell: partial(_nfd_s, case) for cell, case in NFD_S.items()}
    made |= {cell: partial(_timeout, case) for cell, case in TIMEOUTS.items()}
    made |= {cell: partial(_estimated, case) for cell, case in ESTIMATED.items()}
    made["forward"] = _forward
    made |= {cell: partial(_configured, case) for cell, case in CONFIGURED.items()}
    made |= {cell: partial(_kept, case) for cell, case in WANTED.items()}
    made |= {cell: partial(_interval, network) for cell, network in INTERVALS.items()}
    made["delay_step"] = exact.delay_step
    made |= {f"phi_{phi:g}": partial(exact.phi, phi) for phi in PHIS}
    made |= {f"cassandra_{threshold:g}": partial(exact.cassandra, threshold) for threshold in THRESHOLDS}
    made["phi_nominal"] = _phi_nominal
    made |= {cell: partial(exact.remaining, case) for cell, case in REMAINING.items()}
    made |= {cell: partial(exact.least, case) for cell, case in LEAST.items()}
    made |= {f"swim_{size}": partial(_swim, size) for size in SWIM_SIZES}
    return made


#: By name of the cell.
CELLS: Final[Mapping[str, Callable[[int], Measures]]] = MappingProxyType(_cells())
