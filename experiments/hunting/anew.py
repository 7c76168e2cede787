"""A bundle recorded anew: what is kept for ever says again what the code of today does.

A change of the code may change the bytes of a run and not what is wrong with it. Then digest, history,
diagram and the words about them are stale, and a replay that "differs" tells a reader nothing. Only
what a run leaves is written; the scenarios, the schedule and what somebody has laid beside them
stay as they are. A run that ends otherwise is no news of the same bug, so it is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from experiments.files import whole_folder
from experiments.hunting.bundle import OF_A_RUN, VERDICT, Found, as_typed, write_run
from experiments.hunting.reading import Bundle
from experiments.hunting.recording import Recording, record
from experiments.hunting.shrink import Size
from experiments.hunting.trial import NO_CRASH, what_raised
from experiments.journal import Refused

__all__ = ["record_anew"]


def record_anew(bundle: Bundle) -> Recording:
    """Run a bundle and write down what the run leaves, in place of what was recorded.

    Raises:
        Refused: the run does not show what the bundle is kept for, or the folder is no whole bundle or cannot be
            written; nothing was changed.
        ScenarioError: its system refuses to be laid out by now.
    """
    if bundle.expects is not bundle.verdict.outcome:
        raise Refused(f"{bundle.folder} says that its bug is mended; what it holds is the record of that bug, keep it")
    run = record(bundle.scenario, bundle.seed, bundle.claim)
    was, now = bundle.verdict, run.verdict
    if now.outcome is not was.outcome:
        why = f" ({now.reason})" if now.reason else ""
        told = f"{bundle.claim} was {was.outcome} and is {now.outcome}{why}"
        way_out = 'if the bug was mended write "expects": "valid" into its verdict.json, else hunt again'
        raise Refused(f"{bundle.folder} cannot be recorded anew: {told}; {way_out}")
    if bundle.claim == NO_CRASH and what_raised(now) != what_raised(was):
        told = f"it raised {what_raised(was)} and raises {what_raised(now)}"
        raise Refused(f"{bundle.folder} cannot be recorded anew: {told}; hunt again")
    values = json.loads((bundle.folder / VERDICT).read_bytes())
    found = _found(bundle, values, run)
    try:
        staying = [path for path in bundle.folder.iterdir() if path.name not in OF_A_RUN]
        with whole_folder(bundle.folder, staying=staying) as new:
            write_run(new, found, run, typed=as_typed(bundle.folder), beside=values)
    except OSError as error:
        raise Refused(f"{bundle.folder} cannot be written ({error.strerror})") from None
    return run


def _found(bundle: Bundle, values: Mapping[str, Any], run: Recording) -> Found:
    """What the hunt had found, by its verdict; how much of it is left, by the run of today.

    Raises:
        Refused: the verdict does not tell.
    """
    try:
        after = Size(**values["shrunk_to"] | {"operations": len({row.op for row in run.history})})
        return Found(
            scenario=bundle.scenario,
            claim=bundle.claim,
            seed=bundle.seed,
            original=bundle.scenario,  # not written: original.toml stays as it is
            before=Size(**values["shrunk_from"]),
            after=after,
            runs=values["shrink_runs"],
            whole=values["shrunk_as_far_as_it_goes"],
            knobs=values["knobs"],
            afresh=values.get("faults_drawn_afresh", False),
        )
    except (KeyError, TypeError) as error:
        raise Refused(
            f"{bundle.folder / VERDICT} does not tell how it was shrunk ({error}); restore the file"
        ) from None
