"""Measurements from the real world, as the simulator wants them.

Each importer takes the text of a file and its name, and either returns values or raises
one `MalformedRows` that tells every row it cannot take: line, value, rule and way out. Of CSV
files, `rtt` reads round trips between regions, `samples` delays as they were measured one by
one, `outages` a log of what was down and when, as a schedule of faults; `rows` is what they
share. Of histories, `history_lines` reads JSON lines and `jepsen` EDN; `recorded` they share.
"""

from sim.imports.history_lines import read_history_lines
from sim.imports.jepsen import read_history_edn
from sim.imports.outages import OutageRules, read_outages
from sim.imports.recorded import RecordedHistory
from sim.imports.rows import Malformed, MalformedRows
from sim.imports.rtt import read_rtt_matrix
from sim.imports.samples import read_delay_samples

__all__ = [
    "Malformed",
    "MalformedRows",
    "OutageRules",
    "RecordedHistory",
    "read_delay_samples",
    "read_history_edn",
    "read_history_lines",
    "read_outages",
    "read_rtt_matrix",
]
