"""Faults as data: a schedule is a list of frozen records; what they do is computed, never undone.

Read `fault` for the record and `schedule_json` for its JSON, `kinds` for what a kind is, then
the kinds themselves (`partitions`, `links`, `hosts`; all of them by name in `catalogue`),
`schedule` for how one is checked, `injector` for how live faults become cuts, effects, crashes
and restarts, `encounter` for what they met. A new kind is one entry in one of the three tables.
"""

from sim.faults.catalogue import KINDS
from sim.faults.encounter import Encounter, Encounters
from sim.faults.fault import HERE, Fault, ParamValue, Trigger
from sim.faults.host_effect import NO_EFFECT, HostEffect
from sim.faults.injector import Injector
from sim.faults.kinds import CrashKind, Cut, FaultKind, Group
from sim.faults.params import FaultProblem, ParamRule
from sim.faults.schedule import (
    Marks,
    check_schedule,
    check_triggers,
    exposure,
    fault_problems,
    marks_of,
    trigger_problems,
)
from sim.faults.schedule_json import schedule_from_json, schedule_to_json
from sim.faults.survival import destroyed_copies

__all__ = [
    "HERE",
    "KINDS",
    "NO_EFFECT",
    "CrashKind",
    "Cut",
    "Encounter",
    "Encounters",
    "Fault",
    "FaultKind",
    "FaultProblem",
    "Group",
    "HostEffect",
    "Injector",
    "Marks",
    "ParamRule",
    "ParamValue",
    "Trigger",
    "check_schedule",
    "check_triggers",
    "destroyed_copies",
    "exposure",
    "fault_problems",
    "marks_of",
    "schedule_from_json",
    "schedule_to_json",
    "trigger_problems",
]
