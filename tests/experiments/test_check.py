"""`./lab check` weighs claims over seeds, blames the seed, and tells CI the same whatever the number of workers."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from experiments.cli import main
from experiments.nemesis import with_nemesis
from experiments.regression import Standing, Weighed, asked_for, jobs_for, judge_seed, run_seeds, weigh, worst_code
from experiments.scenario import Mode, PropertyUse, load, shipped
from sim.checkers import Outcome, Verdict

PROPS = "tests.experiments.regression_props"
SMALL = Path(__file__).parents[2] / "experiments" / "scenarios" / "fault_partition_full.toml"

Claims = Callable[..., str]


@pytest.fixture
def claiming(tmp_path: Path) -> Claims:
    """Writes a small scenario that claims what is given, as name=mode, and returns its path."""

    def write(*claims: str, name: str = "mine") -> str:
        told = "".join(
            f'\n[[property]]\nname = "{claim.partition("=")[0]}"\nmode = "{claim.partition("=")[2]}"\n'
            for claim in claims
        )
        file = tmp_path / f"{name}.toml"
        file.write_text(SMALL.read_text().partition("[[property]]")[0] + told)
        return str(file)

    return write


def weighed(mode: Mode, *outcomes: Outcome, enough: bool = True) -> Weighed:
    verdicts = {seed: Verdict(outcome, (7, 8), "why") for seed, outcome in enumerate(outcomes)}
    return weigh(PropertyUse(name="p", mode=mode), verdicts, enough_seeds=enough)


@pytest.mark.parametrize(
    ("mode", "outcomes", "enough", "standing", "told"),
    [
        (Mode.ALWAYS, "vv", True, Standing.HOLDS, "holds in 2 runs"),
        (Mode.ALWAYS, "vi", True, Standing.VIOLATED, "VIOLATED under seed 1: why; witness 7, 8"),
        (Mode.ALWAYS, "ui", False, Standing.VIOLATED, "VIOLATED under seed 1: why; witness 7, 8"),
        (Mode.ALWAYS, "vu", True, Standing.UNKNOWN, "unknown under seed 1: why; witness 7, 8"),
        (Mode.SOMETIMES, "iv", True, Standing.HOLDS, "holds in 1 of 2 runs"),
        (Mode.SOMETIMES, "uiv", True, Standing.HOLDS, "holds in 1 of 3 runs"),
        (
            Mode.SOMETIMES,
            "iii",
            True,
            Standing.VIOLATED,
            "VIOLATED in none of 3 runs, the first under seed 0: why; witness 7, 8",
        ),
        (
            Mode.SOMETIMES,
            "iui",
            True,
            Standing.UNKNOWN,
            "unknown in none of 3 runs, the first under seed 1: why; witness 7, 8",
        ),
        (Mode.SOMETIMES, "i", False, Standing.OPEN, "warning: in none of 1 runs, too few seeds to tell"),
    ],
)
def test_a_claim_is_weighed_over_its_runs(
    mode: Mode, outcomes: str, enough: bool, standing: Standing, told: str
) -> None:
    by_letter = {outcome.value[0]: outcome for outcome in Outcome}
    found = weighed(mode, *(by_letter[letter] for letter in outcomes), enough=enough)
    assert (found.standing, found.told()) == (standing, told)


def test_a_violation_weighs_more_than_an_unknown() -> None:
    assert worst_code([0, 2, 1, 0]) == 1
    assert worst_code([0, 2]) == 2
    assert worst_code([1, 3]) == 3
    assert worst_code([]) == 0


def test_a_violation_tells_its_seed_its_witness_and_a_command_that_shows_it_again(
    claiming: Claims, capsys: pytest.CaptureFixture[str]
) -> None:
    name = claiming("conservation=always", f"{PROPS}:even_seeds_only=always")
    assert main(["check", name, "--seeds", "4"]) == 1
    first = capsys.readouterr().out
    assert "mine: conservation (always): holds in 4 runs" in first
    assert f"mine: {PROPS}:even_seeds_only (always): VIOLATED under seed 1: seed 1 is odd" in first
    assert len(re.findall(r"^  [\d.]+ ?m?s \S+/clients/\S+ asks to \w+ key \d+", first, re.M)) >= 1
    command = re.findall(r"replay it with: (.*)", first)
    assert command == [f"./lab check {name} --seed 1"]
    assert main(shlex.split(command[0])[1:]) == 1
    again = capsys.readouterr().out
    assert first.partition("VIOLATED")[2] == again.partition("VIOLATED")[2]


def test_junit_names_suites_cases_and_what_is_wrong(claiming: Claims, tmp_path: Path) -> None:
    claims = ["even_seeds_only=always", "seed_two=sometimes", "undecided=always", "raises=always"]
    name = claiming("conservation=always", *(f"{PROPS}:{claim}" for claim in claims))
    file = tmp_path / "junit.xml"
    assert main(["check", name, "no_such_file.toml", "--junit", str(file)]) == 2
    assert not file.exists()
    assert main(["check", name, "--seeds", "3", "--junit", str(file)]) == 1
    root = ElementTree.parse(file).getroot()
    assert (root.tag, root.get("tests"), root.get("failures"), root.get("errors")) == ("testsuites", "5", "1", "2")
    (suite,) = root
    assert (suite.tag, suite.get("name"), suite.get("file")) == ("testsuite", "mine", name)
    assert suite.get("tests") == str(len(suite.findall("testcase"))) == "5"
    found = {case.get("name"): [child.tag for child in case] for case in suite.iter("testcase")}
    assert found == {
        "conservation (always)": ["system-out"],
        f"{PROPS}:even_seeds_only (always)": ["failure"],
        f"{PROPS}:seed_two (sometimes)": ["system-out"],
        f"{PROPS}:undecided (always)": ["error"],
        f"{PROPS}:raises (always)": ["error"],
    }
    failure = suite.find(".//failure")
    assert failure is not None
    assert failure.get("message", "").startswith("VIOLATED under seed 1: seed 1 is odd & <bad>?; witness ")
    assert failure.text is not None
    assert "asks to" in failure.text
    assert f"./lab check {name} --seed 1" in failure.text
    errors = [error.get("message", "") for error in suite.iter("error")]
    assert "too much to look at" in errors[0]
    assert "raises raised KeyError: 'no\\nlicence' (regression_props.py, line" in errors[1]


def test_a_sometimes_that_few_seeds_left_open_is_skipped(claiming: Claims, tmp_path: Path) -> None:
    file = tmp_path / "junit.xml"
    assert main(["check", claiming(f"{PROPS}:seed_two=sometimes"), "--seeds", "2", "--junit", str(file)]) == 0
    (suite,) = ElementTree.parse(file).getroot()
    assert (suite.get("skipped"), suite.get("failures")) == ("1", "0")
    assert main(["check", claiming(f"{PROPS}:seed_two=sometimes"), "--seed", "5", "--junit", str(file)]) == 0


def test_a_property_that_returns_something_else_is_unknown(
    claiming: Claims, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", claiming(f"{PROPS}:returns_a_bool=always"), "--seed", "0"]) == 2
    assert "returned bool; a property returns a Verdict" in capsys.readouterr().out


def test_a_run_that_raises_is_told_with_its_seed_and_spares_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, report = tmp_path / "raising.toml", tmp_path / "junit.xml"
    text = SMALL.read_text()
    factory = re.search(r'^factory = ".*"$', text, re.M)
    assert factory is not None
    file.write_text(text.replace(factory.group(), 'factory = "tests.experiments.regression_systems:raising"'))
    assert main(["check", str(file), "--seeds", "2", "--junit", str(report)]) == 3
    told = capsys.readouterr().out
    assert "raising: 2 of 2 runs raised (seeds 0, 1), the first:" in told
    assert "ZeroDivisionError" in told
    assert f"replay it with: ./lab check {file} --seed 0" in told
    (suite,) = ElementTree.parse(report).getroot()
    assert [error.get("type") for error in suite.iter("error")] == ["ZeroDivisionError"]


@pytest.mark.parametrize("missing", ["nowhere/junit.xml", ""])
def test_a_report_that_cannot_be_written_is_refused_before_the_run(
    missing: str, tmp_path: Path, claiming: Claims, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / missing
    assert main(["check", claiming("conservation=always"), "--junit", str(target)]) == 2
    printed = capsys.readouterr()
    assert "conservation" not in printed.out
    assert "there is no folder" in printed.err or "is a directory" in printed.err


def test_one_seed_and_several_contradict_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "no_fault", "--seeds", "3", "--seed", "1"]) == 2
    assert "leave one out" in capsys.readouterr().err


def test_results_do_not_depend_on_the_number_of_workers(claiming: Claims, tmp_path: Path) -> None:
    scenarios = [load(claiming("conservation=always", f"{PROPS}:even_seeds_only=always")), load(str(SMALL))]
    alone, together = (
        sorted(
            (number, r.seed, r.digest, sorted(r.verdicts.items())) for number, r in run_seeds(scenarios, range(6), n)
        )
        for n in (1, 2)
    )
    assert alone == together
    assert len(alone) == 12


def test_a_worker_that_dies_is_told_with_its_run_and_writes_no_report(
    claiming: Claims, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "junit.xml"
    file.write_text("of the last run")
    assert main(["check", claiming(f"{PROPS}:dies=always"), "--seed", "0", "--jobs", "2", "--junit", str(file)]) == 3
    assert re.search(r"the worker at mine under seed 0 died \(killed by SIGKILL\)", capsys.readouterr().err)
    assert file.read_text() == "of the last run"


def test_workers_are_started_only_if_there_is_enough_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("experiments.regression.runs.cores", lambda: 4)
    assert jobs_for([load("fault_partition_full")], 3) == 1
    assert jobs_for([load("fault_partition_full")], 200) == 4
    assert jobs_for([load(name) for name in shipped()], 3) == 4


def test_a_nemesis_draws_for_each_seed_and_a_violation_lists_what_it_drew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "drawn.toml"
    plain = SMALL.read_text().partition("[[fault]]")[0]
    claim = f'[[property]]\nname = "{PROPS}:even_seeds_only"\nmode = "always"\n'
    file.write_text(f'{plain}\n[nemesis]\nmode = "unlimited"\n\n{claim}')
    digests = {judge_seed(load(file), seed).digest for seed in (0, 2, 4)}
    assert len(digests) == 3
    assert main(["check", str(file), "--seeds", "2"]) == 1
    told = capsys.readouterr().out
    drawn = with_nemesis(load(file), 1)[0].faults
    assert re.findall(r"^  fault ([\w-]+): ", told, re.M) == [fault.id for fault in drawn] != []


@pytest.mark.parametrize(("mode", "asked"), [("unlimited", False), ("core", False), ("healing", True)])
def test_what_must_come_right_in_the_end_is_asked_for_only_if_faults_end(
    mode: str, asked: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "drawn.toml"
    plain = SMALL.read_text().partition("[[fault]]")[0]
    claims = "".join(
        f'\n[[property]]\nname = "{name}"\nmode = "always"\n' for name in ("no_acknowledged_loss", "convergence")
    )
    file.write_text(f'{plain}\n[nemesis]\nmode = "{mode}"\n{claims}')
    assert [use.name for use in asked_for(load(file))] == ["no_acknowledged_loss", *(["convergence"] if asked else [])]
    assert main(["check", str(file), "--seed", "1", "--junit", str(tmp_path / "junit.xml")]) in (0, 2)
    assert ("drawn: convergence (always): not asked for: " in capsys.readouterr().out) is not asked
    (suite,) = ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert suite.get("skipped") == str(int(not asked))


def test_a_nemesis_without_room_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "short.toml"
    plain = SMALL.read_text().partition("[[fault]]")[0]
    text = plain.replace('until = "30s"', 'until = "5s"').replace('ends = "15s"', 'ends = "4s"')
    file.write_text(f"{text}\n[nemesis]\n")
    assert main(["check", str(file)]) == 2
    assert "have no time; run longer" in capsys.readouterr().err


def test_two_files_of_one_name_are_told_apart(claiming: Claims, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    first = claiming("conservation=always")
    second = claiming("conservation=always", name="other/mine")
    file = tmp_path / "junit.xml"
    assert main(["check", first, second, "--seed", "0", "--junit", str(file)]) == 0
    assert [suite.get("name") for suite in ElementTree.parse(file).getroot()] == [first, second]


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize(
    ("claim", "code", "told"),
    [
        ("exits", 2, "exits raised SystemExit: 4 (regression_props.py, line"),
        ("gives_no_reason", 1, "VIOLATED under seed 0: no reason was given"),
        ("says_it_in_words", 1, "VIOLATED under seed 0: plainly"),
        ("says_nonsense", 2, "returned Verdict(outcome='perhaps', witness=('first',), reason=7); a Verdict holds an"),
    ],
)
def test_whatever_a_property_of_ones_own_does_is_told_by_its_name(
    claim: str, code: int, told: str, jobs: str, claiming: Claims, capsys: pytest.CaptureFixture[str]
) -> None:
    path = claiming(f"{PROPS}:{claim}=always")
    assert main(["check", path, "--seeds", "2", "--jobs", jobs]) == code
    out = capsys.readouterr().out
    assert f"{PROPS}:{claim} (always): " in out
    assert told in out


def test_a_report_that_cannot_be_written_is_refused_before_any_run(
    claiming: Claims, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = claiming("any_fault_fired=sometimes")
    before = sorted(tmp_path.iterdir())
    for junit, told in (
        ("/proc/report.xml", "/proc refuses it"),
        ("", "it is a folder; name a file"),
        ("/dev/null", "it is no ordinary file, and would be replaced by one"),
        (str(tmp_path / "none" / "report.xml"), "there is no folder"),
    ):
        assert main(["check", path, "--seeds", "1", "--junit", junit]) == 2
        shown = capsys.readouterr()
        assert told in " ".join(shown.err.split())
        assert shown.out == ""
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("command", [["check"], ["hunt", "--no-nemesis", "--jobs", "1"]])
def test_a_slow_host_that_has_nothing_to_be_slow_with_is_told_before_the_run(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = SMALL.with_name("fault_host_slow.toml").read_text()
    told = "free: warning: fault 'limp': host-slow multiplies service times, and here all of them are 0, so it does"
    file = tmp_path / "free.toml"
    for hosts, first in (('service_time = "0us"', told), ('service_time = "0us"\nservice_times = { Ask = "1us" }', "")):
        file.write_text(text.replace("[[fault]]", f"[hosts]\n{hosts}\n\n[[fault]]"))
        out = ["--out", str(tmp_path)] if command[0] == "hunt" else []
        main([command[0], str(file), *command[1:], *out, "--seeds", "1"])
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].startswith(first or "free: ")
        assert bool(first) == any("warning: fault" in line for line in lines)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_system_that_exits_is_told_like_one_that_raises(
    jobs: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "exits.toml"
    factory = "tests.experiments.regression_systems:exiting"
    file.write_text(re.sub(r"(?s)\[system\].*?\n\n", f'[system]\nfactory = "{factory}"\n\n', SMALL.read_text()))
    assert main(["check", str(file), "--seeds", "2", "--jobs", jobs]) == 3
    assert "SystemExit: 5" in capsys.readouterr().out
    assert main(["hunt", str(file), "--seeds", "1", "--jobs", jobs, "--no-nemesis", "--out", str(tmp_path)]) == 1
    assert "no_crash is violated: SystemExit in tests/experiments/regression_systems.py" in capsys.readouterr().out


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_domain_that_fails_is_told_with_its_place_and_is_bad_input(
    jobs: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "silent.toml"
    factory = "tests.experiments.regression_systems:silent"
    file.write_text(re.sub(r"(?s)\[system\].*?\n\n", f'[system]\nfactory = "{factory}"\n\n', SMALL.read_text()))
    assert main(["check", str(file), "--seeds", "2", "--jobs", jobs]) == 2
    told = capsys.readouterr().out
    why = "domain 'bank-account', Silent.deposit: returned no event to Deposit; return exactly one event"
    assert f"  DomainFailed: {why}\n  replay it with: ./lab check {file} --seed 0\n" in told
    assert "Traceback" not in told
    assert main(["replay", str(file), "--seed", "0", "--last", "0"]) == 2
    assert why in capsys.readouterr().out
