"""The README's links lead somewhere, and its coverage table has every idea once."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from experiments.scenario import load, parse

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_link_leads_to_a_file() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", TEXT)
    assert links
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []


def test_the_coverage_table_has_every_idea_once() -> None:
    assert re.findall(r"^\| (S\d+) \|", TEXT, flags=re.MULTILINE) == [f"S{n}" for n in range(1, 23)]


def test_every_idea_that_is_built_links_a_module_what_exercises_it_and_a_test() -> None:
    rows = [line.strip("|").split("|") for line in TEXT.splitlines() if re.match(r"\| S\d+ \|", line)]
    without = [
        (cells[0].strip(), column)
        for cells in rows
        for column, cell in zip(("module", "exercise", "test"), cells[2:], strict=True)
        if "not yet" not in cells[2] and "](" not in cell
    ]
    assert without == []


def test_the_number_of_broken_systems_is_that_of_the_catalogue() -> None:
    catalogue = tomllib.loads((ROOT / "tests/broken/catalogue.toml").read_text(encoding="utf-8"))
    assert re.findall(r"holds (\d+) systems that break", TEXT) == [str(len(catalogue["variant"]))]


def test_every_command_in_the_table_of_commands_exists() -> None:
    from experiments.cli import lab

    named = set(re.findall(r"^\| `\./lab (\w+)", TEXT, flags=re.MULTILINE))
    assert named <= set(lab.commands)


def test_the_table_of_families_is_what_the_nemesis_says_of_itself() -> None:
    from sim.nemesis import FAMILIES

    rows = [
        f"| `{family.name}` | {family.doc} | {', '.join(f'`{kind}`' for kind in family.kinds)} |"
        for family in FAMILIES.values()
    ]
    assert [line for line in TEXT.splitlines() if line in rows] == rows


def test_the_nemesis_of_the_readme_is_right() -> None:
    section = tomllib.loads(re.findall(r"```toml\n(\[nemesis\].*?)```", TEXT, flags=re.DOTALL)[0])
    document = dict(load("isolate_region").document)
    assert parse(document | section, name="readme").nemesis is not None
