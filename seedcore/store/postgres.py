"""
PostgreSQL through asyncpg: a pool of connections, and limits that hold when a server hangs.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, Self

from seedcore.errors import DatabaseError
from seedcore.store.address import Address, missing_driver
from seedcore.store.database import Answer, Batch, Database, IsolatedContext, answered
from seedcore.store.reasons import (
    PAUSE,
    READ_ONLY,
    is_disconnected,
    is_known,
    is_starting,
    reason,
    unusable,
)
from seedcore.store.rows import spoken
from seedcore.store.schema import apps, migrate

if TYPE_CHECKING:
    import asyncpg
    from tortoise.backends.asyncpg.client import AsyncpgDBClient

ALIAS = "seedcore_postgres"
"""Connection alias; Tortoise keeps queries by alias, so SQLite has another."""

CONNECT_LIMIT = 10.0
"""Seconds to connect to a server."""
SHORTEST = 1.0
"""Seconds that any transaction gets: on a network, even those that shall not wait."""
MANY = 10
"""Rows from which on COPY is quicker than executemany, half as much again at 50."""
MIGRATING = int.from_bytes(b"seedcore")
"""The advisory lock of who brings the tables up to date."""


class PostgresDatabase(Database):
    """
    An open PostgreSQL database.
    """

    dialect = "postgres"
    client: AsyncpgDBClient

    @classmethod
    async def open(cls, address: Address, *, pool_size: int, migrating: bool = True) -> Self:
        """
        Connect, one process at a time while the tables are made, or raise a ``DatabaseError``.
        """
        try:
            import asyncpg  # noqa: F401 - to say what is missing before anything else
        except ImportError:
            raise missing_driver() from None
        try:
            # A server that hangs in the middle of it answers none of the questions below.
            async with asyncio.timeout(cls.OPEN_LIMIT + CONNECT_LIMIT):
                return await cls._open(address, pool_size, migrating=migrating)
        except TimeoutError as error:
            raise unusable(address.name, reason(error)) from error

    @classmethod
    async def _open(cls, address: Address, pool_size: int, *, migrating: bool) -> Self:
        async with _alone(address, cls.OPEN_LIMIT) as connection:
            if migrating and await connection.fetchval(_IS_READ_ONLY):
                raise unusable(address.name, READ_ONLY)
            database = await answered(
                lambda: cls._connect(address, pool_size, migrating=migrating),
                address.name,
                cls.OPEN_LIMIT,
            )
            async with contextlib.AsyncExitStack() as on_failure:
                on_failure.push_async_callback(database.close, cls.ANSWER_LIMIT)
                if migrating and not await connection.fetchval(_MAY_INSERT):
                    what = "this user may not write its tables; GRANT it the rights"
                    raise unusable(address.name, what)
                on_failure.pop_all()
        return database

    @classmethod
    async def _connect(cls, address: Address, pool_size: int, *, migrating: bool) -> Self:
        pool = {"minsize": 0, "maxsize": pool_size, "timeout": CONNECT_LIMIT, "reset": _nothing}
        # Else each try that was given up would wait on, with a connection, as long as a lock does.
        session = {"lock_timeout": f"{cls.ANSWER_LIMIT:g}s", "application_name": "seedcore"}
        credentials = {"user": None, **address.credentials, **pool, "server_settings": session}
        engine = {"engine": "tortoise.backends.asyncpg", "credentials": credentials}
        with IsolatedContext() as context:
            await context.init({"connections": {ALIAS: engine}, "apps": apps(ALIAS)})
            client: Any = context.db(ALIAS)
            async with contextlib.AsyncExitStack() as on_failure:
                on_failure.push_async_callback(client.close)
                await client.create_connection(with_db=True)
                await migrate(client, address.name, apps(ALIAS), migrating=migrating)
                on_failure.pop_all()
        client.acquire_connection = functools.partial(_lent, client)
        return cls(address.name, client, context)

    async def execute(self, statement: str, *values: Any, limit: float | None = None) -> int:
        """
        Execute *statement* in a transaction of its own; return how many rows it changed.
        """

        async def answer() -> int:
            async with self.client.acquire_connection() as connection:
                # Of "INSERT 0 1" Tortoise takes the first number, which is always 0.
                status = await connection.execute(spoken(statement, self.dialect), *values)
                return int(status.rpartition(" ")[2])

        return await self.ask(answer, limit)

    async def size(self) -> int:
        """
        Return the bytes of our tables, their indexes included.
        """
        [row] = await self.fetch(_SIZE)
        return int(row["bytes"] or 0)

    async def _limited(
        self, question: Callable[[], Coroutine[Any, Any, Answer]], limit: float
    ) -> Answer:
        async with asyncio.timeout(limit):
            return await _twice(question)

    async def _write(self, batches: Sequence[Batch], limit: float) -> None:
        async with asyncio.timeout(max(limit, SHORTEST)):
            await _twice(lambda: self._transaction(batches))

    async def _transaction(self, batches: Sequence[Batch]) -> None:
        async with self.client.acquire_connection() as connection:
            try:
                await _written(connection, batches, copying=True)
            except Exception as error:
                if not is_known(error):
                    raise
                # Some rows are there already, which COPY can't pass over.
                await _written(connection, batches, copying=False)

    def _abandon(self) -> None:
        if self.client._pool is not None:  # noqa: SLF001 - the client can only close by waiting
            self.client._pool.terminate()  # noqa: SLF001


async def _written(
    connection: asyncpg.Connection, batches: Sequence[Batch], *, copying: bool
) -> None:
    """
    Write *batches* in one transaction; one batch is a transaction by itself, two trips cheaper.
    """
    if len(batches) == 1:
        await _write(connection, batches[0], copying=copying)
        return
    async with connection.transaction():
        for batch in batches:
            await _write(connection, batch, copying=copying)


async def _write(connection: asyncpg.Connection, batch: Batch, *, copying: bool) -> None:
    if copying and batch.table is not None and len(batch.rows) >= MANY:
        table = batch.table
        await connection.copy_records_to_table(
            table.name, records=batch.rows, columns=table.columns
        )
    else:
        await connection.executemany(batch.statement, batch.rows)


async def _nothing(_: asyncpg.Connection) -> None:
    """
    Spare a question per use: no session of ours has a state to be reset.
    """


async def _twice(act: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
    """
    Try again on a new connection when the first turns out to be dead: the server was restarted.

    Whatever is asked here may be asked twice: reads, compare-and-set, rows with unique ids.
    """
    try:
        return await act()
    except Exception as error:
        if not is_disconnected(error):
            raise
    return await act()


@contextlib.asynccontextmanager
async def _lent(client: AsyncpgDBClient) -> AsyncIterator[asyncpg.Connection]:
    """
    Lend a connection of the pool, and end it if its user was interrupted.

    The pool would first wait for the server to answer, which one that hangs never does.
    """
    pool: Any = client._pool  # noqa: SLF001 - Tortoise offers no other way
    connection = await pool.acquire()
    try:
        yield connection
    except (asyncio.CancelledError, TimeoutError):
        connection.terminate()
        raise
    finally:
        await pool.release(connection)


@contextlib.asynccontextmanager
async def _alone(address: Address, limit: float) -> AsyncIterator[asyncpg.Connection]:
    """
    Keep other processes from bringing the tables up to date; wait at most *limit* seconds.

    Tortoise's migrations have no lock. A connection of its own holds this one, so that it
    ends with its process.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + limit
    connection = await _connection(address, deadline)
    try:
        locked = False
        while not locked and clock() < deadline:
            locked = await connection.fetchval("SELECT pg_try_advisory_lock($1)", MIGRATING)
            await asyncio.sleep(0 if locked else PAUSE)
        if not locked:
            what = f"another process has been opening it for {limit:g} s; end that process"
            raise unusable(address.name, what)  # noqa: TRY301 - the others become one, too
        yield connection
    except DatabaseError:
        raise
    except Exception as error:
        raise unusable(address.name, reason(error)) from error
    finally:
        connection.terminate()


async def _connection(address: Address, deadline: float) -> asyncpg.Connection:
    import asyncpg

    clock = asyncio.get_running_loop().time
    while True:
        try:
            async with asyncio.timeout(CONNECT_LIMIT):
                return await asyncpg.connect(**address.credentials)
        except Exception as error:
            if not is_starting(error) or clock() >= deadline:
                raise unusable(address.name, reason(error)) from error
        await asyncio.sleep(PAUSE)


_IS_READ_ONLY = "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on'"
_MAY_INSERT = (
    "SELECT bool_and(has_table_privilege(name, 'SELECT') AND has_table_privilege(name, 'INSERT') "
    "AND has_table_privilege(name, 'UPDATE') AND has_table_privilege(name, 'DELETE')) "
    "FROM unnest(ARRAY['seedcore_calls', 'seedcore_failures', 'seedcore_breakers', "
    "'seedcore_gates', 'seedcore_claims', 'seedcore_namespaces', 'seedcore_presets']) AS name"
)
_SIZE = (
    "SELECT sum(pg_total_relation_size(oid))::bigint AS bytes FROM pg_class "
    "WHERE relkind = 'r' AND relname LIKE 'seedcore\\_%' "
    "AND relnamespace = current_schema()::regnamespace"
)
