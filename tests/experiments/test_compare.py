"""`./lab compare` finds what got worse, is silent about noise, and refuses what cannot be compared."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from experiments.cli import main
from experiments.comparison import Change, Side, compare, read_side
from experiments.experiment import Better, Row
from experiments.merge_domains import BETTER
from experiments.provenance import Fingerprint, Provenance
from experiments.results import Results, RunRecord, load_record, write_table

SOURCE = Provenance(commit="c0ffee" * 7, clean=True, lock="1f", python="3.12.1", command="./lab run x", seeds=3)
WAY = {"latency_ms": Better.LOWER, "share": Better.HIGHER, "lost": Better.LOWER}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured(Row):
    latency_ms: float | None = 10.0
    share: float = 0.9
    lost: int = 0
    messages: int = 100
    label: str = "x"


def measured(seed: int, arm: str = "a", scenario: str = "s", **metrics: Any) -> Measured:
    told = f"{seed}/{sorted(metrics.items())}"
    return Measured(scenario=scenario, arm=arm, seed=seed, digest=told, **metrics)


Write = Callable[..., Path]


@pytest.fixture
def result(tmp_path: Path) -> Write:
    """Writes a result of the rows and returns its folder."""

    def write(name: str, rows: Sequence[Row], **changes: Any) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        results = Results(rows, folder / "journal")
        write_table(results, type(rows[0]), folder)
        record = RunRecord(
            experiment="mine",
            question="?",
            answer="!",
            size="quick",
            provenance=SOURCE,
            fingerprint=Fingerprint(experiment="mine", scenarios={"s": "1"}, code="c"),
            digests={row.key: row.digest for row in results.rows},
            findings=(),
            censored={},
            ran=len(rows),
            wall_s=1.0,
            better=WAY,
        )
        replace(record, **changes).write(folder)
        return folder

    return write


def noisy(seeds: Sequence[int], *, shift: float = 0.0, root: int = 1, **metrics: Any) -> list[Measured]:
    rng = np.random.Generator(np.random.PCG64(root))
    return [measured(seed, latency_ms=float(10 + shift + rng.normal()), **metrics) for seed in seeds]


def changes(old: Path, new: Path) -> dict[str, Change]:
    sides: tuple[Side, Side] = (read_side(old), read_side(new))
    return {c.metric: c.change(0.05) for c in compare(*sides, WAY).contrasts}


def test_what_got_worse_is_found_with_its_interval(result: Write, capsys: pytest.CaptureFixture[str]) -> None:
    old = result("old", [measured(s, latency_ms=10.0 + s) for s in range(5)])
    new = result("new", [measured(s, latency_ms=12.0 + s + s % 2 / 8) for s in range(5)])
    assert main(["compare", str(old), str(new)]) == 1
    told = capsys.readouterr().out
    # Differences 2, 2.125, 2, 2.125, 2: mean 2.05, s = .0685, t(.975, 4) = 2.776: 2.05 +- .085.
    assert re.search(r"^  worse +s +a +latency_ms +12 +14\.05 +\+2\.05 \[\+1\.96, \+2\.14\] +5 pairs", told, re.M)
    assert told.splitlines()[-1] == "4 comparisons: 1 worse, 0 better, 0 changed, 0 within noise, 3 same"


def test_what_got_better_is_told_and_is_no_failure(result: Write, capsys: pytest.CaptureFixture[str]) -> None:
    old = result("old", [measured(s, share=0.5 + s / 100) for s in range(5)])
    new = result("new", [measured(s, share=0.6 + s / 90) for s in range(5)])
    assert main(["compare", str(old), str(new)]) == 0
    assert re.search(r"^  better +s +a +share ", capsys.readouterr().out, re.M)


def test_a_metric_without_a_better_side_is_only_changed(result: Write) -> None:
    old = result("old", [measured(s, messages=100 + s) for s in range(5)])
    new = result("new", [measured(s, messages=400 + s) for s in range(5)])
    assert changes(old, new)["messages"] is Change.CHANGED
    assert main(["compare", str(old), str(new)]) == 0


def test_the_same_result_is_told_as_such(result: Write, capsys: pytest.CaptureFixture[str]) -> None:
    rows = noisy(range(4))
    old, new = result("old", rows), result("new", rows[1:])
    for other, count in ((old, 4), (new, 3)):
        assert main(["compare", str(old), str(other)]) == 0
        told = f"digests equal in all {count} runs that both have: nothing changed"
        assert capsys.readouterr().out.splitlines()[1:] == [told]


def test_equal_digests_with_other_metrics_are_told(result: Write, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [measured(s) for s in range(3)]
    edited = [replace(row, share=0.1) for row in rows]
    assert main(["compare", str(result("old", rows)), str(result("new", edited))]) == 1
    assert "note: digests equal: the runs are the same, and what differs is how" in capsys.readouterr().out


@pytest.mark.parametrize("paired", [True, False])
def test_noise_raises_no_more_alarms_than_it_may(result: Write, paired: bool) -> None:
    """Of 60 comparisons of a result with its like, one in twenty may alarm; 11 would have a chance below 1e-3."""
    alarms = 0
    rng = np.random.Generator(np.random.PCG64(7))
    record = load_record(result("any", [measured(0)]))
    for _ in range(60):
        sides = []
        for first in (0, 0 if paired else 100):
            runs = {
                ("s", arm): {
                    first + s: {
                        "latency_ms": float(rng.normal()),
                        "share": float(rng.random()),
                        "lost": int(rng.poisson(2)),
                    }
                    for s in range(6)
                }
                for arm in "abcd"
            }
            sides.append(Side(folder=Path("x"), record=record, runs=runs))
        found = compare(*sides, WAY).contrasts
        assert {contrast.paired for contrast in found} == {paired}
        alarms += any(contrast.change(0.05) in (Change.WORSE, Change.BETTER) for contrast in found)
    assert alarms < 11


def test_one_count_more_in_each_of_three_runs_is_no_proof(result: Write) -> None:
    three = changes(result("a", [measured(s) for s in range(3)]), result("b", [measured(s, lost=1) for s in range(3)]))
    ten = changes(result("c", [measured(s) for s in range(10)]), result("d", [measured(s, lost=1) for s in range(10)]))
    assert (three["lost"], ten["lost"]) == (Change.WITHIN_NOISE, Change.WORSE)


def test_runs_of_other_seeds_are_compared_as_independent(result: Write, capsys: pytest.CaptureFixture[str]) -> None:
    old = result("old", noisy(range(20)))
    new = result("new", noisy(range(100, 130), shift=5, root=2))
    assert main(["compare", str(old), str(new)]) == 1
    assert re.search(r"worse +s +a +latency_ms .* 50 in all", capsys.readouterr().out)


def test_shared_seeds_are_paired_and_the_rest_left_out(result: Write) -> None:
    old, new = result("old", noisy(range(4))), result("new", noisy(range(1, 30)))
    (latency,) = (c for c in compare(read_side(old), read_side(new), WAY).contrasts if c.metric == "latency_ms")
    assert (latency.paired, latency.difference.n) == (True, 3)


def test_what_never_ends_is_compared_by_order(result: Write) -> None:
    old = result("old", [measured(s, latency_ms=10.0 + s) for s in range(12)])
    new = result("new", [measured(s, latency_ms=math.inf) for s in range(12)])
    other = result("other", [measured(s, latency_ms=math.inf) for s in range(50, 62)])
    assert changes(old, new)["latency_ms"] is Change.WORSE
    assert changes(new, old)["latency_ms"] is Change.BETTER
    assert changes(old, other)["latency_ms"] is Change.WORSE
    assert changes(new, other)["latency_ms"] is Change.SAME


def test_what_never_ends_any_more_is_worse_however_few_runs_there_are(
    result: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of five pairs a sign test says p = .06 at best, and after Holm nothing."""
    old = result("old", [measured(s, latency_ms=10.0 + s) for s in range(3)])
    new = result("new", [measured(s, latency_ms=math.inf) for s in range(3)])
    other = result("other", [measured(s, latency_ms=math.inf) for s in range(50, 53)])
    some = result("some", [measured(s, latency_ms=10.0 + s if s else math.inf) for s in range(3)])
    assert main(["compare", str(old), str(new)]) == 1
    assert re.search(r"^  worse +s +a +latency_ms +11 +inf +never .* 3 pairs +0$", capsys.readouterr().out, re.M)
    assert changes(old, other)["latency_ms"] is Change.WORSE
    assert changes(new, old)["latency_ms"] is Change.BETTER
    assert changes(old, some)["latency_ms"] is Change.WITHIN_NOISE
    assert changes(some, new)["latency_ms"] is Change.WITHIN_NOISE


