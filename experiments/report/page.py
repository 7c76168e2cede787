"""A small builder of HTML pages: headings, paragraphs, tables and figures, in the order that they are added."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Final

from experiments.experiment import Finding, ReportContext
from experiments.files import write_text
from experiments.provenance import Provenance

__all__ = ["MARK", "Page", "report_page"]

#: By this line a page is known for one of the lab's, which may be written over.
MARK: Final = '<meta name="generator" content="cutset">'

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1b1f24; --dim: #57606a; --line: #d0d7de; --paper: #fff; --tint: #f3f6f9;
  --good: #1a7f37; --bad: #b3261e; --mark: #0b5cad; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --dim: #9aa5b1; --line: #3a424c; --paper: #14181d;
  --tint: #1c2229; --good: #57c878; --bad: #ff8b80; --mark: #7db8f5; } }
body { font: 16px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2.5rem auto;
  max-width: 64rem; padding: 0 1.25rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .75rem; } h2 { font-size: 1.25rem; margin: 2.2rem 0 .6rem; }
h3 { font-size: 1.05rem; margin: 1.6rem 0 .4rem; } p, li { max-width: 46rem; } a { color: var(--mark); }
.answer { font-size: 1.1rem; border-left: 4px solid var(--mark); padding: .4rem 0 .4rem 1rem; }
.source { font-size: .82rem; color: var(--dim); overflow-wrap: anywhere; max-width: none; } .note { color: var(--dim); font-size: .9rem; }
.wide { overflow-x: auto; margin: 1rem 0; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
caption { text-align: left; font-weight: 600; padding-bottom: .4rem; }
th, td { border-bottom: 1px solid var(--line); padding: .35rem .7rem; text-align: right; vertical-align: top; }
th:first-child, td:first-child, .words td, .words th { text-align: left; } thead th { background: var(--tint); vertical-align: bottom; }
figure { margin: 1.2rem 0; } figure img { max-width: 100%; background: #fff; border: 1px solid var(--line); border-radius: 4px; }
figcaption { color: var(--dim); font-size: .9rem; max-width: 46rem; } .good { color: var(--good); } .bad { color: var(--bad); }
code { font-size: .92em; }
@media print { body { margin: 0; max-width: none; font-size: 10.5pt; } figure, tr { break-inside: avoid; } h2, h3 { break-after: avoid; } }
"""  # noqa: E501 - a style sheet reads no better in narrower lines


class Page:
    """A page under construction; each method adds a piece below the last.

    Args:
        title: Its heading, and the browser's tab.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._pieces: list[str] = [f"<h1>{escape(title)}</h1>"]

    def section(self, title: str) -> None:
        """Begin a section."""
        self._pieces.append(f"<h2>{escape(title)}</h2>")

    def subsection(self, title: str) -> None:
        """Begin a part of a section."""
        self._pieces.append(f"<h3>{escape(title)}</h3>")

    def paragraph(self, text: str) -> None:
        """Add a paragraph."""
        self._pieces.append(f"<p>{escape(text)}</p>")

    def note(self, text: str) -> None:
        """Add a paragraph in smaller, paler type: how to read what is above it."""
        self._pieces.append(f'<p class="note">{escape(text)}</p>')

    def answer(self, text: str) -> None:
        """Add the sentence that the page exists for."""
        self._pieces.append(f'<p class="answer">{escape(text)}</p>')

    def bullets(self, items: Iterable[str]) -> None:
        """Add a list."""
        self._pieces.append("<ul>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ul>")

    def link(self, text: str, address: str) -> None:
        """Add a link on a line of its own; the address is relative to the page."""
        self._pieces.append(f'<p><a href="{escape(address)}">{escape(text)}</a></p>')

    def table(
        self, header: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str = "", words: bool = False
    ) -> None:
        """Add a table whose cells are already formatted.

        Args:
            header: One title a column.
            rows: As many cells as there are titles, the first of them naming the row.
            caption: What the table shows.
            words: Cells are prose, set to the left; else numbers, set to the right.

        Raises:
            ValueError: A row has another number of cells.
        """
        body = []
        for row in rows:
            if len(row) != len(header):
                raise ValueError(f"row {list(row)!r} has {len(row)} cells under {len(header)} titles")
            body.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>")
        titles = "".join(f'<th scope="col">{escape(title)}</th>' for title in header)
        heading = f"<caption>{escape(caption)}</caption>" if caption else ""
        kind = ' class="words"' if words else ""
        self._pieces.append(
            f'<div class="wide"><table{kind}>{heading}<thead><tr>{titles}</tr></thead>'
            f"<tbody>{''.join(body)}</tbody></table></div>"
        )

    def figure(self, file: str, *, alt: str, caption: str = "") -> None:
        """Add a picture that lies beside the page.

        Args:
            file: Address relative to the page.
            alt: What the picture shows, for who cannot see it.
            caption: How to read it.

        Raises:
            ValueError: The alternative text is empty.
        """
        if not alt.strip():
            raise ValueError(f"figure {file!r} has no alternative text; say what it shows")
        told = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
        self._pieces.append(f'<figure><img src="{escape(file)}" alt="{escape(alt)}">{told}</figure>')

    def source(self, provenance: Provenance) -> None:
        """Add the line that says which code and which runs made the page."""
        if provenance.commit is None:
            commit = "an unversioned copy"
        else:
            commit = f"commit {provenance.commit}, {'clean' if provenance.clean else 'with uncommitted changes'}"
        seeds = "seed 0" if provenance.seeds == 1 else f"seeds 0 to {provenance.seeds - 1}"
        text = f"{commit}; lock {provenance.lock}; Python {provenance.python}; {seeds}; made by "
        self._pieces.append(f'<p class="source">{escape(text)}<code>{escape(provenance.command)}</code></p>')

    def findings(self, findings: Iterable[Finding]) -> None:
        """Add the claims and whether each held, in words as well as colour."""
        words = {
            True: ('<span class="good">holds</span>'),
            False: ('<span class="bad">fails</span>'),
            None: "undecided",
        }
        items = [
            f"<li>{escape(finding.claim)}: {words[finding.holds]}. {escape(finding.detail)}</li>"
            for finding in findings
        ]
        self._pieces.append(f"<ul>{''.join(items)}</ul>")

    def markup(self, html: str) -> None:
        """Add a piece that is HTML already, made by the lab and escaped there."""
        self._pieces.append(html)

    def html(self) -> str:
        """The whole page."""
        body = "\n".join(self._pieces)
        return (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f"{MARK}\n"
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{escape(self._title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n{body}\n"
            "</main>\n</body>\n</html>\n"
        )

    def write(self, path: Path) -> None:
        """Write the page in one step."""
        write_text(path, self.html())


def report_page(context: ReportContext, answer: str) -> Page:
    """Begin an experiment's report: its question, where it comes from, and the answer."""
    page = Page(context.question)
    page.source(context.provenance)
    page.answer(answer)
    return page
