"""The front page: every question, with the answer of each run that lies in the folders it is given."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from experiments.report.page import Page
from experiments.results import load_record

__all__ = ["write_front"]


def write_front(
    path: Path,
    questions: Mapping[str, str],
    folders: Sequence[tuple[str, Path]],
    *,
    headlines: Collection[str] = (),
) -> None:
    """Write the front page.

    Args:
        path: The page, usually `reports/index.html`.
        questions: Questions to list, answered or not, by experiment. Others found in the folders follow.
        folders: A label and a folder for each place that may hold an experiment's folder, such as full and quick.
        headlines: The experiments whose questions come before all others, in a part of their own.
    """
    page = Page("What the lab found")
    listed = _with_others(questions, [folder for _, folder in folders])
    first = [name for name in listed if name in headlines]
    for title, part in (("Headline questions", first), ("What they rest on", [n for n in listed if n not in first])):
        if first and part:
            page.section(title)
        for name in part:
            page.subsection(listed[name])
            answered = [(label, folder / name) for label, folder in folders if (folder / name / "index.html").is_file()]
            for label, folder in answered:
                _entry(page, path, label, folder)
            if not answered:
                page.note(f"Not answered yet: ./lab run {name}")
    page.write(path)


def _with_others(questions: Mapping[str, str], folders: Sequence[Path]) -> dict[str, str]:
    """Add the questions of earlier results in the folders, such as of somebody's own experiment."""
    listed = dict(questions)
    for folder in folders:
        for path in sorted(folder.glob("*/run.json")):
            with suppress(ValueError):  # not a record of ours, or of another version
                record = load_record(path.parent)
                listed.setdefault(record.experiment, record.question)
    return listed


def _entry(page: Page, path: Path, label: str, folder: Path) -> None:
    try:
        record = load_record(folder)
    except ValueError as error:  # an older or broken record must not hide the other answers
        page.note(f"{label}: {error}")
        return
    page.answer(record.answer)
    page.link(f"{label} report", os.path.relpath(folder / "index.html", path.parent))
    page.source(record.provenance)
