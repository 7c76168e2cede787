"""How fast are the checkers, and does what cannot be checked end in good order?

- `small_histories_seconds`: 100 histories of 85 operations on a cas-register by 5 clients, one in twenty
  unanswered, half of them not linearizable; the search for each witness included;
- `many_keys_seconds`: 100,000 operations over 1,000 registers, 20 clients;
- `one_key_seconds`, `one_key_mb`: 100,000 operations on one register, 5 clients;
- `hostile_seconds`, `hostile_mb`: 50 clients on one register, all at once; ends in *unknown* (`hostile_unknown` is 1);
- `append_only_seconds`: a million operations on 100 streams; `append_only_parse_seconds` to read them from a file.

Seconds are of the processor; megabytes are the most that a process of its own held, interpreter and history included.
"""

from __future__ import annotations

import gc
import multiprocessing
import statistics
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from time import process_time
from typing import Any, Final

from experiments.bench._histories import Load, appended, hostile, recorded, spoil
from experiments.workers import calm_collector
from sim.checkers import SPECIFICATIONS, Checker, Specification, Verdict, linearizable
from sim.checkers.streams import append_only
from sim.history import History

__all__ = ["run"]

REPETITIONS: Final = 5
REGISTER: Final = SPECIFICATIONS["register"]
CAS: Final = SPECIFICATIONS["cas-register"]
SMALL: Final = Load(spec=CAS, operations=85, clients=5, mix=("read", "write", "cas"), values=5, lost=0.05)
UNIQUE: Final = Load(spec=REGISTER, operations=85, clients=5)
MANY_KEYS: Final = Load(spec=REGISTER, operations=100_000, clients=20, keys=1_000)
ONE_KEY: Final = Load(spec=REGISTER, operations=100_000, clients=5)
APPENDED: Final = 1_000_000


def run(progress: Callable[[str], None]) -> dict[str, Any]:
    """Measure; outcomes and witnesses under `detail`."""
    progress("checkers: one key")
    one_key = _apart(_one_key, spoilt=False)
    progress("checkers: one key, not linearizable")
    spoilt = _apart(_one_key, spoilt=True)
    progress("checkers: hostile")
    crowd = _apart(_hostile)
    progress("checkers: a million appends")
    appends = _apart(_appended)
    calm_collector()
    progress("checkers: many keys")
    many_keys = _timed(linearizable, recorded(MANY_KEYS, 1), REGISTER)
    small = {}
    for name, load in (("cas_register", SMALL), ("register_of_unique_values", UNIQUE)):
        progress(f"checkers: small histories of a {name}")
        small[name] = _small(load)
    return {
        "small_histories_seconds": small["cas_register"]["seconds"],
        "many_keys_seconds": many_keys["seconds"],
        "one_key_seconds": one_key["seconds"],
        "one_key_mb": one_key["mb"],
        "hostile_seconds": crowd["seconds"],
        "hostile_mb": crowd["mb"],
        "hostile_unknown": int(crowd["outcome"] == "unknown"),
        "append_only_seconds": appends["seconds"],
        "append_only_parse_seconds": appends["parse_seconds"],
        "detail": {
            "small_histories": small,
            "many_keys": many_keys,
            "one_key": one_key,
            "one_key_not_linearizable": spoilt,
            "hostile": crowd,
            "append_only": appends,
        },
    }


def _apart(measure: Callable[..., dict[str, Any]], **options: Any) -> dict[str, Any]:
    """Measure in a new process, so that its memory is its own."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=calm_collector) as pool:
        return pool.submit(measure, **options).result()


def _one_key(*, spoilt: bool) -> dict[str, Any]:
    history = recorded(ONE_KEY, 1)
    return _timed(linearizable, spoil(history, 1) if spoilt else history, REGISTER)


def _hostile() -> dict[str, Any]:
    return _timed(linearizable, hostile(50, 7), REGISTER)


def _appended() -> dict[str, Any]:
    history = appended(APPENDED, 20, 1)
    measured = _timed(append_only, history, None)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "history.jsonl"
        history.to_jsonl(file)
        del history
        begun = process_time()
        History.from_jsonl(file)
        return {**measured, "parse_seconds": round(process_time() - begun, 2)}


def _timed(claim: Checker, history: History, spec: Specification | None) -> dict[str, Any]:
    gc.collect()
    begun = process_time()
    verdict = claim(history, spec)
    seconds = round(process_time() - begun, 3)
    return {"seconds": seconds, "mb": _most_mb(), "outcome": str(verdict.outcome), "witness": len(verdict.witness)}


def _small(load: Load) -> dict[str, Any]:
    """A hundred histories, every second one spoilt until it is not linearizable."""
    histories = []
    for number in range(100):
        history = recorded(load, number)
        if number % 2:
            tries = (spoil(history, seed) for seed in range(1_000))
            history = next(one for one in tries if not linearizable(one, load.spec).valid)
        histories.append(history)
    took = []
    verdicts: list[Verdict] = []
    for _ in range(REPETITIONS):
        begun = process_time()
        verdicts = [linearizable(history, load.spec) for history in histories]
        took.append(process_time() - begun)
    return {
        "seconds": round(statistics.median(took), 4),
        "invalid": sum(bool(verdict.witness) for verdict in verdicts),
        "witness_median": statistics.median(len(verdict.witness) for verdict in verdicts if verdict.witness),
        "witness_most": max(len(verdict.witness) for verdict in verdicts),
    }


def _most_mb() -> float:
    """The most that this process has held."""
    status = Path("/proc/self/status")
    if status.exists():
        peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return round(int(peak.split()[1]) / 1024, 1)
    import resource  # not on Windows

    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
