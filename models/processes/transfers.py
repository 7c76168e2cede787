"""The transfer of money between two purses, on whatever shards: taken on one, given on the other, or given back."""

from __future__ import annotations

from typing import Final

from models.domains.transfer import Abandon, RecordCredit, RecordDebit, RecordRefund, Transfer, TransferState
from models.domains.transfer import Step as Stage
from models.mixes import DOMAIN_SHIFT
from models.processes.definition import Process, Step
from models.processes.purse import Cancel, Give, GiveBack, Purse, Take

__all__ = ["PATIENCE_US", "purse_of", "transfer_process"]

#: How long money may be on its way before it goes back.
PATIENCE_US: Final = 2_000_000


def transfer_process(patience_us: int = PATIENCE_US, *, full: bool = True) -> Process:
    """The process of one transfer, whose aggregate is of the domain `transfer`.

    Args:
        patience_us: How long money may be on its way before it goes back; 0 for ever.
        full: Whether a purse may be too full to be given more.
    """
    return Process(
        name="transfer",
        domain=Transfer(),
        stage_of=lambda state: str(state.step),
        final=frozenset((Stage.DONE, Stage.ABANDONED)),
        steps=(
            Step(
                name="debit",
                stage="ordered",
                ask=_take,
                commands=(Take, Cancel),
                done=RecordDebit(),
                denied=Abandon(),
                patience_us=patience_us,
                cancel=Cancel(),
            ),
            Step(
                name="credit",
                stage="debited",
                ask=_give,
                commands=(Give, Cancel),
                done=RecordCredit(),
                denied=Abandon() if full or patience_us else None,
                patience_us=patience_us,
                cancel=Cancel(),
            ),
            Step(
                name="refund",
                stage="owed",
                ask=_give_back,
                commands=(GiveBack,),
                done=RecordRefund(),
                undoes="debit",
            ),
        ),
    )


def purse_of(account: int) -> int:
    """The aggregate of an account."""
    return Purse.number << DOMAIN_SHIFT | account


def _take(state: TransferState) -> tuple[int, Take]:
    return purse_of(state.source), Take(amount=state.amount)


def _give(state: TransferState) -> tuple[int, Give]:
    return purse_of(state.target), Give(amount=state.amount)


def _give_back(state: TransferState) -> tuple[int, GiveBack]:
    return purse_of(state.source), GiveBack(amount=state.amount)
