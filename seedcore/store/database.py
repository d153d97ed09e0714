"""
One connection to the database: opening it, isolation from the host, closing.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import contextvars
import sqlite3
import threading
import weakref
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Self, TypeVar

from tortoise.backends.sqlite.client import SqliteClient
from tortoise.context import TortoiseContext
from tortoise.models import Model

from seedcore.errors import DatabaseError
from seedcore.store.address import sqlite_file
from seedcore.store.models import APP
from seedcore.store.reasons import CLOSED, PAUSE, is_busy, reason, unusable
from seedcore.store.rows import Rows
from seedcore.store.schema import APPS, migrate, migration_lock

Answer = TypeVar("Answer")

_PRAGMAS = {
    "journal_mode": "WAL",
    "synchronous": "FULL",  # a row survives the loss of power
    # Tortoise cuts the log down to 16 kB after every checkpoint, and growing it again makes a
    # commit last half as long again.
    "journal_size_limit": 64 * 2**20,
}


class IsolatedContext(TortoiseContext):
    """
    A Tortoise set-up that a host doesn't notice.

    Tortoise's own ``init`` writes USE_TZ and TIMEZONE to the environment, forgets the cached
    time zone and replaces the global router, so a host with another time zone or a router
    would be changed by opening our database. None of it is needed here: no model has a
    datetime, and each query names its connection. Not writing is simpler than putting back,
    and right in a host with threads too.
    """

    def _init_timezone(self, use_tz: bool, timezone: str) -> None:  # noqa: FBT001 - theirs
        self._use_tz, self._timezone = use_tz, timezone

    def _init_routers(self, routers: list[str | type] | None = None) -> None:  # noqa: ARG002
        self._routers = []


class Database:
    """
    An open and migrated database.
    """

    OPEN_LIMIT = 30.0
    """Seconds to wait for other processes that open it at the same time."""
    ANSWER_LIMIT = 5.0
    """Seconds a question may wait for somebody else's lock."""
    BUSY_TIMEOUT = 100
    """Milliseconds SQLite waits for a lock by itself; its thread can't be interrupted."""

    def __init__(self, name: str, client: SqliteClient, context: TortoiseContext) -> None:
        self.name = name
        self.client = client
        self.dialect = client.capabilities.dialect
        self._closed = False
        self._variables = contextvars.copy_context()
        self._variables.run(context.__enter__)
        _open_clients.add(client)

    @classmethod
    async def open(cls, url: str) -> Self:
        """
        Open *url* and bring its tables up to date, or raise a ``DatabaseError``.
        """
        path = sqlite_file(url)
        async with migration_lock(path, cls.OPEN_LIMIT):
            return await _answered(lambda: cls._connect(path), path, cls.OPEN_LIMIT)

    async def ask(self, question: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
        """
        Return the answer of *question*, or raise a ``DatabaseError``.
        """
        self._refuse_when_closed()
        # Tortoise finds its set-up through a context variable, and entering the set-up here
        # would not be safe with concurrent callers: each question is a task that inherits it.
        answer = _answered(question, self.name, self.ANSWER_LIMIT)
        return await asyncio.create_task(answer, context=self._variables.copy())

    async def rows(
        self,
        model: type[Model],
        columns: Sequence[str],
        *order: str,
        limit: int | None = None,
        **filters: object,
    ) -> list[dict[str, Any]]:
        """
        Return the rows whose columns equal *filters*; a filter that is ``None`` doesn't count.
        """
        wanted = {name: value for name, value in filters.items() if value is not None}

        async def answer() -> list[dict[str, Any]]:
            chosen = model.filter(**wanted).using_db(self.client).order_by(*order)
            return await (chosen if limit is None else chosen.limit(limit)).values(*columns)

        return await self.ask(answer)

    async def insert(self, statement: str, rows: Rows, limit: float) -> None:
        """
        Write *rows* in one transaction, durable on return; waits *limit* seconds for a lock.

        Raises what the database raised, for the writer to tell rows and database apart.
        """
        self._refuse_when_closed()
        await _while_locked(lambda: self._insert(statement, rows), limit)

    async def _insert(self, statement: str, rows: Rows) -> None:
        # Tortoise's execute_many makes three trips to SQLite's thread instead of one, and
        # leaves its transaction open when it is cancelled or when the COMMIT fails.
        async with self.client.acquire_connection() as connection:
            trip = connection._execute  # noqa: SLF001 - there is no public way
            await trip(_transaction, connection._conn, statement, rows)  # noqa: SLF001

    async def close(self, timeout: float) -> None:
        """
        Close the connection and end its thread, or leave it alone while the disk hangs.
        """
        self._closed = True
        closing = asyncio.ensure_future(self.client.close())
        done, _ = await asyncio.wait({closing}, timeout=timeout)
        if done and (error := closing.exception()) is not None:
            raise unusable(self.name, reason(error)) from error

    def _refuse_when_closed(self) -> None:
        if self._closed:  # where Tortoise would silently connect anew
            raise unusable(self.name, CLOSED)

    @classmethod
    async def _connect(cls, path: str) -> Self:
        credentials = {"file_path": path, "busy_timeout": cls.BUSY_TIMEOUT, **_PRAGMAS}
        engine = {"engine": "tortoise.backends.sqlite", "credentials": credentials}
        with IsolatedContext() as context:
            await context.init({"connections": {APP: engine}, "apps": APPS})
            client = context.db(APP)
            assert isinstance(client, SqliteClient)
            async with contextlib.AsyncExitStack() as on_failure:
                on_failure.push_async_callback(client.close)
                await _to_the_end(client.create_connection(with_db=True))
                await migrate(client, path)
                on_failure.pop_all()
        return cls(path, client, context)


async def _to_the_end(connecting: Coroutine[Any, Any, None]) -> None:
    """
    Wait until *connecting* has ended, also when cancelled: else its thread has nobody to tell.
    """
    task = asyncio.ensure_future(connecting)
    try:
        await asyncio.shield(task)
    finally:
        await task


def _transaction(connection: sqlite3.Connection, statement: str, rows: Rows) -> None:
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(statement, rows)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


async def _answered(act: Callable[[], Awaitable[Answer]], name: str, limit: float) -> Answer:
    try:
        return await _while_locked(act, limit)
    except DatabaseError:
        raise
    except Exception as error:
        raise unusable(name, reason(error)) from error


async def _while_locked(act: Callable[[], Awaitable[Answer]], limit: float) -> Answer:
    clock = asyncio.get_running_loop().time
    deadline = clock() + limit
    while True:
        try:
            return await act()
        except Exception as error:
            if not is_busy(error) or clock() >= deadline:
                raise
        await asyncio.sleep(PAUSE)


_open_clients: weakref.WeakSet[SqliteClient] = weakref.WeakSet()


def _end_forgotten_threads() -> None:
    for client in list(_open_clients):
        connection = client._connection  # noqa: SLF001 - the client can only close by awaiting
        if connection is not None:
            connection.stop()


# aiosqlite's threads are not daemons, and the interpreter joins those before it runs what
# ``atexit`` knows: a database that nobody closed would keep the process alive for ever.
getattr(threading, "_register_atexit", atexit.register)(_end_forgotten_threads)
