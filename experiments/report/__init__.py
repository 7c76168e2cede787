"""Pages that a person reads: `page` builds one, `figure` draws for it, `front` lists every experiment's answer.

Read `page` first. Pages are plain HTML with inline style, no script and no outside address, so they open from a disk,
print and can be mailed. Every text that enters is escaped.
"""

from experiments.report.figure import PALETTE, new_figure, save_figure, shade
from experiments.report.front import write_front
from experiments.report.page import MARK, Page, report_page

__all__ = ["MARK", "PALETTE", "Page", "new_figure", "report_page", "save_figure", "shade", "write_front"]
