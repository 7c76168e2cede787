"""Whether a bundle still shows what it was kept for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from experiments.hunting.bundle import code_of
from experiments.hunting.reading import Bundle
from experiments.hunting.recording import Recording, record
from sim.checkers import Verdict
from sim.trace import TraceLevel

__all__ = ["Replayed", "replay_bundle"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """A bundle and its run of today.

    Attributes:
        bundle: What was recorded.
        run: What it comes to now.
        code: Digest of the code now.
    """

    bundle: Bundle
    run: Recording
    code: str

    @property
    def mended(self) -> bool:
        """Whether the bundle says that its bug is mended: then its run has another end than the recorded one."""
        return self.bundle.expects is not self.bundle.verdict.outcome

    @property
    def code_changed(self) -> bool:
        """Whether the code is another than that which made the bundle."""
        return self.code != self.bundle.code

    def differences(self) -> Iterator[str]:
        """Everything that is not as it should be; nothing if the bundle holds."""
        was, now = self.bundle.verdict, self.run.verdict
        if now.outcome is not self.bundle.expects:
            yield f"outcome: {self.bundle.expects} is expected, it is {now.outcome}{_why(now)}"
        if self.mended:
            return
        if now.witness != was.witness:
            yield f"witness: {_ids(was)} was recorded, it is {_ids(now)}"
        if now.reason != was.reason and now.outcome is was.outcome:
            yield f"reason: {was.reason!r} was recorded, it is {now.reason!r}"
        if self.run.digest != self.bundle.digest:
            yield f"digest: {self.bundle.digest or 'none'} was recorded, it is {self.run.digest or 'none'}"
        elif self.run.history != self.bundle.history:
            yield "history: history.jsonl is not what the clients of this run record"

    def lines(self) -> Iterator[str]:
        """What a person is told: the claim, the verdict of today, and where it differs from the recorded one."""
        bundle, verdict = self.bundle, self.run.verdict
        yield f"{bundle.scenario.name}, seed {bundle.seed}: {bundle.claim}: {verdict.outcome}{_why(verdict)}"
        if verdict.witness:
            yield f"witness: {_ids(verdict)}"
        yield f"digest: {self.run.digest or 'none, the run raised'}"
        differences = list(self.differences())
        if differences:
            yield "not as recorded:"
            yield from (f"  {difference}" for difference in differences)
        else:
            yield "as mended: the bug does not show any more" if self.mended else "as recorded"
        where = f" (commit {bundle.commit})" if bundle.commit else ""
        if self.code_changed:
            yield f"the code has changed since: it was {bundle.code}{where}, it is {self.code}"
        elif self.run.digest != bundle.digest and not self.mended:
            yield f"the code is the same, {self.code}{where}: look at the Python version and at constraints.txt"
        elif differences:
            yield f"the code is the same, {self.code}{where}, and so is the run: what the bundle says of it is wrong"


def replay_bundle(bundle: Bundle, *, trace: TraceLevel = TraceLevel.OFF) -> Replayed:
    """Run a bundle again.

    Raises:
        ScenarioError: its system refuses to be laid out by now.
    """
    run = record(bundle.scenario, bundle.seed, bundle.claim, trace=trace)
    return Replayed(bundle=bundle, run=run, code=code_of(bundle.scenario))


def _why(verdict: Verdict) -> str:
    return f" ({verdict.reason})" if verdict.reason else ""


def _ids(verdict: Verdict) -> str:
    return ", ".join(map(str, verdict.witness)) or "none"
