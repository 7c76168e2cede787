"""What operators do by hand: a runbook of steps, carried out by a service that is cut off like any other.

Read `steps` first: the actions and what one needs to know; then `runbook`, which carries them out over the
network, retries with patience, and writes down what was done. `membership` is what a design provides
whose members can change.
"""

from models.operations.membership import Change, Membership
from models.operations.runbook import Runbook, RunbookOptions
from models.operations.steps import Action, Outcome, Step

__all__ = ["Action", "Change", "Membership", "Outcome", "Runbook", "RunbookOptions", "Step"]
