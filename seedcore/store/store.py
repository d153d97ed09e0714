"""
The audit database as the runner sees it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from seedcore.errors import DatabaseError
from seedcore.events import Event, Sink
from seedcore.model import AuditRecord, AuditState, FailureRecord, LogRecord
from seedcore.store.address import Address, address_of
from seedcore.store.claims import Claim, Claims
from seedcore.store.database import Database
from seedcore.store.drain import Drained, drain_mine, drain_the_dead
from seedcore.store.entries import Entry
from seedcore.store.keys import AccessKeys
from seedcore.store.logs import StoredLogs
from seedcore.store.models import Unsealing
from seedcore.store.presets import StoredPresets
from seedcore.store.queries import Queries
from seedcore.store.reasons import reason
from seedcore.store.routes import StoredRoutes
from seedcore.store.rows import CALLS, FAILURES, LOGS
from seedcore.store.spool import Spool
from seedcore.store.state import SharedState
from seedcore.store.upkeep import Upkeep
from seedcore.store.writer import Writer

if TYPE_CHECKING:
    from seedcore.store.imports import StoredImports

POOL_SIZE = 5


class Store:
    """
    One open audit database; all errors are ``DatabaseError``, all limits seconds.
    """

    COMMIT_LIMIT = 5.0
    """Seconds after which a row that can't be written goes to the spool."""
    FAILURES_KEPT = 10_000
    """Failure rows that wait at most for a database that doesn't answer."""

    def __init__(
        self, address: Address, database: Database, spool: Spool | None, tell: Sink
    ) -> None:
        self.name = address.name
        """The path or address of the database, or ``:memory:``; no user name, no password."""
        self.spool = spool
        self.owner = spool.owner if spool is not None else f"{id(self):x}"
        """The name of this process among those that use the database."""
        self.queries = Queries(database)
        self.state = SharedState(database)
        self.claims = Claims(database, self.owner)
        self.presets = StoredPresets(database)
        self.logs = StoredLogs(database)
        self.routes = StoredRoutes(database)
        self.keys = AccessKeys(database)
        self.upkeep = Upkeep(database, spool)
        self._database = database
        self._tell = tell
        self._closed = False
        self._looked_for_dead = 0.0
        self._writer = Writer(
            database,
            spool,
            commit_limit=self.COMMIT_LIMIT,
            failures_kept=self.FAILURES_KEPT,
            tell=tell,
        )

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        pool_size: int = POOL_SIZE,
        spool_directory: str | None = None,
        migrating: bool = True,
        tell: Sink | None = None,
    ) -> Self:
        """
        Open ``sqlite://file``, ``sqlite:///absolute/file``, ``sqlite://:memory:`` or
        ``postgres://user:password@host/database``, and write what was spooled by processes
        that are gone.

        Creates file and tables where they are missing, unless not *migrating*. *tell* receives
        the events ``audit_spooling`` and ``audit_drained``.
        """
        address = address_of(url)
        database = await open_database(address, pool_size=pool_size, migrating=migrating)
        store = cls(address, database, spool_of(address, spool_directory), tell or _nobody)
        try:
            if migrating:
                with contextlib.suppress(DatabaseError):  # what is spooled stays where it is
                    await store.drain()
        except BaseException:  # its caller gave up, and would have nothing to close
            await store.close()
            raise
        return store

    @property
    def dropped_failures(self) -> int:
        """
        Failure rows that were given up.
        """
        return self._writer.dropped

    @property
    def imports(self) -> StoredImports:
        """
        What adds the rows of other programs.
        """
        from seedcore.store.imports import StoredImports  # which only an operator needs

        return StoredImports(self._database)

    async def write(
        self,
        record: AuditRecord | None,
        claim: Claim | None = None,
        result: str | None = None,
        *,
        log: LogRecord | None = None,
    ) -> AuditState:
        """
        Write the row of a successful call, and in the same transaction that *claim* is done
        with *result*, and where its spoiler *log* is.

        Returns ``durable`` when they are in the database, ``spooled`` when they are on the disk
        of this machine until the database is back. A second row with the same call_id is
        ignored.
        """
        parts: dict[str, list[Any]] = {}
        call_id = record.call_id if record else claim.call_id if claim else ""
        if record is not None:
            try:
                parts["calls"] = CALLS.row(record)
            except Exception as error:
                msg = f"The audit row of call {call_id} can't be written: {reason(error)}."
                raise DatabaseError(msg) from error
        if log is not None:
            parts["logs"] = LOGS.row(log)
        if claim is not None:
            parts["claims"] = [result, claim.call_id, claim.token]
        return await self._writer.add(Entry(call_id, parts))

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

    async def claim(
        self, call_id: str, *, provider: str, operation: str, fingerprint: str
    ) -> Claim:
        """
        Claim a call_id given by its caller; return its claim, whoever's it is.
        """
        if self.spool is not None:
            with contextlib.suppress(OSError):  # then others wait until the claim expires
                self.spool.live()
        facts = {"provider": provider, "operation": operation, "fingerprint": fingerprint}
        claim = await self.claims.take(call_id, **facts)
        if not claim.mine and not claim.done and self._may_look_for_dead():
            await self._bury()
            claim = await self.claims.take(call_id, **facts)
        return claim

    async def drain(self) -> Drained:
        """
        Write what this process and those that are gone have spooled.
        """
        total = Drained()
        if self.spool is not None:
            try:
                await drain_mine(self._database, self.spool, total)
                await drain_the_dead(self._database, self.spool, total)
            except DatabaseError:
                raise
            except Exception as error:
                msg = f"The spool {self.spool.directory} can't be drained: {reason(error)}."
                raise DatabaseError(msg) from error
            finally:
                self._say_drained(total)
        return total

    async def check_writable(self, limit: float) -> None:
        """
        Raise ``DatabaseError`` unless rows can be changed within *limit* seconds.
        """
        await self._database.check_writable(limit)

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
            await self.claims.close()
            written = await self._writer.stop(timeout)
            if self.spool is not None and self.spool.has_lines:
                # Perhaps the database has just come back.
                with contextlib.suppress(DatabaseError, TimeoutError):
                    async with asyncio.timeout(timeout):
                        await self.drain()
            return written
        finally:
            if self.spool is not None:
                self.spool.close()
            await self._database.close(timeout)

    async def _bury(self) -> None:
        total = Drained()
        assert self.spool is not None
        with contextlib.suppress(OSError, DatabaseError):
            await drain_the_dead(self._database, self.spool, total)
        self._say_drained(total)

    def _may_look_for_dead(self) -> bool:
        # Several calls may wait for the claims of one process that has died.
        now = asyncio.get_running_loop().time()
        if self.spool is None or now - self._looked_for_dead < Writer.LOOK_AGAIN:
            return False
        self._looked_for_dead = now
        return True

    def _say_drained(self, total: Drained) -> None:
        if total.written or total.torn:
            self._tell(total.event())


async def open_database(address: Address, *, pool_size: int, migrating: bool = True) -> Database:
    """
    Open the database at *address*, its tables up to date if *migrating*.

    Raises ``DatabaseError`` with the reason and the remedy.
    """
    if address.dialect == "postgres":
        from seedcore.store.postgres import PostgresDatabase

        return await PostgresDatabase.open(address, pool_size=pool_size, migrating=migrating)
    from seedcore.store.sqlite import SqliteDatabase

    return await SqliteDatabase.open(address, migrating=migrating)


def spool_of(address: Address, directory: str | None) -> Spool | None:
    """
    Return the spool of a database: in *directory*, else beside it; none for one in memory.
    """
    if address.in_memory:
        return None
    beside = f"{address.path}.spool" if address.dialect == "sqlite" else "seedcore.spool"
    return Spool(Path(directory or beside).absolute(), address.key)


def _nobody(_: Event) -> None:
    """
    Receive what happens where nobody wants to know.
    """
