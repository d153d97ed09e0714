"""
Creating and updating the tables, one process at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO, Any

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.exceptions import OperationalError
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget

from seedcore.store.address import MEMORY
from seedcore.store.models import APP, Unsealing
from seedcore.store.reasons import PAUSE, is_busy, unusable

try:
    import fcntl
except ImportError:  # Windows, where several processes at a database's first start may clash
    fcntl = None  # type: ignore[assignment]

APPS: dict[str, dict[str, Any]] = {
    APP: {
        "models": ["seedcore.store.models"],
        "migrations": "seedcore.store.migrations",
        "default_connection": APP,
    }
}
FIRST_MIGRATION = "0001_initial"


async def migrate(client: BaseDBAsyncClient, name: str) -> None:
    """
    Bring the tables up to date; the caller holds the lock.
    """
    executor = MigrationExecutor(client, APPS)
    await executor.loader.build_graph()
    applied = {key for key in executor.loader.applied_migrations if key.app_label == APP}
    newer = sorted(key.name for key in applied - set(executor.loader.disk_migrations))
    if newer:
        raise unusable(name, f"a newer seedcore wrote it (schema {newer[-1]}); update seedcore")
    if not applied and await _has_tables(client):
        # Tortoise commits a migration first and its record after it: a process killed in
        # between would leave a database that no later start could open.
        await executor.migrate([MigrationTarget(APP, FIRST_MIGRATION)], fake=True)
    await executor.migrate(direction="forward")


async def _has_tables(client: BaseDBAsyncClient) -> bool:
    try:
        await Unsealing.all().using_db(client).exists()
    except OperationalError as error:
        if is_busy(error):
            raise
        return False
    return True


@contextlib.asynccontextmanager
async def migration_lock(path: str, limit: float) -> AsyncIterator[None]:
    """
    Keep other processes from opening the database *path*; wait at most *limit* seconds.

    Tortoise's migrations have no lock: of several first starts only one would succeed.
    """
    if path == MEMORY or fcntl is None:
        yield
        return
    clock = asyncio.get_running_loop().time
    deadline = clock() + limit
    try:
        while (file := _locked_file(path)) is None:
            if clock() >= deadline:
                what = f"another process has been opening it for {limit:g} s; end that process"
                raise unusable(path, what)
            await asyncio.sleep(PAUSE)
    except OSError as error:
        what = f"{error.strerror} for the lock file next to it; check the directory's permissions"
        raise unusable(path, what) from error
    with file:
        yield


def _locked_file(path: str) -> IO[bytes] | None:
    # It is never removed, or two processes could each lock a file of this name.
    file = Path(f"{path}.lock").open("ab")  # noqa: SIM115 - open for as long as it is locked
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    except OSError:
        file.close()
        raise
    return file
