"""The README's links lead somewhere, and its coverage table has every idea once."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_link_leads_to_a_file() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", TEXT)
    assert links
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []


def test_the_coverage_table_has_every_idea_once() -> None:
    assert re.findall(r"^\| (S\d+) \|", TEXT, flags=re.MULTILINE) == [f"S{n}" for n in range(1, 23)]


def test_every_command_in_the_table_of_commands_exists() -> None:
    from experiments.cli import lab

    named = set(re.findall(r"^\| `\./lab (\w+)", TEXT, flags=re.MULTILINE))
    assert named <= set(lab.commands)
