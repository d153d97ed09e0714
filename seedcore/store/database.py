"""
One connection to the database: opening it, migrations, isolation from the host, closing.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import threading
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Self, TypeVar

from tortoise.backends.sqlite.client import SqliteClient
from tortoise.context import TortoiseContext
from tortoise.exceptions import OperationalError
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget

from seedcore.errors import DatabaseError
from seedcore.store.address import MEMORY, sqlite_file
from seedcore.store.models import APP, Unsealing
from seedcore.store.reasons import is_busy, reason, unusable

try:
    import fcntl
except ImportError:  # Windows, where several processes at a database's first start may clash
    fcntl = None  # type: ignore[assignment]

Answer = TypeVar("Answer")

FIRST_MIGRATION = "0001_initial"
_APPS: dict[str, dict[str, Any]] = {
    APP: {
        "models": ["seedcore.store.models"],
        "migrations": "seedcore.store.migrations",
        "default_connection": APP,
    }
}
_PAUSE = 0.01
"""Seconds between two tries while somebody else has the database locked."""


class IsolatedContext(TortoiseContext):
    """
    A Tortoise set-up that a host doesn't notice.

    Tortoise's own ``init`` writes USE_TZ and TIMEZONE to the environment, forgets the cached
    time zone and replaces the global router, so a host with another time zone or a router
    would be changed by opening our database. None of it is needed here: no model has a
    datetime, and each query names its connection. Not writing is simpler than putting back,
    and right in a host with threads too.
    """

    def _init_timezone(self, use_tz: bool, timezone: str) -> None:
        self._use_tz, self._timezone = use_tz, timezone

    def _init_routers(self, routers: list[str | type] | None = None) -> None:
        self._routers = []


class Database:
    """
    An open and migrated database; whatever goes wrong is a ``DatabaseError``.
    """

    OPEN_LIMIT = 30.0
    """Seconds to wait for other processes that open it at the same time."""
    ANSWER_LIMIT = 5.0
    """Seconds a question may wait for somebody else's lock."""
    BUSY_TIMEOUT = 100
    """Milliseconds SQLite waits for a lock by itself; its thread can't be interrupted."""

    def __init__(self, name: str, client: SqliteClient) -> None:
        self.name = name
        self.client = client
        self.dialect = client.capabilities.dialect
        self._closed = False

    @classmethod
    async def open(cls, url: str) -> Self:
        """
        Open *url*, create or update its tables.
        """
        path = sqlite_file(url)

        async def connect() -> SqliteClient:
            return await _connect(path, cls.BUSY_TIMEOUT)

        async with _migration_lock(path, cls.OPEN_LIMIT):
            client = await _patiently(connect, path, cls.OPEN_LIMIT)
        _open_clients.add(client)
        return cls(path, client)

    async def ask(self, question: Callable[[], Awaitable[Answer]]) -> Answer:
        """
        Return the answer of *question*, asked again while the database is locked.
        """
        self.check_open()
        return await _patiently(question, self.name, self.ANSWER_LIMIT)

    def check_open(self) -> None:
        """
        Refuse to go on after ``close``: Tortoise would silently connect anew.
        """
        if self._closed:
            raise unusable(self.name, "it was closed; open it again")

    async def roll_back(self) -> None:
        """
        End a transaction that a failed or cancelled commit may have left open.
        """
        with contextlib.suppress(Exception):
            await self.client.execute_query("ROLLBACK")

    async def close(self) -> None:
        """
        Close the connection and end its thread.
        """
        self._closed = True
        await self.client.close()
        _open_clients.discard(self.client)


async def _connect(path: str, busy_timeout: int) -> SqliteClient:
    pragmas = {"journal_mode": "WAL", "synchronous": "FULL", "busy_timeout": busy_timeout}
    engine = {"engine": "tortoise.backends.sqlite", "credentials": {"file_path": path, **pragmas}}
    context = IsolatedContext()
    with context:
        await context.init({"connections": {APP: engine}, "apps": _APPS})
        client = context.db(APP)
        assert isinstance(client, SqliteClient)
        ready = False
        try:
            await client.create_connection(with_db=True)
            await _migrate(client, path)
            ready = True
        finally:
            if not ready:
                await client.close()
    return client


async def _migrate(client: SqliteClient, path: str) -> None:
    executor = MigrationExecutor(client, _APPS)
    await executor.loader.build_graph()
    applied = {key for key in executor.loader.applied_migrations if key.app_label == APP}
    newer = sorted(key.name for key in applied - set(executor.loader.disk_migrations))
    if newer:
        what = f"a newer seedcore wrote it (schema {newer[-1]}); update seedcore"
        raise unusable(path, what)
    if not applied and await _has_tables(client):
        # Tortoise commits a migration first and its record after it: a process killed in
        # between would leave a database that no later start could open.
        await executor.migrate([MigrationTarget(APP, FIRST_MIGRATION)], fake=True)
    await executor.migrate(direction="forward")


async def _has_tables(client: SqliteClient) -> bool:
    try:
        await Unsealing.all().using_db(client).exists()
    except OperationalError as error:
        if is_busy(error):
            raise
        return False
    return True


async def _patiently(act: Callable[[], Awaitable[Answer]], name: str, limit: float) -> Answer:
    clock = asyncio.get_running_loop().time
    deadline = clock() + limit
    while True:
        try:
            return await act()
        except DatabaseError:
            raise
        except Exception as error:
            if not is_busy(error) or clock() >= deadline:
                raise unusable(name, reason(error)) from error
        await asyncio.sleep(_PAUSE)


@contextlib.asynccontextmanager
async def _migration_lock(path: str, limit: float) -> AsyncIterator[None]:
    # Tortoise's migrations have no lock: of several first starts only one would succeed. The
    # file stays, since removing it would let two processes lock two different files.
    if path == MEMORY or fcntl is None:
        yield
        return
    try:
        file = open(f"{path}.lock", "ab")  # noqa: ASYNC230, SIM115 - closed below
    except OSError as error:
        what = f"{error.strerror} for the lock file next to it; check the directory's permissions"
        raise unusable(path, what) from error
    with file:
        deadline = asyncio.get_running_loop().time() + limit
        while not _try_lock(file.fileno()):
            if asyncio.get_running_loop().time() >= deadline:
                what = f"another process has been opening it for {limit:g} s; end that process"
                raise unusable(path, what)
            await asyncio.sleep(_PAUSE)
        yield


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


_open_clients: weakref.WeakSet[SqliteClient] = weakref.WeakSet()


def _end_forgotten_threads() -> None:
    for client in list(_open_clients):
        if client._connection is not None:
            client._connection.stop()


# aiosqlite's threads are not daemons, and the interpreter joins those before it runs what
# ``atexit`` knows: a database that nobody closed would keep the process alive for ever.
getattr(threading, "_register_atexit", atexit.register)(_end_forgotten_threads)
