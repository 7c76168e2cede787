"""A diagram shows what the run is kept for: its faults, its witness, what was lost; and every label can be read."""

from __future__ import annotations

import tomllib
from itertools import combinations
from pathlib import Path

import pytest

from experiments.hunting import read_bundle
from experiments.hunting.diagram import draw, figure_of
from experiments.hunting.labels import Box, Labels
from experiments.hunting.recording import Recording, record
from experiments.hunting.spacetime import Picture, picture_of
from experiments.scenario import parse
from sim.faults import KINDS
from tests.experiments.hunting.scenes import FRESH, STALE

KEPT = sorted(path for path in (Path(__file__).parents[2] / "regressions").iterdir() if path.is_dir())

#: A copy that is cut off misses a write, and is read a second later; crashes long before and long after.
FAULTS = """
[[fault]]
id = "early"
kind = "process-crash"
targets = ["b/c1/h2"]
at = "100ms"
for = "50ms"

[[fault]]
id = "cut"
kind = "partition-full"
targets = ["c"]
at = "2s"
for = "4s"

[[fault]]
id = "still"
kind = "host-slow"
targets = ["b/c1/h1"]
at = "13s"
params = { factor = 2.0 }

[[fault]]
id = "late"
kind = "power-loss"
targets = ["b/c1/h2"]
at = "19s"
"""


def recorded() -> Recording:
    document = tomllib.loads(STALE + FAULTS)
    document["workload"] |= {"rate": "4/s", "accounts": 1, "ends": "5s"}
    del document["workload"]["audit"]
    return record(parse(document, name="stale"), 0, FRESH)


@pytest.fixture(scope="module")
def run() -> Recording:
    return recorded()


@pytest.fixture(scope="module")
def picture(run: Recording) -> Picture:
    return picture_of(run)


def undrawn(run: Recording, picture: Picture) -> set[str]:
    """The faults of a run that are neither a shade over somebody's lane nor a host that goes down."""
    missing = set()
    for encounter in run.encounters:
        fault = encounter.fault
        shades = [shade for shade in picture.shades if shade.fault == fault.id]
        crashed = KINDS[fault.kind].crashed(fault, run.scenario.topology)
        downs = [down for down in picture.downs if down.host in crashed and down.begin_us == fault.at]
        begins = {shade.begin_us for shade in shades} | {down.begin_us for down in downs}
        lanes = {down.host for down in downs}.union(*((shade.side | shade.other) for shade in shades))
        inside = all(picture.begin_us <= t_us <= picture.end_us for t_us in begins)
        if begins != {fault.at} or not lanes & set(picture.lanes) or not inside:
            missing.add(fault.id)
    return missing


def test_every_fault_is_drawn_however_far_from_the_operations(run: Recording, picture: Picture) -> None:
    assert {encounter.fault.id for encounter in run.encounters} == {"early", "cut", "still", "late"}
    assert undrawn(run, picture) == set()
    assert [(down.begin_us, down.why) for down in picture.downs] == [
        (100_000, "process-crash (early)"),
        (19_000_000, "power-loss (late)"),
    ]


def test_a_cut_has_two_sides_and_what_outlasts_the_run_goes_on(run: Recording, picture: Picture) -> None:
    cut, still = picture.shades
    names = [host.path for host in run.scenario.topology.hosts]
    assert {names[host] for host in cut.side} == {"c/c1/h1", "c/c1/h2", "c/clients/client1"}
    assert len(cut.side) + len(cut.other) == len(names)
    assert (cut.begin_us, cut.end_us, cut.lasts) == (2_000_000, 6_000_000, False)
    assert (still.begin_us, still.end_us, still.lasts) == (13_000_000, picture.end_us, True)


