"""The read side whole: what each option leads to in a small world, and which options are refused."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.measures import Observation, gather
from experiments.properties import judge
from experiments.scenario import Scenario, ScenarioError, load, parse
from experiments.scenario.property import Mode, PropertyUse
from models import Site, Workload
from models.keyspace import Stored, key_space
from models.keyspace.storage import PLACEMENTS, near_home
from models.reading import reading
from models.reading.projections import Balances, Row
from models.reading.projector import Projector
from models.reading.views import Views
from models.store.log.entries import Entry
from models.store.words import scheme_of
from models.system import System
from sim.checkers import Outcome
from sim.faults import Fault
from sim.topology import grid


def short(name: str = "projection_calm", **system: Any) -> Scenario:
    """A scenario cut to a few seconds, with other options."""
    scenario = load(name).with_section("workload", {"ends": "3s"}).with_section("run", {"until": "6s"})
    return scenario.with_system(system) if system else scenario


def seen(scenario: Scenario, seed: int = 1) -> Observation:
    found = gather(scenario, seed)
    assert isinstance(found, Observation)
    return found


def verdicts(run: Observation, *names: str) -> list[Outcome]:
    return [v.outcome for v in judge(run, [PropertyUse(name=n, mode=Mode.ALWAYS) for n in names]).values()]


EXACT = ("view_is_exact", "read_your_writes", "monotonic_reads", "stated_staleness_holds")


@pytest.mark.parametrize("mode", ["async", "inline", "live"])
def test_each_mode_shows_what_the_log_says_and_sessions_see_what_they_wrote(mode: str) -> None:
    run = seen(short(mode=mode))
    assert verdicts(run, *EXACT) == [Outcome.VALID] * len(EXACT)
    reads = [row for row in run.history if row.f == "read" and str(row.kind) == "ok"]
    assert len(reads) > 20


def test_a_select_finds_every_account_of_its_band_and_says_how_far_each_log_went_in() -> None:
    run = seen(short(selects=0.4, reads=0.1, band=100_000, tokens=False))
    last = [row.value for row in run.history if row.f == "select" and str(row.kind) == "ok" and row.key == "band/0"]
    assert isinstance(last[-1], tuple)
    count, *places = last[-1]
    reading_end = run.ledger.reading
    assert reading_end is not None
    assert count == sum(len(view.rows) for view in reading_end.views)
    assert len(places) == 2


def test_the_global_sequence_gives_the_same_views() -> None:
    run = seen(short(global_sequence=True))
    assert verdicts(run, *EXACT[:3]) == [Outcome.VALID] * 3


def test_a_projection_that_raises_parks_the_event_and_what_follows_of_its_key() -> None:
    run = seen(short(poison_every=5, tokens=False))
    reading_end = run.ledger.reading
    assert reading_end is not None
    parked = [event for view in reading_end.views for event in view.parked]
    reasons = {reason for *_, reason in parked}
    assert "behind a parked event" in reasons
    assert any(reason.startswith("no projection of") for reason in reasons)
    assert verdicts(run, "poison_is_parked") == [Outcome.VALID]


def test_a_projection_that_raises_stops_with_its_place_where_that_is_the_policy() -> None:
    run = seen(short(poison_every=5, poison="stop", tokens=False))
    reading_end = run.ledger.reading
    assert reading_end is not None
    assert any(view.stopped.startswith("shard ") and "position" in view.stopped for view in reading_end.views)
    assert not any(view.parked for view in reading_end.views)


def test_an_inline_projection_that_raises_refuses_the_command() -> None:
    run = seen(short(mode="inline", poison_every=5, tokens=False))
    failed = [row for row in run.history if row.f == "append" and str(row.kind) == "fail"]
    assert failed
    assert verdicts(run, "view_is_exact") == [Outcome.VALID]


def test_what_a_forced_leader_takes_back_leaves_the_view() -> None:
    cut = Fault(
        id="away",
        kind="partition-partial",
        targets=("east/clients/client1", "east/c1/h2", "east/c1/h3"),
        at=1_500_000,
        for_us=2_500_000,
        params={"against": ("east/c1/h1",)},
    )
    system = {"scheme": "delayed-ship:1/3@host+400ms", "shards": 1, "promote_after": "500ms", "force_after": "800ms"}
    scenario = load("projection_calm").with_section("workload", {"ends": "5s"}).with_section("run", {"until": "9s"})
    run = seen(scenario.with_system({"tokens": False, **system}).with_faults([cut]), 2)
    assert run.noted["retracted"]
    assert verdicts(run, "view_is_exact") == [Outcome.VALID]


def test_a_version_rebuilt_beside_the_live_one_is_shown_and_announces_nothing_again() -> None:
    run = seen(short(rebuild="1500ms", alarm=500, tokens=False))
    reading_end = run.ledger.reading
    assert reading_end is not None
    assert {view.version for view in reading_end.views} == {2}
    large = {
        event.command_id
        for events in run.ledger.final.values()
        for event in events
        if event.kind == "withdrawn" and abs(event.amount) >= 500
    }
    assert {event for event, _ in reading_end.rung} == large
    assert verdicts(run, "view_is_exact") == [Outcome.VALID]


@pytest.mark.parametrize("placement", ["", *PLACEMENTS])
def test_views_and_their_checkpoints_are_where_the_key_space_of_the_reading_hosts_puts_them(placement: str) -> None:
    topology, rules = grid(["a"], clusters=1, hosts=7, cores=1), Views()
    readers, scheme = topology.servers("a")[-4:], scheme_of("multi-persist:2/3")
    among = [host.index for host in readers]
    space = near_home(topology, "a", scheme, among=among)
    if placement:
        parts = {(Stored.PROJECTION, rules.number): 5}
        space = key_space(topology, placement=placement, copies=3, parts=parts, among=among)
    system = reading(
        Site(topology),
        Workload(rate_per_s=1, ends_us=1),
        views="multi-persist:2/3",
        readers=4,
        segments=5,
        placement=placement,
    )
    for segment in range(5):
        name = f"{rules.name}-{segment}"
        for stored in (Stored.PROJECTION, Stored.CHECKPOINT):
            assert system.groups[name] == space.places(stored, segment, name, number=rules.number, n=3)


def test_mistakes_are_told_all_at_once() -> None:
    site, workload = Site(grid(["a"], clusters=1, hosts=3, cores=1)), Workload(rate_per_s=1, ends_us=1)
    with pytest.raises(ValueError, match="mode='eager' is none") as refused:
        reading(site, workload, mode="eager", readers=3, checkpoint="never", segments=0, reads=2.0)
    told = str(refused.value)
    for wrong in ("leaves nobody to read, or nobody to write", "'never' is no policy", "segments=0", "reads=2.0"):
        assert wrong in told


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"mode": "inline", "rebuild": "1s"}, "has no consumers"),
        ({"global_sequence": True, "force_after": "1s", "promote_after": "1s"}, "takes nothing back"),
        ({"mode": "live", "poison_every": 3}, "nowhere to park"),
        ({"placement": "rings"}, 'placement = "rings": none; did you mean .ring'),
        ({"views": "multi-persist:4/4"}, "of the 3 reading hosts 3 are far enough apart"),
        ({"suspect": "10ms"}, "everybody is suspected between two heartbeats"),
        ({"alarm": 5, "band": 0}, "holds no account"),
    ],
)
def test_options_that_make_no_sense_are_refused_before_the_run(options: dict[str, Any], told: str) -> None:
    with pytest.raises((ValueError, ScenarioError), match=told):
        gather(load("projection_calm").with_system(options), 1)


class Forgetful(Projector):
    """A consumer whose projection looks up what is not there, at every seventh entry of a log."""

    def _now(self) -> Balances:
        return _MissingKey(0)


class _MissingKey(Balances):
    def apply(self, row: Row | None, entry: Entry, shard: int) -> Row:
        if entry.position % 7 == 0:
            raise KeyError("tariff")
        return super().apply(row, entry, shard)


def forgetful(site: Site, workload: Workload) -> System:
    """A read side whose projection has a bug of its own."""
    return reading(site, workload, Forgetful)


def test_whatever_a_projection_raises_is_parked_with_its_reason() -> None:
    document = dict(short().document) | {"system": {"factory": f"{__name__}:forgetful"}}
    reading_end = seen(parse(document, name="forgetful")).ledger.reading
    assert reading_end is not None
    reasons = {event[-1] for view in reading_end.views for event in view.parked}
    assert reasons == {"KeyError: 'tariff'", "behind a parked event"}
