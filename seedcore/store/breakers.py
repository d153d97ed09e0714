"""
The stored state of the breakers: reading it, and closing breakers by hand.
"""

from __future__ import annotations

import time

import attrs
from tortoise.expressions import F
from tortoise.queryset import QuerySet

from seedcore.model import BreakerRecord
from seedcore.store.database import Database
from seedcore.store.models import Breaker

_COLUMNS = tuple(field.name for field in attrs.fields(BreakerRecord))


async def stored_breakers(database: Database, provider: str | None) -> list[BreakerRecord]:
    """
    Return the breakers of *provider*, or all, sorted by provider and operation.
    """
    chosen = _chosen(database, provider, None).order_by("provider", "operation")

    async def answer() -> list[BreakerRecord]:
        return [BreakerRecord(**row) for row in await chosen.values(*_COLUMNS)]

    return await database.ask(answer)


async def close_breakers(database: Database, provider: str, operation: str | None) -> int:
    """
    Close the breakers of *provider*, or of one operation, and return how many there are.

    The next generation makes a process that still holds the old state lose against it.
    """
    chosen = _chosen(database, provider, operation)

    async def answer() -> int:
        return await chosen.update(
            state="closed",
            generation=F("generation") + 1,
            open_until=0,
            reopened=0,
            successes=0,
            updated_at=time.time_ns() // 1000,
        )

    return await database.ask(answer)


def _chosen(
    database: Database, provider: str | None, operation: str | None
) -> QuerySet[Breaker]:
    wanted = {"provider": provider, "operation": operation}
    filters = {column: value for column, value in wanted.items() if value is not None}
    return Breaker.filter(**filters).using_db(database.client)
