"""Several tenants of one client, each of whom counts its commands for itself, so that their ids are equal.

What a history calls an operation is the client's own count; what the store is sent is a tenant and
that tenant's count. Equal domains, aggregates and command ids are what tenancy is put to the test with.
"""

from __future__ import annotations

from typing import Final

__all__ = ["asked_as", "operation_of"]

#: Below this is a client's count of what it issued, from 1.
_COUNTS: Final = (1 << 40) - 1


def asked_as(operation: int, tenants: int) -> tuple[int, int]:
    """The tenant and the command id under which an operation is asked for."""
    if tenants == 1:
        return 0, operation
    issued = (operation & _COUNTS) - 1
    return issued % tenants, (operation & ~_COUNTS) + issued // tenants + 1


def operation_of(tenant: int, command_id: int, tenants: int) -> int:
    """The operation that was asked for under a tenant and a command id."""
    if tenants == 1:
        return command_id
    counted = (command_id & _COUNTS) - 1
    return (command_id & ~_COUNTS) + counted * tenants + tenant + 1
