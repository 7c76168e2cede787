"""One mutant of the store, in a process of its own: run until a claim breaks or the budget is spent.

Reads an order as JSON from stdin and prints the outcome as JSON:

    {"module": "models.clock", "origin": ".../models/clock.py", "number": 7,
     "runs": [["home", 0, "5f2a...", ["conservation", ...]], ...]}

A run counts against the mutant where a claim that holds for the store as it is does not hold any
longer, where the run raises, or where it takes longer than any run should. Where its digest is
another, the mutant did something: of one that never did, it cannot be said that it was judged.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
import traceback
from pathlib import Path
from time import process_time
from types import FrameType
from typing import Any, Final

from experiments.power.operators import mutated
from experiments.power.substitute import substitute

__all__ = ["MOST_CPU_S", "main", "perform"]

#: A run of the store as it is takes some thirty milliseconds.
_LONGEST_RUN_S: Final = 4.0
#: What a trial may take: none comes near it.
MOST_CPU_S: Final = 300
_MOST_BYTES: Final = 2_000_000_000


class _Endless(BaseException):
    """A run went on and on."""


def perform(order: dict[str, Any]) -> dict[str, Any]:
    """Carry out an order; `outcome` is caught, survived, unseen if no run differed, or unborn."""
    source = Path(order["origin"]).read_text(encoding="utf-8")
    substitute(order["module"], mutated(source, order["number"]), order["origin"])
    begun = process_time()
    try:
        from experiments.power.designs import judged
    except Exception as failed:  # noqa: BLE001 - a mutant may raise anything while it is imported
        return {"outcome": "unborn", "by": repr(failed), "runs": 0, "cpu_s": 0.0, "differ": 0}
    by, runs, differ = None, 0, 0
    for design, seed, digest, claims in order["runs"]:
        runs += 1
        by, now = _run(judged, design, seed, claims)
        differ += now != digest
        if by is not None:
            by = f"{by} in {design}, seed {seed}"
            break
    outcome = "caught" if by is not None else "survived" if differ else "unseen"
    cpu_s = round(process_time() - begun, 3)
    return {"outcome": outcome, "by": by, "runs": runs, "cpu_s": cpu_s, "differ": differ}


def _run(judged: Any, design: str, seed: int, claims: list[str]) -> tuple[str | None, str]:
    """What convicts the mutant in one run, or None; and the digest, "" if there is none."""
    signal.setitimer(signal.ITIMER_PROF, _LONGEST_RUN_S)
    try:
        digest, found = judged(design, seed)
    except _Endless:
        return "endless run", ""
    except Exception as raised:  # noqa: BLE001 - whatever it raises tells it from the store
        last = traceback.extract_tb(raised.__traceback__)[-1]
        return f"raised {type(raised).__name__} at {Path(last.filename).name}:{last.lineno}", ""
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return next((f"{claim} {found[claim]}" for claim in claims if found[claim] != "valid"), None), digest


def _stop(number: int, frame: FrameType | None) -> None:
    raise _Endless


def main() -> None:
    """Take the order from stdin."""
    signal.signal(signal.SIGPROF, _stop)
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_BYTES, _MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU_S, MOST_CPU_S + 10))
    sys.stdout.write(json.dumps(perform(json.load(sys.stdin))) + "\n")


if __name__ == "__main__":
    main()
