"""Pages escape what enters, figures are equal to the byte, and the front page lists every question."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.experiment import Finding, ReportContext
from experiments.provenance import Fingerprint, Provenance
from experiments.report import Page, new_figure, report_page, save_figure, shade, write_front
from experiments.results import RunRecord

SOURCE = Provenance(commit="abc", clean=False, lock="1f", python="3.11.7", command="./lab run toy --quick", seeds=3)


def record(answer: str) -> RunRecord:
    return RunRecord(
        experiment="toy",
        question="Do coins fall?",
        answer=answer,
        size="full",
        provenance=SOURCE,
        fingerprint=Fingerprint(experiment="toy", scenarios={}, code=""),
        digests={},
        findings=(),
        censored={},
        ran=0,
        wall_s=0,
    )


def test_every_text_is_escaped() -> None:
    page = Page("<a> & b")
    page.section("<s>")
    page.subsection("<u>")
    page.paragraph("<p1>")
    page.note("<n>")
    page.answer("<w>")
    page.bullets(["<i>"])
    page.link("<l>", 'x"y')
    page.table(["<h>"], [["<c>"]], caption="<t>")
    page.figure("f.svg", alt='a "quoted" <alt>', caption="<g>")
    page.findings([Finding(claim="<k>", holds=None, detail="<d>")])
    html = page.html()
    for text in ("a", "s", "u", "p1", "n", "w", "i", "l", "h", "c", "t", "g", "k", "d"):
        assert f"&lt;{text}&gt;" in html
    assert 'alt="a &quot;quoted&quot; &lt;alt&gt;"' in html
    assert 'href="x&quot;y"' in html
    assert "<script" not in html
    assert "http" not in html


def test_a_ragged_table_is_refused() -> None:
    with pytest.raises(ValueError, match="2 cells under 1 titles"):
        Page("x").table(["a"], [["1", "2"]])


def test_a_figure_says_what_it_shows() -> None:
    with pytest.raises(ValueError, match="no alternative text"):
        Page("x").figure("f.svg", alt=" ")


def test_a_report_says_where_it_comes_from() -> None:
    context = ReportContext(question="Do coins fall?", size="quick", provenance=SOURCE, findings=())
    html = report_page(context, "They do.").html()
    assert "<h1>Do coins fall?</h1>" in html
    assert "commit abc, with uncommitted changes; lock 1f; Python 3.11.7; seeds 0 to 2" in html
    assert "<code>./lab run toy --quick</code>" in html


def test_a_claim_that_fails_is_told_in_words() -> None:
    page = Page("x")
    page.findings([Finding(claim="up is down", holds=False, detail="0 of 3")])
    assert 'up is down: <span class="bad">fails</span>. 0 of 3' in page.html()


def test_equal_drawings_are_equal_files(tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        figure, (top, bottom) = new_figure(2, 1, share_x=True)
        top.plot([0, 1, 2], [3, 1, 2], label="line")
        top.legend()
        bottom.plot([0, 1], [1, 0])
        shade(top, 0.5, 1.5, "cut")
        save_figure(figure, tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert b"<dc:date>" not in (tmp_path / "a.svg").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.svg", "b.svg"]


def test_the_front_page_lists_answered_and_open_questions(tmp_path: Path) -> None:
    for folder, answer in ((tmp_path / "toy", "Yes & no."), (tmp_path / "quick" / "toy", "Quickly yes.")):
        folder.mkdir(parents=True)
        (folder / "index.html").touch()
        record(answer).write(folder)
    questions = {"dice": "Do dice fall?"}
    write_front(tmp_path / "index.html", questions, [("full", tmp_path), ("quick", tmp_path / "quick")])
    html = (tmp_path / "index.html").read_text()
    assert html.index("Do dice fall?") < html.index("Not answered yet: ./lab run dice") < html.index("Do coins fall?")
    assert html.index("Yes &amp; no.") < html.index("Quickly yes.")
    assert 'href="toy/index.html"' in html
    assert 'href="quick/toy/index.html"' in html


def test_headline_questions_come_first(tmp_path: Path) -> None:
    write_front(tmp_path / "index.html", {"a": "Small?", "b": "Large?"}, [("full", tmp_path)], headlines={"b"})
    html = (tmp_path / "index.html").read_text()
    order = [html.index(text) for text in ("Headline questions", "Large?", "What they rest on", "Small?")]
    assert order == sorted(order)


def test_a_broken_record_hides_no_other_answer(tmp_path: Path) -> None:
    for name in ("toy", "dice"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "index.html").touch()
    record("Yes.").write(tmp_path / "toy")
    (tmp_path / "dice" / "run.json").write_text("{")
    write_front(tmp_path / "index.html", {"dice": "Dice?", "toy": "Coins?"}, [("full", tmp_path)])
    html = (tmp_path / "index.html").read_text()
    assert "is not JSON" in html
    assert "Yes." in html