def test_a_better_side_at_infinity_is_no_failure(result: Write) -> None:
    old = result("old", [measured(s, share=0.5) for s in range(3)])
    new = result("new", [measured(s, share=math.inf) for s in range(3)])
    assert changes(old, new)["share"] is Change.BETTER
    assert main(["compare", str(old), str(new)]) == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fewer(Row):
    """As `Measured`, but for one metric that has a better side and one that has none."""

    latency_ms: float = 10.0
    share: float = 0.9


def test_a_metric_that_is_gone_is_missing_if_it_has_a_better_side(
    result: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    old = result("old", [measured(s) for s in range(3)])
    fewer = [Fewer(scenario="s", arm="a", seed=s, digest="d") for s in range(3)]
    new = result("new", fewer, better={name: way for name, way in WAY.items() if name != "lost"})
    assert main(["compare", str(old), str(new)]) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[1:3] == [
        f"missing: lost is a metric of {old} alone; {new} does not tell whether it got worse",
        f"note: metrics of {old} alone, not compared: messages",
    ]
    assert main(["compare", str(old), str(new), "--metric", "share"]) == 0, "nobody asked for it"
    assert main(["compare", str(old), str(new), "--metric", "lost"]) == 2
    assert main(["compare", str(new), str(old)]) == 0, "a metric that is new was no better before"


def test_what_only_one_has_is_told_and_left_out(result: Write, capsys: pytest.CaptureFixture[str]) -> None:
    old = result("old", [measured(s, arm=arm) for s in range(3) for arm in "ab"])
    scenarios = Fingerprint(experiment="mine", scenarios={"s": "2"}, code="c")
    rows = [measured(s, latency_ms=None if s == 1 else 10.0) for s in range(3)]
    new = result("new", rows, fingerprint=scenarios)
    assert main(["compare", str(old), str(new)]) == 1
    notes = [line for line in capsys.readouterr().out.splitlines() if line.startswith(("missing: ", "note: "))]
    assert notes == [
        f"missing: s/b is in {old} alone; run it for {new} too",
        "note: the scenario s was edited in between, so a difference may be its own",
        "note: s/a: latency_ms is defined in 3 of 3 runs before, in 2 of 3 after",
    ]
    assert main(["compare", str(new), str(old)]) == 0
    assert f"note: only in {old}, not compared: s/b" in capsys.readouterr().out


@pytest.fixture
def spoilt(result: Write) -> Write:
    """Writes a result and spoils one metric of some runs as rows never would: they refuse NaN."""

    def write(name: str, value: float | None, seeds: Sequence[int], metric: str = "latency_ms") -> Path:
        folder = result(name, [measured(seed) for seed in range(3)])
        told = "NULL" if value is None else f"'{value}'::DOUBLE"
        asked = f"SELECT * REPLACE (CASE WHEN seed IN {tuple(seeds)} THEN {told} ELSE {metric} END AS {metric})"
        table = folder / "rows.parquet"
        with duckdb.connect() as base:
            base.execute(f"CREATE TABLE spoilt AS {asked} FROM read_parquet('{table}')")
            base.execute(f"COPY spoilt TO '{table}' (FORMAT parquet)")
        return folder

    return write


@pytest.mark.parametrize(
    ("value", "seeds", "metric", "change"),
    [
        (math.nan, (0, 1, 2), "latency_ms", Change.WORSE),
        (math.nan, (0, 1), "share", Change.WORSE),
        (None, (0, 1, 2), "latency_ms", Change.WORSE),
        (None, (0, 1), "latency_ms", Change.WITHIN_NOISE),
        (None, (0, 1, 2), "messages", Change.CHANGED),
    ],
)
def test_a_number_that_is_none_any_more_is_not_the_same(
    result: Write, spoilt: Write, value: float | None, seeds: tuple[int, ...], metric: str, change: Change
) -> None:
    old, new = result("old", [measured(s) for s in range(3)]), spoilt("new", value, seeds, metric)
    assert changes(old, new)[f"{metric} (defined)"] is change
    assert main(["compare", str(old), str(new)]) == (1 if change is Change.WORSE else 0)


def test_what_is_a_number_at_last_is_told_and_is_no_failure(result: Write, spoilt: Write) -> None:
    old, new = spoilt("old", math.nan, (0, 1, 2)), result("new", [measured(s) for s in range(3)])
    assert changes(old, new)["latency_ms (defined)"] is Change.CHANGED
    assert main(["compare", str(old), str(new)]) == 0


def test_runs_that_were_no_numbers_before_are_not_held_against_those_that_are_none_now(spoilt: Write) -> None:
    assert changes(spoilt("old", math.nan, (0, 1)), spoilt("new", math.nan, (0, 1)))["latency_ms"] is Change.SAME
    assert "latency_ms (defined)" not in changes(spoilt("a", math.nan, (0, 1)), spoilt("b", math.nan, (0, 1)))


def test_a_single_run_is_no_evidence(result: Write, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = result("old", [measured(0)]), result("new", [measured(0, latency_ms=99.0)])
    assert main(["compare", str(old), str(new)]) == 0
    assert "1 of them over a single run, which tells nothing; run more seeds" in capsys.readouterr().out


def test_what_would_be_worse_alone_is_told_as_a_suspicion(result: Write, capsys: pytest.CaptureFixture[str]) -> None:
    old = result("old", [measured(s, latency_ms=10.0) for s in range(5)])
    new = result("new", [measured(s, latency_ms=(10.2, 10.7, 11.4, 12.1, 12.8)[s]) for s in range(5)])
    assert main(["compare", str(old), str(new)]) == 0
    assert "perhaps worse (p below 0.05 alone, not among 3 comparisons" in capsys.readouterr().out
    assert main(["compare", str(old), str(new), "--metric", "latency_ms"]) == 1
    assert main(["compare", str(old), str(new), "--metric", "latency_ms", "--alpha", "0.001"]) == 0


@pytest.mark.parametrize(
    ("old", "new", "options", "told"),
    [
        ("nowhere", "good", (), "nowhere is no folder"),
        ("empty", "good", (), "holds no run.json, so it is not the result"),
        (".", "good", (), "name one of its results: "),
        ("good", "other", (), "is of 'mine', .*other of 'theirs'; compare two results of one experiment"),
        ("good", "elsewhere", (), "have no scenario and arm in common"),
        ("good", "garbled", (), "rows.parquet is no table of the lab's"),
        ("good", "strange", (), "have no metric in common"),
        ("good", "good", ("--metric", "latency"), "no metric of .*; did you mean 'latency_ms'?"),
        ("good", "good", ("--metric", "label"), "'label' is no metric of"),
        ("good", "good", ("--alpha", "1"), "0<x<1"),
    ],
)
def test_bad_input_is_told_with_the_way_out(
    old: str,
    new: str,
    options: tuple[str, ...],
    told: str,
    result: Write,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Strange(Row):
        other: int = 1

    (tmp_path / "empty").mkdir()
    result("good", [measured(0)])
    match new:
        case "other":
            result(new, [measured(0)], experiment="theirs")
        case "elsewhere":
            result(new, [measured(0, scenario="t")])
        case "garbled":
            (result(new, [measured(0)]) / "rows.parquet").write_text("PAR?")
        case "strange":
            result(new, [Strange(scenario="s", arm="a", seed=0, digest="d")])
    assert main(["compare", str(tmp_path / old), str(tmp_path / new), *options]) == 2
    assert re.search(told.replace("?", r"\?"), " ".join(capsys.readouterr().err.split()))


def test_the_ways_of_a_shipped_experiment_are_used_for_results_that_do_not_say(
    tmp_path: Path, result: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    assert BETTER["availability_cut"] is Better.HIGHER
    assert BETTER["lost"] is BETTER["latency_calm_p99_ms"] is Better.LOWER
    assert BETTER.keys().isdisjoint({"crossed_cut", "utilisation_mean", "seed", "digest"})
    old = result("old", [measured(s, lost=s) for s in range(5)], experiment="merge-domains", better={})
    new = result("new", [measured(s, lost=s + 9) for s in range(5)], experiment="merge-domains", better={})
    assert main(["compare", str(old), str(new)]) == 1
    assert re.search(r"worse +s +a +lost ", capsys.readouterr().out)
