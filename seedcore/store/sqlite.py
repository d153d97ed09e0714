"""
SQLite: one connection in a thread of its own, write-ahead logging, every commit on the disk.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import errno
import sqlite3
import threading
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from tortoise.backends.sqlite.client import SqliteClient
from tortoise.context import TortoiseContext

from seedcore.store.address import Address
from seedcore.store.database import Batch, Database, IsolatedContext, answered
from seedcore.store.schema import apps, file_lock, migrate

if TYPE_CHECKING:
    import aiosqlite

Answer = TypeVar("Answer")

ALIAS = "seedcore"
"""Connection alias, so that no host's own is touched."""

GONE = "its file was deleted or replaced; put it back, and start the program again"

_PRAGMAS = {
    "journal_mode": "WAL",
    "synchronous": "FULL",  # a row survives the loss of power
    # Tortoise cuts the log down to 16 kB after every checkpoint, and growing it again makes a
    # commit last half as long again.
    "journal_size_limit": 64 * 2**20,
}


class SqliteDatabase(Database):
    """
    An open SQLite file, or one in memory.
    """

    dialect = "sqlite"

    BUSY_TIMEOUT = 100
    """Milliseconds SQLite waits for a lock by itself; its thread can't be interrupted."""

    client: SqliteClient

    def __init__(
        self, name: str, client: SqliteClient, context: TortoiseContext, file: Path | None
    ) -> None:
        super().__init__(name, client, context)
        # Absolute: a host may change its directory.
        self._file = None if file is None else file.absolute()
        self._seen = None if file is None else _identity(file)
        connection = client._connection  # noqa: SLF001 - the client can only close by awaiting
        assert connection is not None
        _open_connections.add(connection)

    @classmethod
    async def open(cls, address: Address, *, migrating: bool = True) -> Self:
        """
        Open the file, creating it where it is missing, or raise a ``DatabaseError``.
        """
        async with file_lock(address, cls.OPEN_LIMIT):
            return await answered(
                lambda: cls._connect(address, migrating=migrating), address.name, cls.OPEN_LIMIT
            )

    @classmethod
    async def _connect(cls, address: Address, *, migrating: bool) -> Self:
        credentials = {"file_path": address.path, "busy_timeout": cls.BUSY_TIMEOUT, **_PRAGMAS}
        engine = {"engine": "tortoise.backends.sqlite", "credentials": credentials}
        with IsolatedContext() as context:
            await context.init({"connections": {ALIAS: engine}, "apps": apps(ALIAS)})
            client = context.db(ALIAS)
            assert isinstance(client, SqliteClient)
            async with contextlib.AsyncExitStack() as on_failure:
                on_failure.push_async_callback(client.close)
                await _to_the_end(client.create_connection(with_db=True))
                await migrate(client, address.name, apps(ALIAS), migrating=migrating)
                on_failure.pop_all()
        return cls(address.name, client, context, None if address.in_memory else Path(address.path))

    async def size(self) -> int:
        """
        Return the bytes of the file and its log.
        """
        files = (Path(f"{self.name}{end}") for end in ("", "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    async def _close(self) -> None:
        connection = self.client._connection  # noqa: SLF001 - the same
        await self.client.close()
        if connection is not None:
            _open_connections.discard(connection)

    async def _limited(
        self,
        question: Callable[[], Coroutine[Any, Any, Answer]],
        limit: float,
    ) -> Answer:
        self._check_file()
        return await super()._limited(question, limit)

    def _check_file(self) -> None:
        """
        Refuse to go on in a file that was deleted or replaced: whatever is written there is lost.
        """
        if self._file is not None and _identity(self._file) != self._seen:
            raise FileNotFoundError(errno.ENOENT, GONE)

    async def _write(self, batches: Sequence[Batch], limit: float) -> None:  # noqa: ARG002
        self._check_file()
        # Tortoise's execute_many makes three trips to SQLite's thread instead of one, and
        # leaves its transaction open when it is cancelled or when the COMMIT fails.
        async with self.client.acquire_connection() as connection:
            trip = connection._execute  # noqa: SLF001 - there is no public way
            await trip(_transaction, connection._conn, batches)  # noqa: SLF001


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


async def _to_the_end(connecting: Coroutine[Any, Any, None]) -> None:
    """
    Wait until *connecting* has ended, also when cancelled: else its thread has nobody to tell.
    """
    task = asyncio.ensure_future(connecting)
    try:
        await asyncio.shield(task)
    finally:
        await task


def _transaction(connection: sqlite3.Connection, batches: Sequence[Batch]) -> None:
    try:
        connection.execute("BEGIN IMMEDIATE")
        for batch in batches:
            connection.executemany(batch.statement, batch.rows)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


_open_connections: set[aiosqlite.Connection] = set()


def _end_forgotten_threads() -> None:
    for connection in list(_open_connections):
        connection.stop()


# aiosqlite's threads are not daemons, and the interpreter joins those before it runs what
# ``atexit`` knows: a database that nobody closed would keep the process alive for ever.
getattr(threading, "_register_atexit", atexit.register)(_end_forgotten_threads)
