"""What a factory refuses is told in the words of the file: keys, not parameters, and quantities with units."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.cli import main
from experiments.scenario import ScenarioError, load
from experiments.scenario.problems import Finding
from experiments.scenario.refusals import refusals
from experiments.scenario.scenario import SystemChoice
from experiments.scenario.toml import to_toml
from models import Site, System, Workload
from models.services.options import ScalingOptions
from sim.wording import Refused

SCENARIOS = Path(__file__).parents[2] / "experiments" / "scenarios"
SYSTEMS = "tests.experiments.scenario_systems"


def choosy(
    site: Site,
    workload: Workload,
    *,
    lease_us: int = 1,
    beat_us: int = 1,
    rate_per_s: float = 0.0,
    name: str = "",
    names: tuple[str, ...] = (),
) -> System:
    raise AssertionError("it is not called")


def told(*reasons: str, make: Callable[..., System] = choosy) -> list[tuple[str, str, str, str]]:
    found = refusals(SystemChoice(factory="its.name:here", make=make, options={}), Refused(reasons))
    assert all(isinstance(one, Finding) for one in found)
    return [tuple(one) for one in found]


@pytest.mark.parametrize(
    ("reason", "finding"),
    [
        ("lease_us=0 is no time; give at least 1", ("system.lease", '"0 s"', "no time", 'give at least "1 us"')),
        (
            "lease_us=900 ends before beat_us=1500 is over; give at least 3000, or 0 for never",
            (
                "system.lease",
                '"900 us"',
                'ends before beat = "1.5 ms" is over',
                'give at least "3 ms", or "0 s" for never',
            ),
        ),
        ("rate_per_s=0.5 is too few; raise it", ("system.rate", '"0.5/s"', "too few", "raise it")),
        ("name='a b': nobody; give one", ("system.name", '"a b"', "nobody", "give one")),
        (
            "names=('a', 'b'): 'c' is missing; add 'c'",
            ("system.names", '["a", "b"]', "'c' is missing", "add 'c'"),
        ),
        # What is of no option, or of two alike, is of the factory.
        ("other_us=5 is odd; leave it", ("system", '"its.name:here"', "other_us=5 is odd", "leave it")),
        (
            "lease_us=5 and beat_us=6 clash; change one",
            ("system", '"its.name:here"', 'lease = "5 us" and beat = "6 us" clash', "change one"),
        ),
    ],
)
def test_an_option_is_told_by_its_key_with_its_unit(reason: str, finding: tuple[str, str, str, str]) -> None:
    assert told(reason) == [finding]


def test_each_reason_is_a_finding_of_its_own() -> None:
    assert [path for path, *_ in told("lease_us=0 is no time; raise it", "it is late; wait")] == [
        "system.lease",
        "system",
    ]


def test_a_factory_that_cannot_be_read_keeps_its_words() -> None:
    assert told("lease_us=0 is no time; raise it", make=print)[0][0] == "system"


def test_a_person_sees_a_line_for_each_mistake_of_a_service() -> None:
    with pytest.raises(ScenarioError) as refused:
        load("services_calm").with_system({"lease": "100ms", "watchers": 2, "ratio": 0.0})
    lines = str(refused.value).splitlines()
    assert len(lines) == 3
    assert 'system.lease = "100 ms": over before a lost heartbeat of beat = "250 ms"' in lines[0]
    assert 'give at least "500 ms", or beat = "50 ms"' in lines[0]
    assert "system.ratio = 0.0: allows no retry" in lines[1]
    assert "system.watchers = 2: an even group" in lines[2]


@pytest.mark.parametrize(
    ("scenario", "options", "lines"),
    [
        (
            "process_moved",
            {"compensates": False},
            [
                "system.compensates = false: process 'transfer', step 'debit': step 'credit' may be denied after it",
            ],
        ),
        (
            "process_moved",
            {"factory": f"{SYSTEMS}:uncompensated"},
            [
                f"system = \"{SYSTEMS}:uncompensated\": process 'transfer', step 'debit': step 'credit' may be denied",
                f"system = \"{SYSTEMS}:uncompensated\": process 'transfer', step 'debit': patience_us=-1 is no time",
            ],
        ),
        (
            "outbox_relay",
            {"consumers": ["billing", "archive"]},
            [
                "system.consumers = [\"billing\", \"archive\"]: topic 'shipping' of domain 'orders' has no consumer",
                'system.consumers = ["billing", "archive"]: \'archive\' hears of nothing, since no event carries this',
            ],
        ),
        (
            "effect_gateway",
            {"dedup": 0},
            ["system.declared = \"idempotent\": receiver 'gateway' has no dedup: it does again what it is asked again"],
        ),
        (
            "projection_poison",
            {"poison": "skip", "poison_every": 1, "reads": 2.0, "selects": -1.0, "sessions": 0},
            [
                "system.poison_every = 1: poisons every event; give at least 2, or 0 for none",
                'system.poison = "skip": no policy; choose one of park, stop',
                "system.reads = 2.0: no share; give a number in [0, 1]",
                "system.selects = -1.0: no share; give a number in [0, 1]",
                "system.sessions = 0: none; give at least 1",
            ],
        ),
    ],
    ids=["no compensation", "somebody's own process", "no consumer", "no dedup", "a projection that raises"],
)
def test_a_person_sees_place_value_rule_and_way_out_and_no_traceback(
    scenario: str,
    options: dict[str, object],
    lines: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    document = tomllib.loads((SCENARIOS / f"{scenario}.toml").read_text())
    document["system"] = options if "factory" in options else {**document["system"], **options}
    file = tmp_path / "mine.toml"
    file.write_text(to_toml(document))
    assert main(["check", str(file), "--seeds", "1"]) == 2
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err
    found = [line.partition(": ")[2] for line in (said.out + said.err).splitlines() if "mine.toml" in line]
    assert len(found) == len(lines)
    assert all(line.startswith(told) for line, told in zip(found, lines, strict=True)), found


def paths(change: dict[str, object]) -> list[str]:
    """What is wrong, by place, once the options of a scenario are changed."""
    with pytest.raises(ScenarioError) as told:
        load("effect_printer").with_system(change)
    return sorted(problem.path for problem in told.value.problems)


def test_an_option_that_cannot_be_read_hides_no_mistake_of_the_factory() -> None:
    assert paths({"suspect": "-1s", "owners": 9, "ordering": "act"}) == [
        "system.ordering",
        "system.owners",
        "system.suspect",
    ]
    assert paths({"no_such_thing": 1, "owners": 9}) == ["system.no_such_thing", "system.owners"]


def test_of_an_option_that_cannot_be_read_nothing_else_is_told() -> None:
    """What the factory says of the default in its place is no mistake of the file."""
    assert paths({"suspect": "soon", "owners": 9}) == ["system.owners", "system.suspect"]
    assert paths({"receiver": 5, "declared": "idempotent"}) == ["system.receiver"]
    assert paths({"recieved": "mailer", "declared": "idempotent", "owners": 9}) == ["system.owners", "system.recieved"]
    assert paths({"home": "nowhere"}) == ["system.home"]


def test_a_choice_that_is_none_lists_the_others_once() -> None:
    with pytest.raises(ScenarioError) as told:
        load("retry_budget").with_system({"budget": "xyz"})
    (problem,) = told.value.problems
    assert (problem.rule, problem.way_out) == ("not one of none, throttle, ratio, bucket", "choose one")


def test_a_scale_that_does_not_fit_is_told_beside_a_reserve_that_is_none() -> None:
    with pytest.raises(Refused) as told:
        ScalingOptions(least=9, most=2, spare=-1)
    assert [one.partition("=")[0] for one in told.value.problems] == ["spare", "least"]