def test_a_host_that_is_only_hurt_has_a_lane() -> None:
    document = tomllib.loads(STALE + FAULTS)
    document["workload"] |= {"rate": "2/s", "ends": "1s", "audit": "19s", "only": []}
    document["fault"] = [fault for fault in document["fault"] if fault["id"] == "still"]
    run = record(parse(document, name="stale"), 0, FRESH)
    assert run.scenario.topology.host("b/c1/h1").index in picture_of(run).lanes


def test_the_bars_of_the_witness_are_marked_and_no_others(run: Recording, picture: Picture) -> None:
    assert run.verdict.witness
    assert {bar.op for bar in picture.bars if bar.witness} == set(run.verdict.witness)
    assert len(picture.bars) == len({row.op for row in run.history})


def test_a_lost_message_is_an_arrow_that_says_why(picture: Picture) -> None:
    lost = [arrow for arrow in picture.arrows if arrow.lost]
    assert lost
    (cut,) = (shade for shade in picture.shades if shade.fault == "cut")
    for arrow in lost:
        assert arrow.end_us is not None
        assert cut.begin_us <= arrow.end_us <= cut.end_us
        assert (arrow.src in cut.side) != (arrow.dst in cut.side)


@pytest.mark.parametrize("folder", KEPT, ids=lambda folder: folder.name)
def test_every_fault_of_a_kept_bundle_is_drawn(folder: Path) -> None:
    bundle = read_bundle(folder)
    run = record(bundle.scenario, bundle.seed, bundle.claim)
    picture = picture_of(run)
    assert undrawn(run, picture) == set()
    assert [shade.begin_us for shade in picture.shades] == sorted(shade.begin_us for shade in picture.shades)
    assert {bar.op for bar in picture.bars if bar.witness} == set(run.verdict.witness)


# -- labels ------------------------------------------------------------------------------------


def overprinted(run: Recording) -> list[tuple[str, str]]:
    """The pairs of texts of a diagram that lie on each other, as they are really printed."""
    figure = figure_of(run)
    figure.canvas.draw()
    texts = [(text.get_text(), text.get_window_extent()) for axes in figure.axes for text in axes.texts]
    # The line above and below the letters may touch.
    boxes = [(told, box.padded(-0.15 * box.height / (1 + told.count("\n")))) for told, box in texts if told]
    return [(one, other) for (one, a), (other, b) in combinations(boxes, 2) if a.overlaps(b)]


#: The fullest of the kept diagrams, and those in which a label once lay on a lane's name or on another label.
CROWDED = ("forgotten-vote", "hint-past-window", "stale-fresh_reads", "tombstone-unconfirmed", "unsettled-read")


@pytest.mark.parametrize("name", CROWDED)
def test_no_label_is_printed_over_another(name: str) -> None:
    (folder,) = (folder for folder in KEPT if folder.name.startswith(name))
    bundle = read_bundle(folder)
    assert overprinted(record(bundle.scenario, bundle.seed, bundle.claim)) == []


def test_a_fault_that_goes_on_is_labelled_so(run: Recording, tmp_path: Path) -> None:
    told = [text.get_text() for axes in figure_of(run).axes for text in axes.texts]
    assert "host-slow\n(still)\ngoes on" in told
    assert "partition-full\n(cut)" in told
    draw(run, tmp_path / "diagram.svg")
    assert (tmp_path / "diagram.svg").read_text().startswith("<?xml")


def test_a_label_takes_the_first_free_spot_and_else_hides_least() -> None:
    labels = Labels()
    first, beside, half = Box(0, 0, 2, 1), Box(2, 0, 4, 1), Box(1.5, 0, 3.5, 1)
    assert labels.place([first]) == first
    assert labels.place([first, beside]) == beside
    assert labels.place([first, half, Box(0, 0.9, 2, 1.9)]) == Box(0, 0.9, 2, 1.9)
    labels.block(Box(0, 3, 9, 4))
    assert labels.place([Box(0, 3, 1, 4), Box(0, 5, 1, 6)]) == Box(0, 5, 1, 6)
