"""Faults as data: a schedule is a list of frozen records; what they do is computed, never undone.

Read `fault` for the record and its JSON, `kinds` for what each kind means and how a schedule
is checked against a topology, `injector` for how live faults become cuts, crashes and
restarts. A new kind is one entry in `KINDS`.
"""

from sim.faults.fault import (
    Fault,
    ParamValue,
    Trigger,
    schedule_from_json,
    schedule_to_json,
)
from sim.faults.injector import Injector
from sim.faults.kinds import (
    KINDS,
    CrashKind,
    Cut,
    FaultKind,
    FaultProblem,
    ParamRule,
    check_schedule,
)

__all__ = [
    "KINDS",
    "CrashKind",
    "Cut",
    "Fault",
    "FaultKind",
    "FaultProblem",
    "Injector",
    "ParamRule",
    "ParamValue",
    "Trigger",
    "check_schedule",
    "schedule_from_json",
    "schedule_to_json",
]
