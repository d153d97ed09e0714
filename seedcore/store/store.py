"""
The audit database as the runner sees it.
"""

from __future__ import annotations

import time
from typing import Self

from tortoise.expressions import F

from seedcore.errors import DatabaseError
from seedcore.model import AuditRecord, BreakerRecord, FailureRecord
from seedcore.store.database import Database
from seedcore.store.models import Breaker, Unsealing
from seedcore.store.queries import Queries
from seedcore.store.reasons import reason
from seedcore.store.rows import BREAKERS, CALLS, FAILURES
from seedcore.store.writer import Writer


class Store:
    """
    One open audit database; all errors are ``DatabaseError``, all limits seconds.
    """

    COMMIT_LIMIT = 5.0
    """Seconds after which a row that can't be written fails."""
    FAILURES_KEPT = 10_000
    """Failure rows that wait at most for a database that doesn't answer."""

    def __init__(self, database: Database) -> None:
        self.name = database.name
        """The absolute path of the database, or ``:memory:``."""
        self.queries = Queries(database)
        self._database = database
        self._closed = False
        self._writer = Writer(
            database, commit_limit=self.COMMIT_LIMIT, failures_kept=self.FAILURES_KEPT
        )

    @classmethod
    async def open(cls, url: str) -> Self:
        """
        Open ``sqlite://file``, ``sqlite:///absolute/file`` or ``sqlite://:memory:``.

        Creates the file and its tables where they are missing.
        """
        return cls(await Database.open(url))

    @property
    def dropped_failures(self) -> int:
        """
        Failure rows that were given up.
        """
        return self._writer.dropped

    async def write(self, record: AuditRecord) -> None:
        """
        Write the row of a successful call; it is on disk when this returns.

        A second row with the same call_id is ignored.
        """
        try:
            row = CALLS.row(record)
        except Exception as error:
            msg = f"The audit row of call {record.call_id} can't be written: {reason(error)}."
            raise DatabaseError(msg) from error
        await self._writer.add(row)

    def write_failure(self, record: FailureRecord) -> None:
        """
        Queue the row of a failed call; it goes out with the next commit.
        """
        try:
            row = FAILURES.row(record)
        except Exception:  # noqa: BLE001 - nobody awaits it, so nobody could be told
            self._writer.dropped += 1
        else:
            self._writer.add_failure(row)

    def save_breaker(self, record: BreakerRecord) -> None:
        """
        Queue a breaker's state; an older generation never replaces a newer one.
        """
        self._writer.add_breaker(record)

    async def breakers(self, provider: str | None = None) -> list[BreakerRecord]:
        """
        Return the stored breakers, sorted by provider and operation.
        """
        order = ("provider", "operation")
        rows = await self._database.rows(Breaker, BREAKERS.columns, *order, provider=provider)
        return [BreakerRecord(**row) for row in rows]

    async def reset_breakers(self, provider: str, operation: str | None = None) -> int:
        """
        Close the stored breakers of a provider or operation; returns how many there are.

        The next generation makes a process that still holds the old state lose against it.
        """
        wanted = {"provider": provider} | ({"operation": operation} if operation else {})

        async def close() -> int:
            chosen = Breaker.filter(**wanted).using_db(self._database.client)
            return await chosen.update(
                state="closed",
                generation=F("generation") + 1,
                open_until=0,
                reopened=0,
                successes=0,
                updated_at=time.time_ns() // 1000,
            )

        return await self._database.ask(close)

    async def has_call(self, call_id: str) -> bool:
        """
        Whether a successful call with this id was recorded.
        """
        return await self.queries.has_call(call_id)

    async def unseal(self, call_id: str, by: str) -> None:
        """
        Record that the sealed row may be shown from now on, and who said so.
        """
        client = self._database.client

        async def record() -> None:
            now = time.time_ns() // 1000
            unsealing = Unsealing(call_id=call_id, unsealed_at=now, unsealed_by=by)
            await Unsealing.bulk_create([unsealing], ignore_conflicts=True, using_db=client)

        await self._database.ask(record)

    async def flush(self, timeout: float = COMMIT_LIMIT) -> bool:
        """
        Wait until everything queued is on disk; ``False`` when *timeout* seconds were too few.
        """
        return await self._writer.flush(timeout)

    async def close(self, timeout: float = COMMIT_LIMIT) -> bool:
        """
        Flush for at most *timeout* seconds, then close; closing again does nothing.
        """
        if self._closed:
            return True
        self._closed = True
        try:
            return await self._writer.stop(timeout)
        finally:
            await self._database.close(timeout)
