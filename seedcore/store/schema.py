"""
Creating and updating the tables, one process at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import IO, Any

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.exceptions import OperationalError
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget
from tortoise.models import Model

from seedcore.store.address import Address
from seedcore.store.models import APP, AccessKey, Day, Revealing, SavedPreset, Unsealing
from seedcore.store.reasons import PAUSE, is_busy, unusable

try:
    import fcntl
except ImportError:  # Windows, where several processes at a database's first start may clash
    fcntl = None  # type: ignore[assignment]

LAST_TABLES: Mapping[str, type[Model]] = {
    "0001_initial": Unsealing,
    "0002_shared_state": Day,
    "0003_presets": SavedPreset,
    "0004_logs": Revealing,
    "0005_routes_and_keys": AccessKey,
}
"""What each migration makes last: a table that is there says that all of it is."""


def apps(alias: str) -> dict[str, dict[str, Any]]:
    """
    Return Tortoise's description of our models, on the connection called *alias*.
    """
    migrations = "seedcore.store.migrations"
    described = {"models": ["seedcore.store.models"], "migrations": migrations}
    return {APP: {**described, "default_connection": alias}}


async def migrate(
    client: BaseDBAsyncClient, name: str, described: dict[str, dict[str, Any]], *, migrating: bool
) -> None:
    """
    Bring the tables up to date if *migrating*; the caller holds the lock.

    Raises ``DatabaseError`` if a newer version made them.
    """
    executor = MigrationExecutor(client, described)
    await executor.loader.build_graph()
    applied = {key.name for key in executor.loader.applied_migrations if key.app_label == APP}
    known = sorted(key.name for key in executor.loader.disk_migrations if key.app_label == APP)
    newer = sorted(applied.difference(known))
    if newer:
        raise unusable(name, f"a newer seedcore wrote it (schema {newer[-1]}); update seedcore")
    if not migrating or applied.issuperset(known):
        return
    for migration in known:
        # Tortoise commits a migration first and its record after it: a process killed in
        # between would leave a database that no later start could open.
        if migration not in applied and await _exists(LAST_TABLES[migration], client):
            await executor.migrate([MigrationTarget(APP, migration)], fake=True)
    await executor.migrate(direction="forward")


async def migrations(client: BaseDBAsyncClient, alias: str) -> dict[str, bool]:
    """
    Return the migrations in order, and whether each was applied.
    """
    executor = MigrationExecutor(client, apps(alias))
    await executor.loader.build_graph()
    applied = {key.name for key in executor.loader.applied_migrations if key.app_label == APP}
    known = sorted(key.name for key in executor.loader.disk_migrations if key.app_label == APP)
    return {migration: migration in applied for migration in known}


async def _exists(model: type[Model], client: BaseDBAsyncClient) -> bool:
    try:
        await model.all().using_db(client).exists()
    except OperationalError as error:
        if is_busy(error):
            raise
        return False
    return True


@contextlib.asynccontextmanager
async def file_lock(address: Address, limit: float) -> AsyncIterator[None]:
    """
    Keep other processes from opening the SQLite file; wait at most *limit* seconds.

    Tortoise's migrations have no lock: of several first starts only one would succeed.
    """
    if address.in_memory or fcntl is None:
        yield
        return
    clock = asyncio.get_running_loop().time
    deadline = clock() + limit
    try:
        while (file := _locked_file(address.path)) is None:
            if clock() >= deadline:
                what = f"another process has been opening it for {limit:g} s; end that process"
                raise unusable(address.name, what)
            await asyncio.sleep(PAUSE)
    except OSError as error:
        what = f"{error.strerror} for the lock file next to it; check the directory's permissions"
        raise unusable(address.name, what) from error
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
